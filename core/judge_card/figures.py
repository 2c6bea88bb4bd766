"""The figures of a card as functions of sums a question (`core.statistics.sums`), so all share one bootstrap.

`blocks` makes the sums, each formula reads them.  Whatever relates a score to something else does so within each
question and variant (`strata`): pooled over them, a question's difficulty and a variant's style would decide instead.
docs/judge-card.md has the formulas, their sources, and when not to use each.
"""

from collections.abc import Callable, Sequence
from math import prod

import numpy as np
import pandas as pd

from core.judge_card.evidence import Evidence
from core.statistics.estimates import Estimate
from core.statistics.sums import Blocks, Formula, Totals, in_company, less_group_mean, per_question, share

SHARE = (0.0, 1.0)
NOTHING = 1e-9
"""A variance below this is none."""
ALONE = "no question has two explanations by one variant that can be compared"


def blocks(evidence: Evidence) -> dict[str, np.ndarray]:
    """Sums of each question for everything but other judges, shape (questions, k) each."""
    n = len(evidence.questions)
    rows = evidence.rows
    flags = np.stack([np.ones(len(rows)), rows["unjudged"].to_numpy(dtype=float)], axis=1)
    return {
        "asked": per_question(flags, rows["question"].to_numpy(), n),
        "length": length_block(rows, n),
        "criteria": criteria_block(rows, len(evidence.criteria), n),
        "verdicts": evidence.counts.reshape(n, prod(evidence.counts.shape[1:])),
        "repeats": repeats_block(evidence),
    }


# --- replies that cannot be read


def unjudged(t: Blocks) -> np.ndarray:
    """Share of the explanations the judge was asked about that have no score."""
    return share(t["asked"][:, 1], t["asked"][:, 0])


# --- within a question and variant


def strata(rows: pd.DataFrame) -> np.ndarray:
    """Code of the question and run (variant) of each row: what both add to all its explanations must not count."""
    return rows["question"].to_numpy() * (int(rows["run"].max()) + 1 if len(rows) else 1) + rows["run"].to_numpy()


def products_block(values: np.ndarray, stratum: np.ndarray, question: np.ndarray, questions: int) -> np.ndarray:
    """n and Σ v_i v_j (i ≤ j) about the means of strata, shape (questions, 1 + k(k + 1)/2).

    values: (rows, k); n counts the rows that are not alone in their stratum, the only ones that say anything.
    """
    company = in_company(stratum)
    about = less_group_mean(values, stratum)[company]
    i, j = np.triu_indices(values.shape[1])
    sums = np.concatenate([np.ones((len(about), 1)), about[:, i] * about[:, j]], axis=1)
    return per_question(sums, question[company], questions)


def correlation_in(block: str) -> Callable[[Blocks], np.ndarray]:
    """Pearson's r of the two columns of a block of `products_block`: S_xy / √(S_xx S_yy)."""

    def formula(t: Blocks) -> np.ndarray:
        _, xx, xy, yy = t[block].T
        return share(xy, np.sqrt(xx * yy))

    return formula


# --- length


def length_block(rows: pd.DataFrame, questions: int) -> np.ndarray:
    """`products_block` of x log tokens and y score, shape (questions, 4)."""
    scored = rows[rows["score"].notna() & (rows["tokens"] > 0)]
    x, y = np.log(scored["tokens"].to_numpy(dtype=float)), scored["score"].to_numpy(dtype=float)
    return products_block(np.stack([x, y], axis=1), strata(scored), scored["question"].to_numpy(), questions)


def length_slope(t: Blocks) -> np.ndarray:
    """Score points for e times as many tokens, b = S_xy / S_xx."""
    return share(t["length"][:, 2], t["length"][:, 1])


def length_figures(totals: Totals, questions: int) -> tuple[Estimate, Estimate]:
    """Slope and correlation of score on log length, or why there is none."""
    _, xx, _, yy = (float(part) for part in totals.whole["length"][0])
    if not questions:
        return (Estimate.undefined(0, ALONE),) * 2
    if xx < NOTHING:
        return (Estimate.undefined(questions, "explanations of one question and variant all have the same length"),) * 2
    slope = totals.estimate(length_slope, questions)
    if yy < NOTHING:
        return slope, Estimate.undefined(questions, "explanations of one question and variant all have the same score")
    return slope, totals.estimate(correlation_in("length"), questions)


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
    """`products_block` of the criteria's values, shape (questions, 1 + k(k + 1)/2)."""
    values = rows[[f"c{i}" for i in range(criteria)]].to_numpy(dtype=float).reshape(len(rows), criteria)
    known = ~np.isnan(values).any(axis=1) if criteria else np.zeros(len(rows), dtype=bool)
    return products_block(values[known], strata(rows[known]), rows["question"].to_numpy()[known], questions)


def correlations(t: Blocks, criteria: int) -> np.ndarray:
    """Pearson's r of every two criteria, shape (rows, criteria, criteria); NaN where one never varies."""
    block = t["criteria"]
    i, j = np.triu_indices(criteria)
    covariance = np.zeros((len(block), criteria, criteria))
    covariance[:, i, j] = covariance[:, j, i] = block[:, 1:] / np.maximum(block[:, :1], 1e-12)
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
        because = f"{said} within a question and variant" if questions else ALONE
        return (Estimate.undefined(questions, because),) * 2 + (matrix,)
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


def ranks_block(frame: pd.DataFrame, questions: int) -> np.ndarray:
    """`products_block` of two judges' mid-ranks within each question and run, shape (questions, 4).

    frame: question and run (codes), a and b (scores of the two judges); the correlation of the ranks is Spearman's ρ
    within strata.
    """
    stratum = strata(frame)
    ranks = frame[["a", "b"]].groupby(stratum).rank().to_numpy(dtype=float).reshape(-1, 2)
    return products_block(ranks, stratum, frame["question"].to_numpy(), questions)
