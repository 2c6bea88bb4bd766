"""A source row as an item: its question, options and gold, or the problem it has.

    item_of(row, settings, labels=None)     # labels: the fixed ones of a file without an options column

A row that cannot be used raises `RowProblem`, whose sentence becomes the reason of a `Reject`.  Text is
kept as the source has it.  Not covered: options in one string, gold as a position, several golds.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from core.reading import Row, quoted
from core.records import Item, Option
from core.settings import ImportSettings

LETTERS = "ABCDEFGHIJ"
MAX_OPTIONS = len(LETTERS)
LETTERED = re.compile(r"^\s*\(?(?P<label>[A-J])[).:]\s*(?P<text>.*)$", re.DOTALL)


class RowProblem(Exception):
    """Why a row is no item: one sentence with its remedy."""


def item_of(row: Row, settings: ImportSettings, labels: list[str] | None) -> Item:
    """The row's item, its split empty where none is mapped; `RowProblem` if it cannot be one.

    `labels` are the options of every row of a file without an options column, else None.
    """
    if row.problem is not None:
        raise RowProblem(row.problem)
    options, own_labels = _options(row, settings, labels)
    return Item(
        id=_text(row, settings.id, "id") or str(row.number),
        split=_split(row, settings),
        question=_question(row, settings),
        context=_text(row, settings.context, "context"),
        options=options,
        gold=find_gold(_text(row, settings.gold, "gold"), options, own_labels),
    )


def _text(row: Row, column: str | None, what: str) -> str | None:
    return None if column is None else text_of(cell(row.values, column), what)


def _question(row: Row, settings: ImportSettings) -> str:
    value = cell(row.values, settings.question)
    text = text_of(value, "question")
    if text is None and value is None:
        column = quoted(settings.question)
        raise RowProblem(f"It has no question in column {column}: {_there_are(row.values)}.")
    if text is None:
        raise RowProblem("Its question is empty: write one or leave the row out.")
    return text


def _split(row: Row, settings: ImportSettings) -> str:
    if settings.split is None:
        return ""
    text = _text(row, settings.split, "split")
    if text is None:
        column = quoted(settings.split)
        raise RowProblem(f"It has no split in column {column}: fill it, or map no split column.")
    return text.strip()


# --- options


def _options(row: Row, settings: ImportSettings, labels: list[str] | None) -> tuple[list[Option], bool]:
    if labels is not None:
        return [Option(label=label, text=label) for label in labels], True
    options, own_labels = options_of(row.values, str(settings.options))
    if not 2 <= len(options) <= MAX_OPTIONS:
        raise RowProblem(f"Its number of options is {len(options)}: a question needs two to ten.")
    repeated = repeated_label([option.label for option in options])
    if repeated:
        raise RowProblem(f"Its option label {quoted(repeated)} stands twice: give each option its own.")
    return options, own_labels


def repeated_label(labels: list[str]) -> str | None:
    """The first label that another one equals but for case and outer blanks."""
    counts = Counter(map(_folded, labels))
    return next((label for label in labels if counts[_folded(label)] > 1), None)


def options_of(values: dict[str, Any], column: str) -> tuple[list[Option], bool]:
    """A row's options, and whether their labels are the source's own (else letters are given).

    Read are: a list of texts, lettered ("A)21", with the letters in order) or not; a list of {"label",
    "text"}; {"label": [...], "text": [...]}; {"A": text, …}; a JSON list in a cell; and columns
    "A,B,C,D", where an empty cell is no option.  Anything else is a `RowProblem`.
    """
    value = cell(values, column)
    if value is None and "," in column:
        return _options_in_columns(values, [name.strip() for name in column.split(",")]), True
    if isinstance(value, str):
        value = _json_list(value)
    if isinstance(value, dict):
        value = _listed(value)
    if value is None or value == "":
        raise RowProblem(f"It has no options in column {quoted(column)}: {_there_are(values)}.")
    if not isinstance(value, list):
        raise RowProblem(f"Its options in column {quoted(column)} are no list: write them as one.")
    if value and all(isinstance(option, dict) for option in value):
        return [_option(o.get("label"), o.get("text"), n) for n, o in enumerate(value, start=1)], True
    return _texts(value)


def _json_list(text: str) -> Any:
    """The list that a cell's text spells out; any other text as it is."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, list) else text


def _options_in_columns(values: dict[str, Any], columns: list[str]) -> list[Option]:
    missing = [name for name in columns if name not in values]
    if missing:
        raise RowProblem(f"It has no column {quoted(missing[0])} for an option: {_there_are(values)}.")
    texts = {mark: text_of(values[name], f"option {mark}") for mark, name in column_labels(columns).items()}
    return [Option(label=mark, text=text) for mark, text in texts.items() if text is not None]


def column_labels(columns: list[str]) -> dict[str, str]:
    """Label → column of options that stand in columns of their own: what their names do not share.

    >>> column_labels(["option_a", "option_b"]), column_labels(["A", "B"])
    ({'A': 'option_a', 'B': 'option_b'}, {'A': 'A', 'B': 'B'})
    """
    shared = 0
    while len({name[: shared + 1] for name in columns}) == 1 and shared < min(map(len, columns)) - 1:
        shared += 1
    marks = [name[shared:] for name in columns]
    if len({mark.upper() for mark in marks}) == len(marks) and all(len(mark) == 1 for mark in marks):
        marks = [mark.upper() for mark in marks]
    return dict(zip(marks, columns, strict=True))


def _listed(value: dict[str, Any]) -> list[Any]:
    labels, texts = value.get("label"), value.get("text")
    if isinstance(labels, list) and isinstance(texts, list) and len(labels) == len(texts):
        pairs = zip(labels, texts, strict=True)
    else:
        pairs = value.items()
    return [{"label": label, "text": text} for label, text in pairs]


def _texts(value: list[Any]) -> tuple[list[Option], bool]:
    texts = [text_of(option, f"option {n}") for n, option in enumerate(value, start=1)]
    labels = LETTERS[: len(texts)].ljust(len(texts), "?")  # too many are refused for their number
    split = [LETTERED.match(text or "") for text in texts]
    lettered = [match["label"] for match in split if match] == list(labels)
    if lettered:
        texts = [match["text"] for match in split if match]
    numbered = enumerate(zip(labels, texts, strict=True), start=1)
    return [_option(label, text, n) for n, (label, text) in numbered], lettered


def _option(label: Any, text: Any, number: int) -> Option:
    label, text = text_of(label, f"option {number}'s label"), text_of(text, f"option {number}")
    if label is None or text is None:
        missing = "label" if label is None else "text"
        raise RowProblem(f"Its option {number} has no {missing}: every option needs one.")
    return Option(label=label, text=text)


def _there_are(values: dict[str, Any]) -> str:
    names = ", ".join(quoted(name) for name in list(values)[:12])
    return f"name another column in the mapping (there are: {names})" if names else "the row has no columns"


# --- gold


def find_gold(gold: str | None, options: Sequence[Option], own_labels: bool) -> str | None:
    """Label of the option that the source's gold names, None for None; else `RowProblem`.

    Gold is a label or an option's text, but for outer blanks and, where nothing is equal, for case.
    Labels win over texts; but where the labels are letters that this module gave (not `own_labels`), a
    gold that is one option's letter and another's text is refused.

    >>> marks = [Option(label="1", text="2"), Option(label="2", text="4")]
    >>> find_gold("2", marks, own_labels=True), find_gold("4", marks, own_labels=True)
    ('2', '2')
    """
    if gold is None:
        return None
    for alike in (str.strip, _folded):
        by_label = _only(alike(gold), [(alike(option.label), option.label) for option in options])
        by_text = _only(alike(gold), [(alike(option.text), option.label) for option in options])
        if by_label and by_text and by_label != by_text and not own_labels:
            raise RowProblem(
                f"Its gold {quoted(gold)} is one option's letter and another's text: give the options labels."
            )
        if by_label or by_text:
            return by_label or by_text
    allowed = ", ".join(quoted(option.label) for option in options)
    raise RowProblem(f"Its gold {quoted(gold)} names no single option: use one of {allowed}.")


def _folded(text: str) -> str:
    return text.strip().casefold()


def _only(gold: str, named: list[tuple[str, str]]) -> str | None:
    labels = [label for name, label in named if name == gold]
    return labels[0] if len(labels) == 1 else None


# --- cells


def cell(values: dict[str, Any], column: str) -> Any:
    """The value in a column, None where there is none; dots reach into objects.

    >>> cell({"question": {"stem": "Why?"}}, "question.stem"), cell({"a.b": 1}, "a.b"), cell({}, "a")
    ('Why?', 1, None)
    """
    if column in values:
        return values[column]
    found: Any = values
    for name in column.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def text_of(value: Any, what: str) -> str | None:
    """A cell as text: a number or truth value as JSON writes it, None where it is empty or blank.

    `what` names the cell in the `RowProblem` for an object, a list or text that is not valid Unicode.
    """
    if value is None:
        return None
    if isinstance(value, dict | list):
        kind = "an object" if isinstance(value, dict) else "a list"
        raise RowProblem(f"Its {what} is {kind}: give text, or name the column inside it with a dot.")
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RowProblem(f"Its {what} is not valid Unicode (half of a character pair): replace it.") from None
    return text if text.strip() else None
