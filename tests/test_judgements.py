"""Judgements made elsewhere: what a preference is, files of every form, the store, the figures, the page."""

import csv
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as some
from typer.testing import CliRunner

from core import Lab
from core.analysis.consensus import agreements, find_set, majority_counts, preference_rates, set_agreements
from core.cli import cli
from core.data.judgements import import_judgements, judgement_settings, preview_judgements
from core.errors import BadInput, LabError
from core.home import PROJECT
from core.loading.items import RowProblem
from core.loading.judgement_mapping import (
    column_names,
    first_rows,
    guessed_settings,
    missing_columns,
    needed_roles,
)
from core.loading.preferences import parse_preference
from core.records import Preference, Rating, Reject
from core.runs.plan import command_of
from core.settings import CompareSettings, RatingColumns
from core.store.database import rebuild
from tests.test_pages import opened, words
from tests.test_store import contents
from tests.test_store import opened as store_of

SETTINGS = CompareSettings(resamples=200)


def alpaca(instruction: str, preference, **changes) -> dict:
    row = {
        "instruction": instruction,
        "output_1": "two words",
        "generator_1": "old",
        "dataset": "easy",
        "output_2": "now three words",
        "generator_2": "new",
        "annotator": "gpt_judge",
        "preference": preference,
    }
    return row | changes


def written(folder: Path, rows: list[dict], name: str = "annotations.json") -> Path:
    path = folder / name
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        path.write_text(json.dumps(rows))
    return path


def added(home, path: Path, further: list[Path] | None = None, **settings):
    return import_judgements(home, path, judgement_settings(path, further or [], settings), further or [])


PREFERENCES = [2, 2, 2, 1, 0, 1.5, 1.75, None]
"""4 wins of `new` (one of them soft), 1 loss, 2 ties, 1 that gave nothing."""


def pairwise(folder: Path) -> Path:
    return written(folder, [alpaca(f"Do {i}.", value) for i, value in enumerate(PREFERENCES)])


def people(folder: Path) -> tuple[Path, list[Path]]:
    """Three annotators as columns, and a judge's verdicts in a file of their own."""
    said = [(1, 1, 1), (2, 2, 1), (0, 0, 2), (0, 1, 2)]
    rows = [
        {
            "idx": i,
            "cmp_key": "old_new",
            "instruction": f"Do {i}.",
            "input": "",
            "response1": "x",
            "response2": "y",
            **{f"annotator{k}": value for k, value in enumerate(values, 1)},
        }
        for i, values in enumerate(said)
    ]
    verdicts = [
        {"idx": i, "my_result": v, "my_reason": f"for {v}"} for i, v in enumerate(["1", "Tie", "Tie", "garbage"])
    ]
    return written(folder, rows, "people.json"), [written(folder, verdicts, "verdicts.json")]


def rating(item: str, variant: str, rater: str, label, **changes) -> dict:
    return {"item": item, "variant": variant, "rater": rater, "criterion": "clarity", "label": label} | changes


def long_ratings(folder: Path, name: str = "ratings.csv") -> Path:
    """Two people and a judge on 2 explanations of 4 questions."""
    rows = []
    for i in range(4):
        for variant in ("base", "anchor"):
            good = (i + (variant == "base")) % 2 == 0
            rows.append(rating(f"q{i}", variant, "ann", "good" if good else "bad", when="2024-05-01", blind="yes"))
            rows.append(rating(f"q{i}", variant, "ben", "good" if good or i == 3 else "bad", when="", blind="no"))
            rows.append(rating(f"q{i}", variant, "gpt-4o", "good", when="", blind=""))
    return written(folder, rows, name)


def nested(folder: Path) -> Path:
    said = {"old": {"results": {"clear": "TRUE", "sound": "FALSE"}, "quality": "good"}}
    other = {"old": {"results": {"clear": "FALSE", "sound": "FALSE"}, "quality": None}}
    path = folder / "rated.json"
    path.write_text(
        json.dumps({"easy": [{"id": 1, "ann": said, "gpt_judge": other}], "hard": [{"id": 1, "ann": said}]})
    )
    return path


# --- a preference


@given(some.floats(allow_nan=True, allow_infinity=True) | some.integers())
def test_a_number_is_a_preference_from_1_to_2_a_tie_nothing_or_a_problem(number):
    if number != number:
        assert parse_preference(number) is None
    elif number == 0:
        assert parse_preference(number) == 1.5
    elif 1 <= number <= 2:
        assert parse_preference(number) == number == parse_preference(str(number))
    else:
        with pytest.raises(RowProblem, match="is none: write 1"):
            parse_preference(number)


@given(some.recursive(some.none() | some.booleans() | some.text(), some.lists))
def test_a_cell_of_any_kind_is_a_preference_nothing_or_a_problem(value):
    try:
        found = parse_preference(value, "old", "new")
    except RowProblem as problem:
        assert str(problem).endswith(".")
        return
    assert found is None or 1 <= found <= 2


@given(some.text(min_size=1).map(str.strip).filter(bool))
def test_the_name_of_a_variant_wins_over_every_word(name):
    assert parse_preference(name, name, "another " + name) == 1.0
    assert parse_preference(name, "another " + name, name) == 2.0


@pytest.mark.parametrize("word", ["tie (bothbad)", "both bad", "1 or 2", "3", "-1", "yes", "inf"])
def test_a_word_that_names_no_side_is_never_a_tie(word):
    with pytest.raises(RowProblem):
        parse_preference(word)


# --- files


def test_alpaca_annotations_with_their_texts_and_lengths(tmp_path):
    path = pairwise(tmp_path)
    good, bad = preview_judgements(path, judgement_settings(path))
    assert bad == [] and [row.preference for row in good] == [2, 2, 2, 1, 1.5, 1.5, 1.75, None]
    first = good[0]
    assert (first.a, first.b, first.annotator, first.annotator_kind, first.part) == (
        "old", "new", "gpt_judge", "judge", "easy")  # fmt: skip
    assert (first.output_b, first.chars_a, first.chars_b, first.words_a, first.words_b) == (
        "now three words", 9, 15, 2, 3)  # fmt: skip
    assert len({row.item_id for row in good}) == len(good)


def test_a_column_an_annotator_and_a_file_of_further_verdicts(tmp_path):
    path, further = people(tmp_path)
    settings = judgement_settings(path, further)
    good, bad = preview_judgements(path, settings, further)
    assert bad == [] and len(good) == 16
    assert {row.annotator: row.annotator_kind for row in good} == {
        "annotator1": "person", "annotator2": "person", "annotator3": "person", "my": "judge"}  # fmt: skip
    judge = [row for row in good if row.annotator == "my"]
    assert [row.preference for row in judge] == [1.0, 1.5, 1.5, None]
    assert [row.note for row in judge] == ["for 1", "for Tie", "for Tie", "for garbage"]
    assert {(row.a, row.b) for row in good} == {("old", "new")}


@pytest.mark.parametrize("name", ["votes.csv", "votes.jsonl"])
def test_any_table_with_a_mapping(tmp_path, name):
    rows = [
        {"ask": "Why?", "left": "x", "right": "y", "l": "old", "r": "new", "won": won, "who": who}
        for who, won in (("ann", "new"), ("ben", "model_a"), ("eva", "tie"), ("max", ""))
    ]
    mapping = {"question": "ask", "a": "left", "b": "right", "a_name": "l", "b_name": "r", "preference": "won"}
    path = written(tmp_path, rows, name)
    settings = judgement_settings(path, (), mapping | {"annotator": "who", "judges": ["m*"]})
    good, _ = preview_judgements(path, settings)
    assert [(row.annotator, row.preference, row.annotator_kind) for row in good] == [
        ("ann", 2.0, "person"), ("ben", 1.0, "person"), ("eva", 1.5, "person"), ("max", None, "judge")]  # fmt: skip


def test_long_ratings(tmp_path):
    path = long_ratings(tmp_path)
    good, bad = preview_judgements(path, judgement_settings(path))
    assert bad == [] and len(good) == 24
    assert (good[0].item_id, good[0].variant, good[0].rated_at, good[0].blind) == ("q0", "base", 1714521600.0, True)
    assert (good[1].blind, good[2].blind, good[2].rated_at, good[2].rater_kind) == (False, None, None, "judge")


def test_ratings_nested_by_rater_and_author(tmp_path):
    path = nested(tmp_path)
    settings = judgement_settings(path)
    assert settings.columns.shape == "nested" and settings.judges == ["gpt_judge"]
    good, bad = preview_judgements(path, settings)
    assert bad == [] and len(good) == 9
    assert [(r.part, r.rater, r.criterion, r.label) for r in good[:4]] == [
        ("easy", "ann", "clear", "TRUE"), ("easy", "ann", "sound", "FALSE"), ("easy", "ann", "quality", "good"),
        ("easy", "gpt_judge", "clear", "FALSE")]  # fmt: skip
    assert good[5].label is None


# --- what cannot be used


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (alpaca("x", "better"), "preference 'better' is none"),
        (alpaca("", 1), "no question in column 'instruction'"),
        (alpaca("x", 1, generator_2="old"), "Both outputs are by 'old'"),
        (alpaca("x", 1, generator_2=None), "does not name the variant of the second output"),
        (alpaca("x", 1, annotator=""), "names no annotator"),
        (alpaca("Do it.", 1), "gpt_judge has compared 'old' and 'new' on this question in an earlier row too"),
        (alpaca("Do it.", 2, generator_1="new", generator_2="old"), "in an earlier row too"),
        (alpaca("x", 1, output_1=["x"]), "Its output a is a list"),
    ],
)
def test_a_row_that_is_no_preference_is_a_reject_with_one_sentence(home, tmp_path, row, reason):
    folder = added(home, written(tmp_path, [alpaca("Do it.", 2), row]))
    (reject,) = folder.read("rejects", Reject)
    assert reason in reject.reason and reject.row == 2 and reject.reason.endswith(".")
    assert folder.result["summary"]["rows"] == folder.result["summary"]["rejects"] == 1


def test_verdicts_that_join_no_row_are_rejects(home, tmp_path):
    path, _ = people(tmp_path)
    further = written(tmp_path, [{"idx": i, "my_result": 1} for i in (0, 77)], "more.json")
    (reject,) = added(home, path, [further]).read("rejects", Reject)
    assert (reject.file, reject.row) == ("more.json", 2) and "has the idx '77'" in reject.reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"item": ""}, "no item in column 'item'"),
        ({"blind": "perhaps"}, "Whether it is blind is 'perhaps'"),
        ({"when": "yesterday"}, "Its time 'yesterday' is neither ISO 8601"),
        ({"kind": "dog"}, "Its kind of rater is 'dog'"),
        ({}, "ann has rated 'base' on this question for 'clarity' in an earlier row too"),
    ],
)
def test_a_row_that_is_no_rating_is_a_reject_with_one_sentence(home, tmp_path, changes, reason):
    whole = rating("q", "base", "ann", "good", blind="no", when="0", kind="person")
    folder = added(home, written(tmp_path, [whole, whole | changes], "ratings.jsonl"))
    (reject,) = folder.read("rejects", Reject)
    assert reason in reject.reason and reject.row == 2


def test_a_column_that_is_not_there_a_wrong_setting_and_a_missing_file_are_one_sentence(home, tmp_path):
    path = pairwise(tmp_path)
    with pytest.raises(BadInput, match=r"no column 'who' for annotator \(there are instruction, .*--set annotator="):
        judgement_settings(path, (), {"annotator": "who"})
    with pytest.raises(BadInput, match=r"mapping of annotations\.json needs a change: .*colour"):
        judgement_settings(path, (), {"colour": "red"})
    with pytest.raises(BadInput, match=r"There is no file gone\.json"):
        judgement_settings(tmp_path / "gone.json")
    with pytest.raises(BadInput, match="has no column that ends in _result"):
        added(home, people(tmp_path)[0], [path], key="idx")
    with pytest.raises(BadInput, match="name the column that both files have"):
        added(home, path, people(tmp_path)[1])
    assert not home.runs.exists()


def test_a_file_without_one_judgement_leaves_nothing(home, tmp_path):
    with pytest.raises(BadInput, match=r"'preference' of annotations\.json holds '7' \(1 rows\).*values\.7="):
        added(home, written(tmp_path, [alpaca("x", 7)]))
    with pytest.raises(BadInput, match=r"None of the 1 judgements .* row 1: Its preference 'worse'"):
        added(home, written(tmp_path, [alpaca("x", "worse")]))
    assert not home.runs.exists()


# --- the run and the store


def test_an_import_is_one_sealed_run_and_another_mapping_is_another(home, tmp_path):
    path, further = people(tmp_path)
    first, again = added(home, path, further), added(home, path, further)
    assert first.id == again.id and first.state == "done"
    assert first.result["summary"]["annotators"]["my"] == "judge"
    assert first.result["summary"] | {"rows": 16, "nothing": 1, "items": 4} == first.result["summary"]
    others = {added(home, path).id, added(home, path, further, judges=[]).id}
    assert len(others | {first.id}) == 3


def test_the_command_of_a_run_asks_for_the_same_run(home, tmp_path):
    path, further = people(tmp_path)
    folder = added(home, path, further, name="panel")
    said = shlex.split(command_of(folder.config))[1:]
    files = iter([str(path), *map(str, further)])
    done = CliRunner().invoke(cli, [next(files) if word == "FILE" else word for word in said])
    assert done.exit_code == 0 and done.stdout.startswith(folder.id)


def test_rows_of_the_store_are_those_of_the_folder_also_when_it_is_made_anew(home, tmp_path):
    sets = [added(home, pairwise(tmp_path)), added(home, long_ratings(tmp_path)), added(home, nested(tmp_path))]
    with store_of(home) as store:
        assert store.problems == []
        before = contents(store)
    assert (len(before["preferences"]), len(before["ratings"]), len(before["judgement_sets"])) == (8, 33, 3)
    with rebuild(home) as store:
        assert contents(store) == before
    lab = Lab()
    preferences, ratings = lab.preferences(sets[0].id), lab.ratings()
    folder = sets[0].read("preferences", Preference)
    assert preferences["question"].tolist() == [row.question for row in folder]
    assert preferences["chars_b"].tolist() == [15] * 8 and np.isnan(preferences["preference"].iloc[-1])
    assert ratings["label"].tolist() == [
        row.label for run in sorted(sets[1:], key=lambda r: r.id) for row in run.read("ratings", Rating)
    ]
    assert list(ratings["rater_kind"].unique()) and ratings["mode"].unique().tolist() == ["imported"]


@pytest.mark.parametrize("name", ["preferences", "ratings", "agreement"])
def test_each_frame_has_the_columns_that_its_docstring_names(home, tmp_path, name):
    frame = getattr(Lab(added(home, long_ratings(tmp_path)).path.parent.parent), name)()
    assert all(column in getattr(Lab, name).__doc__ for column in frame.columns)


# --- figures


def test_win_rates_are_those_of_the_formula(home, tmp_path):
    with store_of_set(home, added(home, pairwise(tmp_path))) as store:
        (rate,) = preference_rates(store, find_set(store, "annotations").id, SETTINGS)
    assert (rate.a, rate.b, rate.wins, rate.ties, rate.losses, rate.nothing) == ("old", "new", 4, 2, 1, 1)
    values = np.array([1, 1, 1, 0, 0.5, 0.5, 0.75])
    assert rate.rate.value == pytest.approx(100 * values.mean())
    assert rate.rate.se == pytest.approx(100 * values.std(ddof=1) / np.sqrt(7))
    assert rate.rate.n == 7 and 0 <= rate.rate.low < rate.rate.value < rate.rate.high <= 100


def store_of_set(home, folder):
    assert folder.state == "done"
    return store_of(home)


def test_a_pair_in_either_order_is_one_pair(home, tmp_path):
    turned = alpaca("Two.", 1, generator_1="new", generator_2="old")
    with store_of_set(home, added(home, written(tmp_path, [alpaca("One.", 2), turned]))) as store:
        (rate,) = preference_rates(store, find_set(store, "annotations").id, SETTINGS)
    assert (rate.b, rate.wins, rate.losses) == ("new", 2, 0)


def test_the_majority_is_more_than_half_of_the_people(home, tmp_path):
    path, further = people(tmp_path)
    with store_of_set(home, added(home, path, further)) as store:
        run = find_set(store, "people").id
        assert majority_counts(store, run) == {"first": 1, "tie": 1, "second": 1, "split": 1}
        rates = {rate.annotator: rate for rate in preference_rates(store, run, SETTINGS)}
        assert (rates["majority of people"].rate.n, rates["majority of people"].nothing) == (3, 1)
        assert (rates["my"].nothing, rates["my"].ties) == (1, 2)
        (found,) = set_agreements(store, run, SETTINGS)
    pairs = {(pair.a, pair.b): pair for pair in found.pairs}
    with_judge = pairs["majority of people", "my"]
    assert with_judge.n == 3 and with_judge.percent.value == pytest.approx(2 / 3)
    assert pairs["annotator1", "annotator2"].n == 4


def test_agreement_of_raters_is_over_the_explanations_that_both_rated(home, tmp_path):
    with store_of_set(home, added(home, long_ratings(tmp_path))) as store:
        (found,) = agreements(store, SETTINGS, "ratings", "clarity")
        with pytest.raises(BadInput, match=r"no criterion 'depth': use clarity"):
            agreements(store, SETTINGS, "ratings", "depth")
        with pytest.raises(BadInput, match="No single set of judgements is 'nothing'"):
            agreements(store, SETTINGS, "nothing")
        with pytest.raises(BadInput, match="No set of judgements has the criterion 'depth'"):
            agreements(store, SETTINGS, criterion="depth")
    people_pair = found.pairs[0]
    assert (people_pair.a, people_pair.b, people_pair.n, people_pair.percent.n) == ("ann", "ben", 8, 4)
    assert people_pair.percent.value == pytest.approx(7 / 8)
    assert people_pair.kappa.value == pytest.approx(0.75)
    assert found.pairs[1].kappa.value is None and "gpt-4o gave one label only" in found.pairs[1].sentence
    assert found.alpha.value is not None


def test_numbers_as_labels_have_an_order(home, tmp_path):
    rows = [rating(f"q{i}", "base", rater, i + j) for i in range(4) for j, rater in enumerate(("ann", "ben"))]
    with store_of_set(home, added(home, written(tmp_path, rows, "scores.csv"))) as store:
        (found,) = agreements(store, SETTINGS, "scores")
    assert found.pairs[0].spearman.value == pytest.approx(1.0) and found.pairs[0].percent.value == 0


# --- commands


def run(*given: object) -> str:
    done = CliRunner().invoke(cli, [str(word) for word in given], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_commands_print_json_for_a_script(home, tmp_path):
    added_set = json.loads(run("judgements", "add", pairwise(tmp_path), "--set", "name=mine", "--json"))
    assert (added_set["rows"], added_set["nothing"], added_set["rejects"]) == (8, 1, 0)
    assert [row["id"] for row in json.loads(run("judgements", "list", "--json"))] == [added_set["id"]]
    (shown,) = json.loads(run("winrates", "mine", "--json"))
    assert (shown["rates"][0]["wins"], shown["rates"][0]["n"]) == (4, 7)
    run("judgements", "add", long_ratings(tmp_path))
    (found,) = json.loads(run("agreement", "ratings", "--json"))
    assert found["pairs"][0]["kappa"] == pytest.approx(0.75) and found["criterion"] == "clarity"
    preview = json.loads(run("judgements", "preview", long_ratings(tmp_path), "--rows", 3, "--json"))
    assert len(preview["judgements"]) == 3 and preview["mapping"]["columns"]["rater"] == "rater"
    assert "67.8571 ±" in run("winrates", "mine")
    assert "0.750" in run("agreement", "ratings")


def test_ratings_have_no_win_rates(home, tmp_path):
    added(home, long_ratings(tmp_path))
    with pytest.raises(LabError, match="holds ratings, which have no win rates"):
        run("winrates", "ratings")


def test_text_of_a_file_is_not_markup_in_the_terminal(home, tmp_path):
    shown = run("judgements", "preview", written(tmp_path, [alpaca("[/INST] [bold]x", 1)]), "--rows", 1)
    assert "[/INST]" in shown


def test_the_documented_example_is_read_as_it_says(home, tmp_path, monkeypatch):
    text = (PROJECT / "docs" / "judgements.md").read_text()
    monkeypatch.chdir(tmp_path)
    (table,) = re.findall(r"```csv\n(.*?)```", text, re.DOTALL)
    Path("votes.csv").write_text(table)
    lines = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()
    said = [run(*shlex.split(line)[1:]) for line in lines if "votes" in line]
    assert len(said) == 3 and "3 preferences on 2 questions" in said[1] and "gpt-4o (judge)" in said[2]


# --- the page


@pytest.fixture
def released():
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


def test_the_page_shows_win_rates_of_a_pairwise_set(home, tmp_path, released):
    path, further = people(tmp_path)
    added(home, path, further, name="![x](http://example.org/x.png)")
    app = opened("judgements")
    assert not app.exception
    assert {metric.label: metric.value for metric in app.metric} == {
        "Judgements": "16", "Questions": "4", "Rejected": "0", "Nothing given": "1"}  # fmt: skip
    rates = app.dataframe[0].value
    judge = rates[rates["annotator"] == "my (judge)"].iloc[0]
    assert (judge["win"], judge["tie"], judge["loss"], judge["nothing given"], judge["n"]) == (0, 2, 1, 1, 3)
    assert judge["win rate, %"] == pytest.approx(100 / 3)
    assert "Majority of people: first 1, tie 1, second 1, split 1" in words(app)
    rendered = [e.value for kind in ("markdown", "caption", "title", "subheader") for e in app.get(kind)]
    assert not any("example.org" in str(text) for text in rendered)


def test_the_page_shows_agreement_with_its_sentence(home, tmp_path, released):
    added(home, long_ratings(tmp_path))
    app = opened("judgements")
    assert not app.exception
    pairs = app.dataframe[0].value
    assert (pairs["rater"].iloc[0], pairs["and"].iloc[0], pairs["n"].iloc[0]) == ("ann", "ben", 8)
    assert pairs["same label"].iloc[0] == "87.5%" and pairs["κ (95%)"].iloc[0].startswith("0.750")
    assert "They agree on 88% of 8 ratings" in words(app)
    assert app.get("plotly_chart")


def test_a_file_is_mapped_and_loaded_on_the_page(home, tmp_path, released):
    path = written(tmp_path, [alpaca("x", 2), alpaca("y", "worse")], "mine.json")
    app = opened("judgements")
    app.text_input(key="file_path").input(str(path)).run()
    assert "Of the 2 judgements 1 load and 1 do not" in words(app) and not app.warning
    app.selectbox(key="annotator_mine.json_True_None").select("dataset").run()
    app.button(key="load").click().run()
    assert not app.exception
    assert "1 judgements loaded, 1 rejected." in [message.value for message in app.success]
    assert "preference 'worse' is none" in words(app) and "easy (person)" in words(app)


# --- what a form needs to know


def test_a_guess_is_not_held_against_the_file_and_says_what_it_lacks(tmp_path):
    path = written(tmp_path, [{"ask": "Why?", "won": 2, "who": "gpt-4", "about": {"set": "x"}}], "odd.json")
    rows = first_rows(path)
    guess = guessed_settings(path, rows)
    assert missing_columns(rows, guess) == [("question", "question"), ("preference", "preference")]
    assert column_names(rows) == ["ask", "won", "who", "about", "about.set"]
    settings = guessed_settings(path, rows, (), {"question": "ask", "preference": "won", "part": "about.set"})
    assert missing_columns(rows, settings) == [] and settings.judges == []
    assert missing_columns(rows, guessed_settings(path, rows, (), {"what": "ratings"})) == [
        (role, role) for role in needed_roles(RatingColumns())
    ]


def test_judges_are_guessed_of_the_column_that_is_named_for_annotators(tmp_path):
    """Names that hold `gpt` are taken for judges until `judges` is set, as the docs say."""
    path = written(tmp_path, [alpaca("x", 2, who="ann"), alpaca("y", 1, who="gpt-4")])
    assert judgement_settings(path, (), {"annotator": "who"}).judges == ["gpt-4"]
    assert judgement_settings(path, (), {"annotator": "who", "judges": ["ann"]}).judges == ["ann"]


def test_a_nested_file_can_be_read_in_another_way(tmp_path):
    path = nested(tmp_path)
    rows = first_rows(path)
    assert guessed_settings(path, rows, (), {"what": "preferences"}).columns.what == "preferences"
    assert guessed_settings(path, rows, (), {"what": "ratings", "shape": "long"}).columns.shape == "long"


def test_the_error_of_the_command_line_keeps_its_remedy(tmp_path):
    path = written(tmp_path, [{"ask": "Why?", "won": 2}], "odd.csv")
    with pytest.raises(BadInput, match=r"holds the columns 'ask', 'won', and no judgements.* --set question="):
        judgement_settings(path)
