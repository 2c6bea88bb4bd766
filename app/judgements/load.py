"""The Judgements page's form: a file, its guessed mapping with a live preview, and the import."""

from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from app.address import put
from app.state import Lab
from app.tables import grid
from app.working import Pace
from core.data.judgements import import_judgements, judgement_settings, preview_judgements, short_row
from core.loading.reading import SUFFIXES
from core.settings import JudgementSettings
from core.store.housekeeping import size

UNSET = "(none)"

LOADING = Pace("Loading every judgement …", seconds=0.15)


def load(here: Lab) -> None:
    """A file, its mapping with a live preview, and the button that imports it."""
    path, further = chosen_file(here, "A file of judgements", "file"), []
    if path is None:
        return
    if (more := chosen_file(here, "Further verdicts on the same rows, where there are some", "more")) is not None:
        further = [more]
    guessed = judgement_settings(path, further)
    with st.expander("Mapping: which column means what"):
        settings = judgement_settings(path, further, edit_mapping(guessed, path.name))
    good, bad = preview_judgements(path, settings, further)
    st.caption(f"Of the first {len(good) + len(bad)} judgements {len(good)} load and {len(bad)} do not.")
    grid([short_row(row) for row in good[:5]], key="judgements_preview")
    if bad:
        grid([{"row": r.row, "reason": r.reason, "as read": r.raw} for r in bad[:20]], key="judgements_rejects")
    if st.button("Load these judgements", type="primary", icon=":material/download:", disabled=not good, key="load"):
        folder = LOADING.watch(size(path), partial(import_judgements, here.home, path, settings, further))
        here.refresh()
        counts = folder.result["summary"]
        put(set=folder.id)
        st.session_state["_set_said"] = f"{counts['rows']:,} judgements loaded, {counts['rejects']:,} rejected."
        st.rerun()


def chosen_file(here: Lab, label: str, key: str) -> Path | None:
    """A file by its path or as an upload, which is kept in the state folder."""
    left, right = st.columns(2)
    with left:
        typed = st.text_input(f"{label}: its path", key=f"{key}_path").strip()
    with right:
        upload = st.file_uploader(f"{label}: upload", type=[suffix[1:] for suffix in SUFFIXES], key=f"{key}_upload")
    if upload is None:
        return Path(typed).expanduser() if typed else None
    here.home.uploads.mkdir(parents=True, exist_ok=True)
    path = here.home.uploads / Path(upload.name).name
    path.write_bytes(upload.getbuffer())
    return path


def edit_mapping(guessed: JudgementSettings, file: str) -> dict[str, Any]:
    """The guess as a form; what was changed.  Its keys hold the file's name: another file has its own guess."""
    given: dict[str, Any] = {"name": st.text_input("Name of the set", guessed.name, key=f"name_{file}")}
    judges = st.text_input("Annotators that are judges, with commas", ", ".join(guessed.judges), key=f"judges_{file}")
    given["judges"] = [name.strip() for name in judges.split(",") if name.strip()]
    places = st.columns(3)
    for i, (what, value) in enumerate(guessed.columns.model_dump(exclude={"what", "shape"}).items()):
        shown = ", ".join(value) if isinstance(value, list) else value or UNSET
        with places[i % 3]:
            typed = st.text_input(what.replace("_", " ").capitalize(), shown, key=f"{what}_{file}").strip()
        if typed != shown:
            names = [name.strip() for name in typed.split(",") if name.strip()]
            given[what] = names if isinstance(value, list) else None if typed in ("", UNSET) else typed
    return given
