"""The form that takes in explanations written elsewhere: a file, whose questions they answer, who is a sample."""

from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from app.datasets.mapping import (
    column_box,
    columns_of,
    gold_base_box,
    labels_box,
    options_box,
    say_what_is_unused,
)
from app.navigation import link
from app.state import Lab
from app.tables import grid
from app.uploads import kept, read_as, stamp
from app.working import Pace
from core.data.foreign import Written, answered_dataset, import_responses, read_responses
from core.errors import BadInput
from core.home import Home
from core.loading.reading import SUFFIXES
from core.loading.written import absent_columns, holds_explanations, load_responses
from core.records import Item
from core.runs.folders import RunFolder
from core.settings import ResponsesSettings
from core.statistics.words import listed, plural
from core.store.housekeeping import size
from core.store.queries import datasets

LOADING = Pace("Sorting every explanation to its question …", seconds=0.5)

OWN = "the file's own questions"
AUTHORS = {"samples of one variant": "samples", "a variant each": "variants"}

OF_ROWS = {
    "response": "Explanation",
    "prediction": "Prediction",
    "author": "Author",
    "id": "Id of the question",
    "sample": "Sample number",
    "right": "Marked as right",
}
OF_QUESTIONS = {"question": "Question", "gold": "Gold", "context": "Context", "split": "Split"}
"""Setting → its name on the page, in the order of the form."""


def foreign(here: Lab) -> None:
    """Choose a file, see what would come of it, and add it."""
    path = _file(here)
    if path is None:
        return
    header, field = read_as(path)
    guessed = load_responses(path, header=header, field=field)
    known = datasets(here.store)
    names = {OWN: OWN} | dict(zip(known["id"], known["name"] + "  (" + known["id"] + ")", strict=True))
    asked = _answered(here, here.sealed, stamp(path), str(path), guessed.model_dump_json())
    left, right = st.columns(2)
    with left:
        picked = st.selectbox(
            "They answer",
            list(names),
            list(names).index(asked) if asked in names else 0,
            key=f"foreign_dataset_{path.name}",
            format_func=names.get,
        )
    with right:
        authors = AUTHORS[st.radio("Authors are", list(AUTHORS), key="foreign_authors", horizontal=True)]
    dataset = None if picked == OWN else picked
    settings = _mapping(path, guessed.model_copy(update={"authors": authors}), own=dataset is None)
    if settings is not None:
        _preview_and_add(here, path, settings, dataset)


@st.cache_data(max_entries=8, show_spinner="Reading the file …")
def _answered(_here: Lab, sealed: str, stamp: tuple[int, int], path: str, guessed: str) -> str | None:
    """The data set that the form opens on: the one that has the file's questions; None: the file brings them."""
    return answered_dataset(_here.store, Path(path), ResponsesSettings.model_validate_json(guessed))


def _file(here: Lab) -> Path | None:
    """A path on this machine, or an upload, which is kept in the state folder."""
    typed = st.text_input("Path of a file on this machine", key="foreign_path").strip()
    upload = st.file_uploader("… or a file", type=[suffix[1:] for suffix in SUFFIXES], key="foreign_upload")
    if typed or upload is None:
        return Path(typed).expanduser() if typed else None
    return kept(here.home, upload)


# --- the mapping


def _mapping(path: Path, guessed: ResponsesSettings, own: bool) -> ResponsesSettings | None:
    """The guess as a form, open where a column that is needed is not there; None as long as that is so.

    own: the file brings its questions.
    """
    if holds_explanations(path, guessed):
        st.caption("Each row is a question with its explanations inside: there is nothing to map.")
        return guessed
    columns = columns_of(path, guessed.header, guessed.field)
    of = f"foreign_{path.name}_{guessed.header}_{guessed.field}"
    with st.expander("Mapping: which column means what", expanded=bool(absent_columns(columns, guessed, own))):
        settings = _form(guessed, columns, of, own)
    missing = [(OF_ROWS | OF_QUESTIONS)[role] for role in absent_columns(columns, settings, own)]
    if not missing:
        return settings
    st.warning(f"Choose in the mapping which column is meant by {listed(missing)}.", icon=":material/help:")
    return None


def _form(guessed: ResponsesSettings, columns: list[str], of: str, own: bool) -> ResponsesSettings:
    name = st.text_input("Name of the set", guessed.name, key=f"name_{of}").strip()
    if not name:
        raise BadInput("A set of explanations needs a name: write one above.")
    values: dict[str, Any] = {}
    needed = {"response", "question"} | ({"author"} if guessed.authors == "variants" else set())
    roles = OF_ROWS | (OF_QUESTIONS if own else {"question": OF_QUESTIONS["question"]})
    places: list[Any] = []
    for role, label in roles.items():
        places = places or list(st.columns(3))
        with places.pop(0):
            values[role] = column_box(role, guessed, columns, of, role in needed, label)
    values["gold"] = values.get("gold") or guessed.gold
    if own:
        values["options"] = options_box(guessed, columns, of)
    left, right = st.columns(2)
    with left:
        values["gold_base"] = gold_base_box("Gold and prediction are", guessed.gold_base, of)
    with right:
        values["labels"] = labels_box(guessed.labels, of) if own else None
    say_what_is_unused(columns, values | {"labels": None, "gold_base": None})
    return ResponsesSettings.model_validate(guessed.model_dump() | values | {"name": name})


# --- what would come of it


@st.cache_data(max_entries=8, show_spinner="Reading the file …")
def _read(
    stamp: tuple[int, int], path: str, settings: str, _home: Home, dataset: str | None
) -> tuple[list[Item], list[Written]]:
    _, items, runs = read_responses(Path(path), ResponsesSettings.model_validate_json(settings), _home, dataset)
    return items, runs


def _preview_and_add(here: Lab, path: Path, settings: ResponsesSettings, dataset: str | None) -> None:
    items, runs = _read(stamp(path), str(path), settings.model_dump_json(), here.home, dataset)
    rows = sum(len(run.explanations) for run in runs)
    rejects = [reject for run in runs for reject in run.rejects]
    answered = {row.item_id for run in runs for row in run.explanations}
    made = f"{plural(rows, 'explanation')} of {plural(len(answered), 'question')}, as {plural(len(runs), 'run')}"
    st.caption(f"{made}; {plural(len(rejects), 'row')} rejected. This is how they would be read:")
    grid(
        _rows(items, runs),
        key="foreign_preview",
        first=["explanation", "question", "prediction", "gold"],
        long=["question", "explanation"],
        column_config=WIDE,
    )
    if not any(row.parsed for run in runs for row in run.explanations):
        st.warning(
            "None of them has a prediction that can be read, so all of them count as wrong: choose its column in the "
            "mapping.",
            icon=":material/help:",
        )
    if rejects:
        st.caption("These are rejected:")
        grid([{"row": r.row, "reason": r.reason, "as read": r.raw} for r in rejects[:20]], key="foreign_rejects")
    if st.button("Add these explanations", type="primary", icon=":material/download:", key="foreign_add"):
        made = LOADING.watch(size(path), partial(import_responses, here.home, path, settings, dataset))
        here.refresh()
        st.session_state["_dataset_said"] = f"{plural(rows, 'explanation')} added, as {plural(len(made), 'run')}."
        st.session_state["_explanations_added"] = made[0].id
        st.rerun()
    if added := st.session_state.pop("_explanations_added", None):
        _way_on(here, added)


def _way_on(here: Lab, run: str) -> None:
    """Where what was added can be seen, and what brings it to Compare."""
    of = RunFolder(here.home.runs / run).config.parents["dataset"]
    st.caption("They are on Explanations, their categories on Anchors. With a judge's scores they are on Compare too.")
    with st.container(horizontal=True):
        link("explanations", "Read them", icon=":material/article:", dataset=of)
        link("anchors", "Their categories", icon=":material/anchor:", tab="One run", run=run)
        where = {"show": "Launch", "launch_kind": "judge", "launch_dataset": of, "launch_samples": run}
        link("runs", "Have them judged", icon=":material/gavel:", **where)


WIDE = {
    "question": st.column_config.TextColumn(width="medium"),
    "explanation": st.column_config.TextColumn(width="large"),
}


def _rows(items: list[Item], runs: list[Written]) -> list[dict[str, Any]]:
    """The first explanations of each run, as the lab reads them."""
    by_id = {item.id: item for item in items}
    shown = [(run, row) for run in runs for row in run.explanations[: max(1, 6 // len(runs))]]
    return [
        {
            "question": by_id[row.item_id].question,
            "explanation": row.explanation,
            "prediction": row.parsed or "–",
            "gold": by_id[row.item_id].gold or "–",
            "run": run.label,
            "sample": row.sample + 1,
        }
        for run, row in shown[:12]
    ]
