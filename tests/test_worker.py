"""Real workers in real processes: kill -9 anywhere, stop, resume, queue, a pipeline run twice."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter

import pytest

from core.errors import BadInput
from core.home import PROJECT
from core.models.variants import use_of
from core.records import Explanation
from core.runs.folders import RunFolder, create_run
from core.runs.launcher import launch, resume, stop
from core.runs.pipeline import steps_of
from core.runs.plan import run_config
from core.runs.work import Work
from core.runs.worker import run_stage
from core.settings import SampleSettings, Selection
from core.store.database import open_store
from tests.lab import toy_dataset, toy_pipeline_run, wait_until
from tests.tiny import tiny_model


def long_sample(home, tmp_path, seed: int = 0):
    """A sample run of several batches: 16 questions of 64 short responses, two questions a batch."""
    dataset = toy_dataset(home, tmp_path)
    settings = SampleSettings(n=64, max_new_tokens=24, select=Selection(split="train"), seed=seed)
    return run_config("sample", "base", settings, {"dataset": dataset.id}, use_of(tiny_model(tmp_path / "tiny")))


def holder(folder: RunFolder) -> int:
    return int((folder.path / "lock").read_text())


def responses(folder: RunFolder) -> dict[tuple[str, int], str]:
    rows = folder.read("explanations", Explanation)
    keys = Counter((row.item_id, row.sample) for row in rows)
    assert max(keys.values()) == 1, "a row is doubled"
    return {(row.item_id, row.sample): row.response for row in rows}


INGEST_FOR_EVER = """
from core.home import default_home
from core.store.database import open_store

with open_store(default_home()) as store:
    while True:
        store.ingest()
"""


def test_worker_and_database_killed_at_once_leave_the_rows_of_an_undisturbed_run(home, tmp_path):
    folder = launch(home, long_sample(home, tmp_path))
    for lines in (1, 300, 600):
        owner = subprocess.Popen([sys.executable, "-c", INGEST_FOR_EVER], cwd=PROJECT)
        wait_until(lambda wanted=lines: sum(1 for _ in folder.lines("explanations")) >= wanted or folder.result)
        owner.kill()
        owner.wait()
        if folder.result:
            break
        os.killpg(holder(folder), signal.SIGKILL)
        wait_until(lambda: not folder.alive)
        assert folder.state == "lost"
        with (folder.path / "explanations.jsonl").open("ab") as file:
            file.write(b'{"item_id": "torn')
        assert resume(folder)
    wait_until(lambda: not folder.alive)
    assert folder.state == "done"
    assert folder.result["summary"]["explanations"] == 64 * folder.result["summary"]["questions"]
    with open_store(home) as store:
        store.ingest()
        stored = store.rows("SELECT item_id, sample, response FROM explanations WHERE run = ?", [folder.id])
        assert store.problems == []
    assert len(stored) == 64 * 16
    assert {(item, sample): text for item, sample, text in stored} == responses(folder)

    undisturbed = type(home)(tmp_path / "other")
    whole = create_run(undisturbed, long_sample(undisturbed, tmp_path))
    with Work(whole) as work:
        run_stage(work)
    assert responses(whole) == responses(folder)


def test_stop_keeps_what_was_done_and_resume_finishes(home, tmp_path):
    folder = launch(home, long_sample(home, tmp_path))
    wait_until(lambda: any(folder.lines("explanations")))
    stop(folder)
    assert folder.state == "stopped"
    assert not folder.alive
    kept = sum(1 for _ in folder.lines("explanations"))
    assert kept >= 1
    resume(folder)
    wait_until(lambda: not folder.alive)
    assert folder.state == "done"
    assert len(responses(folder)) == 64 * 16


def test_asking_twice_starts_one_worker_and_finished_work_is_not_redone(home, tmp_path):
    config = long_sample(home, tmp_path)
    first, second = launch(home, config), launch(home, config)
    assert first.path == second.path
    wait_until(lambda: not first.alive)
    sealed = (first.path / "result.json").stat().st_mtime_ns
    launch(home, config)
    assert not first.alive
    assert (first.path / "result.json").stat().st_mtime_ns == sealed
    assert [e["forked"] for e in first.events() if e["type"] == "started"] == [False]


def test_two_runs_wait_for_the_one_slot(home, tmp_path):
    first = launch(home, long_sample(home, tmp_path))
    wait_until(lambda: first.state == "running")
    second = launch(home, long_sample(home, tmp_path, seed=1))
    wait_until(lambda: any(e["type"] == "queued" for e in second.events()))
    assert second.state == "queued"
    stop(second)
    assert second.state == "stopped"
    assert first.alive
    stop(first)


def test_stopping_what_does_not_run_says_so(home, tmp_path):
    folder = toy_dataset(home, tmp_path)
    with pytest.raises(BadInput, match="nothing to stop"):
        stop(folder)


def test_a_failing_run_says_why(home, tmp_path):
    config = long_sample(home, tmp_path)
    broken = config.model_copy(update={"model": config.model.model_copy(update={"path": str(tmp_path / "gone")})})
    folder = launch(home, broken)
    wait_until(lambda: not folder.alive)
    assert folder.state == "failed"
    assert str(tmp_path / "gone") in folder.result["error"]["message"]


@pytest.mark.timeout(600)
def test_a_pipeline_survives_kills_fills_everything_and_repeats_nothing(home, tmp_path):
    config = toy_pipeline_run(home, tmp_path, strategies=["anchor"], variants=["anchor"])
    steps = steps_of(config)
    folder = launch(home, config)
    third = RunFolder(home.runs / steps[2].id)
    wait_until(lambda: third.path.exists() and third.alive)
    os.killpg(holder(folder), signal.SIGKILL)  # the pipeline dies, its child goes on
    wait_until(lambda: not folder.alive)
    assert folder.state == "lost"
    resume(folder)
    wait_until(lambda: not folder.alive, seconds=400)
    assert folder.result["error"] is None, folder.result
    assert {RunFolder(home.runs / step.id).state for step in steps} == {"done"}
    started = [e for step in steps for e in RunFolder(home.runs / step.id).events() if e["type"] == "started"]
    assert any(event["forked"] for event in started)

    seals = {step.id: (home.runs / step.id / "result.json").stat().st_mtime_ns for step in steps}
    launch(home, config)
    assert not folder.alive, "a finished pipeline has nothing to do"
    resume(folder)
    wait_until(lambda: not folder.alive)
    assert seals == {step.id: (home.runs / step.id / "result.json").stat().st_mtime_ns for step in steps}
    assert json.loads((folder.path / "result.json").read_text())["state"] == "done"
