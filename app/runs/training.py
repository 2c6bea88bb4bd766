"""A training's curves, and the questions or pairs that one step of it was trained on."""

from functools import partial

import pandas as pd
import streamlit as st

from app.address import put, value
from app.charts.training import curves
from app.figures import chart
from app.navigation import open_page
from app.state import Lab
from app.tables import ROW_OR_CELL, chosen_row, grid
from core.runs.folders import RunConfig
from core.runs.table import metrics_of, trained_on
from core.statistics.words import plural

HOW_TO_READ = (
    "How to read these: the loss starts at ln 2 = 0.693, where the policy still is the reference: no reward differs "
    "yet, so the accuracy of the first step is 0. The margin grows as chosen responses become likelier than rejected "
    "ones. A falling reward of chosen with a growing margin means that rejected ones fall faster, not that chosen ones "
    "are learnt."
)


def training(here: Lab, config: RunConfig) -> None:
    """Curves over steps; a click on one lists what that step was trained on."""
    points = metrics_of(here.store, [config.id])
    if points.empty:
        st.caption("No step has been made yet: curves begin with the first.")
        return
    if config.kind == "dpo":
        st.caption(HOW_TO_READ)
    step = value("step", None, points["step"].tolist().__contains__, int)
    key = f"curves_{config.id}"
    chart(
        "Does it learn?",
        "Click a point to read what its step was trained on.",
        curves(points, step),
        points,
        key=key,
        on_select=partial(_choose_step, key),
        selection_mode="points",
    )
    if step is not None:
        _one_step(here, config, step)


def _choose_step(key: str) -> None:
    for point in st.session_state[key]["selection"]["points"][:1]:
        put(step=str(point["x"]))


def _one_step(here: Lab, config: RunConfig, step: int) -> None:
    rows = trained_on(here.store, config.id, step)
    what = "pair" if config.kind == "dpo" else "question"
    with st.container(horizontal=True, vertical_alignment="center"):
        heading = f"Step {step} was trained on {plural(len(rows), what)}"
        st.subheader(f"Step {step} noted no {what}s" if rows.empty else heading, anchor=False)
        if st.button("Close", icon=":material/close:", type="tertiary", key="close_step"):
            put(step=None)
            st.rerun()
    if rows.empty:
        st.caption("This run is from before steps noted their questions; trainings from now on do.")
        return
    key = f"trained_{config.id}_{step}"
    picked = grid(
        rows.drop(columns="item_id").dropna(axis="columns", how="all"),
        first=["question", "chosen", "rejected"],
        long=["question", "chosen", "rejected"],
        height="content" if len(rows) <= 5 else 430,
        on_select="rerun",
        selection_mode=ROW_OR_CELL,
        key=key,
        column_config={"lead": st.column_config.NumberColumn("score lead", format="%+.2f", width=90)},
    )
    st.caption(f"In the order of the batch; choose a row to open its {what}.")
    row = chosen_row(picked["selection"])
    if row is not None:
        _open(config, rows.iloc[row])


def _open(config: RunConfig, row: pd.Series) -> None:
    if config.kind == "dpo":
        open_page("anchors", tab="Pairs", pairs=config.parents["pairs"], show="The pairs", pair=row["item_id"])
    open_page("datasets", dataset=config.parents["dataset"], text=row["question"])
