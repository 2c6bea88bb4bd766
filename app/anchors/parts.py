"""Parts that both tabs of the Anchors page share: a titled figure with its data, lists of questions, tables."""

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.anchors.data import evaluation_with, questions
from app.charts.style import CATEGORY_NAMES
from app.state import Lab
from app.tables import grid
from app.widgets import picture
from core.analysis.draws import Draw
from core.analysis.transitions import QuestionTable
from core.records import CATEGORIES

LISTED = 200
"""Questions of a list at most; the download has them all."""

NO_NAME = re.compile(r"\W+", re.ASCII)
"""What has no place in a file's name."""

FORMULA = re.compile(r"^[=+\-@\t\r]")


def chart(title: str, note: str, figure: go.Figure, data: pd.DataFrame, key: str, **events: Any) -> Any:
    """A figure under the question that it answers, with the data behind it to take along."""
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.subheader(title, anchor=False, width="content")
        download(lambda: data, key)
    shown = picture(figure, key=key, alt=title, **events)
    if note:
        st.caption(note)
    return shown


def download(table: Callable[[], pd.DataFrame], key: str) -> None:
    """A small button with a table as CSV, made when it is pressed."""
    st.download_button(
        "CSV",
        lambda: csv_of(table()),
        file_name=f"anchors_{re.sub(NO_NAME, '_', key)}.csv",
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        key=f"csv_{key}",
        on_click="ignore",
        help="The numbers behind this, as a table.",
    )


def csv_of(data: pd.DataFrame) -> bytes:
    """A table as CSV; a text that a spreadsheet would take for a formula gets an apostrophe in front.

    >>> csv_of(pd.DataFrame({"text": ["=1+1", "plain"], "n": [-1, 2]})).decode().split()
    ['text,n', "'=1+1,-1", 'plain,2']
    """
    texts = data.select_dtypes(exclude="number").columns
    safe = data.assign(**{name: data[name].map(_no_formula) for name in texts})
    return safe.to_csv(index=False).encode(errors="replace")


def _no_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


# --- lists of questions


def question_list(here: Lab, draw: Draw, table: QuestionTable, rows: Sequence[int], key: str) -> None:
    """Questions with their category and k of n under each variant, each with a link to its explanations."""
    if not rows:
        st.caption("No question here.")
        return
    shown = list(rows[:LISTED])
    asked = questions(here, draw.dataset, [table.items[row] for row in shown])
    evaluation = evaluation_with(next(iter(draw.samples.values())))
    frame = pd.DataFrame([_question(table, row, asked) for row in shown])
    if evaluation:
        frame["read"] = [explanations_url(evaluation.key, table.items[row]) for row in shown]
    more = f"; the first {LISTED} are listed" if len(rows) > LISTED else ""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"{len(rows):,} question{'s' if len(rows) > 1 else ''}{more}.")
        download(lambda: _listed(table, rows), f"{key}_list")
    grid(
        frame,
        key=f"list_{key}",
        column_config={
            "question": st.column_config.TextColumn(width="large"),
            "read": st.column_config.LinkColumn(display_text="explanations", width="small"),
        },
    )
    if not evaluation:
        st.caption("Nobody has judged these samples yet, so the Explanations page does not have them.")


def _listed(table: QuestionTable, rows: Sequence[int]) -> pd.DataFrame:
    return pd.DataFrame([_question(table, row, {}) for row in rows]).drop(columns="question")


def _question(table: QuestionTable, row: int, asked: dict[str, dict[str, Any]]) -> dict[str, Any]:
    found = asked.get(table.items[row], {})
    of = {
        label: f"{table.right[row, i]} of {table.drawn[row, i]}" if table.category[row, i] >= 0 else "–"
        for i, label in enumerate(table.labels)
    }
    return {"question": found.get("question"), "gold": found.get("gold")} | of | {"id": table.items[row]}


def explanations_url(evaluation: str, item: str) -> str:
    """The reading view of a question, relative to this page."""
    return f"/explanations?{urlencode({'evaluation': evaluation, 'item': item})}"


# --- cells that are clicked


def clicked(chart_key: str, then: Callable[[tuple[int, int]], None]) -> None:
    """Hand the (row, column) of a clicked cell of `app.charts.anchors.cells` on; a callback of its chart."""
    points = st.session_state[chart_key]["selection"]["points"]
    if points:
        row, column = points[0]["customdata"]
        then((int(row), int(column)))


def category_words(place: int) -> str:
    """A category in the lab's words, by its place."""
    return CATEGORY_NAMES[CATEGORIES[place]]
