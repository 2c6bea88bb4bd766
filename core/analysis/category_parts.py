"""Δ(W−L) on the questions of each anchor category of B, where the category never comes from draws that are compared.

    category_parts(table, outcomes_of(table).pairs)         # a Part a category and pair of variants

Sorted by B's own compared draws, questions on which B happened to be lucky would be called consistently correct and B
would seem better there: two identical models differ by ten points (regression to the mean, Galton 1886).  So the
draws are split in halves: B's category comes from one half, A and B are compared on the other, and both directions
are averaged.  A is compared on the same half, since draws of one number share their seed.  A half has its own size as
N, so fewer questions are variable than by all draws.  bench/categories.py has the coverage.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.analysis.comparison import DIFFERENCE, Part, ScoreTable, known_mean, outcomes
from core.records import CATEGORIES
from core.statistics.coefficients import estimate_of
from core.statistics.estimates import Estimate, doubt

HALVES = (slice(0, None, 2), slice(1, None, 2))
"""Draws of even and of odd numbers."""


@dataclass(frozen=True)
class _Split:
    """Shares of a pair's sample pairs won, tied and lost, as each half decides the category."""

    shares: np.ndarray
    """Shape (halves, questions, 3): of the other half's draws; NaN without a pair."""
    category: np.ndarray
    """Place in `CATEGORIES` of each question under B by this half, shape (halves, questions); −1: none."""

    def on(self, category: int) -> np.ndarray:
        """The shares of questions in one category, NaN elsewhere."""
        return np.where((self.category == category)[..., None], self.shares, np.nan)


def category_parts(table: ScoreTable, pairs: Sequence[tuple[int, int]]) -> list[Part]:
    """Δ(W−L) of every two variants on the questions of each category of B (prediction: setting `right_by`)."""
    split = [_split(table, a, b) for a, b in pairs]
    places = [(category, k) for category in range(len(CATEGORIES)) for k in range(len(pairs))]
    shares = [split[k].on(category) for category, k in places]
    if not shares:
        return []
    deltas = np.stack([each[..., 0] - each[..., 2] for each in shares], axis=1)
    draws = [table.resamples.draws(half.T) for half in deltas]
    drawn = known_mean(np.stack(draws), axis=0)
    values = known_mean(np.stack([known_mean(half, axis=1) for half in deltas]), axis=0)
    asked = (~np.isnan(deltas)).any(axis=0).sum(axis=1)
    return [
        Part(
            CATEGORIES[category],
            *(table.labels[place] for place in pairs[k]),
            *_known(known_mean(known_mean(shares[i], axis=1), axis=0)),
            delta=_estimate(float(values[i]), drawn[:, i], int(asked[i]), table).scaled(100),
        )
        for i, (category, k) in enumerate(places)
    ]


def categories_of(right: np.ndarray) -> np.ndarray:
    """Place in `CATEGORIES` of each question, −1 without a draw; right: 1, 0, or NaN where nothing was drawn."""
    drawn, hits = (~np.isnan(right)).sum(axis=1), np.nansum(right, axis=1)
    code = np.where(hits == drawn, 0, np.where(hits == 0, 2, 1))
    return np.where(drawn > 0, code, -1)


def _split(table: ScoreTable, a: int, b: int) -> _Split:
    right = table.values[f"correct_{table.settings.right_by}"][b]
    unknown = table.present[b] & np.isnan(right)
    shares, category = [], []
    for sorts, compared in (HALVES, HALVES[::-1]):
        counts = outcomes(table.scores[a][:, compared], table.scores[b][:, compared], table.settings.margin)
        total = counts.sum(axis=1, keepdims=True)
        shares.append(np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0))
        category.append(np.where(unknown[:, sorts].any(axis=1), -1, categories_of(right[:, sorts])))
    return _Split(np.stack(shares), np.stack(category))


def _estimate(value: float, draws: np.ndarray, n: int, table: ScoreTable) -> Estimate:
    if n == 0:
        few = "a category needs draws that are not compared: two responses a question at least"
        return Estimate.undefined(0, few if table.present.shape[2] < 2 else "no question is in this category")
    return replace(estimate_of(value, draws, n, DIFFERENCE), note=doubt(value, n, *DIFFERENCE))


def _known(means: np.ndarray) -> list[float | None]:
    return [None if np.isnan(mean) else float(mean) for mean in means]
