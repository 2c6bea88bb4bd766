"""Runs: launch a pipeline or one run, watch, stop and resume; everything a run is and did."""

import time
from typing import Any

import pandas as pd
import streamlit as st
import tomli_w

from app.charts.training import curves
from app.launching import launch_pipeline, launch_run
from app.navigation import link
from app.state import Lab, in_background, lab, view
from app.widgets import (
    about,
    boundary,
    choice,
    clock,
    duration,
    empty_state,
    header,
    literal,
    live,
    picture,
    plain,
    progress_line,
    state_badge,
    state_word,
)
from core.estimate import seconds_left
from core.launcher import resume, stop
from core.pipeline import steps_of
from core.plan import command_of
from core.queries import metrics, notes, provenance, runs_table
from core.runs import RunFolder
from core.watch import describe_step

LOG_LINES = 40
"""Lines of a run's log that are shown."""


def state_of(folder: RunFolder) -> str:
    """A run's state; `stopping` while it lives after somebody asked it to stop."""
    state = folder.state
    return "stopping" if state in ("queued", "running") and (folder.path / "stop").exists() else state


def time_left(here: Lab, folder: RunFolder) -> str:
    left = seconds_left(here.home, folder)
    return "" if left is None else about(left).removesuffix(" left")


def table(here: Lab) -> pd.DataFrame:
    """Runs as people read them, newest first."""
    frame = runs_table(here.store)
    folders = [RunFolder(here.home.runs / run) for run in frame["id"]]
    states = [
        row.state if isinstance(row.state, str) else state_of(folder)
        for row, folder in zip(frame.itertuples(), folders, strict=True)
    ]
    alive = [state in ("running", "queued", "stopping") for state in states]
    return pd.DataFrame(
        {
            "run": frame["id"],
            "state": [state_word(state) for state in states],
            "kind": frame["kind"],
            "variant or set": frame["label"],
            "data set": frame["dataset"],
            "progress": 100 * frame["done"] / frame["total"],
            "time left": [
                time_left(here, folder) if lives else "" for folder, lives in zip(folders, alive, strict=True)
            ],
            "started": [clock(t) for t in frame["created"]],
            "took": [duration(s) if pd.notna(s) else "" for s in frame["seconds"]],
            "tokens": frame["prompt_tokens"].fillna(0) + frame["new_tokens"].fillna(0),
        }
    )


def overview(here: Lab) -> None:
    """The live table; choosing a row opens the run below."""
    here.refresh()
    frame = table(here)
    busy = frame["state"].str.contains("running|queued|stopping")
    st.caption(f"{len(frame)} runs, {int(busy.sum())} at work. Choose a row to open it.")
    picked = st.dataframe(
        frame,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"runs_{len(frame)}",
        height="content" if len(frame) <= 10 else 400,
        column_config={
            "progress": st.column_config.ProgressColumn(min_value=0, max_value=100, format="%.0f %%"),
            "tokens": st.column_config.NumberColumn(format="localized"),
        },
    )
    rows = picked["selection"]["rows"]
    if rows and frame["run"].iloc[rows[0]] != st.session_state.get("run"):
        st.session_state["_run_next"] = frame["run"].iloc[rows[0]]
        st.rerun()


def detail(here: Lab, run: str) -> None:
    folder = RunFolder(here.home.runs / run)
    with st.container(horizontal=True, vertical_alignment="center"):
        state_badge(state_of(folder))
        plain(f"{describe_step(folder)}  ({run})")
    actions(folder)
    live(lambda: watch(here, folder), alive=folder.alive)
    what, files, lineage = st.tabs(["Settings", "Log and files", "Lineage"])
    with what:
        settings(here, folder)
    with files:
        log(folder)
    with lineage:
        lineage_of(here, folder)


def actions(folder: RunFolder) -> None:
    """Stop or resume, whichever can be done."""
    state = state_of(folder)
    with st.container(horizontal=True):
        if state in ("running", "queued") and st.button("Stop", icon=":material/stop_circle:", key="stop"):
            in_background(stop, folder)
            time.sleep(0.3)
            st.rerun()
        if state in ("stopped", "failed", "lost") and st.button(
            "Resume", type="primary", icon=":material/play_arrow:", key="resume"
        ):
            resume(folder)
            st.rerun()


def watch(here: Lab, folder: RunFolder) -> None:
    """What changes while a run works: progress, curves, steps, how it ended."""
    here.refresh()
    if folder.alive:
        st.session_state["_watching"] = folder.id
    elif st.session_state.pop("_watching", None) == folder.id:
        st.rerun()
    progress_line(here.home, folder)
    result = folder.result
    if result and result["error"]:
        st.error("It ended with an error" if result["state"] == "failed" else "It was stopped")
        plain(result["error"]["message"])
    for note in notes(here.store, folder.id):
        plain(note)
    if folder.config.kind in ("sft", "dpo"):
        training(here, folder)
    if folder.config.kind == "pipeline":
        steps(here, folder)


def training(here: Lab, folder: RunFolder) -> None:
    points = metrics(here.store, folder.id)
    if points.empty:
        return
    if folder.config.kind == "dpo":
        st.caption(
            "How to read these: the loss starts at ln 2 = 0.693, where the policy still is the reference; the margin "
            "grows as chosen responses become likelier than rejected ones. A falling reward of chosen with a growing "
            "margin means that rejected ones fall faster, not that chosen ones are learnt."
        )
    picture(curves(points), key=f"curves_{folder.id}", alt="Training curves")


def steps(here: Lab, pipeline: RunFolder) -> None:
    rows = []
    for step in steps_of(pipeline.config):
        folder = RunFolder(here.home.runs / step.id)
        there = folder.path.exists()
        result = folder.result if there else None
        rows.append(
            {
                "step": describe_step(RunFolder(here.home.runs / step.id)) if there else f"{step.kind} {step.label}",
                "state": state_word(state_of(folder)) if there else "not yet",
                "took": duration(result["seconds"]) if result else "",
                "run": step.id,
            }
        )
    st.dataframe(rows, hide_index=True, height="content")


def settings(here: Lab, folder: RunFolder) -> None:
    config = folder.config
    st.caption("The command that asks for the same run")
    literal(command_of(config))
    st.caption("What it computes: this is what its id is a hash of")
    shown = config.settings["file"] if config.kind == "pipeline" else config.settings
    literal(tomli_w.dumps(_without_none(shown)))
    loaded = provenance(here.store, folder.id)
    if loaded:
        st.caption("What it loaded")
        literal(tomli_w.dumps(_without_none(loaded)))


def _without_none(value: Any) -> Any:
    """TOML has no null: settings that are none are left out."""
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return [_without_none(inner) for inner in value] if isinstance(value, list) else value


def log(folder: RunFolder) -> None:
    path = folder.path / "log.txt"
    lines = path.read_text(errors="replace").splitlines()[-LOG_LINES:] if path.exists() else []
    st.caption(f"Last {len(lines)} lines of log.txt")
    literal("\n".join(lines) or "(nothing printed)", height=260)
    result = folder.result
    if result and result["error"] and result["error"]["traceback"]:
        with st.expander("Traceback"):
            literal(result["error"]["traceback"])
    if result:
        rows = [{"file": f"{name}.jsonl", **seal} for name, seal in result["files"].items()]
        st.dataframe(rows, hide_index=True)
    literal(str(folder.path))


def lineage_of(here: Lab, folder: RunFolder) -> None:
    parents = list(folder.config.parents.items())
    if folder.config.model:
        parents += [("adapter", run) for run in folder.config.model.chain]
    children = here.store.rows(
        "SELECT id, kind FROM runs WHERE list_contains(json_extract_string(parents, '$.*'), $1) "
        "OR list_contains(chain, $1) ORDER BY created",
        [folder.id],
    )
    st.caption("Made from" if parents else "Made from nothing but a file")
    for role, run in parents:
        link("runs", f"{role.replace('_', ' ')}: {run}", run=run)
    st.caption("Used by" if children else "Used by no run yet")
    for run, kind in children:
        link("runs", f"{kind}: {run}", run=run)


here = lab()
if (chosen := st.session_state.pop("_run_next", None)) is not None:
    st.session_state["run"] = chosen
view("runs", "run")
header(
    "Runs", "Everything that costs compute: launched here, at work in the background, safe from refresh and restart."
)
with st.expander("Launch", icon=":material/rocket_launch:"):
    whole, single = st.tabs(["A pipeline", "One run"])
    with whole, boundary():
        launch_pipeline(here)
    with single, boundary():
        launch_run(here)
frame = runs_table(here.store)
if frame.empty:
    empty_state("No run yet", "Launch the demo pipeline above: it runs the whole method on a small model.")
else:
    live(lambda: overview(here), alive=True)
    names = dict(zip(frame["id"], frame["kind"] + " " + frame["label"] + "  (" + frame["id"] + ")", strict=True))
    run = choice("Open run", ["", *names], key="run", format_func=lambda r: names.get(r, "choose one"))
    if run:
        detail(here, run)
