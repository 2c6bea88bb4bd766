"""Tables that fit the window: all columns in a wide one, in a narrow one those that tell most.

    watch_window()                                              # once a page, by the frame
    grid(rows, key="rates", first=["A against B", "Δ(W−L), points"])

A narrow window shows columns as long as there is room, long texts over several lines; a switch below the table
shows the rest.  Cells are text as it is: nothing in them is rendered.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

ROOM = 520
"""Pixels for columns in a window of 800, inside a border."""

MARKS = 34
"""Pixels of the boxes that choose rows."""

LETTER, PADDING = 7.3, 20
"""Pixels of a letter, and of a cell around its text."""

LONGEST = 230
"""Pixels of a column at most: longer texts take several lines."""

LINES = 66
"""Pixels of a row whose texts take several lines; Streamlit wraps from 64 on."""

ROWS_OF_KEY = re.compile(r"_-?\d.*")
"""What a key says of the rows that are shown: the switch stays as it is while they change."""

WIDTHS = {"small": 75, "medium": 200, "large": LONGEST}


def narrow() -> bool:
    """Whether the window is too narrow for all columns; unknown is wide."""
    return st.session_state.get("_narrow", False)


def watch_window() -> None:
    """Ask the browser how wide its window is; a narrow one draws the page once more."""

    def told() -> None:
        st.session_state["_narrow"] = bool(st.session_state["_window"].get("narrow"))

    _watcher()(key="_window", data={"narrow": narrow()}, on_narrow_change=told)


@st.cache_resource(show_spinner=False)
def _watcher() -> Callable[..., Any]:
    script = Path(__file__).with_name("window.js").read_text()
    return st.components.v2.component("anchorlab_window", html="<span></span>", js=script)


def grid(rows: Any, key: str, first: Sequence[str] = (), room: int = ROOM, **options: Any) -> Any:
    """A data frame, or rows as dictionaries, without an index; what `st.dataframe` returns.

    first: columns that tell most, for a narrow window; the others follow as they come.  room: pixels that such a
    window has for them.  `options` are those of `st.dataframe`.
    """
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
    if not narrow():
        return st.dataframe(frame, hide_index=True, key=key, **options)
    config = options.pop("column_config", {})
    known = list(options.pop("column_order", frame.columns))
    needed = {name: needed_width(frame[name], name, config.get(name)) for name in known}
    room -= MARKS if "on_select" in options else 0
    first = [name for name in first if name in known]
    telling = fitted_widths(first, [name for name in known if name not in first], needed, room)
    switch = f"all_{re.sub(ROWS_OF_KEY, '', key)}"
    widths = telling
    if st.session_state.get(switch):
        widths = {name: min(needed[name], LONGEST) for name in known}
    if any(needed[name] > width for name, width in widths.items()):
        options["row_height"] = LINES
    chosen = st.dataframe(
        frame,
        hide_index=True,
        key=key,
        column_order=[name for name in known if name in widths],
        column_config={name: _config(config.get(name)) | {"width": width} for name, width in widths.items()},
        **options,
    )
    if hidden := len(known) - len(telling):
        st.toggle(f"{hidden} more column{'s' if hidden > 1 else ''}", key=switch)
    return chosen


def _config(given: Any) -> dict[str, Any]:
    return {"label": given} if isinstance(given, str) else dict(given or {})


def needed_width(cells: pd.Series, name: str, given: Mapping[str, Any] | str | None) -> int:
    """Pixels that a column needs to show its head and every cell in one line, or those that it was given.

    >>> needed_width(pd.Series(["yes", "certainly"]), "said", None), needed_width(pd.Series([1.0]), "n", {"width": 90})
    (86, 90)
    """
    config = _config(given)
    width = config.get("width")
    if width is not None:
        return WIDTHS.get(width, width)
    letters = max([len(config.get("label") or name), *(len(_words(cell)) for cell in cells)])
    return round(letters * LETTER + PADDING)


def _words(cell: Any) -> str:
    if isinstance(cell, float):
        return "" if cell != cell else f"{cell:,.2f}"
    return "" if cell is None else max(str(cell).splitlines(), key=len, default="")


def fitted_widths(first: Sequence[str], others: Sequence[str], needed: Mapping[str, int], room: int) -> dict[str, int]:
    """Columns that a narrow window shows, with their widths: all of `first`, and of `others` as many as there is room.

    Where `first` needs more than the room, its widest columns are narrowed alike, and their texts take more lines.

    >>> fitted_widths(["a", "b"], ["c", "d"], {"a": 100, "b": 900, "c": 80, "d": 80}, 420)
    {'a': 100, 'b': 230, 'c': 80}
    >>> fitted_widths(["a", "b", "c"], [], {"a": 60, "b": 200, "c": 300}, 360)
    {'a': 60, 'b': 150, 'c': 150}
    """
    found = {name: min(needed[name], LONGEST) for name in first}
    for place, width in enumerate(sorted(found.values())):  # narrow columns keep theirs, the others share what is left
        share = (room - sum(sorted(found.values())[:place])) // (len(found) - place)
        if width > share:
            found = {name: min(width, share) for name, width in found.items()}
            break
    for name in others:
        width = min(needed[name], LONGEST)
        if found and sum(found.values()) + width > room:
            break
        found[name] = width
    return found
