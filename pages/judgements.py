"""Judgements made elsewhere: load a file, figures of pairwise sets, agreement of the raters, rejected rows."""

import streamlit as st

from app.judgements.agreement import agreement
from app.judgements.load import load
from app.judgements.rates import preferences
from app.judgements.rejects import rejected_rows
from app.navigation import link
from app.state import lab
from app.widgets import boundary, choice, empty_state, header
from core.analysis.consensus import find_set, judgement_sets

here = lab()
header("Judgements", "Preferences and ratings that people and judges gave elsewhere: who wins, and who agrees.")
known = judgement_sets(here.store)
if said := st.session_state.pop("_set_said", None):
    st.success(said, icon=":material/check_circle:")
with st.expander("Load judgements", icon=":material/add:", expanded=not known), boundary():
    load(here)
if not known:
    empty_state(
        "No judgements yet",
        "Load a file above: pairwise preferences as AlpacaEval has them, or ratings. The demo needs none.",
    )
    rejected_rows(here, None)
else:
    names = {s.id: f"{s.name} ({s.id})" for s in reversed(known)}
    chosen = find_set(
        here.store, choice("Set", list(names), key="set", what="set of judgements", format_func=names.get)
    )
    counts = here.store.frame("SELECT rows, rejects, nothing, items FROM judgement_sets WHERE id = ?", [chosen.id])
    with st.container(horizontal=True):
        for label, column in {
            "Judgements": "rows",
            "Questions": "items",
            "Rejected": "rejects",
            "Nothing given": "nothing",
        }.items():
            st.metric(label, f"{counts[column].iloc[0]:,}")
    if chosen.what == "preferences":
        preferences(here, chosen)
    agreement(here, chosen)
    rejected_rows(here, chosen)
    link("runs", "Open in Runs", run=chosen.id)
