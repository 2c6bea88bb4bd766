"""How much can be seen with so many questions, and how many it takes to see so much.

Both start from the standard error that was observed; they plan the next evaluation and say nothing about
the present one (a "post-hoc power" of an observed difference is only its p value in other words).
"""

import math

from scipy.special import ndtri

from core.statistics.estimates import CONFIDENCE, Estimate

POWER = 0.80
"""Chance to find a difference of the detectable size."""


def detectable(estimate: Estimate) -> float | None:
    """Smallest true difference that this many questions would show, in the estimate's unit.

    (z_.975 + z_.80) · standard error: a two-sided test at 5% finds it with a chance of 80%.

    >>> round(detectable(Estimate(3.0, -2.0, 8.0, 100, se=2.5)), 2)
    7.0
    """
    if estimate.se is None:
        return None
    return float((ndtri(0.5 + CONFIDENCE / 2) + ndtri(POWER)) * estimate.se)


def questions_needed(estimate: Estimate, half_width: float) -> int | None:
    """Questions for a 95% interval of ± half_width, if they vary as these did.

    n · (z_.975 · se / half_width)², rounded up.

    >>> questions_needed(Estimate(3.0, -2.0, 8.0, 100, se=2.5), 2.5)
    385
    """
    if estimate.se is None:
        return None
    return math.ceil(estimate.n * (ndtri(0.5 + CONFIDENCE / 2) * estimate.se / half_width) ** 2)
