"""Datasets: load one, see what became of its rows, and why some did not."""

import streamlit as st

from app.address import given, held
from app.datasets.foreign import foreign
from app.datasets.form import asked_to_load, load, said
from app.datasets.view import show
from app.state import lab
from app.widgets import boundary, choice, empty_state, header
from core.data.contents import every_dataset

here = lab()
header("Datasets", "Questions with options and gold. Rows that cannot be used are kept with the reason.")
every = every_dataset(here.store)
said()
with st.expander("Load a data set", icon=":material/add:", expanded=every.empty or asked_to_load()), boundary():
    load(here)
with st.expander("Explanations written elsewhere", icon=":material/edit_note:"), boundary():
    foreign(here)

hidden = every["id"][every["archived"]].tolist()
shown = every if given("dataset") in hidden else every[~every["archived"]]
if hidden and st.toggle(f"Archived too ({len(hidden)})", **held("archived", False)):
    shown = every
if shown.empty:
    empty_state("No data set yet", "Load one above: a sample set is one click away.")
else:
    names = {
        row["id"]: f"{row['name']} ({row['id']}){', archived' if row['archived'] else ''}"
        for row in shown.to_dict("records")
    }
    dataset = choice(
        "Data set",
        list(names),
        key="dataset",
        drops=["page", "rejects_page"],
        what="data set",
        format_func=names.get,
    )
    with boundary():
        show(here, shown[shown["id"] == dataset].iloc[0].to_dict())
