"""Run folders: identity by content, state from the folder, what a killed writer leaves behind."""

import fcntl
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import BadInput, RunStopped
from core.records import Reject
from core.runs.folders import ModelUse, RunConfig, RunFolder, all_runs, create_run, find_run
from core.runs.launcher import take_lock
from core.runs.work import Work, cut_torn_line


def config(**changes) -> RunConfig:
    return RunConfig(**({"kind": "import", "label": "toy", "settings": {"seed": 0}} | changes))


def reject(row: int) -> Reject:
    return Reject(file="toy.jsonl", row=row, reason="empty", raw="{}")


def test_the_same_work_has_the_same_id_and_other_work_another():
    model = ModelUse(name="m", hash="h", path="/here")
    assert config().id == config(label="other name").id
    assert config(model=model).id == config(model=model.model_copy(update={"path": "/there"})).id
    other = [
        config(settings={"seed": 1}),
        config(parents={"dataset": "d"}),
        config(inputs={"prompt": "p"}),
        config(model=model),
        config(model=model.model_copy(update={"chain": ["sft-1"]})),
    ]
    assert len({c.id for c in [config(), *other]}) == 6


def test_a_run_that_is_asked_for_many_times_at_once_is_one_folder(home):
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: create_run(home, config()), range(32)))
    assert {folder.id for folder in folders} == {config().id}
    assert os.listdir(home.runs) == [config().id]


def test_state_follows_lock_and_seal(home):
    folder = create_run(home, config())
    assert folder.state == "lost"
    lock = take_lock(folder)
    assert folder.state == "queued"
    with Work(folder) as work:
        assert folder.state == "queued"
        work.started()
        assert folder.state == "running"
    os.close(lock)
    assert folder.state == "done"


@pytest.mark.parametrize(("error", "state"), [(RunStopped("enough"), "stopped"), (BadInput("no such file"), "failed")])
def test_the_seal_says_how_it_ended(home, error, state):
    folder = create_run(home, config())
    try:
        with Work(folder) as work:
            work.append("items", [])
            raise error
    except BadInput:
        assert state == "failed"
    assert folder.result["state"] == state
    assert folder.result["error"]["message"] == str(error)


def test_the_seal_counts_rows_and_a_resumed_run_appends_to_them(home):
    folder = create_run(home, config())
    with Work(folder) as work:
        work.append("rejects", [reject(1), reject(2)])
        raise RunStopped("half way")
    with Work(folder) as work:
        work.append("rejects", [reject(3)])
    assert folder.result["files"]["rejects"]["rows"] == 3
    assert [row.row for row in folder.read("rejects", Reject)] == [1, 2, 3]


def test_a_torn_last_line_is_cut_and_never_read(home):
    folder = create_run(home, config())
    with Work(folder) as work:
        work.append("rejects", [reject(1)])
    path = folder.path / "rejects.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"file": "toy.js')
    assert len(folder.read("rejects", Reject)) == 1
    cut_torn_line(path)
    assert path.read_bytes() == whole


def test_cutting_finds_the_last_line_end_far_back(tmp_path):
    path = tmp_path / "long.jsonl"
    path.write_bytes(b"{}\n" + b"x" * 200_000)
    cut_torn_line(path)
    assert path.read_bytes() == b"{}\n"


def test_a_lock_has_one_holder(home):
    folder = create_run(home, config())
    first = take_lock(folder)
    assert take_lock(folder) is None
    fcntl.flock(first, fcntl.LOCK_UN)
    assert take_lock(folder) is not None


def test_a_run_needs_its_parents_done(home):
    parent = create_run(home, config())
    folder = create_run(home, config(kind="pairs", parents={"dataset": parent.id}))
    with pytest.raises(BadInput, match="not done"):
        Work(folder).parent("dataset")


def test_runs_are_found_by_the_beginning_of_their_id(home):
    folder = create_run(home, config())
    create_run(home, config(settings={"seed": 5}))
    assert find_run(home, folder.id[:12]).path == folder.path
    assert len(all_runs(home)) == 2
    with pytest.raises(BadInput, match="2 do"):
        find_run(home, "import-")
    with pytest.raises(BadInput, match="none does"):
        find_run(home, "sft-")


def test_reading_a_run_changes_nothing(home):
    folder = create_run(home, config())
    before = {path.name: path.stat().st_mtime_ns for path in folder.path.iterdir()}
    RunFolder(folder.path).state, RunFolder(folder.path).events()
    assert {path.name: path.stat().st_mtime_ns for path in folder.path.iterdir()} == before
