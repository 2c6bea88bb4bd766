"""The forms that files come in: JSON documents, Parquet, blocks of 8 lines, tables without a header; positions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from core.data.datasets import SPLIT_QUESTION, import_dataset, load_items, load_settings, preview, survey
from core.errors import BadInput
from core.home import PROJECT, SAMPLES
from core.loading.fetching import HUB_SETS, find_source
from core.runs.folders import all_runs
from core.settings import ImportSettings

ROWS = [{"question": f"Which is {n}?", "options": ["iron", "oak", "None", "NA"], "gold": "ABCD"[n]} for n in range(4)]


def loaded(path: Path, **overrides):
    return preview(*load_settings(path, **overrides), limit=1000)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", json.dumps(ROWS)),
        ("a.json", json.dumps(ROWS, indent=2)),
        ("a.jsonl", json.dumps(ROWS)),
        ("a.json", json.dumps({"version": "1.1", "data": ROWS})),
        ("a.json", json.dumps({"labels": ["x"], "data": ROWS, "more": {"deep": [1]}}, indent=1)),
        ("a.txt", "\n".join(map(json.dumps, ROWS))),
        ("a.json", "\n".join(map(json.dumps, ROWS))),
        ("a.json", "\ufeff" + json.dumps(ROWS)),
    ],
)
def test_json_in_any_form(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    items, rejects = loaded(tmp_path / name)
    assert not rejects and [item.gold for item in items] == list("ABCD")
    assert [option.text for option in items[0].options] == ["iron", "oak", "None", "NA"]


def test_fields_of_a_json_object_are_splits_where_they_are_named_so(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"train": ROWS[:3], "test": ROWS[3:]}))
    assert [item.split for item in loaded(path)[0]] == ["train"] * 3 + ["test"]
    assert len(loaded(path, field="test")[0]) == 1


def test_good_rows_before_broken_json_are_kept(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(ROWS)[:-30])
    items, (reject,) = loaded(path)
    assert len(items) == 3 and reject.row == 4 and "mend it" in reject.reason


def test_parquet_and_a_cut_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    choices = [{"text": row["options"], "label": list("ABCD")} for row in ROWS]
    columns = {"question": [r["question"] for r in ROWS], "choices": choices, "answerKey": list("ABCD")}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    assert [item.gold for item in loaded(path)[0]] == list("ABCD")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadInput, match=r"a\.parquet cannot be read as Parquet .*copy it again"):
        loaded(path)


BLOCKS = """
b
People of two villages pass.
Which follows?
A.One lies.
b) Two lie.
Mr.C.X lies.
D，Nobody lies.

 
Unlabelled passage.
What then?
A One.
B.Two.
C.Three.
D.Four.

x
Odd letter.
What then?
A.One.
B.Two.
C.Three.
D.Four.

a
Broken block.

c
Passage.
What then?
A.One.
B.Two.
C.Three.
D.Four.
"""


def test_blocks_of_eight_lines(tmp_path):
    path = tmp_path / "Train.txt"
    path.write_text(BLOCKS)
    items, rejects = loaded(path)
    assert [item.gold for item in items] == ["B", None, "C"]
    assert [option.text for option in items[0].options] == ["One lies.", "Two lie.", "Mr.C.X lies.", "Nobody lies."]
    assert [reject.row for reject in rejects] == [3, 4]
    assert "gold 'x'" in rejects[0].reason and "eight lines" in rejects[1].reason


def test_gold_as_a_position_is_guessed_and_can_be_set(tmp_path):
    path = tmp_path / "test.txt"  # the form of LogiQA 2
    rows = [{"id": n, "answer": n, "text": "Passage.", "question": "Which?", "options": list("wxyz")} for n in range(4)]
    path.write_text("\n".join(map(json.dumps, rows)))
    settings = load_settings(path)[1]
    assert (settings.gold_base, settings.context) == (0, "text")
    assert [item.gold for item in loaded(path)[0]] == list("ABCD")
    items, rejects = loaded(path, gold_base=1)
    assert [item.gold for item in items] == list("ABC") and "no position from 1 to 4" in rejects[0].reason


@pytest.mark.parametrize(
    ("golds", "base"),
    [([0, 1, 2], 0), ([1, 2, 3], 1), (["0", "2"], 0), ([1, 2], None), ([-1, -1], 0), ([0, 3], None), (["A", 1], None)],
)
def test_what_positions_count_from(tmp_path, golds, base):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps({"question": "Q", "options": list("xyz"), "label": gold}) for gold in golds))
    assert load_settings(path)[1].gold_base == base


def test_minus_one_is_unlabelled_where_gold_is_a_position(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps({"question": "Q", "options": ["x", "y"], "label": n}) for n in (0, -1, 1)))
    assert [item.gold for item in loaded(path)[0]] == ["A", None, "B"]


@pytest.mark.parametrize(
    "options",
    [
        [["iron", "A"], ["oak", "B"], ["wool\nB", "C"]],
        [["A", "iron"], ["B", "oak"], ["C", "wool\nB"]],
        "A. iron\nB. oak\nC. wool\nB",
        "\n(A) iron\n(B) oak\n(C) wool\nB\n",
        ".\na) iron\nb) oak\nc) wool\nB",
        "['iron', 'oak', 'wool\\nB']",
        '{"A": "iron", "B": "oak", "C": "wool\\nB"}',
    ],
)
@pytest.mark.parametrize("gold", ["B", "oak", "B. oak", "(B)", "b"])
def test_options_and_gold_in_other_forms(tmp_path, options, gold):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"question": "Q", "options": options, "answer": gold}))
    (item,), _ = loaded(path)
    assert [(o.label, o.text) for o in item.options] == [("A", "iron"), ("B", "oak"), ("C", "wool\nB")]
    assert item.gold == "B"


def test_a_letter_with_another_options_text_is_refused(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"question": "Q", "options": ["iron", "oak"], "answer": "A. oak"}))
    assert "names no single option" in loaded(path)[1][0].reason


# --- tables


def test_missing_words_stay_texts_in_csv(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("question,A,B,C,answer\nWhich?,None,NA,nan,NA\n什么？,空,无,null,C\n")
    items, rejects = loaded(path)
    assert not rejects and [item.gold for item in items] == ["B", "C"]
    assert [option.text for option in items[0].options] == ["None", "NA", "nan"]


def test_a_table_without_a_header(tmp_path):
    path = tmp_path / "mmlu.csv"
    path.write_text("Which is a metal?,iron,oak,wool,silk,A\nWhich is a tree?,iron,oak,wool,silk,B\n")
    settings = load_settings(path)[1]
    assert (settings.header, settings.question, settings.gold) == (False, "column_1", "column_6")
    assert [item.gold for item in loaded(path)[0]] == ["A", "B"]


@pytest.mark.parametrize(
    ("first", "below", "header"),
    [
        ("Frage bitte,richtig?", "Was brennt?,0", True),
        ("Ist es Holz?,ja", "Ist es Eis?,nein", False),
        ("Ist es Holz?,ja", "", False),
        ("Was glänzt am meisten?,Stimmt es?", "Gold,ja", True),
    ],
)
def test_a_cell_that_asks_is_a_rows_only_where_others_below_it_ask_too(tmp_path, first, below, header):
    path = tmp_path / "a.csv"
    path.write_text(f"{first}\n{below}\n")
    assert load_settings(path)[1].header is header


@pytest.mark.parametrize(
    "names", ["nr,Frage,r,f1,f2,Lösung", "Frage,r,f1,f2,Lösung", "nr,Frage,Lösung,r,f1,f2", "Lösung,nr,Frage,f1,f2,r"]
)
def test_gold_that_is_always_the_same_option_is_found_by_content(tmp_path, names):
    rows = [
        {"nr": "7", "Frage": "Was brennt am besten?", "r": "Holz", "f1": "Eis", "f2": "Sand", "Lösung": "Holz"},
        {"nr": "8", "Frage": "Was glänzt am meisten?", "r": "Gold", "f1": "Teer", "f2": "Holz", "Lösung": "Gold"},
    ]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([names, *(",".join(row[name] for name in names.split(",")) for row in rows)]) + "\n")
    settings = load_settings(path)[1]
    assert (settings.question, settings.gold) == ("Frage", "Lösung")
    assert sorted(settings.options.split(",")) == ["f1", "f2", "r"]
    items, rejects = loaded(path)
    texts = [{option.label: option.text for option in item.options}[item.gold] for item in items]
    assert not rejects and texts == ["Holz", "Gold"]


def test_columns_that_repeat_themselves_in_a_row_are_no_options(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("satz,thema,quelle,ort,noch\nEin langer Satz,x,netz,netz,x\nEin anderer Satz,y,buch,buch,y\n")
    assert load_settings(path)[1].options is None


def test_a_header_is_taken_for_one_unless_it_is_said_not_to_be(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("thing,place\nhammer,garage\nfork,kitchen\n")
    assert load_settings(path)[1].header
    path.write_text("spoon,kitchen\nhammer,garage\nfork,kitchen\n")
    assert not load_settings(path)[1].header, "a label that stands below too is a row's"
    items, rejects = loaded(path)
    assert not rejects and [item.gold for item in items] == ["kitchen", "garage", "kitchen"]


# --- columns whose names say nothing, by their values


def table(folder: Path, header: str, *rows: str) -> Path:
    path = folder / "odd.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def guessed(path: Path, **overrides) -> dict[str, str | None]:
    """The columns of the guess that the file has."""
    settings = load_settings(path, **overrides)[1].model_dump(include={"question", "gold", "id", "split"})
    header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    return {name: column for name, column in settings.items() if column in header}


ENGLISH = "Ref,Prompt text,Answer A,Answer B,Answer C,Right one,Part"
GERMAN = "Kennung,Aufgabe,Antwort A,Antwort B,Antwort C,Lösung,Teil"
FLOATS = ("q-3,(3) Which of these floats?,nail,cork,pebble", "q-7,Which of these is eaten?,tin,glass,pear")


@pytest.mark.parametrize("header", [ENGLISH, GERMAN])
@pytest.mark.parametrize("golds", ["BC", "bc", ("cork", "pear"), ("B. cork", "(C)"), "12", "23"])
def test_question_gold_id_and_split_are_found_by_values(tmp_path, header, golds):
    parts = zip(FLOATS, golds, ("train", "Test"), strict=True)
    path = table(tmp_path, header, *(f"{row},{gold},{part}" for row, gold, part in parts))
    id, question, *_, gold, split = header.split(",")
    assert guessed(path) == {"question": question, "gold": gold, "id": id, "split": split}


@pytest.mark.parametrize(
    ("golds", "base", "read"),
    [
        ("0120", 0, "ABCA"),
        ("1323", 1, "ACBC"),
        ("1212", None, ""),  # from 0 or 1: no row is read wrongly, each says what to set
        ("0123", None, None),  # from neither
        ("4214", None, None),
        (("-1", "0", "-1", "2"), 0, [None, "A", None, "C"]),
    ],
)
def test_gold_by_position_is_found_and_its_base_only_where_it_can_be_told(tmp_path, golds, base, read):
    rows = [f"What is {n} made of?,iron {n},oak {n},wool {n},{gold}" for n, gold in enumerate(golds)]
    path = table(tmp_path, "Aufgabe,Antwort A,Antwort B,Antwort C,Nummer der Lösung", *rows)
    settings = load_settings(path)[1]
    assert settings.gold == ("gold" if read is None else "Nummer der Lösung") and settings.gold_base == base
    items, rejects = loaded(path)
    assert [item.gold for item in items] == (list(read) if read is not None else [None] * 4)
    assert all("names no single option" in reject.reason for reject in rejects)


def test_numbers_that_are_labels_are_no_positions(tmp_path):
    path = table(tmp_path, "Aufgabe,Antwort 1,Antwort 2,Schlüssel", "Was brennt?,Eis,Holz,2", "Was taut?,Eis,Holz,1")
    settings = load_settings(path)[1]
    assert (settings.gold, settings.gold_base) == ("Schlüssel", None)
    assert [item.gold for item in loaded(path)[0]] == ["2", "1"]


@pytest.mark.parametrize(("gold", "found"), [("text", "Key"), ("label", "Key"), ("none", None)])
def test_of_columns_that_could_be_gold_the_clearest_is_taken(tmp_path, gold, found):
    """A text is clearer than a label, a label than a number; a level that leaves an option out is no gold."""
    keys = {"text": ["iron {n}", "oak {n}", "wool {n}"], "label": list("ABC"), "none": ["", "", ""]}[gold]
    rows = [
        f"{n},What is {n} made of?,iron {n},oak {n},wool {n},{n % 2 + 1},{keys[n % 3].format(n=n)}"
        for n in range(1, 40)
    ]
    path = table(tmp_path, "Nr,Prompt text,Option A,Option B,Option C,Level,Key", *rows)
    assert guessed(path) == {"id": "Nr", "question": "Prompt text"} | ({"gold": found} if found else {})


@pytest.mark.parametrize(
    ("header", "rows", "found"),
    [
        ("Nr,Satz,Option A,Option B", ["1,The ice is cold,yes,no", "2,The fire is cold,yes,no"], {"id", "question"}),
        ("Key,Mine,Option A,Option B", ["A,B,ice,oak", "B,A,fire,elm"], set()),
        ("Frage (de),Question (en),A,B", ["Ist es Eis?,Is it ice?,x,y", "Ist es Öl?,Is it oil?,z,w"], set()),
        ("First,Second,A,B", ["a1,b1,x,y", "a2,b2,z,w"], set()),
        ("Set,Use,A,B", ["train,test,x,y", "dev,train,z,w"], set()),
        ("Nr,A,B,Weight,Word", ["20,x,y,0.3,ice", "10,z,w,0.7,oak"], set()),
        ("foo,bar", ["red,blue", "green,red"], set()),
        ("foo,bar", ["1.5,2.5", "0.5,0.1"], set()),
    ],
)
def test_what_values_do_not_tell_is_not_guessed(tmp_path, header, rows, found):
    assert guessed(table(tmp_path, header, *rows)).keys() == found


def test_what_is_said_of_a_question_is_not_the_question(tmp_path):
    rows = [
        "A nail is made of,iron,oak,A,Nails are made of iron for it is hard",
        "A door is made of,wax,oak,B,Oak lasts",
    ]
    path = table(tmp_path, "Stem of it,Choice A,Choice B,Key,Remarks of the author", *rows)
    assert guessed(path) == {"question": "Stem of it", "gold": "Key"}


def test_names_win_over_values_and_settings_over_both(tmp_path):
    rows = ["x1,Is it hot?,ice,fire,B,1,train", "x2,Is it cold?,ice,fire,A,2,test"]
    path = table(tmp_path, "key,headline,option a,option b,right one,label,Part", *rows)
    assert guessed(path) == {"question": "headline", "gold": "label", "id": "key", "split": "Part"}
    assert guessed(path, gold="right one", id=None) == {"question": "headline", "gold": "right one", "split": "Part"}
    assert "key" not in guessed(path, context="key").values()
    assert load_settings(path)[1].gold_base == 1 and load_settings(path, gold="right one")[1].gold_base is None


def test_gold_is_found_beside_options_in_one_column(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [
        {"Prompt": f"Which is {n}?", "options": ["iron", "oak"], "Pick": "AB"[n % 2], "tags": [n]} for n in range(9)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    items, rejects = loaded(path)
    assert not rejects and [item.gold for item in items] == list("ABABABABA")


# --- warnings and splits


def test_repeated_questions_across_the_files_own_splits_are_counted(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"split": split, "question": "Q", "options": ["x", "y"], "gold": "A"} for split in ("train", "test")]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert survey(*load_settings(path)).warnings == {SPLIT_QUESTION: 1}


def test_a_question_that_most_rows_share_does_not_tie_them_together(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"question": "Which is true?", "options": [f"x{n}", f"y{n}"], "gold": "A"} for n in range(60)]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert {item.split for item in loaded(path)[0]} == {"train", "test"}


def test_a_question_with_other_options_is_in_the_same_split_and_the_id_says_so(tmp_path, home):
    path = tmp_path / "a.jsonl"
    rows = [{"question": f"Q{n // 2}", "options": [f"x{n}", "y"], "gold": "A"} for n in range(40)]
    path.write_text("\n".join(map(json.dumps, rows)))
    folder = import_dataset(home, *load_settings(path))
    splits = [item.split for item in load_items(folder)]
    assert splits[::2] == splits[1::2] and set(splits) == {"train", "test"}
    assert folder.config.inputs.keys() == {"source", "splits"}


# --- ids of imports, sources


def test_later_settings_leave_ids_of_imports_alone(home):
    import_dataset(home, *load_settings(SAMPLES / "material.toml"))
    (folder,) = all_runs(home)
    assert not {"gold_base", "header", "field"} & folder.config.settings.keys()
    assert {"gold_base"} == ImportSettings(name="x", gold_base=0).identity().keys() - folder.config.settings.keys()


def test_a_folder_of_the_datasets_library(tmp_path, home):
    code = (
        "import sys, json; from datasets import Dataset, DatasetDict; rows = json.loads(sys.argv[2]);"
        "DatasetDict(train=Dataset.from_list(rows), test=Dataset.from_list(rows[:1])).save_to_disk(sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "saved"), json.dumps(ROWS)], check=True)
    items, rejects = preview(*find_source(str(tmp_path / "saved"), home), limit=10)
    assert not rejects and [item.split for item in items] == ["train"] * 4 + ["test"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="is a folder that cannot be loaded"):
        find_source(str(tmp_path / "empty"), home)


def test_the_papers_sets_are_known_by_name_and_need_the_hub(home, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert list(HUB_SETS) == ["aqua-rat", "arc-challenge", "logiqa", "openbookqa"]
    for name, known in HUB_SETS.items():
        ImportSettings(name="x", **known.mapping)
        for source in (name, known.repository):
            with pytest.raises(BadInput, match=f"cannot be reached to load '{known.repository}'"):
                find_source(source, home)
    with pytest.raises(BadInput, match="logiqa"):
        find_source("logiq", home)


ROW = '{"question": "Is it %d?", "options": ["yes it is, for %d", "no"], "gold": "A"}\n'


@pytest.mark.timeout(1800)
@pytest.mark.skipif(
    not os.environ.get("ANCHORLAB_SLOW"), reason="ANCHORLAB_SLOW is not set: a million rows take minutes"
)
def test_a_million_rows_fit_in_one_gibibyte(tmp_path):
    path = tmp_path / "big.jsonl"
    with path.open("w") as file:
        file.writelines(ROW % (n, n) for n in range(1_000_000))
    code = (
        "import resource, sys; from pathlib import Path; from core.home import Home;"
        "from core.data.datasets import import_dataset, load_settings; home = Home(Path(sys.argv[2]));"
        "folder = import_dataset(home, *load_settings(Path(sys.argv[1])));"
        "print(folder.result['summary']['items'], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    command = [sys.executable, "-c", code, str(path), str(tmp_path / "home")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT)
    items, peak = map(int, done.stdout.split())
    assert items == 1_000_000 and peak <= 1 << 20


HUB_ROWS = {
    "aqua-rat": {"question": "Sum?", "options": ["A)1", "B)2"], "rationale": "…", "correct": "B"},
    "arc-challenge": {
        "id": "x", "question": "Sum?", "choices": {"text": ["1", "2"], "label": ["1", "2"]}, "answerKey": "2",
    },
    "logiqa": {"context": "Passage.", "query": "Sum?", "options": ["1", "2"], "correct_option": 1},
    "openbookqa": {
        "id": "x", "question_stem": "Sum?", "choices": {"text": ["1", "2"], "label": ["A", "B"]}, "answerKey": "B",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", HUB_SETS)
def test_a_fetched_set_of_the_paper_loads_with_its_mapping(home, name):
    known = HUB_SETS[name]
    parts = [*known.repository.split("/"), *([known.configuration] if known.configuration else [])]
    home.fetched.mkdir(parents=True)
    (home.fetched / f"{'--'.join(parts)}.jsonl").write_text(json.dumps({"split": "validation"} | HUB_ROWS[name]))
    path, settings = find_source(name, home)
    (item,), rejects = preview(path, settings)
    assert not rejects and settings.name == name
    assert (item.split, item.question, [option.text for option in item.options]) == ("validation", "Sum?", ["1", "2"])
    assert item.gold == item.options[1].label


def test_one_row_whose_gold_names_no_option_does_not_hide_the_column_of_gold(tmp_path):
    gold = ["B", "A", "C", "A", "E", "B", "", "A", "B", "C"]
    rows = [f"{i};Frage {i}?;Holz {i};Glas {i};Stoff {i};{label};leicht" for i, label in enumerate(gold)]
    file = tmp_path / "fragen.csv"
    file.write_text("\n".join(["Nr.;Frage (Wortlaut);Antwort A;Antwort B;Antwort C;Schlüssel;Notiz", *rows]) + "\n")
    assert load_settings(file)[1].gold == "Schlüssel"
