"""Several runs beside each other: what differs in their settings and outcomes, and their curves overlaid."""

import pandas as pd
import streamlit as st

from app.address import held
from app.charts.training import overlaid
from app.figures import chart
from app.runs.state import go_to
from app.state import Lab
from app.tables import grid
from core.runs.folders import RunFolder
from core.runs.side_by_side import Row, compared
from core.runs.table import metrics_of

MOST = 8
"""Runs that are put beside each other at most: more columns cannot be read, and colours end."""


def compare(here: Lab, runs: list[str]) -> None:
    """A table with a column a run, then the curves of those that are trainings."""
    chosen = [RunFolder(here.home.runs / run) for run in runs[:MOST]]
    with st.container(border=True, key="comparison"):
        st.subheader("Side by side", anchor=False)
        if len(runs) > MOST:
            st.caption(f"The first {MOST} of {len(runs)} chosen runs are compared.")
        rows = compared(chosen)
        only = st.toggle("Only differences", **held("only", True))
        wanted = [row for row in rows if row.differs or not only]
        st.caption(
            f"{len(wanted)} of {len(rows)} facts; settings, model and made from are what a run's id is a hash of."
        )
        _table(wanted, chosen)
        _curves(here, chosen)


def labels_of(runs: list[RunFolder]) -> list[str]:
    """Labels with the beginning of the hash, so that no two are alike."""
    return [f"{run.config.label}  ({run.id.rsplit('-', 1)[0]} {run.id.rsplit('-', 1)[1][:4]})" for run in runs]


def _table(rows: list[Row], runs: list[RunFolder]) -> None:
    if not rows:
        st.info("These runs differ in nothing that is known of them.", icon=":material/check:")
        return
    frame = pd.DataFrame([[row.part, row.name, *("–" if v is None else v for v in row.values)] for row in rows])
    frame.columns = ["part", "name", *labels_of(runs)]
    columns = {name: st.column_config.TextColumn(width="medium") for name in frame.columns[2:]}
    columns["part"] = st.column_config.TextColumn(width=90)
    columns["name"] = st.column_config.TextColumn(width=190, pinned=True)
    height = "content" if len(frame) <= 14 else 520
    grid(frame, key="differences", first=list(frame.columns[1:]), height=height, column_config=columns)


def _curves(here: Lab, runs: list[RunFolder]) -> None:
    points = metrics_of(here.store, [run.id for run in runs])
    trained = [run for run in runs if run.config.kind in ("sft", "dpo")]
    if points.empty or not trained:
        return
    variants = [run.config.label for run in trained]
    figure = overlaid(points, [run.id for run in trained], labels_of(trained), variants)
    key = f"curves_{hash(tuple(run.id for run in trained))}"
    shown = chart(
        "Which training learns more, or more steadily?",
        "Click a curve to open its run.",
        figure,
        points,
        key,
        on_select="rerun",
        selection_mode="points",
    )
    for (run,) in (point["customdata"] for point in shown["selection"]["points"]):
        go_to(here, run)
