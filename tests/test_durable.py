"""What is on the disk when a run says done, an act is kept, a model is registered: a power cut after each flush.

The model of the disk is the weakest that the system promises: of a file there is what was flushed last, of a folder the
names that it had when it was flushed last; everything else is gone, or empty.
"""

import ast
import json
import os
import stat
from pathlib import Path

import pytest

from core import durable
from core.home import PROJECT, Home
from core.models.finding import registrations
from core.models.registering import register_server
from core.records import Explanation
from core.runs.folders import RunConfig, RunFolder, ServerRef, create_run, file_hash
from core.runs.launcher import take_lock
from core.runs.seals import ROOM
from core.runs.work import Work
from core.store import journal
from core.store.database import open_store
from tests.lab import toy_dataset


class Platter:
    """What the disk holds: a copy of each file and list of names as it was flushed last."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: dict[int, bytes] = {}
        self.names: dict[int, dict[str, int]] = {}
        self.flushes = 0
        self.after_each = lambda: None
        self._flush = os.fsync

    def fsync(self, number: int) -> None:
        """In the place of the system's: as there, then what reached the disk is noted."""
        self._flush(number)
        self.note(Path(os.readlink(f"/proc/self/fd/{number}")))
        self.flushes += 1
        self.after_each()

    def note(self, path: Path) -> None:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            self.names[about.st_ino] = {one.name: one.lstat().st_ino for one in path.iterdir()}
        else:
            self.files[about.st_ino] = path.read_bytes()

    def after_power_cut(self, folder: Path) -> Path:
        """The state folder as it is found when the machine is up again."""
        self._lay(self.root.stat().st_ino, folder, {one.stat().st_ino for one in self.root.rglob("*") if one.is_dir()})
        return folder

    def _lay(self, number: int, target: Path, folders: set[int]) -> None:
        target.mkdir(parents=True)
        for name, inner in self.names.get(number, {}).items():
            if inner in folders or inner in self.names:
                self._lay(inner, target / name, folders)
            else:
                (target / name).write_bytes(self.files.get(inner, b""))


@pytest.fixture
def platter(home, monkeypatch) -> Platter:
    """The home's disk from now on; what is there is on it."""
    home.path.mkdir(parents=True)
    found = Platter(home.path)
    found.note(home.path)
    monkeypatch.setattr(os, "fsync", found.fsync)
    return found


def explanation(place: int) -> Explanation:
    said = {"response": "It is.", "explanation": "It is.", "parsed": None, "forced": None, "forced_probabilities": None}
    return Explanation(item_id=f"q{place}", sample=0, seed=1, tokens=3, finish="end", **said)


def do_a_training(home: Home, dataset: str) -> RunFolder:
    """A run with rows of events and an adapter, as a training leaves it."""
    run = create_run(home, RunConfig(kind="sft", label="sft", settings={}, parents={"dataset": dataset}))
    with Work(run) as work:
        work.started()
        work.progress(1, 1, "steps")
        run.adapter().mkdir()
        (run.adapter() / "adapter_model.safetensors").write_bytes(b"weights" * 1000)
        work.summary["adapter_hash"] = file_hash(run.adapter() / "adapter_model.safetensors")
    return run


def test_a_power_cut_at_any_moment_leaves_no_run_that_says_done_and_is_not_whole(home, platter, tmp_path):
    cuts, ends = iter(range(10_000)), []

    def cut() -> None:
        found = Home(platter.after_power_cut(tmp_path / f"cut-{next(cuts)}"))
        for path in found.runs.glob("[!.]*-*"):
            run = RunFolder(path)
            assert run.config.id == run.id, "a run's folder has its configuration from the beginning"
            result = run.result
            ends.append((run.config.kind, result and result["state"]))
            for name, sealed in (result or {"files": {}})["files"].items():
                assert file_hash(path / f"{name}.jsonl") == sealed["sha256"]
            if result and run.config.kind == "sft":
                assert file_hash(run.adapter() / "adapter_model.safetensors") == result["summary"]["adapter_hash"]

    platter.after_each = cut
    dataset = toy_dataset(home, tmp_path / "given", copies=1)
    do_a_training(home, dataset.id)
    assert {("import", None), ("import", "done"), ("sft", None), ("sft", "done")} <= set(ends)
    found = Home(platter.after_power_cut(tmp_path / "after"))
    with open_store(found) as store:
        store.ingest()
        assert store.problems == [] and store.rows("SELECT count(*) FROM items") == [(12,)]
        assert store.rows("SELECT count(*) FROM runs WHERE complete") == [(2,)]


def test_what_a_person_did_and_registered_is_there_after_a_power_cut(home, platter, tmp_path):
    journal.record(home, "archive", "import-1f03")
    home.models.mkdir()
    durable.flush_path(home.path)
    register_server(home, "mine", ServerRef(url="http://127.0.0.1:1/v1", model="it"))
    found = Home(platter.after_power_cut(tmp_path / "after"))
    assert journal.archived(found) == {"import-1f03"}
    assert "mine" in registrations(found) and registrations(found)["mine"].server.model == "it"


@pytest.mark.parametrize("seal", [b"", b"{", b"[]", b'{"state": "done"}', b"\0" * 500])
def test_a_seal_that_cannot_be_read_counts_as_none_and_the_run_is_resumed_and_sealed(home, tmp_path, seal):
    dataset = toy_dataset(home, tmp_path)
    run = create_run(home, RunConfig(kind="sample", label="a", settings={}, parents={"dataset": dataset.id}))
    with Work(run) as work:
        work.append("explanations", [explanation(0)])
    (run.path / "result.json").write_bytes(seal)
    assert run.result is None and run.state == "lost"
    assert "`anchorlab resume" in run.damage[0] and "result.json" in run.damage[0]
    with Work(run) as work:
        assert work.folder.read("explanations", Explanation) == [explanation(0)]
        work.append("explanations", [explanation(1)])
    assert run.state == "done" and run.damage == [] and run.result["files"]["explanations"]["rows"] == 2


def test_a_seal_has_its_room_from_the_beginning(home):
    run = create_run(home, RunConfig(kind="sft", label="a", settings={}))
    assert (run.path / "result.json.new").stat().st_size == ROOM
    try:
        with Work(run):
            raise ValueError("x" * 3 * ROOM)
    except ValueError:
        assert run.result["state"] == "failed"
    assert json.loads((run.path / "result.json").read_text())["error"]["message"].startswith("ValueError: x")
    assert take_lock(run) is not None


WRITERS = {
    "core/durable.py": "the one place",
    "core/runs/seals.py": "over the room it took, then flushed and moved by it",
    "core/runs/work.py": "rows, flushed before the seal",
    "core/runs/folders.py": "the lock",
    "core/runs/detached.py": "logs",
    "core/runs/removal.py": "a run that is deleted: a power cut leaves it or takes it",
    "core/data/datasets.py": "a lock",
    "core/store/journal.py": "lines, each flushed",
    "core/store/files.py": "files for other programs",
    "core/store/database.py": "the database, which can be made again",
    "core/playground/rounds.py": "a round that is played, which can be asked again",
    "core/playground/sessions.py": "a lock",
    "core/annotation/exporting.py": "files for other programs",
    "core/analysis/figures.py": "files for other programs",
    "core/sharing.py": "files for other programs",
    "core/models/finding.py": "models, which can be fetched again",
    "core/loading/fetching.py": "data sets of the Hub, which can be fetched again",
    "core/data/foreign.py": "a file of one import alone",
    "core/hashing.py": "hashes, which can be computed again",
    "core/cli/votes.py": "files for other programs",
    "core/settings_docs.py": "a page of the docs",
    "core/playground/exporting.py": "files for other programs",
    "app/uploads.py": "files of the browser, copied into a run when they are loaded",
    "app/long_texts.py": "texts of a page's address",
}
"""Module that writes by itself → what, and why that needs no flush of `core.durable`."""


def test_no_other_module_writes_state_past_the_one_place():
    found = {
        path.relative_to(PROJECT).as_posix()
        for folder in ("core", "app", "pages")
        for path in (PROJECT / folder).rglob("*.py")
        if any(_writes(node) for node in ast.walk(ast.parse(path.read_text())))
    }
    assert found - WRITERS.keys() == set()


def _writes(node: ast.AST) -> bool:
    """Whether this is a call that writes a file or gives one its name."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    if node.func.attr in ("write_text", "write_bytes", "rename"):
        return bool(node.args)
    modes = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    return node.func.attr == "open" and any(mode[:1] in "wax" or "+" in mode for mode in modes if mode)


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_no_draft(tmp_path):
    (tmp_path / "kept").write_text("old")
    with pytest.raises(UnicodeEncodeError):
        durable.write_file(tmp_path / "kept", "\ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"] and (tmp_path / "kept").read_text() == "old"
