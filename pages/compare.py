"""Compare: accuracy and win rates of every two variants, with n, tie rule and intervals."""

import streamlit as st

from app.address import held_tabs
from app.compare.choices import TABS, chosen_settings
from app.compare.duels import duels_tab
from app.compare.holds import holds_tab
from app.compare.pair import pair_tab
from app.compare.questions import questions_tab
from app.compare.variants import variants_tab
from app.judges.card import believe
from app.navigation import DEMO, nothing_yet
from app.state import Lab, lab, results
from app.widgets import choice, header, plain
from core.analysis.results import Evaluation, titles_of


def tabs(here: Lab, evaluation: Evaluation, found: list[Evaluation]) -> None:
    """All variants, one pair, its questions; then other ways to look at them.  One variant alone has no pair."""
    if not evaluation.win_rates:
        variants_tab(here, evaluation)
        return
    drawings = (
        lambda: variants_tab(here, evaluation),
        lambda: pair_tab(here, evaluation),
        lambda: questions_tab(here, evaluation),
        lambda: duels_tab(here, evaluation, found),
        lambda: holds_tab(evaluation, found),
    )
    for tab, draw in zip(st.tabs(TABS, **held_tabs("tab", TABS)), drawings, strict=True):
        if tab.open:
            with tab:
                draw()


here = lab()
header("Compare", "Is one variant better than another, by how much, and how sure is that?")
row = st.container(horizontal=True, vertical_alignment="bottom")
left, right = row.container(width=660), row.container(width=340)
found = {evaluation.key: evaluation for evaluation in results(chosen_settings(right))}
if found:
    with left:
        titles = titles_of(list(found.values()))
        key = choice("Evaluation", list(found), key="evaluation", what="evaluation", format_func=titles.get)
    believe(found[key])
    for a, b in found[key].identical:
        st.error("Two variants gave the same responses to the byte: was an adapter not loaded?")
        plain(f"{a} and {b}")
    tabs(here, found[key], list(found.values()))
else:
    nothing_yet("Nothing to compare yet", "Run the demo from the Overview: it samples and judges four variants.", DEMO)
