"""Runs: everything that costs compute, in a table to choose from; one opened, several compared, new ones launched."""

import streamlit as st

from app.address import held, put
from app.runs.compare import compare
from app.runs.costs import strategies
from app.runs.detail import detail
from app.runs.launching import launch_panel
from app.runs.remove import ask_to_remove
from app.runs.state import chosen
from app.runs.table import actions, all_rows, filters, table
from app.state import Lab, lab
from app.widgets import boundary, empty_state, header, plain

SHOWN = ["All runs", "Launch"]


def runs(here: Lab) -> None:
    """Filters, actions and the table, then what is chosen in it."""
    rows = all_rows(here)
    if rows.empty:
        what = "Launch the demo pipeline: it runs the whole method on a small model."
        if empty_state("No run yet", what, "Launch …", key="no_runs"):
            put(show="Launch")
            st.rerun()
        return
    wanted = filters(rows)
    picked = [run for run in chosen() if run in set(rows["id"])]
    if gone := [run for run in chosen() if run not in picked]:
        plain(f"No run here has the id {' or '.join(gone)}: it was deleted, or is another lab's.")
    actions(here, rows if picked else wanted, picked)
    if wanted.empty:
        st.info("No run matches these filters: set one of them back to `any`.", icon=":material/filter_alt_off:")
    else:
        table(here, rows, wanted, picked)
    strategies(here)
    if st.session_state.pop("_ask_to_remove", False):
        ask_to_remove(here, picked)
    with boundary():
        if len(picked) == 1:
            detail(here, picked[0])
        elif picked:
            compare(here, picked)


here = lab()
header(
    "Runs", "Everything that costs compute: launched here, at work in the background, safe from refresh and restart."
)
how = held("show", SHOWN[0], SHOWN.__contains__, opens="default")
show = st.segmented_control("Show", SHOWN, required=True, label_visibility="collapsed", **how)
for what in ("_removed", "_refused"):
    if (said := st.session_state.pop(what, None)) is not None:
        plain(said)
with boundary():
    if show == "Launch":
        launch_panel(here)
    else:
        runs(here)
