"""Anchors: how reliably each variant answers, and the preference pairs that come of it."""

import streamlit as st

from app.address import held_tabs
from app.anchors.categories import categories_tab
from app.anchors.one_run import one_run
from app.anchors.pairs import pairs_tab
from app.state import lab
from app.widgets import header

TABS = ["Categories", "Pairs", "One run"]

here = lab()
header(
    "Anchors",
    "Labels as the anchor: what a variant always gets right, sometimes, or never, and the pairs made of each.",
)
first, second, third = st.tabs(TABS, **held_tabs("tab", TABS))
if first.open:
    with first:
        categories_tab(here)
if second.open:
    with second:
        pairs_tab(here)
if third.open:
    with third:
        one_run(here)
