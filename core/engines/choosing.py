"""Choosing among options without generating: what prompts share is computed once.

The prompts of a call are token sequences with long common beginnings: the rubric of a judge run, the
question of its N explanations, the explanation of its five criteria.  Their common prefix is read once
and kept for the next call; the rest is packed as a trie into one sequence, in which a 4-D mask lets
each token see its ancestors alone and positions count depth.  The result is that of separate prompts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import Cache, DynamicLayer

from core.engines.decoding import additive, common_length, read_prefix, shared_length
from core.engines.spent import Spent

Tokens = tuple[int, ...]

TOKENS_A_PASS = 320
"""Trie tokens read in one forward pass: more waste attention on strangers, fewer waste the cores."""


# --- options as tries


@dataclass(frozen=True)
class Fork:
    """A point at which options part: the prompt plus `path`, and the tokens that may follow."""

    path: Tokens
    tokens: tuple[int, ...]


def forks_of(options: Sequence[Tokens]) -> list[Fork]:
    """Where options part.  No option may be the beginning of another (see `ended`).

    >>> forks_of([(1, 2), (1, 3), (4,)])
    [Fork(path=(), tokens=(1, 4)), Fork(path=(1,), tokens=(2, 3))]
    """
    following: dict[Tokens, dict[int, None]] = {}
    for option in options:
        for i, token in enumerate(option):
            following.setdefault(option[:i], {})[token] = None
    return [Fork(path, tuple(tokens)) for path, tokens in following.items() if len(tokens) > 1]


def ended(options: Sequence[Tokens], end: int) -> list[Tokens]:
    """The options, each with the end token where one of them is the beginning of another.

    >>> ended([(1,), (1, 2)], 0)
    [(1, 0), (1, 2, 0)]
    """
    nested = any(a != b and b[: len(a)] == a for a in options for b in options)
    return [(*option, end) for option in options] if nested else list(options)


def log_probabilities(options: Sequence[Tokens], at_fork: dict[Tokens, dict[int, float]]) -> np.ndarray:
    """Log-probability of each option: the sum over its forks of the normalised token's.

    at_fork: path → token → logit.
    """
    logs = np.zeros(len(options))
    for path, logits in at_fork.items():
        total = np.logaddexp.reduce(list(logits.values()))
        for i, option in enumerate(options):
            if option[: len(path)] == path:
                logs[i] += logits[option[len(path)]] - total
    return logs


# --- prompts as a trie


@dataclass(frozen=True)
class Trie:
    """Sequences packed into one: `parents[i]` is the node before node i, -1 at the root."""

    tokens: list[int]
    parents: list[int]
    depths: list[int]
    ends: list[int]
    """Last node of each sequence."""


def pack(sequences: Sequence[Tokens]) -> Trie:
    """A trie of non-empty sequences given in sorted order (so shared beginnings are neighbours).

    >>> pack([(7, 1), (7, 1, 5), (7, 2)])
    Trie(tokens=[7, 1, 5, 2], parents=[-1, 0, 1, 0], depths=[0, 1, 2, 1], ends=[1, 2, 3])
    """
    trie = Trie([], [], [], [])
    path: list[int] = []
    previous: Tokens = ()
    for sequence in sequences:
        shared = shared_length(previous, sequence)
        del path[shared:]
        for depth in range(shared, len(sequence)):
            trie.parents.append(path[-1] if path else -1)
            trie.tokens.append(sequence[depth])
            trie.depths.append(depth)
            path.append(len(trie.tokens) - 1)
        trie.ends.append(path[-1])
        previous = sequence
    return trie


def ancestors(trie: Trie) -> np.ndarray:
    """(nodes, nodes) bool: row i is True at node i and the nodes before it on its path."""
    seen = np.zeros((len(trie.tokens), len(trie.tokens)), dtype=bool)
    for i, parent in enumerate(trie.parents):
        if parent >= 0:
            seen[i] = seen[parent]
        seen[i, i] = True
    return seen


class PrefixLayer(DynamicLayer):
    """A layer's cache that lends its prefix to one pass after another and keeps nothing of them."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()
        self.keys, self.values = keys, values
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.cat([self.keys, key_states], dim=2), torch.cat([self.values, value_states], dim=2)


class PrefixReader:
    """Next-token logits after many sequences; keeps the prefix that the last call's sequences shared."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self.spent = Spent()
        self._prefix: Tokens = ()
        self._layers: list[PrefixLayer] | None = None

    @torch.inference_mode()
    def logits(self, sequences: Sequence[Tokens]) -> dict[Tokens, torch.Tensor]:
        """Sequence → logits of the token after it, shape (vocabulary,)."""
        ordered = sorted(set(sequences))
        self._keep_prefix(ordered)
        start = len(self._prefix)
        found: dict[Tokens, torch.Tensor] = {}
        for part in _passes([sequence[start:] for sequence in ordered]):
            for rest, logits in zip(part, self._read(pack(part)), strict=True):
                found[self._prefix + rest] = logits
        return found

    def _keep_prefix(self, ordered: Sequence[Tokens]) -> None:
        """Read what all sequences share, unless the prefix at hand serves as well."""
        shared = common_length(ordered)
        if self._prefix and self._prefix == ordered[0][: len(self._prefix)] and len(self._prefix) <= shared:
            return
        self._prefix, self._layers = (), None  # none is kept if memory runs out while the next is read
        self.spent.add(shared, 0)
        layers = read_prefix(self.model, ordered[0][:shared]).layers
        self._layers = [PrefixLayer(layer.keys, layer.values) for layer in layers] if shared else None
        self._prefix = ordered[0][:shared]

    def _read(self, trie: Trie) -> torch.Tensor:
        """Logits at the ends of a trie that stands after the prefix: (ends, vocabulary)."""
        device, start = self.model.device, len(self._prefix)
        self.spent.add(len(trie.tokens), 0)
        before = np.ones((len(trie.tokens), start), dtype=bool)
        seen = torch.from_numpy(np.concatenate([before, ancestors(trie)], axis=1)).to(device)
        return self.model(
            input_ids=torch.tensor([trie.tokens], device=device),
            attention_mask=additive(seen[None, None], self.model.dtype),
            position_ids=torch.tensor([trie.depths], device=device) + start,
            past_key_values=Cache(layers=self._layers) if self._layers else DynamicCache(config=self.model.config),
            logits_to_keep=torch.tensor(trie.ends, device=device),
        ).logits[0]


def _passes(ordered: Sequence[Tokens]) -> list[list[Tokens]]:
    """Sorted sequences in groups of at most `TOKENS_A_PASS` trie tokens."""
    groups: list[list[Tokens]] = [[]]
    size, previous = 0, ()
    for sequence in ordered:
        added = len(sequence) - shared_length(previous, sequence)
        if groups[-1] and size + added > TOKENS_A_PASS:
            groups.append([])
            size, added = 0, len(sequence)
        groups[-1].append(sequence)
        size, previous = size + added, sequence
    return groups


def choose_among(
    reader: PrefixReader, prompts: Sequence[Tokens], options: Sequence[Sequence[Tokens]], end: int
) -> list[np.ndarray]:
    """Log-probabilities of each prompt's options (see `core.engines.Engine.choose`)."""
    closed = [ended(group, end) for group in options]
    forks = [forks_of(group) for group in closed]
    wanted = [prompt + fork.path for prompt, group in zip(prompts, forks, strict=True) for fork in group]
    logits = reader.logits(wanted) if wanted else {}
    reader.spent.add(0, sum(map(len, wanted)))
    return [
        log_probabilities(group, {fork.path: _logits_at(logits[prompt + fork.path], fork) for fork in parting})
        for prompt, group, parting in zip(prompts, closed, forks, strict=True)
    ]


def _logits_at(logits: torch.Tensor, fork: Fork) -> dict[int, float]:
    return dict(zip(fork.tokens, logits[list(fork.tokens)].double().tolist(), strict=True))
