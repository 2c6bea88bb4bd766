"""Annotate: rate explanations blind, check a judge's verdicts, choose between two, and how far all agree."""

import streamlit as st

from app.address import held_tabs
from app.annotate.agreement import agreement
from app.annotate.queue import chosen_queue
from app.annotate.tasks import PAIRWISE, RATE, SPOT_CHECK
from app.annotate.work import Bench, annotator, work
from app.state import Lab, lab, results
from app.widgets import header
from core.annotation.sources import sources

TABS = ["Rate", "Spot-check", "Pairwise", "Agreement"]


def bench(here: Lab, rater: str | None, what: Bench) -> None:
    """One way of annotating: its queue, and the task that is open."""
    if rater is None and sources(here.store, results()):
        st.info("Type your name above to begin: what you enter is kept under it.", icon=":material/badge:")
    queue = chosen_queue(here, what.kind)
    if queue and rater:
        work(here, rater, queue, what)


here = lab()
left, right = st.columns([2, 1], vertical_alignment="bottom")
with left:
    header("Annotate", "What people think of the explanations, by keys; and how far the judges agree with them.")
with right:
    rater = annotator(here)
tabs = st.tabs(TABS, **held_tabs("tab", TABS))
for tab, what in zip(tabs, (RATE, SPOT_CHECK, PAIRWISE), strict=False):
    if tab.open:
        with tab:
            bench(here, rater, what)
if tabs[-1].open:
    with tabs[-1]:
        agreement(here)
