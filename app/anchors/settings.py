"""Settings of a pair set as widgets: one for each field of `PairSettings`, its help line with it.

What stands in the URL is what differs from the set that the widgets start from.
"""

import math
from typing import Any, get_args, get_origin

import streamlit as st
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from app.address import held
from app.widgets import choice
from core.settings import PairSettings, problems_of

STRATEGIES = {
    "anchor": "anchor",
    "rank": "rank",
    "correctness": "correctness",
    "anchor_without_debater": "anchor, no debater",
    "anchor_without_correct": "anchor, no always-right",
    "teacher": "teacher",
}
"""Strategy → what it is called, short enough for half a narrow window."""

OPEN = ("strategy", "target_lambda")
"""Fields that stand open; the others are behind a button."""

NAMES = {
    "strategy": "Strategy",
    "score": "Score that ranks",
    "right_by": "Right by",
    "rejected": "Rejected of always-right",
    "answer_line": "Answer line",
    "seed": "Seed",
    "margin": "Margin, score points",
    "target_lambda": "Target λ",
    "lambda_total": "Pairs at a target λ",
    "max_pairs": "Pairs at most",
}
"""Field → label of its widget."""

STEPS = {"margin": 0.25, "target_lambda": 0.05}


def keys_of(side: str) -> list[str]:
    """Keys of the widgets of a side ("a" or "b"), which stand in the URL."""
    return [f"{side}_{name}" for name in PairSettings.model_fields]


def settings_form(side: str, start: PairSettings) -> PairSettings | None:
    """The settings that a side's widgets say; None, and a sentence, where they cannot be used."""
    fields = PairSettings.model_fields
    values: dict[str, Any] = {}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for name in OPEN:
            with st.container(width=150):
                values[name] = _widget(side, name, fields[name], start)
        with st.popover("All settings", icon=":material/tune:", width=145):
            hidden = [name for name in fields if name not in OPEN]
            values |= {name: _widget(side, name, fields[name], start) for name in hidden}
    try:
        return PairSettings(**values)
    except ValidationError as error:
        st.error(f"These settings cannot be used: {problems_of(error, NAMES)}.", icon=":material/error:")
        return None


def _widget(side: str, name: str, field: FieldInfo, start: PairSettings) -> Any:
    key, value = f"{side}_{name}", getattr(start, name)
    if options := _options(field.annotation):
        ordered = [value, *(option for option in options if option != value)]
        words = STRATEGIES.get if name == "strategy" else _words
        return choice(NAMES[name], ordered, key=key, format_func=words, help=field.description)
    whole = int in (field.annotation, *get_args(field.annotation))
    kind = int if whole else float
    return st.number_input(  # without bounds: a browser turns a number beyond them red and keeps it to itself
        NAMES[name],
        step=1 if whole else STEPS[name],
        help=field.description,
        placeholder="any" if name == "target_lambda" else "none",
        **held(key, value if value is None else kind(value), math.isfinite, kind),
    )


def _options(annotation: Any) -> tuple[str, ...]:
    """Choices of a Literal; none for a number."""
    found = get_args(annotation)
    return found if get_origin(annotation) is not None and all(isinstance(option, str) for option in found) else ()


def _words(value: str) -> str:
    return value.replace("_", " ")
