"""Accuracy, win rates and intervals against hand-computed and known cases."""

import numpy as np
import pandas as pd
import pytest

from core.analysis.comparison import (
    ScoreTable,
    WinRate,
    at_equal_length,
    criterion_parts,
    mean_over_questions,
    outcomes,
    outcomes_of,
    strengths,
    variant_results,
    win_rates,
)
from core.analysis.findings import finding, turned_accuracy
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


def win_rate(table: pd.DataFrame, settings: CompareSettings) -> WinRate:
    """The last variant of the rows against the first."""
    scores = ScoreTable.of(table, settings)
    return win_rates(scores, outcomes_of(scores))[-1]


def variant_result(table: pd.DataFrame, settings: CompareSettings):
    return variant_results(ScoreTable.of(table, settings))[0]


def test_win_rate_counts_all_pairs_of_samples_per_question_then_averages_questions():
    a = rows("a", {"q1": [10, 12], "q2": [5, 5]})
    b = rows("b", {"q1": [11, 11], "q2": [5, 4]})
    rate = win_rate(pd.concat([b, a]), TOTAL)
    # q1: 2 wins, 2 losses of 4; q2: 2 wins, 2 ties of 4
    assert (rate.a, rate.b) == ("a", "b")
    assert (rate.win.value, rate.tie.value, rate.loss.value) == (0.5, 0.25, 0.25)
    assert rate.delta.value == 25.0
    assert rate.n == 2


def test_a_win_rate_can_be_derived_again_from_the_counts_beside_it():
    rng = np.random.default_rng(3)
    both = pd.concat([rows(v, {f"q{i}": list(rng.integers(5, 9, 4)) for i in range(20)}) for v in "ab"])
    rate = win_rate(both, TOTAL)
    compared = rate.wins + rate.ties + rate.losses
    assert compared == 20 * 16
    assert rate.win.value == pytest.approx(rate.wins / compared)
    assert rate.delta.value == pytest.approx(100 * (rate.wins - rate.losses) / compared)


def test_scores_within_the_margin_tie():
    assert outcomes(np.array([[10.0]]), np.array([[10.2]]), 0.2).tolist() == [[0, 1, 0]]
    assert outcomes(np.array([[10.0]]), np.array([[10.21]]), 0.2).tolist() == [[0, 0, 1]]
    assert EXPECTED.margin == 0.2
    assert TOTAL.margin == 0.0


def test_unjudged_explanations_take_no_part_and_are_counted():
    both = pd.concat([rows("b", {"q1": [9], "q2": [9]}), rows("a", {"q1": [10, None], "q2": [None]})])
    rate = win_rate(both, TOTAL)
    assert (rate.win.value, rate.n, rate.unjudged) == (1.0, 1, 2)
    assert (rate.wins, rate.ties, rate.losses) == (1, 0, 0)


def test_no_shared_question_is_undefined_not_zero():
    both = pd.concat([rows("a", {"q1": [10]}), rows("b", {"q2": [9]})])
    rate = win_rate(both, TOTAL)
    assert rate.win.value is None
    assert rate.delta.value is None
    assert rate.delta.note == "undefined, because no question has a value"
    assert rate.p is None


def test_accuracy_is_a_mean_of_question_means():
    table = rows("a", {"q1": [1, 1, 1, 1], "q2": [1]}, {"q1": [True, False, False, False], "q2": [True]})
    result = variant_result(table, TOTAL)
    assert result.accuracy_parsed.value == pytest.approx((0.25 + 1) / 2)
    assert result.accuracy_parsed.n == 2


def test_win_rates_are_antisymmetric():
    rng = np.random.default_rng(0)
    one, other = (rows(v, {f"q{i}": list(rng.integers(5, 20, 4)) for i in range(30)}) for v in "ab")
    ab, ba = win_rate(pd.concat([other, one]), TOTAL), win_rate(pd.concat([one, other]), TOTAL)
    assert ab.delta.value == pytest.approx(-ba.delta.value)
    assert ab.delta.low == pytest.approx(-ba.delta.high)
    assert ab.p == pytest.approx(ba.p, abs=0.02)


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


def lifted(by: float, questions: int = 160) -> pd.DataFrame:
    """Variant `b`, and a variant `a` whose scores lie above b's by so much on average."""
    rng = np.random.default_rng(7)
    base = {f"q{i}": list(rng.normal(12, 2, 4)) for i in range(questions)}
    better = {item: [score + by + rng.normal(0, 0.5) for score in scores] for item, scores in base.items()}
    right = {item: [bool(rng.random() < 0.6) for _ in scores] for item, scores in base.items()}
    return pd.concat([rows("b", base, right), rows("a", better, right)])


def test_a_finding_needs_quality_accuracy_and_a_judge_that_can_be_believed():
    rate = win_rate(lifted(3.0), EXPECTED)
    assert rate.accuracy_kept(0.03) == "kept"
    assert finding(rate, EXPECTED, []).verdict == "better"
    assert finding(rate, EXPECTED, ["AUC at chance"]).verdict == "judge unreliable here"
    assert finding(win_rate(lifted(-3.0), EXPECTED), EXPECTED, []).verdict == "worse"
    assert finding(win_rate(lifted(0.0), EXPECTED), EXPECTED, []).verdict == "not shown"


def test_lost_accuracy_is_worse_however_well_the_explanations_score():
    table = lifted(3.0)
    table.loc[table["label"] == "a", ["correct_parsed", "correct_forced"]] = False
    rate = win_rate(table, EXPECTED)
    assert rate.accuracy_kept(0.03) == "lost"
    said = finding(rate, EXPECTED, [])
    assert said.verdict == "worse"
    assert said.sentence.endswith(": a loss of more than 3 points.")
    assert "n = 160 questions" in said.sentence


def test_accuracy_that_turns_with_the_prediction_is_said():
    a = rows("a", {"1": [3.0, 3.0], "2": [3.0, 3.0]}).assign(
        parsed=[None, None, "A", "A"], correct_parsed=[0, 0, 1, 1], correct_forced=[1, 1, 1, 1]
    )
    b = rows("b", {"1": [3.0, 3.0], "2": [3.0, 3.0]}).assign(correct_parsed=[1, 0, 1, 1], correct_forced=[1, 0, 1, 1])
    results = variant_results(ScoreTable.of(pd.concat([a, b]), EXPECTED))
    said = turned_accuracy(*results)
    assert "a less b is +25.0 points by forced answers and −25.0 by parsed ones" in said
    assert "(50.0% of a and 0.0% of b)" in said
    agreeing = variant_results(ScoreTable.of(pd.concat([a.assign(correct_parsed=1), b]), EXPECTED))
    assert turned_accuracy(*agreeing) is None


def test_p_values_are_corrected_only_upwards_and_over_all_pairs():
    table = lifted(1.0, 40)
    third = table[table["label"] == "a"].assign(label="c")
    scores = ScoreTable.of(pd.concat([table, third]), EXPECTED)
    rates = win_rates(scores, outcomes_of(scores))
    assert len(rates) == 3
    assert all(rate.p_holm >= rate.p for rate in rates)
    smallest = min(rates, key=lambda rate: rate.p)
    assert smallest.p_holm == pytest.approx(min(1.0, 3 * smallest.p))


def test_parts_split_criteria_as_counted_by_hand():
    table = pd.concat([rows("b", {"q1": [9], "q2": [9]}), rows("a", {"q1": [10], "q2": [8]})])
    table["clarity"], table["depth"] = [1.0, 1.0, 2.0, 1.0], [2.0, 2.0, 2.0, 1.0]
    scores = ScoreTable.of(table, TOTAL)
    clarity, depth = criterion_parts(scores, table, ["clarity", "depth"])
    assert (clarity.win, clarity.tie, clarity.loss) == (0.5, 0.5, 0.0)
    assert (depth.win, depth.tie, depth.loss) == (0.0, 0.5, 0.5)


def test_strengths_order_variants_as_their_win_rates_do():
    table = lifted(2.0)
    scores = ScoreTable.of(table, EXPECTED)
    found = strengths(scores, outcomes_of(scores))
    assert found.ranking == ["a", "b"]
    assert sum(strength.value for strength in found.strengths) == pytest.approx(0)


def test_a_win_rate_that_is_all_length_vanishes_at_equal_length():
    rng = np.random.default_rng(5)
    lengths = {v: {f"q{i}": rng.integers(20, 60, 4) + 10 * (v == "a") for i in range(120)} for v in "ba"}
    tables = []
    for variant, of_question in lengths.items():
        scores = {item: list(np.log(tokens) * 4 + rng.normal(0, 1, 4)) for item, tokens in of_question.items()}
        table = rows(variant, scores)
        table["tokens"] = np.concatenate(list(of_question.values()))
        tables.append(table)
    scores = ScoreTable.of(pd.concat(tables), TOTAL)
    found = at_equal_length(scores, 1, 0)
    assert found.plain.low > 0.5
    assert found.controlled.low < 0.5 < found.controlled.high
    assert found.slope.low > 0
    assert found.controlled.note is None
