"""Boxes that say which column of a file means what, for questions and for explanations of them.

    columns = columns_of(file, header=True, field=None)
    question = column_box("question", guessed, columns, of=file.name, needed=True)

Names of columns are text from outside: select boxes show them as they are.  `of` goes into the keys of the boxes, so
that another file starts from its own guess.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from app.widgets import plain
from core.loading.items import cell, joined_columns, named_columns
from core.loading.reading import read_rows
from core.settings import ImportSettings, ResponsesSettings

NONE = "(none)"

BASES: dict[str, Literal[0, 1] | None] = {
    "a label or an option's text": None,
    "a position from 0": 0,
    "a position from 1": 1,
}

Guess = ImportSettings | ResponsesSettings


def columns_of(file: Path, header: bool, field: str | None) -> list[str]:
    """Names of the first row's columns, and of the columns inside its objects."""
    row = next((row for row in read_rows(file, header, field) if row.problem is None), None)
    names = list(row.values) if row else []
    inner = [f"{name}.{key}" for name in names if isinstance(row.values[name], dict) for key in row.values[name]]
    return names + [name for name in inner if cell(row.values, name) is not None]


def column_box(
    name: str, guessed: Guess, columns: list[str], of: str, needed: bool = False, label: str | None = None
) -> str | None:
    """The column that is chosen for a setting; where the guess names none of the file's, that name until one is."""
    current = getattr(guessed, name) or NONE
    inner = [current] if "." in current and current not in columns else []  # deeper in an object than is listed
    known = ([] if needed else [NONE]) + columns + inner
    absent = current not in known  # a usual name that this file has not, or nothing that would do
    place = None if absent and needed else 0 if absent else known.index(current)
    about = (type(guessed).model_fields[name].description or "").replace("; dots reach into objects", "")
    words = label or name.capitalize()
    picked = st.selectbox(words, known, place, key=f"{name}_{of}", help=about, placeholder="choose a column")
    if picked in (None, NONE):
        return current if absent and current != NONE else None
    return picked


def options_box(guessed: Guess, columns: list[str], of: str) -> str | None:
    """One column with all options, or a column for each, in the order they are chosen."""
    current = [] if guessed.options is None else [guessed.options]
    if guessed.options and guessed.options not in columns:
        current = list(named_columns(guessed.options))
    known = list(dict.fromkeys([*columns, *current]))
    picked = st.multiselect(
        "Options: one column that holds them, or a column for each",
        known,
        current,
        key=f"options_{of}",
        placeholder="none: every question chooses among the same labels",
    )
    return None if not picked else picked[0] if len(picked) == 1 else joined_columns(picked)


def gold_base_box(label: str, guessed: Literal[0, 1] | None, of: str) -> Literal[0, 1] | None:
    """How gold names an option."""
    said = next(text for text, base in BASES.items() if base == guessed)
    return BASES[st.selectbox(label, list(BASES), list(BASES).index(said), key=f"base_{of}")]


def labels_box(guessed: list[str] | None, of: str) -> list[str] | None:
    """Labels that every question chooses among; None: the gold values of the file."""
    labels = st.text_input(
        "Fixed labels, with commas",
        ", ".join(guessed or []),
        key=f"labels_{of}",
        help="Where there is no column of options; empty: the gold values of the file.",
    )
    return [label.strip() for label in labels.split(",") if label.strip()] or None


def say_what_is_unused(columns: list[str], values: Mapping[str, Any]) -> None:
    """The columns that no setting names; values: settings that name columns, and the set's name."""
    options = values.get("options")
    parts = [options] if options in columns else named_columns(options or "")
    used = {name for key, name in values.items() if key != "name" and name} | set(parts)
    holders = {name.partition(".")[0] for name in used}
    if unused := [name for name in columns if name not in used | holders]:
        plain(f"Columns that are not used: {', '.join(unused)}")
