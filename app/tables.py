"""Tables that fit the window, so that nothing need be scrolled sideways to be read.

    watch_window("compare One pair")                            # once a page, by the frame
    grid(rows, key="rates", first=["A against B", "Δ(W−L), points"])

A table that has more columns than there is room for shows those that tell most, in a narrow window with long texts
over several lines; a switch below it shows the rest.  Cells are text as it is: nothing in them is rendered.
"""

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

WIDEST = 1400
"""Pixels of a window from which on nothing changes, and what an unknown one is taken for."""

BESIDE, BROAD, BESIDE_BROAD = 280, 1000, 370
"""Pixels of a window that are not a table's (the menu, margins, a border), and those of a broad one from `BROAD` on."""

MARKS = 34
"""Pixels of the boxes that choose rows."""

LETTER, THIN_LETTER, PADDING = 7.3, 6.8, 20
"""Pixels of a letter, wide enough for most texts or for half of them, and of a cell around its text."""

NARROW = 700
"""Room below which long texts take several lines."""

HEAD, LINE = 36, 20
"""Pixels of the row of names, and of a line of text."""

THREE, FIVE = 3, 5
"""Lines of a row: so many where its texts are longer than that, and at most so many where that shows all of them.
Streamlit wraps texts in rows above 64 pixels, which three lines are."""

ROW_OF_THREE = 6 + THREE * LINE
"""Pixels of a row of three lines."""

ROWS_OF_KEY = re.compile(r"(_-?\d+)+$")
"""Numbers that end a key say which rows are shown: the switch stays as it is while they change."""

WIDTHS = {"small": 75, "medium": 200, "large": 400}


def watch_window(view: str) -> None:
    """Ask the browser how wide its window is; one that is not wide draws the page once more.

    view: names what is shown as a whole; another one begins at its top, or where it was left.
    """

    def told() -> None:
        st.session_state["_width"] = int(st.session_state["_window"].get("width") or WIDEST)

    data = {"width": st.session_state.get("_width", WIDEST), "view": view}
    _watcher()(key="_window", data=data, on_width_change=told)


@st.cache_resource(show_spinner=False)
def _watcher() -> Callable[..., Any]:
    script = Path(__file__).with_name("window.js").read_text()
    return st.components.v2.component("anchorlab_window", html="<span></span>", js=script)


def grid(
    rows: Any, key: str, first: Sequence[str] = (), long: Sequence[str] = (), margin: int = 0, **options: Any
) -> Any:
    """A data frame, or rows as dictionaries, without an index; what `st.dataframe` returns.

    first: columns that tell most; the others follow as they come.  long: columns of texts that are read elsewhere as a
    whole: they take three lines, and end in "…" where that is too few.  margin: pixels that it has less than the page.
    `options` are those of `st.dataframe`.
    """
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
    config = options.get("column_config", {})
    known = list(options.get("column_order", frame.columns))
    needed = {name: needed_width(frame[name], name, config.get(name)) for name in known}
    room = room_for_a_table() - margin - (MARKS if "on_select" in options else 0)
    first = [name for name in first if name in known]
    telling = fitted_widths(first, [name for name in known if name not in first], needed, room)
    switch = f"all_{re.sub(ROWS_OF_KEY, '', key)}"
    widths = telling
    if st.session_state.get(switch):
        widths = {name: min(needed[name], WIDTHS["large"]) for name in known}
    if len(widths) < len(known) or room < NARROW:
        given = {name: _config(config.get(name)) | {"width": width} for name, width in widths.items()}
        options |= {"column_order": [name for name in known if name in widths], "column_config": config | given}
    for name in (name for name in long if name in widths):
        frame = frame.assign(**{name: [cut(text, widths[name]) for text in frame[name]]})
    if long:
        options["row_height"] = ROW_OF_THREE
    crowded = {name: width for name, width in telling.items() if needed[name] > width}
    lines = max((lines_of(cell, width) for name, width in crowded.items() for cell in frame[name]), default=1)
    if room < NARROW and lines > 1 and not long:
        options |= _over_lines(lines, len(frame), options.get("height"))
        for name, width in crowded.items():
            frame = frame.assign(**{name: [cut(text, width, lines_a_row(lines)) for text in frame[name]]})
    chosen = st.dataframe(frame, hide_index=True, key=key, **options)
    if hidden := len(known) - len(telling):
        st.toggle(f"{hidden} more column{'s' if hidden > 1 else ''}", key=switch)
    return chosen


def room_for_a_table() -> int:
    """Pixels that a table may be wide in this window."""
    window = st.session_state.get("_width", WIDEST)
    return window - (BESIDE if window < BROAD else BESIDE_BROAD)


ROW_OR_CELL = ["single-row", "single-cell"]
"""Selection mode of a table whose rows open by their box and by a click anywhere in them."""


def chosen_row(selection: Mapping[str, Any]) -> int | None:
    """The row of what was selected in a table with `ROW_OR_CELL`; None where nothing is.

    >>> chosen_row({"rows": [], "cells": [(4, "question")]}), chosen_row({"rows": [], "cells": []})
    (4, None)
    """
    places = [*selection["rows"], *(row for row, _ in selection["cells"])]
    return places[0] if places else None


def cut(text: Any, width: int, lines: int = THREE) -> Any:
    """A text that so many lines of a cell so many pixels wide can hold.

    >>> cut("A door is made of wood, which was a tree once and is a door for now.", 130)
    'A door is made of wood, which was a tree …'
    """
    if not isinstance(text, str):
        return text
    letters = _letters(width)
    words = " ".join(text[: (lines + 1) * letters].split())
    wrapped = textwrap.wrap(words, letters)
    if len(wrapped) <= lines:
        return words
    end = 0
    for line in wrapped[:lines]:  # a word that is longer than a line is broken, and gets no space by it
        end = words.index(line, end) + len(line)
    return f"{words[: end - 2].rsplit(' ', 1)[0].rstrip()} …"


def lines_of(cell: Any, width: int) -> int:
    """Lines that a text takes in a cell so many pixels wide; no more than are of interest.

    >>> lines_of("A door is made of wood, which was a tree once and is a door for now.", 130), lines_of(1.5, 130)
    (5, 1)
    """
    letters = _letters(width)
    if isinstance(cell, str) and len(cell) <= (width - PADDING) / THIN_LETTER:
        return 1  # or a letter too much, which is cut: other lines would cost all rows more
    return len(textwrap.wrap(cell[: (FIVE + 1) * letters], letters)) if isinstance(cell, str) else 1


def _letters(width: int) -> int:
    return max(8, int((width - PADDING) / LETTER))


def lines_a_row(lines: int) -> int:
    """Lines of every row of a table whose longest text takes so many."""
    return lines if THREE < lines <= FIVE else THREE


def _over_lines(lines: int, rows: int, height: int | str | None) -> dict[str, Any]:
    """Row height for texts of so many lines, and a height of the table that shows what it was meant to.

    >>> _over_lines(3, 3, "content"), _over_lines(4, 40, 280), _over_lines(80, 40, None)
    ({'row_height': 66, 'height': 234}, {'row_height': 86, 'height': 420}, {'row_height': 66, 'height': 564})
    """
    row = 6 + LINE * lines_a_row(lines)
    whole = HEAD + row * rows
    limit = HEAD + 8 * row if height is None else max(height, 420) if isinstance(height, int) else whole
    return {"row_height": row, "height": min(whole, limit)}


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
    """Columns that there is room for, with their widths: all of `first`, and of `others` as many as go beside them.

    Where `first` needs more than the room, its widest columns are narrowed alike; no column takes more than the half.

    >>> fitted_widths(["a", "b"], ["c", "d"], {"a": 100, "b": 900, "c": 80, "d": 80}, 420)
    {'a': 100, 'b': 210, 'c': 80}
    >>> fitted_widths(["a", "b", "c"], [], {"a": 60, "b": 200, "c": 300}, 360)
    {'a': 60, 'b': 150, 'c': 150}
    """
    found = {name: min(needed[name], room // 2) for name in first}
    for place, width in enumerate(sorted(found.values())):  # narrow columns keep theirs, the others share what is left
        share = (room - sum(sorted(found.values())[:place])) // (len(found) - place)
        if width > share:
            found = {name: min(width, share) for name, width in found.items()}
            break
    for name in others:
        width = min(needed[name], room // 2)
        if not found or sum(found.values()) + width <= room:
            found[name] = width
    return _stretched(found, needed, room) if len(found) == len(first) + len(others) else found


def _stretched(found: dict[str, int], needed: Mapping[str, int], room: int) -> dict[str, int]:
    """The room that is left, to the columns that would take more."""
    for name in found:
        found[name] = min(needed[name], found[name] + room - sum(found.values()))
    return found
