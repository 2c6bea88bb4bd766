"""A source row as an item: its question, options and gold, or the problem it has.

    item_of(row, settings, labels=None)     # labels: the fixed ones of a file without an options column

A row that cannot be used raises `RowProblem`, whose sentence becomes the reason of a `Reject`.  Text is
kept as the source has it.  Not covered: several golds, options that are pictures.
"""

import ast
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from core.loading.names import tidy
from core.loading.reading import Row, quoted
from core.records import Item, Option
from core.settings import ImportSettings

LETTERS = "ABCDEFGHIJ"
MAX_OPTIONS = len(LETTERS)
LETTERED = re.compile(r"^\s*\(?(?P<label>[A-J])[).:]\s*(?P<text>.*)$", re.DOTALL)
LETTER_AT_LINE_START = re.compile(r"^[ \t]*\(?(?P<label>[A-Ja-j])[).:][ \t]*", re.MULTILINE)
POSITION = re.compile(r"\s*(-?\d{1,9})(?:\.0)?\s*")


class RowProblem(Exception):
    """Why a row is no item: one sentence with its remedy."""


def used_columns(settings: ImportSettings) -> set[str]:
    """The columns that a mapping names, and those that what it names lies in."""
    named = [settings.question, settings.gold, settings.id, settings.context, settings.split, settings.options]
    names = {name for name in (*filter(None, named), *named_columns(settings.options or ""))}
    return names | {name.partition(".")[0] for name in names}


def item_of(row: Row, settings: ImportSettings, labels: list[str] | None) -> Item:
    """The row's item, its split empty where none is mapped; `RowProblem` if it cannot be one.

    `labels` are the options of every row of a file without an options column, else None.
    """
    if row.problem is not None:
        raise RowProblem(row.problem)
    options, own_labels = _options(row, settings, labels)
    gold = _gold(row, settings, labels)
    return Item(
        id=_text(row, settings.id, "id") or str(row.number),
        split=_split(row, settings),
        question=_question(row, settings),
        context=_text(row, settings.context, "context"),
        options=options,
        gold=find_gold(gold, options, own_labels)
        if settings.gold_base is None
        else gold_at(gold, options, settings.gold_base),
    )


def _text(row: Row, column: str | None, what: str) -> str | None:
    return None if column is None else text_of(cell(row.values, column), what)


def _gold(row: Row, settings: ImportSettings, labels: list[str] | None) -> str | None:
    """Gold as the source has it: the text of the option that an object marks, None where a mark says there is none."""
    right = marked(cell(row.values, settings.gold)) if settings.gold == settings.options else {}
    if right:
        return next(text for text, is_right in right.items() if is_right)
    gold = _text(row, settings.gold, "gold")
    return None if labels is not None and gold is not None and says_nothing(gold, labels) else gold


def says_nothing(gold: str, labels: Sequence[str] = ()) -> bool:
    """Whether a gold is a mark for "there is none", as `-` is where annotators did not agree.

    >>> says_nothing("-"), says_nothing("?"), says_nothing("-", ["+", "-"]), says_nothing("A")
    (True, True, False, False)
    """
    text = gold.strip()
    return text not in labels and (text == "-1" or not any(letter.isalnum() for letter in text))


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


@lru_cache(maxsize=64)
def named_columns(column: str) -> tuple[str, ...]:
    """Names of option columns; one that holds a comma stands in double quotes.

    >>> named_columns('A, "B, or so",C')
    ('A', 'B, or so', 'C')
    """
    return tuple(name.strip() for name in next(csv.reader([column], skipinitialspace=True)))


def joined_columns(columns: Sequence[str]) -> str:
    """Names of option columns as one text that `named_columns` reads.

    >>> joined_columns(["A", "B, or so"])
    'A,"B, or so"'
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(columns)
    return text.getvalue()


def options_of(values: dict[str, Any], column: str) -> tuple[list[Option], bool]:
    """A row's options, and whether their labels are the source's own (else letters are given).

    Read are: a list of texts, lettered ("A)21", with the letters in order) or not; a list of {"label",
    "text"} or of [text, label]; {"label": [...], "text": [...]}; {"A": text, …}; any of these spelt out
    in a cell; one text with a letter at the start of each option's line; and columns "A,B,C,D", where an
    empty cell is no option.  Anything else is a `RowProblem`.
    """
    value = cell(values, column)
    if right := marked(value):
        return _texts(list(right))
    if value is None and "," in column:
        columns = named_columns(column)
        return _options_in_columns(values, columns), not _unnamed(columns)
    if isinstance(value, str):
        value = _spelt_out(value)
    if isinstance(value, str) and (lines := options_in_text(value)):
        return lines, True
    if isinstance(value, dict):
        value = _listed(value)
    if value is None or value == "":
        raise RowProblem(f"It has no options in column {quoted(column)}: {_there_are(values)}.")
    if not isinstance(value, list):
        raise RowProblem(
            f"Its options in column {quoted(column)} are no list: write them as one, or with A. B. C. at line starts."
        )
    if value and all(isinstance(option, dict) for option in value):
        return [_option(o.get("label"), o.get("text"), n) for n, o in enumerate(value, start=1)], True
    if pairs := _pairs(value):
        return [_option(label, text, n) for n, (label, text) in enumerate(pairs, start=1)], True
    return _texts(value)


def marked(value: Any) -> dict[str, bool]:
    """Text of an option → whether it is the right one, of an object that marks one so; empty for any other value.

    >>> marked({"ice": 1, "fire": 0}), marked({"choices": ["ice", "fire"], "labels": [0, 1]}), marked({"A": "ice"})
    ({'ice': True, 'fire': False}, {'ice': False, 'fire': True}, {})
    """
    if not isinstance(value, dict) or len(value) < 2:
        return {}
    texts, marks = value.get("choices"), value.get("labels")
    if isinstance(texts, list) and isinstance(marks, list) and len(texts) == len(marks):
        pairs = dict(zip(map(str, texts), marks, strict=True))
    else:
        pairs = value
    if {name.strip().upper() for name in pairs} <= set(LETTERS):
        return {}  # labels of texts that are numbers
    is_marked = all(isinstance(mark, int | float) and mark in (0, 1) for mark in pairs.values())
    return {text: bool(mark) for text, mark in pairs.items()} if is_marked and sum(pairs.values()) == 1 else {}


def _spelt_out(text: str) -> Any:
    """The list or object that a cell's text spells out as JSON or as Python writes it; other text as it is."""
    if not text.lstrip().startswith(("[", "{")):
        return text
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text.strip())
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
        if isinstance(value, list | dict):
            return value
    return text


def options_in_text(text: str) -> list[Option]:
    """Options of one text: A, B, C, … each at the start of a line; [] where there are not two.

    Only the next letter begins an option, so that one may hold line ends and other letters.

    >>> [option.text for option in options_in_text("A. iron\\nB) oak,\\nC is wood\\nC: wool")]
    ['iron', 'oak,\\nC is wood', 'wool']
    """
    starts: list[re.Match[str]] = []
    for found in LETTER_AT_LINE_START.finditer(text):
        letters = LETTERS if (starts or [found])[0]["label"].isupper() else LETTERS.lower()
        if found["label"] == letters[len(starts) : len(starts) + 1]:
            starts.append(found)
    if len(starts) < 2 or re.search(r"\w", text[: starts[0].start()]):
        return []
    ends = [found.start() for found in starts[1:]] + [len(text)]
    parts = [(found["label"], text[found.end() : end].strip()) for found, end in zip(starts, ends, strict=True)]
    return [_option(label.upper(), part, n) for n, (label, part) in enumerate(parts, start=1)]


def _pairs(value: list[Any]) -> list[tuple[Any, Any]]:
    """(label, text) of a list of two-element lists, whichever side counts up; [] for any other list."""
    if not value or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in value):
        return []
    for label, text in ((1, 0), (0, 1)):
        marks = [str(pair[label]).strip().upper() for pair in value]
        if marks in ([*LETTERS[: len(marks)]], *([str(n + base) for n in range(len(marks))] for base in (0, 1))):
            return [(pair[label], pair[text]) for pair in value]
    return []


def _options_in_columns(values: dict[str, Any], columns: Sequence[str]) -> list[Option]:
    missing = [name for name in columns if name not in values]
    if missing:
        raise RowProblem(f"It has no column {quoted(missing[0])} for an option: {_there_are(values)}.")
    texts = {mark: text_of(values[name], f"option {mark}") for mark, name in column_labels(columns).items()}
    return [Option(label=mark, text=text) for mark, text in texts.items() if text is not None]


def column_labels(columns: Sequence[str]) -> dict[str, str]:
    """Label → column of options that stand in columns of their own: what their names do not share.

    >>> column_labels(["option_a", "option_b"]), column_labels(["choice 9", "choice 10"])
    ({'A': 'option_a', 'B': 'option_b'}, {'9': 'choice 9', '10': 'choice 10'})
    >>> list(column_labels(["Answer (best)", "Ans. 2"]))
    ['Answer (best)', 'Ans. 2']
    """
    if _unnamed(columns):
        return dict(zip(LETTERS, columns, strict=False))
    shared = 0
    while len({name[: shared + 1] for name in columns}) == 1 and shared < min(map(len, columns)) - 1:
        shared += 1
    if not all(re.fullmatch(r"\w|\d+", name[shared:]) for name in columns):  # words are not cut in two
        while shared and columns[0][shared - 1].isalnum():
            shared -= 1
    marks = [name[shared:] for name in columns]
    if len({mark.upper() for mark in marks}) == len(marks) and all(len(mark) == 1 for mark in marks):
        marks = [mark.upper() for mark in marks]
    return dict(zip(marks, columns, strict=True))


def _unnamed(columns: Sequence[str]) -> bool:
    """Whether the columns have the names that a table without a header gets."""
    return all(re.fullmatch(r"column_\d+", name) for name in columns)


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
    gold that is one option's letter and another's text is refused.  A label may be followed by its text.

    >>> marks = [Option(label="1", text="2"), Option(label="2", text="4")]
    >>> find_gold("2", marks, own_labels=True), find_gold("4", marks, own_labels=True)
    ('2', '2')
    >>> find_gold("A. bank", [Option(label="A", text="bank"), Option(label="B", text="mall")], own_labels=True)
    'A'
    """
    if gold is None:
        return None
    for alike in (tidy, _folded):
        by_label = _only(alike(gold), [(alike(option.label), option.label) for option in options])
        by_text = _only(alike(gold), [(alike(option.text), option.label) for option in options])
        if by_label and by_text and by_label != by_text and not own_labels:
            raise RowProblem(
                f"Its gold {quoted(gold)} is one option's letter and another's text: give the options labels."
            )
        if by_label or by_text:
            return by_label or by_text
    if label := _label_with_text(gold, options):
        return label
    allowed = ", ".join(quoted(option.label) for option in options)
    raise RowProblem(f"Its gold {quoted(gold)} names no single option: use one of {allowed}.")


def _label_with_text(gold: str, options: Sequence[Option]) -> str | None:
    """The label of a gold such as "A. bank" or "(A)"; None where the text is not that option's."""
    found = LETTERED.match(gold)
    if found is None:
        return None
    named = [option for option in options if _folded(option.label) == _folded(found["label"])]
    alike = [option for option in named if _bare(found["text"]) in ("", _bare(option.text))]
    return alike[0].label if len(alike) == 1 else None


def _bare(text: str) -> str:
    """A text to compare where a letter names the option already: closing marks are often lost or added."""
    return _folded(text).strip(" .?!,;:")


def gold_at(gold: str | None, options: Sequence[Option], base: int) -> str | None:
    """Label of the option at a position counted from `base`; None for None and for -1, else `RowProblem`.

    >>> gold_at("1", [Option(label="A", text="x"), Option(label="B", text="y")], base=0)
    'B'
    """
    if gold is None:
        return None
    found = POSITION.fullmatch(gold)
    position = int(found[1]) if found else None
    if position == -1:
        return None  # how test splits without labels are published
    if position is None or not base <= position < base + len(options):
        raise RowProblem(
            f"Its gold {quoted(gold)} is no position from {base} to {base + len(options) - 1}: correct it, or set "
            "gold_base to what positions count from (none: gold is a label or text)."
        )
    return options[position - base].label


def has_repeated_text(options: Sequence[Option]) -> bool:
    """Whether two options read the same, so that the text of an answer does not say which is meant."""
    return len({_folded(option.text) for option in options}) < len(options)


def _folded(text: str) -> str:
    return tidy(text).casefold()


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
    if isinstance(value, dict | list | tuple):
        kind = "an object" if isinstance(value, dict) else "a list"
        raise RowProblem(f"Its {what} is {kind}: give text, or name the column inside it with a dot.")
    if isinstance(value, bytes):
        raise RowProblem(f"Its {what} is binary data: give text.")
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RowProblem(f"Its {what} is not valid Unicode (half of a character pair): replace it.") from None
    return text if text.strip() else None
