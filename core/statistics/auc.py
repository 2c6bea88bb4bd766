"""Area under the ROC curve within strata: right against wrong explanations of one question by one variant.

    compared = Compared.of(scores, right, questions, variants)       # codes, each of shape (explanations,)
    compared.area(Resamples(len(compared.weights)))                  # an Estimate

Within a stratum A = P(score of a right one > score of a wrong one) + ½ P(equal), the Mann–Whitney statistic over the
number of pairs (Hanley & McNeil 1982).  The figure is Σ w A / Σ w over strata with both, with van Elteren's weights
w = R·W / (R + W + 1) for R right and W wrong ones (van Elteren 1960; Kawaguchi, Koch & Wang 2011): where all questions
have equally many responses every pair counts alike, and no question with many responses outweighs the others.  What a
question or a variant adds to all of its scores cancels.  bench/judge_auc.py compares the weights.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.statistics.coefficients import estimate_of
from core.statistics.estimates import Estimate
from core.statistics.resampling import Resamples
from core.statistics.sums import share

SHARE = (0.0, 1.0)


@dataclass(frozen=True)
class Compared:
    """The strata with right and wrong explanations, added up by question; questions without one are no part of it."""

    areas: np.ndarray
    """Σ w A of each question, shape (questions,)."""
    weights: np.ndarray
    """Σ w of each question."""
    right: int
    """Right explanations in these strata."""
    wrong: int
    left_out: int
    """Questions in which no variant has both."""

    @classmethod
    def of(cls, scores: np.ndarray, right: np.ndarray, questions: np.ndarray, variants: np.ndarray) -> "Compared":
        """scores, right (bool), and codes of the question and the variant of each explanation."""
        many = int(questions.max(initial=-1)) + 1
        strata, stratum = np.unique(questions * (variants.max(initial=0) + 1) + variants, return_inverse=True)
        question = np.zeros(len(strata), dtype=int)
        question[stratum] = questions
        r, every = (np.bincount(stratum, weights=w, minlength=len(strata)) for w in (right, np.ones(len(right))))
        w = every - r
        ranks = pd.Series(scores).groupby(stratum).rank().to_numpy()
        won = np.bincount(stratum, weights=ranks * right, minlength=len(strata)) - r * (r + 1) / 2
        weight, both = r * w / (every + 1), r * w > 0
        area = weight * share(won, r * w)
        sums = [np.bincount(question[both], weights=x[both], minlength=many) for x in (area, weight)]
        held = sums[1] > 0
        return cls(sums[0][held], sums[1][held], int(r[both].sum()), int(w[both].sum()), int((~held).sum()))

    def area(self, resamples: Resamples) -> Estimate:
        """The stratified AUC with Wilson's interval for the spread that resampled questions give it."""
        n = len(self.weights)
        if not n:
            return Estimate.undefined(0, "no question has right and wrong explanations by one variant")
        draws = resamples.draws(np.stack([self.areas, self.weights], axis=1))
        value = float(self.areas.sum() / self.weights.sum())
        return estimate_of(value, share(draws[:, 0], draws[:, 1]), n, SHARE)
