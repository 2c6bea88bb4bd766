"""Overview: the method with this lab's counts, what runs now, and the headline of each data set."""

import streamlit as st

from app.navigation import link
from app.runs_pipeline import start_pipeline
from app.state import Lab, diagnostics, lab, results
from app.widgets import (
    believe,
    empty_state,
    header,
    interval,
    live,
    number,
    plain,
    progress_line,
    sentence,
    state_badge,
    tie_rule,
)
from core.pipeline import find_pipeline, read_pipeline, steps_of
from core.results import Evaluation
from core.runs import RunFolder, all_runs
from core.watch import describe_step

STAGES = (
    ("Questions", "items", "datasets", "Data sets become questions with options and gold."),
    ("Explanations", "explanations", "explanations", "Each variant answers every question N times, reasons first."),
    ("Verdicts", "verdicts", "explanations", "A judge scores every explanation on five criteria."),
    ("Categories", "categories", "anchors", "Always right, wavering or always wrong, per question and variant."),
    ("Pairs", "pairs", "anchors", "Each category has its own rule for chosen over rejected."),
    ("Variants", "variants", "compare", "SFT and DPO make variants, compared by win rate."),
)
"""What a stage counts: title, table, page, and what happens there."""


def stages(here: Lab) -> None:
    """A card a stage; they wrap where the window is narrow."""
    with st.container(horizontal=True, gap="small"):
        for title, table, page, what in STAGES:
            count = here.store.rows(f"SELECT count(*) FROM {table}")[0][0]
            with st.container(border=True, width=150, key=f"stage_{table}"):
                st.metric(title, f"{count:,}", help=what)
                link(page, "Open", icon=":material/arrow_forward:")


def now(here: Lab) -> None:
    """Counts and runs at work; the whole page is drawn again when a run has ended, for its results."""
    if st.session_state.setdefault("_seen_sealed", here.sealed) != here.sealed:
        st.session_state["_seen_sealed"] = here.sealed
        st.rerun()
    stages(here)
    st.subheader("Now", anchor=False)
    running(here)


def running(here: Lab) -> None:
    alive = [folder for folder in all_runs(here.home) if folder.alive]
    if not alive:
        st.caption("Nothing runs at the moment.")
    pipelines = [folder for folder in alive if folder.config.kind == "pipeline"]
    steps = {step.id for folder in pipelines for step in steps_of(folder.config)}
    for folder in pipelines:
        one_running(here, folder, [other for other in alive if other.id in steps])
    for folder in alive:
        if folder not in pipelines and folder.id not in steps:
            one_running(here, folder, [])


def one_running(here: Lab, folder: RunFolder, steps: list[RunFolder]) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            state_badge(folder.state)
            plain(folder.config.label if folder.config.kind == "pipeline" else describe_step(folder))
            link("runs", "Details", run=folder.id)
        progress_line(here.home, folder)
        for step in steps:
            plain(f"now: {describe_step(step)}")
            progress_line(here.home, step)


def headline(evaluation: Evaluation) -> None:
    labels = [result.label for result in evaluation.results]
    with st.container(border=True):
        st.caption("Headline")
        sentence(evaluation.title, key=f"title_{evaluation.key}")
        for rate in evaluation.win_rates:
            if "base" in (rate.b, rate.a) or len(labels) == 2:
                plain(evaluation.finding(rate).sentence)
        plain(tie_rule(evaluation.settings))
        st.dataframe(
            [
                {
                    "variant": result.label,
                    "questions": result.questions,
                    "right (forced)": interval(result.accuracy_forced, "share"),
                    "right (parsed)": interval(result.accuracy_parsed, "share"),
                    "unparsed": number(result.unparsed.value, "share"),
                    "empty": number(result.empty.value, "share"),
                    "mean score": interval(result.score),
                }
                for result in evaluation.results
            ],
            hide_index=True,
        )
        believe(evaluation)
        signs(evaluation)
        link("compare", "Compare", icon=":material/arrow_forward:", evaluation=evaluation.key)


def signs(evaluation: Evaluation) -> None:
    """The signs of failure to look at, then the others; the judge has its own line above."""
    found = [sign for sign in diagnostics(evaluation) if sign.sign != "judge"]
    doubtful = sum(sign.verdict == "look here" for sign in found)
    with st.expander(f"Signs of failure: {doubtful} of {len(found)} to look at"):
        for sign in sorted(found, key=lambda sign: sign.verdict != "look here"):
            plain(f"{sign.verdict}: {sign.sentence}")
        st.caption("Clear: the 95% interval over questions leaves the failure out. Look here: it does not.")


here = lab()
header(
    "Overview", "Do explanations get better or worse when a model is tuned? Each step of the method, with its counts."
)
for trouble in here.troubles:
    st.error("Something needs a look", icon=":material/error:")
    plain(trouble)
live(lambda: now(here), alive=True)
found = results()
if found:
    st.subheader("Results", anchor=False)
    for evaluation in [e for e in found if len(e.results) > 1] or found[:1]:
        headline(evaluation)
elif not any(folder.alive for folder in all_runs(here.home)) and empty_state(
    "No results yet",
    "The demo runs the whole method on a 135M model: data set, SFT, explanations, verdicts, categories, pairs, DPO, "
    "win rates. It takes about 14 minutes on two CPU cores.",
    button="Run the demo",
    key="demo",
):
    start_pipeline(here, read_pipeline(find_pipeline("demo")))
    st.rerun()
