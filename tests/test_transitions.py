"""Questions between categories: a chain worked out by hand, the map, fewer responses against every way to draw them."""

import json
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from app.charts.flow import laid_out
from core import Lab
from core.analysis.distribution import category_scores, expected_shares
from core.analysis.draws import draws, find_draw
from core.analysis.question_map import SHARES, bins, counts_of, map_order, rows_at
from core.analysis.results import category_shares
from core.analysis.transitions import (
    QuestionTable,
    Route,
    between,
    matrix,
    moved,
    question_table,
    routes,
    shares_of,
    steps,
    transition_rows,
)
from core.cli import cli
from core.errors import BadInput
from core.method.categories import categorise
from core.records import CATEGORIES
from core.settings import CompareSettings
from tests.test_store import imported, judge_config, judgement, opened, response, sample_config, sealed

QUICK = CompareSettings(resamples=200)
RIGHT, SOME, WRONG = CATEGORIES

CHAIN = {
    "base": ["AA", "AB", "BB", "BB", "AA"],
    "sft": ["AB", "AA", "AB", "BB", "AA"],
    "anchor": ["AA", "AA", "AB", "BB", "BB"],
}
"""Variant → its predictions on q0 … q4, two responses each; A is right."""

ADAPTERS = {"base": [], "sft": ["sft-1"], "anchor": ["sft-1", "dpo-1"]}


def chain_lab(home, chain=CHAIN):
    """A data set of five questions and a judged sample run a variant; the newest variant is sampled first."""
    dataset = imported(home, 6)
    for label, predictions in reversed(chain.items()):
        rows = [
            response(f"q{i}", k, parsed) for i, pattern in enumerate(predictions) for k, parsed in enumerate(pattern)
        ]
        config = sample_config(dataset.id, label, ADAPTERS[label])
        samples = sealed(home, config, {"explanations": rows}, responses_hash=label)
        seen = [judgement(row, 10.0 - row.sample + (row.parsed == "A")) for row in rows]
        sealed(home, judge_config(dataset.id, samples.id), {"judgements": seen})
    return dataset


@pytest.fixture
def table(home) -> QuestionTable:
    chain_lab(home)
    with opened(home) as store:
        (draw,) = draws(store)
        return question_table(store, draw.samples, "parsed")


def test_a_draw_has_its_variants_in_the_order_of_the_chain_whatever_their_age(home):
    chain_lab(home)
    with opened(home) as store:
        (draw,) = draws(store)
        assert list(draw.samples) == ["base", "sft", "anchor"]
        assert (draw.n, draw.split, draw.dataset_name) == (2, "test", "toy")
        assert find_draw(store, draw.samples["sft"]) == draw == find_draw(store, draw.key)
        with pytest.raises(BadInput, match="No complete sample run"):
            find_draw(store, "sample-0")


def test_the_table_has_category_and_k_of_n_of_every_question(table):
    assert table.items == [f"q{i}" for i in range(5)]
    assert table.right.tolist() == [[2, 1, 2], [1, 2, 2], [0, 1, 1], [0, 0, 0], [2, 2, 0]]
    assert table.category.tolist() == [[0, 1, 0], [1, 0, 0], [2, 1, 1], [2, 2, 2], [0, 0, 2]]
    assert (table.drawn == 2).all()


def test_routes_are_the_ways_through_all_variants(table):
    found = {route.categories: route.questions for route in routes(table)}
    assert found == {
        (RIGHT, SOME, RIGHT): [0],
        (SOME, RIGHT, RIGHT): [1],
        (WRONG, SOME, SOME): [2],
        (WRONG, WRONG, WRONG): [3],
        (RIGHT, RIGHT, WRONG): [4],
    }


def test_the_matrix_counts_and_its_cells_list_their_questions(table):
    assert matrix(table, "base", "anchor").tolist() == [[1, 0, 1], [1, 0, 0], [0, 1, 1]]
    assert between(table, "base", "anchor", RIGHT, WRONG) == [4]
    assert between(table, "base", "anchor", SOME, SOME) == []
    for before, after in steps(table.labels):
        counts = matrix(table, before, after)
        listed = [[len(between(table, before, after, a, b)) for b in CATEGORIES] for a in CATEGORIES]
        assert counts.tolist() == listed


def test_better_and_worse_by_hand(table):
    found = moved(table, "base", "anchor", QUICK)
    assert (found.better, found.worse, found.same) == (2, 1, 2)
    assert found.net.value == pytest.approx(0.2)
    assert found.net.low < 0 < found.net.high and found.net.n == 5
    assert found.p == 1.0  # 2 of 3 that moved got better
    assert moved(table, "base", "sft", QUICK).p == 1.0
    back = moved(table, "anchor", "base", QUICK)
    assert (back.better, back.worse, back.net.value) == (1, 2, pytest.approx(-0.2))


def test_where_nothing_moved_there_is_no_p_and_a_question_without_a_category_takes_no_part(table):
    still = moved(table, "base", "base", QUICK)
    assert (still.better, still.worse, still.p, still.net.value) == (0, 0, None, 0.0)
    category = table.category.copy()
    category[2, 0] = -1
    partial = QuestionTable(table.labels, table.items, category, table.right, table.drawn)
    assert moved(partial, "base", "anchor", QUICK).net.n == 4
    assert sum(len(route.questions) for route in routes(partial)) == 4
    none = QuestionTable(table.labels, table.items, np.full_like(category, -1), table.right, table.drawn)
    assert "undefined" in moved(none, "base", "anchor", QUICK).net.note


def test_shares_of_all_variants_at_once_are_those_of_each(home, table):
    together = shares_of(table, QUICK)
    with opened(home) as store:
        (draw,) = draws(store)
        for label, run in draw.samples.items():
            assert together[label] == category_shares(store, run, "parsed", QUICK)
    assert together["base"].counts == {RIGHT: 2, SOME: 1, WRONG: 2}


def test_scores_by_category_are_those_of_its_questions(home):
    chain_lab(home)
    with opened(home) as store:
        judge = store.rows(
            "SELECT j.id FROM runs j JOIN runs s ON s.id = j.parents->>'samples' WHERE j.kind = 'judge' "
            "AND s.label = 'base'"
        )[0][0]
        found = {row.category: row for row in category_scores(store, judge, "parsed", "expected", QUICK)}
    assert {name: row.explanations for name, row in found.items()} == {RIGHT: 4, SOME: 2, WRONG: 4}
    assert found[RIGHT].mean.value == pytest.approx(10.5) and found[RIGHT].mean.n == 2  # (11 + 10) / 2
    assert found[SOME].quantiles[2] == pytest.approx(10.0)  # of 11 and 9
    assert found[WRONG].unjudged == 0


# --- the map


def test_cells_of_the_map_hold_every_question_once(table):
    assert bins(table) == ["0 of 2", "1 of 2", "2 of 2"]
    counts = counts_of(table, "base", "anchor")
    assert counts.tolist() == [[1, 1, 0], [0, 0, 1], [1, 0, 1]]
    assert rows_at(table, "base", "anchor", (0, 1)) == [2]
    listed = sorted(row for a in range(3) for b in range(3) for row in rows_at(table, "base", "anchor", (a, b)))
    assert listed == list(range(5))


def test_the_map_runs_from_always_wrong_to_always_right(table):
    assert map_order(table).tolist() == [3, 2, 4, 1, 0]  # 0 of 6, 2, 4, 5, 5 right; q1 is seldomer right under base
    none = np.full_like(table.category, -1)
    assert not len(map_order(QuestionTable(table.labels, table.items, none, table.right, table.drawn)))


def test_where_n_differs_questions_are_binned_by_share():
    right, drawn = np.array([[0], [1], [2], [3], [7], [8]]), np.array([[3], [8], [8], [4], [8], [8]])
    category = np.array([[2], [1], [1], [1], [1], [0]])
    table = QuestionTable(("mine",), list("abcdef"), category, right, drawn)
    assert bins(table) == list(SHARES)
    assert counts_of(table, "mine", "mine").diagonal().tolist() == [1, 1, 1, 0, 2, 1]


# --- fewer responses


def test_fewer_responses_by_hand():
    found = {(row.n, row.category): row.share.value for row in expected_shares(np.array([2]), np.array([4]), QUICK)}
    assert found[1, RIGHT] == found[1, WRONG] == pytest.approx(1 / 2)
    assert found[2, RIGHT] == found[2, WRONG] == pytest.approx(1 / 6)  # 1 of the 6 ways to keep two
    assert found[3, SOME] == found[4, SOME] == pytest.approx(1.0)
    assert found[1, SOME] == 0.0
    assert expected_shares(np.array([], dtype=int), np.array([], dtype=int), QUICK) == []


@given(st.lists(st.integers(1, 6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=4))
def test_fewer_responses_are_the_average_over_every_way_to_draw_them(questions):
    right, drawn = (np.array(column) for column in zip(*questions, strict=True))
    found = expected_shares(right, drawn, QUICK)
    assert max(row.n for row in found) == drawn.min()
    for row in found:
        chances = []
        for k, n in questions:
            kept = [sum(draw) for draw in combinations([1] * k + [0] * (n - k), row.n)]
            chances.append(np.mean([categorise(hits, row.n, row.n) == row.category for hits in kept]))
        assert row.share.value == pytest.approx(np.mean(chances), abs=1e-12)
        assert 0 <= row.share.low <= row.share.value + 1e-12 and row.share.value <= row.share.high + 1e-12 <= 1 + 1e-9


# --- for scripts


def test_the_command_and_the_notebook_say_the_same(home):
    chain_lab(home)
    done = CliRunner().invoke(cli, ["transitions", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["variants"] == ["base", "sft", "anchor"]
    assert [(step["before"], step["after"], step["better"], step["worse"]) for step in found["steps"]] == [
        ("base", "sft", 2, 1),
        ("sft", "anchor", 1, 1),
        ("base", "anchor", 2, 1),
    ]
    assert {"categories": [RIGHT, RIGHT, WRONG], "questions": ["q4"]} in found["ways"]
    frame = Lab().transitions()
    assert frame[["before", "after", "better", "worse", "n"]].values.tolist()[2] == ["base", "anchor", 2, 1, 5]
    assert frame[f"{RIGHT} to {WRONG}"].tolist() == [0, 1, 1]


def test_the_command_follows_the_variants_that_are_named(home):
    chain_lab(home)
    table = CliRunner().invoke(cli, ["transitions", "--variants", "sft,anchor"], env={"COLUMNS": "160"})
    assert "sft" in table.stdout and "base" not in table.stdout
    assert "0.0 points" in table.stdout and "p = 1" in table.stdout
    refused = CliRunner().invoke(cli, ["transitions", "--variants", "sft,other"])
    assert isinstance(refused.exception, BadInput) or "other is no variant" in refused.output


def test_an_empty_lab_has_no_transitions(home):
    home.path.mkdir(parents=True)
    assert Lab().transitions().empty
    assert CliRunner().invoke(cli, ["transitions"]).exit_code != 0


def test_rows_hold_every_question_once(table):
    for row in transition_rows(table, QUICK):
        assert sum(value for name, value in row.items() if " to " in name) == row["n"] == 5
        assert row["better"] + row["worse"] + row["same"] == row["n"]


def test_bands_fill_their_categories_and_keep_their_order():
    ways = [
        Route(("variable", "consistently_correct", "variable"), [0, 1, 2]),
        Route(("variable", "consistently_incorrect", "consistently_incorrect"), [3]),
        Route(("consistently_incorrect", "consistently_correct", "variable"), [4, 5]),
    ]
    counts, tops, bands = laid_out(ways)
    assert counts[0, "variable"] == 4 and counts[1, "consistently_correct"] == 5 and counts[2, "variable"] == 5
    assert tops[0, "variable"] == tops[1, "consistently_correct"] == 0  # what is empty takes no room
    assert tops[0, "consistently_incorrect"] == pytest.approx(4 + 0.05 * 6)
    first, second, third = bands[:3]
    assert [band.questions for band in (first, second, third)] == [3, 1, 2]
    assert (first.left, first.right) == (0, 0) and second.left == 3  # they leave a category below each other
    assert third.right == 3 and second.right == tops[1, "consistently_incorrect"]  # and arrive so
    assert third.upper(np.array([0.0, 0.5, 1.0])).tolist() == pytest.approx([4.3, 3.65, 3.0])
