"""Accuracy, win rates and intervals against hand-computed and known cases."""

import numpy as np
import pandas as pd
import pytest

from core.comparison import all_win_rates, mean_over_questions, outcomes, variant_result, win_rate
from core.settings import CompareSettings

TOTAL = CompareSettings(score="total")
EXPECTED = CompareSettings(score="expected")


def rows(label: str, scores: dict[str, list[float | None]], right: dict[str, list[bool]] | None = None):
    table = [
        {
            "label": label,
            "item_id": item,
            "total": score,
            "expected": score,
            "parsed": "A",
            "empty": False,
            "tokens": 10,
            "correct_parsed": (right or {}).get(item, [None] * len(values))[k],
            "correct_forced": (right or {}).get(item, [None] * len(values))[k],
        }
        for item, values in scores.items()
        for k, score in enumerate(values)
    ]
    return pd.DataFrame(table)


def test_win_rate_counts_all_pairs_of_samples_per_question_then_averages_questions():
    a = rows("a", {"q1": [10, 12], "q2": [5, 5]})
    b = rows("b", {"q1": [11, 11], "q2": [5, 4]})
    rate = win_rate(pd.concat([a, b]), "a", "b", TOTAL)
    # q1: 2 wins, 2 losses of 4; q2: 2 wins, 2 ties of 4
    assert (rate.win, rate.tie, rate.loss) == (0.5, 0.25, 0.25)
    assert rate.delta.value == 25.0
    assert rate.n == 2


def test_scores_within_the_margin_tie():
    assert outcomes(np.array([10.0]), np.array([10.2]), 0.2) == (0.0, 1.0, 0.0)
    assert outcomes(np.array([10.0]), np.array([10.21]), 0.2) == (0.0, 0.0, 1.0)
    assert EXPECTED.margin == 0.2
    assert TOTAL.margin == 0.0


def test_unjudged_explanations_take_no_part_and_are_counted():
    both = pd.concat([rows("a", {"q1": [10, None], "q2": [None]}), rows("b", {"q1": [9], "q2": [9]})])
    rate = win_rate(both, "a", "b", TOTAL)
    assert (rate.win, rate.n, rate.unjudged) == (1.0, 1, 2)


def test_no_shared_question_is_undefined_not_zero():
    both = pd.concat([rows("a", {"q1": [10]}), rows("b", {"q2": [9]})])
    rate = win_rate(both, "a", "b", TOTAL)
    assert rate.win is None
    assert rate.delta.value is None


def test_accuracy_is_a_mean_of_question_means():
    table = rows("a", {"q1": [1, 1, 1, 1], "q2": [1]}, {"q1": [True, False, False, False], "q2": [True]})
    result = variant_result(table, TOTAL)
    assert result.accuracy_parsed.value == pytest.approx((0.25 + 1) / 2)
    assert result.accuracy_parsed.n == 2


def test_win_rates_are_antisymmetric():
    rng = np.random.default_rng(0)
    tables = [rows(v, {f"q{i}": list(rng.integers(5, 20, 4)) for i in range(30)}) for v in "ab"]
    both = pd.concat(tables)
    ab, ba = win_rate(both, "a", "b", TOTAL), win_rate(both, "b", "a", TOTAL)
    assert ab.delta.value == pytest.approx(-ba.delta.value)
    assert len(all_win_rates(both, TOTAL)) == 1


def test_interval_is_the_95_percent_normal_interval_of_the_mean_for_many_questions():
    values = np.random.default_rng(1).normal(size=400)
    estimate = mean_over_questions(values, TOTAL)
    half = 1.96 * values.std(ddof=1) / np.sqrt(400)
    assert estimate.low == pytest.approx(values.mean() - half, abs=0.02)
    assert estimate.high == pytest.approx(values.mean() + half, abs=0.02)


def test_interval_does_not_shrink_when_a_question_is_sampled_more_often():
    few = rows("a", {f"q{i}": [float(i % 3)] for i in range(50)})
    many = rows("a", {f"q{i}": [float(i % 3)] * 16 for i in range(50)})
    narrow, wide = (variant_result(t, TOTAL).score for t in (many, few))
    assert (narrow.low, narrow.high) == (wide.low, wide.high)
