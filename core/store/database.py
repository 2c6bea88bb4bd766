"""The database of a lab: everything its run folders hold, queryable; one process owns it at a time.

    with open_store(default_home()) as store:
        store.ingest()                              # what the folders gained since
        store.frame("SELECT * FROM runs")           # any SQL, as a data frame

Owner of the file is whoever holds the lock beside it: the app while it runs, else a command.  A command
that finds it taken reads the folders into a database of its own in memory (`any_store`), which gives
the same rows.  Nothing but this module imports duckdb; questions about the method are in `core.store.queries`.
"""

import fcntl
import json
import os
import re
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pandas as pd
import pyarrow as pa

from core import durable
from core.errors import BadInput, Damaged, DiskRefuses, LabError, StoreBusy, disk_refusal
from core.home import Home
from core.store import journal
from core.store.files import draft_of, drop_leftovers
from core.store.ingest import ROW_TABLES, Ingester
from core.store.schema import MIGRATIONS, SHAPE

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "2GB",
    "threads": 2,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,  # a misspelt table is an error, and never a variable of this program
}

EXPORTS = {
    ".parquet": "(FORMAT parquet)",
    ".csv": "(FORMAT csv, HEADER)",
    ".json": "(FORMAT json)",
    ".jsonl": "(FORMAT json)",
}
"""File suffix → how a result is written."""

FORMULA = r"^[=+\-@\t\r]"
"""How a text begins that a spreadsheet would take for a formula."""

BROKEN = (duckdb.FatalException, duckdb.InternalException, duckdb.IOException, duckdb.SerializationException)
"""Errors of a database file that does not hold what it should."""

TABLE_FUNCTIONS = {"unnest", "range", "generate_series", "json_each", "json_tree"}
"""Functions that a person's query may take rows from: none of them reads a file, another database or a setting."""

TRIES = 5
"""Times the lock is asked for: looking who owns it (`owner`) holds it for an instant."""


Tables = Mapping[str, pa.Table]
NO_TABLES: Tables = {}

Values = Sequence[Any] | Mapping[str, Any]
"""What a query's placeholders stand for: `?` and `$1` in order, `$name` by name."""


MEND = (
    "`anchorlab rebuild`, or Rebuild under Settings, makes it again from the run folders and the journal, which hold "
    "everything."
)
"""What to do with a database that cannot be used, as the end of a sentence."""


class Store:
    """An open database.  Reads make a cursor each and may come from any thread; writes take turns."""

    def __init__(self, home: Home, path: Path | None, lock: int | None = None) -> None:
        """`path` None: in memory.  Use `open_store` or `any_store`."""
        self.home = home
        self._path = path
        self._lock = lock
        self._writing = threading.RLock()
        self._ingesting = threading.Lock()
        self._opening = threading.Condition()
        self._cursors = 0
        self._broken = self._closed = False
        self.journal_read: tuple[list[int] | None] | None = None
        """Stamp of the journal when it was last taken in; None before it was."""
        self._ingester = Ingester(self)
        self._unkept: list[str] = []
        """Why nothing can be kept in this home, where that is so."""
        with ExitStack() as undo:
            undo.callback(self._let_go)
            self._connection = self._connect()
            undo.callback(self._connection.close)
            self._migrate()
            self._claim()
            undo.pop_all()

    # --- opening and closing

    def _connect(self) -> duckdb.DuckDBPyConnection:
        try:
            return duckdb.connect(str(self._path) if self._path else ":memory:", config=CONFIG)
        except (duckdb.Error, UnicodeError) as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> LabError:
        """What to tell of an error that the database file, or its disk, is the reason of."""
        if refusal := disk_refusal(error):
            return refusal
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        return Damaged(f"The database {self._path} cannot be read ({reason}): {MEND}")

    def _migrate(self) -> None:
        try:
            self._bring_up_to_date()
            there = set(self.tables())
        except duckdb.Error as error:
            raise self._damaged(error) from None
        if missing := sorted(SHAPE - there):
            raise Damaged(f"The database {self._path} has no {missing[0]}: {MEND}")

    def _bring_up_to_date(self) -> None:
        with self.transaction() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS migrations (name VARCHAR NOT NULL, applied TIMESTAMP)")
        applied = {row[0] for row in self.rows("SELECT name FROM migrations")}
        unknown = applied - {name for name, _ in MIGRATIONS}
        if unknown:
            raise LabError(f"The database was made by a newer version of this lab: {MEND}")
        for name, statements in MIGRATIONS:
            if name not in applied:
                with self.transaction() as cursor:
                    cursor.execute(statements)
                    cursor.execute("INSERT INTO migrations VALUES (?, now())", [name])

    def _claim(self) -> None:
        """Make it this lab's: rows of another lab's folders and journal are not believed, and come in anew."""
        own = lab_id(self.home, draw=self._path is not None)
        known = [lab for (lab,) in self.rows("SELECT lab FROM origin")]
        if known == [own]:
            return
        with self.transaction() as cursor:
            for table in ("origin", *((*ROW_TABLES, "runs", "journal") if known else ())):
                cursor.execute(f"DELETE FROM {table}")
            cursor.execute("INSERT INTO origin VALUES (?, '')", [own])

    def close(self) -> None:
        """Close the database when the reads in other threads have ended, then let others have it."""
        with self._opening:
            self._closed = True
            self._opening.wait_for(lambda: not self._cursors)
            self._connection.close()
        self._let_go()

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- reading and writing

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of one's own: sharing one among threads gives wrong rows without a word."""
        with self._opening:
            cursor = self._whole().cursor()
            self._cursors += 1
        try:
            yield cursor
        except BROKEN as error:
            self._broken = True
            raise self._damaged(error) from None
        finally:
            cursor.close()
            with self._opening:
                self._cursors -= 1
                self._opening.notify_all()

    def _whole(self) -> duckdb.DuckDBPyConnection:
        """The connection; a database that broke (a full disk, say) is opened anew once all have let go of it."""
        self._opening.wait_for(lambda: not (self._broken and self._cursors))
        if self._closed:
            raise LabError("The database is closed: open the lab again.")
        if self._broken:
            self._connection.close()
            self._connection = self._connect()
            self._broken = False
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """All of it or nothing; one at a time.  A value that does not fit its column is a `ValueError`."""
        with self._writing, self._cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                yield cursor
            except duckdb.DataError as error:
                cursor.execute("ROLLBACK")
                raise ValueError(str(error)) from None
            except BROKEN:  # it takes no statement any more, and keeps nothing of this
                raise
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    def rows(
        self, query: str, values: Values = (), tables: Mapping[str, pa.Table] = NO_TABLES
    ) -> list[tuple[Any, ...]]:
        """Result of a query as tuples; `tables`: what it may name besides the tables of the database."""
        with self._cursor() as cursor:
            for name, table in tables.items():
                cursor.register(name, table)
            return cursor.execute(query, values).fetchall()

    def arrow(self, query: str, values: Mapping[str, Any] | None = None) -> pa.Table:
        """Result of a query as an Arrow table, which a later query may name (`rows`)."""
        with self._cursor() as cursor:
            return cursor.sql(query, params=values).to_arrow_table()

    def frame(self, query: str, values: Values = ()) -> pd.DataFrame:
        """Result of a query as a data frame; a missing text or list is None."""
        with self._cursor() as cursor:
            return _none_for_missing(cursor.execute(query, values).df())

    def ingest(self) -> int:
        """Take in what the run folders gained; the number of new lines.  Safe from several threads."""
        with self._ingesting:
            return self._ingester.take_in()

    def take_in_journal(self) -> int:
        """Take in what people did since; the number of new lines.  Quick: no run folder is looked at."""
        with self._ingesting:
            try:
                return journal.take_in(self)
            except DiskRefuses as refusal:
                raise DiskRefuses(f"What was entered is kept, and is seen once there is room. {refusal}") from None

    @property
    def problems(self) -> list[str]:
        """Sentences on what lies in the run folders and is not in the database."""
        broken = [*self._ingester.problems, *journal.problems(self), *self._unkept]
        query = "SELECT id, quarantined FROM runs WHERE quarantined IS NOT NULL ORDER BY id"
        left_out = [f"The rows of {run} are left out: {why}." for run, why in self.rows(query)]
        query = "SELECT id FROM runs WHERE state IS NOT NULL AND finished IS NULL AND quarantined IS NULL ORDER BY id"
        waiting = [
            f"The rows of {run} are left out until the runs it was made from are in." for (run,) in self.rows(query)
        ]
        return broken + left_out + waiting

    def ask(self, query: str) -> pd.DataFrame:
        """Result of a SELECT that a person wrote, as a data frame; anything else is `BadInput`."""
        try:
            self._check_select(query)
            self._check_tables(query)
            return self.frame(query)
        except duckdb.Error as error:
            raise BadInput(f"This query has no answer ({str(error).splitlines()[0]}): write a SELECT.") from None

    def export(self, what: str, file: Path) -> int:
        """Write a table, view or SELECT to .parquet, .csv, .json or .jsonl (JSON Lines both); the number of rows.

        A file that is there is replaced once the new one is whole.  In CSV a text that a spreadsheet would take
        for a formula gets an apostrophe in front; numbers stay as they are.
        """
        how = EXPORTS.get(file.suffix.lower())
        if how is None:
            raise BadInput(f"{file.name} has a suffix that cannot be written: use {', '.join(EXPORTS)}.")
        query = what if " " in what.strip() else f'SELECT * FROM "{what}"'
        with draft_of(file) as draft:
            try:
                self._check_select(query)
                self._check_tables(query)
                safe = self._without_formulas(query) if file.suffix.lower() == ".csv" else query
                target = str(draft).replace("'", "''")
                return self.rows(f"COPY ({safe}) TO '{target}' {how}")[0][0]
            except duckdb.Error as error:
                if what not in self.tables() and query != what:
                    names = ", ".join(self.tables())
                    raise BadInput(f"There is no table {what!r}: use {names}, or a SELECT statement.") from None
                raise BadInput(f"This cannot be exported: {str(error).splitlines()[0]}") from None

    def _check_select(self, query: str) -> None:
        """A duckdb error unless this is one statement that only reads."""
        with self._cursor() as cursor:
            kinds = [statement.type for statement in cursor.extract_statements(query)]
        if kinds != [duckdb.StatementType.SELECT]:
            raise duckdb.InvalidInputException("it is not one SELECT statement")

    def _check_tables(self, query: str) -> None:
        """A duckdb error where a person's query reads anything but the tables of the database and what it makes."""
        parsed = json.loads(self.rows("SELECT json_serialize_sql($1::VARCHAR)", [query])[0][0])
        if parsed["error"]:
            raise duckdb.InvalidInputException(parsed["error_message"])
        for node in _nodes(parsed):
            if node.get("type") == "TABLE_FUNCTION" and node["function"]["function_name"] not in TABLE_FUNCTIONS:
                name = node["function"]["function_name"]
                raise duckdb.InvalidInputException(f"{name} is not allowed, for it could read files of this machine")
            if node.get("type") == "BASE_TABLE" and not re.fullmatch(r"\w+", node["table_name"]):
                raise duckdb.InvalidInputException(f"{node['table_name']!r} is no table; files are not read")

    def _without_formulas(self, query: str) -> str:
        """The query with an apostrophe before each text that a spreadsheet would take for a formula."""
        columns = [row[:2] for row in self.rows(f"DESCRIBE ({query})")]
        texts = ['"' + name.replace('"', '""') + '"' for name, kind in columns if kind == "VARCHAR"]
        changed = ", ".join(f"if(regexp_matches({n}, '{FORMULA}'), chr(39) || {n}, {n}) AS {n}" for n in texts)
        return f"SELECT * REPLACE ({changed}) FROM ({query}\n)" if texts else query

    def copy_to(self, file: Path) -> None:
        """The whole database as a file of its own (`file` must not exist); this one's file is never opened twice."""
        if file.exists():
            raise BadInput(f"{file} is there already: name another file for the copy.")
        with draft_of(file) as draft, self._writing, self._cursor() as cursor:
            name = cursor.execute("SELECT current_database()").fetchone()[0]
            target = str(draft).replace("'", "''")
            cursor.execute(f"ATTACH '{target}' AS copy")
            try:
                cursor.execute(f'COPY FROM DATABASE "{name}" TO copy')
            finally:
                cursor.execute("DETACH copy")

    def tables(self) -> list[str]:
        """Names of tables and views."""
        query = "SELECT table_name FROM information_schema.tables ORDER BY table_type, table_name"
        return [row[0] for row in self.rows(query)]


def _none_for_missing(frame: pd.DataFrame) -> pd.DataFrame:
    """pandas has NaN for missing text and NA for a missing list."""
    found = frame.copy(deep=False)
    for name, kind in frame.dtypes.items():
        if pd.api.types.is_string_dtype(kind):
            values = frame[name].to_numpy(dtype=object, na_value=None)
            found[name] = pd.Series(values, index=frame.index, dtype=object)
    return found


def open_store(home: Home) -> Store:
    """The home's database file, owned from now on; `StoreBusy` names the process that has it.

    `DiskRefuses` where nothing can be written; `Damaged` says how the database is made again.  What a process that was
    killed left half made is dropped.
    """
    lock = _take(home)
    drop_leftovers(home)
    return Store(home, home.database, lock)


def any_store(home: Home) -> Store:
    """The home's database, or one in memory if another process owns it or nothing can be written; up to date."""
    try:
        store = store_to_show(home)
    except StoreBusy:
        store = Store(home, None)
    try:
        store.ingest()
    except BaseException:
        store.close()
        raise
    return store


def store_to_show(home: Home) -> Store:
    """The home's database; where nothing can be written there, one in memory that says so among its problems."""
    try:
        return open_store(home)
    except DiskRefuses as refusal:
        store = Store(home, None)
        store._unkept = [str(refusal)]
        return store


def rebuild(home: Home) -> Store:
    """The home's database made again from its run folders; the old one stays until the new one is whole."""
    lock = _take(home)
    try:
        _make_again(home)
    except BaseException:
        drop_leftovers(home)
        os.close(lock)
        raise
    store = Store(home, home.database, lock)
    store.ingest()
    return store


def lab_id(home: Home, draw: bool = True) -> str:
    """Which lab this is: a name drawn once, kept in the state folder and moved with it; empty where none was drawn."""
    if draw and not home.lab_id.exists():
        durable.make_folder(home.path)
        durable.write_file(home.lab_id, uuid.uuid4().hex)
    return home.lab_id.read_text().strip() if home.lab_id.is_file() else ""


def _make_again(home: Home) -> None:
    """A draft takes the old file's place once it is whole; what is a folder there is kept beside it."""
    drop_leftovers(home)
    draft = home.database_draft
    with Store(home, draft) as store:
        store.ingest()
    durable.flush_path(draft)
    log = home.database.with_name(home.database.name + ".wal")
    for old in (home.database, log):
        if old.is_dir():
            old.rename(old.with_name(f"{old.name}.{time.time_ns()}.damaged"))
    log.unlink(missing_ok=True)
    durable.move(draft, home.database)


# --- the lock beside the file


def _take(home: Home) -> int:
    """The lock as an open file.  The database's own lock is dropped when its file is opened twice."""
    try:
        durable.make_folder(home.path)
        lock = os.open(home.database_lock, os.O_RDWR | os.O_CREAT, 0o644)
    except IsADirectoryError:
        raise Damaged(f"{home.database_lock} is a folder where a lock file should be: remove it.") from None
    except OSError as error:
        if refusal := disk_refusal(error):
            raise refusal from None
        raise Damaged(f"The state folder {home.path} cannot be opened ({error.strerror}): name another.") from None
    if not any(_locked(lock) for _ in range(TRIES)):
        os.close(lock)
        raise StoreBusy(_busy_sentence(home))
    _write_owner(lock, {"pid": os.getpid()})
    return lock


def _write_owner(lock: int, who: dict[str, Any]) -> None:
    """Who owns it, for whoever finds it taken; a disk without room for this takes nothing from the owner."""
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps(who).encode(), 0)
    except OSError as error:
        if not disk_refusal(error):
            raise


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        time.sleep(0.02)
        return False


def announce(store: Store, address: str) -> None:
    """Say in the lock file where the app that owns this store can be seen."""
    if store._lock is not None:
        _write_owner(store._lock, {"pid": os.getpid(), "address": address})


def owner(home: Home) -> dict[str, Any] | None:
    """Who owns the database ({"pid": …}, the app adds its "address"); None while nobody does."""
    try:
        lock = os.open(home.database_lock, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return _read_owner(lock)
    except OSError:  # a folder: nobody holds it
        return None
    finally:
        os.close(lock)


def _read_owner(lock: int) -> dict[str, Any]:
    """What the owner wrote; nothing where that is not to be read."""
    try:
        found = json.loads(os.pread(lock, 4096, 0))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _busy_sentence(home: Home) -> str:
    holder = owner(home) or {}
    who = f"the app at {holder['address']}" if "address" in holder else f"process {holder.get('pid', '?')}"
    return f"The database of {home.path} is in use by {who}: close that first."


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every table of a JSON document, itself first."""
    if isinstance(tree, dict):
        yield tree
    for branch in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _nodes(branch)
