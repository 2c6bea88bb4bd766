"""The guideline beside the keys: what the rubric asks, and what the lab's people noted on how to read it."""

import streamlit as st

from app.state import Lab
from app.widgets import clock, plain
from core.annotation.guidelines import RubricNote, add_note, notes_of, take_back
from core.errors import BadInput
from core.rubrics import Rubric

WHOLE = "the whole rubric"


def guideline(here: Lab, rater: str, rubric: Rubric, criterion: str | None = None) -> None:
    """What the criteria ask, which key gives which verdict, and the notes; `criterion`: that one alone."""
    notes = notes_of(here.store, rubric.name)
    shown = [one for one in rubric.criteria if criterion in (None, one.key)]
    wanted = [note for note in notes if note.criterion in (None, *(one.key for one in shown))]
    label = f"Guideline, {len(wanted)} note{'s' if len(wanted) > 1 else ''}" if wanted else "Guideline"
    with st.expander(label, icon=":material/menu_book:", key="guideline"):
        for one in shown:
            plain(f"{one.name}: {one.question}")
            _notes(here, rater, [note for note in wanted if note.criterion == one.key], rubric)
        keys = ", ".join(f"{place} {label}" for place, label in enumerate(rubric.labels, 1))
        plain(f"Keys: {keys}. Backspace goes back one line, T is for a note, Esc leaves it.")
        plain("Rate each line for itself: a false explanation may be clear, and a true one shallow.")
        _notes(here, rater, [note for note in wanted if note.criterion is None], rubric)
        _form(here, rater, rubric, criterion)


def _notes(here: Lab, rater: str, notes: list[RubricNote], rubric: Rubric) -> None:
    """Each note with who and when, as it was typed; one's own can be taken back."""
    for note in notes:
        earlier = "" if note.rubric_hash == rubric.hash else ", on an earlier wording"
        with st.container(border=True):
            plain(note.note)
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                plain(f"{note.rater}, {clock(note.written)}{earlier}")
                if note.rater == rater:
                    st.button(
                        "Take back",
                        key=f"take_back_{note.id}",
                        type="tertiary",
                        on_click=take_back,
                        args=(here.store, rater, note),
                    )


def _form(here: Lab, rater: str, rubric: Rubric, criterion: str | None) -> None:
    names = {WHOLE: None} | {one.name: one.key for one in rubric.criteria}
    keys = list(names.values())
    with st.form("note_on_rubric", clear_on_submit=True, border=False):
        st.selectbox("A note on", list(names), keys.index(criterion), key="note_about")
        st.text_area("What others should know", key="note_text", height=90)
        st.form_submit_button(
            "Add to the guideline",
            icon=":material/add_comment:",
            key="note_add",
            on_click=_add,
            args=(here, rater, rubric, names),
        )
    if refused := st.session_state.pop("_note_refused", None):
        plain(refused)


def _add(here: Lab, rater: str, rubric: Rubric, names: dict[str, str | None]) -> None:
    try:
        add_note(here.store, rater, rubric, names[st.session_state["note_about"]], st.session_state["note_text"])
    except BadInput as error:
        st.session_state["_note_refused"] = str(error)
