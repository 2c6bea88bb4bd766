"""Can the judge be believed?  AUC of its score between right and wrong explanations.

AUC is the chance that a right response's score is above a wrong one's (ties count half); 0.5 is
chance.  Its interval resamples questions.  A judge whose interval covers 0.5 cannot be told from one
that rolls dice, and every number made from it says so.
"""

from dataclasses import dataclass

import numpy as np

from core.settings import CompareSettings


@dataclass(frozen=True)
class Auc:
    """Area under the ROC curve with its 95% interval; value None where one class is missing."""

    value: float | None
    low: float | None
    high: float | None
    right: int
    wrong: int
    questions: int

    @property
    def at_chance(self) -> bool:
        """Whether the interval covers 0.5, or nothing can be said at all."""
        return self.value is None or self.low <= 0.5 <= self.high

    @property
    def inverted(self) -> bool:
        """Whether the judge reliably prefers wrong responses."""
        return self.value is not None and self.high < 0.5


def judge_auc(scores: np.ndarray, right: np.ndarray, questions: np.ndarray, settings: CompareSettings) -> Auc:
    """AUC of `scores` for `right`, each of shape (explanations,); `questions` names the cluster of each."""
    codes = np.unique(questions, return_inverse=True)[1]
    n = int(codes.max()) + 1 if len(codes) else 0
    counts = int(right.sum()), int((~right).sum()), n
    if min(counts) == 0:
        return Auc(None, None, None, *counts)
    ranked = _Ranked.of(scores, right, codes)
    rng = np.random.default_rng(settings.seed)
    draws = [ranked.auc(np.bincount(rng.integers(n, size=n), minlength=n)) for _ in range(settings.resamples)]
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return Auc(ranked.auc(np.ones(n, dtype=int)), float(low), float(high), *counts)


@dataclass(frozen=True)
class _Ranked:
    """Explanations in order of score, so that each resample costs one pass and no sorting."""

    right: np.ndarray
    codes: np.ndarray
    starts: np.ndarray
    """First position of each run of equal scores."""

    @classmethod
    def of(cls, scores: np.ndarray, right: np.ndarray, codes: np.ndarray) -> "_Ranked":
        order = np.argsort(scores, kind="stable")
        ordered = scores[order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        return cls(right[order], codes[order], starts)

    def auc(self, weights: np.ndarray) -> float:
        """AUC with each question counted `weights` times; NaN where a resample has one class only."""
        weight = weights[self.codes]
        positive = np.add.reduceat(weight * self.right, self.starts)
        negative = np.add.reduceat(weight * ~self.right, self.starts)
        if not (positive.any() and negative.any()):
            return float("nan")
        below = np.cumsum(negative) - negative
        return float((positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum()))
