"""Ablations, λ and maximum, the lint before training and the difference of two pair sets."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analysis.pair_difference import PLACES, difference
from core.analysis.pair_lint import SideFacts, driver, drivers, lint, same_text
from core.analysis.pair_sources import pair_sources, read_material
from core.method.pair_draw import anchor_lambda, counts_at, drawn_pairs
from core.method.pairs import NoPair, Question, candidates, choose_pair, choose_pairs, narrowed, rules_of, unnarrowed
from core.records import CATEGORIES, Dropped, Pair, Side
from core.runs.folders import RunFolder
from core.settings import CompareSettings, PairSettings
from core.sharing import preference_rows, ranking_rows, rows_of_pairs
from tests.test_pairs import picked, question, side
from tests.test_store import opened
from tests.test_store import question as item

QUICK = CompareSettings(resamples=200)
RIGHT, SOME, WRONG = CATEGORIES


def made(item: str, chosen: Side, rejected: Side, category=SOME, **changes) -> Pair:
    values = {"item_id": item, "category": category, "reason": "right_over_wrong", "answer_line_added": False}
    return Pair(chosen=chosen, rejected=rejected, **values | changes)


# --- settings and ablations


def test_settings_added_later_stand_in_a_configuration_only_where_they_are_set():
    first = {"strategy", "score", "right_by", "rejected", "answer_line", "seed"}
    assert set(PairSettings().model_dump(mode="json")) == first
    assert PairSettings(margin=1.5).model_dump(mode="json").keys() - first == {"margin"}
    assert PairSettings.model_validate(PairSettings(target_lambda=0.5).model_dump(mode="json")).target_lambda == 0.5


def test_correctness_takes_any_right_over_any_wrong_and_nothing_else():
    own = [side(0, 5, True), side(1, 9, False), side(2, 7, True)]
    picks = {picked(question(SOME, own), PairSettings(strategy="correctness", seed=s)) for s in range(40)}
    assert {pick[:2] for pick in picks} == {(0, 1), (2, 1)}
    with pytest.raises(NoPair, match="one_sided"):
        choose_pair(question(RIGHT, own[:1]), PairSettings(strategy="correctness"))


def test_an_ablation_of_anchor_makes_the_pairs_of_anchor_but_for_what_it_leaves_out():
    own = {
        RIGHT: [side(0, 9, True), side(1, 9, True), side(2, 5, True)],
        SOME: [side(0, 9, True), side(1, 9, False), side(2, 9, False)],
        WRONG: [side(0, 4, False), side(1, 4, False)],
    }
    debate = [side(0, 8, True, run="debater"), side(1, 8, True, run="debater")]
    left_out = {"anchor_without_debater": WRONG, "anchor_without_correct": RIGHT}
    for strategy, category in left_out.items():
        for seed in range(10):
            for name, sides in own.items():
                asked = question(name, sides, debate)
                if name == category:
                    with pytest.raises(NoPair, match="left_out"):
                        choose_pair(asked, PairSettings(strategy=strategy, seed=seed))
                else:
                    same = PairSettings(seed=seed), PairSettings(strategy=strategy, seed=seed)
                    assert picked(asked, same[0]) == picked(asked, same[1])
    assert [PairSettings(strategy=s).debated for s in left_out] == [False, True]


def test_a_margin_counts_where_score_alone_decides():
    close, wavering = [side(0, 9, True), side(1, 8, True)], [side(0, 8, True), side(1, 9, False)]

    def given_by(asked: Question, settings: PairSettings) -> list[str]:
        pairs, dropped = choose_pairs({asked.item_id: item(1)}, [asked], settings)
        return [row.reason for row in (*pairs, *dropped)]

    assert given_by(question(RIGHT, close), PairSettings(margin=1.5)) == ["below_margin"]
    assert given_by(question(RIGHT, close), PairSettings(margin=1.0)) == ["best_over_worst"]
    assert given_by(question(SOME, wavering), PairSettings(margin=5)) == ["right_over_wrong"]
    assert given_by(question(SOME, wavering), PairSettings(strategy="rank", margin=5)) == ["below_margin"]


def test_margin_share_and_maximum_leave_candidates_out_and_change_none_of_them():
    asked = [
        Question(f"q{i}", SOME if i % 3 else RIGHT, [side(0, 9, True), side(1, 9 - i % 5, i % 3 == 0)], [])
        for i in range(60)
    ]
    items = {f"q{i}": item(i) for i in range(60)}
    settings = PairSettings(margin=2.5, target_lambda=0.5, lambda_total="largest", max_pairs=11, seed=3)
    every = candidates(items, asked, unnarrowed(settings))
    pairs, dropped = choose_pairs(items, asked, settings)
    assert every == candidates(items, asked, settings) and (pairs, dropped) == narrowed(every, settings)
    assert all(pair in every for pair in pairs) and anchor_lambda(pairs) == pytest.approx(0.5, abs=0.05)
    assert len(pairs) == 11 and len(pairs) + len(dropped) == len(asked)
    assert Counter(row.reason for row in dropped).keys() == {"equal_scores", "below_margin", "not_drawn"}


@pytest.mark.parametrize("strategy", ["anchor", "rank", "correctness", "anchor_without_debater"])
def test_the_rule_of_a_category_is_the_reason_of_its_pairs(strategy):
    settings = PairSettings(strategy=strategy, rejected="below_max")
    own = {RIGHT: [True] * 3, SOME: [True, False, False], WRONG: [False] * 3}
    for category, code in rules_of(settings).items():
        sides = [side(i, 9 - i, correct) for i, correct in enumerate(own[category])]
        asked = question(category, sides, [side(0, 9, True, run="debater")])
        if code is None:
            with pytest.raises(NoPair):
                choose_pair(asked, settings)
        else:
            assert picked(asked, settings)[2] == code


# --- λ and the maximum

kinds = st.lists(st.sampled_from(CATEGORIES), max_size=40)
shares = st.one_of(st.none(), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))


def pairs_of(categories) -> list[Pair]:
    good, bad = side(0, 9, True), side(1, 8, False)
    return [made(f"q{i}", good, bad, category) for i, category in enumerate(categories)]


@given(kinds, shares, st.one_of(st.none(), st.integers(1, 40)))
def test_a_draw_keeps_order_and_maximum_and_comes_within_a_pair_of_lambda(categories, share, at_most):
    pairs = pairs_of(categories)
    kept = drawn_pairs(pairs, PairSettings(target_lambda=share, max_pairs=at_most))
    assert kept == [pair for pair in pairs if pair in kept]
    assert len(kept) <= (at_most or 40)
    if share is None:
        assert len(kept) == min(len(pairs), at_most or 40)
    elif kept:
        assert abs(anchor_lambda(kept) - share) <= 1 / len(kept)


@given(st.sampled_from([0.2, 0.5, 0.8]), st.integers(0, 30), st.integers(0, 30))
def test_no_larger_set_has_that_lambda(share, hard, easy):
    n_hard, n_easy = counts_at(share, hard, easy, PairSettings(lambda_total="largest"))
    assert n_hard <= hard and n_easy <= easy
    total = n_hard + n_easy + 1
    assert share * total > hard - 1 or (1 - share) * total > easy - 1 or total > hard + easy


def test_a_smaller_draw_is_part_of_a_larger_one():
    pairs = pairs_of(CATEGORIES * 8)
    sets = [drawn_pairs(pairs, PairSettings(max_pairs=n)) for n in (4, 9, 20)]
    ids = [{pair.item_id for pair in found} for found in sets]
    assert ids[0] < ids[1] < ids[2]


# --- the lint


def checks_of(pairs, facts=None) -> dict:
    return {check.name: check for check in lint(pairs, facts or {}, QUICK)}


def test_the_length_gap_is_chosen_less_rejected_in_tokens():
    pairs = [made(f"q{i}", side(0, 9, True), side(1, 8, False)) for i in range(3)]
    lengths = [(12, 10), (20, 16), (9, 12)]
    facts = {
        ("own", f"q{i}", k): SideFacts(tokens, (1.0,))
        for i, both in enumerate(lengths)
        for k, tokens in enumerate(both)
    }
    found = checks_of(pairs, facts)
    assert found["length gap"].figure.value == pytest.approx(1.0)  # (2 + 4 − 3) / 3
    assert found["length gap"].pairs == (1, 2, 0)  # the largest gaps first
    assert found["length gap"].figure.low < 0 < found["length gap"].figure.high and not found["length gap"].worry
    assert found["longer is chosen"].figure.value == pytest.approx(2 / 3)
    assert found["longer is chosen"].pairs == (0, 1)


def test_a_length_gap_in_every_pair_is_a_worry():
    pairs = [made(f"q{i}", side(0, 9, True), side(1, 8, False)) for i in range(12)]
    facts = {("own", f"q{i}", k): SideFacts(20 - 5 * k + i % 2 * k, ()) for i in range(12) for k in (0, 1)}
    found = checks_of(pairs, facts)["length gap"]
    assert found.worry and found.figure.low > 0 and "longer" in found.says


def test_labels_texts_and_forms_are_counted_with_their_pairs():
    pairs = [
        made("q0", side(0, 9, True, "A good one"), side(1, 8, False, "bad")),
        made("q1", side(0, 7, False, "bad"), side(1, 9, False, "  BAD ")),
        made("q2", side(0, 9, True, "A good one"), side(1, 8, False, "bad")),
        made("q3", side(0, 9, True, " "), side(1, 8, True, "fine")),
    ]
    found = checks_of(pairs)
    assert {name: check.pairs for name, check in found.items() if check.unit == "share" and check.pairs} == {
        "label of chosen is wrong": (1,),
        "labels tell them apart": (0, 2),
        "chosen scores below rejected": (1,),
        "equal text": (1,),
        "empty or unparsed chosen": (3,),
        "duplicates": (0, 2),
        "pulled both ways": (0, 1, 2),
    }
    assert found["duplicates"].figure.value == 0.5 and found["duplicates"].worry
    assert not found["labels tell them apart"].worry
    assert same_text(pairs[1]) and not same_text(pairs[0])
    assert found["length gap"].figure.note.startswith("undefined")


def test_an_unreadable_chosen_answer_is_seen_unless_the_line_was_added():
    facts = {("own", "q0", 0): SideFacts(5, (), readable=False), ("own", "q0", 1): SideFacts(5, (), readable=False)}
    pair = made("q0", side(0, 9, True), side(1, 8, False))
    assert checks_of([pair], facts)["empty or unparsed chosen"].pairs == (0,)
    added = pair.model_copy(update={"answer_line_added": True})
    assert checks_of([added], facts)["empty or unparsed chosen"].pairs == ()
    assert checks_of([], {})["duplicates"].figure.value is None


def test_the_criterion_that_drove_a_choice_is_the_one_that_leads_most():
    criteria = ["clarity", "depth"]
    values = {0: (3.0, 4.0), 1: (2.5, 1.0), 2: (3.5, 2.0), 3: (None, 1.0)}
    facts = {("own", "q", k): SideFacts(1, given) for k, given in values.items()}
    pairs = [made("q", side(0, 9, True), side(k, 8, False)) for k in (1, 2, 0, 3)]
    assert [driver(pair, facts, criteria) for pair in pairs] == ["depth", "depth", "several alike", "not known"]
    found = {row.criterion: row for row in drivers(pairs, facts, criteria, QUICK)}
    assert list(found) == ["clarity", "depth", "several alike", "not known"]
    assert found["depth"].drives.value == 0.5 and found["depth"].pairs == (0, 1)
    assert found["depth"].lead.value == pytest.approx((3 + 2 + 0 + 3) / 4)
    assert found["clarity"].lead.value == pytest.approx((0.5 - 0.5 + 0) / 3) and found["clarity"].lead.n == 3
    assert found["not known"].lead.value is None


# --- the difference of two sets

sides = st.builds(side, st.integers(0, 2), st.just(9.0), st.just(True))


@st.composite
def pair_sets(draw) -> list[Pair]:
    items = draw(st.lists(st.sampled_from([f"q{i}" for i in range(6)]), unique=True))
    halves = [draw(st.permutations([0, 1, 2]))[:2] for _ in items]
    return [made(item, side(a, 9, True), side(b, 8, False)) for item, (a, b) in zip(items, halves, strict=True)]


@given(pair_sets(), pair_sets())
def test_every_pair_of_either_set_has_one_place(a, b):
    found = difference(a, b)
    assert list(found) == list(PLACES)
    of_a = [mine for pairs in found.values() for mine, _ in pairs if mine]
    of_b = [other for pairs in found.values() for _, other in pairs if other]
    assert sorted(of_a, key=lambda p: p.item_id) == sorted(a, key=lambda p: p.item_id)
    assert sorted(of_b, key=lambda p: p.item_id) == sorted(b, key=lambda p: p.item_id)
    for place, pairs in found.items():
        for mine, other in pairs:
            same = mine and other and [mine.chosen.sample, mine.rejected.sample]
            theirs = mine and other and [other.chosen.sample, other.rejected.sample]
            assert (place == "same pair") == bool(mine and other and same == theirs)
            assert (place == "turned round") == bool(mine and other and same == theirs[::-1])


@given(pair_sets(), pair_sets())
def test_the_difference_turns_with_the_sets(a, b):
    one, other = difference(a, b), difference(b, a)
    turned = {"only A": "only B", "only B": "only A"}
    for place, pairs in one.items():
        assert len(pairs) == len(other[turned.get(place, place)])


@given(pair_sets())
def test_a_set_is_no_different_from_itself(pairs):
    found = difference(pairs, pairs)
    assert len(found["same pair"]) == len(pairs) and sum(map(len, found.values())) == len(pairs)


# --- live sets are what runs write


def test_a_set_built_live_is_the_one_that_its_run_wrote_and_exports_alike(lab_home):
    with opened(lab_home) as store:
        sources = {source.samples: source for source in pair_sources(store)}
        for folder in written(lab_home):
            source = sources[folder.config.parents["samples"]]
            settings = PairSettings.model_validate(folder.config.settings)
            assert source.parents(settings) == folder.config.parents
            material = read_material(lab_home, store, source, settings.score)
            pairs, dropped = material.build(settings)
            assert pairs == folder.read("pairs", Pair) and dropped == folder.read("dropped", Dropped)
            rows = rows_of_pairs(lab_home, source.parents(settings), pairs)
            assert rows == preference_rows(lab_home, folder)
            ranking = ranking_rows(rows)
            assert [row["chosen"]["value"] for row in ranking] == [row["chosen"][0]["content"] for row in rows]
            assert all(row["conversations"][-1]["from"] == "human" for row in ranking)


def test_every_strategy_accounts_for_every_question(lab_home):
    with opened(lab_home) as store:
        source = next(source for source in pair_sources(store) if source.debates)
        material = read_material(lab_home, store, source, "expected")
        asked = {row.item_id for row in material.own.explanations}
        for strategy in ("anchor", "rank", "correctness", "anchor_without_debater", "anchor_without_correct"):
            pairs, dropped = material.build(PairSettings(strategy=strategy, right_by="forced", max_pairs=3))
            assert len(pairs) <= 3
            assert sorted([p.item_id for p in pairs] + [d.item_id for d in dropped]) == sorted(asked)
        tokens = {facts.tokens for facts in material.facts.values()}
        assert tokens and np.isfinite(list(tokens)).all()


def written(home) -> list[RunFolder]:
    return [RunFolder(Path(path)) for path in sorted(home.runs.glob("pairs-*"))]
