"""The Judgements page's form of a mapping: what a row is, and a select box for each thing that a column can mean.

Names of columns and of raters are text from outside: select boxes and cells show them as they are.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from app.uploads import read_as, stamp
from app.widgets import plain
from core.errors import BadInput
from core.loading.codes import meaning_of, undecided
from core.loading.judgement_mapping import (
    check_judgements,
    column_names,
    first_rows,
    guessed_settings,
    is_nested,
    missing_columns,
    needed_roles,
    raters_of,
    roles,
    unsaid_codes,
)
from core.loading.reading import Row
from core.runs.folders import content_hash
from core.settings import JudgementSettings, PreferenceColumns, RatingColumns
from core.statistics.words import listed

Columns = PreferenceColumns | RatingColumns

NONE = "(none)"
MOST_ASKED = 12
"""Values of a code that are asked for; more are no code."""
MEANINGS = {"the first output": "first", "the second output": "second", "a tie": "tie", "nothing given": "nothing"}
"""What a value of a preference may mean, in words."""

NESTED = "a question with its ratings inside"
KINDS: dict[str, dict[str, str]] = {
    "a choice between two outputs": {"what": "preferences"},
    "a rating of one explanation": {"what": "ratings", "shape": "long"},
    NESTED: {"what": "ratings", "shape": "nested"},
    "ratings, a column for each criterion": {"what": "ratings", "shape": "wide"},
    "an explanation with its raters inside": {"what": "ratings", "shape": "by_rater"},
}
"""What a row of the file is → the settings that say so."""

LABELS = {
    "preferences": {
        "question": "Question",
        "preference": "Preference",
        "annotator": "Annotator",
        "annotators": "Or a column of preferences for each annotator",
        "a": "First output",
        "b": "Second output",
        "context": "Context",
        "a_name": "Variant of the first output",
        "b_name": "Variant of the second output",
        "pair": "Both variants in one column",
        "id": "Id of the question",
        "part": "Part",
        "note": "Note",
        "key": "Key of the further verdicts",
    },
    "ratings": {
        "item": "Item",
        "variant": "Variant",
        "rater": "Rater",
        "criterion": "Criterion",
        "label": "Label",
        "explanation": "Explanation",
        "kind": "Kind of rater",
        "blind": "Blind",
        "when": "Time",
        "note": "Note",
        "part": "Part",
    },
}
"""What a column can mean → its name on the page, in the order of the form."""


class Mapped(NamedTuple):
    """What the form says."""

    rows: list[Row]
    """The first rows of the file, as they stand there."""
    settings: JudgementSettings
    missing: list[str]
    """Names, as on the page, of what is needed and has no column yet."""


def mapping(path: Path, further: Sequence[Path]) -> Mapped:
    """The guess as a form, open where something that is needed has no column.

    Keys hold the file's name and how it is read, so that another file starts from its own guess.
    """
    reading = _reading(path)
    rows = first_rows(path, **reading)
    of = f"{path.name}_{reading.get('header', True)}_{reading.get('field')}"
    given = reading | _kind(path, rows, of)
    guess = guessed_settings(path, rows, further, given)
    joined = bool(further) and guess.columns.what == "preferences"
    unlike = bool(missing_columns(rows, guess)) or (joined and guess.columns.key is None)
    said = st.empty()
    with st.expander("Mapping: which column means what", expanded=unlike):
        name = st.text_input("Name of the set", guess.name, key=f"name_{of}").strip() or guess.name
        chosen = _columns(guess.columns, rows, of, joined)
        settings = guessed_settings(path, rows, further, given | {"name": name} | chosen)
        settings = settings.model_copy(update={"judges": _judges(settings, rows, of)})
    settings, unsaid = _with_meanings(path, settings, of)
    _say_what_is_unused(rows, settings.columns)
    needed = needed_roles(settings.columns) + (["key"] if joined else [])
    missing = [LABELS[settings.columns.what][role] for role in needed if chosen.get(role) is None]
    if not missing and not unlike and (problem := _other_kind(path, rows, settings)):
        missing = ["First output", "Second output"]
        said.warning("This file does not look like judgements. Choose both outputs if it holds them.")
        plain(problem)
    elif unsaid:
        missing = [f"Meaning of {value}" for value in unsaid]
        said.warning(f"Say below what these preferences mean: {listed(unsaid)}.", icon=":material/help:")
    elif missing:
        said.warning(_what_to_choose(missing), icon=":material/help:")
    elif unlike:
        said.info("Every column that is needed is chosen. Below is how rows would be read.", icon=":material/check:")
    return Mapped(rows, settings, missing)


def _other_kind(path: Path, rows: list[Row], settings: JudgementSettings) -> str | None:
    """Why the file seems to hold something else than judgements; None where it does not."""
    try:
        check_judgements(path, [row.values for row in rows], settings.columns)
    except BadInput as problem:
        return str(problem)
    return None


@st.cache_data(max_entries=16, show_spinner=False)
def _unsaid(stamp: tuple[int, int], path: str, settings: str) -> Counter[str]:
    return unsaid_codes(Path(path), JudgementSettings.model_validate_json(settings))


def _with_meanings(path: Path, settings: JudgementSettings, of: str) -> tuple[JudgementSettings, list[str]]:
    """Settings with what the values of the preferences mean, and the values that nobody gave a meaning yet."""
    columns = settings.columns
    if not isinstance(columns, PreferenceColumns):
        return settings, []
    found = _unsaid(stamp(path), str(path), settings.model_dump_json())
    asked = undecided(found)[:MOST_ASKED]
    said: dict[str, Any] = meaning_of(found)
    places = list(st.columns(min(len(asked), 4))) if asked else []
    for number, value in enumerate(asked):
        with places[number % len(places)]:
            said[value] = MEANINGS.get(
                st.selectbox(
                    f"Preference {value}", list(MEANINGS), None, key=f"means_{value}_{of}", placeholder="means …"
                )
            )
    values = {value: meaning for value, meaning in said.items() if meaning}
    return settings.model_copy(update={"columns": columns.model_copy(update={"values": values})}), [
        value for value in asked if said[value] is None
    ]


def _what_to_choose(names: list[str]) -> str:
    """
    >>> _what_to_choose(["Question", "Variant", "Label"])
    'The columns of this file have other names than expected. Choose the column of each: Question, Variant and Label.'
    >>> _what_to_choose(["Label"])
    'The columns of this file have other names than expected. Choose the column of this: Label.'
    """
    which = "each" if len(names) > 1 else "this"
    return f"The columns of this file have other names than expected. Choose the column of {which}: {listed(names)}."


# --- how the file is read, and what a row is


def _reading(path: Path) -> dict[str, Any]:
    """How the file is read, as far as that is not the usual way."""
    header, field = read_as(path)
    return ({} if header else {"header": False}) | ({} if field is None else {"field": field})


def _kind(path: Path, rows: list[Row], of: str) -> dict[str, str]:
    guessed = guessed_settings(path, rows).columns
    own = guessed.model_dump(include={"what", "shape"})
    usual = [{"what": "preferences"}, {"what": "ratings", "shape": "long"}]
    own = {"what": "preferences"} if own["what"] == "preferences" else own
    offered = [words for words, kind in KINDS.items() if kind in (*usual, own) or (words == NESTED and is_nested(rows))]
    start = next(words for words in offered if KINDS[words] == own)
    return KINDS[st.segmented_control("A row is", offered, default=start, required=True, key=f"row_is_{of}")]


# --- the columns


def _columns(guess: Columns, rows: list[Row], of: str, joined: bool) -> dict[str, Any]:
    """What a column was chosen for, and that column; joined: with further verdicts, which need a key."""
    known, chosen = column_names(rows), {}
    top, middle, rest = st.container(), st.container(), st.container()
    if pairwise := isinstance(guess, PreferenceColumns):
        with middle:
            chosen["annotators"] = _annotators(guess, known, of)
    drawn = [role for role in LABELS[guess.what] if role != "annotators" and (role != "key" or joined)]
    drawn = [role for role in drawn if pairwise or role in roles(guess)]
    places: list[Any] = []
    for role in drawn:
        places = places or list((rest if role != drawn[0] else top).columns(3))
        needed = role == "key" or isinstance(type(guess).model_fields[role].default, str)
        off = role in ("preference", "annotator") and bool(chosen.get("annotators"))
        with places.pop(0):
            picked = _column(role, guess, known, of, needed, off)
        if not off and (picked or not needed):
            chosen[role] = picked
    return chosen


def _column(role: str, guess: Columns, known: list[str], of: str, needed: bool, off: bool) -> str | None:
    offered = known if needed else [NONE, *known]
    current = getattr(guess, role)
    start = offered.index(current) if current in offered else None if needed else 0
    picked = st.selectbox(
        LABELS[guess.what][role],
        offered,
        start,
        key=f"{role}_{of}",
        help=type(guess).model_fields[role].description,
        placeholder="choose one",
        disabled=off,
    )
    return None if picked == NONE else picked


def _annotators(guess: PreferenceColumns, known: list[str], of: str) -> list[str]:
    return st.multiselect(
        LABELS["preferences"]["annotators"],
        known,
        [name for name in guess.annotators if name in known],
        key=f"annotators_{of}",
        placeholder="none: a row holds one preference",
    )


def _judges(settings: JudgementSettings, rows: list[Row], of: str) -> list[str]:
    """The raters that are programs; where there are others, this starts from its own guess."""
    known = list(dict.fromkeys([*raters_of(rows, settings.columns), *settings.judges]))
    return st.multiselect(
        "Judges: annotators that are programs, not people",
        known,
        settings.judges,
        key=f"judges_{of}_{content_hash([known, settings.judges])[:8]}",
        accept_new_options=True,
        placeholder="nobody: all are people",
        help="Names are those of the first rows; others can be written. `*` stands for any letters, as in `gpt*`.",
    )


def _say_what_is_unused(rows: list[Row], columns: Columns) -> None:
    given = columns.model_dump(include=set(roles(columns))).values()
    used = {name for value in given if value for name in (value if isinstance(value, list) else [value])}
    if isinstance(columns, RatingColumns) and columns.shape == "nested":
        used |= set(raters_of(rows, columns))
    own = [name for name in column_names(rows) if any(name in row.values for row in rows)]
    holders = {name for name in own if any(inner.startswith(f"{name}.") for inner in used.difference(own))}
    if unused := [name for name in own if name not in used | holders]:
        plain(f"Columns that are not used: {', '.join(unused)}")
