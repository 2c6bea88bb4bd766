"""Intervals, tests and models against hand-computed cases, libraries and simulated truth."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import binomtest, sem

from core.statistics.bradley_terry import bradley_terry
from core.statistics.estimates import Estimate, score_interval
from core.statistics.length_control import length_controlled
from core.statistics.logit import fit_logits
from core.statistics.power import detectable, questions_needed
from core.statistics.resampling import Resamples
from core.statistics.significance import holm, non_inferior, sign_flip_p, sign_test_p


def coverage(values: np.ndarray, truth: float) -> float:
    """How often the 95% interval of a mean holds the truth; values: (questions, experiments)."""
    estimates = Resamples(len(values), 2000).means(values, bounds=(0.0, 1.0))
    return float(np.mean([estimate.low <= truth <= estimate.high for estimate in estimates]))


def clustered(n: int, rate: float, experiments: int = 2000) -> np.ndarray:
    """Win shares of questions: 4 samples each, alike within a question (correlation 0.3), 30% ties."""
    rng = np.random.default_rng(n)
    strength = 0.7 / 0.3
    chance = rng.beta(rate * strength, (1 - rate) * strength, size=(n, experiments))
    won = rng.random((4, n, experiments)) < chance
    return np.where(rng.random((4, n, experiments)) < 0.3, 0.5, won).mean(axis=0)


@pytest.mark.parametrize("n", [50, 200])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_an_interval_called_95_percent_covers_93_to_97_percent(n, rate):
    assert 0.93 <= coverage(clustered(n, rate), 0.7 * rate + 0.15) <= 0.97


def test_samples_of_one_question_are_no_independent_questions():
    """Resampling single samples instead of questions would make intervals too narrow: this is the defect."""
    values = np.repeat(np.random.default_rng(0).random((50, 1)) < 0.5, 16, axis=1).astype(float)
    by_question = Resamples(50).mean(values.mean(axis=1), bounds=(0.0, 1.0))
    as_if_independent = Resamples(800).mean(values.ravel(), bounds=(0.0, 1.0))
    assert by_question.high - by_question.low > 3 * (as_if_independent.high - as_if_independent.low)


def test_the_interval_is_no_5_to_95_percentile_range():
    values = np.random.default_rng(1).random(400)
    estimate = Resamples(400, 20_000).mean(values)
    assert estimate.high - estimate.low == pytest.approx(2 * 1.966 * sem(values), rel=0.04)


@pytest.mark.parametrize(("hits", "n"), [(0, 40), (3, 40), (20, 40), (40, 40)])
def test_independent_yes_and_no_give_wilsons_interval(hits, n):
    rate = hits / n
    low, high = score_interval(rate, float(np.sqrt(rate * (1 - rate) / n)), n)
    wilson = binomtest(hits, n).proportion_ci(method="wilson")
    assert low == pytest.approx(wilson.low, abs=0.006)
    assert high == pytest.approx(wilson.high, abs=0.006)


@pytest.mark.parametrize(("up", "down"), [(9, 2), (3, 3), (0, 7), (41, 60)])
def test_the_sign_test_is_the_librarys(up, down):
    assert sign_test_p(up, down) == pytest.approx(binomtest(up, up + down).pvalue, rel=1e-9)


def test_missing_questions_take_no_part_in_a_mean():
    estimate = Resamples(4).mean(np.array([1.0, np.nan, 3.0, np.nan]))
    assert (estimate.value, estimate.n) == (2.0, 2)


def test_no_question_is_undefined_with_a_reason_and_never_zero():
    estimate = Resamples(3).mean(np.full(3, np.nan))
    assert estimate.value is None
    assert estimate.note.startswith("undefined, because")


def test_resamples_are_the_same_at_every_call_and_weigh_n_questions():
    drawn = Resamples(7, 50, seed=3)
    once, again = (np.concatenate(list(drawn.weights())) for _ in range(2))
    assert (once == again).all()
    assert (once.sum(axis=1) == 7).all()


def test_sign_flips_find_a_difference_and_keep_their_error_rate():
    rng = np.random.default_rng(2)
    nothing = rng.normal(size=(40, 1000))
    assert 0.035 <= (sign_flip_p(nothing, 2000, 0) <= 0.05).mean() <= 0.065
    assert sign_flip_p(rng.normal(1.0, 1.0, size=(40, 1)), 2000, 0)[0] < 0.01
    assert sign_flip_p(np.zeros((10, 1)), 200, 0)[0] == 1.0


def test_holm_by_hand():
    assert holm([0.01, 0.02, 0.03, 0.005]) == pytest.approx([0.03, 0.04, 0.04, 0.02])
    assert holm([]) == []


def test_non_inferiority_is_no_test_of_difference():
    assert non_inferior(Estimate(-1.0, -2.5, 0.5, 100), 3.0) == "kept"
    assert non_inferior(Estimate(0.0, -9.0, 9.0, 20), 3.0) == "not shown"
    assert non_inferior(Estimate.undefined(0, "there is no gold"), 3.0) == "not shown"


def test_planned_questions_give_the_planned_width():
    values = np.random.default_rng(4).normal(0, 10, 100)
    needed = questions_needed(Resamples(100).mean(values), 1.0)
    assert needed == pytest.approx((1.96 * values.std(ddof=1)) ** 2, rel=0.02)
    assert detectable(Estimate(0.0, -1.0, 1.0, 10)) is None


def test_newton_finds_the_maximum_that_scipy_finds():
    rng = np.random.default_rng(5)
    design, counts = rng.normal(size=(6, 3, 4)), rng.integers(1, 20, size=(1, 6, 3)).astype(float)

    def loss(beta):
        utility = design @ beta
        logs = utility - np.log(np.exp(utility).sum(axis=1, keepdims=True))
        return -(counts[0] * logs).sum() + 0.05 * (beta**2).sum()

    found = fit_logits(counts, design, np.full(4, 0.1))[0]
    assert found == pytest.approx(minimize(loss, np.zeros(4)).x, abs=1e-4)


def test_bradley_terry_finds_the_strengths_that_made_the_comparisons():
    rng = np.random.default_rng(6)
    labels, truth, tie = ["a", "b", "c"], np.array([0.8, 0.0, -0.8]), 0.6
    pairs = [("b", "a"), ("c", "a"), ("c", "b")]
    outcomes = np.zeros((200, 3, 3))
    for k, (i, j) in enumerate([(1, 0), (2, 0), (2, 1)]):
        odds = np.exp([truth[i], np.log(tie) + (truth[i] + truth[j]) / 2, truth[j]])
        outcomes[:, k] = rng.multinomial(4, odds / odds.sum(), size=200) / 4
    found = bradley_terry(labels, pairs, outcomes, Resamples(200, 500))
    assert all(e.low < t < e.high for e, t in zip(found.strengths, truth, strict=True))
    assert found.tie == pytest.approx(tie, rel=0.15)


def test_a_variant_that_wins_everything_is_marked():
    outcomes = np.tile(np.array([[[1.0, 0.0, 0.0]]]), (30, 1, 1))
    found = bradley_terry(["a", "b"], [("a", "b")], outcomes, Resamples(30, 200))
    assert found.strengths[0].note is not None


def test_a_single_question_gives_strengths_no_interval():
    found = bradley_terry(["a", "b"], [("a", "b")], np.array([[[0.5, 0.0, 0.5]]]), Resamples(1, 200))
    assert [(one.low, one.high, one.n) for one in found.strengths] == [(None, None, 1)] * 2
    assert found.strengths[0].note == "one question says nothing about others"


def test_length_control_covers_the_truth_with_the_fit_uncertainty_in_it():
    rng = np.random.default_rng(8)
    alpha, beta, hits = -0.3, 1.2, 0
    for seed in range(60):
        ratios = rng.normal(1.0, 0.5, size=(80, 4))  # equal length is far off
        wins = (rng.random((80, 4)) < 1 / (1 + np.exp(-(alpha + beta * ratios)))).astype(float)
        found = length_controlled(ratios, wins, Resamples(80, 300, seed)).controlled
        hits += found.low <= 1 / (1 + np.exp(-alpha)) <= found.high
    assert hits >= 52


def test_lengths_that_hardly_overlap_raise_a_warning():
    ratios = np.full((40, 1), 0.7) + np.random.default_rng(9).normal(0, 0.05, (40, 1))
    found = length_controlled(ratios, np.ones((40, 1)), Resamples(40, 200))
    assert "hardly overlap" in found.controlled.note
