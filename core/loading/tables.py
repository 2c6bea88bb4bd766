"""Tables as rows: CSV and TSV with the separator that their first lines have, and Parquet.

A CSV cell is text and stays text: `NA` and `None` are no missing values.  A table without a header has
columns named column_1, column_2, …  A row that is shorter than the header ends in empty cells.  Parquet is read by
parts of `UNPACKED` bytes, whatever the file promises.  Not covered: several tables in a file.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain, islice
from math import isnan
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.compute
import pyarrow.parquet

from core.errors import BadInput
from core.loading.lines import LONGEST_LINE, SHOWN, WHOLE, Line, Row, file_name, quoted, text_lines, unreadable

SEPARATORS = ",;\t|"
LOOKED_AT = 20
"""Lines that tell which separator a table has."""
OLD_LIMIT = 131_072
"""Characters of a cell that earlier versions of this lab could read."""
MOST_COLUMNS = 2_000
"""Columns of a table, a file of questions has a few dozen at most."""
MOST_ROWS = 20_000_000
"""Rows of a Parquet file, which may hold billions in a few bytes."""
LARGEST_COLUMN = 1 << 30
"""Bytes of a column of one Parquet row group, unpacked."""
BATCH = 1000
"""Rows of a Parquet file that are decoded at once; texts that repeat in them are held once."""
UNPACKED = 64 << 20
"""Bytes of rows that are made values of Python at once."""

csv.field_size_limit(LONGEST_LINE)


def too_many_columns(path: Path, count: int) -> BadInput:
    """The sentence for a table that is too wide to be looked through."""
    return BadInput(
        f"{file_name(path)} has {count:,} columns, more than {MOST_COLUMNS:,}: export the few that are needed."
    )


# --- CSV


class _Cells:
    """A CSV file as lists of cells; what was wrong with the lines of the last one is its `problem`."""

    def __init__(self, path: Path) -> None:
        lines = text_lines(path)
        first = list(islice(lines, LOOKED_AT))
        named = first[0].text.strip() if first else ""
        if len(named) == 5 and named.startswith("sep="):  # how a spreadsheet notes its separator
            self.delimiter, first = named[-1], first[1:]
        else:
            self.delimiter = separator_of([line.text for line in first])
        self.problem: str | None = None
        self._open = False
        """Whether the lines that were read so far leave a quote open."""
        self._taken = 0
        """Lines of the row that is read."""
        self._lines = self._texts(chain(first, lines))
        self._reader = csv.reader(self._lines, delimiter=self.delimiter)

    def _texts(self, lines: Iterator[Line]) -> Iterator[str]:
        for line in lines:
            self._taken += 1
            self.problem = self.problem or line.problem
            self._open ^= line.unpaired or line.text.count('"') % 2 == 1
            yield line.text

    def following(self) -> list[str] | None:
        """The next row's cells, None at the end; where `problem` is set they cannot be believed."""
        self.problem, self._open, self._taken = None, False, 0
        try:
            row = next(self._reader, None)
            if row and self._open and self._taken > 1:
                self.problem = self.problem or "It has a quote that is never closed: close it, or take it away."
        except csv.Error as error:
            self.problem = self.problem or self._why(str(error))
            row = [""]
        if self.problem:
            self._skip_open_cell()
        return row

    def _why(self, error: str) -> str:
        if "field larger" in error:
            return f"It has a cell of more than {LONGEST_LINE >> 20} MiB: shorten it, or close the quote that opens it."
        return f"It cannot be read as CSV ({error}): mend its quotes."

    def _skip_open_cell(self) -> None:
        """Pass over the rest of a quoted cell, which is no row."""
        if self._open:
            while self._open and next(self._lines, None) is not None:
                pass
            self._reader = csv.reader(self._lines, delimiter=self.delimiter)


def separator_of(lines: list[str]) -> str:
    """Of comma, semicolon, tab and bar the one that the first line has most; of those it has, one that fits the others.

    >>> separator_of(["Nr|Frage, kurz|Lösung", "1|Was ist Eis?|A"]), separator_of(["a;b, c, d", "1;2", "3;4"])
    ('|', ';')
    """
    first = _outside_quotes(lines[0]) if lines else ""
    counts = {mark: first.count(mark) for mark in SEPARATORS if mark in first}
    if not counts:
        return SEPARATORS[0]
    rows = [_outside_quotes(line) for line in lines[1:] if line.strip()]
    most = max(counts, key=counts.__getitem__)
    fits = {mark: sum(row.count(mark) == count for row in rows) for mark, count in counts.items()}
    return most if 2 * fits[most] >= len(rows) else max(counts, key=lambda mark: (fits[mark], counts[mark]))


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


def csv_rows(path: Path, header: bool) -> Iterator[Row]:
    """Rows of a CSV or TSV file; one with more cells than the header is a row with a problem."""
    cells = _Cells(path)
    first = cells.following()
    if len(first or ()) > MOST_COLUMNS:
        raise too_many_columns(path, len(first))
    names = _names(path, cells, first) if header else [f"column_{n}" for n in range(1, len(first or []) + 1)]
    number = 0
    row = cells.following() if header else first
    while row is not None:
        if row:
            number += 1
            yield _csv_row(number, names, row, cells)
        row = cells.following()


def _names(path: Path, cells: _Cells, header: list[str] | None) -> list[str]:
    if cells.problem:
        raise BadInput(f"The header of {file_name(path)} cannot be read ({cells.problem.rstrip('.')}).")
    names = [name.strip() for name in header or []]
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise BadInput(
            f"The header of {file_name(path)} names {quoted(min(twice))} twice: rename one column, or, if it is no "
            "header, say so with --set header=false."
        )
    return [name or f"column_{n}" for n, name in enumerate(names, start=1)]


def _csv_row(number: int, names: list[str], row: list[str], cells: _Cells) -> Row:
    text = io.StringIO()
    csv.writer(text, delimiter=cells.delimiter, lineterminator="").writerow(row)
    raw = "" if row == [""] else text.getvalue()
    if cells.problem:
        return Row(number, raw, {}, cells.problem)
    if len(row) > len(names):
        counts = f"It has {len(row)} cells where the first row has {len(names)}"
        return Row(number, raw, {}, f"{counts}: put cells that hold the separator in quotes.")
    short = len(row) < len(names)
    changed = short or any(len(cell) > OLD_LIMIT for cell in row)
    values = dict(zip(names, row + [""] * (len(names) - len(row)), strict=True))
    return Row(number, raw, values, None, frozenset({WHOLE} if changed else ()), short)


# --- Parquet


def parquet_rows(path: Path) -> Iterator[Row]:
    """Rows of a Parquet file, a part in memory at a time."""
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            _check_size(path, file.metadata)
        texts = _text_columns(path)
        with pyarrow.parquet.ParquetFile(path, read_dictionary=texts) as file:
            for batch in file.iter_batches(BATCH):
                for piece in _pieces(batch):
                    yield from _rows_of(number + 1, piece)
                    number += piece.num_rows
    except PermissionError as error:
        raise unreadable(path, error) from None
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0].rstrip(".")[:120]
        raise BadInput(
            f"{file_name(path)} cannot be read as Parquet after row {number} ({reason}): copy it again, it may be cut."
        ) from None


def _check_size(path: Path, about: pyarrow.parquet.FileMetaData) -> None:
    """`BadInput` for a file that no machine should unpack."""
    if about.num_columns > MOST_COLUMNS:
        raise too_many_columns(path, about.num_columns)
    if about.num_rows > MOST_ROWS:
        raise BadInput(
            f"{file_name(path)} says it holds {about.num_rows:,} rows, more than {MOST_ROWS:,}: take a part."
        )
    for group in range(about.num_row_groups):
        for column in range(about.num_columns):
            size = about.row_group(group).column(column).total_uncompressed_size
            if size > LARGEST_COLUMN:
                raise BadInput(
                    f"{file_name(path)} holds {size >> 20:,} MiB in one column of one row group, more than "
                    f"{LARGEST_COLUMN >> 20:,}: write it with smaller row groups, or leave that column out."
                )


def _text_columns(path: Path) -> list[str]:
    """Columns of texts, by the way that they are kept as positions in a list of different texts."""
    with pyarrow.parquet.ParquetFile(path) as file:
        columns = map(file.schema.column, range(len(file.schema.names)))
        return [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]


def _pieces(batch: pyarrow.RecordBatch) -> Iterator[pyarrow.RecordBatch]:
    """A batch in parts that can be unpacked; one row that cannot is a part of its own."""
    if batch.num_rows <= 1 or sum(map(_unpacked, batch.columns)) <= UNPACKED:
        yield batch
        return
    half = batch.num_rows // 2
    yield from _pieces(batch.slice(0, half))
    yield from _pieces(batch.slice(half))


def _unpacked(column: pyarrow.Array) -> int:
    """Bytes that a column may take as values of Python."""
    if isinstance(column, pyarrow.DictionaryArray):
        longest = pyarrow.compute.max(pyarrow.compute.binary_length(column.dictionary)).as_py()
        return len(column) * ((longest or 0) + 8)
    if isinstance(column, pyarrow.StructArray):
        return sum(map(_unpacked, column.flatten()))
    if isinstance(column, pyarrow.MapArray):
        return _unpacked(column.keys) + _unpacked(column.items)
    if isinstance(column, pyarrow.ListArray | pyarrow.LargeListArray):
        return _unpacked(column.flatten())
    return column.nbytes


def _rows_of(first: int, batch: pyarrow.RecordBatch) -> Iterator[Row]:
    """Rows of a part, numbered from `first` on."""
    size = sum(map(_unpacked, batch.columns))
    if size > UNPACKED:
        yield Row(first, "", {}, f"It takes {size >> 20:,} MiB unpacked, more than {UNPACKED >> 20}: shorten it.")
        return
    long = _too_long(batch)
    rows = [{}] * batch.num_rows if all(long) else batch.to_pylist()
    for number, (found, too_long) in enumerate(zip(rows, long, strict=True), start=first):
        if too_long:
            yield Row(number, "", {}, f"It has a text of more than {LONGEST_LINE >> 20} MiB: shorten it.")
            continue
        values = {name: _plain(value) for name, value in found.items()}
        changed = frozenset(name for name in values if values[name] is not found[name] and values[name] != found[name])
        yield Row(number, json.dumps(values, ensure_ascii=False, default=str)[:SHOWN], values, None, changed)


def _too_long(batch: pyarrow.RecordBatch) -> list[bool]:
    """Whether a row has a text that no line could have."""
    found = [False] * batch.num_rows
    for column in batch.columns:
        if isinstance(column, pyarrow.DictionaryArray) and pyarrow.types.is_string(column.type.value_type):
            sizes = pyarrow.compute.binary_length(column.dictionary).take(column.indices).to_pylist()
            found = [already or (size or 0) > LONGEST_LINE for already, size in zip(found, sizes, strict=True)]
    return found


def _plain(value: Any) -> Any:
    """A value of Parquet as JSON would have it: bytes that are text, dates and decimals as text, NaN as nothing.

    >>> _plain(b"ice"), _plain(date(2024, 5, 1)), _plain(Decimal("1.50")), _plain(float("nan")), _plain({"a": [b"x"]})
    ('ice', '2024-05-01', '1.50', None, {'a': ['x']})
    """
    if isinstance(value, float):
        return None if isnan(value) else value
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value  # pictures and the like, which no text is made of
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, Decimal | timedelta):
        return str(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
