"""One bad file does not take the lab down: 77 kinds of damage (`tests.damage`), read by commands and pages.

The ordinary suite reads the database of each kind, and looks at pages and commands of labs with several kinds of damage
at once; each kind by itself on every page and with every command is `slow`.
"""

import json
import shutil
import sys
from pathlib import Path

import pytest
import streamlit as st

from app.navigation import PAGES
from core.cli import main
from core.errors import LabError
from core.home import Home
from core.runs.folders import RunFolder
from core.runs.work import Work, set_right
from core.store import journal
from core.store.database import any_store, rebuild
from tests.app import opened, released, words  # noqa: F401
from tests.damage import DAMAGES, cut, explained, insert_line, into_directory, lived_in, one

NAMED: dict[str, str] = {
    "result_empty": "result.json of {run} cannot be read (it is empty)",
    "result_half": "result.json of {run} cannot be read",
    "result_list": "result.json of {run} cannot be read",
    "result_no_keys": "result.json of {run} cannot be read",
    "result_summary_null": "result.json of {run} cannot be read (summary",
    "result_finished_text": "result.json of {run} cannot be read (finished",
    "result_files_list": "result.json of {run} cannot be read (files",
    "result_error_text": "result.json of {run} cannot be read (error",
    "events_garbage_line": "The rows of {run} are left out: its files are not those",
    "events_binary": "The rows of {run} are left out: its files are not those",
    "events_number": "The rows of {run} are left out: its files are not those",
    "events_no_type": "The rows of {run} are left out: its files are not those",
    "events_progress_bad": "The rows of {run} are left out: its files are not those",
    "events_progress_text": "The rows of {run} are left out: its files are not those",
    "events_missing": "The rows of {run} are left out: its files are not those",
    "config_half": "config.json of {run} cannot be read",
    "config_missing": "config.json of {run} cannot be read (No such file",
    "config_future_field": "config.json of {run} cannot be read (budget",
    "config_flip": "The folder {run} among the runs is left out",
    "config_created_inf": "config.json of {run} cannot be read (created",
    "expl_half": "The rows of {run} are left out",
    "expl_missing": "The rows of {run} are left out",
    "expl_nul_tail": "The rows of {run} are left out",
    "expl_directory": "explanations.jsonl is a folder",
    "items_missing": "The rows of import-",
    "import_folder_gone": "are left out until the runs it was made from are in",
    "foreign_folder": "The folder sample-notes among the runs is left out",
    "foreign_file": "The folder sample-notes.txt among the runs is left out",
    "foreign_copy": "The folder sample-copy among the runs is left out: its config.json is that of {run}",
    "foreign_symlink_loop": "The folder sample-loop among the runs is left out",
    "journal_bad_last_line": "journal.jsonl cannot be read (line",
    "runs_is_file": "is a file where the folder of runs should be",
    "db_empty": "`anchorlab rebuild`",
    "db_half": "`anchorlab rebuild`",
    "db_garbage": "`anchorlab rebuild`",
    "db_flip_many": "`anchorlab rebuild`",
    "db_directory": "`anchorlab rebuild`",
    "db_newer_schema": "`anchorlab rebuild`",
    "db_table_dropped": "has no scores: `anchorlab rebuild`",
    "lockfile_directory": "lab.duckdb.lock is a folder where a lock file should be: remove it",
}
"""Damage → what a person is told of it, where the database has taken in the whole lab before."""

AFTER_REBUILD = {
    "journal_bad_line": "journal.jsonl cannot be read (line 4",
    "journal_byte_flip": "journal.jsonl cannot be read (line",
    "journal_no_keys": "journal.jsonl cannot be read (line 4: it has no time",
    "journal_list": "journal.jsonl cannot be read (line 4: it is no object)",
    "journal_rating_without_labels": "journal.jsonl cannot be read (line 2: rating: labels",
    "journal_bad_number": "journal.jsonl cannot be read (line 2: rating: ",
    "journal_bad_queue": "journal.jsonl cannot be read (line 1: queue: tasks",
    "journal_bad_round": "journal.jsonl cannot be read (line",
    "journal_remove_without_run": "journal.jsonl cannot be read (line 4: remove: run",
    "defaults_bad": "journal.jsonl cannot be read (line",
    "expl_flip": "The rows of {run} are left out",
    "items_flip": "The rows of import-",
}
"""Damage → what is told once the database is made again from everything."""


@pytest.fixture(scope="module")
def inhabited(filled, tmp_path_factory) -> Path:
    """A filled lab in which people have worked, made once."""
    folder = tmp_path_factory.mktemp("inhabited") / "home"
    shutil.copytree(filled, folder)
    lived_in(Home(folder))
    return folder


@pytest.fixture
def lab(inhabited, home) -> Home:
    shutil.copytree(inhabited, home.path, symlinks=True)
    return home


def command(capsys, *given: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a command in this process: what escapes it is no sentence."""
    sys.argv = ["anchorlab", *given]
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    said = capsys.readouterr()
    return code, said.out, said.err


def told(home: Home, how) -> str:
    try:
        with how(home) as store:
            return "\n".join(store.problems)
    except LabError as error:
        return str(error)


def test_runs_are_listed_under_every_kind_of_damage(inhabited, tmp_path, monkeypatch, capsys):
    for name, make in DAMAGES.items():
        home = Home(tmp_path / name)
        shutil.copytree(inhabited, home.path, symlinks=True)
        run = explained(home).name
        make(home)
        monkeypatch.setenv("ANCHORLAB_HOME", str(home.path))
        code, out, err = command(capsys, "runs", "--json")
        left_out = name == "runs_is_file" or NAMED.get(name, "").startswith(("config", "The fol"))
        assert code == 0 and (left_out or run in out or name == "config_future_setting"), name
        if left_out:
            assert NAMED[name].format(run=run) in err
        shutil.rmtree(home.path)


@pytest.mark.slow
def test_every_kind_of_damage_is_named_and_a_database_made_again_has_all_the_rest(inhabited, tmp_path):
    missed = {}
    for name, make in DAMAGES.items():
        home = Home(tmp_path / name)
        shutil.copytree(inhabited, home.path, symlinks=True)
        run = explained(home).name
        make(home)
        first, again = told(home, any_store), told(home, rebuild)
        wanted = NAMED.get(name, "").format(run=run), (AFTER_REBUILD.get(name) or "").format(run=run)
        if wanted[0] not in first or wanted[1] not in again:
            missed[name] = first, again
        shutil.rmtree(home.path)
    assert missed == {}


def test_damaged_lines_of_the_journal_are_counted_copied_aside_and_what_else_was_said_is_there(lab):
    with any_store(lab) as store:
        before = store.rows("SELECT rater, task, criterion, label FROM annotation_history ORDER BY ALL")
    lines = len(lab.journal.read_bytes().splitlines())
    bad = [
        b"}{",
        b"\xff\xfe",
        b"[]",
        b'{"t": 1e999, "action": "rating"}',
        b'{"t": 1.0, "action": "\\ud800"}',
        b"1" * 5000,
    ]
    bad += [
        json.dumps({"t": 1.0, "action": action}).encode() for action in ("queue", "rating", "play_vote", "defaults")
    ]
    for line in bad:
        insert_line(lab, line)
    for _ in range(2):
        with rebuild(lab) as store:
            (problem,) = store.problems
            assert problem.startswith(f"{len(bad)} lines of journal.jsonl cannot be read (line 4: ")
            assert store.rows("SELECT rater, task, criterion, label FROM annotation_history ORDER BY ALL") == before
            assert store.rows("SELECT count(*) FROM journal") == [(lines,)]
    aside = [json.loads(line) for line in lab.journal_damaged.read_bytes().splitlines()]
    assert sorted(one["text"] for one in aside) == sorted(line.decode(errors="backslashreplace") for line in bad)
    assert len(journal.damaged(lab)) == len(bad) and len(journal.entries(lab)) == lines


TOGETHER = {
    "runs": ("result_list", "foreign_symlink_loop", "journal_bad_line", "registration_bad", "playground_bad"),
    "rows": ("expl_directory", "events_number", "journal_bad_round", "pipeline_plan_damaged", "config_label_flip"),
    "database": ("db_table_dropped",),
}
"""Damage that one lab can have at a time."""


@pytest.mark.parametrize("kinds", TOGETHER.values(), ids=TOGETHER)
def test_commands_name_what_is_damaged_and_show_the_rest(lab, capsys, kinds):
    folders, run = len(list(lab.runs.glob("*-*"))), explained(lab).name
    for kind in kinds:
        DAMAGES[kind](lab)
    code, out, err = command(capsys, "runs", "--json")
    assert code == 0 and len(json.loads(out)) == folders and "Traceback" not in err
    code, out, err = command(capsys, "compare")
    assert "Traceback" not in err and (code == 0 or "anchorlab rebuild" in err)
    code, out, err = command(capsys, "rebuild")
    assert code == 0 and "Rebuilt: " in out
    assert kinds[0] == "db_table_dropped" or NAMED[kinds[0]].format(run=run) in err
    code, out, err = command(capsys, "annotations", "list", "--json")
    assert code == 0 and "kim" in out


def looked_at(lab: Home) -> dict[str, str]:
    """Page → what it says; none has an exception, and none a sentence for a bug report."""
    said = {}
    for page in PAGES:
        app = opened(page)
        assert not app.exception, page
        said[page] = words(app) + " ".join(badge.value for badge in app.markdown)
        assert "Something went wrong" not in said[page], (page, said[page])
    return said


@pytest.mark.parametrize("kinds", TOGETHER.values(), ids=TOGETHER)
def test_pages_of_a_damaged_lab_name_what_is_damaged_and_show_the_rest(lab, kinds):
    run = explained(lab).name
    for kind in kinds:
        DAMAGES[kind](lab)
    said = looked_at(lab)
    if kinds == ("db_table_dropped",):
        assert all("Rebuild under Settings" in text for text in said.values())
    else:
        assert NAMED[kinds[0]].format(run=run) in said["overview"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", DAMAGES)
def test_each_kind_of_damage_alone_on_every_page_and_with_every_command(lab, capsys, kind):
    DAMAGES[kind](lab)
    looked_at(lab)
    released_now()
    for given in (["runs"], ["compare"], ["rebuild"], ["annotations", "list"], ["compare"], ["votes", "list"]):
        code, _, err = command(capsys, *given)
        assert "Traceback" not in err
        assert code == 0 or kind in NAMED, (given, err)


def released_now() -> None:
    st.cache_resource.clear()
    st.cache_data.clear()


def test_a_folder_in_a_files_place_is_kept_beside_what_is_written_there(lab):
    into_directory(lab.database)
    with rebuild(lab) as store:
        assert store.rows("SELECT count(*) FROM runs")[0][0] > 10
    (kept,) = lab.path.glob("lab.duckdb.*.damaged")
    assert (kept / "thing").read_text() == "here"


def test_a_run_goes_on_after_damage_to_its_rows_and_keeps_the_damaged_lines(lab):
    path = explained(lab) / "explanations.jsonl"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(
        b"".join([*lines[:2], b"\0\0\0\n", lines[2].replace(b'"sample":', b'"sample_":'), *lines[3:], b"{"])
    )
    assert set_right(path, "explanations") == 2
    assert path.read_bytes() == b"".join([*lines[:2], *lines[3:]])
    assert path.with_name("explanations.jsonl.damaged").read_bytes().count(b"\n") == 2
    cut(one(lab, "pairs") / "result.json")
    with Work(RunFolder(one(lab, "pairs"))) as work:
        work.started()
    assert RunFolder(one(lab, "pairs")).state == "done"
