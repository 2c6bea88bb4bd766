"""Source files become items or rejects with a reason, and imports become sealed runs."""

import fcntl
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.datasets import (
    guess_mapping,
    import_dataset,
    load_items,
    load_settings,
    preview,
    read_items,
    seeded_test,
    select_items,
)
from core.errors import BadInput
from core.home import PROJECT, SAMPLES
from core.loading.items import RowProblem, find_gold
from core.loading.reading import LONGEST_LINE
from core.records import Item, Option, Reject
from core.runs.folders import all_runs
from core.seeds import seed_of
from core.settings import ImportSettings, Selection

REAL = os.environ.get("ANCHORLAB_REAL_DATA")
real_data = pytest.mark.skipif(not REAL, reason="ANCHORLAB_REAL_DATA names no folder of public data sets")

QUIZ = {"question": "Which is a metal?", "options": ["iron", "oak", "wool"], "gold": "A"}
MAPPED = ImportSettings(name="quiz", options="options")


def write(folder: Path, *rows: object, name: str = "quiz.jsonl") -> Path:
    """A JSON Lines file; strings are written as they stand."""
    path = folder / name
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def read(path: Path, mapping: ImportSettings = MAPPED) -> tuple[list[Item], list[Reject]]:
    return preview(path, mapping, limit=10_000)


def guessed(path: Path) -> tuple[list[Item], list[Reject]]:
    return read(*load_settings(path))


# --- rows that become items


def test_native_rows(tmp_path):
    items, rejects = guessed(write(tmp_path, QUIZ, {**QUIZ, "id": "x7", "gold": "wool", "context": "Shop."}))
    assert not rejects
    assert [(item.id, item.gold, item.context) for item in items] == [("1", "A", None), ("x7", "C", "Shop.")]
    assert items[0].options[2] == Option(label="C", text="wool")


def test_arc_rows(tmp_path):
    choices = [{"text": "2", "label": "1"}, {"text": "4", "label": "2"}, {"text": "8", "label": "3"}]
    row = {"id": "q", "question": {"stem": "2 + 2?", "choices": choices}, "answerKey": "2"}
    items, rejects = guessed(write(tmp_path, row))
    assert not rejects and items[0].question == "2 + 2?"
    assert items[0].gold == "2", "a label of the source wins over the text of another option"


@pytest.mark.parametrize(
    "options",
    [
        ["A)21", "B)34", "C)21"],
        [" (A) 21", "(B) 34", "(C) 21"],
        {"label": ["A", "B", "C"], "text": ["21", "34", "21"]},
        {"A": "21", "B": 34, "C": "21"},
        '["21", "34", "21"]',
        [21, 34, 21],
    ],
)
def test_forms_of_options(tmp_path, options):
    items, _ = guessed(write(tmp_path, {"question": "Sum?", "options": options, "correct": "B"}))
    assert [(o.label, o.text) for o in items[0].options] == [("A", "21"), ("B", "34"), ("C", "21")]
    assert items[0].gold == "B"


def test_letters_inside_option_texts_stay(tmp_path):
    options = ["A plain one", "then (B) inside", "C", "both (C) and (D)"]
    items, _ = guessed(write(tmp_path, {"question": "Which?", "choices": options, "answer": "D"}))
    assert [o.text for o in items[0].options] == options


@pytest.mark.parametrize("question", ["question", "text", "headline", "stem", "prompt"])
@pytest.mark.parametrize("gold", ["label", "answer", "gold", "answerKey", "correct"])
def test_guessed_names_with_labels_of_the_file(tmp_path, question, gold):
    rows = [{question: f"Row {i}", gold: ["spam", "ham"][i % 2]} for i in range(4)]
    items, rejects = guessed(write(tmp_path, *rows))
    assert not rejects
    assert items[0].options == [Option(label="ham", text="ham"), Option(label="spam", text="spam")]
    assert [item.gold for item in items] == ["spam", "ham", "spam", "ham"]


def test_given_labels_win_over_a_guessed_options_column(tmp_path):
    path, mapping = load_settings(write(tmp_path, {**QUIZ, "gold": "Yes"}), labels=["no", "yes"])
    items, _ = read(path, mapping)
    assert [o.label for o in items[0].options] == ["no", "yes"] and items[0].gold == "yes"


@pytest.mark.parametrize("empty", [{}, {"gold": None}, {"gold": ""}, {"gold": "  "}])
def test_rows_without_gold_are_unlabelled(tmp_path, empty):
    row = {key: value for key, value in QUIZ.items() if key != "gold"} | empty
    items, rejects = guessed(write(tmp_path, row))
    assert items[0].gold is None and not rejects


def test_nan_is_missing(tmp_path):
    items, _ = guessed(write(tmp_path, '{"question": "Q", "options": ["a", "b"], "gold": NaN}'))
    assert items[0].gold is None


def test_numbers_become_text(tmp_path):
    items, _ = guessed(write(tmp_path, {"id": 5, "text": 12, "label": True}, {"text": 1.5, "label": False}))
    assert [(i.id, i.question, i.gold) for i in items] == [("5", "12", "true"), ("2", "1.5", "false")]


def test_byte_order_mark_blank_lines_and_windows_line_ends(tmp_path):
    path = tmp_path / "quiz.json"
    row = json.dumps(QUIZ).encode()
    path.write_bytes(b"\xef\xbb\xbf\r\n" + row + b"\r\n\r\n" + row)
    assert [item.id for item in guessed(path)[0]] == ["2", "4"]


def test_source_splits(tmp_path):
    items, rejects = guessed(write(tmp_path, {**QUIZ, "split": "dev"}, {**QUIZ, "split": ""}))
    assert [item.split for item in items] == ["dev"]
    assert "split" in rejects[0].reason


# --- CSV


def test_csv_with_option_columns(tmp_path):
    path = tmp_path / "quiz.csv"
    path.write_text('question,A,B,C,answer\n"Two, or\nthree?",2,3,4,B\nFewer?,x,y,,x\n')
    mapping = guess_mapping(path)
    items, rejects = read(path, mapping)
    assert mapping.options == "A,B,C" and not rejects
    assert [len(item.options) for item in items] == [3, 2]
    assert [(item.id, item.question, item.gold) for item in items] == [
        ("1", "Two, or\nthree?", "B"),
        ("2", "Fewer?", "A"),
    ]


@pytest.mark.parametrize("names", ["option_a,option_b", "choice1,choice2", "ending0,ending1"])
def test_csv_option_columns_of_other_names(tmp_path, names):
    path = tmp_path / "quiz.csv"
    path.write_text(f"question,{names},label\nWhich?,this,that,that\n")
    items, _ = guessed(path)
    assert items[0].gold == items[0].options[1].label == {"b": "B"}.get(names[-1], names[-1])


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", "\t")])
def test_csv_separators(tmp_path, name, separator):
    path = tmp_path / name
    path.write_bytes(b"\xef\xbb\xbf" + "text|label\r\none|x\r\ntwo|y\r\n".replace("|", separator).encode())
    assert [(item.question, item.gold) for item in guessed(path)[0]] == [("one", "x"), ("two", "y")]


def test_csv_rejects(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\none,x\n\ntwo,y,z\nshort\n" + "w" * 200_000 + ",x\nfour,y\n")
    items, rejects = guessed(path)
    assert [item.question[:5] for item in items] == ["one", "short", "wwwww", "four"]
    assert items[1].gold is None and len(items[2].question) == 200_000
    assert [(r.row, r.raw[:9]) for r in rejects] == [(2, "two,y,z")]
    assert "3 cells where the first row has 2" in rejects[0].reason


def test_csv_header_with_a_name_twice(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label,text\na,b,c\n")
    with pytest.raises(BadInput, match="'text' twice"):
        guessed(path)


# --- rows that are rejected


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{nonsense", "not valid JSON"),
        ('{"question": "cut', "not valid JSON"),
        ("[" * 100_000, "nests too deep"),
        ('{"question": ' + "1" * 5000 + "}", "too long a number"),
        ("[1, 2]", "not a JSON object"),
        ('"text"', "not a JSON object"),
        (
            {"options": ["a", "b"], "body": "Q?"},
            "no question in column 'question'.*there are: 'options', 'body'",
        ),
        ({**QUIZ, "question": None}, "no question"),
        ({**QUIZ, "question": " \n"}, "question is empty"),
        ({**QUIZ, "question": {"stem": "Q"}}, "question is an object"),
        ({**QUIZ, "question": ["Q"]}, "question is a list"),
        ({**QUIZ, "question": "half \ud83d"}, "question is not valid Unicode"),
        ({**QUIZ, "options": ["a", "\udc00"]}, "option 2 is not valid Unicode"),
        ({**QUIZ, "options": ["a"]}, "number of options is 1: a question needs two to ten"),
        ({**QUIZ, "options": []}, "options is 0"),
        ({**QUIZ, "options": list(range(11))}, "options is 11"),
        ({**QUIZ, "options": list(range(500))}, "options is 500"),
        ({**QUIZ, "options": None}, "no options in column 'options'"),
        ({**QUIZ, "options": "iron, oak"}, "no list"),
        ({**QUIZ, "options": 7}, "no list"),
        ({**QUIZ, "options": ["a", ""]}, "option 2 has no text"),
        ({**QUIZ, "options": ["a", ["b", "c"]]}, "option 2 is a list"),
        ({**QUIZ, "options": [{"label": "A", "text": "x"}, {"text": "y"}]}, "option 2 has no label"),
        ({**QUIZ, "options": [{"label": "A", "text": "x"}, {"label": "a", "text": "y"}]}, "'A' stands twice"),
        ({**QUIZ, "gold": "E"}, "gold 'E' names no single option: use one of 'A', 'B', 'C'"),
        ({**QUIZ, "gold": 1}, "gold '1' names no single option"),
        ({**QUIZ, "gold": ["A"]}, "gold is a list"),
        ({**QUIZ, "options": ["x", "x", "y"], "gold": "x"}, "names no single option"),
        ({**QUIZ, "options": ["C", "A", "B"], "gold": "A"}, "one option's letter and another's text"),
        ({**QUIZ, "id": {"a": 1}}, "id is an object"),
        ({**QUIZ, "id": "first"}, "id 'first' stands in an earlier row"),
    ],
)
def test_rejected_rows(tmp_path, row, reason):
    path = write(tmp_path, {**QUIZ, "id": "first"}, "", row)
    items, (reject,) = read(path)
    assert [item.id for item in items] == ["first"]
    assert (reject.file, reject.row, len(reject.raw) <= 500) == ("quiz.jsonl", 3, True)

    assert re.search(reason, reject.reason) and reject.reason.endswith(".") and "\n" not in reject.reason


def test_an_explicit_id_that_equals_a_row_number(tmp_path):
    items, rejects = read(write(tmp_path, {**QUIZ, "id": "2"}, QUIZ))
    assert [item.id for item in items] == ["2"] and "earlier row" in rejects[0].reason


# --- files that cannot be used


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b"", "a.jsonl is empty"),
        ("a.jsonl", b"\n \n", "holds no rows"),
        ("a.csv", b"text,label\n", "holds no rows"),
        ("a.csv", b"\n\n", "holds no rows"),
        ("a.xml", b"<a/>", "suffix that is not known: use one of .jsonl"),
        ("a.parquet", b"PAR1", "cannot be read as Parquet after row 0"),
        ("a.parquet", b"no", "cannot be read as Parquet after row 0"),
        ("a.csv", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        ("a.zip", b"PK\x03\x04", "zip archive"),
        ("a.jsonl", b"\x1f\x8b\x08", "is compressed"),
        ("a.csv", "text,label\na,b\n".encode("utf-16"), "is UTF-16"),
        ("a.txt", b"Some prose.\nMore of it.\n", "neither JSON Lines nor blocks"),
        ("a.jsonl", b"\x00\x01\x02", "a.jsonl is binary"),
        ("a.csv", b'"text,label\n' + b"x\n" * 100_000, "header of a.csv cannot be read"),
    ],
)
def test_unusable_files(tmp_path, home, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    for use in (
        guess_mapping,
        lambda p: list(read_items(p, MAPPED)),
        lambda p: import_dataset(home, p, MAPPED),
    ):
        with pytest.raises(BadInput, match=message):
            use(path)
    assert not home.runs.exists()


def test_missing_file_folder_and_permission(tmp_path):
    with pytest.raises(BadInput, match=r"There is no file none\.jsonl"):
        guess_mapping(tmp_path / "none.jsonl")
    with pytest.raises(BadInput, match="is a folder"):
        guess_mapping(tmp_path)
    with pytest.raises(BadInput, match="cannot be read"):
        guess_mapping(tmp_path / ("x" * 300 + ".jsonl"))


@pytest.mark.parametrize(
    ("name", "bad", "reason"),
    [
        ("a.jsonl", b'{"question": "\xe9"}', "not UTF-8"),
        ("a.jsonl", b"{\x00}", "binary"),
        ("a.jsonl", b"x" * (LONGEST_LINE + 1), "longer than 8 MiB"),
        ("a.csv", b"c\xe9,x", "not UTF-8"),
        ("a.csv", b'"' + b"x" * (LONGEST_LINE + 1) + b'",x', "longer than 8 MiB"),
    ],
)
def test_a_bad_line_is_rejected_and_the_next_one_read(tmp_path, name, bad, reason):
    good = [b"question,gold", b"one,x", bad, b"two,y"]
    if name.endswith("l"):
        good = [json.dumps({"question": text, "gold": "x"}).encode() for text in ("one", "two")]
        good.insert(1, bad)
    path = tmp_path / name
    path.write_bytes(b"\n".join([b" " * 5000] * name.endswith("l") + good))  # past the head of the file
    items, (reject,) = read(path, ImportSettings(name="x", labels=["x", "y"]))
    assert [item.question for item in items] == ["one", "two"]
    assert reason in reject.reason and len(reject.raw) <= 500


READ_AS_NOBODY = """
import os, sys
from pathlib import Path
import pyarrow.parquet
from core.data.datasets import preview
from core.errors import BadInput
from core.home import Home
from core.loading.fetching import find_source

if os.geteuid() == 0:  # root may read everything
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    preview(*find_source(sys.argv[1], Home(Path("home"))))
except BadInput as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("closed", "named", "says"),
    [
        ("quiz.jsonl", "quiz.jsonl", "quiz.jsonl cannot be read (Permission denied)"),
        ("quiz.csv", "quiz.csv", "quiz.csv cannot be read (Permission denied)"),
        ("quiz.parquet", "quiz.parquet", "quiz.parquet cannot be read (Permission denied)"),
        ("quiz.toml", "quiz.toml", "The card quiz.toml cannot be read (Permission denied)"),
        (".", "quiz.jsonl", "quiz.jsonl cannot be read (Permission denied)"),
        (".", ".", "cannot be read (Permission denied)"),
    ],
)
def test_what_may_not_be_read_is_one_sentence(closed, named, says):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        folder.mkdir()
        for suffix in ("jsonl", "csv", "parquet", "toml"):
            (folder / f"quiz.{suffix}").write_text("question,gold\n")
        Path(name).chmod(0o755)
        (folder / closed).chmod(0)
        command = [sys.executable, "-c", READ_AS_NOBODY, str(folder / named)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT)
        folder.chmod(0o755)
    assert done.stderr == ""
    assert says in done.stdout and "check its path" in done.stdout and done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("labels", "rows", "message"),
    [
        (["one"], [], "these are 1"),
        (list("abcdefghijk"), [], "these are more"),
        (["yes", "Yes "], [], "'yes' stands twice"),
        (["yes", " "], [], "these are 2"),
        (None, ["x"], "values of column 'gold' are the options"),
        (None, list("abcdefghijk"), "free answers .more than ten different ones, such as 'a'"),
        (None, ["no", "yes", "Yes"], "'Yes' stands twice"),
        (None, [], "no gold: its columns are 'question'. None is called 'gold'"),
    ],
)
def test_unusable_labels(tmp_path, labels, rows, message):
    path = write(tmp_path, {"question": "Q"}, *({"question": "Q", "gold": gold} for gold in rows))
    with pytest.raises(BadInput, match=message):
        read(path, ImportSettings(name="x", labels=labels))


def test_options_column_and_labels_exclude_each_other(tmp_path):
    with pytest.raises(BadInput, match="keep one"):
        read(write(tmp_path, QUIZ), ImportSettings(name="x", options="options", labels=["a", "b"]))


# --- cards and overrides


CARD = """
name = "rooms"
title = "Which room?"
file = "rooms.jsonl"
licence = "CC0"
question = "text"
gold = "room"
labels = ["kitchen", "garage"]
test = 0.5

[[examples]]
question = "A pan."
explanation = "Pans are for cooking."
answer = "kitchen"
"""


def test_card(tmp_path):
    write(
        tmp_path,
        {"text": "A pot.", "room": "kitchen"},
        {"text": "A jack.", "room": "garage"},
        name="rooms.jsonl",
    )
    (tmp_path / "rooms.toml").write_text(CARD)
    path, mapping = load_settings(tmp_path / "rooms.toml", seed=3)
    assert (path.name, mapping.title, mapping.seed, mapping.examples[0].answer) == (
        "rooms.jsonl", "Which room?", 3, "kitchen",
    )  # fmt: skip
    items, rejects = read(path, mapping)
    assert not rejects and sorted(item.split for item in items) == ["test", "train"]


@pytest.mark.parametrize("card", sorted(SAMPLES.glob("*.toml")), ids=lambda card: card.stem)
def test_sample_cards_load_whole(card):
    items, rejects = read(*load_settings(card))
    assert items and not rejects and all(item.gold for item in items)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("name = ", "not valid TOML"),
        ('name = "x"', "names no data file"),
        ('name = "x"\nfile = "../secret.jsonl"', "names no data file beside it"),
        ('name = "x"\nfile = "a.jsonl"\ncolour = 1', "colour: Extra inputs"),
        ('file = "a.jsonl"', "name: Field required"),
        ('name = "x"\nfile = "a.jsonl"\ntest = 2', "test: Input should be less"),
    ],
)
def test_unusable_cards(tmp_path, card, message):
    path = tmp_path / "card.toml"
    path.write_text(card)
    with pytest.raises(BadInput, match=message):
        load_settings(path)


def test_missing_card_and_unknown_override(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        load_settings(tmp_path / "card.toml")
    with pytest.raises(BadInput, match="colour"):
        load_settings(write(tmp_path, QUIZ), colour="red")


# --- splits and selection


def numbered(n: int) -> list[Item]:
    options = [Option(label="A", text="a"), Option(label="B", text="b")]
    return [Item(id=f"q{i}", split="train", question=f"Q{i}?", options=options) for i in range(n)]


@given(st.integers(0, 200), st.floats(0, 1), st.integers(0, 9))
def test_split_sizes_are_exact(n, test, seed):
    taken = seeded_test(range(n), [seed_of(seed, i) for i in range(n)], test)
    assert len(taken) == n and taken.sum() == round(test * n)


@given(st.lists(st.integers(0, 5), max_size=40), st.floats(0, 1))
def test_one_stem_is_in_one_split(leaders, test):
    firsts = [leaders.index(leader) for leader in leaders]
    taken = seeded_test(firsts, [seed_of(i) for i in range(len(leaders))], test)
    assert all(taken[place] == taken[first] for place, first in enumerate(firsts))
    assert taken.sum() <= round(test * len(leaders))


def test_repeated_questions_share_a_split(tmp_path):
    twice = [{**QUIZ, "id": f"{i}{case}", "question": text} for i in range(20)
             for case, text in (("a", f"Is it {i}?"), ("b", f"IS IT {i}?"))]  # fmt: skip
    splits = {item.id: item.split for item in read(write(tmp_path, *twice))[0]}
    assert all(splits[f"{i}a"] == splits[f"{i}b"] for i in range(20))
    assert set(splits.values()) == {"train", "test"}


def test_other_rows_order_does_not_change_splits(tmp_path):
    rows = [{**QUIZ, "id": f"q{i}", "question": f"Is it {i}?"} for i in range(30)]
    forward = {item.id: item.split for item in read(write(tmp_path, *rows))[0]}
    backward = {item.id: item.split for item in read(write(tmp_path, *reversed(rows)))[0]}
    assert forward == backward


@given(st.integers(1, 60), st.floats(0, 1), st.integers(0, 5))
def test_two_parts_share_nothing_and_cover(n, cut, seed):
    items = numbered(n)
    first = select_items(items, Selection(part=(0, cut), seed=seed))
    second = select_items(items[::-1], Selection(part=(cut, 1), seed=seed))
    assert sorted(i.id for i in first + second) == sorted(i.id for i in items)
    assert first + second == select_items(items, Selection(seed=seed))


def test_selection_limits_and_seeds():
    items = numbered(50)
    ten = select_items(items, Selection(limit=10))
    assert ten == select_items(items, Selection())[:10]
    assert ten != select_items(items, Selection(limit=10, seed=1))


def test_selection_of_nothing():
    with pytest.raises(BadInput, match=r"Split 'test'.*'train' with 3"):
        select_items(numbered(3), Selection(split="test"))
    with pytest.raises(BadInput, match="no items at all"):
        select_items([], Selection())
    with pytest.raises(BadInput, match="swap"):
        select_items(numbered(3), Selection(part=(0.5, 0.2)))


# --- imports


def test_import_is_a_sealed_run(tmp_path, home):
    path = write(tmp_path, QUIZ, {**QUIZ, "gold": None}, "{bad", {**QUIZ, "split": "dev"})
    folder = import_dataset(home, path, MAPPED)
    assert folder.id.startswith("import-") and folder.state == "done" and folder.config.label == "quiz"
    assert folder.result["summary"] == {
        "items": 3, "rejects": 1, "unlabelled": 1, "splits": {"train": 3},
        "labels": {"train": {"(unlabelled)": 1, "A": 2}},
        "warnings": {"the question stands in an earlier row too: both are in one split": 2},
    }  # fmt: skip
    assert {name: file["rows"] for name, file in folder.result["files"].items()}["rejects"] == 1
    items = load_items(folder)
    assert (items, folder.read("rejects", Reject)) == read(path)
    sealed = (folder.path / "result.json").stat().st_mtime_ns
    assert import_dataset(home, path, MAPPED) == folder
    assert (folder.path / "result.json").stat().st_mtime_ns == sealed, "a finished import is not made again"


def test_import_of_another_content_or_mapping_is_another_run(tmp_path, home):
    path = write(tmp_path, QUIZ)
    first = import_dataset(home, path, MAPPED)
    other = import_dataset(home, path, MAPPED.model_copy(update={"seed": 1}))
    third = import_dataset(home, write(tmp_path, QUIZ, {**QUIZ, "id": "b"}), MAPPED)
    assert len({first.id, other.id, third.id}) == 3 == len(all_runs(home))


def test_import_without_any_item_leaves_nothing(tmp_path, home):
    with pytest.raises(BadInput, match=r"None of the 2 rows of quiz\.jsonl can be used; row 1: .*JSON"):
        import_dataset(home, write(tmp_path, "{bad", "[]"), MAPPED)
    assert not home.runs.exists()


def test_import_that_was_cut_off_starts_over(tmp_path, home):
    path = write(tmp_path, *({**QUIZ, "id": f"q{i}"} for i in range(2500)))
    folder = import_dataset(home, path, MAPPED)
    whole = (folder.path / "items.jsonl").read_bytes()
    (folder.path / "result.json").unlink()
    (folder.path / "items.jsonl").write_bytes(whole[:1000])
    (folder.path / "stop").touch()
    assert folder.state == "lost"
    with pytest.raises(BadInput, match="not finished"):
        load_items(folder)
    assert import_dataset(home, path, MAPPED).state == "done"
    assert (folder.path / "items.jsonl").read_bytes() == whole


def test_import_waits_for_another_import_of_the_same_file(tmp_path, home):
    path = write(tmp_path, QUIZ)
    folder = import_dataset(home, path, MAPPED)
    (folder.path / "result.json").unlink()
    waiting = threading.Thread(target=import_dataset, args=(home, path, MAPPED))
    with (folder.path / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting.start()
        waiting.join(timeout=0.3)
        assert waiting.is_alive() and folder.result is None
    waiting.join(timeout=10)
    assert folder.state == "done" and len(load_items(folder)) == 1


# --- any rows at all


texts = st.text(min_size=1, max_size=20).filter(str.strip)


@st.composite
def item_rows(draw: st.DrawFn) -> list[Item]:
    ids = draw(st.lists(texts, min_size=1, max_size=5, unique=True))
    items = []
    for id in ids:
        labels = draw(st.lists(texts, min_size=2, max_size=10, unique_by=lambda x: x.strip().casefold()))
        options = [Option(label=label, text=draw(texts)) for label in labels]
        gold, question = draw(st.none() | st.sampled_from(labels)), draw(texts)
        context = draw(st.none() | texts.filter(lambda text, asked=question: text.strip() != asked.strip()))
        split = draw(st.sampled_from(["train", "test", "dev"]))
        items.append(Item(id=id, split=split, question=question, context=context, options=options, gold=gold))
    return items


@settings(deadline=None)
@given(item_rows())
def test_dumped_items_load_back_the_same(items):
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), *(item.model_dump() for item in items))
        assert guessed(path) == (items, [])


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
columns = st.sampled_from(["question", "options", "gold", "id", "split", "context", "A", "B"])
junk_rows = st.dictionaries(columns, json_values, max_size=6).map(json.dumps) | st.text(max_size=30)


@settings(deadline=None)
@given(st.lists(junk_rows, max_size=6), st.sampled_from(["j.jsonl", "j.csv", "j.json"]), st.booleans())
def test_junk_rows_never_raise(rows, name, labelled):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes("\n".join(["{}", json.dumps(QUIZ), *rows]).encode("utf-8", "surrogatepass"))
        mapping = ImportSettings(name="j", labels=["A", "B"]) if labelled else MAPPED
        try:
            items, rejects = read(path, mapping)
            guess_mapping(path)
        except BadInput as error:
            assert str(error).endswith(".")
        else:
            assert len(items) + len(rejects) >= 1


@settings(deadline=None)
@given(st.binary(max_size=60), st.sampled_from(["j.jsonl", "j.csv", "j.toml"]))
def test_junk_bytes_never_raise(content, name):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            guessed(path)
        except BadInput as error:
            assert str(error).endswith(".")


@given(st.text(max_size=8), st.lists(texts, min_size=2, max_size=5), st.booleans())
def test_gold_names_one_option_or_none(gold, names, own_labels):
    options = [Option(label=str(i), text=text) for i, text in enumerate(names)]
    try:
        found = find_gold(gold, options, own_labels)
    except RowProblem as problem:
        assert "gold" in str(problem)
    else:
        assert found in {option.label for option in options}


# --- public data sets


@real_data
@pytest.mark.parametrize(
    ("name", "rows", "options"),
    [
        ("openbookqa/train.jsonl", 4957, {4}),
        ("openbookqa/dev.jsonl", 500, {4}),
        ("openbookqa/test.jsonl", 500, {4}),
        ("arc/ARC-Easy-Test.jsonl", 2376, {3, 4, 5}),
        ("arc/ARC-Challenge-Dev.jsonl", 294, {3, 4}),
        ("commonsenseqa/train_rand_split.jsonl", 9741, {5}),
        ("commonsenseqa/dev_rand_split.jsonl", 1221, {5}),
        ("aqua/dev.json", 254, {5}),
    ],
)
def test_public_data_sets_load_whole(name, rows, options):
    path, mapping = load_settings(Path(str(REAL)) / name)
    items, rejects = read(path, mapping)
    assert (len(items), rejects) == (rows, [])
    assert {len(item.options) for item in items} == options
    assert all(item.gold is not None for item in items)
    test_rows = sum(item.split == "test" for item in items)
    assert test_rows == round(0.33 * rows)


@real_data
def test_public_oddities():
    path, mapping = load_settings(Path(str(REAL)) / "arc/ARC-Easy-Test.jsonl")
    easy = read(path, mapping)[0]
    assert sum(item.options[0].label == "1" for item in easy) == 97
    path, mapping = load_settings(Path(str(REAL)) / "openbookqa/train.jsonl")
    train = {item.id: item for item in read(path, mapping)[0]}
    assert any("(D)" in option.text for option in train["12-1145"].options)
    path, mapping = load_settings(Path(str(REAL)) / "aqua/dev.json")
    assert not any(o.text.startswith(("A)", "B)")) for item in read(path, mapping)[0] for o in item.options)


def test_a_header_that_asks_above_a_column_of_numbers_is_a_header(tmp_path):
    table = tmp_path / "odd.csv"
    rows = ["Nr.;What I ask?;Antwort A;Antwort B;Correct sol.", "1;Why is it blue?;dust;air;air", "2;Why?;a;b;a"]
    table.write_text("\n".join(rows) + "\n")
    guessed = guess_mapping(table)
    assert guessed.header and guessed.question == "What I ask?" and guessed.options == "Antwort A,Antwort B"
    assert guessed.gold == "Correct sol."
