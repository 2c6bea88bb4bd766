"""Lines of a text file, each with what is wrong with it; and rows, what every reader of a format yields.

A line that is not UTF-8, holds a NUL or is longer than `LONGEST_LINE` is a line with a problem, and the
next one is read as if nothing had been.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from core.errors import BadInput

LONGEST_LINE = 8 * 1024 * 1024
SHOWN = 500
"""Characters of a row that are kept to show why it was rejected."""


class Row(NamedTuple):
    """One row of a source: its values, or why it has none."""

    number: int
    """Line (JSON Lines), data row (tables), element (JSON) or block of 8 lines, counted from 1."""
    raw: str
    values: dict[str, Any]
    problem: str | None = None
    otherwise: frozenset[str] = frozenset()
    """Columns that an earlier version of this lab read in another way, `WHOLE` for all: an import's id says so."""
    short: bool = False
    """Whether the row of a table had fewer cells than its header; those that are missing are empty."""


WHOLE = ""
"""In `Row.otherwise`: the whole row."""


class Line(NamedTuple):
    """A line with its end."""

    number: int
    text: str
    problem: str | None = None
    unpaired: bool = False
    """Whether the part of a line that is too long, which `text` lacks, leaves a quote open."""


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


def unreadable(path: Path, error: OSError) -> BadInput:
    """The sentence for a file that the system does not let us read."""
    return BadInput(f"{file_name(path)} cannot be read ({error.strerror}): check its path and permissions.")


def text_lines(path: Path) -> Iterator[Line]:
    """Lines with their ends, without a byte order mark."""
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                yield _line(number, line, file)
    except OSError as error:
        raise unreadable(path, error) from None


def _line(number: int, line: bytes, file: BinaryIO) -> Line:
    if number == 1:
        line = line.removeprefix(b"\xef\xbb\xbf")
    problem = None
    if len(line) > LONGEST_LINE:
        quotes = line.count(b'"') + _skip_rest(line, file)
        line = line[:SHOWN].replace(b'"', b"'") + b"\n"
        problem = f"Its line is longer than {LONGEST_LINE >> 20} MiB: put each question on its own line."
        return Line(number, line.decode(errors="replace"), problem, unpaired=quotes % 2 == 1)
    elif b"\0" in line:
        problem = "Its line is binary, not text: export the file as UTF-8 text."
    try:
        return Line(number, line.decode(), problem)
    except UnicodeDecodeError:
        problem = problem or "Its line is not UTF-8: save the file as UTF-8 text."
        return Line(number, line.decode(errors="replace"), problem)


def _skip_rest(line: bytes, file: BinaryIO) -> int:
    """Read on to the line's end; how many quotes stand there."""
    quotes = 0
    while line and not line.endswith(b"\n"):
        line = file.readline(1 << 20)
        quotes += line.count(b'"')
    return quotes
