"""Memory of a container is its limit and not the machine's; a run killed for it says so."""

from pathlib import Path

import psutil
import pytest

from core.home import Home
from core.machine import free_memory, kills_for_memory
from core.runs.folders import RunConfig, create_run
from core.runs.lost import why_lost
from core.runs.work import Work

MIB = 2**20


def files(folder: Path, **contents: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def test_the_limit_of_a_container_counts_and_what_its_files_hold_in_memory_can_be_dropped(tmp_path):
    files(tmp_path, own="0::/box")
    stat = f"anon 5\ninactive_file {20 * MIB}"
    files(tmp_path / "v2" / "box", memory__max=100 * MIB, memory__current=60 * MIB, memory__stat=stat)
    assert free_memory(tmp_path / "v2", tmp_path / "own") == 60 * MIB
    files(tmp_path, own="4:cpu,memory:/docker/a1\n0::/")
    stat = f"total_inactive_file {MIB}"
    usage = {"memory__limit_in_bytes": 50 * MIB, "memory__usage_in_bytes": 40 * MIB, "memory__stat": stat}
    files(tmp_path / "v1" / "memory", **usage)  # the path of the host is not seen inside
    assert free_memory(tmp_path / "v1", tmp_path / "own") == 11 * MIB


def test_the_tightest_of_the_groups_around_it_counts_and_no_limit_is_the_machines(tmp_path):
    files(tmp_path, own="0::/a/b")
    files(tmp_path / "a" / "b", memory__max="max", memory__current=5)
    available = psutil.virtual_memory().available
    assert free_memory(tmp_path, tmp_path / "own") == pytest.approx(available, rel=0.3)
    files(tmp_path / "a", memory__max=3000, memory__current=1000)
    assert free_memory(tmp_path, tmp_path / "own") == 2000
    files(tmp_path, memory__max=500, memory__current=1000)
    assert free_memory(tmp_path, tmp_path / "own") == 0


def test_kills_are_those_of_the_container_else_of_the_machine(tmp_path):
    files(tmp_path, own="0::/box", vmstat="pgfault 9\noom_kill 7")
    assert kills_for_memory(tmp_path, tmp_path / "own", tmp_path / "vmstat") == 7
    files(tmp_path / "box", memory__events="low 0\noom 3\noom_kill 2")
    assert kills_for_memory(tmp_path, tmp_path / "own", tmp_path / "vmstat") == 2
    assert kills_for_memory(tmp_path, tmp_path / "none", tmp_path / "none") is None


def test_a_run_that_was_killed_while_memory_ran_out_says_memory(home: Home):
    run = create_run(home, RunConfig(kind="sft", label="a", settings={}))
    work = Work(run).__enter__()
    work.started()
    assert run.state == "lost"
    before = run.events()[-1]["kills_for_memory"] or 0
    assert why_lost(run, before) == "its worker was killed"
    assert "ran out of memory" in why_lost(run, before + 1)
