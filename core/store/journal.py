"""What people do, a line each in the home's journal, on disk before anything else sees it.

    record(home, "archive", "import-0123456789ab")          # an act on a run
    write(home, "rating", {"rater": "kim", "label": "good"})  # any other act, with what it says
    archived(home)                                          # ids that are hidden from choices

The journal is the truth and the database's table `journal` its copy (`take_in`), one row a line: what
people did survives a database that is made anew.  After a `write`, `Store.take_in_journal` makes the line
a row at once; the app's next pass would do it too.  A torn last line (a power cut while writing) is cut
when the next one is written, and never read.  A line that cannot be read stays where it is, is copied to
`journal.damaged.jsonl` with its place and the reason, and all others are taken in (`damaged`).
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, get_args

from core import durable
from core.errors import Damaged, DiskRefuses, disk_refusal
from core.hashing import stamp_of
from core.home import Home
from core.store.acts import read_act

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
    durable.make_folder(home.path)
    new = not home.journal.exists()
    with _opened(home) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        allowed()
        now = time.time()
        line = json.dumps(_writable({"t": now, "action": action} | body), ensure_ascii=False).encode() + b"\n"
        _cut_torn_line(file)
        _append(file, line)
    if new:
        durable.flush_path(home.path)
    return now


def _opened(home: Home) -> BinaryIO:
    try:
        return home.journal.open("ab+", buffering=0)
    except IsADirectoryError:
        raise Damaged(f"{home.journal} is a folder where what people do is written: move it away.") from None
    except OSError as error:
        raise disk_refusal(error) or error from None


def _append(file: BinaryIO, line: bytes) -> None:
    """The line, on the disk; where the disk does not take all of it, none of it stays and nothing was done."""
    before = file.seek(0, os.SEEK_END)
    try:
        written = file.write(line)
        if written < len(line):
            file.write(line[written:])
        durable.flush(file)
    except OSError as error:
        file.truncate(before)
        raise (disk_refusal(error) or DiskRefuses(f"The journal cannot be written ({error}).")) from None


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


@dataclass(frozen=True)
class Unread:
    """A line of the journal that cannot be taken in."""

    line: int
    """Its place in the file, from 1."""
    why: str
    text: str
    """The line; what is no Unicode in it is escaped."""


def entries(home: Home) -> list[dict[str, Any]]:
    """Every whole line that can be read, oldest first."""
    return [act for act in map(_read, _lines(_content(home))) if isinstance(act, dict)]


def damaged(home: Home) -> list[Unread]:
    """The lines that cannot be read, in order."""
    return _unread(1, _lines(_content(home)))


def _unread(first: int, lines: list[bytes]) -> list[Unread]:
    """Those of some lines that cannot be read; `first`: the place of the first of all."""
    read = [(place, line, _read(line)) for place, line in enumerate(lines, first)]
    return [Unread(place, why, line.decode(errors="backslashreplace")) for place, line, why in read if type(why) is str]


def _read(line: bytes) -> dict[str, Any] | str:
    """The act, or why the line is none."""
    try:
        return read_act(line)
    except RecursionError:
        return "it is nested too deep"
    except ValueError as error:
        return str(error)


def acts(home: Home, *actions: str) -> tuple[dict[str, Any], ...]:
    """Lines of these actions, oldest first; read anew only when the journal has changed."""
    try:
        now = stamp_of(home.journal)
    except FileNotFoundError:
        return ()
    return _acts(home, actions, tuple(now))


@lru_cache(maxsize=16)
def _acts(home: Home, actions: tuple[str, ...], stamp: tuple[int, ...]) -> tuple[dict[str, Any], ...]:
    """Lines that do not even name an action are not parsed: most of a journal are ratings.  `stamp` dates the file."""
    named = [f'"{action}"'.encode() for action in actions]
    found = [_read(line) for line in _lines(_content(home)) if any(name in line for name in named)]
    return tuple(act for act in found if isinstance(act, dict) and act["action"] in actions)


def archived(home: Home) -> set[str]:
    """Ids that were archived and have not been restored since."""
    last = {entry["run"]: entry["action"] for entry in acts(home, *get_args(RunAction))}
    return {run for run, action in last.items() if action == "archive"}


def take_in(store: "Store") -> int:
    """New lines into the table `journal`, together with how far was read; the number of lines."""
    stamp = stamp_of(store.home.journal) if store.home.journal.is_file() else None
    if store.journal_read == (stamp,):
        return 0
    content = _whole(_content(store.home))
    offset, lines = _taken_in(store, content)
    found = _lines(content[offset:])
    acts = [(lines + place, _read(line)) for place, line in enumerate(found)]
    rows = [
        [seq, act["t"], act["action"], json.dumps(act, ensure_ascii=False)] for seq, act in acts if type(act) is dict
    ]
    if len(rows) < len(found):
        keep_aside(store.home, _unread(lines + 1, found))
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM journal WHERE seq >= ?", [lines])
        if rows:
            cursor.executemany("INSERT INTO journal VALUES (?, ?, ?, ?)", rows)
        cursor.execute("DELETE FROM ingested WHERE run = '' AND file = 'journal'")
        cursor.execute("INSERT INTO ingested VALUES ('', 'journal', ?, ?)", [len(content), lines + len(found)])
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


def keep_aside(home: Home, lines: list[Unread]) -> None:
    """Copy lines that cannot be read to `journal.damaged.jsonl`, each once; where nothing can be written, none."""
    aside = home.journal_damaged
    known = set(aside.read_bytes().splitlines()) if aside.is_file() else set()
    new = [line for line in (json.dumps(asdict(one)).encode() for one in lines) if line not in known]
    try:
        if new:
            durable.write_file(aside, b"".join(line + b"\n" for line in [*sorted(known), *new]))
    except OSError as error:
        if not disk_refusal(error):
            raise


def problems(store: "Store") -> list[str]:
    """A sentence on lines of the journal that are left out, and on a journal that cannot be read at all."""
    home = store.home
    if home.journal.is_dir():
        return [f"{home.journal} is a folder where what people did is written: put the file back from a copy."]
    query = "SELECT lines - (SELECT count(*) FROM journal) FROM ingested WHERE run = '' AND file = 'journal'"
    if not (found := store.rows(query)) or found[0][0] <= 0 or not (unread := damaged(home)):
        return []
    first = f"line {unread[0].line}: {unread[0].why}"
    what = "1 line of journal.jsonl cannot" if len(unread) == 1 else f"{len(unread)} lines of journal.jsonl cannot"
    return [
        f"{what} be read ({first}); everything else that people did is there. A copy is in "
        f"{home.journal_damaged.name}: set it right in journal.jsonl, then `anchorlab rebuild`."
    ]


def _content(home: Home) -> bytes:
    """The journal; nothing where there is none, or a folder in its place."""
    return home.journal.read_bytes() if home.journal.is_file() else b""


def _whole(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]


def _lines(content: bytes) -> list[bytes]:
    """Whole lines without their ends; nothing but a line feed ends one."""
    return _whole(content).split(b"\n")[:-1]
