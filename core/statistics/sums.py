"""Figures that are functions of sums over questions, all on the same resamples of questions.

    totals = Totals.of({"asked": asked, "read": read}, Resamples(n))        # arrays of shape (questions, k)
    totals.estimate(lambda t: share(t["read"][:, 0], t["asked"][:, 0]), bounds=(0, 1))

A slope, a correlation, an entropy or a share needs nothing of a question but a few sums, so the questions are drawn
once for all figures.  Ratios of sums count every explanation alike.  Medians, ranks and AUC are no such functions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from core.statistics.coefficients import estimate_of
from core.statistics.estimates import Estimate
from core.statistics.resampling import Resamples

Blocks = Mapping[str, np.ndarray]
"""Name → sums, shape (rows, k): a row a resample."""
Formula = Callable[[Blocks], np.ndarray]
"""Sums → one value a row, NaN where it is undefined."""


@dataclass(frozen=True)
class Totals:
    """Sums over all questions and over each resample of them, as means a question."""

    whole: Blocks
    draws: Blocks
    n: int
    """Questions."""

    @classmethod
    def of(cls, blocks: Blocks, resamples: Resamples) -> "Totals":
        """blocks: values of each question, shape (questions, k) each; `resamples` is over the same questions."""
        table = np.concatenate([np.asarray(block, dtype=float) for block in blocks.values()], axis=1)
        ends = np.cumsum([block.shape[1] for block in blocks.values()])
        drawn = resamples.draws(table)
        return cls(
            whole=dict(zip(blocks, np.split(table.mean(axis=0, keepdims=True), ends[:-1], axis=1), strict=True)),
            draws=dict(zip(blocks, np.split(drawn, ends[:-1], axis=1), strict=True)),
            n=resamples.n,
        )

    def value(self, formula: Formula) -> float:
        """A figure of the questions themselves."""
        return float(formula(self.whole)[0])

    def estimate(self, formula: Formula, n: int | None = None, bounds: tuple[float, float] | None = None) -> Estimate:
        """A figure with its interval: Wilson's for shares (`bounds`), else percentiles.

        n: questions that have anything to do with the figure, where those are not all.
        """
        return estimate_of(self.value(formula), formula(self.draws), self.n if n is None else n, bounds)

    def centred(self, formula: Formula, n: int, ends: tuple[float, float]) -> Estimate:
        """The same for a figure whose resamples are biased, as entropies (down) and largest eigenvalues (up) are.

        The draws are moved so that their mean is the figure, and cut at `ends`, its least and greatest value.
        """
        value, draws = self.value(formula), formula(self.draws)
        moved = np.clip(draws - np.nanmean(draws) + value, *ends) if n > 1 else draws
        return estimate_of(value, moved, n)


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where the whole is nothing.

    >>> share(np.array([1.0, 0.0]), np.array([4.0, 0.0])).tolist()
    [0.25, nan]
    """
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=np.asarray(whole) > 1e-12)


def per_question(values: np.ndarray, question: np.ndarray, questions: int) -> np.ndarray:
    """Sums of the rows of each question: values (rows, k), codes (rows,) → (questions, k).

    >>> per_question(np.array([[1.0], [2.0], [4.0]]), np.array([0, 1, 1]), 3).ravel().tolist()
    [1.0, 6.0, 0.0]
    """
    columns = [np.bincount(question, weights=column, minlength=questions) for column in values.T]
    return np.stack(columns, axis=1) if columns else np.zeros((questions, 0))


def less_group_mean(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Values of shape (rows, k) less their mean in each group (codes): what the group adds to all of them cancels.

    >>> less_group_mean(np.array([[1.0], [3.0], [7.0]]), np.array([0, 0, 4])).ravel().tolist()
    [-1.0, 1.0, 0.0]
    """
    n = int(groups.max(initial=-1)) + 1
    counts = np.maximum(np.bincount(groups, minlength=n), 1)
    return values - (per_question(values, groups, n) / counts[:, None])[groups]


def in_company(groups: np.ndarray) -> np.ndarray:
    """Which rows are not alone in their group (codes), boolean.

    >>> in_company(np.array([0, 0, 4])).tolist()
    [True, True, False]
    """
    return np.bincount(groups, minlength=1)[groups] > 1
