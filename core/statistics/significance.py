"""Is a difference more than chance?  Sign-flip permutations, the sign test, Holm's correction, non-inferiority."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.special import bdtr

from core.statistics.estimates import Estimate

BLOCK = 1 << 24
"""Signs held in memory at a time."""


def sign_flip_p(differences: np.ndarray, permutations: int, seed: int) -> np.ndarray:
    """Two-sided p values that the mean of paired differences is 0, shape (k,), for differences of shape (n, k).

    If two variants are alike, swapping their names on one question changes nothing but the sign of that
    question's difference; so the observed mean is compared with means under random signs, the same signs
    for every column.  p = (1 + number at least as far from 0) / (1 + permutations): never 0 (Phipson and
    Smyth 2010).  NaN differences take no part; a column of nothing but zeros has p = 1.

    >>> sign_flip_p(np.array([[1.0], [1.0], [1.0], [1.0]]), 1000, 0).round(1).tolist()  # 2 of 16 sign patterns
    [0.1]
    """
    values = np.nan_to_num(differences).astype(np.float32)
    observed = np.abs(values.sum(axis=0)) * (1 - 1e-5)
    beyond = np.ones(values.shape[1])
    rng = np.random.default_rng(seed)
    n = len(values)
    step = max(1, BLOCK // max(n, 1))
    for start in range(0, permutations, step):
        rows = min(step, permutations - start)
        bits = np.unpackbits(rng.integers(256, size=(rows, -(-n // 8)), dtype=np.uint8), axis=1)[:, :n]
        sums = 2 * (bits.astype(np.float32) @ values) - values.sum(axis=0)
        beyond += (np.abs(sums) >= observed).sum(axis=0)
    return beyond / (1 + permutations)


def sign_test_p(up: int, down: int) -> float | None:
    """Two-sided p value that rises are as likely as falls (exact sign test, McNemar); None where there is neither.

    Twice the binomial chance of so few of the rarer kind, or fewer; what `scipy.stats.binomtest` gives, without its
    module, which every command of the lab would wait half a second for.

    >>> sign_test_p(8, 1), sign_test_p(2, 2), sign_test_p(0, 0)
    (0.0390625, 1.0, None)
    """
    return min(1.0, 2 * float(bdtr(min(up, down), up + down, 0.5))) if up + down else None


def holm(p_values: Sequence[float]) -> list[float]:
    """p values corrected for how many there are: each is an error rate over the whole family (Holm 1979).

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    stepped = [min(1.0, p_values[i] * (len(order) - rank)) for rank, i in enumerate(order)]
    corrected = np.empty(len(order))
    corrected[order] = np.maximum.accumulate(stepped)
    return corrected.tolist()


def non_inferior(difference: Estimate, margin: float) -> Literal["kept", "lost", "not shown"]:
    """Whether a value is kept up to a margin, from the 95% interval of its difference (new less old).

    kept: the interval lies above −margin, so a loss of that size is excluded (a one-sided test at 2.5%).
    lost: it lies below −margin.  not shown: it holds −margin.

    >>> [non_inferior(Estimate(v, v - 2, v + 2, 50), 3.0) for v in (0.0, -2.0, -6.0)]
    ['kept', 'not shown', 'lost']
    """
    if difference.value is None:
        return "not shown"
    if difference.low > -margin:
        return "kept"
    return "lost" if difference.high < -margin else "not shown"
