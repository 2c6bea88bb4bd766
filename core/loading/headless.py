"""Tables without a header: whether a CSV is one, and which of its columns mean what.

    reads_like_data(path)                       # no first row that names the columns
    guess_places([{"column_1": "Why?", …}, …])  # {"question": "column_1", "options": "column_2,column_3", …}

A row of questions has gold at its end, or at its beginning: the letter or the text of an option that stands before
it.  The question is the first column that does not number the rows; options are what is left.
"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from core.loading.guessing import NEARLY, SOME
from core.loading.items import LETTERS, MAX_OPTIONS, POSITION, joined_columns
from core.loading.reading import is_table, read_rows

LOOKED_AT = 200
"""Rows that a guess is made from."""
LONG = 60
"""Characters that no name of a column has."""

Columns = dict[str, list[str]]
"""Name → stripped texts, one a row."""


def guess_places(rows: Sequence[dict[str, Any]]) -> dict[str, str | None]:
    """Settings of `ImportSettings` for the columns of a table without a header.

    Where no column is gold of others, the longest is the question, the last gold, and options stand between; of two
    columns the one with more different values is the question.
    """
    columns = _columns(rows)
    if found := _gold_and_options(columns):
        gold, question, options = found
        return {"question": question, "gold": gold, "options": joined_columns(options), "id": None}
    names = list(columns)
    if len(names) > 2 and _counts(columns[names[0]]):
        names = names[1:]
    measure = (lambda texts: len(set(texts))) if len(names) == 2 else (lambda texts: sum(map(len, texts)))
    sizes = [measure(columns[name]) for name in names]
    place = sizes.index(max(sizes))
    gold = names[-1] if place < len(names) - 1 else names[0]
    between = names[place + 1 : -1]
    return {
        "question": names[place],
        "gold": gold,
        "options": ",".join(between) if len(between) >= 2 else None,
        "id": None,
    }


def _columns(rows: Sequence[dict[str, Any]]) -> Columns:
    return {name: [str(row.get(name) or "").strip() for row in rows] for name in rows[0]}


def _gold_and_options(columns: Columns) -> tuple[str, str, list[str]] | None:
    """Gold, question and options, where one column names an option of its row; None where none does."""
    names = list(columns)
    for gold in (names[-1], *names[:2]):
        others = [name for name in names if name != gold]
        if len(others) > 2 and _numbers_rows(columns[others[0]]):
            others = others[1:]
        question, *options = others or [""]
        if 2 <= len(options) <= MAX_OPTIONS and _is_gold(columns[gold], [columns[name] for name in options]):
            return gold, question, options
    return None


def _is_gold(gold: Sequence[str], options: Sequence[Sequence[str]]) -> bool:
    """Whether nearly every filled cell is the letter, or the text, of an option of its row."""
    letters = LETTERS[: len(options)]
    given = [(text, texts) for text, *texts in zip(gold, *options, strict=True) if text]
    fits = sum((len(text) == 1 and text.upper() in letters) or text in texts for text, texts in given)
    return bool(given) and len(given) - fits <= max((1 - NEARLY) * len(given), len(given) >= SOME)


def _numbers_rows(column: Sequence[str]) -> bool:
    """Whether these are ids: of one word with a digit in each, all different."""
    ids = [text for text in column if text and " " not in text and any(letter.isdigit() for letter in text)]
    return len(set(ids)) == len(column)


def _counts(column: Sequence[str]) -> bool:
    return any(list(column) == [str(base + n) for n in range(len(column))] for base in (0, 1)) and len(column) > 1


# --- whether there is a header


def reads_like_data(path: Path, known: Sequence[str], is_option: Any) -> bool:
    """Whether the first row of a CSV is a row: no `known` name, and a cell that names no column.

    Words above a column of numbers name it.  A cell that asks something is a row's where cells below it ask too, and
    else the name of a column (“correct?”).  A letter above letters, or a word that stands below itself, is a row's.
    """
    if not is_table(path):
        return False
    rows = list(islice(read_rows(path, header=False), LOOKED_AT))
    first = {} if not rows or rows[0].problem else rows[0].values
    below = [row.values for row in rows[1:] if row.problem is None]
    cells = [text.strip() for text in first.values()]
    if len(cells) < 2 or {cell.lower() for cell in cells} & set(known) or is_option(cells):
        return False
    columns = {name: [row.get(name, "").strip() for row in below] for name in first}
    if any(_names_a_column(first[name].strip(), texts) for name, texts in columns.items()):
        return False
    asking = {name for name in first if not below or any(text.endswith("?") for text in columns[name])}
    asks = any(text.strip().endswith("?") for name, text in first.items() if name in asking)
    if asks or any(len(text) > LONG or POSITION.fullmatch(text) for text in cells):
        return True
    if any(_is_one_of(first[name].strip(), texts) for name, texts in columns.items()):
        return True
    found = _gold_and_options(_columns([first, *below]))
    return found is not None and first[found[0]].strip() in [first[name].strip() for name in found[2]]


def _names_a_column(text: str, below: Sequence[str]) -> bool:
    return bool(below) and all(POSITION.fullmatch(cell) for cell in below) and not POSITION.fullmatch(text)


def _is_one_of(text: str, below: Sequence[str]) -> bool:
    """Whether a cell is a value like those below it: one of them, or a letter of an option as they are.

    >>> _is_one_of("B", ["A", "C"]), _is_one_of("kitchen", ["garage", "kitchen"]), _is_one_of("room", ["garage"])
    (True, True, False)
    """
    letters = bool(below) and all(len(cell) == 1 and cell.upper() in LETTERS for cell in (text, *below))
    return letters or (bool(text) and text in below)
