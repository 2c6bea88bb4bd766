"""Tables as rows: CSV and TSV with the separator their first line has, and Parquet.

A CSV cell is text and stays text: `NA` and `None` are no missing values.  A table without a header has
columns named column_1, column_2, …  Not covered: nested separators, several tables in a file.
"""

import csv
import io
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from core.errors import BadInput
from core.loading.lines import SHOWN, Line, Row, file_name, quoted, text_lines, unreadable

BATCH = 1000
"""Rows of a Parquet file in memory at once."""


# --- CSV


class _Cells:
    """A CSV file as lists of cells; what was wrong with the lines of the last one is its `problem`."""

    def __init__(self, path: Path) -> None:
        lines = text_lines(path)
        first = next(lines, Line(1, ""))
        self.delimiter = max(",;\t", key=first.text.count)
        self.problem: str | None = None
        self._reader = csv.reader(self._texts(first, lines), delimiter=self.delimiter)

    def _texts(self, first: Line, rest: Iterator[Line]) -> Iterator[str]:
        for line in chain([first], rest):
            self.problem = self.problem or line.problem
            yield line.text

    def following(self) -> list[str] | None:
        """The next row's cells, None at the end; where `problem` is set they cannot be believed."""
        self.problem = None
        try:
            return next(self._reader, None)
        except csv.Error as error:
            self.problem = self.problem or f"It cannot be read as CSV ({error}): mend its quotes."
            return [""]


def csv_rows(path: Path, header: bool) -> Iterator[Row]:
    """Rows of a CSV or TSV file; one whose number of cells is not the header's is a row with a problem."""
    cells = _Cells(path)
    first = cells.following()
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
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(
            f"The header of {file_name(path)} names {quoted(twice[0])} twice: rename one column, or set header to "
            "false if it is no header."
        )
    return names


def _csv_row(number: int, names: list[str], row: list[str], cells: _Cells) -> Row:
    text = io.StringIO()
    csv.writer(text, delimiter=cells.delimiter, lineterminator="").writerow(row)
    raw = "" if row == [""] else text.getvalue()
    if cells.problem:
        return Row(number, raw, {}, cells.problem)
    if len(row) != len(names):
        counts = f"It has {len(row)} cells where the first row has {len(names)}"
        return Row(number, raw, {}, f"{counts}: put cells that hold the separator in quotes.")
    return Row(number, raw, dict(zip(names, row, strict=True)))


# --- Parquet


def parquet_rows(path: Path) -> Iterator[Row]:
    """Rows of a Parquet file, a batch in memory at a time."""
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(number, _shown(values), values)
    except PermissionError as error:
        raise unreadable(path, error) from None
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0].rstrip(".")[:120]
        raise BadInput(
            f"{file_name(path)} cannot be read as Parquet after row {number} ({reason}): copy it again, it may be cut."
        ) from None


def _shown(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, default=str)[:SHOWN]
