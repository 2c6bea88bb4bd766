"""A disk that is full, or read-only, in small file systems of their own; needs a user who may mount them."""

import os
import shutil
import subprocess
import sys

import pytest
import streamlit as st

from app.navigation import PAGES
from core.cli import main
from core.errors import DiskRefuses, disk_refusal
from core.home import Home
from core.runs.folders import RunConfig, create_run
from core.runs.work import Work
from core.store import journal
from core.store.database import any_store, open_store, rebuild
from tests.app import opened, released, words  # noqa: F401


@pytest.fixture
def mounted():
    """A function that mounts; what it mounted is taken away at the end."""
    places = []

    def mount(*words: str) -> None:
        done = subprocess.run(["mount", *words], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"nothing can be mounted here ({done.stderr.strip()}): tests of a full disk are SKIPPED")
        places.append(words[-1])

    yield mount
    st.cache_resource.clear()
    for place in reversed(places):
        subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def small(home, mounted) -> Home:
    """A home on a disk of its own, 4 MiB large."""
    home.path.mkdir(parents=True)
    mounted("-t", "tmpfs", "-o", "size=4m", "tmpfs", str(home.path))
    return home


def fill(home: Home) -> None:
    """Not a byte is free any more."""
    with (home.path / "ballast").open("ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue


def test_an_act_that_does_not_fit_is_refused_in_a_sentence_and_leaves_nothing(small):
    journal.write(small, "rating_of_later", {"note": "kept"})
    fill(small)
    before = small.journal.read_bytes()
    with pytest.raises(DiskRefuses, match=r"The disk is full.*free space"):
        journal.write(small, "rating_of_later", {"note": "x" * 20_000})
    assert small.journal.read_bytes() == before
    (small.path / "ballast").unlink()
    journal.write(small, "rating_of_later", {"note": "after"})
    assert [act["note"] for act in journal.entries(small)] == ["kept", "after"]


def test_a_run_on_a_disk_that_fills_up_is_failed_with_the_reason_and_goes_on_later(small):
    run = create_run(small, RunConfig(kind="sft", label="a", settings={}))
    with pytest.raises(OSError), Work(run) as work:
        work.started()
        fill(small)
        for _ in range(1000):
            work.progress(1, 2, "steps")
    assert run.state == "failed" and run.damage == []
    assert run.result["error"]["message"].startswith("The disk is full")
    fill(small)
    with pytest.raises(OSError):
        create_run(small, RunConfig(kind="sft", label="b", settings={"steps": 1}))
    assert [path.name for path in small.runs.iterdir()] == [run.id]
    for ballast in small.path.glob("ballast*"):
        ballast.unlink()
    with Work(run) as work:
        work.started()
    assert run.state == "done"


def test_a_rebuild_that_does_not_fit_leaves_the_database_and_no_draft(small):
    with open_store(small) as store:
        store.ingest()
    before = small.database.read_bytes()
    fill(small)
    with pytest.raises(DiskRefuses, match="The disk is full"):
        rebuild(small)
    assert small.database.read_bytes() == before and not list(small.path.glob("lab.duckdb.new*"))


def test_a_rebuild_that_was_killed_leaves_no_draft_once_the_lab_is_opened(home):
    home.path.mkdir()
    for name in ("lab.duckdb.new", "lab.duckdb.new.wal"):
        (home.path / name).write_bytes(b"half")
    draft = home.runs / ".new-sft-1"
    draft.mkdir(parents=True)
    os.utime(draft, (1, 1))
    with open_store(home):
        assert not list(home.path.glob("lab.duckdb.new*")) and not draft.exists()


def test_a_read_only_home_can_be_viewed_by_pages_and_commands(filled, home, mounted, capsys):
    shutil.copytree(filled, home.path)
    mounted("--bind", "-o", "ro", str(home.path), str(home.path))
    with pytest.raises(DiskRefuses, match="The disk is read-only"):
        journal.write(home, "archive", {"run": "import-1f03"})
    with any_store(home) as store:
        assert store.rows("SELECT count(*) FROM runs WHERE complete")[0][0] > 10
        assert store.problems[-1].startswith("The disk is read-only")
    for given in (["runs"], ["compare"], ["annotations", "list"]):
        sys.argv = ["anchorlab", *given]
        try:
            main()
        except SystemExit as end:
            assert not end.code, capsys.readouterr().err
    sys.argv = ["anchorlab", "data", "archive", next(home.runs.glob("import-*")).name]
    with pytest.raises(SystemExit):
        main()
    assert "anchorlab: The disk is read-only" in capsys.readouterr().err
    for page in PAGES:
        app = opened(page)
        said = words(app) + " ".join(badge.value for badge in app.markdown)
        assert not app.exception and "went wrong" not in said and "The disk refuses" not in said, page
        assert page != "overview" or "The disk is read-only" in said


def test_what_a_library_says_of_a_full_disk_is_found_in_its_words():
    error = RuntimeError("I/O error: No space left on device (os error 28)")
    assert str(disk_refusal(error)).startswith("The disk is full: free space")
    assert disk_refusal(ValueError("no space in this name")) is None and disk_refusal(KeyError("x")) is None
    assert str(disk_refusal(OSError(30, "Read-only file system", "/x"))).startswith("The disk is read-only (/x): ")
