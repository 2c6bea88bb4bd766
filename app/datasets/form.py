"""The form that loads a data set: a source, its mapping with a live preview, and the button that imports it.

Columns, previews and file names are text from outside: select boxes and cells show them as they are.
"""

from pathlib import Path
from typing import Any

import streamlit as st

from app.address import given, put
from app.state import Lab
from app.tables import grid
from app.uploads import kept, stamp
from app.widgets import plain
from app.working import Pace, watched
from core.data.datasets import glance, import_dataset
from core.errors import BadInput
from core.home import SAMPLES
from core.loading.fetching import HUB_SETS, find_source
from core.loading.items import cell, has_repeated_text, joined_columns, named_columns
from core.loading.reading import SUFFIXES, document_fields, is_table, read_rows
from core.records import Item, Reject
from core.runs.folders import RunFolder
from core.settings import ImportSettings
from core.statistics.words import plural
from core.store.housekeeping import size

LOOKED_AT = 200
"""Rows that the preview reads."""

NONE = "(none)"

LOADING = Pace("Loading every row …", seconds=0.6)
ALL_FIELDS = "(every field with a list of objects)"
SAMPLE, UPLOAD, PLACE, HUB = SOURCES = ("A sample set", "Upload a file", "A file on this machine", "The Hub")
BASES = {"a label or an option's text": None, "a position from 0": 0, "a position from 1": 1}


def load(here: Lab) -> None:
    """Choose a source, look at what would come of it, change the mapping, import."""
    first = UPLOAD if asked_to_load() else SAMPLE
    how = st.segmented_control("Source", SOURCES, default=first, required=True, key="source")
    named = _source(here, how)
    if named is None:
        return
    words = "Fetching …" if how == HUB else "Reading …"
    file, guessed = watched(words, lambda: find_source(named, here.home))
    file, guessed = _form_of(here, named, file, guessed)
    with st.expander("Mapping: which column means what", expanded=how != SAMPLE):
        settings = _mapping(file, guessed)
    good, bad = _glanced(stamp(file), str(file), settings.model_dump_json())
    _preview(good, bad, settings)
    if st.button("Load this data set", type="primary", icon=":material/download:", disabled=not good, key="load"):
        _import(here, file, settings)


def asked_to_load() -> bool:
    """Whether the URL asks for the form, open at a file of one's own."""
    return given("load") == "own"


# --- the source


def _source(here: Lab, how: str) -> str | None:
    """What `find_source` is asked for; an upload is kept in the state folder."""
    if how == SAMPLE:
        return st.selectbox("Sample set", sorted(p.stem for p in SAMPLES.glob("*.toml")), key="sample")
    if how == PLACE:
        said = "Path of a data file, a folder that `datasets` wrote, or a card (.toml)"
        return st.text_input(said, key="path").strip() or None
    if how == HUB:
        return _hub_source()
    upload = st.file_uploader("A data file", type=[suffix[1:] for suffix in SUFFIXES], key="upload")
    if upload is None:
        return None
    return str(kept(here.home, upload))


def _hub_source() -> str | None:
    """One of the paper's sets, or any id; fetched once, and then a file like any other."""
    left, right = st.columns(2)
    other = "another id"
    with left:
        known = st.selectbox("Data set of the Hub", [*HUB_SETS, other], key="hub_set")
    with right:
        typed = st.text_input(
            "Its id: owner/name, or owner/name:configuration", key="hub_id", disabled=known != other
        ).strip()
    wanted = typed if known == other else known
    if wanted and "/" not in wanted and wanted not in HUB_SETS:
        raise BadInput(f"{wanted!r} is no id of the Hub: write owner/name.")
    asked = st.session_state.get("_hub_asked")
    if st.button("Fetch it", key="hub_fetch", disabled=not wanted):
        asked = st.session_state["_hub_asked"] = wanted
    return wanted if wanted and asked == wanted else None


# --- the form of the file


def _form_of(here: Lab, named: str, file: Path, guessed: ImportSettings) -> tuple[Path, ImportSettings]:
    """What the name of a file does not say: whether a table has a header, which field of an object holds the rows."""
    if is_table(file):
        header = st.checkbox("The first row names the columns", guessed.header, key=f"header_{file.name}")
        return (file, guessed) if header == guessed.header else find_source(named, here.home, header=header)
    fields = _fields(stamp(file), str(file))
    if not fields:
        return file, guessed
    known = {ALL_FIELDS: None} | {f"{name}  ({count:,} rows)": name for name, count in fields.items()}
    shown = next((text for text, name in known.items() if name == guessed.field), ALL_FIELDS)
    picked = st.selectbox("Field that holds the rows", list(known), list(known).index(shown), key=f"field_{file.name}")
    if known[picked] == guessed.field:
        return file, guessed
    return find_source(named, here.home, field=known[picked])


@st.cache_data(max_entries=16, show_spinner=False)
def _fields(stamp: tuple[int, int], path: str) -> dict[str, int]:
    return document_fields(Path(path))


@st.cache_data(max_entries=32, show_spinner="Reading the file …")
def _glanced(stamp: tuple[int, int], path: str, settings: str) -> tuple[list[Item], list[Reject]]:
    return glance(Path(path), ImportSettings.model_validate_json(settings), LOOKED_AT)


# --- the mapping


def _mapping(file: Path, guessed: ImportSettings) -> ImportSettings:
    """The guess, as a form; keys hold the file's name and form, so that another file starts from its own guess."""
    of = f"{file.name}_{guessed.header}_{guessed.field}"
    columns = _columns_of(file, guessed)
    values: dict[str, Any] = {"name": st.text_input("Name of the data set", guessed.name, key=f"name_{of}")}
    first, second = st.columns(2)
    for place, name in ((first, "question"), (second, "gold")):
        with place:
            values[name] = _column(name, guessed, columns, of, needed=True)
    values["options"] = _options(guessed, columns, of)
    for place, name in zip(st.columns(3), ("id", "context", "split"), strict=True):
        with place:
            values[name] = _column(name, guessed, columns, of, needed=False)
    if values["question"].partition(".")[0] not in columns:
        st.warning("No column looks like the question: choose it above.", icon=":material/help:")
    _say_what_is_unused(columns, values)
    if not values["name"].strip():
        raise BadInput("A data set needs a name: write one above.")
    return ImportSettings.model_validate(guessed.model_dump() | values | _further(guessed, of))


def _say_what_is_unused(columns: list[str], values: dict[str, Any]) -> None:
    options = values["options"]
    parts = [options] if options in columns else named_columns(options or "")
    used = {name for key, name in values.items() if key != "name" and name} | set(parts)
    holders = {name.partition(".")[0] for name in used}
    if unused := [name for name in columns if name not in used | holders]:
        plain(f"Columns that are not used: {', '.join(unused)}")


def _column(name: str, guessed: ImportSettings, columns: list[str], of: str, needed: bool) -> str | None:
    current = getattr(guessed, name) or NONE
    inner = [current] if "." in current and current not in columns else []  # deeper in an object than is listed
    known = ([] if needed else [NONE]) + columns + inner
    absent = current not in known  # a usual name that this file has not, or nothing that would do
    place = None if absent and needed else 0 if absent else known.index(current)
    about = (ImportSettings.model_fields[name].description or "").replace("; dots reach into objects", "")
    picked = st.selectbox(
        name.capitalize(), known, place, key=f"{name}_{of}", help=about, placeholder="choose a column"
    )
    if picked in (None, NONE):
        return current if absent else None
    return picked


def _options(guessed: ImportSettings, columns: list[str], of: str) -> str | None:
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


def _further(guessed: ImportSettings, of: str) -> dict[str, Any]:
    """Settings that are no columns."""
    left, middle, right = st.columns(3)
    with left:
        said = next(text for text, base in BASES.items() if base == guessed.gold_base)
        base = BASES[st.selectbox("Gold is", list(BASES), list(BASES).index(said), key=f"base_{of}")]
    with middle:
        labels = st.text_input(
            "Fixed labels, with commas",
            ", ".join(guessed.labels or []),
            key=f"labels_{of}",
            help="Where there is no column of options; empty: the gold values of the file.",
        )
    with right:
        test = st.slider(
            "Test share", 0.0, 1.0, guessed.test, 0.01, key=f"test_{of}", help="Where the file has no split."
        )
    return {
        "gold_base": base,
        "labels": [label.strip() for label in labels.split(",") if label.strip()] or None,
        "test": test,
    }


def _columns_of(file: Path, guessed: ImportSettings) -> list[str]:
    """Names of the first row's columns, and of the columns inside its objects."""
    row = next((row for row in read_rows(file, guessed.header, guessed.field) if row.problem is None), None)
    names = list(row.values) if row else []
    inner = [f"{name}.{key}" for name in names if isinstance(row.values[name], dict) for key in row.values[name]]
    return names + [name for name in inner if cell(row.values, name) is not None]


# --- what would come of it


def _preview(good: list[Item], bad: list[Reject], settings: ImportSettings) -> None:
    looked = len(good) + len(bad)
    which = f"Of the first {looked:,} rows" if looked == LOOKED_AT else f"Of the {looked:,} rows"
    shown = " This is how they would be read:" if good else ""
    st.caption(f"{which} {len(good):,} load and {len(bad):,} do not.{shown}")
    if good:
        rows = [_item_row(item, settings) for item in good[:5]]
        grid(rows, key="preview", first=["question", "options", "gold"], column_config=WIDE)
        if without := sum(item.gold is None for item in good):
            which = "None of them has" if without == len(good) else f"{without:,} of them have no"
            st.warning(
                f"{which} gold: questions without it can be sampled, and neither scored nor trained on. Is `Gold` the "
                "right column?",
                icon=":material/help:",
            )
        twice = sum(has_repeated_text(item.options) for item in good)
        again = len(good) - len({(item.context, item.question.casefold()) for item in good})
        if twice or again:
            st.caption(f"{twice:,} of them have an option twice, and {again:,} ask what an earlier one asks.")
    if bad:
        st.caption("These are rejected:" if good else "None of them loads; change the mapping above.")
        rows = [{"row": r.row, "reason": r.reason, "as read": r.raw} for r in bad[:20]]
        grid(
            rows,
            key="preview_rejects",
            long=["reason", "as read"],
            column_config=WIDE,
            height="content" if len(rows) < 6 else 240,
        )


WIDE = {
    "row": st.column_config.NumberColumn(width=60),
    "question": st.column_config.TextColumn(width="large"),
    "options": st.column_config.TextColumn(width="large"),
    "reason": st.column_config.TextColumn(width="large"),
    "as read": st.column_config.TextColumn(width="medium"),
}


def _item_row(item: Item, settings: ImportSettings) -> dict[str, Any]:
    options = " · ".join(o.text if o.label == o.text else f"{o.label}. {o.text}" for o in item.options)
    row = {"question": item.question, "options": options, "gold": item.gold}
    added = {"context": item.context, "split": item.split, "id": item.id}
    return row | {name: value for name, value in added.items() if getattr(settings, name)}


def _import(here: Lab, file: Path, settings: ImportSettings) -> None:
    def load_it() -> RunFolder:
        folder = import_dataset(here.home, file, settings)
        here.refresh()
        return folder

    folder = LOADING.watch(size(file), load_it)
    summary = folder.result["summary"]
    put(dataset=folder.id, load=None)
    warnings = "".join(f" {count:,} questions: {what}." for what, count in summary["warnings"].items())
    st.session_state["_dataset_said"] = (
        f"{plural(summary['items'], 'question')} loaded, {plural(summary['rejects'], 'row')} rejected." + warnings
    )
    st.rerun()


def said() -> None:
    """Show what the last act came to."""
    if text := st.session_state.pop("_dataset_said", None):
        with st.container(border=True, horizontal=True):
            st.badge("Done", icon=":material/check_circle:", color="green")
            plain(text)
