"""The transformers engine: a causal language model with its adapters merged.

Fast paths (`decoding`, `choosing`) are used where they are proved to give what the library gives; a
model on which they differ or fail takes the plain paths below, and its provenance says so.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase
from transformers.cache_utils import DynamicLayer

from core.engines import Chat, Generation, Sampling, Streamed
from core.engines.choosing import PrefixReader, Tokens, choose_among
from core.engines.decoding import GROUPED, Row, Vocabulary, common_length, draw, last, sample_rows, sample_steps
from core.engines.spent import Spent
from core.engines.templates import encode, render, template_record
from core.engines.weights import dtype_reason, end_tokens, load_weights
from core.home import default_home
from core.models.finding import ModelRef
from core.runs.folders import file_hash

log = logging.getLogger(__name__)

TOLERANCE = 1e-3
"""How far log-probabilities of a fast path may be from the plain ones in fp32."""

ROUNDINGS = 2.0
"""How far they may be in a shorter dtype, in differences of the library's own attentions from one another."""

PROBES = ("The capital of France is", "Name a thing made of glass.", "One, two, three, four,")
"""Prompts on which the fast paths must agree with the plain ones."""


def load_engine(model: ModelRef, adapters: Sequence[Path] = (), cache_tokens: int = 0) -> "HFEngine":
    """A model ready to generate and choose; `cache_tokens` of a batch are weighed against the free memory."""
    weights, tokenizer = load_weights(model, adapters, cache_tokens)
    return HFEngine(model, adapters, weights, tokenizer)


class HFEngine:
    """A transformers model as `core.engines.Engine`."""

    def __init__(
        self,
        model: ModelRef,
        adapters: Sequence[Path],
        weights: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
    ) -> None:
        self.model = model
        self.adapters = list(adapters)
        self.weights = weights
        self.tokenizer = tokenizer
        self._plain_attention = weights.config._attn_implementation
        self._reader = PrefixReader(weights)
        self.spent = Spent()

    # --- the interface

    def generate(
        self,
        chats: Sequence[Chat],
        seeds: Sequence[Sequence[int]],
        sampling: Sampling,
        stop: Callable[[str], bool] | None = None,
    ) -> list[list[Generation]]:
        prompts = self._prompts(chats)
        if not any(seeds):
            return [[] for _ in chats]
        sample = sample_rows if self.path == "fast" else plain_rows
        drawn = sample(self.weights, self.vocabulary, prompts, seeds, sampling, stop)
        self._count(prompts, seeds, sum(len(row.tokens) for row in drawn))
        rows = iter(drawn)
        return [
            [self._generation(next(rows), len(prompt)) for _ in group]
            for prompt, group in zip(prompts, seeds, strict=True)
        ]

    def _count(self, prompts: Sequence[Tokens], seeds: Sequence[Sequence[int]], generated: int) -> None:
        """Add to `spent`: the fast path reads what all prompts share once, and each prompt's rest once for its rows."""
        unshared = sum(len(prompt) * len(group) for prompt, group in zip(prompts, seeds, strict=True))
        shared = common_length(prompts)
        read = shared + sum(len(prompt) - shared for prompt in prompts) if self.path == "fast" else unshared
        self.spent.add(read, unshared, generated)

    def stream(self, chat: Chat, seed: int, sampling: Sampling, stop: Callable[[str], bool] | None = None) -> Streamed:
        (prompt,) = self._prompts([chat])
        steps = sample_steps if self.path == "fast" else plain_steps
        for rows in steps(self.weights, self.vocabulary, [prompt], [[seed]], sampling, stop):
            row = rows[0]
            yield self.vocabulary.decode(row.tokens)
        return self._generation(row, len(prompt))

    def choose(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[np.ndarray]:
        prompts = self._prompts(chats)
        tokens = [[encode(self.tokenizer, option) for option in group] for group in options]
        reader = self._reader if self.path == "fast" else PlainReader(self.weights)
        reader.spent.take()  # the self-check's
        chosen = choose_among(reader, prompts, tokens, self.tokenizer.eos_token_id)
        spent = reader.spent.take()
        self.spent.add(spent.read, spent.unshared)
        return chosen

    def cannot_choose(self, options: Sequence[str]) -> str | None:
        return None

    def count_tokens(self, text: str) -> int:
        return len(encode(self.tokenizer, text))

    def provenance(self) -> dict[str, object]:
        return {
            "engine": f"transformers ({self.path})",
            "model": self.model.name,
            "model_hash": self.model.hash,
            "adapters": [file_hash(folder / "adapter_model.safetensors") for folder in self.adapters],
            **template_record(self.model, self.tokenizer),
            "dtype": str(self.weights.dtype).removeprefix("torch."),
            "dtype_by": dtype_reason(default_home()),
            "device": str(self.weights.device),
        }

    # --- how

    def _prompts(self, chats: Sequence[Chat]) -> list[Tokens]:
        return [encode(self.tokenizer, render(self.tokenizer, chat)) for chat in chats]

    def _generation(self, row: Row, prompt_tokens: int) -> Generation:
        return Generation(self.vocabulary.decode(row.tokens), len(row.tokens), prompt_tokens, row.finish)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What sampling must know of the tokenizer."""
        texts = self.tokenizer.batch_decode([[i] for i in range(len(self.tokenizer))])
        return Vocabulary(
            pad=self.tokenizer.pad_token_id,
            ends=frozenset(end_tokens(self.weights, self.tokenizer)),
            breaks=frozenset(i for i, text in enumerate(texts) if "\n" in text),
            decode=lambda tokens: self.tokenizer.decode(tokens, skip_special_tokens=True),
        )

    @cached_property
    def path(self) -> Literal["fast", "plain"]:
        """`fast` if the fast paths give what the library gives on the probes, else `plain`."""
        if not attends_in_full(self.weights):
            log.warning("This model attends to a window or keeps a state: the plain path is used.")
            return "plain"
        self.weights.set_attn_implementation(GROUPED)
        try:
            same = self._fast_agrees()
        except Exception as error:  # whatever a foreign architecture raises: the plain path is there for it
            log.warning("The fast path fails on this model, the plain one is used: %s", error)
            same = False
        if not same:
            log.warning("The fast path differs from the library's on this model: the plain one is used.")
            self.weights.set_attn_implementation(self._plain_attention)
        return "fast" if same else "plain"

    def take_over(self, other: "HFEngine") -> None:
        """Spare what hangs on the base alone if `other` has the same: whether the fast path agrees, the vocabulary."""
        if (self.model.hash, self.weights.dtype) == (other.model.hash, other.weights.dtype):
            self.vocabulary, self.path = other.vocabulary, other.path
            if self.path == "fast":
                self.weights.set_attn_implementation(GROUPED)

    def _fast_agrees(self) -> bool:
        prompts = [encode(self.tokenizer, probe) for probe in PROBES]
        greedy = Sampling(temperature=0.0, top_p=1.0, max_new_tokens=4)
        rows = sample_rows(self.weights, self.vocabulary, prompts, [[0, 1]] * len(prompts), greedy, None)
        fast = self._reader.logits(prompts)
        begun = [
            (prompt + tuple(row.tokens[:k]), row.tokens[k])
            for prompt, row in zip([p for p in prompts for _ in (0, 1)], rows, strict=True)
            for k in range(len(row.tokens))
        ]
        self.weights.set_attn_implementation(self._plain_attention)
        plain = PlainReader(self.weights).logits([*prompts, *(text for text, _ in begun)])
        tolerance = self._tolerance({prompt: plain[prompt] for prompt in prompts})
        self.weights.set_attn_implementation(GROUPED)
        near = all(log_probabilities_apart(fast[p], plain[p]) < tolerance for p in prompts)
        return near and all(_below_best(plain[text], token) < tolerance for text, token in begun)

    def _tolerance(self, plain: Mapping[Tokens, torch.Tensor]) -> float:
        """`TOLERANCE`, or what rounding alone does: how far the library's eager and sdpa attention are apart.

        `plain`: logits of some prompts by the attention that the library has chosen.
        """
        if self.weights.dtype == torch.float32:
            return TOLERANCE
        self.weights.set_attn_implementation("sdpa" if self._plain_attention == "eager" else "eager")
        other = PlainReader(self.weights).logits(list(plain))
        return ROUNDINGS * max(log_probabilities_apart(logits, other[prompt]) for prompt, logits in plain.items())


def attends_in_full(model: PreTrainedModel) -> bool:
    """Whether every layer sees all tokens before: the probes are shorter than any window and would not tell."""
    return all(type(layer) is DynamicLayer for layer in DynamicCache(config=model.config).layers)


def log_probabilities_apart(a: torch.Tensor, b: torch.Tensor) -> float:
    """Largest difference of the log-probabilities that two rows of logits, shape (vocabulary,), stand for."""
    return float((a.float().log_softmax(-1) - b.float().log_softmax(-1)).abs().max())


def _below_best(logits: torch.Tensor, token: int) -> float:
    """How far a token's log-probability is below that of the likeliest."""
    return float(logits.max() - logits[token])


# --- plain paths, for models that the fast ones do not cover


def plain_rows(
    model: PreTrainedModel,
    vocabulary: Vocabulary,
    prompts: Sequence[Tokens],
    seeds: Sequence[Sequence[int]],
    sampling: Sampling,
    stop: Callable[[str], bool] | None,
) -> list[Row]:
    """As `decoding.sample_rows`, one row at a time with the model's own cache and attention."""
    return last(plain_steps(model, vocabulary, prompts, seeds, sampling, stop))


@torch.inference_mode()
def plain_steps(
    model: PreTrainedModel,
    vocabulary: Vocabulary,
    prompts: Sequence[Tokens],
    seeds: Sequence[Sequence[int]],
    sampling: Sampling,
    stop: Callable[[str], bool] | None,
) -> Iterator[list[Row]]:
    """As `decoding.sample_steps`: the rows begun so far after each token of the last of them."""
    rows: list[Row] = []
    for prompt, group in zip(prompts, seeds, strict=True):
        for seed in group:
            row = Row(len(rows), np.random.default_rng(seed).random(sampling.max_new_tokens))
            rows.append(row)
            for _ in _continue(model, vocabulary, prompt, row, sampling, stop):
                yield rows


def _continue(
    model: PreTrainedModel,
    vocabulary: Vocabulary,
    prompt: Tokens,
    row: Row,
    sampling: Sampling,
    stop: Callable[[str], bool] | None,
) -> Iterator[None]:
    ids, cache = torch.tensor([prompt], device=model.device), None
    for uniform in row.uniforms:
        output = model(input_ids=ids, past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        token = draw(output.logits[:, -1], torch.tensor([uniform], device=model.device), sampling)
        ids = token.unsqueeze(0)
        going = row.take(int(token), vocabulary, stop)
        yield
        if not going:
            return


class PlainReader:
    """As `choosing.PrefixReader`, one sequence at a time."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self.spent = Spent()

    @torch.inference_mode()
    def logits(self, sequences: Sequence[Tokens]) -> dict[Tokens, torch.Tensor]:
        """Sequence → logits of the token after it, shape (vocabulary,)."""
        return {sequence: self._last(sequence) for sequence in set(sequences)}

    def _last(self, sequence: Tokens) -> torch.Tensor:
        ids = torch.tensor([sequence], device=self.model.device)
        self.spent.add(len(sequence), 0)
        return self.model(input_ids=ids).logits[0, -1]
