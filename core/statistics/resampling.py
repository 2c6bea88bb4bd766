"""Cluster bootstrap: whole questions are drawn again, never single samples of one.

Every figure of one comparison is computed on the same resamples, so differences between variants are
paired by construction.

    drawn = Resamples(n=254, resamples=2000, seed=0)
    drawn.mean(wins)                        # an Estimate; wins: a value a question, NaN where there is none
    for weights in drawn.weights(): …       # (rows, n): how often each question is in each resample
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.statistics.estimates import Estimate, doubt, percentile_interval, score_interval

BLOCK = 1 << 22
"""Weights held in memory at a time."""

FEW, MANY = 1 << 20, 1 << 26
"""Weights, a byte each, that are kept for the next figures on the same questions: of as many as `FEW` several sets, of
as many as `MANY` the last two; more are drawn anew each time."""

Bounds = tuple[float, float] | None
"""The least and greatest possible value; they make the interval Wilson's.  None for values without bounds."""


@dataclass(frozen=True)
class Resamples:
    """Seeded resamples of n clusters with replacement."""

    n: int
    resamples: int = 2000
    seed: int = 0

    def weights(self) -> Iterator[np.ndarray]:
        """Blocks of shape (rows, n), float32: how often each cluster was drawn; the same at every call."""
        drawn = self.n * self.resamples
        counts_of = _few_counts if drawn <= FEW else _many_counts if drawn <= MANY else _counts
        for counts in counts_of(*self._key):
            yield counts.astype(np.float32)

    @property
    def _key(self) -> tuple[int, int, int]:
        return self.n, self.resamples, self.seed

    def draws(self, values: np.ndarray) -> np.ndarray:
        """Means of the resamples, shape (resamples, k), of values of shape (n, k); NaN values are left out.

        A resample in which a column has no value at all is NaN there.
        """
        known = ~np.isnan(values)
        filled = np.where(known, values, 0.0).astype(np.float32)
        complete = bool(known.all())
        blocks = []
        for weights in self.weights():
            sums = weights @ filled
            counts = np.float32(self.n) if complete else weights @ known.astype(np.float32)
            with np.errstate(invalid="ignore", divide="ignore"):
                blocks.append(sums / counts)
        return np.concatenate(blocks).astype(float)

    def means(self, values: np.ndarray, bounds: Bounds | Sequence[Bounds] = None) -> list[Estimate]:
        """Mean of each column of values, shape (n, k), over the clusters that have one.

        bounds: those of all columns, or a list with those of each.
        """
        draws = self.draws(values) if self.n else np.empty((0, values.shape[1]))
        each = bounds if isinstance(bounds, list) else [bounds] * values.shape[1]
        columns = zip(values.T, draws.T, each, strict=True)
        return [_estimate(column, drawn, limits) for column, drawn, limits in columns]

    def mean(self, values: np.ndarray, bounds: tuple[float, float] | None = None) -> Estimate:
        """Mean of one value a cluster, shape (n,)."""
        return self.means(np.asarray(values, dtype=float)[:, None], bounds)[0]


def _counts(n: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each of n clusters was drawn, blocks of resamples."""
    rng = np.random.default_rng(seed)
    step = max(1, BLOCK // max(n, 1))
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = rng.integers(n, size=(rows, n)) + n * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n)


def _kept_counts(n: int, resamples: int, seed: int) -> list[np.ndarray]:
    return [np.minimum(counts, 255).astype(np.uint8) for counts in _counts(n, resamples, seed)]


_few_counts = lru_cache(maxsize=64)(_kept_counts)
_many_counts = lru_cache(maxsize=2)(_kept_counts)


def _estimate(column: np.ndarray, draws: np.ndarray, bounds: tuple[float, float] | None) -> Estimate:
    known = column[~np.isnan(column)]
    n = len(known)
    if n == 0:
        return Estimate.undefined(0, "no question has a value")
    value = float(known.mean())
    if n == 1:
        return Estimate(value, *(bounds or (value, value)), 1, note="one question says nothing about others")
    drawn_se = float(np.nanstd(draws) * np.sqrt(n / (n - 1)))
    ends = score_interval(value, drawn_se, n, *bounds) if bounds else percentile_interval(draws, n)
    note = doubt(value, n, *bounds) if bounds else None
    return Estimate(value, *ends, n, se=float(known.std(ddof=1) / np.sqrt(n)), note=note)
