"""Settings of a run as a form that its pydantic class draws, or as TOML text; both end in checked settings.

Each setting is a widget with its name, its help line and its default; what most people never touch is folded away.
What was set is kept in the session by kind, so that the form comes back as it was left, and in the URL (`set`: what
differs from the defaults), so that a refresh or a link brings it back too.
"""

import json
import math
import tomllib
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

import streamlit as st
import tomli_w
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from app.address import arrivals, given, held, put
from core.errors import BadInput
from core.runs.side_by_side import flat
from core.settings import RUN_SETTINGS, Settings, problems_by_setting, problems_of

FORM, TEXT = "As a form", "As text (TOML)"

FIRST: dict[str, tuple[str, ...]] = {
    "sft": ("select.split", "select.part", "select.limit", "steps", "batch_size", "learning_rate", "seed"),
    "sample": ("role", "select.split", "select.part", "select.limit", "n", "max_new_tokens", "temperature", "seed"),
    "judge": ("mode", "rubric", "show_gold", "repeat"),
    "head_to_head": ("mode", "criterion", "samples_a_question", "tie", "seed"),
    "pairs": ("strategy", "score", "right_by", "rejected", "seed"),
    "dpo": ("steps", "batch_size", "learning_rate", "beta", "seed"),
}
"""Settings that are shown at once, by kind; the others are folded away."""


@dataclass(frozen=True)
class Field:
    """One setting of a class, nested names joined by dots."""

    name: str
    info: FieldInfo

    @property
    def label(self) -> str:
        return self.name.removeprefix("select.").replace(".", " ").replace("_", " ")

    @property
    def optional(self) -> bool:
        return type(None) in get_args(self.info.annotation)

    @property
    def kind(self) -> Any:
        """The annotation without `None`."""
        left = [one for one in get_args(self.info.annotation) if one is not type(None)]
        is_union = get_origin(self.info.annotation) in (Union, types.UnionType)
        return left[0] if is_union and left else self.info.annotation


def fields_of(settings: type[BaseModel], prefix: str = "") -> list[Field]:
    """Every setting of a class in its order, nested ones in their place."""
    found: list[Field] = []
    for name, info in settings.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            found += fields_of(info.annotation, f"{prefix}{name}.")
        else:
            found.append(Field(prefix + name, info))
    return found


# --- the form and its text


def settings_form(kind: str, splits: Sequence[str]) -> Settings:
    """Settings of a kind, changed by hand in either form; `BadInput` where they cannot be used.

    Those that could be used last are `last_good` then.
    """
    shown_as = held("launch_as", FORM, [FORM, TEXT].__contains__, drops=["launch_text"], opens="default")
    how = st.segmented_control("Settings", [FORM, TEXT], required=True, **shown_as)
    _look_at_the_url(kind)
    start = _start(kind, f"{how}_{_version(kind)}")
    settings = _form(kind, start, splits) if how == FORM else _text(kind, start)
    remember(kind, settings)
    return settings


def last_good(kind: str) -> Settings:
    """Settings that the form had when they could be used, else the defaults."""
    return RUN_SETTINGS[kind].model_validate(st.session_state.get(f"_settings_{kind}") or {})


def remember(kind: str, settings: Settings, **beside: str | None) -> None:
    """Keep settings in the session and, where they are not the defaults, in the URL with what is put beside them."""
    st.session_state[f"_settings_{kind}"] = settings.model_dump(mode="json")
    changed = changes(kind, settings)
    put(set=json.dumps(changed, separators=(",", ":")) if changed else None, **beside)


def replace(kind: str, settings: Settings, **beside: str | None) -> None:
    """Begin anew with these settings (a clone, a size): the widgets forget what was in them."""
    remember(kind, settings, launch_text=None, **beside)
    st.session_state["_form_of"] = arrivals()
    st.session_state[f"_version_{kind}"] = _version(kind) + 1


def _look_at_the_url(kind: str) -> None:
    """Begin anew with what stands in the URL where a link, a refresh or Back led here."""
    if st.session_state.get("_form_of") == arrivals():
        return
    st.session_state["_form_of"] = arrivals()
    if st.session_state.pop(f"_settings_{kind}", None) is not None:
        st.session_state[f"_version_{kind}"] = _version(kind) + 1


def changes(kind: str, settings: Settings) -> dict[str, Any]:
    """Settings that differ from the defaults, by dotted name."""
    defaults = values_of(RUN_SETTINGS[kind]())
    return {n: v for n, v in values_of(settings).items() if defaults.get(n) != v}


def values_of(settings: Settings) -> dict[str, Any]:
    """Every setting by dotted name, also those that a configuration leaves out while they are at their default."""
    left_out = {field.name: field.info.default for field in fields_of(type(settings))}
    return left_out | flat(settings.model_dump(mode="json"))


def _version(kind: str) -> int:
    return st.session_state.get(f"_version_{kind}", 0)


def _start(kind: str, shown: str) -> Settings:
    """What the widgets begin with: the same on every rerun, until they are drawn anew."""
    marker, base = f"launch_marker_{kind}", f"_base_{kind}"
    if st.session_state.get(marker) != shown or base not in st.session_state:
        st.session_state[base] = st.session_state.get(f"_settings_{kind}") or _from_url(kind)
        st.session_state[marker] = shown
    return RUN_SETTINGS[kind].model_validate(st.session_state[base])


def _from_url(kind: str) -> dict[str, Any]:
    """Defaults with what a link or a refreshed page brings; what is no setting of this kind is left out."""
    try:
        asked = json.loads(given("set") or "{}")
        return _with(RUN_SETTINGS[kind](), asked).model_dump(mode="json")
    except (ValueError, TypeError, AttributeError):
        return RUN_SETTINGS[kind]().model_dump(mode="json")


def _with(settings: Settings, values: dict[str, Any]) -> Settings:
    """Settings with new values by dotted name, checked."""
    nested = settings.model_dump(mode="json")
    for name, value in values.items():
        *outer, last = name.split(".")
        table = nested
        for step in outer:
            table = table.setdefault(step, {})
        table[last] = value
    return type(settings).model_validate(nested)


def _text(kind: str, start: Settings) -> Settings:
    written = tomli_w.dumps(start.model_dump(mode="json", exclude_none=True))
    text = st.text_area("Settings (TOML)", height=260, **held("launch_text", written))
    try:
        return RUN_SETTINGS[kind].model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"The settings are not TOML: {error}.") from None
    except ValidationError as error:
        raise BadInput(f"These settings cannot be used: {problems_of(error)}.") from None


def _form(kind: str, start: Settings, splits: Sequence[str]) -> Settings:
    fields = [field for field in fields_of(RUN_SETTINGS[kind]) if _widget_of(field, splits)]
    first = sorted((f for f in fields if f.name in FIRST[kind]), key=lambda f: FIRST[kind].index(f.name))
    more = [f for f in fields if f.name not in FIRST[kind]]
    given = values_of(start)
    values, marks = _drawn(kind, first, given, splits)
    if more:
        defaults = values_of(RUN_SETTINGS[kind]())
        changed = sum(given.get(f.name) != defaults.get(f.name) for f in more)
        with st.expander(f"More settings ({len(more)}{f', {changed} changed' if changed else ''})", key="launch_more"):
            further = _drawn(kind, more, given, splits)
        values, marks = values | further[0], marks | further[1]
    try:
        return _with(start, values)
    except ValidationError as error:
        for name, what in problems_by_setting(error).items():
            if name in marks:
                marks[name].markdown(f":small[:red[{what}]]")
        labels = {field.name: field.label for field in fields}
        raise BadInput(f"These settings cannot be used: {problems_of(error, labels)}.") from None


def _drawn(
    kind: str, fields: list[Field], given: dict[str, Any], splits: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The widgets of these settings, as many in a row as there is room for: their values, and a place under each."""
    values, marks, defaults = {}, {}, values_of(RUN_SETTINGS[kind]())
    with st.container(horizontal=True, gap="small"):
        for field in fields:
            with st.container(width=215, gap=None):
                draw = _widget_of(field, splits)
                values[field.name] = draw(field, given.get(field.name), f"launch_{kind}_{field.name}_{_version(kind)}")
                marks[field.name] = st.empty()
                st.caption(_help(field, defaults.get(field.name)))
    return values, marks


# --- one widget


Widget = Callable[[Field, Any, str], Any]


def _widget_of(field: Field, splits: Sequence[str]) -> Widget | None:
    """How a setting is asked for; None for lists, which only the text can hold."""
    if field.name == "select.split":
        return lambda field, value, key: _chosen(field, value, key, [*splits])
    if get_origin(field.kind) is Literal:
        return lambda field, value, key: _chosen(field, value, key, [*get_args(field.kind)])
    if get_origin(field.kind) is tuple:
        return _part
    return {bool: _switch, int: _whole, float: _figure, str: _words}.get(field.kind)


def _chosen(field: Field, value: Any, key: str, options: list[Any]) -> Any:
    shown = options if value in options else [value, *options]
    return st.selectbox(field.label, shown, shown.index(value), key=key)


def _part(field: Field, value: Any, key: str) -> Any:
    return list(st.slider("part of the split", 0.0, 1.0, tuple(map(float, value)), 0.01, key=key))


def _switch(field: Field, value: Any, key: str) -> Any:
    return st.toggle(field.label, value, key=key)


def _whole(field: Field, value: Any, key: str) -> Any:
    """Without bounds: a browser turns a number beyond them red and keeps it to itself."""
    return st.number_input(field.label, value=value, step=1, key=key, placeholder="none")


def _figure(field: Field, value: Any, key: str) -> Any:
    """Small figures step by their own power of ten."""
    small = value is not None and 0 < value < 0.01
    step = 10.0 ** math.floor(math.log10(value)) if small else 0.05
    shown = "%.2g" if small else "%.3g"
    return st.number_input(field.label, value=value, step=step, format=shown, key=key, placeholder="none")


def _words(field: Field, value: Any, key: str) -> Any:
    return st.text_input(field.label, value or "", key=key) or (None if field.optional else "")


def _help(field: Field, default: Any) -> str:
    """The setting's own help line and its default."""
    shown = "none" if default is None else f"{default:g}" if isinstance(default, float) else str(default)
    return f"{field.info.description} Default {shown}."
