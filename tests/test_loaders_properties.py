"""Whatever a file holds, each of its rows is an item or a reject, and nothing but `BadInput` is raised."""

import json
import tempfile
from pathlib import Path

import pyarrow
import pyarrow.parquet
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.data.datasets import load_settings, preview
from core.errors import BadInput
from core.loading.documents import document_rows
from core.loading.items import RowProblem, find_gold, gold_at, options_in_text, options_of
from core.loading.reading import read_rows
from core.records import Option

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
)
rows = st.dictionaries(st.sampled_from(["question", "options", "gold", "text", "id"]), values, max_size=5)
line = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12).map(str.strip)
line = line.filter(lambda text: text and not text.isspace())


def file_with(folder: str, name: str, content: bytes) -> Path:
    path = Path(folder) / name
    path.write_bytes(content)
    return path


@settings(deadline=None, max_examples=60)
@given(st.lists(rows | scalars, max_size=6), st.integers(0, 3), st.booleans())
def test_each_element_of_a_document_is_a_row(elements, indent, wrapped):
    text = json.dumps({"data": elements} if wrapped else elements, indent=indent or None)
    with tempfile.TemporaryDirectory() as folder:
        found = list(document_rows(file_with(folder, "a.json", text.encode()), "data"))
    expected = [{"field": "data"} | e if wrapped else e for e in elements if isinstance(e, dict)]
    assert len(found) == len(elements)
    assert json.dumps([row.values for row in found if row.problem is None]).replace("NaN", "null")
    assert len(expected) == sum(row.problem is None for row in found)


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=80), st.sampled_from(["json", "jsonl", "txt", "csv", "tsv", "parquet"]))
@example(b"\n\na\n\nb\n\nc\nd\ne\nf\ng\n", "txt")
@example(b'{"a": [', "json")
@example(b'[{"a": 1}, {"b": 1}', "json")
@example(b'{"a": [{"question": 1}], "b": 12', "json")
@example(b'"a,b\n1,2', "csv")
def test_any_bytes_load_or_say_why_not(content, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = file_with(folder, f"a.{suffix}", content)
        try:
            items, rejects = preview(*load_settings(path), limit=1000)
            number = len(list(read_rows(path)))
        except BadInput as problem:
            assert str(problem).endswith(".") and "\n" not in str(problem)
        else:
            assert abs(number - len(items) - len(rejects)) <= 1  # a first row may be a header or not
            assert all(reject.reason.endswith(".") for reject in rejects)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(line, st.lists(line, min_size=4, max_size=4), st.sampled_from("abcd")), min_size=1, max_size=4)
)
def test_blocks_round_trip(questions):
    text = "".join(
        f"\n{gold}\nPassage.\n{question}\n"
        + "".join(f"{letter}.{o}\n" for letter, o in zip("ABCD", options, strict=True))
        for question, options, gold in questions
    )
    with tempfile.TemporaryDirectory() as folder:
        items, rejects = preview(*load_settings(file_with(folder, "a.txt", text.encode())), limit=10)
    assert not rejects
    assert [(i.question, [o.text for o in i.options], i.gold) for i in items] == [
        (question, options, gold.upper()) for question, options, gold in questions
    ]


@given(
    st.lists(line.filter(lambda text: text[0] not in "(ABCDEFabcdef"), min_size=2, max_size=6), st.sampled_from(".):")
)
def test_options_in_one_text_round_trip(texts, mark):
    text = "\n".join(f"{letter}{mark} {text}" for letter, text in zip("ABCDEF", texts, strict=False))
    assert [option.text for option in options_in_text(text)] == texts


@given(values)
def test_options_of_any_value_are_options_or_a_problem(value):
    try:
        options, _ = options_of({"options": value}, "options")
    except RowProblem as problem:
        assert str(problem).endswith(".")
    else:
        assert all(isinstance(option, Option) for option in options)


@given(
    st.text(max_size=6) | st.integers(-3, 8).map(str), st.lists(line, min_size=2, max_size=6), st.sampled_from([0, 1])
)
def test_gold_by_position_is_an_option_or_a_problem(gold, texts, base):
    options = [Option(label=letter, text=text) for letter, text in zip("ABCDEF", texts, strict=False)]
    for read in (lambda: gold_at(gold, options, base), lambda: find_gold(gold, options, False)):
        try:
            found = read()
        except RowProblem as problem:
            assert "gold" in str(problem)
        else:
            assert found is None or found in {option.label for option in options}


@given(st.lists(line, min_size=2, max_size=6), st.data(), st.sampled_from([0, 1]))
def test_every_way_to_name_an_option_names_it(texts, data, base):
    options = [Option(label=letter, text=text) for letter, text in zip("ABCDEF", texts, strict=False)]
    place = data.draw(st.integers(0, len(options) - 1))
    wanted = options[place]
    assert gold_at(str(place + base), options, base) == wanted.label
    assert find_gold(wanted.label, options, own_labels=True) == wanted.label
    marked = f"{wanted.label}. {wanted.text}"
    if marked.casefold() not in {text.casefold() for text in texts}:
        assert find_gold(marked, options, own_labels=True) == wanted.label


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(line, st.lists(line, min_size=2, max_size=5)), min_size=1, max_size=5))
def test_parquet_round_trip(questions):
    columns = {
        "question": [q for q, _ in questions],
        "choices": [o for _, o in questions],
        "label": [0] * len(questions),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.parquet"
        pyarrow.parquet.write_table(pyarrow.table(columns), path)
        items, rejects = preview(*load_settings(path, gold_base=0), limit=10)
    assert [item.question for item in items] == [question for question, _ in questions] and not rejects
    assert all(item.gold == item.options[0].label for item in items)
