"""What columns of a table of questions mean, from the values of its first rows, where their names do not say.

    guess_by_values(rows, {"options": "Answer A,Answer B"}, ["gold", "question", "split", "id"])
    # {"split": "Part", "gold": "Right one", "question": "Prompt text", "id": "Ref"}

A column is guessed only where one fits best: two that fit alike are left to the person who sees the guess.  Not
guessed from values: options that no gold repeats, passages, fixed labels.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Any

from core.loading.items import POSITION, RowProblem, find_gold, joined_columns, named_columns, options_of, text_of
from core.loading.kinds import EXPLAINS
from core.records import Option

SPLITS = ("train", "training", "validation", "valid", "val", "dev", "test")
NEARLY = 0.9
"""Share of rows that has to fit; the others may be broken."""
SOME = 8
"""Rows of which one may be broken."""
MANY = 5
"""Rows an option from which on every option is expected to be gold of some row."""
LONGER = 1.5
"""How much longer than the next one a text has to be to be told from it by its length."""
ID = re.compile(r"(?=\S*\d)\S{1,64}")
DECIMAL = re.compile(r"-?\d*[.,]\d+%?")

Texts = dict[str, list[str]]
"""Column → its stripped text in each row, empty where there is none."""


def guess_by_values(
    rows: Sequence[dict[str, Any]], known: Mapping[str, str | None], wanted: Collection[str]
) -> dict[str, str]:
    """Setting → column for those of split, gold, question and id that are `wanted` and that values tell.

    `known` has the columns of all settings, None for those that are wanted; no column is guessed for two.
    """
    taken = _columns_of(rows, known)
    free = {name: column for name, column in texts_of(rows).items() if name not in taken}
    options = [options_in(values, known.get("options")) for values in rows]
    found: dict[str, str | None] = {}
    if "split" in wanted:
        found["split"] = only([name for name, column in free.items() if _is_split(column)])
        free.pop(found["split"], None)
    if "gold" in wanted:
        first = next(iter(rows[0]), None)
        others = {name: column for name, column in free.items() if name != first or not _counts_rows(column)}
        golds = like_gold(others, options)
        found["gold"] = only(golds)
        free = {name: column for name, column in free.items() if name not in golds}
    if "question" in wanted:
        found["question"] = find_question(free, _before_options(rows, known))
        free.pop(found["question"], None)
    if "id" in wanted:
        found["id"] = only([name for name, column in free.items() if is_id(column)])
    return {setting: name for setting, name in found.items() if name is not None}


def texts_of(rows: Sequence[dict[str, Any]]) -> Texts:
    """Columns without lists and objects."""
    texts: Texts = {}
    for name in dict.fromkeys(name for values in rows for name in values):
        try:
            texts[name] = [(text_of(values.get(name), name) or "").strip() for values in rows]
        except RowProblem:
            continue
    return texts


def _columns_of(rows: Sequence[dict[str, Any]], known: Mapping[str, str | None]) -> set[str]:
    """The columns that known settings name, those of options one by one."""
    options = known.get("options")
    apart = named_columns(options) if options and not any(options in values for values in rows) else ()
    return {name for name in known.values() if name} | set(apart)


def _before_options(rows: Sequence[dict[str, Any]], known: Mapping[str, str | None]) -> list[str] | None:
    """Columns to the left of the first one with options; None where no options are known."""
    names, options = list(rows[0]), _columns_of(rows, {"options": known.get("options")})
    places = [place for place, name in enumerate(names) if name in options]
    return names[: min(places)] if places else None


def only(names: Sequence[str]) -> str | None:
    """The one that there is; None where there are several, or none."""
    return names[0] if len(names) == 1 else None


# --- gold


def options_in(values: dict[str, Any], column: str | None) -> tuple[list[Option], bool]:
    """A row's options and whether their labels are its own; none where it has none or they cannot be read."""
    try:
        return options_of(values, column) if column else ([], False)
    except RowProblem:
        return [], False


def like_gold(texts: Texts, options: Sequence[tuple[list[Option], bool]]) -> list[str]:
    """The columns that name an option of their row most clearly: by its text, else its label, else its position.

    >>> rows = [([Option(label="A", text=f"{n} m"), Option(label="B", text=f"{n} s")], True) for n in range(3)]
    >>> like_gold({"level": ["A", "A", "B"], "right": ["0 m", "1 s", "2 s"], "points": ["1", "2", "1"]}, rows)
    ['right']
    """
    ways: dict[str, list[str]] = {"text": [], "label": [], "position": [], "": []}
    for name, column in texts.items():
        ways[_names_options(column, options)].append(name)
    return ways["text"] or ways["label"] or ways["position"]


def _names_options(column: Sequence[str], options: Sequence[tuple[list[Option], bool]]) -> str:
    """How a column names options of its rows: "text", "label" or "position"; "" where it does not.

    Up to half of the rows may have no gold.  Texts that all rows offer count as labels.  As labels and positions may
    stand in a column by chance, every option has to be gold somewhere once rows are `MANY`.
    """
    rows = [(gold, *row) for gold, row in zip(column, options, strict=True) if gold and row[0]]
    if not rows or 2 * len(rows) < len(column):
        return ""
    fewest = min(len(row) for _, row, _ in rows)
    if len(rows) >= MANY * fewest and len({gold for gold, _, _ in rows}) < fewest:
        return ""
    labels = [(gold, label) for gold, *row in rows if (label := _label(gold, *row))]
    broken = len(rows) - len(labels)
    if broken <= max((1 - NEARLY) * len(rows), len(rows) >= SOME):
        shared = len({tuple(option.text for option in row) for _, row, _ in rows}) == 1
        is_label = all(gold.casefold() == label.casefold() for gold, label in labels)
        return "label" if shared or is_label else "text"
    places = [(int(found[1]), len(row)) for gold, row, _ in rows if (found := POSITION.fullmatch(gold))]
    marked = [(place, count) for place, count in places if place != -1]
    fits = any(all(base <= place < base + count for place, count in marked) for base in (0, 1))
    return "position" if marked and fits and len(places) == len(rows) else ""


def _label(gold: str, options: Sequence[Option], own_labels: bool) -> str | None:
    try:
        return find_gold(gold, options, own_labels)
    except RowProblem:
        return None


def _counts_rows(column: Sequence[str]) -> bool:
    """Whether a column numbers the rows, from 0 or 1 on.

    >>> _counts_rows(["1", "2", "3"]), _counts_rows(["1", "3", "2"])
    (True, False)
    """
    return any(list(column) == [str(base + n) for n in range(len(column))] for base in (0, 1))


# --- question, split, id


def find_question(texts: Texts, before: Collection[str] | None) -> str | None:
    """The column of sentences that differ from row to row; None where there is none or two fit alike.

    Of several it is one that asks, else the one that is clearly longest.  One that does not ask stands `before` the
    options, where these are known (else None): behind them is what is said of a question.

    >>> find_question({"Ref": ["q-1", "q-2"], "Note": ["It is so.", "See page 2."], "Text": ["Why?", "Is it?"]}, None)
    'Text'
    """
    fits: dict[str, tuple[bool, int]] = {}
    for name, column in texts.items():
        if EXPLAINS.search(name):
            continue
        filled = [text for text in column if text]
        asks = 2 * sum(text.endswith(("?", "？")) for text in filled) > len(filled)
        says = 2 * sum(len(text.split()) > 1 for text in filled) > len(filled) and (before is None or name in before)
        if (asks or says) and len(set(filled)) >= NEARLY * len(column):
            fits[name] = asks, sum(map(len, filled))
    best, *others = sorted(fits, key=fits.__getitem__, reverse=True) or [None]
    for other in others[:1]:
        if fits[other][0] == fits[best][0] and fits[other][1] * LONGER > fits[best][1]:
            return None
    return best


def _is_split(column: Sequence[str]) -> bool:
    return all(text.casefold() in SPLITS for text in column)


def is_id(column: Sequence[str]) -> bool:
    """Whether all are short, different, of one word with a digit in it; whole numbers have to rise, decimals are none.

    >>> is_id(["q-3", "q-1"]), is_id(["3", "7"]), is_id(["7", "3"]), is_id(["0.3", "0.7"]), is_id(["nail", "cork"])
    (True, True, False, False, False)
    """
    if len(column) < 2 or len(set(column)) < len(column):
        return False
    if all(POSITION.fullmatch(text) for text in column):
        numbers = [float(text) for text in column]
        return numbers == sorted(numbers)
    return all(ID.fullmatch(text) and not DECIMAL.fullmatch(text) for text in column)


# --- columns that repeat each other


def guess_contents(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, str] | None:
    """Columns whose names say nothing: gold always stands in another one of its row.

    None where no column is like gold.  Options are the columns from the first to the last that ever hold gold; where
    that is always one and the same, those that stand together with it.  The question is what `find_question` finds
    beside them, or the longest column.
    """
    texts = [{name: str(values.get(name) or "").strip() for name in names} for values in rows]
    columns = {name: [row[name] for row in texts] for name in names}
    asking = [name for name in names if not EXPLAINS.search(name)] or names
    question = max(asking, key=lambda name: sum(map(len, columns[name])))
    others = [name for name in names if name != question]
    for gold in reversed(others):
        hits = [{name for name in others if name != gold and row[name] == row[gold] != ""} for row in texts]
        places = sorted(others.index(name) for name in set().union(*hits))
        if not all(hits) or not places:
            continue
        options = [name for name in others[places[0] : places[-1] + 1] if name != gold]
        if len(places) == 1:
            options = _around(texts, names, (question, gold), others[places[0]])
        if options:
            options = _with_numbered(options, [name for name in others if name != gold])
            rest = {name: columns[name] for name in names if name not in (*options, gold)}
            question = find_question(rest, names[: names.index(options[0])]) or question
            return {"question": question, "gold": gold, "options": joined_columns(options)}
    return None


def _with_numbered(options: list[str], names: list[str]) -> list[str]:
    """Columns of options with those that are called like two of them or more, but for a number or letter at the end.

    >>> _with_numbered(["Opt_1", "Opt_2"], ["Opt_1", "Opt_2", "Opt_3", "Fach"])
    ['Opt_1', 'Opt_2', 'Opt_3']
    """
    stems = Counter(_stem(name) for name in options)
    return [name for name in names if name in options or stems[_stem(name)] >= 2]


def _stem(name: str) -> str:
    """A name without the number or letter that ends it; the name itself where nothing else is left."""
    return re.sub(r"[\W_]*(\d+|(?<=[\W_])[A-Za-z])$", "", name).lower() or name


def _around(rows: list[dict[str, str]], names: list[str], known: tuple[str, str], option: str) -> list[str]:
    """The columns between question and gold, or those after both, if `option` is among them and no row repeats itself.

    None of them where other columns are always the same too: which of them is gold cannot be told then.

    >>> _around([{"q": "Hot?", "a": "ice", "b": "fire", "gold": "ice"}], ["q", "a", "b", "gold"], ("q", "gold"), "a")
    ['a', 'b']
    """
    twins = [pair for pair in combinations(names, 2) if all(row[pair[0]] == row[pair[1]] != "" for row in rows)]
    if len(twins) > 1:
        return []
    first, last = sorted(names.index(name) for name in known)
    for span in (names[first + 1 : last], names[last + 1 :]):
        if option in span and len(span) >= 2 and all(len({row[name] for name in span}) == len(span) for row in rows):
            return span
    return []
