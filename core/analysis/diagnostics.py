"""The paper's signs of failure, each a figure with its interval and one sentence.

    gain      little accuracy gain of SFT: look at SFT or at the anchor
    wins      low win rates: alignment did not improve explanations
    anchor    categories that swing between draws: an inconsistent anchor
    form      answers that cannot be read, explanations that are not there
    judge     a judge that fails its card, under which no win rate says anything of quality

A sign is `clear` if the interval leaves the failure out, `look here` if it does not (which is no proof of failure:
few questions give wide intervals), and `not known` where there is nothing to go by.  Intervals are 95%, resample
questions, and exclude training variance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import comb
from typing import Literal

import numpy as np
import pandas as pd
from rich.console import Console

from core.analysis.agreement import Auc
from core.analysis.comparison import SHARE, VariantResult, WinRate, mean_over_questions
from core.analysis.report import auc_words
from core.analysis.results import Evaluation
from core.judge_card import JudgeCard
from core.judge_card.records import UNPROVEN
from core.method.categories import categorise
from core.records import CATEGORIES
from core.settings import CompareSettings
from core.statistics.estimates import Estimate, percentile_interval
from core.statistics.resampling import Resamples
from core.statistics.words import in_a_sentence, with_n
from core.store.database import Store
from core.store.queries import right_counts

Verdict = Literal["look here", "clear", "not known"]


@dataclass(frozen=True)
class Diagnostic:
    """One sign of failure, looked for in one evaluation."""

    sign: Literal["gain", "wins", "anchor", "form", "judge"]
    about: str
    """Variant or pair of variants."""
    verdict: Verdict
    figure: Estimate
    sentence: str


def diagnose(store: Store, evaluation: Evaluation) -> list[Diagnostic]:
    """Every sign that can be looked for in an evaluation, in the order of the method."""
    settings = evaluation.settings
    counts = {label: right_counts(store, run, settings.right_by) for label, run in evaluation.samples.items()}
    bases, tuned = _named("base", counts), _named("sft", counts)
    aligned = [label for label in counts if label not in (*bases, *tuned)]
    compared = [rate for rate in evaluation.win_rates if rate.a in aligned and rate.b in (*bases, *tuned)]
    return [
        *(gain(sft, base, counts[sft], counts[base], settings) for sft, base in product(tuned, bases)),
        *(wins(rate, evaluation.card.doubts) for rate in compared),
        *(anchor(label, counts[label], settings) for label in (*bases, *tuned)),
        *(form(result, settings.form_share) for result in evaluation.results),
        judge(evaluation.card, evaluation.auc),
    ]


def _named(name: str, labels: Mapping[str, object]) -> list[str]:
    """Labels of the variants of this name; several bear it with the beginning of their key."""
    return [label for label in labels if label == name or label.startswith(f"{name} ")]


# --- SFT


def gain(sft: str, base: str, after: pd.DataFrame, before: pd.DataFrame, settings: CompareSettings) -> Diagnostic:
    """Accuracy of SFT less that of base, in points, paired by question; tables: item_id, n, k right of n draws."""
    both = after.merge(before, on="item_id", suffixes=("_after", "_before")).sort_values("item_id")
    points = 100 * (both["k_after"] / both["n_after"] - both["k_before"] / both["n_before"])
    figure = mean_over_questions(points.to_numpy(dtype=float), settings, (-100.0, 100.0))
    about = f"{sft} against {base}"
    if figure.value is None or figure.low is None:
        return Diagnostic("gain", about, "not known", figure, f"{about}: no question that both answered.")
    verdict: Verdict = "clear" if figure.low > 0 else "look here"
    says = "SFT made it more accurate" if figure.low > 0 else "a gain is not shown: look at SFT, or at the anchor"
    if figure.high is not None and figure.high < 0:
        says = "SFT made it less accurate: look at SFT, or at the anchor"
    sentence = f"{about}: accuracy ({settings.right_by}) {with_n(figure, 'points')}: {says}."
    return Diagnostic("gain", about, verdict, figure, sentence)


# --- alignment


def wins(rate: WinRate, doubts: Sequence[str]) -> Diagnostic:
    """Δ(W−L) of an aligned variant; what a judge that fails its card says is not known (doubts: why it fails)."""
    about, figure = f"{rate.a} against {rate.b}", rate.delta
    if figure.value is None or figure.low is None or figure.high is None:
        return Diagnostic("wins", about, "not known", figure, f"{about}: no question where both have scores.")
    verdict: Verdict = "clear" if figure.low > 0 else "look here"
    says = f"explanations score above those of {rate.b}"
    if figure.low <= 0:
        says = "an improvement of explanations by alignment is not shown"
    if figure.high < 0:
        says = "alignment made explanations score lower"
    if doubts:
        verdict, says = "not known", f"{says}, by a judge that cannot be believed ({', '.join(doubts)})"
    return Diagnostic("wins", about, verdict, figure, f"{about}: Δ(W−L) {with_n(figure, 'points')}: {says}.")


# --- the anchor


def anchor(label: str, counts: pd.DataFrame, settings: CompareSettings) -> Diagnostic:
    """Whether a question falls into the same category in two halves of its draws; table: item_id, n, k right.

    figure: share of questions whose category differs between the halves, the exact expectation over every way to
    halve the draws (hypergeometric), so no split is drawn.  Each half is sorted by its own size: consistent is
    right in all of the half.  A wavering question swings by nature; so the sign is clear if the halves agree beyond
    chance: Cohen's κ of the halves, chance from the category shares of each half, with its interval above 0.
    """
    usable = counts[counts["n"] >= 2]
    tables = np.array([halves(k, n) for k, n in zip(usable["k"], usable["n"], strict=True)]).reshape(-1, 3, 3)
    figure = mean_over_questions(1 - np.trace(tables, axis1=1, axis2=2), settings, SHARE)
    if figure.value is None:
        sentence = f"{label}: no question with two draws, so swings between draws cannot be seen."
        return Diagnostic("anchor", label, "not known", figure, sentence)
    kappa = agreement(tables, settings)
    moved = (
        f"{in_a_sentence(figure, 'share')} of {figure.n} questions change category between two halves of their draws"
    )
    if kappa.value is None or kappa.low is None:
        says = "all questions are of one category, so the anchor tells nothing apart"
        return Diagnostic("anchor", label, "not known", figure, f"{label} ({settings.right_by}): {moved}; {says}.")
    beyond = kappa.low > 0
    says = "the anchor sorts questions beyond chance" if beyond else "an anchor beyond chance is not shown"
    known = f"κ of the halves {in_a_sentence(kappa, 'coefficient')}"
    verdict: Verdict = "clear" if beyond else "look here"
    return Diagnostic("anchor", label, verdict, figure, f"{label} ({settings.right_by}): {moved}, {known}: {says}.")


def halves(k: int, n: int) -> np.ndarray:
    """Chances of (category of one half, category of the other), shape (3, 3), over all ways to halve n draws.

    k of the n draws are right; the first half has n // 2 draws.

    >>> halves(1, 2).tolist()  # one half has the right draw, the other does not
    [[0.0, 0.0, 0.5], [0.0, 0.0, 0.0], [0.5, 0.0, 0.0]]
    """
    first = n // 2
    table = np.zeros((3, 3))
    for hits in range(max(0, k - (n - first)), min(first, k) + 1):
        chance = comb(first, hits) * comb(n - first, k - hits) / comb(n, k)
        one = categorise(hits, first, first)
        other = categorise(k - hits, n - first, n - first)
        table[CATEGORIES.index(one), CATEGORIES.index(other)] += chance
    return table


def agreement(tables: np.ndarray, settings: CompareSettings) -> Estimate:
    """Cohen's κ of the mean of tables, shape (questions, 3, 3); None where one category holds everything."""
    value = _kappa(tables.mean(axis=0))
    if np.isnan(value):
        return Estimate.undefined(len(tables), "one category holds every question")
    drawn = Resamples(len(tables), settings.resamples, settings.seed).draws(tables.reshape(-1, 9))
    low, high = percentile_interval(np.array([_kappa(table) for table in drawn.reshape(-1, 3, 3)]), len(tables))
    return Estimate(float(value), low, high, len(tables))


def _kappa(table: np.ndarray) -> float:
    chance = float(table.sum(axis=1) @ table.sum(axis=0))
    return float("nan") if chance > 1 - 1e-12 else (float(np.trace(table)) - chance) / (1 - chance)


# --- form and judge


def form(result: VariantResult, allowed: float) -> Diagnostic:
    """Shares of responses without a readable answer and without an explanation; the figure is the larger of them.

    Clear where its whole interval is within `allowed` (setting `form_share`): a few such responses are in every draw.
    """
    unparsed, empty = result.unparsed, result.empty
    if unparsed.value is None or empty.value is None:
        return Diagnostic("form", result.label, "not known", unparsed, f"{result.label}: no response yet.")
    figure = max(unparsed, empty, key=lambda share: share.value or 0.0)
    verdict: Verdict = "clear" if figure.high <= allowed else "look here"
    sentence = (
        f"{result.label}: {in_a_sentence(unparsed, 'share')} of responses have no readable answer and "
        f"{in_a_sentence(empty, 'share')} no explanation "
        f"(n = {figure.n} questions; up to {100 * allowed:g}% is no concern)."
    )
    return Diagnostic("form", result.label, verdict, figure, sentence)


def judge(card: JudgeCard, auc: Auc) -> Diagnostic:
    """What the judge's card comes to; the figure is its AUC between right and wrong explanations."""
    figure = auc.estimate
    verdict: Verdict = "clear" if card.reliable else "look here"
    says = "The judge can be believed: no hard check of its card fails"
    if not card.reliable:
        says = f"The judge cannot be believed: {', '.join(card.doubts)}"
    if card.doubts == [UNPROVEN]:
        verdict = "not known" if auc.value is None else "look here"
        says = "It is not shown that the judge can be believed: no hard check of its card fails, and none proves it"
    return Diagnostic("judge", "judge", verdict, figure, f"{says}; {auc_words(auc)}.")


def show_diagnostics(found: list[Diagnostic], console: Console) -> None:
    """Print every sign but the judge's, which stands with the win rates."""
    console.print("Signs of failure: clear, or look here", style="bold")
    for sign in found:
        if sign.sign != "judge":
            style = "yellow" if sign.verdict == "look here" else ""
            console.print(f"{sign.verdict:<10}{sign.sentence}", style=style, highlight=False, markup=False)
