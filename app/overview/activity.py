"""What runs now and what ended last, as short lines with a link to each run."""

import streamlit as st

from app.navigation import link
from app.state import Lab
from app.widgets import clock, duration, plain, progress_line, state_badge
from core.runs.folders import RunFolder, all_runs, in_words
from core.runs.pipeline import steps_of
from core.runs.watch import describe_step
from core.store.queries import ended_last

RECENT = 5
"""Ended runs that are listed."""


def running(here: Lab) -> None:
    """Runs at work with their progress; a pipeline with the steps that it runs now."""
    alive = [folder for folder in all_runs(here.home) if folder.alive]
    if not alive:
        st.caption("Nothing runs at the moment.")
    pipelines = [folder for folder in alive if folder.config.kind == "pipeline"]
    steps = {step.id for folder in pipelines for step in steps_of(folder.config)}
    for folder in pipelines:
        _running(here, folder, [other for other in alive if other.id in steps])
    for folder in alive:
        if folder not in pipelines and folder.id not in steps:
            _running(here, folder, [])


def _running(here: Lab, folder: RunFolder, steps: list[RunFolder]) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            state_badge(folder.state)
            plain(folder.config.label if folder.config.kind == "pipeline" else describe_step(folder))
            link("runs", "Details", run=folder.id)
        progress_line(here.home, folder)
        for step in steps:
            plain(f"now: {describe_step(step)}")
            progress_line(here.home, step)


def recent(here: Lab) -> None:
    """The runs that ended last, newest first."""
    for row in ended_last(here.store, RECENT).itertuples():
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"recent_{row.id}"):
            state_badge(row.state)
            link("runs", "Open", run=row.id)
            plain(f"{in_words(row.kind, row.mode)} {row.label}, {clock(row.ended)}, took {duration(row.seconds)}")
