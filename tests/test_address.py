"""Widgets show what the view of their page says, whichever of its draws a browser gets to see."""

import ast
from pathlib import Path

import pytest

from app.navigation import PAGES, ROOT
from tests.app import held_in, opened, released  # noqa: F401

KINDS = ("number_input", "selectbox", "radio", "text_input", "text_area", "toggle", "slider", "multiselect")

VIEWS = [
    *((name, {}) for name in PAGES),
    ("annotate", {"rater": "ann", "reveal": "false"}),
    ("anchors", {"tab": "Pairs", "a_margin": "1.5", "a_strategy": "rank"}),
    ("compare", {"margin_expected": "0.7", "tab": "Questions"}),
    ("explanations", {"split": "test", "score": "2~9", "text": "wood", "by": "parsed"}),
    ("playground", {"play_temperature": "0.3", "play_tokens": "40", "play_question": "Why?"}),
    ("runs", {"show": "Launch", "launch_kind": "sft", "launch_as": "TOML"}),
    ("runs", {"show": "Launch", "launch_kind": "pairs", "set": '{"margin": 2.0}'}),
]


def opens_with(widget) -> object:
    """What a browser shows that has only the widget's own starting value."""
    proto = widget.proto
    if widget.type in ("selectbox", "radio"):
        return proto.options[proto.default] if proto.HasField("default") else None
    if widget.type == "multiselect":
        return [proto.options[place] for place in proto.default]
    if widget.type in ("slider", "select_slider"):
        return list(proto.default)
    return proto.default if widget.type == "toggle" or proto.HasField("default") else None


def value_of(widget) -> object:
    """What the page goes by, as `opens_with` has it."""
    value = widget.value
    if widget.type in ("selectbox", "radio"):
        return None if value is None else widget.format_func(value)
    if widget.type == "multiselect":
        return [widget.format_func(one) for one in value]
    if widget.type == "slider":
        return list(value) if isinstance(value, tuple | list) else [value]
    return value


@pytest.mark.parametrize(("page", "view"), VIEWS)
def test_a_widget_opens_with_what_rules(lab_home, page, view):
    app = opened(page, **view)
    assert not app.exception
    for _ in range(2):  # a draw that follows at once tells a browser no less than the first
        widgets = [widget for kind in KINDS for widget in getattr(app, kind)]
        assert {w.key or w.label: opens_with(w) for w in widgets} == {w.key or w.label: value_of(w) for w in widgets}
        app.run()
    assert {name: app.query_params[name] for name in app.query_params} == view or page == "runs"


def test_what_a_browser_still_says_of_the_widget_before_counts_no_more(lab_home):
    app = opened("playground", play_source="Pick one from a data set")
    before = held_in(app.selectbox, "play_item")
    key, value = before.key, before.value
    app.button(key="play_random").click().run()
    now = held_in(app.selectbox, "play_item")
    assert now.value == app.query_params["play_item"] and (now.key == key) == (now.value == value)


def assigned_keys(file: Path) -> list[str]:
    """Assignments to the session state but for the lab's own notes, which begin with `_`."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        for target in node.targets if isinstance(node, ast.Assign) else []:
            if isinstance(target, ast.Subscript) and ast.unparse(target.value) == "st.session_state":
                found.append(ast.unparse(target.slice))
    return [key for key in found if not key.lstrip("f").startswith(("'_", '"_'))]


def test_no_widget_is_set_through_the_session_state():
    files = [*(ROOT / "app").rglob("*.py"), *(ROOT / "pages").glob("*.py")]
    found = {file.name: keys for file in files if (keys := assigned_keys(file))}
    assert found == {"address.py": ["here['key']"], "form.py": ["base", "marker"], "in_place.py": ["OPEN"]}
