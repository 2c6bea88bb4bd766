"""Each rule that picks pairs, on cases small enough to work out by hand."""

import pytest

from app.charts.pairs import lambda_bars
from core.analysis.pair_lambda import TARGETS, pairs_over_lambda
from core.method.pairs import NoPair, Question, anchor_lambda, choose_pair, drawn_pairs
from core.records import Pair, Side
from core.settings import PairSettings

ANCHOR = PairSettings(strategy="anchor")
RANK = PairSettings(strategy="rank")


def side(sample: int, score: float, correct: bool, text: str | None = None, run: str = "own") -> Side:
    return Side(
        run=run,
        sample=sample,
        text=text or f"{run} {sample}",
        score=score,
        prediction="A" if correct else "B",
        correct=correct,
    )


def question(category, own, debates=()) -> Question:
    return Question("q1", category, list(own), list(debates))


def picked(question: Question, settings: PairSettings) -> tuple[int, int, str]:
    chosen, rejected, reason = choose_pair(question, settings)
    return chosen.sample, rejected.sample, reason


def test_always_right_prefers_best_over_lowest():
    own = [side(0, 12, True), side(1, 17, True), side(2, 9, True), side(3, 15, True)]
    assert picked(question("consistently_correct", own), ANCHOR) == (1, 2, "best_over_worst")


def test_always_right_below_max_may_take_any_lower_one():
    own = [side(0, 12, True), side(1, 17, True), side(2, 9, True), side(3, 17, True)]
    settings = [PairSettings(strategy="anchor", rejected="below_max", seed=seed) for seed in range(40)]
    picks = {picked(question("consistently_correct", own), s)[:2] for s in settings}
    assert picks == {(1, 0), (1, 2), (3, 0), (3, 2)}


def test_wavering_prefers_best_right_over_lowest_wrong_whatever_their_scores():
    own = [side(0, 8, True), side(1, 10, True), side(2, 19, False), side(3, 18, False)]
    assert picked(question("variable", own), ANCHOR) == (1, 3, "right_over_wrong")


def test_wavering_with_equal_scores_is_still_a_pair_because_correctness_differs():
    own = [side(0, 10, True), side(1, 10, False)]
    assert picked(question("variable", own), ANCHOR) == (0, 1, "right_over_wrong")


def test_always_wrong_prefers_the_debaters_best_over_the_own_lowest():
    own = [side(0, 12, False), side(1, 7, False)]
    debates = [side(0, 5, True, run="debater"), side(3, 6, True, run="debater")]
    chosen, rejected, reason = choose_pair(question("consistently_incorrect", own, debates), ANCHOR)
    assert (chosen.run, chosen.sample, rejected.run, rejected.sample) == ("debater", 3, "own", 1)
    assert reason == "debater_over_own"


def test_rank_prefers_best_over_a_random_other_and_ignores_correctness():
    own = [side(0, 12, True), side(1, 17, False), side(2, 9, True)]
    picks = {picked(question("variable", own), PairSettings(strategy="rank", seed=s))[:2] for s in range(40)}
    assert picks == {(1, 0), (1, 2)}


@pytest.mark.parametrize(
    ("category", "own", "settings", "reason"),
    [
        ("consistently_correct", [side(0, 9, True), side(1, 9, True)], ANCHOR, "equal_scores"),
        ("consistently_correct", [], ANCHOR, "unjudged"),
        ("consistently_incorrect", [side(0, 9, False)], ANCHOR, "no_debate"),
        ("variable", [side(0, 9, True)], ANCHOR, "unjudged"),
        ("variable", [side(0, 9, True, "same"), side(1, 9, False, "same")], ANCHOR, "equal_texts"),
        ("variable", [side(0, 9, True), side(1, 9, False)], RANK, "equal_scores"),
        ("variable", [side(0, 9, True)], RANK, "unjudged"),
        (None, [side(0, 9, True), side(1, 8, True)], ANCHOR, "uncategorised"),
        (None, [side(0, 9, True), side(1, 8, True)], RANK, "uncategorised"),
    ],
)
def test_nothing_to_prefer_is_dropped_with_its_reason(category, own, settings, reason):
    with pytest.raises(NoPair) as why:
        choose_pair(question(category, own), settings)
    assert str(why.value) == reason


def test_ties_for_best_are_drawn_by_seed_and_the_draw_repeats():
    own = [side(0, 9, True), side(1, 17, True), side(2, 17, True)]
    draws = [picked(question("consistently_correct", own), PairSettings(seed=seed))[0] for seed in range(40)]
    again = [picked(question("consistently_correct", own), PairSettings(seed=seed))[0] for seed in range(40)]
    assert draws == again
    assert set(draws) == {1, 2}


def test_lambda_is_the_share_of_pairs_from_wavering_or_always_wrong_questions():
    chosen, rejected = side(0, 9, True), side(1, 8, False)
    kinds = ["consistently_correct", "variable", "consistently_incorrect", "variable"]
    pairs = [
        Pair(item_id="q", category=c, reason="x", chosen=chosen, rejected=rejected, answer_line_added=False)
        for c in kinds
    ]
    assert anchor_lambda(pairs) == 0.75
    assert anchor_lambda([]) is None


def many_pairs(hard: int, easy: int) -> list[Pair]:
    kinds = [("variable", "right_over_wrong")] * (hard - hard // 3)
    kinds += [("consistently_incorrect", "debater_over_own")] * (hard // 3)
    kinds += [("consistently_correct", "best_over_worst")] * easy
    sides = {"chosen": side(0, 15, True), "rejected": side(1, 9, False)}
    return [
        Pair(item_id=f"q{place}", category=category, reason=reason, answer_line_added=False, **sides)
        for place, (category, reason) in enumerate(kinds)
    ]


@pytest.mark.parametrize("at_most", [None, 11])
def test_counts_over_lambda_are_what_a_run_with_that_target_would_write(at_most):
    pairs = many_pairs(hard=12, easy=30)
    settings = PairSettings(strategy="anchor", seed=3, max_pairs=at_most)
    table = pairs_over_lambda(pairs, settings)
    assert len(table) == 3 * len(TARGETS) and set(table["of"]) == {8, 4, 30}
    for target, rows in table.groupby("target"):
        left = drawn_pairs(pairs, settings.model_copy(update={"target_lambda": target}))
        assert rows["total"].unique().tolist() == [len(left)] == [rows["pairs"].sum()]
        assert rows["reached"].iloc[0] == pytest.approx(anchor_lambda(left))
        for row in rows.itertuples():
            assert row.pairs == sum((pair.category, pair.reason) == (row.category, row.reason) for pair in left)
    at_half = table[table["target"] == 0.5].set_index("category")["pairs"]
    assert at_half["consistently_correct"] == (12 if at_most is None else 5)


def test_bars_over_lambda_carry_their_target_and_counts():
    table = pairs_over_lambda(many_pairs(hard=3, easy=2), PairSettings(strategy="anchor"), targets=(0.0, 1.0))
    figure = lambda_bars(table, now=0.6)
    assert [bar.name for bar in figure.data] == ["consistently correct", "variable", "consistently incorrect"]
    assert [list(bar.y) for bar in figure.data] == [[2, 0], [0, 2], [0, 1]]
    assert [row[0] for row in figure.data[0].customdata] == [0.0, 1.0]
    assert figure.layout.shapes[0].x0 == 0.6
    assert pairs_over_lambda([], PairSettings(strategy="anchor")).empty
