"""What people do, a line each in the home's journal, on disk before anything else sees it.

    record(home, "archive", "import-0123456789ab")          # an act on a run
    write(home, "rating", {"rater": "kim", "label": "good"})  # any other act, with what it says
    archived(home)                                          # ids that are hidden from choices

The journal is the truth and the database's table `journal` its copy (`take_in`), one row a line: what
people did survives a database that is made anew.  After a `write`, `Store.take_in_journal` makes the line
a row at once; the app's next pass would do it too.  A torn last line (a power cut while writing) is cut
when the next one is written, and never read.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, get_args

from core.hashing import stamp_of
from core.home import Home

if TYPE_CHECKING:
    from core.store.database import Store

RunAction = Literal["archive", "restore", "remove"]
"""What can be done to a data set (`core.data.shelf`)."""


def record(home: Home, action: RunAction, run: str) -> None:
    """Note an act on a run."""
    write(home, action, {"run": run})


def write(home: Home, action: str, body: dict[str, Any], allowed: Callable[[], None] = lambda: None) -> float:
    """Add a line and wait until it is on the disk; writers take turns.

    `body` is what JSON can hold.  Characters that no text file can (lone surrogates, NUL) become "?".
    `allowed` is called when it is this writer's turn: what it raises, nothing is written and the caller gets.
    Returns the moment that the line bears, seconds since 1970.
    """
    home.path.mkdir(parents=True, exist_ok=True)
    with home.journal.open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        allowed()
        now = time.time()
        line = json.dumps(_writable({"t": now, "action": action} | body), ensure_ascii=False).encode() + b"\n"
        _cut_torn_line(file)
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    return now


def _cut_torn_line(file: BinaryIO) -> None:
    """Cut what stands after the last line end; a journal that ends with one is not read."""
    size = file.seek(0, os.SEEK_END)
    if size:
        file.seek(size - 1)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(len(_whole(file.read())))


def _writable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _writable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_writable(inner) for inner in value]
    return value.replace("\0", "?").encode("utf-8", "replace").decode() if isinstance(value, str) else value


def entries(home: Home) -> list[dict[str, Any]]:
    """Every whole line, oldest first."""
    if not home.journal.exists():
        return []
    return [json.loads(line) for line in _whole(home.journal.read_bytes()).splitlines()]


def acts(home: Home, *actions: str) -> tuple[dict[str, Any], ...]:
    """Lines of these actions, oldest first; read anew only when the journal has changed."""
    try:
        now = stamp_of(home.journal)
    except FileNotFoundError:
        return ()
    return _acts(home.journal, actions, tuple(now))


@lru_cache(maxsize=16)
def _acts(journal: Path, actions: tuple[str, ...], stamp: tuple[int, ...]) -> tuple[dict[str, Any], ...]:
    """Lines that do not even name an action are not parsed: most of a journal are ratings.  `stamp` dates the file."""
    named = [f'"{action}"'.encode() for action in actions]
    lines = _whole(journal.read_bytes()).splitlines()
    found = [json.loads(line) for line in lines if any(name in line for name in named)]
    return tuple(entry for entry in found if entry["action"] in actions)


def archived(home: Home) -> set[str]:
    """Ids that were archived and have not been restored since."""
    last = {entry["run"]: entry["action"] for entry in acts(home, *get_args(RunAction))}
    return {run for run, action in last.items() if action == "archive"}


def take_in(store: "Store") -> int:
    """New lines into the table `journal`, together with how far was read; the number of lines."""
    stamp = stamp_of(store.home.journal) if store.home.journal.exists() else None
    if store.journal_read == (stamp,):
        return 0
    content = _whole(store.home.journal.read_bytes()) if stamp else b""
    offset, lines = _taken_in(store, content)
    new = content[offset:]
    rows = [
        [lines + place, line["t"], line["action"], json.dumps(line, ensure_ascii=False)]
        for place, line in enumerate(map(json.loads, new.splitlines()))
    ]
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM journal WHERE seq >= ?", [lines])
        if rows:
            cursor.executemany("INSERT INTO journal VALUES (?, ?, ?, ?)", rows)
        cursor.execute("DELETE FROM ingested WHERE run = '' AND file = 'journal'")
        cursor.execute("INSERT INTO ingested VALUES ('', 'journal', ?, ?)", [offset + len(new), lines + len(rows)])
        cursor.execute("UPDATE origin SET journal = ?", [hashlib.sha256(content).hexdigest()])
    store.journal_read = (stamp,)
    return len(rows)


def _taken_in(store: "Store", content: bytes) -> tuple[int, int]:
    """Bytes and lines of the journal that the table holds already; none where its rows are of another journal.

    What was read must still be what the journal begins with, to the byte: one that was put back from a backup, or is
    another lab's, may be as long or longer.
    """
    known = store.rows(
        "SELECT i.bytes, i.lines, o.journal FROM ingested i, origin o WHERE i.run = '' AND i.file = 'journal'"
    )
    offset, lines, read = known[0] if known else (0, 0, "")
    same = offset <= len(content) and hashlib.sha256(content[:offset]).hexdigest() == read
    return (offset, lines) if same else (0, 0)


def _whole(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]
