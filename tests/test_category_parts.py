"""Δ(W−L) by category of B: never sorted by the draws that are compared."""

import numpy as np
import pandas as pd
import pytest

from bench.categories import by_halves, coverage
from core.analysis.category_parts import category_parts
from core.analysis.comparison import Part, ScoreTable
from core.records import CATEGORIES
from core.settings import CompareSettings

SETTINGS = CompareSettings(score="total", resamples=200)


def table_of(
    a: dict[str, list[tuple[float, bool | None]]], b: dict[str, list[tuple[float, bool | None]]]
) -> ScoreTable:
    """Variants b and a; question → (score, right) of each response."""
    rows = [
        {"label": label, "item_id": item, "correct_parsed": right, "correct_forced": right, "total": score}
        for label, answered in (("b", b), ("a", a))
        for item, responses in answered.items()
        for score, right in responses
    ]
    frame = pd.DataFrame(rows).assign(parsed="A", empty=False, tokens=9)
    return ScoreTable.of(frame, SETTINGS)


def parts_of(table: ScoreTable) -> dict[str, Part]:
    return {part.part: part for part in category_parts(table, [(1, 0)])}


def test_by_hand_the_category_is_of_one_half_and_the_wins_are_of_the_other():
    """B is right in its even draws and wrong in its odd ones: A wins by the odd draws and loses by the even ones."""
    b = {"q": [(9, True), (5, False), (9, True), (5, False)]}
    a = {"q": [(7, True), (7, True), (7, True), (7, True)]}
    found = parts_of(table_of(a, b))
    assert (found["consistently_correct"].delta.value, found["consistently_correct"].win) == (100.0, 1.0)
    assert (found["consistently_incorrect"].delta.value, found["consistently_incorrect"].loss) == (-100.0, 1.0)
    assert found["variable"].delta.value is None


def test_a_question_in_one_category_by_both_halves_counts_once():
    b = {"q": [(9, True)] * 4, "r": [(9, True)] * 4}
    a = {"q": [(10, True)] * 4, "r": [(9, True)] * 4}
    part = parts_of(table_of(a, b))["consistently_correct"]
    assert (part.delta.value, part.delta.n, part.win, part.tie) == (50.0, 2, 0.5, 0.5)


def test_one_response_a_question_gives_no_category_that_is_not_compared():
    part = parts_of(table_of({"q": [(9, True)]}, {"q": [(8, True)]}))["consistently_correct"]
    assert part.delta.value is None
    assert "two responses a question" in part.delta.note


def test_without_gold_there_is_no_category():
    found = parts_of(table_of({"q": [(9, None)] * 4}, {"q": [(8, None)] * 4}))
    assert [part.delta.value for part in found.values()] == [None, None, None]


@pytest.mark.parametrize("shared", [0.0, 0.5])
def test_two_identical_models_differ_in_no_category(shared):
    """Sorted by the draws compared, the same simulation shows ten points and intervals that hold 0 in a tenth."""
    found = coverage(by_halves, questions=120, samples=4, shared=shared, experiments=150)
    assert list(found) == list(CATEGORIES)
    means, held = np.array(list(found.values())).T
    assert np.abs(means).max() < 2.5
    assert held.min() > 0.9
