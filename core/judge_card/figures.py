"""The figures of a card as functions of sums a question (`core.statistics.sums`), so all share one bootstrap.

`blocks` makes the sums, each formula reads them.  docs/judge-card.md has the formulas, their sources, and when not
to use each.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from core.judge_card.evidence import Evidence
from core.statistics.estimates import Estimate
from core.statistics.sums import Blocks, Formula, Totals, per_question, share

SHARE = (0.0, 1.0)
NOTHING = 1e-9
"""A variance below this is none."""


def blocks(evidence: Evidence) -> dict[str, np.ndarray]:
    """Sums of each question for everything but other judges, shape (questions, k) each."""
    n = len(evidence.questions)
    rows = evidence.rows
    flags = np.stack([np.ones(len(rows)), rows["unjudged"].to_numpy(dtype=float)], axis=1)
    return {
        "asked": per_question(flags, rows["question"].to_numpy(), n),
        "length": length_block(rows, len(evidence.judge.runs), n),
        "criteria": criteria_block(rows, len(evidence.criteria), n),
        "verdicts": evidence.counts.reshape(n, -1),
        "repeats": repeats_block(evidence),
    }


# --- replies that cannot be read


def unjudged(t: Blocks) -> np.ndarray:
    """Share of the explanations the judge was asked about that have no score."""
    return share(t["asked"][:, 1], t["asked"][:, 0])


# --- length


def length_block(rows: pd.DataFrame, runs: int, questions: int) -> np.ndarray:
    """n, Σx, Σy, Σx², Σxy, Σy² of each run, shape (questions, runs · 6); x log tokens, y score, both less the run's
    mean, which changes nothing but the rounding."""
    scored = rows[rows["score"].notna() & (rows["tokens"] > 0)]
    x, y = np.log(scored["tokens"].to_numpy(dtype=float)), scored["score"].to_numpy(dtype=float)
    run, question = scored["run"].to_numpy(), scored["question"].to_numpy()
    x, y = _less_mean(x, run, runs), _less_mean(y, run, runs)
    sums = np.stack([np.ones(len(x)), x, y, x * x, x * y, y * y], axis=1)
    cells = per_question(sums, question * runs + run, questions * runs)
    return cells.reshape(questions, runs * 6)


def _less_mean(values: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    counts = np.bincount(group, minlength=groups)
    means = np.bincount(group, weights=values, minlength=groups) / np.maximum(counts, 1)
    return values - means[group]


def within_runs(t: Blocks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Σxx, Σxy, Σyy about the mean of each run, added over runs: length and score within variants."""
    n, x, y, xx, xy, yy = np.moveaxis(t["length"].reshape(len(t["length"]), -1, 6), 2, 0)
    held = np.maximum(n, 1e-12)
    return (xx - x * x / held).sum(axis=1), (xy - x * y / held).sum(axis=1), (yy - y * y / held).sum(axis=1)


def length_slope(t: Blocks) -> np.ndarray:
    """Score points for e times as many tokens, b = S_xy / S_xx."""
    xx, xy, _ = within_runs(t)
    return share(xy, xx)


def length_correlation(t: Blocks) -> np.ndarray:
    """The slope in standard deviations of both, r = S_xy / √(S_xx S_yy)."""
    xx, xy, yy = within_runs(t)
    return share(xy, np.sqrt(np.maximum(xx, 0) * np.maximum(yy, 0)))


def length_figures(totals: Totals, questions: int) -> tuple[Estimate, Estimate]:
    """Slope and correlation of score on log length, or why there is none."""
    xx, _, yy = (float(part[0]) for part in within_runs(totals.whole))
    if not questions:
        return (Estimate.undefined(0, "no explanation has a score"),) * 2
    if xx < NOTHING:
        return (Estimate.undefined(questions, "all explanations of a variant have the same length"),) * 2
    slope = totals.estimate(length_slope, questions)
    if yy < NOTHING:
        return slope, Estimate.undefined(questions, "all explanations of a variant have the same score")
    return slope, totals.estimate(length_correlation, questions)


# --- spread of verdicts


def verdict_counts(t: Blocks, criteria: int) -> np.ndarray:
    """Counts of verdicts that could be read, shape (rows, criteria, labels)."""
    return t["verdicts"].reshape(len(t["verdicts"]), criteria, -1)[:, :, :-1]


def same_verdict_of(criteria: int, at: int, most: int) -> Formula:
    """Share of one label among a criterion's verdicts."""

    def formula(t: Blocks) -> np.ndarray:
        counts = verdict_counts(t, criteria)[:, at]
        return share(counts[:, most], counts.sum(axis=1))

    return formula


def entropy_of(criteria: int, at: int) -> Formula:
    """−Σ p log p / log k of a criterion's verdicts (Shannon 1948), k the labels of the rubric."""

    def formula(t: Blocks) -> np.ndarray:
        counts = verdict_counts(t, criteria)[:, at]
        p = counts / np.where(counts.sum(axis=1, keepdims=True) > 0, counts.sum(axis=1, keepdims=True), np.nan)
        logs = np.log(np.where(p > 0, p, 1.0))
        return (0.0 - (p * logs).sum(axis=1)) / np.log(counts.shape[1])

    return formula


def mean_of(formulas: Sequence[Formula]) -> Formula:
    """The mean of several figures in each row."""
    return lambda t: np.mean([formula(t) for formula in formulas], axis=0)


# --- the judge against itself


def repeats_block(evidence: Evidence) -> np.ndarray:
    """pairs and pairs · share of each criterion, shape (questions, criteria · 2)."""
    n, criteria = len(evidence.questions), len(evidence.criteria)
    sums = evidence.repeats.sums
    sums = sums[sums["pairs"] > 0]
    question, criterion = evidence.questions.get_indexer(sums["item_id"]), pd.Index(evidence.criteria)
    at = criterion.get_indexer(sums["criterion"])
    known = (question >= 0) & (at >= 0)
    pairs, same = sums["pairs"].to_numpy(dtype=float), sums["share"].to_numpy(dtype=float)
    values = np.stack([pairs, pairs * same], axis=1)[known]
    cells = per_question(values, question[known] * criteria + at[known], n * criteria)
    return cells.reshape(n, criteria * 2)


def self_agreement_of(at: int) -> Formula:
    """Chance of the same verdict twice on one criterion."""
    return lambda t: share(t["repeats"][:, 2 * at + 1], t["repeats"][:, 2 * at])


def self_agreement(t: Blocks) -> np.ndarray:
    """Chance of the same verdict twice, over all criteria."""
    return share(t["repeats"][:, 1::2].sum(axis=1), t["repeats"][:, ::2].sum(axis=1))


# --- criteria against each other


def criteria_block(rows: pd.DataFrame, criteria: int, questions: int) -> np.ndarray:
    """n, Σv_i and Σv_i v_j (i ≤ j) of the criteria's values less their means, shape (questions, 1 + k + k(k + 1)/2)."""
    values = rows[[f"c{i}" for i in range(criteria)]].to_numpy(dtype=float).reshape(len(rows), criteria)
    known = ~np.isnan(values).any(axis=1) if criteria else np.zeros(len(rows), dtype=bool)
    values = values[known] - (values[known].mean(axis=0) if known.any() else 0.0)
    i, j = np.triu_indices(criteria)
    sums = np.concatenate([np.ones((len(values), 1)), values, values[:, i] * values[:, j]], axis=1)
    return per_question(sums, rows["question"].to_numpy()[known], questions)


def correlations(t: Blocks, criteria: int) -> np.ndarray:
    """Pearson's r of every two criteria, shape (rows, criteria, criteria); NaN where one never varies."""
    block = t["criteria"]
    n, means = np.maximum(block[:, 0], 1e-12), block[:, 1 : 1 + criteria] / np.maximum(block[:, :1], 1e-12)
    i, j = np.triu_indices(criteria)
    covariance = np.zeros((len(block), criteria, criteria))
    covariance[:, i, j] = covariance[:, j, i] = block[:, 1 + criteria :] / n[:, None] - means[:, i] * means[:, j]
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    spread = np.sqrt(np.where(variance > NOTHING, variance, np.nan))
    return np.clip(covariance / (spread[:, :, None] * spread[:, None, :]), -1.0, 1.0)


def criteria_figures(totals: Totals, criteria: int, questions: int) -> tuple[Estimate, Estimate, np.ndarray]:
    """Mean correlation of two criteria, share of the first component, and the matrix.

    The share is λ₁ / k of the correlation matrix of the k criteria that vary (Jolliffe 2002): 1 / k where nothing is
    shared, 1 where they are one.
    """
    matrix = correlations(totals.whole, criteria)[0]
    vary = np.flatnonzero(~np.isnan(np.diag(matrix)))
    if len(vary) < 2:
        said = "no criterion varies" if not len(vary) else "only one criterion varies"
        return (Estimate.undefined(questions, said),) * 2 + (matrix,)
    upper = tuple(vary[index] for index in np.triu_indices(len(vary), 1))
    pairs = totals.estimate(lambda t: correlations(t, criteria)[:, *upper].mean(axis=1), questions)
    first = totals.centred(_first_component_of(criteria, vary), questions, (1 / len(vary), 1.0))
    return pairs, first, matrix


def _first_component_of(criteria: int, vary: np.ndarray) -> Formula:
    return lambda t: _first_component(correlations(t, criteria)[:, vary][:, :, vary])


def _first_component(matrices: np.ndarray) -> np.ndarray:
    known = ~np.isnan(matrices).any(axis=(1, 2))
    largest = np.full(len(matrices), np.nan)
    if known.any():
        largest[known] = np.linalg.eigvalsh(matrices[known])[:, -1] / matrices.shape[1]
    return largest


# --- two judges of the same explanations


def ranks_block(a: np.ndarray, b: np.ndarray, question: np.ndarray, questions: int) -> np.ndarray:
    """n, Σx, Σy, Σx², Σxy, Σy² of ranks a, b of shape (explanations,), from −½ to ½, shape (questions, 6)."""
    x, y = ((ranks - ranks.mean()) / max(len(ranks), 1) for ranks in (a, b)) if len(a) else (a, b)
    sums = np.stack([np.ones(len(x)), x, y, x * x, x * y, y * y], axis=1)
    return per_question(sums, question, questions)


def correlation_in(block: str) -> Callable[[Blocks], np.ndarray]:
    """Correlation of the ranks in a block of `ranks_block`: Spearman's ρ, ranks kept as the whole sample has them."""

    def formula(t: Blocks) -> np.ndarray:
        n, x, y, xx, xy, yy = t[block].T
        n = np.maximum(n, 1e-12)
        spread = np.sqrt(np.maximum(xx - x * x / n, 0) * np.maximum(yy - y * y / n, 0))
        return share(xy - x * y / n, spread)

    return formula
