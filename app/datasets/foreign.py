"""The form that takes in explanations written elsewhere: a file, whose questions they answer, who is a sample."""

from functools import partial
from pathlib import Path

import streamlit as st

from app.state import Lab
from app.tables import grid
from app.uploads import kept
from app.widgets import literal
from app.working import Pace
from core.data.foreign import import_responses, read_responses
from core.loading.reading import SUFFIXES
from core.loading.written import load_responses
from core.runs.plan import read_assignment
from core.settings import ResponsesSettings
from core.statistics.words import plural
from core.store.housekeeping import size
from core.store.queries import datasets

LOADING = Pace("Sorting every explanation to its question …", seconds=0.5)

OWN = "the file's own questions"
AUTHORS = {"samples of one variant": "samples", "a variant each": "variants"}


def foreign(here: Lab) -> None:
    """Choose a file, see what would come of it, and add it."""
    path = _file(here)
    if path is None:
        return
    known = datasets(here.store)
    names = {OWN: OWN} | dict(zip(known["id"], known["name"] + "  (" + known["id"] + ")", strict=True))
    left, right = st.columns(2)
    with left:
        picked = st.selectbox("They answer", list(names), key="foreign_dataset", format_func=names.get)
    with right:
        authors = st.radio("Authors are", list(AUTHORS), key="foreign_authors", horizontal=True)
    dataset = None if picked == OWN else picked
    settings = _mapping(path, AUTHORS[authors])
    _, items, runs = read_responses(path, settings, here.home, dataset)
    rows = sum(len(run.explanations) for run in runs)
    rejects = [reject for run in runs for reject in run.rejects]
    made = f"{plural(rows, 'explanation')} of {plural(len(items), 'question')}, as {plural(len(runs), 'run')}"
    st.caption(f"{made}; {plural(len(rejects), 'row')} rejected.")
    if rejects:
        grid([{"row": r.row, "reason": r.reason, "as read": r.raw} for r in rejects[:20]], key="foreign_rejects")
    if st.button("Add these explanations", type="primary", icon=":material/download:", key="foreign_add"):
        made = LOADING.watch(size(path), partial(import_responses, here.home, path, settings, dataset))
        here.refresh()
        first = made[0].id
        st.session_state["_dataset_said"] = (
            f"{rows:,} explanations added as {len(made)} runs, the first is {first}: their categories are on the "
            "Anchors page, and a judge run of them (Runs page) brings them to Explanations and Compare."
        )
        st.rerun()


def _file(here: Lab) -> Path | None:
    """A path on this machine, or an upload, which is kept in the state folder."""
    typed = st.text_input("Path of a file on this machine", key="foreign_path").strip()
    upload = st.file_uploader("… or a file", type=[suffix[1:] for suffix in SUFFIXES], key="foreign_upload")
    if typed or upload is None:
        return Path(typed).expanduser() if typed else None
    return kept(here.home, upload)


def _mapping(path: Path, authors: str) -> ResponsesSettings:
    """The guessed mapping, and settings in its place as `name=value` lines."""
    said = st.text_area("Settings that differ from the guess below, name=value on a line each", key="foreign_set")
    given = dict(read_assignment(line) for line in said.splitlines() if line.strip())
    settings = load_responses(path, **{"authors": authors} | given)
    columns = settings.model_dump(exclude={"by", "header", "field", "authors"}, exclude_none=True)
    literal("\n".join(f"{name}={value}" for name, value in columns.items()))
    return settings
