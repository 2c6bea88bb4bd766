"""AUC against the rank-sum formula, and its interval against chance."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from core.agreement import judge_auc
from core.settings import CompareSettings

SETTINGS = CompareSettings(resamples=500)


def test_auc_is_the_mann_whitney_statistic_with_ties_as_halves():
    rng = np.random.default_rng(0)
    scores, right = rng.integers(5, 12, 300).astype(float), rng.random(300) < 0.4
    auc = judge_auc(scores, right, np.arange(300), SETTINGS)
    expected = mannwhitneyu(scores[right], scores[~right]).statistic / (right.sum() * (~right).sum())
    assert auc.value == pytest.approx(expected)


def test_a_judge_that_rolls_dice_is_at_chance_and_one_that_knows_is_not():
    rng = np.random.default_rng(2)
    right = rng.random(200) < 0.5
    questions = np.repeat(np.arange(50), 4)
    assert judge_auc(rng.random(200), right, questions, SETTINGS).at_chance
    knowing = judge_auc(right + rng.random(200), right, questions, SETTINGS)
    assert not knowing.at_chance
    assert not knowing.inverted
    assert judge_auc(~right + rng.random(200), right, questions, SETTINGS).inverted


def test_a_constant_judge_has_auc_one_half():
    auc = judge_auc(np.full(40, 15.0), np.arange(40) % 2 == 0, np.arange(40), SETTINGS)
    assert (auc.value, auc.low, auc.high, auc.at_chance) == (0.5, 0.5, 0.5, True)


def test_one_class_alone_is_undefined():
    auc = judge_auc(np.arange(4.0), np.ones(4, dtype=bool), np.arange(4), SETTINGS)
    assert auc.value is None
    assert auc.at_chance
    assert (auc.right, auc.wrong) == (4, 0)


def test_the_interval_resamples_questions_not_explanations():
    rng = np.random.default_rng(3)
    scores, right = rng.random(40), rng.random(40) < 0.5
    lone = judge_auc(scores, right, np.arange(40), SETTINGS)
    copied = judge_auc(np.tile(scores, 8), np.tile(right, 8), np.tile(np.arange(40), 8), SETTINGS)
    assert (copied.low, copied.high) == pytest.approx((lone.low, lone.high))
