"""Explanations written elsewhere: read, matched, sealed, sorted into categories, judged, compared, shown."""

import csv
import json
import os
from collections import Counter
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from core.analysis.browsing import Wanted, facets, page
from core.analysis.catalogue import catalogue
from core.analysis.distribution import shares_by_group
from core.analysis.narrow_rows import narrow_rows
from core.analysis.results import evaluations
from core.data.datasets import load_items
from core.data.foreign import import_responses, read_responses
from core.engines.scripted import ScriptedEngine
from core.errors import BadInput
from core.home import Home
from core.loading.written import guess_responses, load_responses
from core.method.categories import categorise
from core.method.judging import PROMPTS, Judge
from core.prompts import load_prompt
from core.records import CATEGORIES, Explanation
from core.rubrics import load_rubric
from core.runs.folders import ModelUse, RunFolder, create_run
from core.runs.plan import command_of, run_config
from core.runs.work import Work
from core.settings import CompareSettings, JudgeSettings, PairSettings, SampleSettings
from core.store.database import open_store, rebuild
from core.store.queries import provenance, rejects
from tests.app import opened, released, words  # noqa: F401
from tests.test_cli import anchorlab
from tests.test_store import contents

REAL = os.environ.get("ANCHORLAB_REAL_DATA")

QUESTIONS = {
    "q1": ("What is a window made of?", "glass", "things"),
    "q2": ("What is a nail made of?", "metal", "things"),
    "q3": ("What is a plank made of?", "wood", "planks"),
}
OPTIONS = ["wood", "metal", "glass"]
ANSWERS = {
    "q1": {"ann": "glass", "bob": "glass", "model": "glass"},
    "q2": {"ann": "metal", "bob": "paper", "model": None},
    "q3": {"ann": "metal", "bob": "glass", "model": "glass"},
}
"""Always right; right, no option and nothing; always wrong."""


def rows_of(answers=ANSWERS) -> list[dict]:
    return [
        {
            "item_id": item,
            "question": QUESTIONS[item][0],
            "options": OPTIONS,
            "gold": QUESTIONS[item][1],
            "split": QUESTIONS[item][2],
            "author": author,
            "explanation": f"{author} says: it is so because it is {said}.",
            "prediction": said,
        }
        for item, given in answers.items()
        for author, said in given.items()
    ]


def lines(folder: Path, rows: list[dict], name: str = "answers.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def add(home: Home, path: Path, dataset: str | None = None, **overrides) -> list[RunFolder]:
    return import_responses(home, path, load_responses(path, **overrides), dataset)


def counts_of(home: Home, run: RunFolder, group="split") -> dict[str, tuple[int, ...]]:
    with open_store(home) as store:
        store.ingest()
        assert store.problems == []
        shares = shares_by_group(store, run.id, group, "parsed", CompareSettings(resamples=100))
    return {name: tuple(entry.counts[c] for c in CATEGORIES) for name, entry in shares.items()}


# --- forms


def test_authors_are_samples_of_one_question_and_its_own_number_of_them_is_n(home, tmp_path):
    rows = rows_of()[:-1]  # q3 has two responses, the others three
    (run,) = add(home, lines(tmp_path, rows))
    assert counts_of(home, run) == {"planks": (0, 0, 1), "things": (1, 1, 0)}
    assert counts_of(home, run, "responses") == {"2 responses": (0, 0, 1), "3 responses": (1, 1, 0)}
    summary = run.result["summary"]
    assert summary["authors"] == ["ann", "bob", "model"]
    assert (summary["questions"], summary["explanations"]) == (3, 8)
    assert (summary["unparsed"], summary["not_options"], summary["rejects"]) == (2, 1, 0)


def as_csv(folder: Path, rows: list[dict]) -> Path:
    path = folder / "answers.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows([row | {"options": json.dumps(row["options"])} for row in rows])
    return path


def as_parquet(folder: Path, rows: list[dict]) -> Path:
    path = folder / "answers.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def as_array(folder: Path, rows: list[dict]) -> Path:
    path = folder / "answers.json"
    path.write_text(json.dumps(rows, indent=1))
    return path


def as_nested(folder: Path, rows: list[dict]) -> Path:
    tasks: dict[str, dict[str, dict]] = {}
    for row in rows:
        letters = [[text, "ABC"[i]] for i, text in enumerate(row["options"])]
        letter = {text: letter for text, letter in letters}
        asked = tasks.setdefault(row["split"], {}).setdefault(
            row["item_id"],
            {"id": row["item_id"], "text": "A passage.", "question": row["question"], "options": letters,
             "correct_answer": letter[row["gold"]], "explanations": {}},
        )  # fmt: skip
        said = letter.get(row["prediction"], row["prediction"])
        asked["explanations"][row["author"]] = {
            "answer": said, "explanation": row["explanation"], "is_correct": row["prediction"] == row["gold"],
        }  # fmt: skip
    path = folder / "nested.json"
    path.write_text(json.dumps({task: list(asked.values()) for task, asked in tasks.items()}))
    return path


@pytest.mark.parametrize("write", [as_csv, as_parquet, as_array, as_nested, lines])
def test_every_form_gives_the_same_categories(home, tmp_path, write):
    (run,) = add(home, write(tmp_path, rows_of()))
    assert counts_of(home, run) == {"planks": (0, 0, 1), "things": (1, 1, 0)}
    assert run.result["summary"]["not_options"] == 1


def test_the_nested_form_has_passages_letters_and_marks_that_are_compared_and_do_not_count(home, tmp_path):
    path = as_nested(tmp_path, rows_of())
    tasks = json.loads(path.read_text())
    tasks["planks"][0]["explanations"]["ann"]["is_correct"] = True  # metal, and gold is wood
    path.write_text(json.dumps(tasks))
    (run,) = add(home, path)
    summary = run.result["summary"]
    assert (summary["marked"], summary["marked_otherwise"], summary["right_parsed"]) == (9, 1, 4)
    item = load_items(RunFolder(home.runs / run.config.parents["dataset"]))[0]
    assert (item.context, [option.label for option in item.options]) == ("A passage.", ["A", "B", "C"])


def test_without_a_prediction_column_the_answer_line_says_it(home, tmp_path):
    rows = [
        {"question": "Why?", "options": ["yes", "no"], "gold": "yes", "response": text}
        for text in ("It is so.\nAnswer: yes", "It is not.\nAnswer: no", "I cannot say.", "")
    ]
    (run,) = add(home, lines(tmp_path, rows))
    read = run.read("explanations", Explanation)
    assert [row.parsed for row in read] == ["A", "B", None, None]
    assert [row.explanation for row in read] == ["It is so.", "It is not.", "I cannot say.", ""]
    assert [row.sample for row in read] == [0, 1, 2, 3]
    assert [(row.tokens, row.finish, row.seed) for row in read[:1]] == [(5, "end", 0)]
    assert run.result["summary"]["empty"] == 1


def test_positions_are_read_as_gold_is(home, tmp_path):
    rows = [
        {"question": "Why?", "options": ["yes", "no"], "gold": gold, "prediction": said, "response": "So."}
        for gold, said in ((0, 0), (0, 1), (0, 7))
    ]
    (run,) = add(home, lines(tmp_path, rows), gold_base=0)
    assert [row.parsed for row in run.read("explanations", Explanation)] == ["A", "B", None]


# --- questions of a data set


def test_explanations_are_matched_to_a_data_set_by_id_or_by_the_question(home, tmp_path):
    (first,) = add(home, lines(tmp_path, rows_of()))
    dataset = first.config.parents["dataset"]
    by_id = [{"item_id": "q1", "response": "So.\nAnswer: glass"}, {"item_id": "q9", "response": "So."}]
    by_text = [{"question": "what is a  nail made of?", "response": "So.\nAnswer: metal"}]
    (run,) = add(home, lines(tmp_path, by_id, "by_id.jsonl"), dataset)
    assert [row.item_id for row in run.read("explanations", Explanation)] == ["q1"]
    assert run.result["summary"]["rejects"] == 1
    (run,) = add(home, lines(tmp_path, by_text, "by_text.jsonl"), dataset)
    assert [row.item_id for row in run.read("explanations", Explanation)] == ["q2"]
    assert run.config.parents == {"dataset": dataset}


def changed(place: int, **values) -> list[dict]:
    rows = rows_of()
    rows[place] |= values
    return rows


@pytest.mark.parametrize(
    ("rows", "overrides", "reason"),
    [
        (changed(1, sample=0, author="ann"), {"sample": "sample"}, "is response 0 of 'ann' to 'q1' too"),
        (changed(1, gold="wood"), {}, "The question 'q1' is another one in an earlier row"),
        (changed(1, author=" "), {"authors": "variants"}, "It has no author in column 'author'"),
        (changed(1, sample="first"), {"sample": "sample"}, "Its sample number 'first' is no whole number"),
        (changed(1, explanation=["a"]), {}, "Its explanation is a list"),
        ([row | {"gold": "paper"} if row["item_id"] == "q2" else row for row in rows_of()], {}, "'q2' did not load"),
    ],
)
def test_a_row_that_cannot_be_used_is_a_reject_with_a_sentence(home, tmp_path, rows, overrides, reason):
    rows = [{"sample": 0} | row for row in rows] if overrides.get("sample") else rows
    runs = add(home, lines(tmp_path, rows), **overrides)
    with open_store(home) as store:
        store.ingest()
        found = [sentence for run in runs for sentence in rejects(store, run.id)["reason"]]
    assert any(reason in sentence for sentence in found), found
    assert all(sentence.endswith(".") for sentence in found)
    kept = sum(run.result["summary"]["explanations"] for run in runs)
    assert kept + len(found) == 9


@pytest.mark.parametrize(
    ("text", "overrides", "sentence"),
    [
        ("", {}, "is empty"),
        ("\n\n", {}, "cannot be|holds no rows"),
        ('{"item_id": "q1", "question": "Why?"}\n', {}, "'response' for the response"),
        ('{"item_id": "q1", "response": "So."}\n', {}, "for the question"),
        ('{"question": "Why?", "response": "So."}\n', {"authors": "variants"}, "column for the author"),
        ('{"question": "Why?", "response": "So."}\n', {"prediction": "said"}, "'said' for the prediction"),
        ('{"question": "Why?", "response": "So."}\n', {}, "no options column and no gold.*--dataset ID"),
        ('{"question": "Why?", "options": ["a", "b"], "response": ["So."]}\n', {}, "row 1: Its explanation is a list"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(home, tmp_path, text, overrides, sentence):
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(BadInput, match=sentence):
        add(home, path, **overrides)
    assert not home.runs.exists() or not list(home.runs.iterdir())


# --- categories


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.lists(some.lists(some.booleans(), min_size=1, max_size=5), min_size=1, max_size=6), some.randoms())
def test_categories_are_those_of_the_method_in_any_order_of_rows(tmp_path_factory, right, random):
    folder = tmp_path_factory.mktemp("any")
    home = Home(folder / "home")
    rows = [
        {"item_id": f"q{i}", "question": f"Why {i}?", "options": ["yes", "no"], "gold": "yes",
         "author": f"a{k}", "explanation": "So.", "prediction": "yes" if hit else "no"}
        for i, hits in enumerate(right) for k, hit in enumerate(hits)
    ]  # fmt: skip
    random.shuffle(rows)
    (run,) = add(home, lines(folder, rows))
    expected = Counter(categorise(sum(hits), len(hits), len(hits)) for hits in right)
    assert counts_of(home, run, "all") == {"all": tuple(expected[c] for c in CATEGORIES)}


# --- one home, many views


def judged(home: Home, run: RunFolder) -> RunFolder:
    """A judge run of explanations, its verdicts by the scripted engine: `ann` is excellent, others are not."""
    use = ModelUse(name="scripted", hash="0" * 64, path="")
    parents = {"dataset": run.config.parents["dataset"], "samples": run.id}
    folder = create_run(home, run_config("judge", run.config.label, JudgeSettings(), parents, use))
    best = {True: " excellent", False: " unsatisfactory"}
    engine = ScriptedEngine(
        lambda chat, seed: "",
        lambda chat, option: 9.0 if option == best["ann says" in chat.messages[-1].content] else 1.0,
    )
    judge = Judge(engine, load_prompt(PROMPTS["probabilities"]), load_rubric("five_criteria"), JudgeSettings())
    with Work(folder) as work:
        work.started()
        items = {item.id: item for item in load_items(work.parent("dataset"))}
        rows = work.parent("samples").read("explanations", Explanation)
        work.append("judgements", judge.judge([(items[row.item_id], row) for row in rows]))
    return folder


def test_authors_as_variants_are_compared_under_one_judge(home, tmp_path):
    runs = add(home, lines(tmp_path, rows_of()), authors="variants")
    assert [run.config.label for run in runs] == ["ann", "bob", "model"]
    for run in runs:
        judged(home, run)
    with open_store(home) as store:
        store.ingest()
        assert store.problems == []
        (found,) = evaluations(store, CompareSettings(resamples=100))
        rates = {(rate.a, rate.b): (rate.win.value, rate.tie.value, rate.n) for rate in found.win_rates}
        accuracy = {result.label: result.accuracy_parsed.value for result in found.results}
        wanted = Wanted(labels=("ann",), right=("right",), by="parsed")
        narrow = narrow_rows(store, catalogue(store), wanted.lens)
        rows, total = page(store, narrow, wanted, 0), facets(store, narrow, wanted).total
        assert provenance(store, runs[0].id) == {"engine": "imported"}
    assert rates == {("bob", "ann"): (0.0, 0.0, 3), ("model", "ann"): (0.0, 0.0, 3), ("model", "bob"): (0.0, 1.0, 3)}
    assert accuracy == pytest.approx({"ann": 2 / 3, "bob": 1 / 3, "model": 1 / 3})
    assert (len(rows), total, found.n) == (2, 9, None)
    assert "written elsewhere" in found.title


def test_two_files_on_one_data_set_are_compared_and_equal_labels_told_apart(home, tmp_path):
    (first,) = add(home, lines(tmp_path, rows_of()), name="people")
    other = [row | {"explanation": "Another text."} for row in rows_of()]
    (second,) = add(home, lines(tmp_path, other, "other.jsonl"), first.config.parents["dataset"], name="people")
    for run in (first, second):
        judged(home, run)
    with open_store(home) as store:
        store.ingest()
        (found,) = evaluations(store, CompareSettings(resamples=100))
    assert len(found.results) == 2 and all(label.startswith("people ") for label in found.samples)


def test_the_database_is_the_same_when_it_is_made_anew(home, tmp_path):
    runs = add(home, lines(tmp_path, [*rows_of(), {"item_id": "q1", "explanation": "No question."}]))
    judged(home, runs[0])
    with open_store(home) as store:
        store.ingest()
        before = contents(store)
    with rebuild(home) as store:
        assert contents(store) == before
        assert store.problems == []
    assert len(before["rejects"]) == 1 and len(before["explanations"]) == 9


def test_the_same_file_is_the_same_run_and_another_mapping_is_another(home, tmp_path):
    path = lines(tmp_path, rows_of())
    (once,), (again,) = add(home, path), add(home, path)
    assert once.id == again.id
    (other,) = add(home, path, prediction="gold")
    assert other.id != once.id and other.config.parents == once.config.parents
    assert command_of(once.config).startswith("anchorlab explanations add FILE --dataset import-")


def test_an_import_that_was_cut_off_is_written_anew(home, tmp_path):
    path = lines(tmp_path, rows_of())
    (run,) = add(home, path)
    whole = (run.path / "explanations.jsonl").read_bytes()
    (run.path / "result.json").unlink()
    (run.path / "explanations.jsonl").write_bytes(whole[: len(whole) // 2])
    with open_store(home) as store:
        store.ingest()
        assert store.rows("SELECT count(*) FROM explanations") == [(0,)]
    (again,) = add(home, path)
    assert (again.path / "explanations.jsonl").read_bytes() == whole
    assert counts_of(home, again) == {"planks": (0, 0, 1), "things": (1, 1, 0)}


@pytest.mark.parametrize(
    ("kind", "chosen"), [("pairs", PairSettings(strategy="rank")), ("sample", SampleSettings(role="debater"))]
)
def test_pairs_and_debates_of_foreign_explanations_are_refused_in_one_sentence(kind, chosen):
    parents = {"dataset": "import-0", "samples": "responses-0", "judgements": "judge-0"}
    with pytest.raises(BadInput, match="written elsewhere"):
        run_config(kind, "x", chosen, parents, ModelUse(name="m", hash="0", path=""))


# --- the command line


def test_the_command_line_from_a_look_to_the_categories(home, tmp_path):
    path = lines(tmp_path, rows_of())
    look = json.loads(anchorlab("explanations", "preview", path, "--json").stdout)
    assert look["mapping"]["response"] == "explanation" and look["runs"][0]["not_options"] == 1
    assert not home.runs.exists() or not list(home.runs.iterdir())
    (added,) = json.loads(anchorlab("explanations", "add", path, "--json").stdout)
    (again,) = json.loads(anchorlab("explanations", "add", path, "--json").stdout)
    assert added["id"] == again["id"]
    found = json.loads(anchorlab("categories", added["id"], "--json").stdout)
    assert [(row["group"], *(row[c]["questions"] for c in CATEGORIES)) for row in found] == [
        ("planks", 0, 0, 1),
        ("things", 1, 1, 0),
    ]
    variants = json.loads(anchorlab("explanations", "add", path, "--as-variants", "--json").stdout)
    assert [row["label"] for row in variants] == ["ann", "bob", "model"]
    assert "33.3%" in anchorlab("categories", added["id"], "--by", "all", COLUMNS="200").stdout
    refused = anchorlab("categories", added["dataset"])
    assert refused.returncode == 1 and "has no responses" in refused.stderr


# --- the pages


def test_anchors_show_the_categories_of_a_run_that_nobody_judged(home, tmp_path):
    (run,) = add(home, lines(tmp_path, rows_of()))
    app = opened("anchors", tab="One run", run=run.id)
    assert not app.exception
    shown = next(frame.value for frame in app.dataframe if "group" in frame.value)
    assert list(shown["group"]) == ["planks", "things"]
    assert [text.split()[0] for text in shown["consistently correct"]] == ["0", "1"]
    assert [text.split()[0] for text in shown["variable"]] == ["0", "1"]
    assert [text.split()[0] for text in shown["consistently incorrect"]] == ["1", "0"]


def test_explanations_and_compare_show_what_was_judged(home, tmp_path):
    for run in add(home, lines(tmp_path, rows_of()), authors="variants"):
        judged(home, run)
    app = opened("explanations")
    assert not app.exception and any("9 of 9 explanations" in text.value for text in app.text)
    app = opened("compare")
    assert not app.exception and any("bob against ann" in frame.value.to_string() for frame in app.dataframe)
    assert not opened("runs", run=run.id).exception


def test_the_form_looks_and_adds(home, tmp_path):
    app = opened("datasets")
    app.text_input(key="foreign_path").input(str(lines(tmp_path, rows_of()))).run()
    assert any("9 explanations of 3 questions" in caption.value for caption in app.caption)
    app.button(key="foreign_add").click().run()
    assert not app.exception
    assert "9 explanations added" in words(app)
    assert len(list(home.runs.glob("responses-*"))) == 1


ODD = {
    "explanation": "Begründung",
    "prediction": "Wahl",
    "question": "Aufgabe",
    "gold": "Lösung",
    "item_id": "Nr",
    "author": "Wer",
}


def oddly_named(rows: list[dict]) -> list[dict]:
    return [{ODD.get(name, name): value for name, value in row.items()} for row in rows]


def test_what_changes_within_a_question_is_its_writers_and_tells_columns_that_no_name_does(tmp_path):
    asked = {f"n{i}": (f"Which of these melts first, asks number {i}?", ("ice", "stone")) for i in range(8)}
    rows = [
        {
            "Nr": item,
            "Aufgabe": question,
            "eins": options[0],
            "zwei": options[1],
            "Lösung": options[i % 3 == 0],
            "Wer": who,
            "Begründung": f"{who} thinks of {item}: what is warm melts, and what is hard does not, so I choose it.",
            "Wahl": options[(i + turn) % 2],
        }
        for i, (item, (question, options)) in enumerate(asked.items())
        for turn, who in enumerate(("ann", "bob"))
    ]
    found = guess_responses(lines(tmp_path, rows))
    assert found.model_dump(include={"response", "prediction", "author", "id", "question", "gold", "options"}) == {
        "response": "Begründung",
        "prediction": "Wahl",
        "author": "Wer",
        "id": "Nr",
        "question": "Aufgabe",
        "gold": "Lösung",
        "options": "eins,zwei",
    }


def test_columns_that_neither_names_nor_values_tell_are_chosen_in_the_form(home, tmp_path):
    rows = [row | {"Begründung": f"{row['Nr']}: {row['Begründung']}"} for row in oddly_named(rows_of())]
    rows = [row | {"Notiz": row["Begründung"][::-1]} for row in rows]
    app = opened("datasets")
    app.text_input(key="foreign_path").input(str(lines(tmp_path, rows))).run()
    assert any("Choose in the mapping" in warning.value and "Explanation" in warning.value for warning in app.warning)
    assert not [button for button in app.button if button.key == "foreign_add"]
    for role, column in {"response": "Begründung", "prediction": "Wahl"}.items():
        box = next(box for box in app.selectbox if box.key.startswith(f"{role}_foreign_"))
        app = box.select(column).run()
    preview = next(frame.value for frame in app.dataframe if "explanation" in frame.value)
    assert preview["explanation"].iloc[0] == rows[0]["Begründung"] and preview["prediction"].iloc[0] == "C"
    assert any("9 explanations of 3 questions" in caption.value for caption in app.caption)
    app.button(key="foreign_add").click().run()
    assert not app.exception and "9 explanations added" in words(app)


def test_authors_that_are_variants_ask_for_the_column_that_names_them(home, tmp_path):
    rows = [{name: value for name, value in row.items() if name != "author"} for row in rows_of()]
    app = opened("datasets")
    app.text_input(key="foreign_path").input(str(lines(tmp_path, rows))).run()
    app.radio(key="foreign_authors").set_value("a variant each").run()
    assert any("which column is meant by Author." in warning.value for warning in app.warning)


# --- public data


@pytest.mark.skipif(not REAL, reason="ANCHORLAB_REAL_DATA names no folder of public data sets")
def test_the_public_annotation_set_gives_its_known_categories(home):
    path = Path(str(REAL)) / "cube" / "annotation_set.json"
    (run,) = add(home, path)
    found = counts_of(home, run)
    assert list(found.values()) == [(28, 80, 2), (29, 81, 0), (44, 65, 1), (5, 99, 6)]
    assert counts_of(home, run, "options").keys() == {"3 options", "4 options", "7 options"}
    assert counts_of(home, run, "responses").keys() == {"10 responses", "13 responses"}
    summary = run.result["summary"]
    known = {"questions": 440, "explanations": 5060, "unparsed": 188, "not_options": 0, "empty": 17, "rejects": 0,
             "marked": 5060, "marked_otherwise": 0, "repeated": 189}  # fmt: skip
    assert {name: summary[name] for name in known} == known
    texts = Counter(row.explanation for row in run.read("explanations", Explanation))
    assert texts["The right answer is...because..."] == 160


@pytest.mark.skipif(not REAL, reason="ANCHORLAB_REAL_DATA names no folder of public data sets")
def test_authors_of_the_public_annotation_set_are_variants(home):
    path = Path(str(REAL)) / "cube" / "annotation_set.json"
    _, items, runs = read_responses(path, load_responses(path, authors="variants"), home)
    sizes = Counter(len(run.explanations) for run in runs)
    assert (len(items), sizes) == (440, {440: 10, 220: 3})
