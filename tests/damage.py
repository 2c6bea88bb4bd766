"""What can happen to a state folder: damage to one file of a finished lab, by name.

    DAMAGES["result_half"](home)        # the seal of a run is cut in the middle

`lived_in` makes the lab that is damaged: a finished pipeline, what people said of it, a round of the Playground, a
registered model, a database that has taken all of it in.  `found_by` says which words a reader must be told.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from core.annotation.guidelines import add_note
from core.annotation.queues import open_queue
from core.annotation.records import Draft
from core.annotation.writing import keep_draft, rate, reveal, spot_check, vote
from core.data.shelf import archive, restore
from core.home import Home
from core.models.finding import Registration
from core.playground import sessions
from core.rubrics import load_rubric
from core.runs.folders import RunConfig
from core.store.database import Store, open_store
from core.store.defaults import Defaults, set_defaults
from tests.playing import played
from tests.test_annotation import settings_of, whole

Damage = Callable[[Home], None]

DAMAGES: dict[str, Damage] = {}
"""Name → what makes the damage."""


def damage(make: Damage) -> Damage:
    DAMAGES[make.__name__] = make
    return make


def lived_in(home: Home) -> None:
    """A filled lab after people have worked in it."""
    with open_store(home) as store:
        store.ingest()
        _annotated(store)
        sessions.vote(store, played(store).round, {"overall": "A", "clarity": "tie"})
        asked = played(store)
        sessions.vote(store, asked.round, {"overall": "B"})
        sessions.reveal(store, asked.round)
        store.take_in_journal()
    dataset = one(home, "import").name
    archive(home, dataset)
    restore(home, dataset)
    set_defaults(home, Defaults(model="default", judge="default"))
    home.models.mkdir(exist_ok=True)
    (home.models / "mine.json").write_text(Registration(name="mine", base="default").model_dump_json())
    (home.path / "dtype.json").write_text('{"dtype": "float32", "matmul_seconds": {"float32": 1, "bfloat16": 1}}')
    with open_store(home) as store:
        store.ingest()


def _annotated(store: Store) -> None:
    """Ratings, a reveal, a draft, a spot check, a choice between two and a note on the rubric."""
    queue = open_queue(store, settings_of(store, "rate"))
    for task in queue.tasks[:4]:
        rate(store, "kim", queue, task, whole("excellent"))
    reveal(store, "kim", queue, queue.tasks[0])
    keep_draft(store, "kim", queue, queue.tasks[5], Draft(labels={"clarity": "excellent"}))
    check = open_queue(store, settings_of(store, "spot-check"))
    first = check.tasks[0]
    own = Draft(labels={first.criterion: "excellent"})
    spot_check(store, "kim", check, first, own, next(iter(check.settings.judges.values())), "excellent")
    two = open_queue(store, settings_of(store, "pairwise"))
    vote(store, "kim", two, two.tasks[0], Draft(labels={"vote": "left"}))
    add_note(store, "kim", load_rubric("five_criteria"), "clarity", "Short is clear.")


# --- helpers


def one(home: Home, kind: str) -> Path:
    """The first run folder of a kind."""
    return sorted(path for path in home.runs.glob(f"{kind}-*") if path.is_dir())[0]


def explained(home: Home) -> Path:
    """The sample run whose explanations are evaluated: damage to it shows on most pages."""
    runs = [path for path in sorted(home.runs.glob("sample-*")) if _asked(path) == ("base", "test")]
    return runs[0]


def _asked(path: Path) -> tuple[str, str]:
    config = json.loads((path / "config.json").read_text())
    return config["label"], config["settings"]["select"]["split"]


def cut(path: Path) -> None:
    """The first half of it, at least a byte less than the whole."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def flip(path: Path, at: float = 0.5, bits: int = 0x15) -> None:
    """One byte in the middle becomes another."""
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= bits
    path.write_bytes(content)


def into_directory(path: Path) -> None:
    """A folder with something in it where the file was."""
    path.unlink(missing_ok=True)
    path.mkdir()
    (path / "thing").write_text("here")


def change(path: Path, **values: object) -> None:
    """Fields of a JSON file take other values; a field that is given ... goes."""
    content = json.loads(path.read_text()) | values
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not ...}))


def changed_seal(home: Home, **values: object) -> None:
    change(explained(home) / "result.json", **values)


def add_event(home: Home, line: bytes) -> None:
    with (explained(home) / "events.jsonl").open("ab") as file:
        file.write(line + b"\n")


def insert_line(home: Home, line: bytes | dict, place: int = 3) -> None:
    """A line into the middle of the journal."""
    lines = home.journal.read_bytes().splitlines(keepends=True)
    lines.insert(place, (line if isinstance(line, bytes) else json.dumps({"t": 1.8e9} | line).encode()) + b"\n")
    home.journal.write_bytes(b"".join(lines))


def change_line(home: Home, action: str, change: Callable[[dict], object]) -> None:
    """The first journal line of an action becomes another."""
    lines = home.journal.read_bytes().splitlines(keepends=True)
    place = next(i for i, line in enumerate(lines) if json.loads(line)["action"] == action)
    body = json.loads(lines[place])
    change(body)
    lines[place] = json.dumps(body).encode() + b"\n"
    home.journal.write_bytes(b"".join(lines))


def sql(home: Home, statement: str) -> None:
    """Something done to the database behind the lab's back."""
    with open_store(home) as store, store.transaction() as cursor:
        cursor.execute(statement)


# --- the seal


@damage
def result_empty(home: Home) -> None:
    (explained(home) / "result.json").write_bytes(b"")


@damage
def result_half(home: Home) -> None:
    cut(explained(home) / "result.json")


@damage
def result_list(home: Home) -> None:
    (explained(home) / "result.json").write_text("[1, 2]")


@damage
def result_no_keys(home: Home) -> None:
    (explained(home) / "result.json").write_text("{}")


@damage
def result_state_flipped(home: Home) -> None:
    changed_seal(home, state="failed")


@damage
def result_summary_null(home: Home) -> None:
    changed_seal(home, summary=None)


@damage
def result_finished_text(home: Home) -> None:
    changed_seal(home, finished="yesterday")


@damage
def result_files_list(home: Home) -> None:
    changed_seal(home, files=["explanations"])


@damage
def result_missing(home: Home) -> None:
    (explained(home) / "result.json").unlink()


@damage
def result_error_text(home: Home) -> None:
    changed_seal(home, state="failed", error="it broke")


# --- events


@damage
def events_garbage_line(home: Home) -> None:
    add_event(home, b"}{ not json")


@damage
def events_binary(home: Home) -> None:
    add_event(home, bytes(range(256)).replace(b"\n", b""))


@damage
def events_number(home: Home) -> None:
    add_event(home, b"12")


@damage
def events_no_type(home: Home) -> None:
    add_event(home, b'{"t": 1.5}')


@damage
def events_progress_bad(home: Home) -> None:
    add_event(home, b'{"t": 1800000000.0, "type": "progress"}')


@damage
def events_progress_text(home: Home) -> None:
    add_event(home, b'{"t": 1800000000.0, "type": "progress", "done": "half", "total": [1], "unit": 3}')


@damage
def events_missing(home: Home) -> None:
    (explained(home) / "events.jsonl").unlink()


@damage
def lock_missing(home: Home) -> None:
    (explained(home) / "lock").unlink()


# --- the configuration


@damage
def config_half(home: Home) -> None:
    cut(explained(home) / "config.json")


@damage
def config_missing(home: Home) -> None:
    (explained(home) / "config.json").unlink()


@damage
def config_future_field(home: Home) -> None:
    change(explained(home) / "config.json", budget=3)


@damage
def config_future_setting(home: Home) -> None:
    """A run of a later version, whose id is right."""
    path = explained(home)
    config = json.loads((path / "config.json").read_text())
    config["settings"]["later"] = {"value": 1}
    (path / "config.json").write_text(json.dumps(config))
    path.rename(path.with_name(RunConfig.model_validate(config).id))


@damage
def config_flip(home: Home) -> None:
    path = explained(home) / "config.json"
    written = bytearray(path.read_bytes())
    written[written.index(b'"hash"') + len(b'"hash": "')] ^= 1
    path.write_bytes(written)


@damage
def config_label_flip(home: Home) -> None:
    change(explained(home) / "config.json", label="ba\u0000se\n\x1b[31m[bold")


@damage
def config_created_inf(home: Home) -> None:
    change(explained(home) / "config.json", created=float("inf"))


# --- rows


@damage
def expl_flip(home: Home) -> None:
    flip(explained(home) / "explanations.jsonl")


@damage
def expl_half(home: Home) -> None:
    cut(explained(home) / "explanations.jsonl")


@damage
def expl_missing(home: Home) -> None:
    (explained(home) / "explanations.jsonl").unlink()


@damage
def expl_nul_tail(home: Home) -> None:
    with (explained(home) / "explanations.jsonl").open("ab") as file:
        file.write(b"\0" * 4096)


@damage
def expl_directory(home: Home) -> None:
    into_directory(explained(home) / "explanations.jsonl")


@damage
def items_flip(home: Home) -> None:
    flip(one(home, "import") / "items.jsonl")


@damage
def items_missing(home: Home) -> None:
    (one(home, "import") / "items.jsonl").unlink()


@damage
def import_folder_gone(home: Home) -> None:
    shutil.rmtree(one(home, "import"))


# --- what does not belong among the runs


@damage
def foreign_folder(home: Home) -> None:
    (home.runs / "sample-notes").mkdir()
    (home.runs / "sample-notes" / "todo.txt").write_text("things")


@damage
def foreign_file(home: Home) -> None:
    (home.runs / "sample-notes.txt").write_text("things")


@damage
def foreign_copy(home: Home) -> None:
    shutil.copytree(explained(home), home.runs / "sample-copy")


@damage
def foreign_symlink_loop(home: Home) -> None:
    here, loop = explained(home), home.runs / "sample-loop"
    (here / "round").symlink_to(here)
    loop.symlink_to(loop)


# --- the journal


@damage
def journal_torn(home: Home) -> None:
    with home.journal.open("ab") as file:
        file.write(b'{"t": 1800000000.0, "action": "rat')


@damage
def journal_bad_line(home: Home) -> None:
    insert_line(home, b"}{ not json")


@damage
def journal_bad_last_line(home: Home) -> None:
    with home.journal.open("ab") as file:
        file.write(b"}{ not json\n")


@damage
def journal_byte_flip(home: Home) -> None:
    flip(home.journal, bits=0x80)


@damage
def journal_no_keys(home: Home) -> None:
    insert_line(home, b"{}")


@damage
def journal_list(home: Home) -> None:
    insert_line(home, b'["rating", 3]')


@damage
def journal_rating_without_labels(home: Home) -> None:
    change_line(home, "rating", lambda body: body.pop("labels"))


@damage
def journal_bad_number(home: Home) -> None:
    change_line(home, "rating", lambda body: body.update(sample="three", seconds="long"))


@damage
def journal_bad_queue(home: Home) -> None:
    change_line(home, "queue", lambda body: body.update(tasks=[{"shown": []}, 3]))


@damage
def journal_bad_round(home: Home) -> None:
    change_line(home, "play_answer", lambda body: body.update(answers=[{"place": "first"}]))


@damage
def journal_future_action(home: Home) -> None:
    insert_line(home, {"action": "applaud", "how": {"loud": True}})


@damage
def journal_remove_without_run(home: Home) -> None:
    insert_line(home, {"action": "remove"})


@damage
def journal_older(home: Home) -> None:
    """A copy of last week is put back."""
    lines = home.journal.read_bytes().splitlines(keepends=True)
    home.journal.write_bytes(b"".join(lines[: len(lines) // 2]))


@damage
def journal_same_size_other(home: Home) -> None:
    """Another journal of the same size."""
    content = home.journal.read_bytes()
    home.journal.write_bytes(content.replace(b'"kim"', b'"tom"'))


@damage
def journal_gone(home: Home) -> None:
    home.journal.unlink()


# --- the database


@damage
def db_deleted(home: Home) -> None:
    home.database.unlink()


@damage
def db_empty(home: Home) -> None:
    home.database.write_bytes(b"")


@damage
def db_half(home: Home) -> None:
    cut(home.database)


@damage
def db_garbage(home: Home) -> None:
    home.database.write_bytes(os.urandom(200_000))


@damage
def db_flip_middle(home: Home) -> None:
    flip(home.database)


@damage
def db_flip_many(home: Home) -> None:
    for place in range(5, 95):
        flip(home.database, place / 100)


@damage
def db_wal_garbage(home: Home) -> None:
    home.database.with_name(home.database.name + ".wal").write_bytes(os.urandom(5000))


@damage
def db_directory(home: Home) -> None:
    into_directory(home.database)


@damage
def db_other_lab(home: Home) -> None:
    """The database of a lab that has nothing in it."""
    home.database.unlink()
    other = Home(home.path / "other")
    with open_store(other) as store:
        store.ingest()
    other.database.rename(home.database)
    shutil.rmtree(other.path)


@damage
def db_older_schema(home: Home) -> None:
    """As a version made it that did not know rubric notes."""
    sql(home, "DROP VIEW rubric_notes; DELETE FROM migrations WHERE name = 'notes on rubrics'")


@damage
def db_newer_schema(home: Home) -> None:
    sql(home, "INSERT INTO migrations VALUES ('what comes next year', now())")


@damage
def db_table_dropped(home: Home) -> None:
    sql(home, "DROP TABLE scores")


@damage
def db_rows_tampered(home: Home) -> None:
    sql(home, "UPDATE runs SET settings = '{}', parents = '{}', summary = '[]' WHERE kind = 'sample'")


@damage
def lockfile_garbage(home: Home) -> None:
    home.database_lock.write_bytes(b"\0\xff{{")


@damage
def lockfile_directory(home: Home) -> None:
    into_directory(home.database_lock)


# --- everything else


@damage
def registration_bad(home: Home) -> None:
    (home.models / "mine.json").write_text('{"name": "mine", "base"')


@damage
def defaults_bad(home: Home) -> None:
    change_line(home, "defaults", lambda body: body.update(judge=["a"], model=None))


@damage
def dtype_bad(home: Home) -> None:
    (home.path / "dtype.json").write_text("{")


@damage
def playground_bad(home: Home) -> None:
    for path in sorted(home.playground.glob("*.json")):
        cut(path)
    for path in sorted(home.playground.glob("*.jsonl")):
        path.write_bytes(b"}{\n" + path.read_bytes())


@damage
def playground_foreign_waiting(home: Home) -> None:
    (home.playground / "lunch.waiting").touch()
    (home.playground / "lunch.json").write_text("{}")


@damage
def stop_file_left(home: Home) -> None:
    (explained(home) / "stop").touch()


@damage
def adapter_flip(home: Home) -> None:
    flip(one(home, "sft") / "adapter" / "adapter_model.safetensors", 0.9)


@damage
def adapter_gone(home: Home) -> None:
    shutil.rmtree(one(home, "sft") / "adapter")


@damage
def runs_is_file(home: Home) -> None:
    shutil.rmtree(home.runs)
    home.runs.write_text("no folder")


@damage
def pipeline_plan_damaged(home: Home) -> None:
    """A pipeline whose plan is not one, under the id that this plan has."""
    path = one(home, "pipeline")
    config = json.loads((path / "config.json").read_text())
    config["settings"]["steps"] = [{"kind": "sample"}, 3]
    config["settings"]["file"] = None
    (path / "config.json").write_text(json.dumps(config))
    path.rename(path.with_name(RunConfig.model_validate(config).id))
