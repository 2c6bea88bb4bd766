"""The form that loads a data set: a source, its mapping with a live preview, and the button that imports it.

Columns, previews and file names are text from outside: select boxes and cells show them as they are.
"""

from pathlib import Path
from typing import Any

import streamlit as st

from app.address import given, put
from app.datasets.mapping import (
    column_box,
    columns_of,
    gold_base_box,
    labels_box,
    options_box,
    say_what_is_unused,
)
from app.state import Lab
from app.tables import grid
from app.uploads import kept, read_as, stamp
from app.widgets import plain
from app.working import Pace, watched
from core.data.datasets import glance, import_dataset
from core.errors import BadInput
from core.loading.fetching import HUB_SETS, NO_SAMPLES, find_source, sample_names
from core.loading.items import has_repeated_text
from core.loading.reading import SUFFIXES, is_table
from core.loading.remarks import remarks
from core.records import Item, Reject
from core.runs.folders import RunFolder
from core.settings import ImportSettings
from core.statistics.words import listed, plural
from core.store.housekeeping import size

LOOKED_AT = 200
"""Rows that the preview reads."""

LOADING = Pace("Loading every row …", seconds=0.6)
SAMPLE, UPLOAD, PLACE, HUB = SOURCES = ("A sample set", "Upload a file", "A file on this machine", "The Hub")


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
    for remark in remarks(file, settings):
        plain(remark)
    if st.button("Load this data set", type="primary", icon=":material/download:", disabled=not good, key="load"):
        _import(here, file, settings)


def asked_to_load() -> bool:
    """Whether the URL asks for the form, open at a file of one's own."""
    return given("load") == "own"


# --- the source


def _source(here: Lab, how: str) -> str | None:
    """What `find_source` is asked for; an upload is kept in the state folder."""
    if how == SAMPLE:
        if not sample_names():
            st.info(NO_SAMPLES.strip())
            return None
        return st.selectbox("Sample set", sample_names(), key="sample")
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


# --- the mapping


def _form_of(here: Lab, named: str, file: Path, guessed: ImportSettings) -> tuple[Path, ImportSettings]:
    """The file as a person says that it is read."""
    header, field = read_as(file, guessed.header, guessed.field)
    if (header, field) == (guessed.header, guessed.field):
        return file, guessed
    return find_source(named, here.home, **({"header": header} if is_table(file) else {"field": field}))


@st.cache_data(max_entries=32, show_spinner="Reading the file …")
def _glanced(stamp: tuple[int, int], path: str, settings: str) -> tuple[list[Item], list[Reject]]:
    return glance(Path(path), ImportSettings.model_validate_json(settings), LOOKED_AT)


def _mapping(file: Path, guessed: ImportSettings) -> ImportSettings:
    """The guess, as a form; keys hold the file's name and form, so that another file starts from its own guess."""
    of = f"{file.name}_{guessed.header}_{guessed.field}"
    columns = columns_of(file, guessed.header, guessed.field)
    values: dict[str, Any] = {"name": st.text_input("Name of the data set", guessed.name, key=f"name_{of}")}
    for place, name in zip(st.columns(2), ("question", "gold"), strict=True):
        with place:
            values[name] = column_box(name, guessed, columns, of, needed=True)
    values["options"] = options_box(guessed, columns, of)
    for place, name in zip(st.columns(3), ("id", "context", "split"), strict=True):
        with place:
            values[name] = column_box(name, guessed, columns, of)
    if values["question"].partition(".")[0] not in columns:
        st.warning("No column looks like the question: choose it above.", icon=":material/help:")
    say_what_is_unused(columns, values)
    if not values["name"].strip():
        raise BadInput("A data set needs a name: write one above.")
    return ImportSettings.model_validate(guessed.model_dump() | values | _further(guessed, of))


def _further(guessed: ImportSettings, of: str) -> dict[str, Any]:
    """Settings that are no columns."""
    left, middle, right = st.columns(3)
    with left:
        base = gold_base_box("Gold is", guessed.gold_base, of)
    with middle:
        labels = labels_box(guessed.labels, of)
    with right:
        test = st.slider(
            "Test share", 0.0, 1.0, guessed.test, 0.01, key=f"test_{of}", help="Where the file has no split."
        )
    return {"gold_base": base, "labels": labels, "test": test}


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
            found = {"with an option twice": twice, "that ask what an earlier one asks": again}
            st.caption(f"Among them: {listed([f'{count:,} {what}' for what, count in found.items() if count])}.")
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
