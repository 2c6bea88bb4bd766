"""Anchors: how reliably each variant answers, and the preference pairs that come of it."""

import streamlit as st

from app.anchors.categories import categories_tab
from app.anchors.one_run import one_run
from app.anchors.pairs import pairs_tab
from app.anchors.settings import keys_of
from app.state import lab, view
from app.widgets import header

CATEGORY_VIEW = ("draw", "by", "part", "chain", "step", "move", "map_a", "map_b", "cell", "cat_score")
PAIR_VIEW = ("pairs", "show", "reason", "why", "check", "place", *keys_of("a"), *keys_of("b"))
RUN_VIEW = ("run", "group", "group_right")

here = lab()
view("anchors", "tab", *CATEGORY_VIEW, *PAIR_VIEW, *RUN_VIEW)
header(
    "Anchors",
    "Labels as the anchor: what a variant always gets right, sometimes, or never, and the pairs made of each.",
)
first, second, third = st.tabs(["Categories", "Pairs", "One run"], key="tab", bind="query-params", on_change="rerun")
if first.open:
    with first:
        categories_tab(here)
if second.open:
    with second:
        pairs_tab(here)
if third.open:
    with third:
        one_run(here)
