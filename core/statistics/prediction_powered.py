"""A mean that a judge gives for many questions, corrected by people's labels of a few.

    found = corrected_mean(judge_all, judge_labelled, human_labelled, bounds=(0, 1))
    found.corrected.value, found.corrected.low, found.corrected.high, found.tuning

The mean is of one value a question: accuracy, win rate, Δ(W−L).  A judge alone is biased with a narrow interval, people
alone are unbiased with a wide one; the correction is unbiased whatever the judge is worth, and the narrower the more
the judge's values vary with people's.  Labelled questions must be drawn at random from all: labels of the doubtful ones
only correct nothing.
"""

from dataclasses import dataclass

import numpy as np

from core.errors import BadInput
from core.settings import CompareSettings
from core.statistics.estimates import Estimate, score_interval
from core.statistics.resampling import Resamples

FEWEST_LABELS = 10
"""With fewer labelled questions there is no corrected mean."""


@dataclass(frozen=True)
class Corrected:
    """One mean by people, by the judge, and by the judge corrected by people."""

    people: Estimate
    """Mean of the labelled questions, by people (classical)."""
    judge: Estimate
    """Mean of all questions, by the judge (naive): its interval knows nothing of the judge's errors."""
    corrected: Estimate
    """The judge's mean corrected by people's labels; n is the number of labelled questions."""
    tuning: float | None
    """λ: how far the judge is relied on, 0 (people only) to 1."""
    labelled: int
    """n: questions that people labelled."""
    questions: int
    """N: questions that the judge judged, the labelled ones among them."""
    note: str | None
    """What a reader must know of the corrected mean: too few labels, a judge of no use."""


def corrected_mean(
    judge_all: np.ndarray,
    judge_labelled: np.ndarray,
    human_labelled: np.ndarray,
    bounds: tuple[float, float],
    settings: CompareSettings = CompareSettings(),  # noqa: B008
) -> Corrected:
    """Prediction-powered mean with power tuning (Angelopoulos et al. 2023; Angelopoulos, Duchi & Zrnic 2023).

    judge_all: the judge's value of every question, the labelled ones too, shape (N,); judge_labelled and
    human_labelled: both values of the labelled questions, shape (n,), in the same order; bounds: least and greatest
    possible value.  Raises BadInput for values that are missing, outside of the bounds, or not of the same questions.

    With f the judge's values, y people's, and U the N − n questions without a label:
    θ = mean_n(y − λf) + λ·mean_U(f),  Var θ = Var_n(y − λf)/n + λ²·Var_U(f)/(N − n),
    λ = Cov_n(y, f) / ((1 + n/(N − n))·Var(f)) cut to [0, 1].  The interval is Wilson's for a mean with that variance.
    """
    everything, judge, people = (np.asarray(x, dtype=float) for x in (judge_all, judge_labelled, human_labelled))
    _check(everything, judge, people, bounds)
    n, total = len(people), len(everything)
    by_people = Resamples(n, settings.resamples, settings.seed).mean(people, bounds)
    by_judge = Resamples(total, settings.resamples, settings.seed).mean(everything, bounds)
    if n < FEWEST_LABELS:
        estimate = Estimate.undefined(n, f"{n} labelled questions are too few to correct a judge ({FEWEST_LABELS} do)")
        return Corrected(by_people, by_judge, estimate, None, n, total, estimate.note)
    rest = _Rest.of(everything, judge)
    tuning = _tuning(rest, judge, people)
    corrected = _corrected(rest, judge, people, tuning, bounds)
    return Corrected(by_people, by_judge, corrected, tuning, n, total, _note(rest, tuning) or corrected.note)


@dataclass(frozen=True)
class _Rest:
    """The judge's values of the questions that people did not label."""

    n: int
    mean: float
    variance: float
    spread: float
    """Variance of the judge's values over all questions."""

    @classmethod
    def of(cls, everything: np.ndarray, judge: np.ndarray) -> "_Rest":
        n = len(everything) - len(judge)
        spread = float(everything.var(ddof=1))
        if n < 2:
            return cls(n, 0.0, 0.0, spread)
        mean = (everything.sum() - judge.sum()) / n
        squares = (everything**2).sum() - (judge**2).sum() - n * mean**2
        return cls(n, float(mean), float(max(squares / (n - 1), 0.0)), spread)


def _tuning(rest: _Rest, judge: np.ndarray, people: np.ndarray) -> float:
    """λ that makes the variance least, 0 where nothing is left to learn from the judge."""
    if rest.n < 2 or rest.spread < 1e-12:
        return 0.0
    covariance = float(np.cov(people, judge)[0, 1])
    return float(np.clip(covariance / ((1 + len(people) / rest.n) * rest.spread), 0.0, 1.0))


def _corrected(
    rest: _Rest, judge: np.ndarray, people: np.ndarray, tuning: float, bounds: tuple[float, float]
) -> Estimate:
    n, (low, high) = len(people), bounds
    error = people - tuning * judge
    variance, note = float(error.var(ddof=1)), None
    if tuning > 0 and float(np.var(people - judge)) < 1e-12:
        variance = max(variance, (tuning * (high - low)) ** 2 / (n + 1))
        note = (
            f"judge and people agree on all {n} labelled questions; the interval allows for one more where they do not"
        )
    se = float(np.sqrt(variance / n + (tuning**2 * rest.variance / rest.n if tuning else 0.0)))
    value = float(np.clip(error.mean() + tuning * rest.mean, low, high))
    return Estimate(value, *score_interval(value, se, n, low, high), n, se, note)


def _note(rest: _Rest, tuning: float) -> str | None:
    if rest.n < 2:
        return "people labelled every question, so the judge adds nothing"
    if tuning == 0:
        return "the judge's values do not rise with people's, so only people's labels count"
    return None


def _check(everything: np.ndarray, judge: np.ndarray, people: np.ndarray, bounds: tuple[float, float]) -> None:
    if len(judge) != len(people) or len(judge) > len(everything):
        raise BadInput(
            f"{len(people)} labels, {len(judge)} judged of them and {len(everything)} judged in all do not fit: "
            "judge_labelled has the judge's value of each label, judge_all those and all others."
        )
    values = np.concatenate([everything, judge, people])
    if not (np.isfinite(values).all() and ((values >= bounds[0]) & (values <= bounds[1])).all()):
        raise BadInput(f"Each value must be a number from {bounds[0]:g} to {bounds[1]:g}: leave out what is not known.")
