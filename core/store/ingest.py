"""Run folders into the database: every line exactly once, and never half-believed.

Each pass reads what was appended since the last one, up to the newest line end, and commits the rows
together with how far it read; a crash between the two cannot happen.  When a run is sealed its files
must agree with the seal (rows, bytes, SHA-256); one that does not is read anew once, and then
quarantined: its rows are left out and the reason is shown.  A run's rows come in after its parents',
and go out with them.  Whatever is wrong with one folder is said of that folder, and the others come in.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from core.errors import Damaged, disk_refusal
from core.runs.events import finite
from core.runs.folders import (
    RunConfig,
    RunFolder,
    content_hash,
    file_hash,
    run_or_why,
    run_paths,
    unread_events,
    unreadable_runs,
)
from core.runs.seals import read_seal, seal_stamp
from core.runs.work import OUTPUTS
from core.settings import problems_of
from core.store import journal
from core.store.rows import READERS, Quarantine, insert

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from core.store.database import Store

CHUNK_BYTES = 8 * 1024 * 1024
"""Read and committed at a time."""

ORDER = ("import", "judgements", "sft", "responses", "sample", "judge", "head_to_head", "pairs", "dpo", "pipeline")
"""Kinds in an order in which most parents come before their children."""

ROW_TABLES = (
    "events",
    "items",
    "rejects",
    "explanations",
    "verdicts",
    "scores",
    "head_to_head",
    "pairs",
    "dropped",
    "preferences",
    "ratings",
    "ingested",
)


class Ingester:
    """Takes in what is new in a home's run folders; one for each open store."""

    def __init__(self, store: "Store") -> None:
        self.store = store
        self.unreadable: list[str] = []
        """A sentence for each thing among the runs that is none."""
        self._unsealed: dict[str, str] = {}  # run → why its seal cannot be read
        self._folders: dict[str, RunFolder] = {}
        self._settled: dict[str, float | None] = {}  # run → time of the seal after which nothing is left to do

    def take_in(self) -> int:
        """One pass over all folders; the number of lines taken in."""
        self._look()
        return journal.take_in(self.store) + sum(
            self._take_in_run(folder) for folder in sorted(self._folders.values(), key=_place)
        )

    def _look(self) -> None:
        """Find new folders, and forget the rows of those that somebody deleted or broke."""
        home = self.store.home
        self.unreadable = unreadable_runs(home)
        if home.runs.exists() and not home.runs.is_dir():
            return
        paths = {path.name: path for path in run_paths(home)}
        self._folders = {name: folder for name, folder in self._folders.items() if name in paths}
        for name in paths.keys() - self._folders.keys():
            if isinstance(folder := run_or_why(paths[name]), RunFolder):
                self._folders[name] = folder
        known = {row[0] for row in self.store.rows("SELECT id FROM runs")}
        for name in known - self._folders.keys():
            self._forget(name)

    @property
    def problems(self) -> list[str]:
        """What a person should know of folders, seals and events that cannot be read."""
        seals = [f"{why}: the run counts as not ended; {self._mend(run)}" for run, why in self._unsealed.items()]
        query = (
            "SELECT i.run, i.lines - count(e.run) AS unread FROM ingested i LEFT JOIN events e ON e.run = i.run "
            "WHERE i.file = 'events' GROUP BY i.run, i.lines HAVING unread > 0 ORDER BY i.run"
        )
        events = [unread_events(run, count) for run, count in self.store.rows(query)]
        return [*self.unreadable, *seals, *events]

    def _mend(self, run: str) -> str:
        return RunFolder(self.store.home.runs / run).mend

    def _forget(self, run: str) -> None:
        self._settled.pop(run, None)
        self._unsealed.pop(run, None)
        with self.store.transaction() as cursor:
            _delete_rows(cursor, run)
            cursor.execute("DELETE FROM runs WHERE id = ?", [run])
        self._leave_out_children(run)

    def _leave_out_children(self, run: str) -> None:
        """Rows that came from a run's rows wait until those are back, as they do in a database made anew."""
        for child in [folder for folder in self._folders.values() if run in folder.config.parents.values()]:
            self._settled.pop(child.id, None)
            with self.store.transaction() as cursor:
                _delete_rows(cursor, child.id)
                cursor.execute("UPDATE runs SET complete = false, finished = NULL WHERE id = ?", [child.id])
            self._leave_out_children(child.id)

    # --- one run

    def _take_in_run(self, folder: RunFolder) -> int:
        sealed, result = seal_stamp(folder.path), None
        if folder.id in self._settled and self._settled[folder.id] == sealed:
            return 0
        self._register(folder)
        try:
            result, readable = self._read_seal(folder)
            if readable and (sealed is None) != (result is None):  # sealed or resumed in this instant: next pass
                return 0
            if result and self._holds(folder, result):
                self._settled[folder.id] = sealed
                return 0
            return self._take_in_files(folder, result, sealed)
        except (Quarantine, Damaged, OSError) as why:
            if disk_refusal(why):
                raise
            if seal_stamp(folder.path) == sealed:  # else sealed or resumed while it was read
                self._quarantine(folder, getattr(why, "strerror", None) or str(why), result)
                self._settled[folder.id] = sealed
            return 0

    def _read_seal(self, folder: RunFolder) -> tuple[dict[str, Any] | None, bool]:
        """The seal and whether it can be read; one that cannot counts as none, and is named among the problems."""
        try:
            result = read_seal(folder.path)
        except Damaged as error:
            self._unsealed[folder.id] = str(error)
            return None, False
        self._unsealed.pop(folder.id, None)
        return result, True

    def _holds(self, folder: RunFolder, result: dict[str, Any]) -> bool:
        """Whether the database has all of this run and says of it what the seal says; its files are as long as then."""
        query = (
            "SELECT finished, state, summary FROM runs WHERE id = ? AND (complete OR state <> 'done') "
            "AND quarantined IS NULL"
        )
        found = self.store.rows(query, [folder.id])
        sizes = {name: _size(folder.path / f"{name}.jsonl") for name in result["files"]}
        return (
            bool(found)
            and found[0] == (result["finished"], result["state"], _json(result["summary"]))
            and all(sizes[name] == seal["bytes"] for name, seal in result["files"].items())
        )

    def _register(self, folder: RunFolder) -> None:
        """The run's own row, once; a row that is not what its folder says begins from nothing."""
        row = _row(folder)
        names = ", ".join(AS_CONFIGURED)
        found = self.store.rows(f"SELECT {names} FROM runs WHERE id = ?", [folder.id])
        if found and found[0] == tuple(row[name] for name in AS_CONFIGURED):
            return
        with self.store.transaction() as cursor:
            _delete_rows(cursor, folder.id)
            cursor.execute("DELETE FROM runs WHERE id = ?", [folder.id])
            insert(cursor, "runs", [row])

    def _take_in_files(self, folder: RunFolder, result: dict[str, Any] | None, sealed: float | None) -> int:
        self._start_over_if_shorter(folder)
        names = ["events"]
        if self._ready(folder, result):
            names += OUTPUTS[folder.config.kind]
        lines = sum(self._take_in_file(folder, name) for name in names)
        if result is None:
            self._open(folder)
        elif names[1:] or not OUTPUTS[folder.config.kind]:
            lines += self._check(folder, result)
            self._seal(folder, result, taken_in=True)
            self._settled[folder.id] = sealed
        else:
            self._seal(folder, result, taken_in=False)
        return lines

    def _start_over_if_shorter(self, folder: RunFolder) -> None:
        """A file that lost what was read of it (an import begun anew, a power cut) is read from its start."""
        taken = self.store.rows("SELECT file, bytes FROM ingested WHERE run = ?", [folder.id])
        if any(_size(folder.path / f"{name}.jsonl") < size for name, size in taken):
            with self.store.transaction() as cursor:
                _delete_rows(cursor, folder.id)

    def _ready(self, folder: RunFolder, result: dict[str, Any] | None) -> bool:
        """Whether rows may come in: parents are in whole, and an import (which may start over) is sealed."""
        if folder.config.kind in ("import", "judgements"):
            return result is not None
        if folder.config.kind == "responses" and result is None:
            return False
        parents = list(folder.config.parents.values())
        found = self.store.rows("SELECT count(*) FROM runs WHERE complete AND list_contains(?, id)", [parents])
        return found[0][0] == len(set(parents))

    def _take_in_file(self, folder: RunFolder, name: str) -> int:
        """Rows appended since the last pass; the number of new lines."""
        path, taken = folder.path / f"{name}.jsonl", 0
        if path.is_dir():
            raise Damaged(f"{path.name} is a folder where a file should be: move it away, then {folder.mend}")
        if not path.exists():
            return 0
        while True:
            start, lines = self._offset(folder.id, name)
            chunk = _whole_lines(path, start)
            if not chunk:
                return taken
            try:
                with self.store.transaction() as cursor:
                    count = READERS[name](cursor, folder, lines, chunk.splitlines())
                    cursor.execute("DELETE FROM ingested WHERE run = ? AND file = ?", [folder.id, name])
                    cursor.execute(
                        "INSERT INTO ingested VALUES (?, ?, ?, ?)", [folder.id, name, start + len(chunk), lines + count]
                    )
            except (ValueError, KeyError, TypeError, OverflowError) as error:
                what = (
                    problems_of(error).removeprefix(": ")
                    if isinstance(error, ValidationError)
                    else str(error).splitlines()[0]
                )
                raise Quarantine(f"a line of {path.name} is not what this kind of run writes ({what})") from None
            taken += count

    def _offset(self, run: str, name: str) -> tuple[int, int]:
        found = self.store.rows("SELECT bytes, lines FROM ingested WHERE run = ? AND file = ?", [run, name])
        return found[0] if found else (0, 0)

    # --- the seal

    def _check(self, folder: RunFolder, result: dict[str, Any]) -> int:
        """Compare rows and files with the seal; if they differ, read the run anew once."""
        if self._agrees(folder, result):
            return 0
        with self.store.transaction() as cursor:
            _delete_rows(cursor, folder.id)
        lines = sum(self._take_in_file(folder, name) for name in ("events", *OUTPUTS[folder.config.kind]))
        if not self._agrees(folder, result):
            raise Quarantine("its files are not those that its result.json describes")
        return lines

    def _agrees(self, folder: RunFolder, result: dict[str, Any]) -> bool:
        for name, seal in result["files"].items():
            path = folder.path / f"{name}.jsonl"
            if self._offset(folder.id, name) != (seal["bytes"], seal["rows"]):
                return False
            if not path.is_file() or file_hash(path) != seal["sha256"]:
                return False
        return True

    def _open(self, folder: RunFolder) -> None:
        with self.store.transaction() as cursor:
            cursor.execute(
                "UPDATE runs SET state = NULL, error = NULL, summary = NULL, seconds = NULL, finished = NULL, "
                "complete = false, quarantined = NULL "
                "WHERE id = ? AND (state IS NOT NULL OR quarantined IS NOT NULL)",
                [folder.id],
            )

    def _seal(self, folder: RunFolder, result: dict[str, Any], taken_in: bool) -> None:
        """How the run ended; `finished` stays NULL while its rows wait for a parent's."""
        error = result["error"]["message"] if result["error"] else None
        values = [result["state"], error, _json(result["summary"]), result["seconds"]]
        finished, complete = result["finished"] if taken_in else None, taken_in and result["state"] == "done"
        with self.store.transaction() as cursor:
            cursor.execute(
                "UPDATE runs SET state = ?, error = ?, summary = ?, seconds = ?, finished = ?, complete = ?, "
                "quarantined = NULL WHERE id = ?",
                [*values, finished, complete, folder.id],
            )

    def _quarantine(self, folder: RunFolder, why: str, result: dict[str, Any] | None) -> None:
        with self.store.transaction() as cursor:
            _delete_rows(cursor, folder.id)
            cursor.execute(
                "UPDATE runs SET quarantined = ?, complete = false, state = ?, finished = ? WHERE id = ?",
                [why, result and result["state"], result and result["finished"], folder.id],
            )
        self._leave_out_children(folder.id)


def _place(folder: RunFolder) -> tuple[int, int, float]:
    """Parents come before children: a debater, too, has one parent more than the samples it answers."""
    return ORDER.index(folder.config.kind), len(folder.config.parents), folder.config.created


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _whole_lines(path: Path, start: int) -> bytes:
    """Bytes from `start` to the last line end, about a chunk at a time; empty where no line is whole yet."""
    with path.open("rb") as file:
        file.seek(start)
        chunk = file.read(CHUNK_BYTES)
        while chunk and b"\n" not in chunk and (more := file.read(CHUNK_BYTES)):
            chunk += more
    return chunk[: chunk.rfind(b"\n") + 1]


def _delete_rows(cursor: "DuckDBPyConnection", run: str) -> None:
    for table in ROW_TABLES:
        cursor.execute(f"DELETE FROM {table} WHERE run = ?", [run])


def variant_key(config: RunConfig) -> str | None:
    """What identifies the weights a run computes with: base hash, adapters and chain."""
    return content_hash(config.model.identity)[:12] if config.model else None


AS_CONFIGURED = ("kind", "label", "dataset", "variant", "settings", "parents", "inputs", "versions")
"""Columns of a run's row that its configuration alone decides; a person's SQL may have changed them."""


def _row(folder: RunFolder) -> dict[str, Any]:
    """The run's own row."""
    config, model = folder.config, folder.config.model
    return {
        "id": folder.id,
        "kind": config.kind,
        "label": config.label,
        "created": config.created,
        "dataset": folder.id if config.kind == "import" else config.parents.get("dataset"),
        "model": model and model.name,
        "model_hash": model and model.hash,
        "model_source": model and model.source,
        "chain": model.chain if model else None,
        "variant": variant_key(config),
        **{name: _json(getattr(config, name)) for name in ("settings", "parents", "inputs", "versions")},
        "complete": False,
    }


def _json(value: Any) -> str:
    return json.dumps(finite(value))
