"""What would the win rate be if both explanations were equally long?  Ours; not AlpacaEval's.

Judges favour length.  For two variants A and B, the chance that A's explanation wins (a tie counts half)
is fitted as logit P = α + β · x with x = log of the length ratio; σ(α) is the win rate at equal length.
AlpacaEval's length-controlled win rate fits one model over many annotated models with an instruction
difficulty term and tanh of standardised differences, and reports an error that ignores the fit; here each
pair of variants stands alone and every resample of questions is fitted anew.  The figure is an extrapolation
where one variant is nearly always the longer one: then it says so.
"""

from dataclasses import dataclass

import numpy as np

from core.statistics.estimates import Estimate, percentile_interval
from core.statistics.logit import fit_logits
from core.statistics.resampling import Resamples

EDGES = np.linspace(-2.0, 2.0, 42)
"""Length ratios are gathered in bins of about 10%, from e⁻² to e²; longer ratios count as these."""

RIDGE = np.array([1e-6, 1e-2])
"""On α and β: nothing to speak of, but finite where lengths never differ."""

OVERLAP = 0.05
"""Below this share of comparisons in which the usually shorter variant is the longer one, a warning."""


@dataclass(frozen=True)
class LengthControlled:
    """Win rate of A over B at equal length, beside the plain one."""

    plain: Estimate
    """Win rate with ties as halves, as a share."""
    controlled: Estimate
    """The same at equal length; `note` where lengths hardly overlap."""
    slope: Estimate
    """β: log-odds of winning for each e-fold of length; above 0, longer wins."""
    ratio: float | None
    """Typical length of A divided by that of B (geometric mean over comparisons)."""
    overlap: float | None
    """Share of comparisons in which the variant that is usually shorter is longer (equal lengths count half)."""


def length_controlled(ratios: np.ndarray, wins: np.ndarray, drawn: Resamples) -> LengthControlled:
    """Length-controlled win rate of one pair of variants.

    ratios: shape (questions, comparisons), log(length of A / length of B); wins: the same shape, 1, ½ or 0.
    NaN in either where there is no comparison.  Each question weighs the same, however many it has.
    """
    valid = ~(np.isnan(ratios) | np.isnan(wins))
    compared = valid.any(axis=1)
    n = int(compared.sum())
    if n < 2:
        nothing = Estimate.undefined(n, "fewer than two questions were compared")
        return LengthControlled(nothing, nothing, nothing, None, None)
    weight = valid / np.maximum(valid.sum(axis=1, keepdims=True), 1)
    share = (np.nan_to_num(wins) * weight).sum(axis=1)
    won, lost, at = _binned(ratios, wins, weight)
    observed, draws = _fits(won, lost, at, drawn)
    shorter = float(((ratios < 0) * weight).sum() / n)
    equal = float(((ratios == 0) * weight).sum() / n)
    overlap = min(shorter, 1 - equal - shorter) + equal / 2
    return LengthControlled(
        plain=drawn.mean(np.where(compared, share, np.nan), bounds=(0.0, 1.0)),
        controlled=_controlled(observed[0], draws[:, 0], n, overlap),
        slope=Estimate(float(observed[1]), *percentile_interval(draws[:, 1], n), n, se=float(draws[:, 1].std(ddof=1))),
        ratio=float(np.exp((np.nan_to_num(ratios) * weight).sum() / n)),
        overlap=overlap,
    )


def _binned(ratios: np.ndarray, wins: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight won and lost in each bin of length ratio, shape (questions, bins), and each bin's mean ratio."""
    clipped = np.clip(np.nan_to_num(ratios), EDGES[0], EDGES[-1])
    bins = np.clip(np.searchsorted(EDGES, clipped, side="right") - 1, 0, len(EDGES) - 2)
    width = len(EDGES) - 1
    place = (np.arange(len(ratios))[:, None] * width + bins).ravel()

    def gathered(values: np.ndarray) -> np.ndarray:
        return np.bincount(place, values.ravel(), minlength=len(ratios) * width).reshape(-1, width)

    total, won = gathered(weight), gathered(weight * np.nan_to_num(wins))
    sums = gathered(weight * clipped).sum(axis=0)
    centres = (EDGES[:-1] + EDGES[1:]) / 2
    at = np.divide(sums, total.sum(axis=0), out=centres, where=total.sum(axis=0) > 0)
    return won, total - won, at


def _fits(won: np.ndarray, lost: np.ndarray, at: np.ndarray, drawn: Resamples) -> tuple[np.ndarray, np.ndarray]:
    """(α, β) of the data, and of every resample: shapes (2,) and (resamples, 2)."""
    used = (won + lost).sum(axis=0) > 0
    counts = np.stack([won[:, used], lost[:, used]], axis=2)
    design = np.zeros((used.sum(), 2, 2))
    design[:, 0] = np.stack([np.ones(used.sum()), at[used]], axis=1)
    flat = counts.reshape(len(counts), -1)
    resampled = np.concatenate([weights @ flat for weights in drawn.weights()]).reshape(-1, used.sum(), 2)
    both = np.concatenate([counts.sum(axis=0)[None], resampled.astype(float)])
    fitted = fit_logits(both, design, RIDGE)
    return fitted[0], fitted[1:]


def _controlled(alpha: float, draws: np.ndarray, n: int, overlap: float) -> Estimate:
    low, high = percentile_interval(_sigmoid(draws), n)
    note = None
    if overlap < OVERLAP:
        note = f"lengths hardly overlap: in {overlap:.1%} of comparisons is the usually shorter variant the longer one"
    return Estimate(float(_sigmoid(alpha)), low, high, n, se=float(_sigmoid(draws).std(ddof=1)), note=note)


def _sigmoid(x: np.ndarray | float) -> np.ndarray | float:
    return 1 / (1 + np.exp(-x))
