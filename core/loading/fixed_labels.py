"""The labels that every question of a file chooses among, where its rows bring no options of their own.

    fixed_labels(path, settings)        # ["entailment", "neutral", …], None with an options column

They are the ones that are set, else the values of gold: two to ten words that come back.  Free answers, and numbers
that stand for something, are refused with what to set.
"""

from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from core.errors import BadInput
from core.loading.items import MAX_OPTIONS, POSITION, RowProblem, cell, repeated_label, says_nothing, text_of
from core.loading.kinds import listed_names
from core.loading.names import tidy
from core.loading.reading import file_name, quoted, read_rows
from core.settings import ImportSettings

LONG = 80
"""Characters that no label has."""
NO_REPEAT = 4
"""Different answers, none of them twice, from which on they are free answers and no labels."""


class Golds(NamedTuple):
    """What stands in the gold column of a file."""

    counts: Counter[str]
    """Value → rows; no more than one value too many is counted."""
    dropped: bool
    """Whether marks for "no gold" were among them, or one word in two spellings."""
    columns: list[str]


def fixed_labels(path: Path, settings: ImportSettings) -> list[str] | None:
    """The labels every question chooses among: as set, else the file's; None with an options column."""
    if settings.options and settings.labels:
        raise BadInput("Both an options column and fixed labels are set: keep one of them.")
    if settings.options:
        return None
    if settings.labels:
        labels = [label.strip() for label in settings.labels]
        _check_number(path, labels, "the labels that are set")
        return labels
    golds = _golds(path, settings)
    if not golds.counts:
        raise BadInput(_nothing_there(path, settings, golds.columns))
    if why := _free(golds.counts):
        raise BadInput(
            f"The column {quoted(settings.gold)} of {file_name(path)} holds free answers ({why}), which are not "
            "supported: a question needs options. Name their column with --set options=COLUMN, or the labels that "
            'every question chooses among with --set \'labels=["…", "…"]\'.'
        )
    _check_number(path, sorted(golds.counts), f"the values of column {quoted(settings.gold)}")
    if all(POSITION.fullmatch(label) for label in golds.counts):
        said = ", ".join(f"{value} ({count:,} rows)" for value, count in sorted(golds.counts.items()))
        raise BadInput(
            f"The column {quoted(settings.gold)} of {file_name(path)} holds numbers and no options: {said}. Say what "
            'they mean, in their order, with --set \'labels=["…", "…"]\', or name a column with --set options=COLUMN.'
        )
    return sorted(golds.counts)


def read_otherwise(path: Path, settings: ImportSettings) -> bool:
    """Whether the first version of this lab took marks for labels in this file."""
    return _golds(path, settings).dropped


def _check_number(path: Path, labels: Collection[str], source: str) -> None:
    repeated = repeated_label(list(labels))
    if 2 <= len(labels) <= MAX_OPTIONS and repeated is None and "" not in labels:
        return
    shown = f"{quoted(repeated)} stands twice" if repeated else f"these are {len(labels)}"
    raise BadInput(
        f"{file_name(path)} has no options column, so {source} are the options, two to ten different ones, but "
        f"{shown if len(labels) <= MAX_OPTIONS else 'these are more'}: name a column with --set options=COLUMN, or "
        'give the labels with --set \'labels=["…", "…"]\'.'
    )


def _free(counts: Counter[str]) -> str | None:
    """What shows that values are free answers and no labels; None where they may be labels."""
    for value in counts:
        if "####" in value or "\n" in value or len(value) > LONG:
            return f"such as {quoted(value)}"
    if len(counts) > MAX_OPTIONS:
        return f"more than ten different ones, such as {quoted(next(iter(counts)))}"
    if len(counts) >= NO_REPEAT and max(counts.values()) == 1:
        return f"{len(counts)} different ones in as many rows, such as {quoted(next(iter(counts)))}"
    return None


def _golds(path: Path, settings: ImportSettings) -> Golds:
    """Gold values of a file; one that has more than ten is read no further."""
    written: dict[str, Counter[str]] = {}
    marks, columns = False, []
    for row in read_rows(path, settings.header, settings.field):
        columns = columns or list(row.values)
        try:
            text = text_of(cell(row.values, settings.gold), "gold")
        except RowProblem:
            continue  # the row is rejected when it is read as an item
        if text and says_nothing(text):
            marks = True
        elif text:
            written.setdefault(tidy(text), Counter())[text.strip()] += 1
        if len(written) > MAX_OPTIONS:
            break
    counts = Counter(
        {tidied if len(forms) > 1 else next(iter(forms)): forms.total() for tidied, forms in written.items()}
    )
    return Golds(counts, marks or any(len(forms) > 1 for forms in written.values()), columns)


def _nothing_there(path: Path, settings: ImportSettings, columns: list[str]) -> str:
    missing = [name for name in (settings.question, settings.gold) if name.partition(".")[0] not in columns]
    lacks = f" None is called {' or '.join(map(quoted, missing))}." if missing else ""
    return (
        f"{file_name(path)} has no options column and no gold: its columns are {listed_names(columns)}.{lacks} Name "
        f"what is there: anchorlab data preview {file_name(path)} --set question=COLUMN --set options=COLUMN "
        '--set gold=COLUMN; without options, --set \'labels=["…", "…"]\'.'
    )
