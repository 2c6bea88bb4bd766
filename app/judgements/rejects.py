"""The Judgements page's rejected rows, of a set of judgements and of explanations written elsewhere."""

import streamlit as st

from app.state import Lab
from app.tables import grid
from app.widgets import choice, literal
from core.analysis.consensus import JudgementSet
from core.store.queries import rejects


def rejected_rows(here: Lab, chosen: JudgementSet | None) -> None:
    """Row and reason of each reject in a table; the row that is marked as it was read.  chosen: the set on screen."""
    named = ({chosen.id: f"this set: {chosen.name}"} if chosen else {}) | {
        run: f"explanations: {label} ({run})"
        for run, label in here.store.rows(
            "SELECT id, label FROM runs WHERE kind = 'responses' AND complete ORDER BY created DESC, id"
        )
    }
    if not named:
        return
    st.subheader("Rejected rows", anchor=False)
    run = choice("Rejected from", list(named), key="rejected", format_func=named.get)
    found = rejects(here.store, run)
    if found.empty:
        st.caption("Every row was used.")
        return
    marked = grid(found, on_select="rerun", selection_mode="single-row", key=f"rejects_{run}").selection.rows
    place = marked[0] if marked and marked[0] < len(found) else 0
    row = found.iloc[place]
    st.caption(f"As read, row {row['row']:,} (mark another in the table):")
    literal(str(row["raw"]), height=160)
