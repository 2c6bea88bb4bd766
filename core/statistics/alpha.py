"""Krippendorff's α: agreement of any number of raters, with missing ratings.

    krippendorff(codes, points, "ordinal", clusters, resamples=2000, seed=0)

Codes are of shape (items, raters), −1 where missing.  Items with fewer than two ratings say nothing about agreement
and are left out.  `core.analysis.agreement.alpha` takes a table of labels.
"""

from typing import Literal

import numpy as np

from core.statistics.coefficients import Cells, Coefficient, bootstrap
from core.statistics.estimates import Estimate
from core.statistics.resampling import Resamples

Level = Literal["nominal", "ordinal", "interval"]
"""What the labels are: names, an order, or numbers whose differences mean something."""


def coincidences(codes: np.ndarray, clusters: np.ndarray, points: np.ndarray) -> Cells:
    """Coincidences of labels within items, as cells (c, k): o_ck = Σ_u (pairs c–k in item u) / (m_u − 1).

    codes: label codes of shape (items, raters), −1 where missing; m_u is the number of ratings of item u, so
    each rating counts once, however many raters the item has (Krippendorff 2011, step C).
    """
    ratings = (codes >= 0).sum(axis=1)
    codes, ratings, clusters = codes[ratings > 1], ratings[ratings > 1], clusters[ratings > 1]
    item, rater = np.nonzero(codes >= 0)
    raters = codes.shape[1]
    partner = (rater[:, None] + np.arange(1, max(raters, 1))) % raters if raters else np.empty((0, 0), dtype=int)
    first = np.broadcast_to(codes[item, rater][:, None], partner.shape)
    second = codes[item[:, None], partner]
    weight = np.broadcast_to(1 / (ratings[item] - 1)[:, None], partner.shape)
    named = np.broadcast_to(clusters[item][:, None], partner.shape)
    both = second >= 0
    return Cells.of(first[both], second[both], named[both], points, weight[both])


def krippendorff(
    codes: np.ndarray, points: np.ndarray, level: Level, clusters: np.ndarray, resamples: int, seed: int
) -> Estimate:
    """α = 1 − D_o / D_e with its interval (Krippendorff 2011).

    codes as in `coincidences`; points: the place of each label, shape (labels,); clusters: question of each item;
    resamples and seed as in `Resamples`.
    """
    cells = coincidences(codes, clusters, points)
    if not len(cells.a):
        return Estimate.undefined(0, "no item has ratings of two raters")
    if len(np.unique(cells.a)) < 2:
        return Estimate.undefined(cells.n, "all ratings are the same label, so chance alone would agree")
    return bootstrap(cells, {"alpha": _COEFFICIENTS[level]}, Resamples(cells.n, resamples, seed))["alpha"]


def _nominal(cells: Cells, weights: np.ndarray) -> np.ndarray:
    """δ² = 0 for the same label, 1 for another."""
    labels = cells.margins(weights)[0]
    n = weights.sum(axis=1)
    observed = weights[:, cells.a != cells.b].sum(axis=1)
    return _alpha(observed, n**2 - (labels**2).sum(axis=1), n)


def _ordinal(cells: Cells, weights: np.ndarray) -> np.ndarray:
    """δ²_ck = (Σ_{g=c..k} n_g − (n_c + n_k)/2)², which is the squared difference of the labels' mid-ranks."""
    labels = cells.margins(weights)[0]
    return _squared(cells, weights, np.cumsum(labels, axis=1) - labels / 2)


def _interval(cells: Cells, weights: np.ndarray) -> np.ndarray:
    """δ²_ck = (x_c − x_k)²."""
    return _squared(cells, weights, np.broadcast_to(cells.points, (len(weights), cells.k)))


_COEFFICIENTS: dict[Level, Coefficient] = {"nominal": _nominal, "ordinal": _ordinal, "interval": _interval}


def _squared(cells: Cells, weights: np.ndarray, points: np.ndarray) -> np.ndarray:
    """α for δ² = (x_c − x_k)² with points x of shape (rows, labels)."""
    labels = cells.margins(weights)[0]
    n = weights.sum(axis=1)
    observed = (weights * (points[:, cells.a] - points[:, cells.b]) ** 2).sum(axis=1)
    centred = points - ((labels * points).sum(axis=1) / n)[:, None]
    return _alpha(observed, 2 * n * (labels * centred**2).sum(axis=1), n)


def _alpha(observed: np.ndarray, expected: np.ndarray, n: np.ndarray) -> np.ndarray:
    """α = 1 − (n − 1) Σ o_ck δ² / Σ n_c n_k δ², n the pairable ratings; NaN where all of them are alike."""
    shares = np.divide(observed, expected, out=np.full(len(n), np.nan), where=expected > 1e-9)
    return 1 - (n - 1) * shares
