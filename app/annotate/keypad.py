"""The keys of an annotator: fields answered by keys that stand on the buttons, and actions such as Enter.

    entered = keypad("rate", task=task.key, fields=[…], draft=draft, actions=[SUBMIT, SKIP], on_state=keep, on_act=act)

The pad holds what is pressed in the browser and shows it at once; each key sends all that is entered so far to
`on_state`, and an action all of it to `on_act`.  So keys typed faster than the page answers are neither lost nor
land on another criterion, and what comes from a task that is no longer shown can be told by its key.  Keys are
not taken while somebody types elsewhere or a dialog is open.  Labels are shown as text, whatever they hold.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
from pydantic import BaseModel, ConfigDict

from core.annotation.records import ANSWER, Draft
from core.errors import LabError
from core.rubrics import Rubric

FOLDER = Path(__file__).parent


class Choice(BaseModel):
    """An answer of a field."""

    value: str
    label: str
    keys: list[str]
    """Keys that choose it, the printed one first."""


class Field(BaseModel):
    """Something to decide by one key."""

    key: str
    name: str
    hint: str = ""
    """Shown while the field is in focus."""
    options: list[Choice]
    judge: str | None = None
    """The judge's answer where it may be seen, else None."""
    who: str = "judge"
    """Whose answer `judge` is, in a word."""


class Action(BaseModel):
    """A key that leaves the task as it is."""

    name: str
    label: str
    key: str
    """As browsers name it."""
    shown: str
    """As it is printed."""
    whole: bool = False
    """Only where every field is answered."""
    main: bool = False


SUBMIT = Action(name="submit", label="Submit", key="Enter", shown="Enter", whole=True, main=True)
NEXT = Action(name="next", label="Next", key="Enter", shown="Enter", main=True)
SKIP = Action(name="skip", label="Skip", key="s", shown="S")
BACK = Action(name="back", label="Back", key="ArrowLeft", shown="←")
FORWARD = Action(name="next", label="On", key="ArrowRight", shown="→")
REVEAL = Action(name="reveal", label="Show the judge", key="v", shown="V")


class Entered(BaseModel):
    """What the pad sends."""

    model_config = ConfigDict(extra="ignore")

    task: str
    labels: dict[str, str]
    note: str | None = None
    seconds: float
    name: str = ""
    """Of the action; empty where a field was left."""

    @property
    def draft(self) -> Draft:
        return Draft(labels=self.labels, note=self.note or "", seconds=self.seconds)


def fields_of(rubric: Rubric, judged: dict[str, str], answer: str | None) -> list[Field]:
    """A field a criterion, keys 1 to the number of verdicts, and one for the answer.

    judged: criterion → the judge's verdict, empty while hidden; answer: whether gold says it is right, or None.
    """
    options = [Choice(value=label, label=label, keys=[str(n)]) for n, label in enumerate(rubric.labels, 1)]
    criteria = [
        Field(
            key=c.key,
            name=c.key.replace("_", " "),
            hint=f"{c.name}: {c.question}",
            options=options,
            judge=judged.get(c.key),
        )
        for c in rubric.criteria
    ]
    words = [("right", "y"), ("wrong", "n"), ("cannot tell", "u")]
    answers = [Choice(value=word, label=word, keys=[key, str(n)]) for n, (word, key) in enumerate(words, 1)]
    asked = Field(
        key=ANSWER, name="The answer", hint="Is the answer itself right?", options=answers, judge=answer, who="gold"
    )
    return [*criteria, asked]


@st.cache_resource(show_spinner=False)
def _mounted() -> Callable[..., Any]:
    return st.components.v2.component(
        "anchorlab_keypad",
        html='<div class="root"></div>',
        css=(FOLDER / "keypad.css").read_text(),
        js=(FOLDER / "keypad.js").read_text(),
    )


def keypad(
    key: str,
    *,
    task: str,
    fields: list[Field],
    draft: Draft,
    actions: list[Action],
    on_state: Callable[[Entered], None],
    on_act: Callable[[Entered], None],
    locked: bool = False,
    note: bool = True,
    said: str = "",
) -> None:
    """Draw the pad for a task.

    locked: shown as it was handed in, with the judge's answers marked.  said: a line below the actions; what was
    refused stands in its place.
    """

    def state() -> None:
        if (sent := st.session_state[key].get("state")) is not None:
            on_state(Entered.model_validate(dict(sent)))

    def act() -> None:
        if (sent := st.session_state[key].get("act")) is None:
            return
        st.session_state[f"_turn_{key}"] = st.session_state.get(f"_turn_{key}", 0) + 1
        try:
            on_act(Entered.model_validate(dict(sent)))
        except LabError as error:
            st.session_state[f"_refused_{key}"] = str(error)

    refused = st.session_state.pop(f"_refused_{key}", "")
    data = {
        "task": task,
        "turn": st.session_state.get(f"_turn_{key}", 0),
        "fields": [field.model_dump() for field in fields],
        "labels": draft.labels,
        "note": draft.note if note else None,
        "seconds": draft.seconds,
        "actions": [action.model_dump() for action in actions],
        "locked": locked,
        "said": refused or said,
    }
    _mounted()(key=key, data=data, on_state_change=state, on_act_change=act)
