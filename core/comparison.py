"""Comparing variants: accuracy, win rate and Δ(W−L), each with n and an interval.

Inputs are tables of evaluation rows (see `core.results`): one row per explanation with columns
label, item_id, correct_parsed, correct_forced, parsed, empty, tokens, total, expected.  Intervals are
95% percentile intervals over 2,000 resamples of *questions*, since samples of one question are not
independent.  They exclude training variance: each variant is one training run.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from core.settings import CompareSettings
from core.statistics.estimates import Estimate
from core.statistics.resampling import Resamples


@dataclass(frozen=True)
class VariantResult:
    """What is known of one variant on one set of questions."""

    label: str
    questions: int
    explanations: int
    accuracy_parsed: Estimate
    accuracy_forced: Estimate
    unparsed: Estimate
    """Share of responses without a readable answer."""
    empty: Estimate
    """Share of responses without an explanation."""
    tokens: Estimate
    """Generated tokens a response."""
    score: Estimate
    """Mean score of the judged explanations."""
    unjudged: int


@dataclass(frozen=True)
class WinRate:
    """Variant A against variant B over the questions where both have scored explanations."""

    a: str
    b: str
    win: float | None
    tie: float | None
    loss: float | None
    delta: Estimate
    """Δ(W−L) in percentage points."""
    unjudged: int
    """Explanations of A and B that have no score and take no part."""

    @property
    def n(self) -> int:
        return self.delta.n


def mean_over_questions(values: np.ndarray, settings: CompareSettings) -> Estimate:
    """Mean of one value a question, with an interval that resamples questions.

    values: shape (questions,), without NaN.
    """
    return Resamples(len(values), settings.resamples, settings.seed).mean(values)


def variant_result(rows: pd.DataFrame, settings: CompareSettings) -> VariantResult:
    """Accuracy, form and score of one variant's rows; means over samples, then over questions."""

    def estimate(values: pd.Series) -> Estimate:
        by_question = values.astype("Float64").groupby(rows["item_id"], sort=True).mean().dropna()
        return mean_over_questions(by_question.to_numpy(dtype=float), settings)

    return VariantResult(
        label=str(rows["label"].iloc[0]),
        questions=rows["item_id"].nunique(),
        explanations=len(rows),
        accuracy_parsed=estimate(rows["correct_parsed"]),
        accuracy_forced=estimate(rows["correct_forced"]),
        unparsed=estimate(rows["parsed"].isna()),
        empty=estimate(rows["empty"]),
        tokens=estimate(rows["tokens"]),
        score=estimate(rows[settings.score]),
        unjudged=int(rows[settings.score].isna().sum()),
    )


def outcomes(a: np.ndarray, b: np.ndarray, margin: float) -> tuple[float, float, float]:
    """Shares of win, tie and loss over all pairs of A's and B's scores on one question.

    a, b: shapes (N_A,) and (N_B,).  A pair ties if its scores differ by at most `margin`.

    >>> outcomes(np.array([3.0, 1.0]), np.array([1.0, 2.0]), 0.0)
    (0.5, 0.25, 0.25)
    """
    difference = a[:, None] - b[None, :]
    slack = margin + 1e-9
    wins, losses = (difference > slack).mean(), (difference < -slack).mean()
    return float(wins), float(1 - wins - losses), float(losses)


def win_rate(rows: pd.DataFrame, a: str, b: str, settings: CompareSettings) -> WinRate:
    """Score-based win rate of variant `a` over variant `b` (published measure, paper section 4)."""
    ours, theirs = (rows[rows["label"] == label] for label in (a, b))
    scores_a, scores_b = _scores(ours, settings), _scores(theirs, settings)
    shared = sorted(scores_a.keys() & scores_b.keys())
    per_question = np.array([outcomes(scores_a[q], scores_b[q], settings.margin) for q in shared]).reshape(-1, 3)
    delta = mean_over_questions(100 * (per_question[:, 0] - per_question[:, 2]), settings)
    win, tie, loss = per_question.mean(axis=0).tolist() if shared else (None, None, None)
    unjudged = int(ours[settings.score].isna().sum() + theirs[settings.score].isna().sum())
    return WinRate(a, b, win, tie, loss, delta, unjudged)


def _scores(rows: pd.DataFrame, settings: CompareSettings) -> dict[str, np.ndarray]:
    judged = rows.dropna(subset=[settings.score])
    return {str(item): group.to_numpy(dtype=float) for item, group in judged.groupby("item_id")[settings.score]}


def all_win_rates(rows: pd.DataFrame, settings: CompareSettings) -> list[WinRate]:
    """Every two variants of the table, later against earlier in their order of appearance."""
    labels = list(dict.fromkeys(rows["label"]))
    return [win_rate(rows, b, a, settings) for a, b in combinations(labels, 2)]


def all_results(rows: pd.DataFrame, settings: CompareSettings) -> list[VariantResult]:
    """A result per variant, in order of appearance."""
    labels = list(dict.fromkeys(rows["label"]))
    return [variant_result(rows[rows["label"] == label], settings) for label in labels]
