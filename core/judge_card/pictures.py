"""What the Judges page draws beside a card: scores over lengths, and how far judges agree with each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.judge_card.records import JudgeCard
from core.settings import CompareSettings
from core.statistics.estimates import Estimate
from core.statistics.resampling import Resamples
from core.statistics.sums import Totals, per_question, share
from core.store.database import Store

BINS = 8
"""Bins of length with about equally many explanations each."""


@dataclass(frozen=True)
class LengthBin:
    """Explanations of about one length under a judge."""

    low: float
    """Fewest tokens."""
    high: float
    """Most tokens."""
    tokens: float
    """Median tokens."""
    explanations: int
    score: Estimate
    """Mean score above the mean of its question and variant; n counts questions."""


def length_bins(store: Store, card: JudgeCard, settings: CompareSettings) -> list[LengthBin]:
    """Mean score of a judge in bins of length with about equally many explanations; shortest first.

    Scores are taken above the mean of their question and variant, since a hard question has both longer explanations
    and lower scores; explanations that are the only ones of theirs say nothing and are left out.
    """
    column = settings.column
    rows = store.frame(
        f"SELECT item_id, tokens, {column}::DOUBLE - avg({column}) OVER strata AS score FROM scores "
        f"WHERE list_contains(?, run) AND origin = 'model' AND tokens > 0 AND {column} IS NOT NULL "
        "WINDOW strata AS (PARTITION BY run, item_id) QUALIFY count(*) OVER strata > 1",
        [card.runs],
    )
    if rows.empty:
        return []
    tokens, score = rows["tokens"].to_numpy(dtype=float), rows["score"].to_numpy(dtype=float)
    edges = np.unique(np.quantile(tokens, np.linspace(0, 1, BINS + 1)[1:-1]))
    inside = np.unique(np.searchsorted(edges, tokens, side="left"), return_inverse=True)[1]
    bins = int(inside.max()) + 1
    questions, question = np.unique(rows["item_id"].to_numpy(dtype=str), return_inverse=True)
    members = np.eye(bins)[inside]
    blocks = {
        "n": per_question(members, question, len(questions)),
        "score": per_question(members * score[:, None], question, len(questions)),
    }
    totals = Totals.of(blocks, Resamples(len(questions), settings.resamples, settings.seed))
    return [_bin(i, tokens[inside == i], blocks["n"][:, i], totals) for i in range(bins)]


def _bin(i: int, tokens: np.ndarray, counts: np.ndarray, totals: Totals) -> LengthBin:
    mean = totals.estimate(lambda t: share(t["score"][:, i], t["n"][:, i]), int((counts > 0).sum()))
    return LengthBin(float(tokens.min()), float(tokens.max()), float(np.median(tokens)), len(tokens), mean)


def judge_matrix(cards: Sequence[JudgeCard]) -> list[list[float | None]]:
    """Spearman's ρ of every two judges of the same responses; None where they share nothing, 1 with themselves."""
    found = {(card.key, peer.key): peer.correlation.value for card in cards for peer in card.peers}
    return [[1.0 if a.key == b.key else found.get((a.key, b.key)) for b in cards] for a in cards]
