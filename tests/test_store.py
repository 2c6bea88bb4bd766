"""The database against run folders: every line exactly once, nothing half-believed, whatever gets killed.

Run folders are made by hand with `create_run` and `Work`, so that they cost milliseconds; other processes
are real ones.
"""

import io
import json
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pandas as pd
import pytest
from rich.console import Console

from core.analysis.report import show_evaluation
from core.analysis.results import details, evaluations
from core.errors import BadInput, LabError, RunStopped, StoreBusy
from core.home import PROJECT, Home
from core.method.categories import categorise_items
from core.records import CriterionVerdict, Dropped, Explanation, Item, Judgement, Option, Pair, Record, Reject, Side
from core.runs.folders import ModelUse, RunConfig, RunFolder, all_runs, create_run
from core.runs.work import Work
from core.settings import CompareSettings, ImportSettings, JudgeSettings, PairSettings, SampleSettings
from core.store.database import Store, announce, any_store, open_store, rebuild
from core.store.queries import verdicts
from core.store.schema import MIGRATIONS

TABLE_OF = {
    "events": "events",
    "items": "items",
    "rejects": "rejects",
    "explanations": "explanations",
    "judgements": "scores",
    "pairs": "pairs",
    "dropped": "dropped",
}
"""Record file → table with a row a line."""


# --- run folders by hand


def sealed(home: Home, config: RunConfig, rows: dict[str, Sequence[Record]], **summary) -> RunFolder:
    """A run that did its work; one that has been at work goes on."""
    folder = create_run(home, config)
    with Work(folder) as work:
        work.started()
        for name, records in rows.items():
            work.append(name, records)
        work.cost(10, 20, 0.5)
        work.summary |= summary
    return folder


def stopped(home: Home, config: RunConfig, rows: dict[str, Sequence[Record]]) -> RunFolder:
    folder = create_run(home, config)
    with Work(folder) as work:
        for name, records in rows.items():
            work.append(name, records)
        raise RunStopped("half way")
    return folder


def import_config(name: str = "toy") -> RunConfig:
    return RunConfig(kind="import", label=name, settings=ImportSettings(name=name).model_dump(mode="json"))


def sample_config(dataset: str, label: str = "base", chain: Sequence[str] = (), **settings) -> RunConfig:
    return RunConfig(
        kind="sample",
        label=label,
        settings=SampleSettings(**{"n": 2} | settings).model_dump(mode="json"),
        model=ModelUse(name="tiny", hash="weights", path="/here", chain=list(chain)),
        parents={"dataset": dataset},
    )


def judge_config(dataset: str, samples: str, chain: Sequence[str] = (), **settings) -> RunConfig:
    return RunConfig(
        kind="judge",
        label="judge",
        settings=JudgeSettings(**settings).model_dump(mode="json"),
        model=ModelUse(name="judge", hash="judge weights", path="/here", chain=list(chain)),
        parents={"dataset": dataset, "samples": samples},
    )


def question(i: int, gold: str | None = "A") -> Item:
    options = [Option(label="A", text="wood"), Option(label="B", text="metal")]
    return Item(id=f"q{i}", split="test", question=f"What is thing {i} made of?", options=options, gold=gold)


def response(item: str, sample: int, parsed: str | None = "A", **changes) -> Explanation:
    values = {
        "item_id": item,
        "sample": sample,
        "response": f"It is number {item}.\nAnswer: {parsed}",
        "explanation": f"It is number {item}.",
        "parsed": parsed,
        "forced": parsed or "B",
        "forced_probabilities": None if parsed else [0.25, 0.75],
        "tokens": 7,
        "finish": "stop",
        "seed": 2**62 + sample,
    }
    return Explanation(**values | changes)


def judgement(row: Explanation, value: float, **changes) -> Judgement:
    given = [
        CriterionVerdict(criterion=name, verdict="good", value=value / 2, probabilities=[0.1, 0.2, 0.3, 0.4])
        for name in ("clarity", "depth")
    ]
    values = {"item_id": row.item_id, "sample": row.sample, "origin": "model", "verdicts": given}
    values |= {"total": round(value), "expected": value, "reply": None, "unjudged": None}
    return Judgement(**values | changes)


def responses(questions: int, n: int) -> list[Explanation]:
    """N responses a question: right, unparsed, right, …"""
    return [response(f"q{i}", k, "A" if k % 2 == 0 else None) for i in range(questions) for k in range(n)]


def imported(home: Home, questions: int = 6, name: str = "toy") -> RunFolder:
    rejects = [Reject(file="toy.jsonl", row=99, reason="empty", raw="{}")]
    return sealed(home, import_config(name), {"items": [question(i) for i in range(questions)], "rejects": rejects})


@dataclass(frozen=True)
class Loop:
    """A small home with one run of each kind that has rows."""

    dataset: RunFolder
    samples: RunFolder
    judge: RunFolder
    pairs: RunFolder


def whole_loop(home: Home, questions: int = 6, n: int = 2) -> Loop:
    """Import, samples, judgements, and pairs of every question but the last."""
    dataset = imported(home, questions)
    rows = responses(questions, n)
    samples = sealed(home, sample_config(dataset.id, n=n), {"explanations": rows}, responses_hash="r")
    scored = [judgement(row, 10.0 - row.sample) for row in rows]
    judge = sealed(home, judge_config(dataset.id, samples.id), {"judgements": scored})
    config = RunConfig(
        kind="pairs",
        label="rank",
        settings=PairSettings(strategy="rank").model_dump(mode="json"),
        parents={"dataset": dataset.id, "samples": samples.id, "judgements": judge.id},
    )
    ids = [f"q{i}" for i in range(questions)]
    chosen = [pair(samples.id, item) for item in ids[:-1]]
    dropped = [Dropped(item_id=ids[-1], category=None, reason="uncategorised")]
    return Loop(dataset, samples, judge, sealed(home, config, {"pairs": chosen, "dropped": dropped}))


def pair(samples: str, item: str) -> Pair:
    best = Side(run=samples, sample=0, text="good", score=10.0, prediction="A", correct=True)
    worst = Side(run=samples, sample=1, text="bad", score=9.0, prediction=None, correct=False)
    return Pair(
        item_id=item,
        category="variable",
        reason="best_over_random",
        chosen=best,
        rejected=worst,
        answer_line_added=False,
    )


# --- what is in the folders, and in the database


def lines_of(home: Home) -> dict[str, int]:
    """Table → lines of the files behind it."""
    folders = all_runs(home)
    return {table: sum(1 for run in folders for _ in run.lines(name)) for name, table in TABLE_OF.items()}


def rows_in(store: Store, run: RunFolder | None = None) -> dict[str, int]:
    """Table → its rows, of one run or of all."""
    where = f"WHERE run = '{run.id}'" if run else ""
    return {table: store.rows(f"SELECT count(*) FROM {table} {where}")[0][0] for table in TABLE_OF.values()}


def contents(store: Store) -> dict[str, list[str]]:
    """Every row of every table and view, in no order; of migrations the names."""
    what = {table: "*" for table in store.tables()} | {"migrations": "name"}
    return {table: sorted(map(repr, store.rows(f"SELECT {some} FROM {table}"))) for table, some in what.items()}


def opened(home: Home) -> Store:
    store = open_store(home)
    store.ingest()
    return store


def edit(folder: RunFolder, name: str, change) -> bytes:
    """Change a file of a run; what it was."""
    path = folder.path / name
    before = path.read_bytes()
    path.write_bytes(change(before))
    return before


@contextmanager
def process(script: str, *arguments: object):
    """Another Python process of this lab; killed at the end if it still lives."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    child = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


# --- exactly once


def test_every_line_of_the_run_folders_comes_in_exactly_once(home):
    whole_loop(home)
    with open_store(home) as store:
        assert store.ingest() == sum(lines_of(home).values())
        assert rows_in(store) == lines_of(home)
        assert store.rows("SELECT count(*) FROM verdicts") == [(2 * lines_of(home)["scores"],)]
        assert store.rows("SELECT count(*) FROM runs WHERE complete AND state = 'done'") == [(4,)]
        assert store.ingest() == 0
        assert rows_in(store) == lines_of(home)
        assert store.problems == []


def test_a_store_that_is_opened_again_has_nothing_to_take_in(home):
    whole_loop(home)
    with opened(home) as store:
        before = contents(store)
    with open_store(home) as store:
        assert store.ingest() == 0
        assert contents(store) == before


def test_lines_come_in_as_they_are_appended_and_a_torn_one_when_it_is_whole(home):
    dataset = imported(home)
    folder = create_run(home, sample_config(dataset.id))
    first, second, third = (row.model_dump_json().encode() + b"\n" for row in responses(3, 1))
    with opened(home) as store, (folder.path / "explanations.jsonl").open("ab", buffering=0) as file:
        file.write(first + second[:20])
        assert store.ingest() == 1
        file.write(second[20:-1])
        assert store.ingest() == 0
        file.write(b"\n" + third)
        assert store.ingest() == 2
        assert store.rows("SELECT seq, item_id FROM explanations ORDER BY seq") == [(0, "q0"), (1, "q1"), (2, "q2")]


INGEST_FOR_EVER = """
import core.store.ingest
from core.home import default_home
from core.store.database import open_store

core.store.ingest.CHUNK_BYTES = 2048
with open_store(default_home()) as store:
    print("open", flush=True)
    while True:
        store.ingest()
"""

APPEND_IN_PIECES = """
import sys, time
from pathlib import Path

source, target = map(Path, sys.argv[1:])
lines = source.read_bytes()
with target.open("ab", buffering=0) as file:
    for start in range(0, len(lines), 777):
        file.write(lines[start : start + 777])
        time.sleep(0.002)
"""


def kill_while_ingesting(seconds: float) -> None:
    with process(INGEST_FOR_EVER) as child:
        assert child.stdout.readline() == "open\n"
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL


def lines_taken(home: Home, run: RunFolder) -> int:
    """Rows of a run that a killed ingester left, after checking that rows and offsets agree everywhere."""
    with open_store(home) as store:
        for name, table in TABLE_OF.items():
            counted = f"SELECT run, count(*) FROM {table} GROUP BY run ORDER BY run"
            offsets = f"SELECT run, lines FROM ingested WHERE file = '{name}' AND lines > 0 ORDER BY run"
            assert store.rows(counted) == store.rows(offsets), name
        assert store.rows("SELECT count(*) FROM verdicts") == store.rows("SELECT 2 * count(*) FROM scores")
        return sum(rows_in(store, run).values()) - rows_in(store, run)["events"]


def kill_three_times(home: Home, run: RunFolder, of: int) -> None:
    """Kill ingesters at three moments, at least two of them amid the lines of a run that will have `of`."""
    reached = []
    for seconds in (0.1, 0.25, 0.4):
        kill_while_ingesting(seconds)
        reached.append(lines_taken(home, run))
    assert len({lines for lines in reached if 0 < lines < of}) >= 2, f"kills have to land inside: {reached}"


def test_an_ingester_killed_amid_a_finished_run_loses_and_doubles_nothing(home):
    dataset = imported(home, 600)
    opened(home).close()
    samples = sealed(home, sample_config(dataset.id, n=4), {"explanations": responses(600, 4)})
    kill_three_times(home, samples, 2400)
    with opened(home) as store:
        assert rows_in(store) == lines_of(home)
        assert store.rows("SELECT count(*), count(DISTINCT (item_id, sample)) FROM explanations") == [(2400, 2400)]
        assert store.rows("SELECT count(*) FROM runs WHERE complete") == [(2,)]


def test_an_ingester_killed_while_a_run_is_written_loses_and_doubles_nothing(home, tmp_path):
    dataset = imported(home, 600)
    rows = responses(600, 4)
    samples = sealed(home, sample_config(dataset.id, n=4), {"explanations": rows})
    opened(home).close()
    judge = create_run(home, judge_config(dataset.id, samples.id))
    source = tmp_path / "judgements.jsonl"
    source.write_text("".join(judgement(row, 9.0).model_dump_json() + "\n" for row in rows))
    with process(APPEND_IN_PIECES, source, judge.path / "judgements.jsonl") as appender:
        kill_three_times(home, judge, 2400)
        appender.wait(60)
    sealed(home, judge.config, {})
    with opened(home) as store:
        assert rows_in(store) == lines_of(home)
        assert store.rows("SELECT count(*), count(DISTINCT (item_id, sample)) FROM scores") == [(2400, 2400)]
        assert store.rows("SELECT count(DISTINCT (item_id, sample, criterion)) FROM verdicts") == [(4800,)]
        assert store.rows("SELECT count(*) FROM runs WHERE complete") == [(3,)]


def test_a_run_that_is_resumed_again_and_again_while_it_is_read_is_never_called_broken(home):
    dataset = imported(home)
    config = sample_config(dataset.id)

    def resume_often() -> None:
        for i in range(40):
            stopped(home, config, {"explanations": [response("q0", i)]})
            time.sleep(0.01)

    with opened(home) as store, ThreadPoolExecutor(1) as pool:
        resuming = pool.submit(resume_often)
        while not resuming.done():
            store.ingest()
            assert store.problems == []
        resuming.result()
        store.ingest()
        assert store.rows("SELECT sample FROM explanations ORDER BY seq") == [(i,) for i in range(40)]


# --- nothing half-believed


def remove_first_line(text: bytes) -> bytes:
    return text.split(b"\n", 1)[1]


CHANGES = {
    "a byte edited": ("explanations.jsonl", lambda text: text.replace(b"number q2", b"number q7")),
    "a row removed": ("explanations.jsonl", remove_first_line),
    "a row added": ("explanations.jsonl", lambda text: text + text.splitlines(keepends=True)[0]),
    "an event removed": ("events.jsonl", remove_first_line),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_run_changed_after_its_seal_is_left_out_with_the_reason_until_it_is_put_right(home, change):
    file, how = CHANGES[change]
    loop = whole_loop(home)
    before = edit(loop.samples, file, how)
    with opened(home) as store:
        assert [line for line in store.problems if f"The rows of {loop.samples.id} are left out: its" in line]
        assert not any(rows_in(store, loop.samples).values())
        assert rows_in(store, loop.dataset)["items"] == 6
        assert store.ingest() == 0
    (loop.samples.path / file).write_bytes(before)
    with opened(home) as store:
        assert store.problems == []
        assert rows_in(store) == lines_of(home)


def test_a_seal_that_cannot_be_read_counts_as_none_and_its_rows_come_in(home):
    loop = whole_loop(home)
    before = edit(loop.samples, "result.json", lambda text: text[:40])
    with opened(home) as store:
        (problem, *waiting) = store.problems
        assert problem.startswith(f"result.json of {loop.samples.id} cannot be read (")
        assert problem.endswith(
            f"the run counts as not ended; `anchorlab resume {loop.samples.id}` makes what is missing again."
        )
        assert f"The rows of {loop.judge.id} are left out until the runs it was made from are in." in waiting
        assert rows_in(store, loop.samples)["explanations"] and loop.samples.state == "lost"
    (loop.samples.path / "result.json").write_bytes(before)
    with opened(home) as store:
        assert store.problems == [] and rows_in(store) == lines_of(home)


def test_a_run_that_was_put_right_is_in_a_database_made_anew(home):
    loop = whole_loop(home)
    before = edit(loop.judge, "judgements.jsonl", remove_first_line)
    with opened(home) as store:
        assert rows_in(store)["scores"] == 0
    (loop.judge.path / "judgements.jsonl").write_bytes(before)
    with rebuild(home) as store:
        assert rows_in(store) == lines_of(home)


def test_a_sealed_file_that_is_gone_is_missed_even_if_it_was_empty(home):
    dataset = sealed(home, import_config(), {"items": [question(0)]})
    other = imported(home, name="other")
    (dataset.path / "rejects.jsonl").unlink()
    with opened(home) as store:
        assert dataset.id in " ".join(store.problems)
        assert rows_in(store, other)["items"] == 6


LINE = json.loads(response("q0", 0).model_dump_json())
NO_RECORDS = {
    "a field too many": json.dumps(LINE | {"more": 1}),
    "a field too few": json.dumps({name: value for name, value in LINE.items() if name != "seed"}),
    "a fraction for a whole number": json.dumps(LINE | {"tokens": 1.6}),
    "half a character": json.dumps(LINE | {"response": "\ud800"}),
    "a number that no column holds": json.dumps(LINE | {"tokens": 2**40}),
    "a number that no machine word holds": json.dumps(LINE | {"seed": 2**70}),
    "an unknown question": json.dumps(LINE | {"item_id": "q77"}),
    "no JSON": "{",
}


@pytest.mark.parametrize("what", NO_RECORDS)
def test_a_line_that_is_no_record_leaves_its_run_out_and_no_other(home, what):
    dataset = imported(home)
    broken = create_run(home, sample_config(dataset.id))
    (broken.path / "explanations.jsonl").write_text(
        response("q1", 0).model_dump_json() + "\n" + NO_RECORDS[what] + "\n"
    )
    later = sealed(home, sample_config(dataset.id, seed=1), {"explanations": responses(3, 2)})
    with opened(home) as store:
        assert [line for line in store.problems if broken.id in line]
        assert not any(rows_in(store, broken).values())
        assert rows_in(store, later)["explanations"] == 6


@pytest.mark.parametrize("line", ["5", '{"type": "note"}', '{"t": 1.0, "type": "note", "text": "\\ud800"}'])
def test_a_line_that_is_no_event_leaves_its_run_out_and_no_other(home, line):
    broken = imported(home, name="broken")
    edit(broken, "events.jsonl", lambda text: text + line.encode() + b"\n")
    other = imported(home)
    with opened(home) as store:
        assert [problem for problem in store.problems if broken.id in problem]
        assert rows_in(store, other)["items"] == 6


def test_a_judgement_of_nothing_leaves_its_run_out(home):
    dataset = imported(home)
    samples = sealed(home, sample_config(dataset.id), {"explanations": responses(6, 2)})
    judge = sealed(home, judge_config(dataset.id, samples.id), {"judgements": [judgement(response("q0", 9), 9.0)]})
    with opened(home) as store:
        assert [line for line in store.problems if judge.id in line]
        assert store.rows("SELECT count(*) FROM verdicts") == [(0,)]


def test_a_broken_line_of_a_living_run_is_named_until_the_run_is_sealed_without_it(home):
    dataset = imported(home)
    config = sample_config(dataset.id)
    folder = create_run(home, config)
    (folder.path / "explanations.jsonl").write_text("{}\n")
    with opened(home) as store:
        assert folder.id in store.problems[0]
        (folder.path / "explanations.jsonl").unlink()
        sealed(home, config, {"explanations": responses(6, 2)})
        store.ingest()
        assert store.problems == []
        assert rows_in(store) == lines_of(home)


# --- parents and children


def test_rows_wait_until_those_of_their_parents_are_in(home):
    loop = whole_loop(home)
    aside = home.path / "aside"
    loop.samples.path.rename(aside)
    with opened(home) as store:
        assert rows_in(store, loop.judge)["scores"] == 0
        assert rows_in(store, loop.judge)["events"] == 4
        assert f"The rows of {loop.judge.id} are left out until the runs it was made from are in." in store.problems
        aside.rename(loop.samples.path)
        store.ingest()
        assert rows_in(store) == lines_of(home)
        assert store.problems == []


def test_rows_of_a_stopped_run_wait_for_those_of_its_parents_too(home):
    dataset = imported(home)
    folder = stopped(home, sample_config(dataset.id), {"explanations": responses(3, 2)})
    aside = home.path / "aside"
    dataset.path.rename(aside)
    with opened(home) as store:
        assert rows_in(store, folder)["explanations"] == 0
        aside.rename(dataset.path)
        store.ingest()
        assert rows_in(store, folder)["explanations"] == 6


def test_a_resumed_run_keeps_its_rows_and_is_complete_in_the_end(home):
    dataset = imported(home)
    config = sample_config(dataset.id)
    rows = responses(6, 2)
    folder = stopped(home, config, {"explanations": rows[:5]})
    query = f"SELECT state, complete FROM runs WHERE id = '{folder.id}'"
    with opened(home) as store:
        assert store.rows(query) == [("stopped", False)]
        assert rows_in(store)["explanations"] == 5
        with Work(folder) as work:
            work.append("explanations", rows[5:8])
            store.ingest()
            assert store.rows(query) == [(None, False)]
            assert rows_in(store)["explanations"] == 8
            work.append("explanations", rows[8:])
        store.ingest()
        assert store.rows(query) == [("done", True)]
        assert rows_in(store) == lines_of(home)


def test_an_import_that_starts_over_replaces_the_rows_of_its_first_attempt(home):
    folder = stopped(home, import_config(), {"items": [question(i) for i in range(9)]})
    with opened(home) as store:
        assert rows_in(store)["items"] == 9
        (folder.path / "items.jsonl").unlink()
        time.sleep(0.01)
        stopped(home, import_config(), {"items": [question(i) for i in range(4)]})
        store.ingest()
        assert store.problems == []
        assert rows_in(store) == lines_of(home)


def test_rows_of_a_deleted_run_disappear_with_those_made_from_them(home):
    loop = whole_loop(home)
    other = imported(home, name="other")
    with opened(home) as store:
        shutil.rmtree(loop.samples.path)
        store.ingest()
        assert store.rows("SELECT id FROM runs WHERE id = $1", [loop.samples.id]) == []
        assert not any(rows_in(store, loop.samples).values())
        assert rows_in(store, other)["items"] == 6
        as_it_is = contents(store)
    with rebuild(home) as store:
        assert contents(store) == as_it_is


# --- folders that are no runs


def test_a_folder_without_a_readable_config_is_named_and_hurts_nothing_else(home):
    loop = whole_loop(home)
    (home.runs / "sample-broken").mkdir()
    (home.runs / "sample-broken" / "config.json").write_text('{"kind": "sample"')
    with opened(home) as store:
        assert len(store.problems) == 1
        assert "sample-broken" in store.problems[0]
        assert rows_in(store, loop.pairs)["pairs"] == 5
        shutil.rmtree(home.runs / "sample-broken")
        store.ingest()
        assert store.problems == []


def test_a_copy_of_a_run_folder_is_not_taken_for_another_run(home):
    loop = whole_loop(home)
    shutil.copytree(loop.samples.path, home.runs / f"{loop.samples.id}-copy")
    with opened(home) as store:
        assert f"{loop.samples.id}-copy" in store.problems[0]
        assert rows_in(store)["explanations"] == 12


# --- one owner


HOLD_THE_STORE = """
from core.home import default_home
from core.store.database import open_store

with open_store(default_home()) as store:
    store.ingest()
    print("open", flush=True)
    input()
"""


def test_a_second_process_is_told_who_has_the_store_and_reads_the_same_rows_in_memory(home):
    whole_loop(home)
    with process(HOLD_THE_STORE) as holder:
        holder.stdout.readline()
        with pytest.raises(StoreBusy, match=rf"in use by process {holder.pid}: close that first"):
            open_store(home)
        with any_store(home) as store:
            in_memory = contents(store)
        holder.communicate("\n")
    with open_store(home) as store:
        assert contents(store) == in_memory


def test_a_taken_store_names_the_address_of_the_app_that_has_it(home):
    with open_store(home) as store:
        announce(store, "http://127.0.0.1:8501")
        with pytest.raises(StoreBusy, match=r"the app at http://127.0.0.1:8501"):
            open_store(home)
    open_store(home).close()


# --- made anew


def test_a_database_made_anew_has_equal_rows_in_every_table(home):
    loop = whole_loop(home)
    stopped(home, sample_config(loop.dataset.id, seed=1), {"explanations": responses(2, 2)})
    edit(sealed(home, sample_config(loop.dataset.id, seed=2), {}), "events.jsonl", remove_first_line)
    with opened(home) as store:
        before, problems = contents(store), store.problems
    with rebuild(home) as store:
        assert contents(store) == before
        assert store.problems == problems


def test_a_database_made_anew_names_the_folders_that_it_left_out(home):
    (home.runs / "sample-broken").mkdir(parents=True)
    with rebuild(home) as store:
        assert "sample-broken" in store.problems[0]


def test_a_file_that_is_no_database_is_one_sentence_and_can_be_made_anew(home):
    whole_loop(home)
    home.database.write_bytes(b"not a database" * 1000)
    with pytest.raises(LabError, match=r"cannot be read .*: `anchorlab rebuild`, or Rebuild under"):
        open_store(home)
    with rebuild(home) as store:
        assert rows_in(store) == lines_of(home)


def test_each_migration_is_recorded_once(home):
    for _ in range(3):
        open_store(home).close()
    with open_store(home) as store:
        assert store.rows("SELECT name FROM migrations") == [(name,) for name, _ in MIGRATIONS]
        assert [type(name) for name, _ in store.rows("SELECT * FROM migrations")] == [str] * len(MIGRATIONS)


def test_a_database_of_a_newer_version_is_one_sentence_and_can_be_made_anew(home):
    with open_store(home) as store, store.transaction() as cursor:
        cursor.execute("INSERT INTO migrations VALUES ('from the future', now())")
    with pytest.raises(LabError, match="made by a newer version of this lab: `anchorlab rebuild`"):
        open_store(home)
    rebuild(home).close()
    open_store(home).close()


# --- many threads


def test_reads_of_eight_threads_are_right_while_another_ingests(home):
    loop = whole_loop(home, questions=40, n=2)
    growing = create_run(home, sample_config(loop.dataset.id, seed=1, n=64))
    expected = {f"q{i}": [(f"q{i}", 0, f"It is number q{i}."), (f"q{i}", 1, f"It is number q{i}.")] for i in range(40)}
    query = "SELECT item_id, sample, explanation FROM explanations WHERE run = ? AND item_id = ? ORDER BY sample"

    def read(thread: int) -> int:
        items = [f"q{(thread * 7 + i) % 40}" for i in range(200)]
        return sum(store.rows(query, [loop.samples.id, item]) == expected[item] for item in items)

    with opened(home) as store, ThreadPoolExecutor(8) as pool:
        reads = [pool.submit(read, thread) for thread in range(8)]
        written = 0
        while not all(one.done() for one in reads):
            with (growing.path / "explanations.jsonl").open("a") as file:
                file.write("".join(response(f"q{i}", written).model_dump_json() + "\n" for i in range(40)))
            written += store.ingest()
        assert [one.result() for one in reads] == [200] * 8
        assert rows_in(store, growing)["explanations"] == written > 0


def test_a_store_is_closed_after_the_reads_of_other_threads(home):
    store = opened(home)
    reading = threading.Event()

    def read() -> int:
        with store.transaction() as cursor:
            reading.set()
            time.sleep(0.2)
            return cursor.execute("SELECT count(*) FROM range(100000)").fetchall()[0][0]

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(read)
        reading.wait()
        store.close()
        assert found.result() == 100_000
    with pytest.raises(LabError, match="is closed"):
        store.rows("SELECT 1")


FULL_DISK = """
import resource, signal, threading
from core.home import default_home
from core.store.database import open_store

def read():
    while not enough.is_set():
        try:
            seen.add(store.rows("SELECT count(*) FROM explanations")[0][0])
        except Exception as error:
            failed.append(error)

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = open_store(default_home())
store.ingest()
enough, seen, failed = threading.Event(), set(), []
readers = [threading.Thread(target=read) for _ in range(4)]
for reader in readers:
    reader.start()
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
try:
    store.rows("CHECKPOINT")
except Exception as error:
    print(type(error).__name__, flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.rows("CHECKPOINT")
failed.clear()
store.rows("SELECT 1")
enough.set()
for reader in readers:
    reader.join()
print(seen, len(failed), flush=True)
store.close()
"""


def test_after_a_full_disk_the_store_goes_on_under_its_readers(home):
    whole_loop(home)
    with process(FULL_DISK) as child:
        assert child.communicate(timeout=60)[0].splitlines() == ["DiskRefuses", "{12} 0"]
    with open_store(home) as store:
        assert store.ingest() == 0
        assert rows_in(store) == lines_of(home)


# --- what rows mean


def prediction(home: Home, gold: str | None, row: Explanation, **settings) -> tuple[bool | None, bool | None]:
    """right_parsed and right_forced of one response."""
    dataset = sealed(home, import_config(), {"items": [question(0, gold)]})
    sealed(home, sample_config(dataset.id, **settings), {"explanations": [row]})
    with opened(home) as store:
        return store.rows("SELECT right_parsed, right_forced FROM explanations")[0]


def test_an_unparsed_prediction_is_wrong_and_the_forced_one_counts_by_itself(home):
    assert prediction(home, "B", response("q0", 0, None, forced="B")) == (False, True)


def test_without_gold_it_is_unknown_whether_a_prediction_is_right(home):
    assert prediction(home, None, response("q0", 0, "A")) == (None, None)


def test_a_forced_prediction_that_was_not_asked_for_is_unknown(home):
    assert prediction(home, "A", response("q0", 0, None, forced=None), forced=False) == (False, None)


@pytest.mark.parametrize("by", ["parsed", "forced"])
def test_categories_of_the_database_are_those_of_the_method(home, by):
    rng = random.Random(7)
    items = [question(i, rng.choice(["A", "B", "A", None])) for i in range(80)]
    rows = [
        response(item.id, k, rng.choice([item.gold, item.gold, "A", None]), forced=rng.choice([item.gold or "A", "B"]))
        for item in items
        for k in range(rng.choice([3, 3, 3, 2]))
    ]
    dataset = sealed(home, import_config(), {"items": items})
    sealed(home, sample_config(dataset.id, n=3), {"explanations": rows})
    gold = {item.id: item.gold for item in items if item.gold is not None}
    expected = dict.fromkeys(item.id for item in items) | categorise_items(rows, gold, by, 3)
    assert len(set(expected.values())) == 4
    with opened(home) as store:
        assert dict(store.rows(f"SELECT item_id, {by} FROM categories")) == expected


def test_missing_texts_and_lists_of_a_frame_are_none(home):
    dataset = imported(home, 1)
    row = response("q0", 0)
    unread = CriterionVerdict(criterion="clarity", verdict=None, value=None, probabilities=None)
    samples = sealed(home, sample_config(dataset.id), {"explanations": [row]})
    rows = [judgement(row, 9.0, verdicts=[unread], total=None, expected=None, unjudged="no verdict")]
    judge = sealed(home, judge_config(dataset.id, samples.id, mode="written"), {"judgements": rows})
    with opened(home) as store:
        found = verdicts(store, judge.id, "q0").iloc[0]
        assert (found["verdict"], found["probabilities"]) == (None, None)


# --- export


READ = {".parquet": pd.read_parquet, ".csv": pd.read_csv, ".json": lambda file: pd.read_json(file, lines=True)}


@pytest.mark.parametrize("suffix", READ)
def test_every_table_and_view_can_be_written_to_a_file_and_read_back(home, tmp_path, suffix):
    whole_loop(home)
    with opened(home) as store:
        for table in store.tables():
            file = tmp_path / f"it's {table}{suffix}"
            rows = store.export(table, file)
            assert rows == store.rows(f"SELECT count(*) FROM {table}")[0][0]
            assert rows == 0 or len(READ[suffix](file)) == rows


def test_the_result_of_a_query_can_be_written_to_a_file(home, tmp_path):
    whole_loop(home)
    with opened(home) as store:
        assert store.export("SELECT kind\nFROM runs", tmp_path / "kinds.CSV") == 4
    assert len(pd.read_csv(tmp_path / "kinds.CSV")) == 4


@pytest.mark.parametrize(
    ("what", "file", "sentence"),
    [
        ("nothing", "x.csv", "There is no table 'nothing': use .*explanations.*, or a SELECT statement"),
        ("store", "x.csv", "There is no table 'store'"),
        ("runs", "x.xlsx", r"x\.xlsx has a suffix that cannot be written: use \.parquet, \.csv, \.json"),
        ("runs", "nowhere/x.csv", "There is no folder .*nowhere to write to"),
        ("SELECT nothing FROM runs", "x.csv", "This cannot be exported: .*nothing"),
        ("SELECT * FROM nothing", "x.csv", "This cannot be exported: .*nothing"),
        ("DROP TABLE runs", "x.csv", "This cannot be exported"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(home, tmp_path, what, file, sentence):
    with opened(home) as store:
        with pytest.raises(BadInput, match=sentence) as raised:
            store.export(what, tmp_path / file)
        assert "\n" not in str(raised.value)
        assert "runs" in store.tables()


# --- evaluations


def evaluated(home: Home, dataset: RunFolder, label: str, chain: Sequence[str], text: str) -> RunFolder:
    """A variant that is right in its first response, with a judge that sees it and a reader that is misled."""
    rows = [response(f"q{i}", k, "AB"[k], response=text) for i in range(6) for k in range(2)]
    summary = {"responses_hash": text}
    samples = sealed(home, sample_config(dataset.id, label, chain), {"explanations": rows}, **summary)
    seen = [judgement(row, 10.0 - row.sample) for row in rows]
    misled = [judgement(row, -2.0 + row.sample, total=None) for row in rows]
    sealed(home, judge_config(dataset.id, samples.id), {"judgements": seen})
    sealed(home, judge_config(dataset.id, samples.id, mode="reader"), {"judgements": misled})
    return samples


QUICK = CompareSettings(resamples=100)


def test_variants_under_one_judge_are_one_evaluation_with_the_reader_beside_it(home):
    dataset = imported(home)
    base = evaluated(home, dataset, "base", [], "one")
    anchor = evaluated(home, dataset, "anchor", ["dpo-1"], "two")
    with opened(home) as store:
        found, read = evaluations(store, QUICK)
        apart = details(store, read)
    assert found.samples == {"base": base.id, "anchor": anchor.id}
    assert [result.label for result in found.results] == ["base", "anchor"]
    assert [result.accuracy_parsed.value for result in found.results] == [0.5, 0.5]
    assert [(rate.a, rate.b, rate.delta.value) for rate in found.win_rates] == [("anchor", "base", 0.0)]
    assert (found.auc.value, found.auc.right, found.auc.questions) == (1.0, 12, 6)
    assert (found.reader_name, found.reader_auc.value) == ("judge", 0.0)
    assert (read.by_reader, read.samples, read.card.mode) == (True, found.samples, "reader")
    assert (read.settings.score, read.settings.margin, read.settings.unit) == ("log_probability", 0.1, "nats")
    assert [(rate.a, rate.b, rate.delta.value, rate.ties) for rate in read.win_rates] == [("anchor", "base", 0.0, 12)]
    assert read.results[0].score.value == -1.5
    assert (read.auc.value, read.auc.right) == (0.0, 12)
    assert apart.by_criterion == []
    assert len(apart.by_category) == 3
    assert found.identical == []


def test_variants_of_one_label_get_labels_of_their_own_and_identical_ones_are_named(home):
    dataset = imported(home)
    for chain in (["dpo-1"], ["dpo-2"]):
        evaluated(home, dataset, "anchor", chain, "the same")
    with opened(home) as store:
        found, _ = evaluations(store, QUICK)
        apart = details(store, found)
    labels = list(found.samples)
    assert len(set(labels)) == 2
    assert all(label.startswith("anchor ") for label in labels)
    assert found.identical == [tuple(labels)]
    assert [result.explanations for result in found.results] == [12, 12]
    printed = Console(record=True, width=200, file=io.StringIO())
    show_evaluation(found, apart, printed)
    assert f"{labels[0]} and {labels[1]} gave identical responses" in printed.export_text()


def test_judges_of_one_base_and_other_adapters_are_two_judges(home):
    dataset = imported(home)
    rows = responses(6, 2)
    samples = sealed(home, sample_config(dataset.id), {"explanations": rows}, responses_hash="r")
    for chain in ([], ["sft-1"]):
        scored = [judgement(row, 9.0 + row.sample) for row in rows]
        sealed(home, judge_config(dataset.id, samples.id, chain), {"judgements": scored})
    with opened(home) as store:
        found = evaluations(store, QUICK)
    assert [evaluation.results[0].explanations for evaluation in found] == [12, 12]


def test_samples_that_no_judge_has_read_are_no_evaluation(home):
    dataset = imported(home)
    sealed(home, sample_config(dataset.id), {"explanations": responses(6, 2)}, responses_hash="r")
    with opened(home) as store:
        assert evaluations(store, QUICK) == []


def test_text_of_any_kind_comes_back_as_it_was(home):
    text = "\x00 \r\n ' \" \\ ; -- % 🙂 é e\u0301 \u2028 end"
    dataset = sealed(home, import_config(), {"items": [question(0)]})
    sealed(home, sample_config(dataset.id), {"explanations": [response("q0", 0, explanation=text)]})
    with opened(home) as store:
        assert store.rows("SELECT explanation FROM explanations") == [(text,)]


def test_progress_is_the_newest_and_cost_the_sum_of_a_run(home):
    folder = create_run(home, import_config())
    with Work(folder) as work:
        for done in (3, 6):
            work.progress(done, 9, "rows")
            work.cost(10, 20, 0.5)
    with opened(home) as store:
        assert store.rows("SELECT done, total, unit FROM progress") == [(6, 9, "rows")]
        assert store.rows("SELECT prompt_tokens, new_tokens, seconds FROM costs") == [(20, 40, 1.0)]
