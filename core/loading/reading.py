"""Source files as numbered rows of named values, one at a time.

    for row in read_rows(Path("quiz.jsonl")):
        row.number, row.values        # or row.problem, where the line is not a row

Reads JSON Lines, JSON documents (`core.loading.documents`), CSV, TSV and Parquet (`core.loading.tables`),
and the blocks of LogiQA (`core.loading.blocks`).  The suffix says the family, the content the form within
it.  A file that cannot be read at all is `BadInput`; a bad line is a row with a problem.  What the values
mean is `core.loading.items`.  Not read: UTF-16, archives, spreadsheets.
"""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from core.errors import BadInput
from core.loading.blocks import begins_as_blocks, block_rows
from core.loading.documents import TOO_DEEP, document_rows, fields_of, nests_too_deep
from core.loading.lines import LONGEST_LINE, Line, Row, file_name, quoted, text_lines, unreadable
from core.loading.tables import MOST_COLUMNS, csv_rows, parquet_rows, too_many_columns

__all__ = ["LONGEST_LINE", "Row", "check_file", "document_fields", "file_name", "is_table", "quoted", "read_rows"]

JSON = (".jsonl", ".ndjson", ".json", ".txt")
TABLES = (".csv", ".tsv")
SUFFIXES = (*JSON, *TABLES, ".parquet")

OPTION_KEYS = {"label", "text", "key", "value", "id", "option", "correct", "is_correct"}
"""Fields of an option; a list of objects that have others too is a list of rows."""
ROW_NAMES = ("question", "question_stem", "stem", "prompt", "query", "instruction", "text", "sentence", "premise",
             "messages", "conversations")  # fmt: skip
"""Columns of a row that asks something, which is no document of rows."""

FOREIGN = [
    (b"version https://git-lfs", "is a Git LFS pointer and not the data: run `git lfs pull` where it came from."),
    (b"PK\x03\x04", "is a zip archive or a spreadsheet: unpack it, or export it as CSV, and name that file."),
    (b"\x1f\x8b", "is compressed: unpack it and name the file inside."),
    (b"\xff\xfe", "is UTF-16, not UTF-8: save the file as UTF-8 text."),
    (b"\xfe\xff", "is UTF-16, not UTF-8: save the file as UTF-8 text."),
]
"""How a file begins that is something else, and the sentence about it."""


def check_file(path: Path) -> None:
    """Raise `BadInput` unless this is a non-empty file of a kind that can be read."""
    name = file_name(path)
    try:
        if path.is_dir():
            raise BadInput(f"{name} is a folder: name a file in it.")
        if not path.is_file():
            raise BadInput(f"There is no file {name} in that place: check its path.")
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise unreadable(path, error) from None
    foreign = next((why for start, why in FOREIGN if head.startswith(start)), None)
    if foreign:
        raise BadInput(f"{name} {foreign}")
    if path.suffix.lower() not in SUFFIXES:
        raise BadInput(f"{name} has a suffix that is not known: use one of {', '.join(SUFFIXES)}.")
    if not head:
        raise BadInput(f"{name} is empty: it needs a row for each question.")
    if path.suffix.lower() != ".parquet" and b"\0" in head:
        raise BadInput(f"{name} is binary, not text: export the file as UTF-8 text.")


def is_table(path: Path) -> bool:
    """Whether the file is CSV or TSV, which may have no header."""
    return path.suffix.lower() in TABLES


def document_fields(path: Path) -> dict[str, int]:
    """Field → objects of each list in a file that is one JSON object; empty for any other file.  Reads all of it."""
    check_file(path)
    if path.suffix.lower() not in JSON:
        return {}
    first = list(islice(text_lines(path), 8))
    return fields_of(path) if _first_text(first).startswith("{") and _is_document(path, first) else {}


def read_rows(path: Path, header: bool = True, field: str | None = None) -> Iterator[Row]:
    """Every row of a file in order, blank lines left out; `BadInput` where the file cannot be read.

    `header`: whether the first row of a CSV names its columns.  `field`: the field of a JSON object that
    holds the rows; None takes every field that holds a list of objects.
    """
    check_file(path)
    found = False
    for row in _rows(path, header, field):
        if len(row.values) > MOST_COLUMNS:
            raise too_many_columns(path, len(row.values))
        found = True
        yield row
    if not found:
        raise BadInput(f"{file_name(path)} holds no rows: it needs one for each question.")


def _rows(path: Path, header: bool, field: str | None) -> Iterator[Row]:
    suffix = path.suffix.lower()
    if suffix in TABLES:
        return csv_rows(path, header)
    if suffix == ".parquet":
        return parquet_rows(path)
    first = list(islice(text_lines(path), 8))
    if field is not None or _is_document(path, first):
        return document_rows(path, field)
    if suffix == ".txt" and not _first_text(first).startswith("{"):
        if not begins_as_blocks([line.text for line in first]):
            raise BadInput(
                f"{file_name(path)} is text, but neither JSON Lines nor blocks of 8 lines as LogiQA has them: "
                "export it as JSON Lines or CSV."
            )
        return block_rows(path)
    return _json_lines(path)


# --- JSON


def _first_text(lines: list[Line]) -> str:
    return next((line.text.strip() for line in lines if line.text.strip()), "")


def _is_document(path: Path, lines: list[Line]) -> bool:
    """Whether a file is one JSON value over any number of lines, and not an object on each line."""
    first = _first_text(lines)
    if first.startswith("["):
        return True
    if not first.startswith("{"):
        return False
    opening = next(line for line in lines if line.text.strip())
    a_line_each = path.suffix.lower() in (".jsonl", ".ndjson")
    if opening.problem is not None:
        return not a_line_each  # too long for a line
    row = _json_row(opening)
    if row.problem is not None:
        return first[-1] in "{[,:" and not a_line_each
    return sum(bool(line.text.strip()) for line in lines) == 1 and _holds_rows(row.values)


def _holds_rows(values: dict[str, Any]) -> bool:
    """Whether an object has lists of rows in it, and is no row itself.

    >>> _holds_rows({"name": "x", "examples": [{"input": "Is it ice?", "target": "yes"}]})
    True
    >>> _holds_rows({"stem": "Is it ice?", "choices": [{"label": "A", "text": "yes"}]})
    False
    """
    lists = [value for value in values.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if any(len(value[0]) > 2 and not value[0].keys() <= OPTION_KEYS for value in lists):
        return True
    own = any(name.casefold() in ROW_NAMES for name in values)
    return not own and any(not value[0].keys() <= OPTION_KEYS for value in lists)


def _json_lines(path: Path) -> Iterator[Row]:
    for line in text_lines(path):
        if line.text.strip():
            yield _json_row(line)


def _json_row(line: Line) -> Row:
    number, raw = line.number, line.text.strip()
    if line.problem:
        return Row(number, raw, {}, line.problem)
    try:
        value = json.loads(raw, parse_constant=lambda _: None)  # NaN is how some writers say "missing"
    except json.JSONDecodeError as error:
        place = f"{error.msg} at character {error.pos + 1}"
        return Row(number, raw, {}, f"It is not valid JSON ({place}): write one whole object on each line.")
    except (ValueError, RecursionError):
        return Row(number, raw, {}, "Its JSON nests too deep or has too long a number: simplify it.")
    if not isinstance(value, dict):
        return Row(number, raw, {}, 'It is not a JSON object: write it as {"question": …}.')
    if nests_too_deep(value):
        return Row(number, raw, {}, TOO_DEEP)
    return Row(number, raw, value)
