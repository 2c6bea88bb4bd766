"""The table of the page Explanations: fifty rows a page, a row opens the reading view."""

import pandas as pd
import streamlit as st

from app.address import arrivals, put
from app.explanations.filters import words
from app.explanations.view import change, page_number, show
from app.tables import ROW_OR_CELL, chosen_row, grid
from core.analysis.browsing import ROWS_A_PAGE, Facets, Spot, Wanted
from core.analysis.catalogue import Catalogue
from core.rubrics import Rubric
from core.statistics.words import plural

MARKS = {True: "✓", False: "✗"}


def table(rows: pd.DataFrame, known: Catalogue, found: Facets, wanted: Wanted, rubric: Rubric | None) -> None:
    """Rows of this page; choosing one reads it.  rubric: of the judge, whose highest score stands in the head."""
    if rows.empty:
        st.info("No explanation matches these filters: take one away above.", icon=":material/filter_alt_off:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Click a row to read it with its verdicts, beside the other variants.", width="content")
        _leave_out_empty(found, wanted)
    key = f"rows_{hash(wanted)}_{page_number()}_{arrivals()}"
    grid(
        _shown(rows, known, wanted),
        first=["", "variant", "score", "question", "explanation"],
        long=["question", "explanation"],
        height="content",
        on_select=lambda: _open(key, rows),
        selection_mode=ROW_OR_CELL,
        key=key,
        column_config={
            "": st.column_config.TextColumn("right", width=54, help="✓ right, ✗ wrong, – no gold"),
            "variant": st.column_config.TextColumn(width=84),
            "data set": st.column_config.TextColumn(width=90),
            "question": st.column_config.TextColumn(width=200),
            "explanation": st.column_config.TextColumn(width=360),
            "answer": st.column_config.TextColumn(width=80),
            "score": st.column_config.NumberColumn(
                f"score / {rubric.highest}" if rubric else "score", format="%.2f", width=85
            ),
            "spread": st.column_config.NumberColumn(format="%.2f", width=60),
            "category": st.column_config.TextColumn(width=100),
            "split": st.column_config.TextColumn(width=60),
            "tokens": st.column_config.NumberColumn(width=60),
        },
    )
    _pager(found.wanted)


def _leave_out_empty(found: Facets, wanted: Wanted) -> None:
    """A way past the explanations without text, which score lowest and so come first where the worst do."""
    empty = found.counts["forms"].get("empty", 0)
    if wanted.order == "worst" and empty and not wanted.forms:
        label = f"Leave out {plural(empty, 'empty one')}"
        st.button(
            label,
            icon=":material/filter_alt:",
            type="tertiary",
            key="no_empty",
            on_click=change,
            args=("form", ["not empty"]),
        )


def _shown(rows: pd.DataFrame, known: Catalogue, wanted: Wanted) -> pd.DataFrame:
    names = {one.dataset: one.dataset_name for one in known.drawn}
    several = len(names) > 1 and len(wanted.datasets) != 1 and not wanted.protocol
    columns = {
        "": [MARKS.get(right, "–") if isinstance(right, bool) else "–" for right in rows["right"]],
        "variant": rows["label"],
        **({"data set": rows["dataset"].map(names)} if several else {}),  # another variant of the same name in each
        "score": rows["score"],
        "question": rows["question"],
        "explanation": rows["explanation"].map(lambda text: text or "(no explanation)"),
        "answer": rows["prediction"],
        "category": rows["category"].map(words, na_action="ignore"),
        "split": rows["split"],
        "tokens": rows["tokens"],
    }
    if wanted.order == "most disputed":
        columns["spread"] = rows["spread"]
    return pd.DataFrame(columns)


def _open(key: str, rows: pd.DataFrame) -> None:
    place = chosen_row(st.session_state[key]["selection"])
    if place is not None:
        row = rows.iloc[place]
        show(Spot(row["samples"], row["item_id"], int(row["sample"])))


def _pager(wanted: int) -> None:
    pages = -(-wanted // ROWS_A_PAGE)
    number = min(page_number(), pages - 1)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="center"):
        _turn("Previous page", ":material/chevron_left:", number - 1, number > 0)
        st.caption(f"page {number + 1:,} of {pages:,}", width="content")
        _turn("Next page", ":material/chevron_right:", number + 1, number + 1 < pages)


def _turn(label: str, icon: str, number: int, there: bool) -> None:
    st.button(
        label,
        icon=icon,
        key=f"turn_{label}",
        type="tertiary",
        disabled=not there,
        on_click=put,
        kwargs={"page": str(number + 1) if number else None},
    )
