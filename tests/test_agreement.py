"""AUC against the rank-sum formula, and its interval against chance; agreement of raters from labels to sentence."""

import time

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu
from sklearn.metrics import cohen_kappa_score

from bench.judge_auc import JUDGES, drawn, rate
from core.analysis.agreement import agreement_between, judge_auc, labels_needed, rater_agreements
from core.analysis.report import auc_words
from core.errors import BadInput
from core.settings import CompareSettings

SETTINGS = CompareSettings(resamples=500)


ONE = np.zeros(1000, dtype=int)
"""All explanations by one variant."""


def test_auc_is_the_mann_whitney_statistic_of_each_question_and_variant_with_ties_as_halves():
    rng = np.random.default_rng(0)
    scores, right = rng.integers(5, 9, 240).astype(float), rng.random(240) < 0.4
    questions, variants = np.repeat(np.arange(20), 12), np.tile(np.arange(2), 120)
    auc = judge_auc(scores, right, questions, variants, SETTINGS)
    areas, weights = [], []
    for question, variant in np.unique(np.stack([questions, variants], axis=1), axis=0):
        here = (questions == question) & (variants == variant)
        r, w = scores[here & right], scores[here & ~right]
        if len(r) and len(w):
            areas.append(mannwhitneyu(r, w).statistic / (len(r) * len(w)))
            weights.append(len(r) * len(w) / (len(r) + len(w) + 1))
    assert auc.value == pytest.approx(np.average(areas, weights=weights))


def test_a_judge_that_rolls_dice_is_at_chance_and_one_that_knows_is_not():
    rng = np.random.default_rng(2)
    right = rng.random(200) < 0.5
    questions = np.repeat(np.arange(50), 4)
    assert judge_auc(rng.random(200), right, questions, ONE[:200], SETTINGS).at_chance
    knowing = judge_auc(right + rng.random(200), right, questions, ONE[:200], SETTINGS)
    assert not knowing.at_chance
    assert not knowing.inverted
    assert judge_auc(~right + rng.random(200), right, questions, ONE[:200], SETTINGS).inverted


@pytest.mark.parametrize(
    ("judge", "least", "most"),
    [
        ("blind, for easy questions and good variants", 0.0, 0.08),
        ("blind, against them", 0.0, 0.08),
        ("blind, likes answers", 0.0, 0.08),
        ("seeing, against them", 0.95, 1.0),
    ],
)
def test_a_judge_passes_for_what_it_sees_and_not_for_easy_questions_or_liked_variants(judge, least, most):
    """One in forty passes by chance; pooled over questions and variants the first passes always, the last never."""
    assert least <= rate(JUDGES[judge], questions=40, samples=4, experiments=100) <= most


def test_what_a_question_or_a_variant_adds_to_all_its_scores_changes_nothing():
    score, right, question, variant = drawn(JUDGES["seeing"], 30, 4, np.random.default_rng(4))
    lifted = score + 7 * question + 100 * variant
    one, other = (judge_auc(s, right, question, variant, SETTINGS) for s in (score, lifted))
    assert one == other


def test_questions_without_both_say_nothing_and_are_counted():
    right = np.array([True, False, True, True, False, False, True, False])
    questions, variants = np.array([0, 0, 1, 1, 2, 2, 3, 3]), np.array([0, 0, 0, 0, 0, 0, 0, 1])
    auc = judge_auc(np.arange(8.0), right, questions, variants, SETTINGS)
    assert (auc.right, auc.wrong, auc.questions, auc.left_out) == (1, 1, 1, 3)
    assert "3 without both say nothing" in auc_words(auc)


def test_a_constant_judge_has_auc_one_half():
    auc = judge_auc(np.full(400, 15.0), np.arange(400) % 2 == 0, np.repeat(np.arange(100), 4), ONE[:400], SETTINGS)
    assert auc.value == 0.5
    assert auc.at_chance
    assert auc.high < 0.6


def test_one_class_alone_is_undefined():
    auc = judge_auc(np.arange(4.0), np.ones(4, dtype=bool), np.arange(4), ONE[:4], SETTINGS)
    assert auc.value is None
    assert auc.at_chance
    assert (auc.right, auc.wrong, auc.left_out) == (0, 0, 4)
    assert "none of 4 questions has right and wrong explanations by one variant" in auc_words(auc)


def test_no_explanation_at_all_is_undefined():
    nothing = np.empty(0)
    assert judge_auc(nothing, nothing.astype(bool), nothing, nothing, SETTINGS).value is None


def test_the_interval_resamples_questions_not_explanations():
    rng = np.random.default_rng(3)
    right, questions = rng.random(160) < 0.5, np.repeat(np.arange(40), 4)
    scores = right * rng.normal(size=40)[questions] + 0.1 * rng.random(160)
    lone = judge_auc(scores, right, questions, ONE[:160], SETTINGS)
    copied = judge_auc(
        np.tile(scores, 3), np.tile(right, 3), np.tile(questions, 3), np.repeat([0, 1, 2], 160), SETTINGS
    )
    assert (copied.low, copied.high) == pytest.approx((lone.low, lone.high))


def test_one_question_says_nothing_of_the_judge():
    auc = judge_auc(np.array([1.0, 2.0]), np.array([False, True]), np.zeros(2), np.zeros(2), SETTINGS)
    assert (auc.value, auc.low, auc.high, auc.at_chance) == (1.0, 0.0, 1.0, True)


# --- agreement of raters


def test_ratings_of_explanations_of_one_question_are_not_independent():
    rng = np.random.default_rng(3)
    a, b = (rng.choice(["good", "bad"], 40).tolist() for _ in range(2))
    lone = agreement_between(a, b)
    copied = agreement_between(a * 5, b * 5, clusters=list(range(40)) * 5)
    for name in ("percent", "kappa"):
        of_lone, of_copies = getattr(lone, name), getattr(copied, name)
        assert (of_copies.low, of_copies.high) == pytest.approx((of_lone.low, of_lone.high), abs=0.02)
        assert of_copies.n == 40


VERDICTS = ["bad", "fair", "good"]


def drawn_ratings(n: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Two raters, the second of whom copies the first in six of ten ratings."""
    rng = np.random.default_rng(seed)
    a = rng.integers(3, size=n)
    b = np.where(rng.random(n) < 0.6, a, rng.integers(3, size=n))
    return [VERDICTS[i] for i in a], [VERDICTS[i] for i in b]


def test_a_pair_of_raters_in_full():
    a, b = drawn_ratings(200)
    pair = agreement_between([*a, None, "bad"], [*b, "good", None], order=VERDICTS, names=("ann", "judge"))
    assert (pair.n, pair.left_out, pair.kappa.n) == (200, 2, 200)
    assert pair.kappa.value == pytest.approx(cohen_kappa_score(a, b))
    linear = cohen_kappa_score(a, b, weights="linear", labels=VERDICTS)
    assert pair.kappa_linear.value == pytest.approx(linear)
    assert pair.kappa.low < pair.kappa.value < pair.kappa.high
    assert pair.confusion.loc["bad", "good"] == sum(x == "bad" and y == "good" for x, y in zip(a, b, strict=True))
    assert pair.percent.value == pytest.approx(np.mean([x == y for x, y in zip(a, b, strict=True)]))


def test_names_without_an_order_have_no_rank_and_numbers_have_their_own():
    a, b = drawn_ratings(50)
    plain = agreement_between(a, b)
    assert (plain.kappa_linear, plain.kappa_quadratic, plain.spearman, plain.kendall) == (None, None, None, None)
    numbers = [[VERDICTS.index(x) + 1 for x in ratings] for ratings in (a, b)]
    ordered, counted = agreement_between(a, b, order=VERDICTS), agreement_between(*numbers)
    assert counted.kappa_quadratic == ordered.kappa_quadratic
    assert counted.spearman == ordered.spearman


def test_high_agreement_with_low_kappa_is_explained():
    a = ["good"] * 85 + ["bad"] * 5 + ["good"] * 10
    b = ["good"] * 80 + ["bad"] * 5 + ["good"] * 5 + ["bad"] * 1 + ["good"] * 9
    pair = agreement_between(a, b)
    assert pair.sentence.startswith("They agree on 89% of 100 ratings, but κ is −0.06 (95% −0.09 … −0.02)")
    assert pair.sentence.endswith("nearly all ratings are “good”, so agreement says little.")


def test_prevalence_bias_and_pabak_of_two_labels_are_byrt_s():
    a, b = ["yes"] * 90 + ["no"] * 10, ["yes"] * 80 + ["no"] * 10 + ["yes"] * 5 + ["no"] * 5
    pair = agreement_between(a, b)
    assert (pair.prevalence, pair.bias, pair.pabak) == pytest.approx((0.75, 0.05, 0.70))


@pytest.mark.parametrize(
    ("a", "b", "because"),
    [
        (["x", None], [None, "y"], "no item has ratings of both"),
        ([], [], "no item has ratings of both"),
        (["x", "x", "x"], ["x", "x", "y"], "a gave one label only"),
        (["x", "x"], ["x", "x"], "a gave one label only"),
        ([x / 7 for x in range(300)], [x / 9 for x in range(300)], "labels are no categories"),
    ],
)
def test_an_undefined_kappa_says_why(a, b, because):
    pair = agreement_between(a, b)
    assert pair.kappa.value is None
    assert pair.kappa.note.startswith("undefined, because") and because in pair.kappa.note
    assert labels_needed(pair) is None
    assert pair.sentence.endswith(".")


def test_agreement_without_exception_does_not_pass_for_certainty():
    pair = agreement_between(["x", "y", "x", "y"], ["x", "y", "x", "y"])
    assert pair.kappa.value == 1.0 and pair.kappa.note
    assert pair.percent.low < 0.7


def test_ratings_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match="2 ratings and b 1"):
        agreement_between(["x", "y"], ["x"])
    with pytest.raises(BadInput, match="'odd' is not in the order"):
        agreement_between(["good", "odd"], ["good", "bad"], order=VERDICTS)
    with pytest.raises(BadInput, match="question of each of the 2 items"):
        agreement_between(["x", "y"], ["x", "y"], clusters=["q1", None])


def test_labels_needed_grow_with_the_square_of_precision():
    small, large = (agreement_between(*drawn_ratings(n)) for n in (200, 800))
    assert labels_needed(small) == pytest.approx(labels_needed(large), rel=0.25)
    assert labels_needed(large, 0.05) == pytest.approx(4 * labels_needed(large), abs=4)


def test_every_two_raters_of_a_table():
    a, b = drawn_ratings(60)
    table = pd.DataFrame({"one": a, "two": b, "three": [None, *a[1:]]})
    pairs = rater_agreements(table, order=VERDICTS)
    assert [(pair.a, pair.b, pair.n) for pair in pairs] == [
        ("one", "two", 60),
        ("one", "three", 59),
        ("two", "three", 59),
    ]


def test_ranks_of_a_thousand_scores_take_seconds_at_most():
    rng = np.random.default_rng(0)
    x = rng.normal(size=1000)
    start = time.process_time()
    pair = agreement_between(list(x), list(x + rng.normal(size=1000)))
    assert time.process_time() - start < 10
    assert pair.kendall.low < pair.kendall.value < pair.kendall.high


def test_raters_who_use_the_labels_differently_are_called_so():
    pair = agreement_between(["x"] * 50 + ["y"] * 50, ["x"] * 20 + ["y"] * 80)
    assert pair.bias == pytest.approx(0.3)
    assert pair.sentence.endswith("Their shares of the labels differ (bias 0.30).")
