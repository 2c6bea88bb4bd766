"""The method as a picture: a card a stage with this lab's counts, an arrow to the next, a link to its page."""

import streamlit as st

from app.charts.style import CATEGORY_COLOURS, CATEGORY_NAMES
from app.navigation import link
from app.runs.table import TRAINED
from app.state import Lab, results
from core.analysis.stages import Stage, category_counts, stages
from core.records import CATEGORIES, Category
from core.store.database import Store

PAGES: dict[str, tuple[str, dict[str, str]]] = {
    "items": ("datasets", {}),
    "explanations": ("explanations", {}),
    "scores": ("explanations", {"order": "best first"}),
    "categories": ("anchors", {}),
    "pairs": ("anchors", {"tab": "Pairs"}),
    "trainings": ("runs", {"kind": TRAINED}),
    "comparisons": ("compare", {}),
}
"""Stage → page and view behind its card."""


def method_picture(here: Lab) -> None:
    """Seven cards in the paper's order, and the way back: what was aligned is sampled and judged again."""
    sorted_ = sorted_questions(here)
    compared = sum(len(evaluation.win_rates) for evaluation in results() if not evaluation.by_reader)
    with st.container(horizontal=True, gap="medium", key="method"):
        for stage in stages(here.store, sorted_, compared):
            _card(stage, sorted_)
    st.caption(
        ":material/replay: Every trained variant answers the test questions N times, is judged like the others, and "
        "is compared with them."
    )


def sorted_questions(here: Lab) -> dict[Category, int]:
    """Questions in each category, over all variants."""
    return _categories(here.store, here.sealed)


@st.cache_data(max_entries=8, show_spinner=False)
def _categories(_store: Store, sealed: str) -> dict[Category, int]:
    return category_counts(_store)


def _card(stage: Stage, categories: dict[Category, int]) -> None:
    page, query = PAGES[stage.key]
    with st.container(border=True, gap="xxsmall", key=f"stage_{stage.key}"):
        link(page, f"**{stage.title}**", **query)
        st.metric(stage.title, f"{stage.count:,}", help=stage.what, label_visibility="collapsed")
        if stage.key == "categories" and stage.count:
            _bar(categories)
        st.caption(stage.note)


def _bar(counts: dict[Category, int]) -> None:
    """Shares of the categories as a thin bar, in their colours; numbers and the lab's own words only."""
    total = sum(counts.values())
    parts = "".join(
        f'<span title="{CATEGORY_NAMES[c]}: {counts[c]}" '
        f'style="width:{100 * counts[c] / total:.2f}%;background:{CATEGORY_COLOURS[c]}"></span>'
        for c in CATEGORIES
    )
    st.html(f'<div class="shares">{parts}</div>')
