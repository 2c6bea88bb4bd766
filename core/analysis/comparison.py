"""Comparing variants: accuracy, win rate and Δ(W−L), each with n, a test and an interval.

    table = ScoreTable.of(rows, settings)         # variants × questions × samples
    variant_results(table)                        # accuracy, form and score of each variant
    outcomes = outcomes_of(table)                 # shares of sample pairs won, tied and lost, per question
    win_rates(table, outcomes)                    # every two variants, with everything that decides them

Rows are evaluation rows (see `core.analysis.results`): one an explanation, with columns label, item_id, sample,
correct_parsed, correct_forced, parsed, empty, tokens, total, expected.  Intervals are 95% over seeded
resamples of *questions*, since samples of one question are not independent; all figures share the same
resamples, so differences between variants are paired.  They exclude training variance: each variant is one
training run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd

from core.settings import CompareSettings
from core.statistics.bradley_terry import Strengths, bradley_terry
from core.statistics.estimates import Estimate
from core.statistics.length_control import LengthControlled, length_controlled
from core.statistics.resampling import Resamples
from core.statistics.significance import holm, non_inferior, sign_flip_p

SHARE = (0.0, 1.0)
DIFFERENCE = (-1.0, 1.0)


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
    win: Estimate
    """Share of sample pairs that A wins, averaged within each question, then over questions."""
    tie: Estimate
    loss: Estimate
    delta: Estimate
    """Δ(W−L) in percentage points."""
    wins: int
    """Sample pairs that A wins; with ties and losses, all pairs that were compared."""
    ties: int
    losses: int
    p: float | None
    """Sign-flip permutation test that A and B are alike."""
    p_holm: float | None
    """The same, corrected for all pairs of variants of this evaluation (Holm)."""
    accuracy: Estimate
    """Accuracy of A less that of B in percentage points, paired by question (prediction: setting `right_by`)."""
    score: Estimate
    """Mean score of A less that of B, paired by question."""
    unjudged: int
    """Explanations of A and B that have no score and take no part."""

    @property
    def n(self) -> int:
        return self.delta.n

    @property
    def turned(self) -> "WinRate":
        """The same comparison, B against A."""
        return replace(
            self,
            a=self.b,
            b=self.a,
            win=self.loss,
            loss=self.win,
            wins=self.losses,
            losses=self.wins,
            delta=self.delta.scaled(-1),
            accuracy=self.accuracy.scaled(-1),
            score=self.score.scaled(-1),
        )

    def accuracy_kept(self, margin: float) -> Literal["kept", "lost", "not shown"]:
        """Whether A keeps B's accuracy up to a margin, a share (non-inferiority)."""
        return non_inferior(self.accuracy, 100 * margin)


@dataclass(frozen=True)
class Part:
    """Δ(W−L) of one pair of variants on a part of the evidence: one criterion, or the questions of a category."""

    part: str
    a: str
    b: str
    win: float | None
    tie: float | None
    loss: float | None
    delta: Estimate
    """In percentage points."""


# --- rows as arrays


@dataclass(frozen=True)
class ScoreTable:
    """Evaluation rows as arrays: variants × questions × samples, NaN where there is nothing."""

    labels: list[str]
    """Variants, in order of appearance."""
    items: np.ndarray
    """Ids of the questions, sorted."""
    present: np.ndarray
    """Where a response is."""
    values: dict[str, np.ndarray]
    """Column → its values as numbers, shape (variants, questions, samples)."""
    settings: CompareSettings
    place: tuple[np.ndarray, np.ndarray, np.ndarray]
    """Where each row stands in the arrays."""

    @classmethod
    def of(cls, rows: pd.DataFrame, settings: CompareSettings) -> "ScoreTable":
        variant, labels = pd.factorize(rows["label"])
        question, items = pd.factorize(rows["item_id"], sort=True)
        sample = _counted(variant * len(items) + question)
        shape = (len(labels), len(items), int(sample.max(initial=-1)) + 1)
        place = (variant, question, sample)
        present = np.zeros(shape, dtype=bool)
        present[place] = True
        columns = {
            "correct_parsed": rows["correct_parsed"],
            "correct_forced": rows["correct_forced"],
            "unparsed": rows["parsed"].isna(),
            "empty": rows["empty"],
            "tokens": rows["tokens"],
            "score": rows[settings.score],
        }
        values = {name: _spread(column, shape, place) for name, column in columns.items()}
        return cls(list(labels), np.asarray(items, dtype=str), present, values, settings, place)

    @property
    def scores(self) -> np.ndarray:
        return self.values["score"]

    @property
    def resamples(self) -> Resamples:
        """The resamples of questions that every figure is computed on."""
        return Resamples(len(self.items), self.settings.resamples, self.settings.seed)

    def by_question(self, name: str) -> np.ndarray:
        """Mean over samples of a column, shape (questions, variants); NaN where a variant has nothing."""
        return known_mean(self.values[name], axis=2).T

    def with_scores(self, scores: pd.Series, margin: float) -> "ScoreTable":
        """The same table under another score, as that of one criterion: a value for each row given to `of`."""
        settings = self.settings.model_copy(update={"tie_margin": margin})
        values = self.values | {"score": _spread(scores, self.present.shape, self.place)}
        return replace(self, values=values, settings=settings)


def _counted(groups: np.ndarray) -> np.ndarray:
    """How many earlier rows have the group of each row.

    >>> _counted(np.array([7, 3, 7, 7, 3])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(groups) else np.empty(0, dtype=int)
    counted = np.empty(len(groups), dtype=int)
    counted[order] = np.arange(len(groups)) - np.repeat(starts, np.diff(np.r_[starts, len(groups)]))
    return counted


def _spread(column: pd.Series, shape: tuple[int, ...], place: tuple[np.ndarray, ...]) -> np.ndarray:
    values = np.full(shape, np.nan)
    values[place] = column.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    return values


def known_mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean of what is not NaN; NaN where nothing is."""
    known = (~np.isnan(values)).sum(axis=axis)
    return np.divide(np.nansum(values, axis=axis), known, out=np.full(known.shape, np.nan), where=known > 0)


def _means(
    table: ScoreTable, columns: dict[str, np.ndarray], bounds: dict[str, tuple[float, float] | None]
) -> dict[str, list[Estimate]]:
    """Means of named groups of columns, each of shape (questions, k), all on one drawing of the resamples."""
    widths = [values.shape[1] for values in columns.values()]
    each = [bounds[name] for name, width in zip(columns, widths, strict=True) for _ in range(width)]
    found = iter(table.resamples.means(np.concatenate(list(columns.values()), axis=1), each))
    return {name: [next(found) for _ in range(width)] for name, width in zip(columns, widths, strict=True)}


# --- variants


def variant_results(table: ScoreTable) -> list[VariantResult]:
    """Accuracy, form and score of each variant: means over samples, then over questions."""
    bounds = {name: SHARE for name in ("correct_parsed", "correct_forced", "unparsed", "empty")}
    bounds |= {"tokens": None, "score": None}
    found = _means(table, {name: table.by_question(name) for name in bounds}, bounds)
    return [
        VariantResult(
            label=label,
            questions=int(table.present[v].any(axis=1).sum()),
            explanations=int(table.present[v].sum()),
            accuracy_parsed=found["correct_parsed"][v],
            accuracy_forced=found["correct_forced"][v],
            unparsed=found["unparsed"][v],
            empty=found["empty"][v],
            tokens=found["tokens"][v],
            score=found["score"][v],
            unjudged=unjudged(table, v),
        )
        for v, label in enumerate(table.labels)
    ]


def unjudged(table: ScoreTable, variant: int) -> int:
    """Responses of a variant that have no score."""
    return int((table.present[variant] & np.isnan(table.scores[variant])).sum())


# --- every two variants


@dataclass(frozen=True)
class Outcomes:
    """How the sample pairs of every two variants came out, per question."""

    pairs: list[tuple[int, int]]
    """Positions of A and B: later against earlier in the order of the table."""
    shares: np.ndarray
    """Parts of a question's sample pairs won, tied and lost, shape (questions, pairs, 3); NaN without a pair."""
    counts: np.ndarray
    """Sample pairs won, tied and lost over all questions, shape (pairs, 3)."""

    @property
    def delta(self) -> np.ndarray:
        """W − L per question, shape (questions, pairs), from −1 to 1."""
        return self.shares[..., 0] - self.shares[..., 2]


def outcomes(a: np.ndarray, b: np.ndarray, margin: float) -> np.ndarray:
    """Numbers of sample pairs that A wins, ties and loses on each question, shape (questions, 3).

    a, b: scores, shapes (questions, N_A) and (questions, N_B), NaN where there is none.  All N_A · N_B pairs
    are compared; a pair ties if its scores differ by at most `margin` (paper section 4, docs/statistics).

    >>> outcomes(np.array([[3.0, 1.0]]), np.array([[1.0, 2.0]]), 0.0).tolist()
    [[2, 1, 1]]
    """
    difference = a[:, :, None] - b[:, None, :]
    slack = margin + 1e-9
    won, lost = (difference > slack).sum(axis=(1, 2)), (difference < -slack).sum(axis=(1, 2))
    compared = (~np.isnan(a)).sum(axis=1) * (~np.isnan(b)).sum(axis=1)
    return np.stack([won, compared - won - lost, lost], axis=1)


def outcomes_of(table: ScoreTable) -> Outcomes:
    """Outcomes of every two variants of a table."""
    pairs = [(b, a) for a, b in combinations(range(len(table.labels)), 2)]
    margin = table.settings.margin
    counts = [outcomes(table.scores[a], table.scores[b], margin) for a, b in pairs]
    each = np.stack(counts, axis=1) if pairs else np.empty((len(table.items), 0, 3), dtype=int)
    total = each.sum(axis=2, keepdims=True)
    shares = np.divide(each, total, out=np.full(each.shape, np.nan), where=total > 0)
    return Outcomes(pairs, shares, each.sum(axis=0))


def win_rates(table: ScoreTable, found: Outcomes) -> list[WinRate]:
    """Score-based win rate of every two variants (published measure, paper section 4), with tests."""
    if not found.pairs:
        return []
    settings = table.settings
    columns = {name: found.shares[..., k] for k, name in enumerate(("win", "tie", "loss"))}
    columns |= {"delta": found.delta, "score": _differences(table, found, "score")}
    columns["accuracy"] = _differences(table, found, f"correct_{settings.right_by}")
    ranges = dict.fromkeys(("win", "tie", "loss"), SHARE) | dict.fromkeys(("delta", "accuracy"), DIFFERENCE)
    means = _means(table, columns, ranges | {"score": None})
    deltas = means["delta"]
    p_values = sign_flip_p(found.delta, settings.permutations, settings.seed)
    rates = [
        WinRate(
            a=table.labels[a],
            b=table.labels[b],
            win=means["win"][k],
            tie=means["tie"][k],
            loss=means["loss"][k],
            delta=deltas[k].scaled(100),
            wins=int(found.counts[k, 0]),
            ties=int(found.counts[k, 1]),
            losses=int(found.counts[k, 2]),
            p=float(p_values[k]) if deltas[k].value is not None else None,
            p_holm=None,
            accuracy=means["accuracy"][k].scaled(100),
            score=means["score"][k],
            unjudged=unjudged(table, a) + unjudged(table, b),
        )
        for k, (a, b) in enumerate(found.pairs)
    ]
    return _with_holm(rates)


def _differences(table: ScoreTable, found: Outcomes, name: str) -> np.ndarray:
    """A less B per question of a column's mean over samples, shape (questions, pairs)."""
    means = table.by_question(name)
    return np.stack([means[:, a] - means[:, b] for a, b in found.pairs], axis=1)


def _with_holm(rates: Sequence[WinRate]) -> list[WinRate]:
    tested = [rate.p for rate in rates if rate.p is not None]
    corrected = iter(holm(tested))
    return [rate if rate.p is None else replace(rate, p_holm=next(corrected)) for rate in rates]


# --- parts of the evidence, and models of all of it


def criterion_parts(table: ScoreTable, rows: pd.DataFrame, criteria: Sequence[str]) -> list[Part]:
    """Δ(W−L) of every two variants by each criterion's own score.

    rows: as given to `ScoreTable.of`, with a column of values for each criterion.  The tie margin is the total's,
    divided among the criteria.
    """
    margin = table.settings.margin / max(len(criteria), 1)
    scored = {name: table.with_scores(rows[name], margin) for name in criteria}
    return _parts_of(table, {name: outcomes_of(one) for name, one in scored.items()})


def _parts_of(table: ScoreTable, found: dict[str, Outcomes]) -> list[Part]:
    deltas = {name: outcomes.delta for name, outcomes in found.items() if outcomes.pairs}
    estimates = _means(table, deltas, dict.fromkeys(deltas, DIFFERENCE)) if deltas else {}
    parts = []
    for name, one in found.items():
        means = known_mean(one.shares, axis=0)
        parts += [
            Part(name, table.labels[a], table.labels[b], *_shares(means[k]), delta=estimates[name][k].scaled(100))
            for k, (a, b) in enumerate(one.pairs)
        ]
    return parts


def _shares(means: np.ndarray) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(x) else float(x) for x in means)


def strengths(table: ScoreTable, found: Outcomes) -> Strengths | None:
    """Bradley–Terry strengths of all variants from all their comparisons; None for fewer than two."""
    if not found.pairs:
        return None
    named = [(table.labels[a], table.labels[b]) for a, b in found.pairs]
    return bradley_terry(table.labels, named, found.shares, table.resamples)


def at_equal_length(table: ScoreTable, a: int, b: int) -> LengthControlled:
    """Length-controlled win rate of one variant over another; length is in generated tokens."""
    logs = np.log1p(table.values["tokens"])
    ratios = logs[a][:, :, None] - logs[b][:, None, :]
    difference = table.scores[a][:, :, None] - table.scores[b][:, None, :]
    slack = table.settings.margin + 1e-9
    wins = np.where(np.isnan(difference), np.nan, 0.5 + 0.5 * (difference > slack) - 0.5 * (difference < -slack))
    flat = (len(table.items), -1)
    return length_controlled(ratios.reshape(flat), wins.reshape(flat), table.resamples)


def mean_over_questions(
    values: np.ndarray, settings: CompareSettings, bounds: tuple[float, float] | None = None
) -> Estimate:
    """Mean of one value a question, shape (questions,), without NaN, with an interval that resamples questions."""
    return Resamples(len(values), settings.resamples, settings.seed).mean(values, bounds)
