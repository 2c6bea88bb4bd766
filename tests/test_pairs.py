"""Each rule that picks pairs, on cases small enough to work out by hand."""

import pytest

from core.method.pairs import NoPair, Question, anchor_lambda, choose_pair
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
