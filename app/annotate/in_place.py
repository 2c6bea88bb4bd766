"""Annotating where one reads: a button under an explanation that opens its keys.

    annotate_here(lab(), Explained(samples=run, item_id=asked.id, sample=row.sample, variant=label), rubric)

What is entered is marked `in place` and not blind (variant, gold and verdicts stand beside it), and is never counted
as agreement.  One explanation is open at a time; while it is closed nothing is asked of the database.
"""

import streamlit as st

from app.annotate.keypad import Action, Entered, fields_of, keypad
from app.annotate.work import annotator
from app.state import Lab
from app.widgets import boundary, plain
from core.annotation.queues import notes_in_place
from core.annotation.records import Draft, Explained
from core.annotation.writing import in_place, note_in_place
from core.rubrics import Rubric
from core.runs.folders import content_hash

SAVE = Action(name="save", label="Save", key="Enter", shown="Enter", main=True)
CLOSE = Action(name="close", label="Close", key="q", shown="Q")

OPEN = "_annotating_here"


def annotate_here(here: Lab, one: Explained, rubric: Rubric) -> None:
    """A button, or the keys of this explanation once it was pressed; the last entry of who annotates is shown."""
    key = content_hash(one.model_dump())[:12]

    def draw() -> None:
        with boundary():
            if st.session_state.get(OPEN) == key:
                _opened(here, one, rubric, key)
            elif st.button("Annotate", icon=":material/rate_review:", key=f"here_{key}", type="tertiary"):
                st.session_state[OPEN] = key
                st.rerun()

    st.fragment(draw)()


def _opened(here: Lab, one: Explained, rubric: Rubric, key: str) -> None:
    rater = annotator(here)
    if rater is None:
        return
    labels, note = in_place(here.store, rater, one)

    def act(entered: Entered) -> None:
        if entered.name == "save":
            note_in_place(here.store, rater, one, rubric, entered.labels, entered.note or "")
        st.session_state.pop(OPEN, None)

    keypad(
        f"here_pad_{key}_{rater}",
        task=key,
        fields=fields_of(rubric, {}, None),
        draft=Draft(labels=labels, note=note),
        actions=[SAVE, CLOSE],
        on_state=lambda entered: None,
        on_act=act,
        said="In place: not blind, and kept apart from agreement. Any number of lines will do.",
    )
    for who, text in notes_in_place(here.store, one):
        plain(f"{who}: {text}")
