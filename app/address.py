"""The view of a page, which its URL holds: a refresh, a pasted link and Back bring back what was seen.

    text = st.text_input("Contains", **held("text", ""))     # a widget whose value stands in the URL
    put(run="sft-1", page=None)                               # several parameters, one step of the browser's history

A widget shows what the view says (`shown`) and changes it when it is used; a value that a page starts with is left
out.  Entering a page, a refresh, Back and Forward take the view from the URL.  While one stays on a page the
session holds it and the URL follows, since a click may come before the browser knows what the one before it changed.
The sidebar's links lead to each page as it was left.  Of a long text the URL holds a name (`app.long_texts`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.long_texts import name_of, text_of

View = dict[str, list[str]]
"""Parameter → its values: a parameter may stand in a URL several times."""


def arrive(page: str) -> None:
    """Take the view of a page from the URL, or, where one was on it before, bring the URL up to it; call it first."""
    if st.session_state.get("_page") == page and not _by_history():
        _show()
        return
    st.session_state["_page"], st.session_state["_script"] = page, _script()
    st.session_state["_arrivals"] = arrivals() + 1
    _views()[page] = _read_from_the_url()


def arrivals() -> int:
    """Changes when a view was taken from the URL: what a widget holds beside it is out of date then."""
    return st.session_state.get("_arrivals", 0)


def _by_history() -> bool:
    """Whether Back or Forward led here; also True where Streamlit does not say, so that the URL counts."""
    return getattr(get_script_run_ctx(), "is_history_navigation", True)


def _script() -> str:
    """The script of the page that is asked for, which runs next."""
    return getattr(get_script_run_ctx(), "page_script_hash", "")


def _views() -> dict[str, View]:
    return st.session_state.setdefault("_views", {})


def view_of(page: str) -> View:
    """The view that a page was left with; empty where it was not opened in this session."""
    return _views().get(page, {})


def this_page() -> str:
    """The page that is open."""
    return st.session_state["_page"]


def _in_the_url() -> View:
    return {name: st.query_params.get_all(name) for name in st.query_params}


def _read_from_the_url() -> View:
    """What the URL stands for; a parameter whose text is gone is left out."""
    view = {name: [text_of(text) for text in texts] for name, texts in _in_the_url().items()}
    return {name: texts for name, texts in view.items() if None not in texts}


def link_to(page: str) -> View | None:
    """Parameters of a link to a page as it was left; None for a bare one."""
    return for_url(view_of(page)) or None


def for_url(view: View) -> View:
    """A view as a URL can hold it."""
    return {name: [name_of(text) for text in _texts(texts)] for name, texts in view.items()}


def _show() -> None:
    """Bring the URL up to the view of this page, unless another page has been asked for, whose URL it is by now."""
    view = link_to(this_page()) or {}
    if view != _in_the_url() and st.session_state["_script"] == _script():
        st.query_params.from_dict(view)


# --- one parameter


def given(name: str) -> str | None:
    """What stands under a name in the view of this page, the last of several; None without it."""
    return next(reversed(all_given(name)), None)


def all_given(name: str) -> list[str]:
    """All that stands under a name."""
    return view_of(this_page()).get(name, [])


def put(**changes: str | Sequence[str] | None) -> None:
    """Set parameters of this page's view, and take away those that are None or empty."""
    view = view_of(this_page()) | {name: _texts(value) for name, value in changes.items()}
    _views()[this_page()] = {name: texts for name, texts in view.items() if texts}
    _show()


def _texts(value: str | Sequence[str] | None) -> list[str]:
    """Texts that can stand in a URL, which has no place for a surrogate."""
    values = [value] if isinstance(value, str) else value or []
    return [str(one).encode("utf-8", "replace").decode() for one in values]


# --- widgets


def value(name: str, start: Any, fits: Callable[[Any], bool] | None = None, read: Callable[[str], Any] | None = None):
    """A parameter as a value of the type of `start`, which it is where the parameter is missing or no such value.

    fits: whether a value is among those that there are.  read: makes one of its text, where `start` is None.
    """
    texts = all_given(name)
    if not texts:
        return start
    try:
        found = _read(texts, start, read)
    except (ValueError, KeyError):
        return start
    return found if fits is None or fits(found) else start


def _read(texts: list[str], start: Any, read: Callable[[str], Any] | None) -> Any:
    if isinstance(start, list):
        return [text for text in texts if text]
    if isinstance(start, bool):
        return {"true": True, "false": False}[texts[-1]]
    return (read or type(start))(texts[-1])


def _written(value: Any) -> str | list[str] | None:
    """A value of a widget as it stands in the URL; an empty list is a value of its own."""
    if value is None:
        return None
    if isinstance(value, list):
        return value or [""]
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def held(
    name: str,
    start: Any,
    fits: Callable[[Any], bool] | None = None,
    read: Callable[[str], Any] | None = None,
    drops: Sequence[str] = (),
    opens: str | None = None,
) -> dict[str, Any]:
    """Arguments of a widget whose value stands in the URL under `name`, which is the widget's key; see `value`.

    drops: parameters that have no sense once this one is changed by hand.  opens: see `shown`.
    """
    return shown(name, value(name, start, fits, read), partial(_put_away, name, start, tuple(drops)), opens)


def held_one(
    name: str, start: Any, options: Sequence[Any], read: Callable[[str], Any] | None = None, drops: Sequence[str] = ()
) -> dict[str, Any]:
    """`held` for a select box or radio buttons of these options; None: nothing is chosen."""
    now = value(name, start, options.__contains__, read)
    return shown_one(name, now, options, partial(_put_away, name, start, tuple(drops)))


def held_tabs(name: str, tabs: Sequence[str]) -> dict[str, Any]:
    """`held` for tabs, the first of which is open at the start.

    Their `default` is part of what they are to Streamlit; what the session state says of them holds in every draw.
    """
    here = held(name, tabs[0], tabs.__contains__, opens="default")
    st.session_state[here["key"]] = here.pop("default")
    return here


def _put_away(name: str, start: Any, drops: Sequence[str], now: Any) -> None:
    put(**dict.fromkeys(drops), **{name: None if now == start else _written(now)})


def shown(name: str, now: Any, used: Callable[[Any], None], opens: str | None = None) -> dict[str, Any]:
    """Arguments of a widget that shows `now`, and hands on what it is changed to by hand.

    The value is the one that the widget opens with, so that a browser that never drew it, or drops it, comes to
    nothing else; Streamlit shows a value that is set through the session state in one draw alone, which the next may
    overtake.  Where `now` becomes another by anything but the widget itself, the widget is a new one (a key of its
    own): what a browser still says of the one before counts no more.

    opens: the widget's argument for that value; `default` for lists, else `value`, where it is not given.
    """
    place = (this_page(), name)
    known = _widgets().get(place)
    if known is None or not _same(known.value, now):
        _widgets()[place] = known = _Shown(now, 0 if known is None else known.number + 1)
    opens = opens or ("default" if isinstance(now, list) else "value")
    key = f"{name}~{known.number}" if known.number else name
    return {"key": key, opens: now, "on_change": _used, "args": (place, key, known, used)}


def shown_one(name: str, now: Any, options: Sequence[Any], used: Callable[[Any], None]) -> dict[str, Any]:
    """`shown` for a select box or radio buttons, which open at the place of one of their options, or at none."""
    here = shown(name, now, used, opens="index")
    return here | {"index": None if now is None else options.index(now)}


@dataclass
class _Shown:
    """What a widget shows as far as the server knows, and how many there were of it before."""

    value: Any
    number: int


def _widgets() -> dict[tuple[str, str], _Shown]:
    return st.session_state.setdefault("_widgets", {})


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same to whoever looks at them: 0.30000000000000004 is 0.3."""
    if isinstance(one, float) and isinstance(other, float):
        return _written(one) == _written(other)
    return one == other


def _used(place: tuple[str, str], key: str, known: _Shown, used: Callable[[Any], None]) -> None:
    if _widgets().get(place) is known and place[0] == this_page():
        known.value = st.session_state[key]
        used(known.value)
