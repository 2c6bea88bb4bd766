"""Overview: the method with this lab's counts, what was found, what runs now and what ended last."""

import streamlit as st

from app.overview.activity import recent, running
from app.overview.first_steps import first_steps
from app.overview.headlines import headlines
from app.overview.picture import method_picture
from app.runs.pipeline import start_pipeline
from app.state import Lab, lab, results
from app.widgets import empty_state, header, live, plain
from core.runs.folders import all_runs
from core.runs.pipeline import find_pipeline, read_pipeline


def now(here: Lab) -> None:
    """Counts and runs at work; the whole page is drawn again when a run has ended, for its results."""
    if st.session_state.setdefault("_seen_sealed", here.sealed) != here.sealed:
        st.session_state["_seen_sealed"] = here.sealed
        st.rerun()
    method_picture(here)
    st.subheader("Now", anchor=False)
    running(here)


def offer_demo(here: Lab) -> None:
    """Where nothing has been compared yet: the demo, one click away."""
    if empty_state(
        "No results yet",
        "The demo runs the whole method on a 135M model: data set, SFT, explanations, verdicts, categories, pairs, "
        "DPO, win rates. It takes about 14 minutes on two CPU cores. Or load data of your own under Datasets.",
        button="Run the demo",
        key="demo",
    ):
        start_pipeline(here, read_pipeline(find_pipeline("demo")))
        st.rerun()


here = lab()
header(
    "Overview", "Do explanations get better or worse when a model is tuned? Each step of the method, with its counts."
)
for trouble in here.troubles:
    st.error("Something needs a look", icon=":material/error:")
    plain(trouble)
first_steps(here)
live(lambda: now(here), alive=True)
if any(evaluation.win_rates for evaluation in results()):
    st.subheader("Findings", anchor=False)
    st.caption("Points of Δ(W−L): of 100 comparisons by the judge, those won less those lost.")
    headlines()
elif not any(folder.alive for folder in all_runs(here.home)):
    offer_demo(here)
if here.store.rows("SELECT 1 FROM runs WHERE state IS NOT NULL LIMIT 1"):
    st.subheader("Ended last", anchor=False)
    recent(here)
