"""Any OpenAI-compatible server (vLLM, llama.cpp, Ollama, `transformers serve`, a provider) as an engine.

    engine = open_server(model)        # probes it: what does it do, what does it drop?

Weights, chat template and numerics are the server's own: nothing here can be verified, and nothing repeats bit
for bit.  Only what the OpenAI interface names is sent, so a server's own defaults (top-k, repetition penalty) stay
in force.  See docs/servers.md.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from openai.types.chat import ChatCompletion

from core.engines import Chat, Generation, Sampling, Streamed
from core.engines.labels import begin_alike, folded, read_labels
from core.engines.probing import GO_ON, Probe, alternatives, answers, probe
from core.engines.spent import Spent
from core.engines.turns import system_in_user_turn
from core.engines.wire import Wire, reply_of, usage_of
from core.errors import LabError, ModelUnavailable
from core.models.finding import ModelRef

SEEDS = 2**31
"""Seeds are sent modulo this: some servers take 32 bits."""

BYTES_A_TOKEN = 4
"""For counting tokens where the vocabulary is not known."""

BEGUN = "Your reply has begun with the text below. Go on from there"
"""How a begun reply is quoted to a server that does not go on with it."""


def open_server(model: ModelRef) -> "ServerEngine":
    """The engine of a registered server, probed; errors as `core.engines.wire.Wire.ask`."""
    wire = wire_of(model)
    return ServerEngine(model, wire, probe(wire))


def wire_of(model: ModelRef) -> Wire:
    if model.server is None:
        raise ModelUnavailable(f"{model.name} is not a server: `anchorlab model add NAME --server URL --model ID`.")
    return Wire(model.server)


def require_answer(model: ModelRef) -> None:
    """Before a run: raise in a sentence unless the server answers a request of one token."""
    answers(wire_of(model))


class ServerEngine:
    """A model behind a server as `core.engines.Engine`."""

    def __init__(self, model: ModelRef, wire: Wire, found: Probe) -> None:
        self.model = model
        self.wire = wire
        self.found = found
        self.spent = Spent()

    # --- the interface

    def generate(
        self,
        chats: Sequence[Chat],
        seeds: Sequence[Sequence[int]],
        sampling: Sampling,
        stop: Callable[[str], bool] | None = None,
    ) -> list[list[Generation]]:
        """As the protocol; a reply is cut where `stop` would have ended it, and its tokens are those paid for.

        A server that honours `n` draws a chat's replies in one request, seeded with the first seed.
        """
        drawn = [self._draws(chat, group, sampling) for chat, group in zip(chats, seeds, strict=True)]
        replies = iter(self._asked([body for bodies in drawn for body in bodies]))
        found = [[reply for _ in bodies for reply in generations(next(replies), stop)] for bodies in drawn]
        if any(len(group) != len(wanted) for group, wanted in zip(found, seeds, strict=True)):
            raise LabError(f"The server at {self.wire.server.url} gave another number of replies than asked for.")
        return found

    def stream(self, chat: Chat, seed: int, sampling: Sampling, stop: Callable[[str], bool] | None = None) -> Streamed:
        """As the protocol, in one piece: replies of a server are read when they are whole."""
        [[said]] = self.generate([chat], [[seed]], sampling, stop)
        yield said.text
        return said

    def choose(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """As the protocol, by first tokens (see `core.engines.labels`); NaN where the options cannot be read."""
        if reason := self.cannot_choose(()):
            raise LabError(f"Options cannot be weighed: {reason}.")
        asked = {"logprobs": True, "top_logprobs": self.found.listed, self.found.limit: self.found.least}
        asked |= self._drawn_with(1.0, 1.0)
        bodies = [{**self._messages(chat, group), **asked} for chat, group in zip(chats, options, strict=True)]
        answered = self._asked(bodies)
        return [self._weigh(group, answer) for group, answer in zip(options, answered, strict=True)]

    def cannot_choose(self, options: Sequence[str]) -> str | None:
        if self.found.thinks:
            return f"the model at {self.wire.server.url} thinks before it answers"
        if not self.found.listed:
            return f"the server at {self.wire.server.url} gives no log-probabilities"
        if options and begin_alike(options):
            return f"a server shows first tokens alone, and {', '.join(map(str.strip, options))} begin alike"
        return None

    def count_tokens(self, text: str) -> int:
        return about(text)

    def provenance(self) -> dict[str, object]:
        found, server = self.found, self.wire.server
        return {
            "engine": "server",
            "base_url": server.url,
            "model": found.model,
            "model_hash": self.model.hash,
            "verifiable": False,
            "repeats": "not bit for bit",
            "system_fingerprint": found.fingerprint or "none given",
            "log_probabilities": f"of the {found.listed} likeliest tokens" if found.listed else "none given",
            "n": "honoured" if found.many else "dropped: a request a reply",
            "seeds": found.seeds,
            "draws": found.draws,
            "fallbacks": found.fallbacks,
            "begun_replies": "gone on with" if found.goes_on else "not gone on with: quoted in the question",
            "adapters": [],
        }

    # --- how

    def _asked(self, bodies: Sequence[dict[str, Any]]) -> list[ChatCompletion]:
        """The answers to requests, with what the server says of their tokens added to `spent`."""
        answers = list(self.wire.ask_all(bodies))
        for answer in answers:
            read, written = (tokens or 0 for tokens in usage_of(answer))
            self.spent.add(read, read * len(answer.choices), written)
        return answers

    def _draws(self, chat: Chat, group: Sequence[int], sampling: Sampling) -> list[dict[str, Any]]:
        """Requests that give a reply for each seed."""
        body = {
            **self._messages(chat),
            self.found.limit: max(sampling.max_new_tokens, self.found.least),
            **self._drawn_with(sampling.temperature, sampling.top_p),
        }
        seeded = [body if self.found.seeds == "are refused" else {**body, "seed": seed % SEEDS} for seed in group]
        return [{**seeded[0], "n": len(group)}] if self.found.many and len(group) > 1 else seeded

    def _drawn_with(self, temperature: float, top_p: float) -> dict[str, float]:
        """Temperature and top_p as far as the server takes them: of two that it refuses together the one that draws."""
        wanted = {"temperature": temperature, "top_p": top_p}
        taken = {name: value for name, value in wanted.items() if name in self.found.takes}
        if self.found.both or len(taken) < len(wanted):
            return taken
        return {"top_p": top_p} if temperature == 1.0 and top_p < 1.0 else {"temperature": temperature}

    def _messages(self, chat: Chat, options: Sequence[str] = ()) -> dict[str, Any]:
        """The chat as the server is sent it; a begun reply as a turn to go on with, or quoted in the question."""
        turns = [{"role": message.role, "content": message.content} for message in chat.messages]
        if turns[0]["role"] == "system" and not self.found.system:
            turns = system_in_user_turn(turns)
        if not chat.opening:
            return {"messages": turns}
        if self.found.goes_on:
            begun = {"role": "assistant", "content": chat.opening}
            return {"messages": [*turns, begun], "extra_body": GO_ON}
        wanted = " | ".join(option.strip() for option in options)
        ask = f"{BEGUN}, with one of these and nothing else: {wanted}." if options else f"{BEGUN}."
        *before, last = turns
        return {"messages": [*before, {**last, "content": f"{last['content']}\n\n{ask}\n\n{chat.opening}"}]}

    def _weigh(self, options: Sequence[str], answer: ChatCompletion) -> np.ndarray:
        listed = alternatives(answer)
        if not self.found.goes_on:
            listed, options = folded(listed), [option.strip().lower() for option in options]
        return read_labels(options, listed).logs if listed else np.full(len(options), np.nan)


def generations(answer: ChatCompletion, stop: Callable[[str], bool] | None) -> list[Generation]:
    """The replies of an answer.  Tokens of several are their even share, as servers report the sum.

    Where a server reports none, those of the replies are estimated by their bytes, and those of the prompt are 0.
    """
    read, written = usage_of(answer)
    generated = []
    for choice in answer.choices:
        reply = reply_of(choice)
        text = cut(reply.text, stop) if stop else reply.text
        tokens = about(reply.text + (reply.thought or "")) if written is None else round(written / len(answer.choices))
        finish = _finish(choice, text != reply.text)
        generated.append(Generation(text, tokens, read or 0, finish, reply.thought, reply.withheld))
    return generated


def about(text: str) -> int:
    """Tokens of a text, a token four bytes, since the vocabulary is the server's."""
    return -(-len(text.encode()) // BYTES_A_TOKEN)


def _finish(choice: Any, was_cut: bool) -> Literal["end", "stop", "length"]:
    return "stop" if was_cut else "length" if choice.finish_reason == "length" else "end"


def cut(text: str, stop: Callable[[str], bool]) -> str:
    """The text up to the first line break at which `stop` says so.

    >>> cut("Clear.\\nAnswer: glass\\nAnd more.\\n", lambda text: "Answer" in text)
    'Clear.\\nAnswer: glass\\n'
    """
    at = text.find("\n")
    while at >= 0 and not stop(text[: at + 1]):
        at = text.find("\n", at + 1)
    return text if at < 0 else text[: at + 1]
