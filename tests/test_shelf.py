"""Data sets are archived and removed through the journal; what runs depend on stays."""

import json

import pytest
from typer.testing import CliRunner

from core.cli import cli
from core.data import shelf
from core.data.datasets import import_dataset, load_settings
from core.errors import BadInput
from core.home import SAMPLES
from core.runs.folders import RunConfig, all_runs, create_run
from core.store import journal
from core.store.database import any_store, open_store
from core.store.queries import datasets


@pytest.fixture
def dataset(home):
    return import_dataset(home, *load_settings(SAMPLES / "material.toml"))


def used_by(home, dataset, label: str):
    return create_run(home, RunConfig(kind="sft", label=label, settings={}, parents={"dataset": dataset.id}))


def called(*words: str) -> str:
    done = CliRunner().invoke(cli, ["data", *words], env={"COLUMNS": "300"}, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_archived_is_hidden_from_choices_and_kept(home, dataset):
    shelf.archive(home, dataset.id[:10])
    with any_store(home) as store:
        assert datasets(store).empty
        assert store.rows("SELECT count(*) FROM items") == [(264,)]
        shelf.restore(home, dataset.id)
        assert list(datasets(store)["id"]) == [dataset.id]


def test_loading_an_archived_file_again_brings_it_back(home, dataset):
    shelf.archive(home, dataset.id)
    assert import_dataset(home, *load_settings(SAMPLES / "material.toml")) == dataset
    assert journal.archived(home) == set()


def test_what_runs_depend_on_is_not_removed(home, dataset):
    sft = used_by(home, dataset, "first")
    create_run(home, RunConfig(kind="dpo", label="second", settings={}, parents={"sft": sft.id}))
    with pytest.raises(
        BadInput, match=rf"2 runs depend on it \({sft.id} \(first\), dpo-.*second.*archive {dataset.id}"
    ):
        shelf.remove(home, dataset.id)
    assert dataset.path.exists() and journal.entries(home) == []
    with pytest.raises(BadInput, match="is no data set"):
        shelf.archive(home, sft.id)


def test_removed_is_gone_from_folders_and_database_and_may_come_again(home, dataset):
    with any_store(home) as store:
        shelf.remove(home, dataset.id)
        store.ingest()
        assert datasets(store).empty and store.rows("SELECT count(*) FROM items") == [(0,)]
    assert all_runs(home) == [] and list(home.runs.iterdir()) == []
    assert import_dataset(home, *load_settings(SAMPLES / "material.toml")) == dataset
    with any_store(home) as store:
        assert len(datasets(store)) == 1


def test_a_torn_last_line_of_the_journal_is_cut(home):
    journal.record(home, "archive", "import-1")
    whole = home.journal.read_bytes()
    home.journal.write_bytes(whole + b'{"t": 1, "act')
    assert journal.archived(home) == {"import-1"}
    journal.record(home, "restore", "import-1")
    assert home.journal.read_bytes().startswith(whole + b'{"t"') and len(journal.entries(home)) == 2
    assert journal.archived(home) == set()


def test_acts_of_a_kind_are_found_among_others_and_anew_after_each(home):
    journal.write(home, "skip", {"rater": "kim", "note": 'the word "archive" is in this note'})
    assert journal.acts(home, "archive") == ()
    journal.record(home, "archive", "import-1")
    journal.record(home, "restore", "import-1")
    assert [(act["action"], act["run"]) for act in journal.acts(home, "archive", "restore")] == [
        ("archive", "import-1"),
        ("restore", "import-1"),
    ]
    assert [act["rater"] for act in journal.acts(home, "skip")] == ["kim"]


def test_commands(home, tmp_path):
    file = tmp_path / "a.jsonl"
    row = {"question": "Q", "options": ["x", "x", "z"], "gold": "C"}
    file.write_text("\n".join(json.dumps(row | {"id": n}) for n in (1, 2, 1)))
    shown = json.loads(called("preview", str(file), "--set", "test=0.5", "--json"))
    assert (
        shown["mapping"]["test"] == 0.5 and len(shown["items"]) == 2 and "earlier row" in shown["rejects"][0]["reason"]
    )
    assert "gold_base" in called("preview", str(file)) and not home.runs.exists()
    added = called("add", str(file))
    assert "2 items, 1 rejected" in added and "2 items: two options have the same text" in added
    (listed,) = json.loads(called("list", "--json"))
    assert listed["labels"] == {"train": {"C": 2}} and "train 2 (C 2)" in called("list")
    called("archive", listed["id"])
    assert json.loads(called("list", "--json")) == []
    assert json.loads(called("list", "--archived", "--json"))[0]["state"] == "archived"
    called("restore", listed["id"])
    called("remove", listed["id"])
    (tmp_path / "b.json").write_text("[]")
    table = called("check", str(tmp_path))
    assert "| a.jsonl | 2 | 1 | 0 | 3 | 2: two options" in table and "- b.json: b.json holds no rows" in table


def test_any_act_is_a_line_and_then_a_row_exactly_once(home):
    journal.write(home, "skip", {"rater": "kim", "note": 'a \ud800 lone half, a \0, "quotes" and \\u0000'})
    with open_store(home) as store:
        store.ingest()
        journal.record(home, "archive", "import-1")
        with home.journal.open("ab") as file:
            file.write(b'{"t": 1, "torn')
        assert store.take_in_journal() == 1 and store.take_in_journal() == 0
        rows = store.rows("SELECT seq, action, body->>'rater', body->>'note' FROM journal ORDER BY seq")
    assert rows == [
        (0, "skip", "kim", 'a ? lone half, a ?, "quotes" and \\u0000'),
        (1, "archive", None, None),
    ]
    home.database.unlink()
    with open_store(home) as store:
        store.ingest()
        assert store.rows("SELECT action FROM journal ORDER BY seq") == [("skip",), ("archive",)]
    home.journal.write_bytes(home.journal.read_bytes()[: home.journal.read_bytes().index(b"\n") + 1])
    with open_store(home) as store:
        store.ingest()
        assert store.rows("SELECT action FROM journal") == [("skip",)], "another journal was put there"
