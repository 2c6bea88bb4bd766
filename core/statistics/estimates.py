"""A figure with its interval, and the two ways from bootstrap draws to an interval.

`score_interval` is for means of bounded values (shares, win rates, differences of them): Wilson's score
interval with the number of independent observations that the bootstrap variance implies.  It keeps its
coverage for small n and rates near 0 and 1, where percentiles of resampled means do not (a resample of
all zeros is all zeros).  `percentile_interval` is for everything else: κ, AUC, strengths, tokens.
docs/statistics/intervals.md has the coverage of both.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, stdtrit

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95% interval; value None where it is undefined, and `note` says why."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    """Independent units behind it: questions, items."""
    se: float | None = None
    """Standard error, in the unit of the value."""
    note: str | None = None
    """Why there is no value, or why its interval should not be trusted; None if there is nothing to say."""

    @classmethod
    def undefined(cls, n: int, because: str) -> "Estimate":
        return cls(None, None, None, n, note=f"undefined, because {because}")

    @property
    def excludes_zero(self) -> bool:
        return self.value is not None and not self.low <= 0 <= self.high

    def scaled(self, factor: float) -> "Estimate":
        """The same in another unit, as 100 for points."""
        if self.value is None:
            return self
        ends = sorted((self.low * factor, self.high * factor))
        se = None if self.se is None else self.se * abs(factor)
        return Estimate(self.value * factor, *ends, self.n, se, self.note)


def score_interval(value: float, se: float, n: int, low: float = 0.0, high: float = 1.0) -> tuple[float, float]:
    """95% interval of a mean of n independent values that lie in [low, high], given its standard error.

    On the unit scale m = (value − low) / (high − low) with standard error s, the interval holds every p
    with |m − p| ≤ t·√(p(1 − p)/e), where e = m(1 − m)/s² is the number of independent yes/no observations
    that would be as uncertain and t the 97.5% quantile of Student's t with n − 1 degrees of freedom (Wilson
    1927).  Where all n values are the same, up to t²/(n + t²) of all others may still lie at either end: Wilson's
    bound for none of n, which is about 4 / n.

    >>> [round(x, 3) for x in score_interval(0.5, 0.05, 100)]
    [0.403, 0.597]
    >>> [round(x, 3) for x in score_interval(0.0, 0.0, 50)]
    [0.0, 0.075]
    """
    if n < 2:
        return low, high
    span = high - low
    m, s = min(max((value - low) / span, 0.0), 1.0), se / span
    t = _t(n)
    if s == 0 or m in (0.0, 1.0):
        unseen = t**2 / (n + t**2)
        return low + span * m * (1 - unseen), low + span * (m + (1 - m) * unseen)
    effective = m * (1 - m) / s**2
    centre = (m + t**2 / (2 * effective)) / (1 + t**2 / effective)
    half = t / (1 + t**2 / effective) * np.sqrt(m * (1 - m) / effective + t**2 / (4 * effective**2))
    return low + span * float(max(centre - half, 0.0)), low + span * float(min(centre + half, 1.0))


ENOUGH = 50
"""Questions from which on a score interval was seen to cover 93 to 97% (docs/statistics/intervals.md)."""


def doubt(value: float, n: int, low: float = 0.0, high: float = 1.0) -> str | None:
    """Why a score interval of a mean of n values in [low, high] may cover less than 93%; None where it does not.

    >>> doubt(0.5, 20)
    '20 questions are few: below 50 a 95% interval may cover as little as 91%'
    >>> doubt(0.5, 50) is None
    True
    """
    near_the_end = not 0.1 <= (value - low) / (high - low) <= 0.9
    if n < ENOUGH:
        at_worst = "86%, so near the end of its range" if near_the_end else "91%"
        return f"{n} questions are few: below {ENOUGH} a 95% interval may cover as little as {at_worst}"
    if near_the_end:
        return "so near the end of its range a 95% interval may cover as little as 89%"
    return None


def percentile_interval(draws: np.ndarray, n: int) -> tuple[float, float]:
    """95% interval from bootstrap draws of shape (resamples,), NaN left out.

    The percentiles are moved outwards so that for a mean of normal values the interval is Student's t
    interval (Hesterberg 2015, "expanded percentile"): plain percentiles are too narrow for small n.
    """
    tail = float(ndtr(-np.sqrt(n / (n - 1)) * _t(n))) if n > 1 else 0.0
    low, high = np.nanquantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def _t(n: int) -> float:
    return float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2))
