"""Source files as numbered rows of named values, one at a time.

    for row in read_rows(Path("quiz.jsonl")):
        row.number, row.values        # or row.problem, where the line is not a row

Reads JSON Lines (.jsonl, .ndjson, .json), CSV (.csv; comma, semicolon or tab, as its header has it)
and .tsv.  A file that cannot be read at all is `BadInput`; a bad line is a row with a problem.  What
the values mean is `core.items`.  Not read: one JSON array or object over many lines, Parquet, UTF-16.
"""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import BadInput

JSON_LINES = (".jsonl", ".ndjson", ".json")
TABLES = (".csv", ".tsv")
LONGEST_LINE = 8 * 1024 * 1024


class Row(NamedTuple):
    """One row of a source: its values, or why it has none."""

    number: int
    """Line (JSON Lines) or data row (CSV), counted from 1."""
    raw: str
    values: dict[str, Any]
    problem: str | None = None


def file_name(path: Path) -> str:
    """A file's name as valid Unicode, whatever bytes the file system holds."""
    return path.name.encode("utf-8", "replace").decode()


def quoted(value: object) -> str:
    """A value from a source inside a sentence: short, printable, one line.

    >>> quoted("a\\nb"), quoted("x" * 99)[-6:]
    ("'a\\\\nb'", "xxxx…'")
    """
    text = str(value)
    return repr(text if len(text) <= 60 else text[:60] + "…")


# --- files


def check_file(path: Path) -> None:
    """Raise `BadInput` unless this is a non-empty file with a suffix that can be read."""
    name = file_name(path)
    try:
        if path.is_dir():
            raise BadInput(f"{name} is a folder: name a file in it.")
        if not path.is_file():
            raise BadInput(f"There is no file {name} in that place: check its path.")
        size = path.stat().st_size
    except OSError as error:
        raise BadInput(f"{name} cannot be read ({error.strerror}): check its path and permissions.") from None
    if path.suffix.lower() not in JSON_LINES + TABLES:
        known = ", ".join(JSON_LINES + TABLES)
        raise BadInput(f"{name} has a suffix that is not known: use one of {known}.")
    if size == 0:
        raise BadInput(f"{name} is empty: it needs a row for each question.")


def read_rows(path: Path) -> Iterator[Row]:
    """Every row of a file in order, blank lines left out; `BadInput` where the file cannot be read."""
    check_file(path)
    found = False
    for row in _table(path) if path.suffix.lower() in TABLES else _json_lines(path):
        found = True
        yield row
    if not found:
        raise BadInput(f"{file_name(path)} holds no rows: it needs one for each question.")


def _text_lines(path: Path) -> Iterator[str]:
    """Lines with their ends, without a byte order mark."""
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                encoding = "utf-8-sig" if number == 1 else "utf-8"
                yield _decoded(line, f"Line {number} of {file_name(path)}", encoding)
    except OSError as error:
        message = f"{file_name(path)} cannot be read ({error.strerror}): check its path and permissions."
        raise BadInput(message) from None


def _decoded(line: bytes, place: str, encoding: str) -> str:
    if len(line) > LONGEST_LINE:
        raise BadInput(f"{place} is longer than {LONGEST_LINE >> 20} MiB: put each question on its own line.")
    if b"\0" in line:
        raise BadInput(f"{place} is binary, not text: export the file as UTF-8 text.")
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        raise BadInput(f"{place} is not UTF-8: save the file as UTF-8 text.") from None


def _json_lines(path: Path) -> Iterator[Row]:
    for number, line in enumerate(_text_lines(path), start=1):
        raw = line.strip()
        if number == 1 and raw.startswith("[") and path.suffix.lower() == ".json":
            raise BadInput(f"{file_name(path)} is one JSON array: write each object on a line of its own.")
        if raw:
            yield _json_row(number, raw)


def _json_row(number: int, raw: str) -> Row:
    try:
        value = json.loads(raw, parse_constant=lambda _: None)  # NaN is how some writers say "missing"
    except json.JSONDecodeError as error:
        place = f"{error.msg} at character {error.pos + 1}"
        return Row(number, raw, {}, f"It is not valid JSON ({place}): write one whole object on each line.")
    except (ValueError, RecursionError):
        return Row(number, raw, {}, "Its JSON nests too deep or has too long a number: simplify it.")
    if not isinstance(value, dict):
        return Row(number, raw, {}, 'It is not a JSON object: write it as {"question": …}.')
    return Row(number, raw, value)


def _table(path: Path) -> Iterator[Row]:
    lines = _text_lines(path)
    first = next(lines, "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(_chained(first, lines), delimiter=delimiter)
    header = _header(path, reader)
    number = 0
    while (cells := _next_cells(reader)) is not None:
        if cells != []:
            number += 1
            yield _table_row(number, header, cells, delimiter)


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _header(path: Path, reader: Iterator[list[str]]) -> list[str]:
    header = _next_cells(reader)
    if not isinstance(header, list):
        raise BadInput(f"The header of {file_name(path)} cannot be read ({header}): mend its quotes.")
    header = [name.strip() for name in header]
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise BadInput(f"The header of {file_name(path)} names {quoted(twice[0])} twice: rename one column.")
    return header


def _next_cells(reader: Iterator[list[str]]) -> list[str] | str | None:
    """The next row's cells, or why it cannot be split into cells, or None at the end."""
    try:
        return next(reader, None)
    except csv.Error as error:
        return str(error)


def _table_row(number: int, header: list[str], cells: list[str] | str, delimiter: str) -> Row:
    if isinstance(cells, str):
        return Row(number, "", {}, f"It cannot be read as CSV ({cells}): mend its quotes.")
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="").writerow(cells)
    if len(cells) != len(header):
        counts = f"It has {len(cells)} cells where the header has {len(header)}"
        return Row(number, text.getvalue(), {}, f"{counts}: put cells that hold the separator in quotes.")
    return Row(number, text.getvalue(), dict(zip(header, cells, strict=True)))
