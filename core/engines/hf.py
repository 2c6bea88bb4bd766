"""The transformers engine: a causal language model with its adapters in effect.

Fast paths (`decoding`, `choosing`) are used where they are proved to give what the library gives; a
model on which they differ or fail takes the plain paths below, and its provenance says so.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from core.engines import Chat, Generation, Sampling, Streamed
from core.engines.adapters import adapters_are
from core.engines.chats import ChatTokenizer
from core.engines.choosing import PrefixReader, Tokens, choose_among
from core.engines.decoding import GROUPED, Row, Vocabulary, common_length, draw, last, sample_rows, sample_steps
from core.engines.exhaustion import memory_errors
from core.engines.fidelity import agrees, attends_in_full, cache_serves
from core.engines.room import Room
from core.engines.spent import Spent
from core.engines.templates import encode
from core.engines.weights import dtype_reason, end_tokens, load_weights, place_of
from core.home import default_home
from core.method.thoughts import split_thought
from core.models.finding import ModelRef
from core.models.memory import rows_that_fit, sampling_bytes
from core.runs.folders import file_hash

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 1024
"""Before anybody has planned how many fit."""


def load_engine(
    model: ModelRef, adapters: Sequence[Path] = (), cache_tokens: int = 0, moment: datetime | None = None
) -> "HFEngine":
    """A model ready to generate and choose; `cache_tokens` of a row are weighed against the free memory.

    moment: the date that its chats are rendered with, where the template writes one; None: now.
    """
    weights, tokenizer = load_weights(model, adapters, cache_tokens)
    return HFEngine(model, adapters, weights, tokenizer, moment)


class HFEngine:
    """A transformers model as `core.engines.Engine`."""

    def __init__(
        self,
        model: ModelRef,
        adapters: Sequence[Path],
        weights: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        moment: datetime | None = None,
    ) -> None:
        self.model = model
        self.adapters = list(adapters)
        self.weights = weights
        self.tokenizer = tokenizer
        self.chats = ChatTokenizer(tokenizer, weights.get_input_embeddings().weight.shape[0], moment)
        self._plain_attention = weights.config._attn_implementation
        self._reader = PrefixReader(weights)
        self.room = Room(ROWS_AT_ONCE)
        """Rows that are generated at once, or chats whose options are weighed."""
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
        stop = stop and beyond_thoughts(stop)
        sample = sample_rows if self.path == "fast" else partial(plain_rows, cached=self.cached)

        def drawn(part: Sequence[tuple[int, int]]) -> list[Row]:
            grouped = [(prompts[i], [seed for _, seed in group]) for i, group in groupby(part, lambda one: one[0])]
            asked, seeded = zip(*grouped, strict=True)
            with memory_errors():
                rows = sample(self.weights, self.vocabulary, asked, seeded, sampling, stop)
            self._count(asked, seeded, sum(len(row.tokens) for row in rows))
            return rows

        flat = [(i, seed) for i, group in enumerate(seeds) for seed in group]
        rows = iter(self.room.each(flat, drawn))
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
        stop = stop and beyond_thoughts(stop)
        steps = sample_steps if self.path == "fast" else partial(plain_steps, cached=self.cached)
        for rows in steps(self.weights, self.vocabulary, [prompt], [[seed]], sampling, stop):
            row = rows[0]
            yield split_thought(self.vocabulary.decode(row.tokens))[1]
        return self._generation(row, len(prompt))

    def choose(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[np.ndarray]:
        prompts = self._prompts(chats)
        tokens = [[self.chats.following(option) for option in group] for group in options]
        reader = self._reader if self.path == "fast" else PlainReader(self.weights)
        reader.spent.take()  # the self-check's

        def weighed(part: Sequence[tuple[Tokens, list[Tokens]]]) -> list[np.ndarray]:
            with memory_errors():
                return choose_among(reader, *zip(*part, strict=True), self.tokenizer.eos_token_id)

        chosen = self.room.each(list(zip(prompts, tokens, strict=True)), weighed)
        spent = reader.spent.take()
        self.spent.add(spent.read, spent.unshared)
        return chosen

    def rows_that_fit(self, tokens_a_row: int, most: int) -> int:
        """How many rows of so many tokens can be generated at once in the memory that is free now, `most` at most."""
        place = place_of(str(self.weights.device), self.weights.dtype)
        return rows_that_fit(place.free, sampling_bytes(Path(self.model.path), tokens_a_row, place.itemsize), most)

    def cannot_choose(self, options: Sequence[str]) -> str | None:
        return None

    def count_tokens(self, text: str) -> int:
        return len(self.chats.following(text))

    def provenance(self) -> dict[str, object]:
        return {
            "engine": f"transformers ({self.path if self.path == 'fast' or self.cached else 'plain, without a cache'})",
            "model": self.model.name,
            "model_hash": self.model.hash,
            "adapters": [file_hash(folder / "adapter_model.safetensors") for folder in self.adapters],
            **({"adapters_are": adapters_are(self.weights)} if self.adapters else {}),
            **self.chats.record(self.model),
            "dtype": str(self.weights.dtype).removeprefix("torch."),
            "dtype_by": dtype_reason(default_home()),
            "device": str(self.weights.device),
        }

    # --- how

    def _prompts(self, chats: Sequence[Chat]) -> list[Tokens]:
        return [self.chats.prompt(chat) for chat in chats]

    def _generation(self, row: Row, prompt_tokens: int) -> Generation:
        thought, text = split_thought(self.vocabulary.decode(row.tokens))
        return Generation(
            text.lstrip() if thought else text, len(row.tokens), prompt_tokens, row.finish, thought or None
        )

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What sampling must know of the tokenizer."""
        texts = self.tokenizer.batch_decode([[i] for i in range(len(self.tokenizer))])
        return Vocabulary(
            pad=self.tokenizer.pad_token_id,
            ends=frozenset(end_tokens(self.weights, self.tokenizer)),
            breaks=frozenset(i for i, text in enumerate(texts) if "\n" in text),
            decode=partial(_decoded, self.tokenizer, frozenset(_thought_tags(self.tokenizer))),
        )

    @cached_property
    def path(self) -> Literal["fast", "plain"]:
        """`fast` if the fast paths give what the library gives on the probes, else `plain`."""
        if not attends_in_full(self.weights):
            log.warning("This model attends to a part of the tokens or keeps a state: the plain path is used.")
            return "plain"
        try:
            same = agrees(self.weights, self._encode, self.vocabulary.pad, self._plain_attention)
        except Exception as error:  # whatever a foreign architecture raises: the plain path is there for it
            log.warning("The fast path fails on this model, the plain one is used: %s", error)
            same = False
        if not same:
            log.warning("The fast path differs from the library's on this model: the plain one is used.")
            self.weights.set_attn_implementation(self._plain_attention)
        return "fast" if same else "plain"

    @cached_property
    def cached(self) -> bool:
        """Whether the plain path goes on from the model's own cache; else it reads everything again for each token."""
        return cache_serves(self.weights, self._encode, self._plain_attention)

    def _encode(self, text: str) -> Tokens:
        return encode(self.tokenizer, text)

    def take_over(self, other: "HFEngine") -> None:
        """Spare what hangs on the base alone if `other` has the same: whether the fast path agrees, the vocabulary."""
        if (self.model.hash, self.weights.dtype) == (other.model.hash, other.weights.dtype):
            self.vocabulary, self.path = other.vocabulary, other.path
            if self.path == "fast":
                self.weights.set_attn_implementation(GROUPED)
            else:
                self.cached = other.cached


def beyond_thoughts(stop: Callable[[str], bool]) -> Callable[[str], bool]:
    """`stop`, asked of what stands outside thoughts alone: an answer that is tried in one ends nothing."""
    return lambda text: stop(split_thought(text)[1])


def _thought_tags(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Special tokens that open or close a thought: they must be seen in the text, or the thought is read."""
    return [token for token in tokenizer.all_special_ids if split_thought(tokenizer.decode([token]))[0]]


def _decoded(tokenizer: PreTrainedTokenizerBase, tags: frozenset[int], tokens: Sequence[int]) -> str:
    """The text of tokens without special ones, but for those of thoughts."""
    if not tags.intersection(tokens):
        return tokenizer.decode(tokens, skip_special_tokens=True)
    special = {*tokenizer.all_special_ids} - tags
    return tokenizer.decode([token for token in tokens if token not in special], skip_special_tokens=False)


# --- plain paths, for models that the fast ones do not cover


def plain_rows(
    model: PreTrainedModel,
    vocabulary: Vocabulary,
    prompts: Sequence[Tokens],
    seeds: Sequence[Sequence[int]],
    sampling: Sampling,
    stop: Callable[[str], bool] | None,
    cached: bool = True,
) -> list[Row]:
    """As `decoding.sample_rows`, one row at a time with the model's own attention and, where it serves, its cache."""
    return last(plain_steps(model, vocabulary, prompts, seeds, sampling, stop, cached))


@torch.inference_mode()
def plain_steps(
    model: PreTrainedModel,
    vocabulary: Vocabulary,
    prompts: Sequence[Tokens],
    seeds: Sequence[Sequence[int]],
    sampling: Sampling,
    stop: Callable[[str], bool] | None,
    cached: bool = True,
) -> Iterator[list[Row]]:
    """As `decoding.sample_steps`: the rows begun so far after each token of the last of them."""
    rows: list[Row] = []
    for prompt, group in zip(prompts, seeds, strict=True):
        for seed in group:
            row = Row(len(rows), np.random.default_rng(seed).random(sampling.max_new_tokens))
            rows.append(row)
            for _ in _continue(model, vocabulary, prompt, row, sampling, stop, cached):
                yield rows


def _continue(
    model: PreTrainedModel,
    vocabulary: Vocabulary,
    prompt: Tokens,
    row: Row,
    sampling: Sampling,
    stop: Callable[[str], bool] | None,
    cached: bool,
) -> Iterator[None]:
    ids, cache = torch.tensor([prompt], device=model.device), None
    for uniform in row.uniforms:
        output = model(input_ids=ids, past_key_values=cache, use_cache=True) if cached else model(input_ids=ids)
        token = draw(output.logits[:, -1], torch.tensor([uniform], device=model.device), sampling).unsqueeze(0)
        if cached:
            ids, cache = token, output.past_key_values
        else:
            ids = torch.cat([ids, token], dim=1)
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
