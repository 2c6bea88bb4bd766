"""Fast sampling around the unmodified modules of a transformers model.

What all chats share (instructions, worked examples) is read once and kept once: every row attends to that one
copy.  Then each chat's own part is read once, and its cache is repeated for its samples.  It is allocated in full
at the start; queries of a group share their keys by matmul instead of copies; tokens are drawn by inverse CDF
from one uniform number a row and step; finished rows are dropped.  Needs full attention over a growing cache in
every layer: `core.engines.hf` checks each model against the library and otherwise takes its plain path.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from transformers import AttentionInterface, DynamicCache, PreTrainedModel
from transformers.cache_utils import Cache, DynamicLayer

from core.engines import Sampling

GROUPED = "grouped_queries"
"""Name under which `grouped_attention` is known to transformers."""

KEEP = 0.8
"""Rows are dropped from the batch when fewer than this share of them is unfinished."""


Prefix = Sequence[tuple[torch.Tensor, torch.Tensor]]
"""Keys and values that all rows see before their own, a pair a layer, each (1, G, P, D)."""


def grouped_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor,
    scaling: float,
    dropout: float = 0.0,
    prefix: Prefix | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Grouped-query attention without repeating keys: the queries of a group are rows of one matmul.

    query (B, H, T, D); key, value (B, G, S, D) with G dividing H; mask (B or 1, 1, T, S), additive, over the
    rows' own keys; `prefix` is one copy of what all rows see before those, nothing of it masked.
    """
    batch, heads, steps, width = query.shape
    groups = key.shape[1]
    grouped = query.reshape(batch, groups, heads // groups * steps, width)
    weights = torch.matmul(grouped, key.transpose(2, 3)).view(batch, groups, heads // groups, steps, -1)
    weights = weights.mul_(scaling).add_(attention_mask.unsqueeze(1)).flatten(2, 3)
    if prefix is None:
        mixed = torch.matmul(torch.softmax(weights, dim=-1), value)
    else:
        mixed = _with_prefix(grouped, weights, value, *prefix[module.layer_idx], scaling)
    return mixed.reshape(batch, heads, steps, width).transpose(1, 2), None


def _with_prefix(
    grouped: torch.Tensor,
    own: torch.Tensor,
    value: torch.Tensor,
    prefix_key: torch.Tensor,
    prefix_value: torch.Tensor,
    scaling: float,
) -> torch.Tensor:
    """Attention over the shared prefix and the rows' own keys: all rows' queries meet the prefix in one matmul.

    grouped (B, G, Q, D); own (B, G, Q, S), scaled and masked; the prefix (1, G, P, D).
    """
    batch, groups, queries, width = grouped.shape
    together = grouped.transpose(0, 1).reshape(groups, batch * queries, width)
    shared = torch.matmul(together, prefix_key[0].transpose(1, 2)).mul_(scaling)
    shared = shared.view(groups, batch, queries, -1).transpose(0, 1)
    shares = torch.softmax(torch.cat([shared, own], dim=-1), dim=-1)
    ahead = shared.shape[-1]
    of_prefix = shares[..., :ahead].transpose(0, 1).reshape(groups, batch * queries, ahead)
    mixed = torch.matmul(of_prefix, prefix_value[0]).view(groups, batch, queries, width).transpose(0, 1)
    return mixed + torch.matmul(shares[..., ahead:], value)


AttentionInterface.register(GROUPED, grouped_attention)


class RoomyLayer(DynamicLayer):
    """One layer's cache with room for all tokens to come: a step writes in place, nothing is copied."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, room: int) -> None:
        super().__init__()
        self.length = keys.shape[2]
        self.keys, self.values = (_with_room(states, room) for states in (keys, values))
        self.dtype, self.device = keys.dtype, keys.device
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        end = self.length + key_states.shape[2]
        self.keys[:, :, self.length : end] = key_states
        self.values[:, :, self.length : end] = value_states
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def get_seq_length(self) -> int:
        return self.length


def _with_room(states: torch.Tensor, room: int) -> torch.Tensor:
    batch, groups, length, width = states.shape
    roomy = states.new_empty(batch, groups, length + room, width)
    roomy[:, :, :length] = states
    return roomy


@dataclass
class Row:
    """One response in the making."""

    index: int
    """Its place in the order of the caller."""
    uniforms: np.ndarray
    """One number in [0, 1) a step, from the row's own seed."""
    tokens: list[int] = field(default_factory=list)
    finish: Literal["end", "stop", "length"] = "length"

    def take(self, token: int, vocabulary: "Vocabulary", stop: Callable[[str], bool] | None) -> bool:
        """Add a token, unless the row has finished; whether it goes on."""
        if self.finish != "length":
            return False
        self.tokens.append(token)
        if token in vocabulary.ends:
            self.finish = "end"
        elif stop and token in vocabulary.breaks and stop(vocabulary.decode(self.tokens)):
            self.finish = "stop"
        return self.finish == "length"


@dataclass(frozen=True)
class Vocabulary:
    """What the loop must know of the tokenizer."""

    pad: int
    ends: frozenset[int]
    """Tokens that end a turn."""
    breaks: frozenset[int]
    """Tokens whose text contains a line break."""
    decode: Callable[[list[int]], str]


def sample_rows(
    model: PreTrainedModel,
    vocabulary: Vocabulary,
    prompts: Sequence[Sequence[int]],
    seeds: Sequence[Sequence[int]],
    sampling: Sampling,
    stop: Callable[[str], bool] | None,
) -> list[Row]:
    """A finished row per prompt and seed, in order.  prompts: token ids; seeds: per prompt."""
    return last(sample_steps(model, vocabulary, prompts, seeds, sampling, stop))


def last(steps: Iterator[list[Row]]) -> list[Row]:
    """The rows after the last step; none where there was none."""
    return next(iter(deque(steps, maxlen=1)), [])


@torch.inference_mode()
def sample_steps(
    model: PreTrainedModel,
    vocabulary: Vocabulary,
    prompts: Sequence[Sequence[int]],
    seeds: Sequence[Sequence[int]],
    sampling: Sampling,
    stop: Callable[[str], bool] | None,
) -> Iterator[list[Row]]:
    """As `sample_rows`, for whoever watches: the same rows after each step, finished after the last."""
    of_row = [i for i, group in enumerate(seeds) for _ in group]
    steps = sampling.max_new_tokens
    rows = [
        Row(index, np.random.default_rng(seed).random(steps))
        for index, seed in enumerate(seed for group in seeds for seed in group)
    ]
    batch = Batch.prefill(model, vocabulary.pad, prompts, of_row, steps)
    alive = rows
    for step in range(steps):
        uniforms = torch.tensor(np.array([row.uniforms[step] for row in alive]), device=model.device)
        drawn = draw(batch.logits, uniforms, sampling)
        going = [row.take(token, vocabulary, stop) for row, token in zip(alive, drawn.tolist(), strict=True)]
        yield rows
        if not any(going) or step == steps - 1:
            break
        kept = batch.keep(going)
        alive = [alive[i] for i in kept]
        batch.step(model, drawn[kept])


def draw(logits: torch.Tensor, uniforms: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """A token per row by inverse CDF.  logits (rows, vocabulary), uniforms (rows,) → (rows,)."""
    if sampling.temperature == 0:
        return logits.argmax(dim=-1)
    probabilities = torch.softmax(logits.float() / sampling.temperature, dim=-1)
    if sampling.top_p < 1:
        probabilities = _nucleus(probabilities, sampling.top_p)
    cumulative = probabilities.cumsum(dim=-1)
    at = (uniforms.to(cumulative.dtype) * cumulative[:, -1]).unsqueeze(1)
    drawn = torch.searchsorted(cumulative, at, right=True).squeeze(1)
    return drawn.clamp_(max=logits.shape[-1] - 1)


def _nucleus(probabilities: torch.Tensor, mass: float) -> torch.Tensor:
    """The likeliest tokens that together reach `mass`, the others at zero."""
    ordered, order = probabilities.sort(dim=-1, descending=True)
    outside = ordered.cumsum(dim=-1) - ordered >= mass
    return probabilities.scatter(1, order, ordered.masked_fill(outside, 0.0))


@dataclass
class Batch:
    """Unfinished rows: their cache, mask, next positions and next-token logits."""

    prefix: Prefix | None
    """What all rows share; None where they share nothing."""
    cache: Cache
    """What is a row's own: the rest of its prompt, and what it has generated."""
    mask: torch.Tensor
    """(rows, 1, 1, rest + room), additive."""
    positions: torch.Tensor
    """(rows, 1): position of the next token."""
    logits: torch.Tensor

    @classmethod
    def prefill(
        cls,
        model: PreTrainedModel,
        pad: int,
        prompts: Sequence[Sequence[int]],
        of_row: Sequence[int],
        room: int,
    ) -> "Batch":
        """Read what all prompts share once, each prompt's rest once (left-padded), and repeat it for its rows."""
        shared = common_length(prompts)
        read = read_prefix(model, prompts[0][:shared])
        prefix = [(layer.keys, layer.values) for layer in read.layers] if shared else None
        rest = [list(prompt[shared:]) for prompt in prompts]
        longest = max(map(len, rest))
        ids = torch.tensor([[pad] * (longest - len(r)) + r for r in rest], device=model.device)
        lengths = torch.tensor([len(r) for r in rest], device=model.device)
        real = torch.arange(longest, device=model.device) >= (longest - lengths).unsqueeze(1)
        # A padding position sees itself, so that no row of the softmax is empty.
        seen = real[:, None, :] & torch.ones(longest, longest, dtype=torch.bool, device=model.device).tril()
        seen |= torch.eye(longest, dtype=torch.bool, device=model.device)
        cache = DynamicCache(config=model.config)
        output = model(
            input_ids=ids,
            attention_mask=additive(seen[:, None], model.dtype),
            position_ids=shared + (real.cumsum(dim=1) - 1).clamp_(min=0),
            past_key_values=cache,
            logits_to_keep=1,
            prefix=prefix,
        )
        rows = torch.tensor(of_row, device=model.device)
        layers = [RoomyLayer(layer.keys[rows], layer.values[rows], room) for layer in cache.layers]
        future = torch.ones(len(prompts), room, dtype=torch.bool, device=model.device)
        mask = additive(torch.cat([real, future], dim=1)[rows][:, None, None], model.dtype)
        positions = (shared + lengths)[rows].unsqueeze(1)
        return cls(prefix, Cache(layers=layers), mask, positions, output.logits[rows, -1])

    def keep(self, going: Sequence[bool]) -> list[int]:
        """Rows of the next step: all, until enough have finished that copying the cache pays."""
        if sum(going) > KEEP * len(going):
            return list(range(len(going)))
        kept = [i for i, goes in enumerate(going) if goes]
        rows = torch.tensor(kept, device=self.positions.device)
        for layer in self.cache.layers:
            layer.batch_select_indices(rows)
        self.mask, self.positions = self.mask[rows], self.positions[rows]
        return kept

    def step(self, model: PreTrainedModel, tokens: torch.Tensor) -> None:
        """Read one token a row."""
        length = self.cache.get_seq_length() + 1
        output = model(
            input_ids=tokens.unsqueeze(1),
            attention_mask=self.mask[..., :length],
            position_ids=self.positions,
            past_key_values=self.cache,
            logits_to_keep=1,
            prefix=self.prefix,
        )
        self.positions = self.positions + 1
        self.logits = output.logits[:, -1]


def read_prefix(model: PreTrainedModel, tokens: Sequence[int]) -> DynamicCache:
    """The cache (batch 1) after reading the tokens; empty for none."""
    cache = DynamicCache(config=model.config)
    if tokens:
        size = len(tokens)
        seen = torch.ones(1, 1, size, size, dtype=torch.bool, device=model.device).tril()
        model(
            input_ids=torch.tensor([list(tokens)], device=model.device),
            attention_mask=additive(seen, model.dtype),
            position_ids=torch.arange(size, device=model.device).unsqueeze(0),
            past_key_values=cache,
            logits_to_keep=1,
        )
    return cache


def common_length(sequences: Sequence[Sequence[int]]) -> int:
    """Length of the beginning that all sequences share, short of the last token of each.

    >>> common_length([(1, 2, 3, 4), (1, 2, 5)]), common_length([(1, 2), (1, 2)]), common_length([(1,), (2,)])
    (2, 1, 0)
    """
    first, last = min(sequences), max(sequences)  # in sorted order the outermost two differ first
    return min(shared_length(first, last), min(map(len, sequences)) - 1)


def shared_length(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of the common beginning of two sequences."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))


def additive(seen: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A boolean mask (True: may be seen) as what is added to attention weights."""
    return torch.zeros_like(seen, dtype=dtype).masked_fill_(~seen, torch.finfo(dtype).min)
