"""Two pair sets built on the same samples: which pairs they share, and where they part.

    difference(anchor_pairs, rank_pairs)["same pair"]       # [(pair of A, pair of B), …]

A question gives at most one pair in a set, so sets are compared question by question.  Texts are not looked at: a
pair is the same if both halves are the same responses.  Not covered: why a question gave none (the ledger).
"""

from collections.abc import Sequence
from typing import Literal

from core.records import Pair, Side

Place = Literal["same pair", "another pair", "turned round", "only A", "only B"]

PLACES: dict[Place, str] = {
    "same pair": "Both sets have it.",
    "another pair": "Both have a pair of this question, of other responses.",
    "turned round": "Both have these two responses: what one set chooses, the other rejects.",
    "only A": "Set A alone has a pair of this question.",
    "only B": "Set B alone has a pair of this question.",
}
"""Where a question's pairs stand in two sets → what it means."""

Both = tuple[Pair | None, Pair | None]
"""A question's pair in A and in B; None where there is none."""


def difference(a: Sequence[Pair], b: Sequence[Pair]) -> dict[Place, list[Both]]:
    """Place → the pairs there, in the order of A, then of B.

    same pair + another pair + turned round + only A = pairs of A; likewise for B.
    """
    of_b = {pair.item_id: pair for pair in b}
    of_a = {pair.item_id for pair in a}
    found: dict[Place, list[Both]] = {place: [] for place in PLACES}
    for pair in a:
        other = of_b.get(pair.item_id)
        found[_place(pair, other)].append((pair, other))
    found["only B"] = [(None, pair) for pair in b if pair.item_id not in of_a]
    return found


def _place(a: Pair, b: Pair | None) -> Place:
    if b is None:
        return "only A"
    mine, others = (_source(a.chosen), _source(a.rejected)), (_source(b.chosen), _source(b.rejected))
    if mine == others:
        return "same pair"
    return "turned round" if mine == others[::-1] else "another pair"


def _source(side: Side) -> tuple[str, int]:
    return side.run, side.sample
