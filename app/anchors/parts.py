"""Parts that both tabs of the Anchors page share: lists of questions, and words for categories."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from app.anchors.data import evaluation_with, questions
from app.charts.style import CATEGORY_NAMES
from app.figures import download
from app.state import Lab
from app.tables import grid
from core.analysis.draws import Draw
from core.analysis.transitions import QuestionTable
from core.records import CATEGORIES

LISTED = 200
"""Questions of a list at most; the download has them all."""


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
        first=["question", *table.labels],
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


def category_words(place: int) -> str:
    """A category in the lab's words, by its place."""
    return CATEGORY_NAMES[CATEGORIES[place]]
