"""A real little OpenAI-compatible server over a tiny model, which gives log-probabilities and fails when told to.

with WireServer(engine) as server: ...     # server.url; .faults, .drops, .refuses, .quirks and .reshape change it
"""

import json
import random
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from core.engines import Chat, Message, Sampling
from core.engines.hf import HFEngine
from core.models.finding import ModelRef, reference
from core.rubrics import load_rubric
from tests.tiny import TEMPLATE

LABELS = load_rubric("five_criteria").labels
KEYS = [criterion.key for criterion in load_rubric("five_criteria").criteria]


def judge_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE whose vocabulary has the verdicts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=560,
        special_tokens=["<|pad|>", "<|start|>", "<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    words = " ".join(["verdicts", *LABELS, *KEYS, "wood metal glass - assistant user system\n A B C Answer:"])
    tokenizer.train_from_iterator([words] * 3, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        eos_token="<|end|>",
        bos_token="<|start|>",
        chat_template=TEMPLATE,
    )


def tiny_judge(folder: Path) -> ModelRef:
    """Two layers, taught for a second that a verdict follows a criterion's key, so that verdicts are likely words."""
    torch.manual_seed(0)
    tokenizer = judge_tokenizer()
    ids = (tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        **dict(zip(("pad_token_id", "bos_token_id", "eos_token_id"), ids, strict=True)),
    )
    model = LlamaForCausalLM(config)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so little a model is taught thirty times faster without the others
    _teach(model, tokenizer)
    torch.set_num_threads(threads)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return reference(folder, "tiny-judge", "made for a test")


def _teach(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, steps: int = 40) -> None:
    draw = random.Random(0)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        texts = [f"- {draw.choice(KEYS)}: {draw.choice(LABELS)}<|end|>\n" * 3 for _ in range(8)]
        texts += [f"\nAnswer: {draw.choice(['wood', 'metal', 'glass'])}<|end|>" for _ in range(4)]
        batch = tokenizer(texts, return_tensors="pt", padding=True)
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    model.eval()


QUIRKS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "one token": lambda body: 1 in (body.get("max_tokens"), body.get("max_completion_tokens")),
    "max_tokens": lambda body: "max_tokens" in body,
    "temperature": lambda body: body.get("temperature", 1.0) != 1.0,
    "top_p": lambda body: body.get("top_p", 1.0) != 1.0,
    "both": lambda body: {"temperature", "top_p"} <= set(body),
    "system": lambda body: any(turn["role"] == "system" for turn in body["messages"]),
    "seed": lambda body: "seed" in body,
    "logprobs": lambda body: "logprobs" in body,
    "n": lambda body: "n" in body,
    "begun": lambda body: body["messages"][-1]["role"] == "assistant",
}
"""Requests that servers were met with that refuse them."""


class WireServer:
    """The engine behind /v1/chat/completions on a free port."""

    def __init__(self, engine: HFEngine) -> None:
        self.engine = engine
        self.faults: list[dict[str, Any]] = []
        """What the next answers are instead: status, headers, body (text), hang (seconds), content."""
        self.drops: set[str] = set()
        """Fields that are ignored with a 200."""
        self.refuses: set[str] = set()
        """Fields that are answered with a 400."""
        self.quirks: dict[str, int] = {}
        """Names of `QUIRKS` → the status that such a request is answered with."""
        self.reshape: Callable[[dict[str, Any]], None] | None = None
        """What is done to every answer before it is sent."""
        self.requests: list[dict[str, Any]] = []
        """Bodies as received, each with `at` (seconds) and `authorization`."""
        self.most_at_once = 0
        self._at_once = 0
        self._counting, self._model = threading.Lock(), threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def clear(self) -> None:
        """As new, for the next test."""
        self.faults, self.drops, self.refuses, self.requests, self.most_at_once = [], set(), set(), [], 0
        self.quirks, self.reshape = {}, None

    # --- answers

    def take(self, body: dict[str, Any], authorization: str) -> tuple[int, dict[str, str], str]:
        """Status, headers and text of the answer to one request."""
        with self._counting:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self.requests.append({**body, "at": time.monotonic(), "authorization": authorization})
            fault = self.faults.pop(0) if self.faults else {}
        try:
            time.sleep(fault.get("hang", 0.0))
            if refused := self.refuses & set(body):
                return 400, {}, json.dumps({"error": {"message": f"Unsupported parameter: {', '.join(refused)}"}})
            for name, status in self.quirks.items():
                if QUIRKS[name](body):
                    return status, {"retry-after-ms": "5"}, json.dumps({"error": {"message": "It cannot be done."}})
            if "status" in fault or "body" in fault:
                return fault.get("status", 200), fault.get("headers", {}), fault.get("body", '{"error": "no"}')
            answer = self._answer({name: value for name, value in body.items() if name not in self.drops})
            if "content" in fault:
                answer["choices"][0] |= {"message": {"role": "assistant", "content": fault["content"]}}
            if self.reshape:
                self.reshape(answer)
            return 200, {}, json.dumps(answer)
        finally:
            with self._counting:
                self._at_once -= 1

    def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        chat = _chat(body)
        longest = body.get("max_tokens", body.get("max_completion_tokens"))
        drawn = Sampling(body.get("temperature", 1.0), body.get("top_p", 1.0), longest)
        seed = body.get("seed", len(self.requests))
        with self._model:
            (group,) = self.engine.generate([chat], [[seed + k for k in range(body.get("n", 1))]], drawn)
            listed = self._listed(chat, body["top_logprobs"]) if body.get("logprobs") else None
        usage = {"prompt_tokens": group[0].prompt_tokens, "completion_tokens": sum(row.tokens for row in group)}
        choices = [
            {
                "index": k,
                "message": {"role": "assistant", "content": row.text},
                "finish_reason": "length" if row.finish == "length" else "stop",
                "logprobs": listed,
            }
            for k, row in enumerate(group)
        ]
        told = {"id": "x", "object": "chat.completion", "created": 0, "system_fingerprint": "fp_tiny"}
        return {**told, "model": "tiny-judge@1", "choices": choices, "usage": {**usage, "total_tokens": 0}}

    def _listed(self, chat: Chat, most: int) -> dict[str, Any]:
        (prompt,) = self.engine._prompts([chat])
        logs = self.engine._reader.logits([prompt])[prompt].log_softmax(-1).topk(most)
        top = [
            {"token": self.engine.tokenizer.decode([token]), "logprob": log, "bytes": None}
            for token, log in zip(logs.indices.tolist(), logs.values.tolist(), strict=True)
        ]
        return {"content": [{**top[0], "top_logprobs": top}]}


def _chat(body: dict[str, Any]) -> Chat:
    turns = [Message(turn["role"], turn["content"]) for turn in body["messages"]]
    if turns[-1].role == "assistant" and body.get("continue_final_message"):
        return Chat(tuple(turns[:-1]), turns[-1].content)
    return Chat(tuple(turns))


def _handler(server: WireServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers, text = server.take(body, self.headers.get("Authorization", ""))
            data = text.encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            try:
                self.wfile.write(data)
            except (BrokenPipeError, ConnectionResetError):
                return  # the client has given up: that is what some tests are about

        def log_message(self, *_: object) -> None:
            return

    return Handler
