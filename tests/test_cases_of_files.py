# ruff: noqa: E501
"""Files as other people write them: what must come out of each, or the sentence that says what to do."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from core.cli import cli
from core.data.datasets import import_dataset, load_items, load_settings, preview, survey
from core.data.foreign import read_responses
from core.data.judgements import import_judgements, judgement_settings, preview_judgements
from core.errors import BadInput
from core.loading.remarks import remarks
from core.loading.written import load_responses


def put(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def lines(*rows: dict) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def questions(path: Path, **given) -> list[tuple]:
    """Question, texts of the options, text of gold, of every row; no row may be rejected."""
    items, rejects = preview(*load_settings(path, **given), limit=100)
    assert not rejects, rejects[0].reason
    texts = [{option.label: option.text for option in item.options} for item in items]
    return [(item.question, [*text.values()], text.get(item.gold)) for item, text in zip(items, texts, strict=True)]


NOHEAD = [
    "Who signs treaties?,Heads of state,Anybody in the land who feels like it and has a pen,Nobody,A",
    "Where do rivers end?,Uphill,In the sea or in a lake that lies lower than all the land around,In town,B",
]
MANY = ["Kings are,born,made,A", "Queens are,elected,crowned,B", "Jacks are,cards,trees,A"]


QUESTION_FILES = [
    ("semicolons.csv", "question;A;B;answer\nIs it ice, or not?;yes;no;A\n", [("Is it ice, or not?", ["yes", "no"], "yes")]),
    ("tabs.csv", "question\tA\tB\tanswer\nIs it ice?\tyes\tno\tB\n", [("Is it ice?", ["yes", "no"], "no")]),
    ("bars.csv", "Nr|Frage|Antwort A|Antwort B|Lösung\n1|Eis, oder?|ja|nein|A\n2|Öl, oder?|ja|nein|B\n",
     [("Eis, oder?", ["ja", "nein"], "ja"), ("Öl, oder?", ["ja", "nein"], "nein")]),
    ("noted.csv", "sep=;\nquestion;A;B;answer\nIs it?;yes;no;A\n", [("Is it?", ["yes", "no"], "yes")]),
    ("bom.csv", "\ufeffquestion,A,B,answer\nIs it?,yes,no,A\n", [("Is it?", ["yes", "no"], "yes")]),
    ("quoted.csv", 'question,A,B,answer\n"Is it\nice?","yes, it is",no,A\n', [("Is it\nice?", ["yes, it is", "no"], "yes, it is")]),
    ("short.csv", "question,A,B,answer,note,more\nIs it?,yes,no,A\n", [("Is it?", ["yes", "no"], "yes")]),
    ("headless.csv", "\n".join(NOHEAD), [
        ("Who signs treaties?", ["Heads of state", "Anybody in the land who feels like it and has a pen", "Nobody"], "Heads of state"),
        ("Where do rivers end?", ["Uphill", "In the sea or in a lake that lies lower than all the land around", "In town"],
         "In the sea or in a lake that lies lower than all the land around")]),
    ("headless2.csv", "\n".join(MANY), [("Kings are", ["born", "made"], "born"), ("Queens are", ["elected", "crowned"], "crowned"),
                                       ("Jacks are", ["cards", "trees"], "cards")]),
    ("with_ids.csv", "\n".join(f"q{n},{row}" for n, row in enumerate(MANY)),
     [("Kings are", ["born", "made"], "born"), ("Queens are", ["elected", "crowned"], "crowned"), ("Jacks are", ["cards", "trees"], "cards")]),
    ("gold_text.csv", "Kings are,born,made,born\nQueens are,elected,crowned,crowned\n",
     [("Kings are", ["born", "made"], "born"), ("Queens are", ["elected", "crowned"], "crowned")]),
    ("labels.csv", "A pot boils.,kitchen\nA jack lifts.,garage\nA pan fries.,kitchen\n",
     [("A pot boils.", ["garage", "kitchen"], "kitchen"), ("A jack lifts.", ["garage", "kitchen"], "garage"),
      ("A pan fries.", ["garage", "kitchen"], "kitchen")]),
    ("minified.json", '{"name":"x","examples":[{"input":"Is it ice?","target":"yes"},{"input":"Is it oil?","target":"no"}]}',
     [("Is it ice?", ["no", "yes"], "yes"), ("Is it oil?", ["no", "yes"], "no")]),
    ("minified.jsonl", '{"data":[{"input":"Is it ice?","target":"yes"},{"input":"Is it oil?","target":"no"}]}',
     [("Is it ice?", ["no", "yes"], "yes"), ("Is it oil?", ["no", "yes"], "no")]),
    ("sheets.json", json.dumps({"train": [{"q": "Is it ice?", "gold": "yes"}], "test": [{"q": "Is it oil?", "gold": "no"}]}),
     [("Is it ice?", ["no", "yes"], "yes"), ("Is it oil?", ["no", "yes"], "no")]),
    ("one.jsonl", lines({"stem": "Is it?", "choices": [{"label": "A", "text": "yes"}, {"label": "B", "text": "no"}], "gold": "B"}),
     [("Is it?", ["yes", "no"], "no")]),
    ("nli.jsonl", lines({"sentence1": "A man rides.", "sentence2": "A man moves.", "gold_label": "entailment"},
                        {"sentence1": "A man eats.", "sentence2": "A man sleeps.", "gold_label": "contradiction"},
                        {"sentence1": "A man eats.", "sentence2": "A man sings.", "gold_label": "-"}),
     [("A man moves.", ["contradiction", "entailment"], "entailment"), ("A man sleeps.", ["contradiction", "entailment"], "contradiction"),
      ("A man sings.", ["contradiction", "entailment"], None)]),
    ("instructions.json", json.dumps([{"instruction": "Is it ice?", "input": "", "output": "it is true", "answer": "true"},
                                      {"instruction": "Is it oil?", "input": "", "output": "it is false", "answer": "false"}]),
     [("Is it ice?", ["false", "true"], "true"), ("Is it oil?", ["false", "true"], "false")]),
    ("marked.json", json.dumps([{"question": "Is it?", "mc1_targets": {"oil": 0, "ice": 1}}]), [("Is it?", ["oil", "ice"], "ice")]),
    ("marked_lists.json", json.dumps([{"question": "Is it?", "mc1_targets": {"choices": ["oil", "ice"], "labels": [0, 1]}}]),
     [("Is it?", ["oil", "ice"], "ice")]),
    ("numbers_are_texts.jsonl", lines({"question": "1 - 1?", "options": {"A": 0, "B": 1}, "gold": "A"}), [("1 - 1?", ["0", "1"], "0")]),
    ("composed.jsonl", lines({"question": "Wo?", "options": ["Cafe\u0301", "Bar"], "answer": "Café"}), [("Wo?", ["Cafe\u0301", "Bar"], "Cafe\u0301")]),
    ("two_spellings.jsonl", lines({"question": "1?", "answer": "Cafe\u0301"}, {"question": "2?", "answer": "Café"}, {"question": "3?", "answer": "Bar"}),
     [("1?", ["Bar", "Café"], "Café"), ("2?", ["Bar", "Café"], "Café"), ("3?", ["Bar", "Café"], "Bar")]),
    ("blocks.txt", "\na\nBo sits left.\nWho is left?\nB.Bo\nA?Ann\nD.nobody\nC.Cy\n", [("Who is left?", ["Ann", "Bo", "Cy", "nobody"], "Ann")]),
    ("unprinted.txt", "\nb\nBo sits left.\nWho is left?\nB.S. of law\none\ntwo\nthree\n", [("Who is left?", ["B.S. of law", "one", "two", "three"], "one")]),
    ("elsewhere.csv", "expl,claim,verdict text,yes no\nlong and longer words that say why it is so,Ice is cold,x,yes\nmore words than the "
     "claim has in all,Oil is cold,y,no\n", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "wanted"), QUESTION_FILES, ids=[case[0] for case in QUESTION_FILES])
def test_questions(tmp_path, name, text, wanted):
    path = put(tmp_path, name, text)
    if wanted is None:
        assert load_settings(path)[1].question != "expl"
    else:
        assert questions(path) == wanted


def test_premise_and_hypothesis_are_context_and_question_and_an_explanation_is_neither(tmp_path):
    row = {
        "premise": "A man rides.",
        "hypothesis": "He moves.",
        "answer": "yes",
        "our_explanation": "Riding is moving. " * 9,
    }
    path = put(tmp_path, "a.jsonl", lines(row, row | {"answer": "no"}))
    settings = load_settings(path)[1]
    assert (settings.question, settings.context, settings.gold) == ("hypothesis", "premise", "answer")


@pytest.mark.parametrize("context", ["", "Is it?"])
def test_a_context_that_is_empty_or_says_the_question_again_is_none(tmp_path, context):
    path = put(tmp_path, "a.jsonl", lines({"question": "Is it?", "context": context, "answer": "yes"}, {"question": "Is it?", "context": context, "answer": "no"}))  # fmt: skip
    assert load_settings(path)[1].context is None


def test_parquet_values_are_texts(tmp_path):
    table = pyarrow.table({
        "question": [b"Is it ice?", b"Is it oil?", b"Is it fire?"], "options": [["1.50", "2024-05-01"]] * 3,
        "gold": ["1.50", None, "2024-05-01"], "id": [date(2024, 5, n) for n in (1, 2, 3)],
        "note": [Decimal("1.50")] * 3})  # fmt: skip
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    items, rejects = preview(*load_settings(tmp_path / "a.parquet"))
    assert not rejects and [item.id for item in items] == ["2024-05-01", "2024-05-02", "2024-05-03"]
    assert [item.question for item in items] == ["Is it ice?", "Is it oil?", "Is it fire?"]
    assert [item.gold for item in items] == ["A", None, "B"]


def test_nan_is_no_label(tmp_path):
    table = pyarrow.table(
        {"question": ["a?", "b?", "c?"], "options": [["x", "y"]] * 3, "label": [0.0, float("nan"), 1.0]}
    )
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert [item.gold for item in preview(*load_settings(tmp_path / "a.parquet"))[0]] == ["A", None, "B"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("free.jsonl", lines({"question": "3 + 4?", "answer": "3+4\n#### 7"}, {"question": "9 - 2?", "answer": "9-2\n#### 7"}), "free answers.*not supported"),
        ("capitals.csv", "question,answer\na?,Rome\nb?,Paris\nc?,Bern\nd?,Oslo\n", "free answers .4 different ones"),
        ("codes.csv", "question,label\na?,1\nb?,2\nc?,2\n", r"numbers and no options: 1 \(1 rows\), 2 \(2 rows\).*labels="),
        ("choices.csv", "question,response_a,response_b,winner\na?,x,y,1\n", "holds two outputs.*anchorlab judgements preview choices.csv"),
        ("names.jsonl", lines({"question_id": 1, "model_a": "x", "model_b": "y", "winner": "model_a"}), "anchorlab judgements"),
        ("rated.csv", "item,rater,criterion,label\n1,ann,depth,2\n", "holds ratings.*anchorlab judgements"),
        ("wide.csv", "item,rater,clear\n1,ann,2\n", "holds ratings"),
        ("pairs.jsonl", lines({"prompt": "a?", "chosen": "x", "rejected": "y"}), "preference pairs.*anchorlab run pairs"),
        ("argilla.json", json.dumps([{"id": 1, "fields": {"text": "x"}, "responses": {}}]), "export of Argilla"),
        ("promptfoo.json", json.dumps({"evalId": "x", "results": {"results": []}}), "export of promptfoo"),
        ("chat.jsonl", lines({"messages": [{"role": "user", "content": "x"}]}), "export of OpenAI fine-tuning"),
        ("odd.csv", "foo,bar\nred,blue\ngreen,red\n", r"odd.csv has no options column and no gold: its columns are 'foo', 'bar'"),
    ],
)  # fmt: skip
def test_what_holds_no_questions_says_what_it_holds_and_what_to_do(tmp_path, name, text, says):
    with pytest.raises(BadInput, match=says):
        questions(put(tmp_path, name, text))


def test_numbers_load_once_their_labels_are_told(tmp_path):
    path = put(tmp_path, "a.csv", "question,label\nIs ice cold?,1\nIs oil cold?,2\nIs it?,2\n")
    assert [gold for *_, gold in questions(path, labels=["yes", "no"])] == ["yes", "no", "no"]


def test_a_cell_of_thousands_of_lines_is_one_cell(tmp_path):
    long = "\n".join(f"line {n}, and more" for n in range(20_000))
    path = put(tmp_path, "a.csv", f'question,A,B,answer\n"{long}",yes,no,A\nIs it?,yes,no,B\n')
    assert [len(question) > 300_000 for question, *_ in questions(path)] == [True, False]


def test_a_cell_too_long_is_one_reject_and_reading_goes_on_behind_it(tmp_path):
    long = "\n".join(["one line of many, and more"] * 400_000)
    path = put(tmp_path, "a.csv", f'question,A,B,answer\n"{long}",yes,no,A\nIs it?,yes,no,B\n')
    items, rejects = preview(*load_settings(path))
    assert [item.question for item in items] == ["Is it?"] and len(rejects) == 1 and "8 MiB" in rejects[0].reason


def test_a_quote_that_is_never_closed_is_said(tmp_path):
    path = put(tmp_path, "a.csv", 'question,A,B,answer\nIs it?,yes,no,B\n"Is it,yes,no,A\nWho?,me,you,A\n')
    items, rejects = preview(*load_settings(path))
    assert len(items) == 1 and "quote that is never closed" in rejects[0].reason


def test_short_rows_are_counted(tmp_path):
    path = put(tmp_path, "a.csv", "question,A,B,answer,note\nIs it?,yes,no,B\nWho?,me,you,A,x\n")
    (said,) = [words for words in survey(*load_settings(path)).warnings if "shorter" in words]
    assert survey(*load_settings(path)).warnings[said] == 1


def test_a_file_called_test_and_its_explanations_are_spoken_of(tmp_path):
    row = {"question": "Is it?", "options": ["yes", "no"], "gold": "A", "explanation": "It is frozen."}
    path = put(tmp_path, "my_test.jsonl", lines(row))
    split, explanations = remarks(*load_settings(path))
    assert "67% train" in split and "--set test=1" in split
    assert "anchorlab explanations add my_test.jsonl" in explanations and "--set prediction=gold" in explanations
    assert remarks(put(tmp_path, "latest.jsonl", lines({"question": "Is it?", "options": ["y", "n"], "gold": "A"})),
                   load_settings(tmp_path / "latest.jsonl")[1]) == []  # fmt: skip


def test_an_id_twice_offers_numbers_in_its_place(tmp_path):
    row = {"id": 7, "question": "Is it?", "options": ["yes", "no"], "gold": "A"}
    path = put(tmp_path, "a.jsonl", lines(row, row))
    assert "--set id=null" in preview(*load_settings(path))[1][0].reason
    assert len(questions(path, id=None)) == 2


def test_the_id_of_an_import_changes_only_where_a_file_was_read_wrongly(tmp_path, home):
    whole = "\nb\nBo sits left.\nWho is left?\nA.Ann\nB.Bo\nC.Cy\nD.nobody\n"
    turned = whole.replace("B.Bo\nC.Cy", "C.Cy\nB.Bo")
    inputs = [
        import_dataset(home, *load_settings(put(tmp_path, "a.txt", text))).config.inputs for text in (whole, turned)
    ]
    assert "reading" not in inputs[0] and inputs[1]["reading"] == "2"


def test_a_file_replaced_while_it_is_read_is_not_sealed(tmp_path, home, monkeypatch):
    path = put(tmp_path, "a.jsonl", lines({"question": "Is it?", "options": ["yes", "no"], "gold": "A"}))
    file, settings = load_settings(path)
    known = survey(file, settings)

    def replaced(*_):
        put(tmp_path, "a.jsonl", lines({"question": "Was it?", "options": ["yes", "no"], "gold": "B"}))
        return known

    monkeypatch.setattr("core.data.datasets.survey", replaced)
    with pytest.raises(BadInput, match="changed while it was read"):
        import_dataset(home, file, settings)


# --- judgements


def chosen(path: Path, **given) -> list[float | None]:
    good, bad = preview_judgements(path, judgement_settings(path, (), given))
    assert not bad, bad[0].reason
    return [row.preference for row in good]


def votes(*values, **more) -> str:
    return lines(
        *(
            {"question": f"{n}?", "response_a": "x", "response_b": "y", "label": value, **more}
            for n, value in enumerate(values)
        )
    )


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (("A>B", "B>A", "A=B"), [1, 2, 1.5]),
        (("A >> B", "B>>A", "A<B"), [1, 2, 2]),
        (("[[A]]", "[[B]]", "[[C]]"), [1, 2, 1.5]),
        (("model_1", "model_2", "tie"), [1, 2, 1.5]),
        (("Response A", "Response B", "tie"), [1, 2, 1.5]),
        (("A", "B", "tie"), [1, 2, 1.5]),
        ((" model_a ", "MODEL_B", "Tie "), [1, 2, 1.5]),
        ((1, 2, 0), [1, 2, 1.5]),
        (("1", "2", "1,5"), [1, 2, 1.5]),
        ((1.0, 1.25, 2.0), [1, 1.25, 2]),
        ((1, None, 2), [1, None, 2]),
    ],
)  # fmt: skip
def test_a_column_of_choices(tmp_path, values, wanted):
    assert chosen(put(tmp_path, "a.jsonl", votes(*values))) == wanted


@pytest.mark.parametrize(
    ("values", "given", "wanted"),
    [
        ((0, 1, 0), {"values.0": "first", "values.1": "second"}, [1, 2, 1]),
        (("0", "1", "0.5"), {"values.0": "first", "values.1": "second", "values.0.5": "tie"}, [1, 2, 1.5]),
        ((-3, 0, 2), {"values": {"-3": "first", "0": "tie", "2": "second"}}, [1, 1.5, 2]),
        ((-1, 0, 1), {"values.-1": "second", "values.0": "tie", "values.1": "first"}, [2, 1.5, 1]),
        ((1, 2, 3), {"values.1": "first", "values.2": "tie", "values.3": "second"}, [1, 1.5, 2]),
        ((True, False, True), {"values.true": "first", "values.false": "second"}, [1, 2, 1]),
        ((1, 2, 3, 4, 5), {"values": {"1": "first", "2": "first", "3": "tie", "4": "second", "5": "second"}}, [1, 1, 1.5, 2, 2]),
    ],
)  # fmt: skip
def test_a_code_that_does_not_say_its_sides_is_asked_for_and_then_read(tmp_path, values, given, wanted):
    path = put(tmp_path, "a.jsonl", votes(*values))
    with pytest.raises(
        BadInput, match=r"'label' of a.jsonl holds .*nothing says which output is meant: say it with --set 'values\."
    ):
        judgement_settings(path)
    assert chosen(path, **given) == wanted


def test_the_code_can_be_said_on_the_command_line(tmp_path):
    path = put(tmp_path, "a.jsonl", votes(0, 1, 0))
    done = CliRunner().invoke(
        cli, ["judgements", "preview", str(path), "--json", "--set", "values.0=first", "--set", "values.1=second"]
    )
    assert [row["preference"] for row in json.loads(done.stdout)["judgements"]] == [1, 2, 1]


def test_a_meaning_of_a_value_with_an_equals_sign(tmp_path):
    path = put(tmp_path, "a.jsonl", votes("x=y", "A", "B"))
    done = CliRunner().invoke(cli, ["judgements", "preview", str(path), "--json", "--set", "values.x=y=tie"])
    assert [row["preference"] for row in json.loads(done.stdout)["judgements"]] == [1.5, 1, 2]


def test_names_of_models_win_over_words_and_codes(tmp_path):
    rows = [
        {"question": f"{n}?", "model_a": "0", "model_b": "1", "winner": name}
        for n, name in enumerate(["0", "1", "tie"])
    ]
    assert chosen(put(tmp_path, "a.jsonl", lines(*rows))) == [1, 2, 1.5]


def test_two_outputs_of_one_model_say_the_way_out(tmp_path):
    row = {"question": "a?", "output_1": "x", "output_2": "y", "generator_1": "m", "generator_2": "m", "preference": 1}
    path = put(tmp_path, "a.jsonl", lines(row))
    assert "--set a_name=null --set b_name=null" in preview_judgements(path, judgement_settings(path))[1][0].reason
    assert chosen(path, a_name=None, b_name=None) == [1]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("q.csv", "question,label\nIs it?,1\nWho?,2\n", "neither two outputs.*anchorlab data preview q.csv"),
        ("mc.jsonl", lines({"question": "a?", "options": ["x", "y"], "answer": "A"}), "anchorlab data preview mc.jsonl"),
        ("pairs.jsonl", lines({"prompt": "a?", "chosen": "x", "rejected": "y"}), "preference pairs"),
        ("odd.csv", "foo,bar\nred,blue\n", "holds the columns 'foo', 'bar'.*--set what=preferences"),
    ],
)  # fmt: skip
def test_what_holds_no_judgements_says_what_it_holds_and_what_to_do(tmp_path, name, text, says):
    with pytest.raises(BadInput, match=says):
        judgement_settings(put(tmp_path, name, text))


def rated(path: Path, **given) -> list[tuple]:
    good, bad = preview_judgements(path, judgement_settings(path, (), given))
    assert not bad, bad[0].reason
    return [(row.item_id, row.variant, row.rater, row.criterion, row.label) for row in good]


def test_criteria_as_columns(tmp_path):
    path = put(tmp_path, "a.csv", "item,model,rater,clarity,depth\nq1,m,ann,4,2\nq1,m,bob,5,1\n")
    assert rated(path) == [("q1", "m", "ann", "clarity", "4"), ("q1", "m", "ann", "depth", "2"),
                           ("q1", "m", "bob", "clarity", "5"), ("q1", "m", "bob", "depth", "1")]  # fmt: skip


def test_workers_are_raters_and_what_was_voted_is_none(tmp_path):
    row = {"id": "t1", "q_id": "q1", "question": "Where?", "explanation": "So.", "e_source": "book", "overall": 4}
    path = put(tmp_path, "a.jsonl", lines(row | {"worker_ratings": {"w1": {"overall": 4}, "w2": {"overall": 5}}}))
    assert rated(path) == [("q1", "book", "w1", "overall", "4"), ("q1", "book", "w2", "overall", "5")]


def test_names_in_two_spellings_are_one_rater(tmp_path):
    text = "item,model,annotator,criterion,rating\nq1,m,Andre\u0301 ,depth, good\nq2, m,André,depth,good\n"
    assert rated(put(tmp_path, "a.csv", text)) == [
        ("q1", "m", "André", "depth", "good"),
        ("q2", "m", "André", "depth", "good"),
    ]


@pytest.mark.parametrize(
    "when", ["1714521600", "1714521600000", "1714521600000000", "2024-05-01", "2024-05-01T00:00:00Z"]
)
def test_times_in_any_unit(tmp_path, when):
    path = put(
        tmp_path,
        "a.jsonl",
        lines({"item": "q", "model": "m", "rater": "a", "criterion": "c", "label": "x", "when": when}),
    )
    assert preview_judgements(path, judgement_settings(path))[0][0].rated_at == 1714521600


def test_an_untidy_name_gives_a_new_id_and_a_tidy_one_the_old(tmp_path, home):
    text = "item,model,rater,criterion,label\nq1,m,ann,depth,good\nq2,m,ann,depth,bad\n"
    tidy, untidy = put(tmp_path, "a.csv", text), put(tmp_path, "b.csv", text.replace("ann", " ann"))
    runs = [import_judgements(home, path, judgement_settings(path, (), {"name": "x"})) for path in (tidy, untidy)]
    assert [run.config.inputs.get("reading") for run in runs] == [None, "2"]
    assert "values" not in runs[0].config.settings["columns"] and "criteria" not in runs[0].config.settings["columns"]


# --- what is printed


@pytest.mark.parametrize("command", ["data", "judgements", "explanations"])
@pytest.mark.parametrize("name", ["[bold]x[/] [b.jsonl", "[/red].csv"])
def test_brackets_are_printed_and_no_message_is_a_traceback(tmp_path, command, name):
    path = put(tmp_path, name.replace("/", "|"), lines({"[/x]": "[bold", "[a": "[/]"}))
    done = CliRunner().invoke(cli, [command, "preview", str(path)])
    assert isinstance(done.exception, BadInput) and path.name in str(done.exception)


def test_an_error_with_brackets_is_printed_as_it_is(tmp_path, monkeypatch, capsys):
    from core.cli import main

    path = put(tmp_path, "[|red] odd [x].csv", "foo,bar\nred,blue\n")
    monkeypatch.setattr("sys.argv", ["anchorlab", "judgements", "preview", str(path)])
    with pytest.raises(SystemExit):
        main()
    assert "[|red] odd [x].csv holds the columns" in capsys.readouterr().err


def test_brackets_in_what_is_loaded_are_printed(tmp_path, home):
    row = {"question": "[/b] Is it?", "options": ["[red]yes", "no[/]"], "gold": "A", "explanation": "[/x] So."}
    path = put(tmp_path, "test [bold].jsonl", lines(row))
    for command in ("preview", "add"):
        done = CliRunner().invoke(
            cli, ["data", command, str(path)], env={"ANCHORLAB_HOME": str(home.path)}, catch_exceptions=False
        )
        assert done.exit_code == 0 and "test [bold].jsonl" in done.stdout


def test_a_question_that_does_not_load_says_why_in_a_preview(tmp_path, home):
    rows = [
        {"id": n, "question": "a?", "options": ["x", "y"], "gold": gold, "explanation": "So."}
        for n, gold in ((1, "A"), (2, "Q"))
    ]
    path = put(tmp_path, "a.jsonl", lines(*rows))
    _, _, (run,) = read_responses(path, load_responses(path), home)
    assert "gold 'Q' names no single option" in run.rejects[0].reason


# --- files that exhaust


def test_a_small_parquet_of_many_gigabytes_is_rejects_in_little_memory(tmp_path):
    texts = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array([0] * 1000, pyarrow.int32()), pyarrow.array(["x" * (15 << 20)])
    )
    table = pyarrow.table({"question": texts, "answer": ["A"] * 1000})
    path = tmp_path / "bomb.parquet"
    pyarrow.parquet.write_table(table, path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 2000
    with pytest.raises(BadInput, match="cannot be read: It has a text of more than 8 MiB"):
        load_settings(path)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_too_many_columns_are_refused_at_once(tmp_path, name):
    names = [f"c{n}" for n in range(20_000)]
    path = put(tmp_path, name, ",".join(names) + "\n" + ",".join("x" * 20_000) + "\n")
    if name == "a.jsonl":
        path = put(tmp_path, name, lines(dict.fromkeys(names, "x")))
    if name == "a.parquet":
        pyarrow.parquet.write_table(pyarrow.table({column: ["x"] for column in names[:3000]}), path)
    for read in (load_settings, judgement_settings):
        with pytest.raises(BadInput, match=r"columns, more than 2,000: export the few"):
            read(path)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize("depth", [150, 900, 100_000])
def test_json_that_nests_deep_is_a_reject(tmp_path, name, depth):
    row = '{"question": "Is it?", "options": ["x", "y"], "gold": "A", "more": ' + "[" * depth + "]" * depth + "}\n"
    good = lines({"question": "Is it?", "options": ["x", "y"], "gold": "A"})
    text = good + row if name == "a.jsonl" else "[" + good + "," + row + "]"
    items, rejects = preview(*load_settings(put(tmp_path, name, text)))
    assert len(items) == 1 and "deep" in rejects[0].reason


def test_the_rows_that_load_are_those_of_the_file(tmp_path, home):
    path = put(tmp_path, "a.csv", "question;A;B;answer\nIs it ice, or not?;yes;no;A\n")
    assert [item.gold for item in load_items(import_dataset(home, *load_settings(path)))] == ["A"]
