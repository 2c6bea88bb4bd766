"""Agreement of two raters: percent, Cohen's κ (plain and weighted), Spearman's ρ, Kendall's τ-b.

    cells = Cells.of(a, b, clusters, points)          # codes of the labels, one pair an item
    bootstrap(cells, {"kappa": kappa}, Resamples(cells.n))["kappa"]      # an Estimate

Ratings are grouped first: each different pair of labels is one *cell*, so a resample is a weight a cell and
every coefficient is a formula on an array of shape (resamples, cells), NaN where it is undefined.  What is
resampled are clusters (questions), never single ratings of one.  `core.analysis.agreement` takes labels instead of
codes and says why a figure is undefined; `core.statistics.alpha` has more than two raters.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from core.statistics.estimates import Estimate, percentile_interval, score_interval
from core.statistics.resampling import Resamples

HELD = 1 << 20
"""Cell weights held in memory at a time."""
EXACT_CELLS = 2_500
"""Up to so many cells Kendall's τ is computed anew in every resample; above, in the sample's linear terms."""
MOST_CELLS = 20_000
"""Kendall's τ compares every two cells; above so many it is left undefined."""

Coefficient = Callable[["Cells", np.ndarray], np.ndarray]
"""(cells, weights of shape (rows, cells)) → one value a row, NaN where it is undefined."""


@dataclass(frozen=True)
class Cells:
    """Pairs of labels, each different pair once, with how often each cluster has it."""

    a: np.ndarray
    """Label code of the first rater, shape (cells,), 0 to labels − 1."""
    b: np.ndarray
    """Label code of the second rater, shape (cells,)."""
    counts: csr_array
    """How often each cluster has each cell, shape (clusters, cells)."""
    points: np.ndarray
    """Place of each label on its scale, ascending, shape (labels,); 0, 1, 2, … where it is mere order."""

    @classmethod
    def of(
        cls,
        a: np.ndarray,
        b: np.ndarray,
        clusters: np.ndarray,
        points: np.ndarray,
        counts: np.ndarray | None = None,
    ) -> "Cells":
        """Group codes a, b of shape (items,); `clusters` names the question of each, `counts` weighs it (else 1)."""
        pairs, cell = np.unique(np.stack([a, b], axis=1).astype(int).reshape(-1, 2), axis=0, return_inverse=True)
        names, cluster = np.unique(clusters, return_inverse=True)
        weight = np.ones(len(a)) if counts is None else counts
        table = csr_array((weight, (cluster.ravel(), cell.ravel())), shape=(len(names), len(pairs)))
        return cls(pairs[:, 0], pairs[:, 1], table, np.asarray(points, dtype=float))

    @property
    def n(self) -> int:
        """Clusters: the independent units."""
        return self.counts.shape[0]

    @property
    def k(self) -> int:
        """Labels of the scale, used or not."""
        return len(self.points)

    @cached_property
    def whole(self) -> np.ndarray:
        """The weights of the sample itself, shape (1, cells)."""
        return np.asarray(self.counts.sum(axis=0), dtype=float).reshape(1, -1)

    def blocks(self, resamples: Resamples) -> Iterator[np.ndarray]:
        """Weights of the resamples, blocks of shape (rows, cells)."""
        rows = max(1, HELD // max(len(self.a), 1))
        for weights in resamples.weights():
            for start in range(0, len(weights), rows):
                yield weights[start : start + rows].astype(float) @ self.counts

    def margins(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How often each rater gives each label, two arrays of shape (rows, labels)."""
        return weights @ self._indicator(self.a), weights @ self._indicator(self.b)

    def _indicator(self, codes: np.ndarray) -> csr_array:
        cells = np.arange(len(codes))
        return csr_array((np.ones(len(codes)), (cells, codes)), shape=(len(codes), self.k))

    def table(self) -> np.ndarray:
        """Confusion matrix, shape (labels, labels): rows the first rater, columns the second."""
        table = np.zeros((self.k, self.k))
        table[self.a, self.b] = self.whole[0]
        return table

    @cached_property
    def kendall_terms(self) -> tuple[float, np.ndarray]:
        """τ-b of the sample and its derivative by the weight of each cell, shape (cells,)."""
        w = self.whole[0]
        blocks = np.array_split(np.arange(len(w)), len(w) * len(w) // HELD + 1)
        concordance = np.concatenate([_signs(self, rows) @ w for rows in blocks])
        untied_a, untied_b = (float(x[0]) for x in _untied(self, self.whole))
        if min(untied_a, untied_b) <= 0:
            return float("nan"), np.zeros(len(w))
        scale = np.sqrt(untied_a * untied_b)
        value = float(w @ concordance / scale)
        a, b = (margin[0] for margin in self.margins(self.whole))
        spread = (w.sum() - a[self.a]) / untied_a + (w.sum() - b[self.b]) / untied_b
        return value, 2 * concordance / scale - value * spread


# --- coefficients


def percent_agreement(cells: Cells, weights: np.ndarray) -> np.ndarray:
    """p_o = share of items with the same label by both."""
    return _ratio(weights[:, cells.a == cells.b].sum(axis=1), weights.sum(axis=1))


def kappa(cells: Cells, weights: np.ndarray) -> np.ndarray:
    """Cohen's κ = (p_o − p_e) / (1 − p_e), p_e = Σ_c p_ac·p_bc (Cohen 1960)."""
    return _weighted_kappa(cells, weights, 1 - np.eye(cells.k))


def kappa_linear(cells: Cells, weights: np.ndarray) -> np.ndarray:
    """Weighted κ with disagreement |x_a − x_b| of the labels' points x (Cohen 1968)."""
    return _weighted_kappa(cells, weights, np.abs(cells.points[:, None] - cells.points))


def kappa_quadratic(cells: Cells, weights: np.ndarray) -> np.ndarray:
    """Weighted κ with disagreement (x_a − x_b)² of the labels' points x (Cohen 1968)."""
    return _weighted_kappa(cells, weights, (cells.points[:, None] - cells.points) ** 2)


def _weighted_kappa(cells: Cells, weights: np.ndarray, disagreement: np.ndarray) -> np.ndarray:
    """κ_w = 1 − Σ v_ij p_ij / Σ v_ij p_i· p_·j; NaN where a rater gives one label only, for then it is 0 by form."""
    a, b = cells.margins(weights)
    observed = (weights @ disagreement[cells.a, cells.b]) * weights.sum(axis=1)
    expected = ((a @ disagreement) * b).sum(axis=1)
    constant = ((a > 0).sum(axis=1) < 2) | ((b > 0).sum(axis=1) < 2)
    return np.where(constant, np.nan, 1 - _ratio(observed, expected))


def spearman(cells: Cells, weights: np.ndarray) -> np.ndarray:
    """Spearman's ρ: Pearson's correlation of mid-ranks (tied values share the mean of their ranks)."""
    a, b = (_mid_ranks(margin) for margin in cells.margins(weights))
    return _correlation(a[:, cells.a], b[:, cells.b], weights)


def _mid_ranks(margin: np.ndarray) -> np.ndarray:
    return np.cumsum(margin, axis=1) - margin / 2


def _correlation(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total = weights.sum(axis=1, keepdims=True)
    x = x - (weights * x).sum(axis=1, keepdims=True) / total
    y = y - (weights * y).sum(axis=1, keepdims=True) / total
    both = (weights * x * y).sum(axis=1)
    return _ratio(both, np.sqrt((weights * x**2).sum(axis=1) * (weights * y**2).sum(axis=1)))


def kendall(cells: Cells, weights: np.ndarray) -> np.ndarray:
    """Kendall's τ-b = (C − D) / √((n₀ − n₁)(n₀ − n₂)), n₁ and n₂ the pairs tied in a and in b (Kendall 1945).

    With weights w a cell, 2(C − D) = Σ_ij w_i w_j sgn(a_i − a_j) sgn(b_i − b_j) and 2(n₀ − n₁) = n² − Σ t², t the
    weights of the labels.  Above EXACT_CELLS cells the resamples take τ's first-order terms at the sample
    instead (infinitesimal jackknife), since every resample would cost a product with cells × cells signs.
    """
    if len(cells.a) > MOST_CELLS:
        return np.full(len(weights), np.nan)
    if len(cells.a) > EXACT_CELLS:
        value, slope = cells.kendall_terms
        return value + weights @ slope
    signs = _signs(cells, np.arange(len(cells.a)))
    concordance = weights.astype(np.float32) @ signs
    return _ratio((concordance * weights).sum(axis=1), np.sqrt(np.prod(_untied(cells, weights), axis=0)))


def _signs(cells: Cells, rows: np.ndarray) -> np.ndarray:
    """1 for a concordant, −1 for a discordant, 0 for a tied pair of cells, shape (rows, cells)."""
    a, b = cells.a.astype(np.int32), cells.b.astype(np.int32)
    return (np.sign(a[rows, None] - a) * np.sign(b[rows, None] - b)).astype(np.float32)


def _untied(cells: Cells, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Twice the pairs of items that are not tied in a, and not in b."""
    total = weights.sum(axis=1) ** 2
    a, b = cells.margins(weights)
    return total - (a**2).sum(axis=1), total - (b**2).sum(axis=1)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below, NaN where below is 0 (up to rounding)."""
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 1e-9)


# --- from coefficients to estimates


def bootstrap(cells: Cells, coefficients: Mapping[str, Coefficient], resamples: Resamples) -> dict[str, Estimate]:
    """An Estimate of each coefficient, all on the same resamples of clusters (percentile interval).

    `percent_agreement` is a share and has Wilson's interval; see `core.statistics.estimates`.
    """
    blocks = [{name: f(cells, w) for name, f in coefficients.items()} for w in cells.blocks(resamples)]
    found = {}
    for name, coefficient in coefficients.items():
        draws = np.concatenate([block[name] for block in blocks])
        value = float(coefficient(cells, cells.whole)[0])
        bounds = (0.0, 1.0) if coefficient is percent_agreement else None
        found[name] = estimate_of(value, draws, cells.n, bounds)
        if bounds is None and cells.n < FEWEST and found[name].value is not None:
            few = "1 question says" if cells.n == 1 else f"{cells.n} questions say"
            found[name] = Estimate(value, None, None, cells.n, note=f"{few} too little about others for an interval")
    return found


FEWEST = 10
"""Questions below which the resamples of a coefficient show far less than its uncertainty: it has no interval."""


def estimate_of(value: float, draws: np.ndarray, n: int, bounds: tuple[float, float] | None = None) -> Estimate:
    """A value with the interval that its bootstrap draws, shape (resamples,), give; n clusters.

    bounds: given for the mean of values between them (Wilson's interval); None for a coefficient.
    """
    if np.isnan(value):
        return Estimate.undefined(n, "the formula divides by zero")
    if n < 2:
        low, high = bounds or (-1.0, 1.0)
        return Estimate(value, low, high, n, note="one question says nothing about others")
    known = draws[~np.isnan(draws)]
    if not len(known):
        return Estimate(value, None, None, n, note="no interval, because the figure is undefined in every resample")
    se = float(known.std() * np.sqrt(n / (n - 1)))
    low, high = score_interval(value, se, n, *bounds) if bounds else percentile_interval(known, n)
    return Estimate(value, low, high, n, se, None if bounds else _doubt(known, draws, n))


def _doubt(known: np.ndarray, draws: np.ndarray, n: int) -> str | None:
    lost = 1 - len(known) / len(draws)
    if lost > 0.05:
        return f"undefined in {lost:.0%} of the resamples, which are left out: too few unlike ratings for an interval"
    if np.ptp(known) < 1e-9:
        return f"the same in every resample of these {n} questions, so the interval shows no uncertainty"
    return None
