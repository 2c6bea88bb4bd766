"""Many small multinomial logits at once, one for each bootstrap resample, by Newton's method."""

import numpy as np

STEPS = 60
CLOSE = 1e-9


def fit_logits(counts: np.ndarray, design: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """Coefficients of shape (fits, k) that maximise Σ counts · log softmax(design · β) − ½ Σ ridge · β².

    counts: (fits, groups, outcomes), weights of each outcome of each group; design: (groups, outcomes, k);
    ridge: (k,), above 0 where data alone might not decide a coefficient.  The function is concave, so
    Newton's steps, halved while they do not climb, end in its one maximum.
    """
    fits, groups, outcomes = counts.shape
    totals = counts.sum(axis=2, keepdims=True)
    flat = design.reshape(groups * outcomes, -1)
    beta = np.zeros((fits, design.shape[2]))
    height = _height(beta, counts, design, ridge)
    for _ in range(STEPS):
        expected = totals * _softmax(beta, design)
        gradient = (counts - expected).reshape(fits, -1) @ flat - ridge * beta
        step = np.linalg.solve(_curvature(expected, totals, design, ridge), gradient[..., None])[..., 0]
        beta, height, climbed = _climb(beta, step, height, counts, design, ridge)
        if np.abs(step[climbed]).max(initial=0.0) < CLOSE:
            break
    return beta


def _softmax(beta: np.ndarray, design: np.ndarray) -> np.ndarray:
    utility = np.einsum("gok,fk->fgo", design, beta)
    odds = np.exp(utility - utility.max(axis=2, keepdims=True))
    return odds / odds.sum(axis=2, keepdims=True)


def _height(beta: np.ndarray, counts: np.ndarray, design: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    logs = np.log(np.maximum(_softmax(beta, design), 1e-300))
    return (counts * logs).sum(axis=(1, 2)) - 0.5 * (ridge * beta**2).sum(axis=1)


def _curvature(expected: np.ndarray, totals: np.ndarray, design: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """Minus the Hessian: Σ over groups of the covariance of the design under the fitted probabilities."""
    groups, outcomes, k = design.shape
    squares = np.einsum("goi,goj->goij", design, design).reshape(groups * outcomes, k * k)
    second = (expected.reshape(len(expected), -1) @ squares).reshape(-1, k, k)
    means = np.einsum("fgo,gok->fgk", expected, design)
    first = np.einsum("fgi,fgj->fij", means / np.maximum(totals, 1e-300), means)
    return second - first + np.diag(ridge)


def _climb(
    beta: np.ndarray, step: np.ndarray, height: np.ndarray, counts: np.ndarray, design: np.ndarray, ridge: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One step for each fit, halved up to ten times where it would go down; and which fits moved."""
    size = np.ones((len(beta), 1))
    for _ in range(10):
        there = _height(beta + size * step, counts, design, ridge)
        down = there < height - 1e-12
        if not down.any():
            break
        size[down] /= 2
    moved = ~down
    return np.where(moved[:, None], beta + size * step, beta), np.where(moved, there, height), moved
