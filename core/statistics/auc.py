"""Area under the ROC curve of any number of resamples at once.

    ranked = Ranked.of(scores, right, questions)        # questions: codes 0 to n − 1
    ranked.area(np.ones((1, n)))                         # the sample's own AUC, shape (1,)

AUC = P(score of a right one > score of a wrong one) + ½ P(equal), the Mann–Whitney statistic over the number of pairs
(Hanley & McNeil 1982).  `core.analysis.agreement.judge_auc` says when it is undefined.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from core.statistics.resampling import Resamples

HELD = 1 << 21
"""Weights of slots and segments held in memory at a time."""


@dataclass(frozen=True)
class Ranked:
    """Explanations sorted once: right ones fall into slots between segments of wrong ones."""

    right: csr_array
    """Right explanations of each slot and question, shape (slots, questions)."""
    wrong: csr_array
    """Wrong explanations of each segment and question, shape (segments, questions), by ascending score."""
    below: np.ndarray
    """How many segments score less than a slot, shape (slots,)."""
    upto: np.ndarray
    """How many segments score at most as much."""

    @classmethod
    def of(cls, scores: np.ndarray, right: np.ndarray, questions: np.ndarray) -> "Ranked":
        """scores, right (bool) and questions (codes), each of shape (explanations,)."""
        n = int(questions.max()) + 1
        order = np.argsort(scores[~right], kind="stable")
        lower = scores[~right][order]
        ends = np.stack([np.searchsorted(lower, scores[right], side) for side in ("left", "right")], axis=1)
        slots, slot = np.unique(ends, axis=0, return_inverse=True)
        cuts = np.unique(slots)
        segment = np.searchsorted(cuts, np.arange(len(lower)), side="right")
        return cls(
            _counts(slot.ravel(), questions[right], (len(slots), n)),
            _counts(segment, questions[~right][order], (len(cuts) + 1, n)),
            np.searchsorted(cuts, slots[:, 0]) + 1,
            np.searchsorted(cuts, slots[:, 1]) + 1,
        )

    def area(self, weights: np.ndarray) -> np.ndarray:
        """AUC with each question counted weights times, (rows, questions) → (rows,); NaN where a class is missing."""
        columns = np.ascontiguousarray(weights.T, dtype=np.float32)
        positive = self.right @ columns
        negative = np.cumsum(np.vstack([np.zeros_like(columns[:1]), self.wrong @ columns]), axis=0)
        above = (positive * (negative[self.below] + negative[self.upto])).sum(axis=0, dtype=float)
        pairs = positive.sum(axis=0, dtype=float) * negative[-1]
        return np.divide(above, 2 * pairs, out=np.full(len(weights), np.nan), where=pairs > 0)

    def draws(self, resamples: Resamples) -> np.ndarray:
        """AUC of each resample of questions, shape (resamples,)."""
        rows = max(1, HELD // (len(self.below) + self.wrong.shape[0]))
        return np.concatenate([self.area(part) for block in resamples.weights() for part in _parts(block, rows)])


def _counts(groups: np.ndarray, questions: np.ndarray, shape: tuple[int, int]) -> csr_array:
    return csr_array((np.ones(len(groups), dtype=np.float32), (groups, questions)), shape=shape)


def _parts(block: np.ndarray, rows: int) -> Iterator[np.ndarray]:
    for start in range(0, len(block), rows):
        yield block[start : start + rows]
