"""The Datasets page: sources, an editable mapping with its preview, balance, rejects, archiving and deleting."""

import json
import re

import pytest

from core.data.contents import every_dataset, reject_kinds, rejects_page, split_balance
from core.data.datasets import import_dataset, load_settings
from core.errors import BadInput
from core.home import SAMPLES
from core.store.journal import archived
from core.store.queries import label_counts
from tests.app import held_in, opened, released, store_of, words  # noqa: F401
from tests.lab import toy_dataset


def from_file(path):
    app = opened("datasets")
    app.segmented_control(key="source").set_value("A file on this machine").run()
    return app.text_input(key="path").input(str(path)).run()


def test_a_data_set_loads_from_the_page(tmp_path):
    app = opened("datasets")
    app.button(key="load").click().run()
    assert not app.exception
    assert "questions loaded" in words(app)
    assert app.metric[0].value != "0"


def test_a_bad_file_is_one_sentence_on_the_page(tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"question": "Why?", "options": ["a", "b"], "gold": "z"}\n')
    app = opened("datasets")
    app.segmented_control(key="source").set_value("A file on this machine").run()
    app.text_input(key="path").input(str(bad)).run()
    assert not app.exception
    assert "names no single option" in words(app)
    app.text_input(key="path").input(str(tmp_path / "gone.jsonl")).run()
    assert "There is no file" in words(app)


def test_a_data_set_is_archived_from_the_page_and_no_longer_offered(home):
    folder = import_dataset(home, *load_settings(SAMPLES / "topic.toml"))
    app = opened("datasets", dataset=folder.id, tab="Put away")
    app.button(key="archive").click().run()
    assert not app.exception
    assert archived(home) == {folder.id} and "is archived" in words(app)
    assert "No data set yet" in words(app)


def test_whether_a_table_has_a_header_can_be_changed_on_the_page(tmp_path):
    table = tmp_path / "rooms.csv"
    table.write_text("spoon,kitchen\nhammer,garage\nfork,kitchen\nsaw,garage\n")
    app = opened("datasets")
    app.segmented_control(key="source").set_value("A file on this machine").run()
    app.text_input(key="path").input(str(table)).run()
    app.checkbox(key="header_rooms.csv").uncheck().run()
    assert not app.exception and "Of the 4 rows 4 load" in words(app)


def test_an_option_column_with_another_name_is_found_by_gold_and_what_is_not_used_is_said(tmp_path):
    table = tmp_path / "third.csv"
    table.write_text(
        "question,option a,option b,third one,gold,remark\n"
        "What is a pin made of?,wood,metal,glass,metal,easy\n"
        "What is a lens made of?,wood,metal,glass,glass,\n"
    )
    app = from_file(table)
    assert "Of the 2 rows 2 load" in words(app)
    assert "option a. wood · option b. metal · third one. glass" in words(app)
    assert "Columns that are not used: remark" in words(app)


@pytest.mark.parametrize(("gold", "level"), [("B", "B"), ("2", "2"), ("metal", "wood and metal")])
def test_a_column_that_happens_to_say_the_same_is_no_option(tmp_path, gold, level):
    table = tmp_path / "level.csv"
    table.write_text(f"question,option a,option b,level,gold\nWhat is a pin made of?,wood,metal,{level},{gold}\n")
    app = from_file(table)
    assert "A. wood · B. metal" in words(app) and "Columns that are not used: level" in words(app)


def test_a_file_without_gold_says_so_before_it_is_loaded(tmp_path):
    table = tmp_path / "bare.csv"
    table.write_text("question,option a,option b\nWhat is a pin made of?,wood,metal\nAnd a door?,wood,metal\n")
    app = from_file(table)
    assert ["None of them has gold" in warning.value for warning in app.warning] == [True]


def test_a_file_without_a_question_names_none_that_it_does_not_have(tmp_path):
    table = tmp_path / "bare.csv"
    table.write_text("a,b\n1,2\n3,4\n")
    app = from_file(table)
    assert app.selectbox(key="question_bare.csv_True_None").value is None
    assert any("No column looks like the question" in warning.value for warning in app.warning)


def test_a_data_set_needs_a_name(home, tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text(
        "question,A,B,gold\nWhat is a door made of?,wood,glass,wood\nWhat is a key made of?,metal,glass,metal\n"
    )
    app = from_file(path)
    box = next(box for box in app.text_input if box.key.startswith("name_"))
    box.input(" ").run()
    assert "A data set needs a name" in words(app)
    assert "Load this data set" not in [button.label for button in app.button]
    with pytest.raises(BadInput, match=r"odd\.csv needs a name"):
        import_dataset(home, *load_settings(path, name=" "))


def test_what_stands_twice_is_counted_before_it_is_loaded(tmp_path):
    table = tmp_path / "twice.csv"
    row = "What is a pin made of?,wood,metal,"
    table.write_text(f"question,option a,option b,option c,gold\n{row}wood,metal\n{row}glass,metal\n")
    said = [caption.value for caption in from_file(table).caption]
    assert "Among them: 1 with an option twice and 1 that ask what an earlier one asks." in said


def test_an_archived_data_set_is_shown_and_restored(home):
    folder = import_dataset(home, *load_settings(SAMPLES / "topic.toml"))
    import_dataset(home, *load_settings(SAMPLES / "material.toml"))
    app = opened("datasets", dataset=folder.id, tab="Put away")
    app.button(key="archive").click().run()
    assert folder.id not in "".join(held_in(app.selectbox, "dataset").options)
    app.toggle(key="archived").set_value(True).run()
    assert any(option.endswith(f"({folder.id}), archived") for option in held_in(app.selectbox, "dataset").options)
    held_in(app.selectbox, "dataset").select(folder.id).run()
    app.button(key="restore").click().run()
    assert not app.exception and not archived(home)


def test_what_runs_depend_on_is_not_deleted_and_archiving_is_offered(lab_home):
    (folder,) = lab_home.runs.glob("import-*")
    app = opened("datasets", dataset=folder.name, tab="Put away")
    assert "22 runs depend on this data set: it can be archived, and not deleted." in words(app)
    app.button(key="delete_now").click().run()
    assert folder.exists() and not app.exception
    assert f"{folder.name} cannot be removed, for" in words(app) and "anchor" in words(app)
    app.button(key="instead").click().run()
    assert archived(lab_home) == {folder.name}


def test_what_nothing_depends_on_is_deleted_with_its_rows(home, tmp_path):
    folder, kept = toy_dataset(home, tmp_path), import_dataset(home, *load_settings(SAMPLES / "topic.toml"))
    app = opened("datasets", dataset=folder.id, tab="Put away")
    app.button(key="delete_now").click().run()
    assert not app.exception and not folder.path.exists() and f"{folder.id}) is deleted" in words(app)
    with store_of(home) as store:
        assert every_dataset(store)["id"].tolist() == [kept.id]
        assert store.rows("SELECT count(*) FROM items WHERE run = ?", [folder.id])[0][0] == 0


ODD = "Nº;Frage, bitte;Antwort 1;Antwort, die zweite;richtig?\n7;Was glänzt?;Gold;Holz;0\n9;Was brennt?;Eis;Holz;1\n"


def test_oddly_named_columns_are_mapped_by_hand_with_a_live_preview(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text(ODD)
    app = from_file(path)
    assert not app.exception
    assert app.checkbox(key="header_odd.csv").value  # “richtig?” asks, and no cell below it does
    of = "odd.csv_True_None"
    app.selectbox(key=f"question_{of}").select("Frage, bitte").run()
    app.selectbox(key=f"gold_{of}").select("richtig?").run()
    app.multiselect(key=f"options_{of}").set_value(["Antwort 1", "Antwort, die zweite"]).run()
    app.selectbox(key=f"base_{of}").select("a position from 0").run()
    assert "Of the 2 rows 2 load" in words(app)
    assert "This is how they would be read" in words(app)
    app.selectbox(key=f"gold_{of}").select("Nº").run()
    assert "Of the 2 rows 0 load and 2 do not." in words(app) and "This is how they would be read" not in words(app)
    app.selectbox(key=f"gold_{of}").select("richtig?").run()
    app.button(key="load").click().run()
    assert not app.exception and "2 questions loaded, 0 rows rejected" in words(app)
    assert "Was brennt?" in words(app) and "Holz" in words(app)


def test_the_field_of_a_json_object_is_chosen(tmp_path):
    path = tmp_path / "quiz.json"
    row = {"question": "Is it?", "options": ["yes", "no"], "gold": "yes"}
    path.write_text(json.dumps({"easy": [row], "hard": [row, row | {"gold": "no"}], "version": 2}))
    app = from_file(path)
    assert app.selectbox(key="field_quiz.json").options[1:] == ["easy  (1 rows)", "hard  (2 rows)"]
    assert "Of the 3 rows" in words(app)
    app.selectbox(key="field_quiz.json").select_index(2).run()
    assert not app.exception and "Of the 2 rows 2 load" in words(app)


def test_rejects_are_grouped_by_reason_searched_and_read_whole(home, tmp_path):
    rows = [{"question": f"Is it {n}?", "options": ["yes", "no"], "gold": f"maybe {n}"} for n in range(120)]
    good = {"question": "Is it?", "options": ["yes", "no"], "gold": "yes"}
    path = tmp_path / "much.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [good, *rows]) + "{broken <b>*\n")
    folder = import_dataset(home, *load_settings(path))
    app = opened("datasets", dataset=folder.id, tab="Rejected rows")
    assert "1 to 50 of 121 rejected rows" in words(app)
    kinds = app.selectbox(key="reason").options
    assert kinds[1].startswith("120 × Its gold … names no single option") and kinds[2].startswith("1 × It is not valid")
    app.selectbox(key="reason").select(kinds[2].removeprefix("1 × ")).run()
    assert "1 to 1 of 1 rejected rows" in words(app)
    assert "{broken <b>*" in [code.value for code in app.code]
    app = opened("datasets", dataset=folder.id, tab="Rejected rows", row_text="MAYBE 11")
    assert not app.exception and "1 to 11 of 11 rejected rows" in words(app)


def test_balance_counts_each_split_and_what_a_guesser_gets(home, tmp_path):
    folder = toy_dataset(home, tmp_path)
    with store_of(home) as store:
        balance = split_balance(label_counts(store, folder.id)).set_index("split")
        assert balance["questions"].sum() == 24 and abs(balance["share"].sum() - 1) < 1e-9
        assert (balance["its share"] >= 1 / 3).all()
        assert reject_kinds(store, folder.id).empty and rejects_page(store, folder.id, None, "", 5, 0)[1] == 0


def test_a_title_is_shown_where_it_says_more_than_the_name_and_shares_stand_with_their_label(home, tmp_path):
    plain_one = toy_dataset(home, tmp_path)
    titled = import_dataset(home, *load_settings(SAMPLES / "topic.toml"))
    app = opened("datasets", dataset=plain_one.id, tab="Splits and labels")
    assert "toy" not in [text.value for text in app.text]
    (table,) = [frame.value for frame in app.dataframe if "commonest" in frame.value]
    assert all(re.fullmatch(r"(wood|metal|glass) \(\d+\.\d%\)", cell) for cell in table["commonest"])
    assert titled.config.settings["title"] in [text.value for text in opened("datasets", dataset=titled.id).text]


def test_the_url_keeps_the_view(home):
    folder = import_dataset(home, *load_settings(SAMPLES / "topic.toml"))
    app = opened("datasets", dataset=folder.id, split="test", page="2")
    assert not app.exception and "51 to " in words(app) and app.selectbox(key="split").value == "test"
