"""One JSON document as rows: an array of objects, or an object with fields that hold such arrays.

    for row in document_rows(Path("quiz.json"), field="data"): ...

Elements are decoded one at a time from a moving window, so that a file of any size can be read.  Of an
object without a named field every field that holds a list of objects is read, and each row has the
field's name in the column `field`.  After broken JSON nothing more can be read: the last row says so.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from core.loading.lines import LONGEST_LINE, Row, unreadable

DECODER = json.JSONDecoder(parse_constant=lambda _: None)  # NaN is how some writers say "missing"
WINDOW = 1 << 16
FIELD = "field"
"""Column with the name of the field that a row stood in."""


DEEPEST = 100
TOO_DEEP = f"Its JSON nests deeper than {DEEPEST} levels: simplify it."


def nests_too_deep(value: Any) -> bool:
    """Whether lists and objects stand in each other more than `DEEPEST` times."""
    level, inner = 0, [value]
    while inner and level <= DEEPEST:
        held = (one.values() if isinstance(one, dict) else one for one in inner if isinstance(one, dict | list))
        inner = [one for values in held for one in values if isinstance(one, dict | list)]
        level += 1
    return bool(inner)


class Broken(Exception):
    """Why the rest of a document cannot be read: one sentence."""


class _Window:
    """What is decoded of a file: `text` from `at` on; more is read when it is asked for."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = self._before = 0

    def _more(self) -> bool:
        chunk = self._file.read(max(WINDOW, len(self._text) - self._at))
        self._before += self._at
        self._text, self._at = self._text[self._at :] + chunk, 0
        return bool(chunk)

    def peek(self) -> str:
        """The next character that is no blank; "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at].isspace():
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, wanted: str) -> bool:
        """Step over a character if it is the next one."""
        found = self.peek() == wanted
        self._at += found
        return found

    def need(self, wanted: str) -> None:
        if not self.take(wanted):
            raise self._broken(f"{wanted!r} is missing")

    def value(self) -> Any:
        """The next JSON value."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                raise self._broken("it nests too deep") from None
            except ValueError as error:
                if len(self._text) - self._at > LONGEST_LINE or not self._more():
                    raise self._broken(getattr(error, "msg", "it has too long a number")) from None
                continue
            if end < len(self._text) or not self._more():  # a number may go on in what is not read yet
                self._at = end
                return value

    def _broken(self, why: str) -> Broken:
        place = f"{why}, in what begins at character {self._before + self._at + 1}"
        return Broken(f"The JSON cannot be read from here on ({place}): mend it, or cut the file before it.")


def document_rows(path: Path, field: str | None) -> Iterator[Row]:
    """The objects of a document in order; `field` names the field of an object that holds them."""
    number = 0
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            for name, value in _elements(_Window(file), field):
                number += 1
                yield _row(number, name, value)
    except Broken as problem:
        yield Row(number + 1, "", {}, str(problem))
    except OSError as error:
        raise unreadable(path, error) from None


def fields_of(path: Path) -> dict[str, int]:
    """Fields of a JSON object that hold lists of objects, and how many; empty for an array.  Reads the whole file."""
    found: Counter[str] = Counter()
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            for name, _ in _elements(_Window(file), None):
                found.update([name] if name is not None else [])
    except Broken:
        pass  # the rows that can be read say so
    return dict(found)


def _row(number: int, name: str | None, value: Any) -> Row:
    if nests_too_deep(value):
        return Row(number, "", {}, TOO_DEEP)
    raw = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict):
        return Row(number, raw, {}, 'It is not a JSON object: write it as {"question": …}.')
    return Row(number, raw, value if name is None else {FIELD: name} | value)


def _elements(window: _Window, field: str | None) -> Iterator[tuple[str | None, Any]]:
    if window.peek() == "[":
        yield from ((None, value) for value in _array(window))
        return
    window.need("{")
    while not window.take("}"):
        name = window.value()
        window.need(":")
        yield from ((str(name), value) for value in _held(window, field in (None, name), field is None))
        if not window.take(","):
            window.need("}")
            return


def _held(window: _Window, wanted: bool, objects_only: bool) -> Iterator[Any]:
    """The elements of a field's list; a field that holds something else is stepped over."""
    if not wanted or window.peek() != "[":
        window.value()
        return
    for value in _array(window):
        if isinstance(value, dict) or not objects_only:
            yield value


def _array(window: _Window) -> Iterator[Any]:
    window.need("[")
    while not window.take("]"):
        yield window.value()
        if not window.take(","):
            window.need("]")
            return
