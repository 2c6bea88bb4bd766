"""One strength a variant from all comparisons at once: Bradley and Terry (1952) with Davidson's ties (1970).

    P(i beats j) : P(tie) : P(j beats i)  =  π_i : ν √(π_i π_j) : π_j

Strengths are given as log π with mean 0 over the variants: a difference of 1 is odds of e : 1 among
comparisons that are no ties.  A weak ridge (10⁻² of a question) keeps a variant that won everything finite.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.statistics.estimates import ENOUGH, Estimate, percentile_interval
from core.statistics.logit import fit_logits
from core.statistics.resampling import Resamples

RIDGE = 0.01

FAR_APART = float(np.log(0.9 / 0.1))
"""Difference of strengths from which on the stronger variant wins more than 90% of what does not tie."""


@dataclass(frozen=True)
class Strengths:
    """Strengths of all variants, in the order they were given."""

    labels: list[str]
    strengths: list[Estimate]
    """log π, mean 0."""
    tie: float
    """ν: how readily equals tie; 0 where no comparison tied."""

    @property
    def ranking(self) -> list[str]:
        """Strongest first."""
        order = sorted(zip(self.strengths, self.labels, strict=True), key=lambda pair: -pair[0].value)
        return [label for _, label in order]


def bradley_terry(
    labels: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    outcomes: np.ndarray,
    drawn: Resamples,
) -> Strengths:
    """Strengths with 95% intervals over questions.

    outcomes: shape (questions, pairs, 3), what part of each question's comparisons of (a, b) a won, tied,
    lost; NaN where the two were not compared on it.
    """
    counts = np.nan_to_num(outcomes)
    questions, width = len(counts), len(pairs)
    totals = [weights @ counts.reshape(questions, -1) for weights in drawn.weights()]
    drawn_counts = np.concatenate(totals).reshape(-1, width, 3).astype(float)
    ties = bool(counts[..., 1].any())
    observed = _fit(counts.sum(axis=0)[None], labels, pairs, ties)[0]
    draws = _fit(drawn_counts, labels, pairs, ties)
    onesided = _onesided(counts.sum(axis=0), labels, pairs)
    far = float(np.ptp(observed[: len(labels)])) > FAR_APART
    notes = [_note(questions, lost_or_won, far) for lost_or_won in onesided]
    strengths = [_estimate(observed[i], draws[:, i], questions, notes[i]) for i in range(len(labels))]
    return Strengths(list(labels), strengths, float(np.exp(observed[-1])) if ties else 0.0)


def _fit(counts: np.ndarray, labels: Sequence[str], pairs: Sequence[tuple[str, str]], ties: bool) -> np.ndarray:
    """Centred log-strengths, and log ν as a last column where there are ties; a row a fit."""
    shown = [0, 1, 2] if ties else [0, 2]
    design = _design(labels, pairs)[:, shown, : None if ties else -1]
    ridge = np.full(design.shape[2], RIDGE)
    beta = fit_logits(counts[:, :, shown], design, ridge)
    k = len(labels)
    beta[:, :k] -= beta[:, :k].mean(axis=1, keepdims=True)
    return beta


def _design(labels: Sequence[str], pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    """Utilities of win, tie and loss: θ_a, log ν + (θ_a + θ_b) / 2, θ_b; shape (pairs, 3, labels + 1)."""
    design = np.zeros((len(pairs), 3, len(labels) + 1))
    for row, (a, b) in zip(design, pairs, strict=True):
        i, j = labels.index(a), labels.index(b)
        row[0, i] = row[2, j] = 1.0
        row[1, [i, j]] = 0.5
        row[1, -1] = 1.0
    return design


def _onesided(totals: np.ndarray, labels: Sequence[str], pairs: Sequence[tuple[str, str]]) -> list[bool]:
    """Whether a variant won all its comparisons, or lost all: then data set no limit to its strength."""
    won = {label: 0.0 for label in labels}
    lost = dict(won)
    for (a, b), (win, tie, loss) in zip(pairs, totals, strict=True):
        won[a], lost[a] = won[a] + win + tie, lost[a] + loss + tie
        won[b], lost[b] = won[b] + loss + tie, lost[b] + win + tie
    return [won[label] == 0 or lost[label] == 0 for label in labels]


def _note(n: int, onesided: bool, far: bool) -> str | None:
    """Why a strength, or its interval, should not be trusted (docs/statistics/intervals.md)."""
    if onesided:
        return "it won, or lost, every comparison, so the size of this strength is arbitrary"
    if n == 1:
        return "one question says nothing about others"
    if n < ENOUGH:
        return f"{n} questions are few: below {ENOUGH} a 95% interval may cover as little as 90%"
    return "between variants so far apart a 95% interval may cover as little as 92%" if far else None


def _estimate(value: float, draws: np.ndarray, n: int, note: str | None) -> Estimate:
    if n == 1:
        return Estimate(float(value), None, None, 1, note=note)
    return Estimate(float(value), *percentile_interval(draws, n), n, se=float(draws.std(ddof=1)), note=note)
