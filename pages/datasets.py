"""Datasets: load one, see what became of its rows, and why some did not."""

import json
from pathlib import Path
from typing import Any

import streamlit as st

from app.charts.data import label_bars
from app.foreign_form import foreign
from app.navigation import link
from app.state import Lab, lab, view
from app.widgets import boundary, choice, empty_state, header, literal, picture, plain
from core.datasets import import_dataset, preview
from core.home import SAMPLES
from core.loading.fetching import HUB_SETS, find_source
from core.loading.items import cell
from core.loading.reading import SUFFIXES, is_table, read_rows
from core.queries import datasets, items, label_counts, rejects
from core.settings import ImportSettings
from core.shelf import archive, dependents

PAGE = 50
"""Questions shown at a time."""

NONE = "(none)"

PLACE = "A file on this machine"


def load(here: Lab) -> None:
    """A source, its mapping with a live preview, and the button that imports it."""
    sources = ["A sample set", "Upload a file", PLACE]
    how = st.segmented_control("Source", sources, default=sources[0], required=True, key="source")
    path = chosen_path(here, how)
    if path is None:
        return
    file, guessed = find_source(path, here.home)
    if is_table(file):
        header = st.checkbox("The first row names the columns", guessed.header, key=f"header_{file.name}")
        if header != guessed.header:
            file, guessed = find_source(path, here.home, header=header)
    columns = columns_of(file, guessed)
    with st.expander("Mapping: which column means what", expanded=how != sources[0]):
        settings = edit_mapping(file, guessed, columns)
    good, bad = preview(file, settings, limit=200)
    st.caption(f"Of the first {len(good) + len(bad)} rows {len(good)} load and {len(bad)} do not.")
    if good:
        st.dataframe(
            [
                {"question": i.question, "options": " · ".join(o.text for o in i.options), "gold": i.gold}
                for i in good[:5]
            ],
            hide_index=True,
        )
    if bad:
        st.dataframe([{"row": r.row, "reason": r.reason, "as read": r.raw} for r in bad[:20]], hide_index=True)
    if st.button("Load this data set", type="primary", icon=":material/download:", disabled=not good, key="load"):
        folder = import_dataset(here.home, file, settings)
        here.refresh()
        summary = folder.result["summary"]
        st.session_state["_dataset_next"] = folder.id
        warnings = "".join(f" {count} questions: {what}." for what, count in summary["warnings"].items())
        loaded = f"{summary['items']} questions loaded, {summary['rejects']} rows rejected."
        st.session_state["_dataset_said"] = loaded + warnings
        st.rerun()


def chosen_path(here: Lab, how: str) -> str | None:
    """The source to load; an upload is kept in the state folder."""
    if how == "A sample set":
        return st.selectbox("Sample set", sorted(p.stem for p in SAMPLES.glob("*.toml")), key="sample")
    if how == PLACE:
        said = f"Path of a data file, a folder of `datasets`, or a card; a Hub id; or one of {', '.join(HUB_SETS)}"
        return st.text_input(said, key="path").strip() or None
    upload = st.file_uploader("A data file", type=[suffix[1:] for suffix in SUFFIXES], key="upload")
    if upload is None:
        return None
    here.home.uploads.mkdir(parents=True, exist_ok=True)
    path = here.home.uploads / Path(upload.name).name
    path.write_bytes(upload.getbuffer())
    return str(path)


def columns_of(file: Path, guessed: ImportSettings) -> list[str]:
    """Names of the first row's columns, and of the columns inside its objects."""
    row = next((row for row in read_rows(file, guessed.header, guessed.field) if row.problem is None), None)
    names = list(row.values) if row else []
    inner = [f"{name}.{key}" for name in names if isinstance(row.values[name], dict) for key in row.values[name]]
    return names + [name for name in inner if cell(row.values, name) is not None]


def edit_mapping(file: Path, guessed: ImportSettings, columns: list[str]) -> ImportSettings:
    """The guess, as a form; the key holds the file's name so that another file starts from its own guess."""
    values: dict[str, Any] = {"name": st.text_input("Name of the data set", guessed.name, key=f"name_{file.name}")}
    places = st.columns(3)
    for i, field in enumerate(("question", "options", "gold", "id", "context", "split")):
        current = getattr(guessed, field) or NONE
        optional = field not in ("question", "gold")
        known = list(dict.fromkeys(([NONE] if optional else []) + columns + [current]))
        with places[i % 3]:
            picked = st.selectbox(field.capitalize(), known, index=known.index(current), key=f"{field}_{file.name}")
        values[field] = None if picked == NONE else picked
    labels = st.text_input(
        "Fixed labels, with commas (where every question chooses among the same labels)",
        ", ".join(guessed.labels or []),
        key=f"labels_{file.name}",
    )
    values["labels"] = [label.strip() for label in labels.split(",") if label.strip()] or None
    bases = {"a label or text": None, "a position from 0": 0, "a position from 1": 1}
    said = next(text for text, base in bases.items() if base == guessed.gold_base)
    picked = st.selectbox("Gold is", list(bases), index=list(bases).index(said), key=f"base_{file.name}")
    values["gold_base"] = bases[picked]
    values["test"] = st.slider(
        "Share of test questions (where the file has no split)", 0.0, 1.0, guessed.test, 0.01, key=f"test_{file.name}"
    )
    return ImportSettings.model_validate(guessed.model_dump() | values)


def put_away(here: Lab, dataset: str) -> None:
    """Hide a data set from choices, or say what depends on it."""
    users = dependents(here.home, dataset)
    st.caption(f"{len(users):,} runs depend on this data set." if users else "No run depends on this data set.")
    if st.button("Archive", icon=":material/archive:", key="archive", help="Hidden from choices; nothing is lost."):
        archive(here.home, dataset)
        st.session_state["_dataset_said"] = f"{dataset} is archived; `anchorlab data restore {dataset}` brings it back."
        st.rerun()


def show(here: Lab, dataset: str, title: str, counts: dict[str, Any]) -> None:
    """One data set: questions, balance, rejects."""
    with st.container(horizontal=True):
        st.metric("Questions", f"{counts['items']:,}")
        st.metric("Rejected rows", f"{counts['rejects']:,}")
        st.metric("Unlabelled", f"{counts['unlabelled']:,}", help="Can be sampled, not scored.")
    plain(title)
    questions, balance, bad = st.tabs(["Questions", "Splits and labels", f"Rejected rows ({counts['rejects']:,})"])
    with questions:
        show_questions(here, dataset)
    with balance:
        table = label_counts(here.store, dataset)
        st.caption(", ".join(f"{split}: {n:,}" for split, n in json.loads(counts["splits"]).items()))
        picture(label_bars(table), key="balance", alt="Questions per label and split")
        st.dataframe(table.pivot(index="gold", columns="split", values="items").fillna(0).astype(int))
    with bad:
        frame = rejects(here.store, dataset)
        if frame.empty:
            st.caption("Every row of the file became a question.")
        else:
            st.dataframe(frame, hide_index=True)


def show_questions(here: Lab, dataset: str) -> None:
    splits = label_counts(here.store, dataset)["split"].unique().tolist()
    left, right = st.columns([1, 2])
    with left:
        split = choice("Split", ["all", *splits], key="split")
    with right:
        text = st.text_input("Questions that contain", key="text", bind="query-params", icon=":material/search:")
    first = items(here.store, dataset, None if split == "all" else split, text, PAGE, 0)
    found = int(first["found"].iloc[0]) if len(first) else 0
    pages = max(1, -(-found // PAGE))
    number = st.number_input("Page", 1, pages, key=f"page_{dataset}_{split}_{text}") if pages > 1 else 1
    frame = first
    if number > 1:
        frame = items(here.store, dataset, None if split == "all" else split, text, PAGE, (number - 1) * PAGE)
    st.caption(f"{len(frame):,} of {found:,} questions shown")
    shown = frame.drop(columns=["found"]).dropna(axis="columns", how="all")
    st.dataframe(shown, hide_index=True, column_config={"question": st.column_config.TextColumn(width="large")})


here = lab()
view("datasets", "dataset", "split", "text")
header("Datasets", "Questions with options and gold. Rows that cannot be used are kept with the reason.")
known = datasets(here.store)
if said := st.session_state.pop("_dataset_said", None):
    st.success(said, icon=":material/check_circle:")
if (chosen := st.session_state.pop("_dataset_next", None)) is not None:
    st.session_state["dataset"] = chosen
with st.expander("Load a data set", icon=":material/add:", expanded=known.empty), boundary():
    load(here)
with st.expander("Explanations written elsewhere", icon=":material/edit_note:"), boundary():
    foreign(here)
if known.empty:
    empty_state("No data set yet", "Load one above: a sample set is one click away.")
else:
    names = {row["id"]: f"{row['name']} ({row['id']})" for row in known.to_dict("records")}
    dataset = choice("Data set", list(names), key="dataset", format_func=names.get)
    row = known[known["id"] == dataset].iloc[0].to_dict()
    show(here, dataset, row["title"] or row["name"], row)
    with st.expander("As the run that imported it"):
        put_away(here, dataset)
        literal(f"{dataset}\nlicence: {row['licence'] or 'not stated'}")
        link("runs", "Open in Runs", run=dataset)
