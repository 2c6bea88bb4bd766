"""The table of runs: filters that stand in the URL, rows that can be sorted and chosen, and what to do with them."""

import time
from collections.abc import Callable

import pandas as pd
import streamlit as st

from app.address import arrivals, held, put
from app.runs.launching import CLONED, clone
from app.runs.remove import ask_to_remove
from app.runs.state import choose, closed, rates, state_of, took
from app.state import Lab, in_background
from app.tables import grid
from app.widgets import about, choice, live, state_word
from core.errors import LabError
from core.models.memory import GIB
from core.runs.estimate import seconds_left
from core.runs.folders import FROM_BEFORE, RunFolder, run_at
from core.runs.launcher import resume, stop
from core.runs.table import open_runs
from core.statistics.words import plural

ANY = "any"
TRAINED = "sft or dpo"
ALIVE = ("queued", "running", "stopping")
RESUMABLE = ("stopped", "failed", "lost")
STATES = ("running", "queued", "stopping", "done", "failed", "stopped", "lost")

COLUMNS = {
    "state": st.column_config.TextColumn(width=84, pinned=True),
    "kind": st.column_config.TextColumn(width=92),
    "variant or set": st.column_config.TextColumn(width=150),
    "headline": st.column_config.TextColumn(
        width=230,
        help="sft: last loss · dpo: reward accuracy of its last step · sample: responses that are right, by forced "
        "predictions and by parsed ones alone · "
        "judge: mean score, and how many replies could not be read · reader: mean log-probability of gold",
    ),
    "progress": st.column_config.ProgressColumn(width=92, min_value=0, max_value=100, format="%.0f%%"),
    "time left": st.column_config.TextColumn(width=95),
    "split": st.column_config.TextColumn(width=70, help="Of the questions, or of those whose samples it read."),
    "started": st.column_config.DatetimeColumn(width=110, format="D MMM HH:mm"),
    "took": st.column_config.TextColumn(width=75, help="h:mm:ss since its worker last began, without the wait."),
    "tokens": st.column_config.NumberColumn(
        width=75, format="localized", help="Read and generated; what prompts share is read once and counts once."
    ),
    "unshared": st.column_config.NumberColumn(
        width=85,
        format="localized",
        help="The same if every reply had read its whole prompt by itself; empty for runs of before it was counted.",
    ),
    "compute s": st.column_config.NumberColumn(
        width=85, format="%.0f", help="Seconds in the model, over all starts: what the tokens cost."
    ),
    "memory, GiB": st.column_config.NumberColumn(
        width=95, format="%.2f", help="The most that its process held: of the GPU where there is one, else of the host."
    ),
    "data set": st.column_config.TextColumn(width=110),
    "run": st.column_config.TextColumn(width=190),
}


def all_rows(here: Lab) -> pd.DataFrame:
    """Every run, newest first; `state` is read from the folders of those without a seal."""
    ended, others = closed(here), open_runs(here.store)
    states = [state_of(RunFolder(here.home.runs / run)) for run in others["id"]]
    others = others.assign(state=pd.Series(states, index=others.index, dtype=object))
    rows = pd.concat([others, ended[~ended["id"].isin(others["id"])]], ignore_index=True) if len(others) else ended
    return rows.sort_values(["created", "id"], ascending=[False, True], ignore_index=True)


def filters(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that the filters leave."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container(width=170):
            kinds = sorted(rows["what"].unique())
            kind = choice("Kind", [ANY, *kinds, *([TRAINED] if {"sft", "dpo"} & set(kinds) else [])], key="kind")
        with st.container(width=150):
            state = choice("State", [ANY, *(s for s in STATES if (rows["state"] == s).any())], key="state")
        with st.container(width=220):
            names = dict(zip(rows["dataset"].dropna(), rows["dataset_name"].dropna(), strict=False))
            dataset = choice("Data set", [ANY, *names], key="dataset", format_func=lambda d: names.get(d, d))
        with st.container(width=240):
            text = st.text_input("Contains", icon=":material/search:", **held("text", ""))
    wanted = pd.Series(True, index=rows.index)
    for column, value in (("what", kind), ("state", state), ("dataset", dataset)):
        wanted &= rows[column].isin(value.split(" or ") if column == "what" else [value]) | (value == ANY)
    if text:
        words = rows["id"] + " " + rows["label"] + " " + rows["headline"].fillna("")
        wanted &= words.str.lower().str.contains(text.lower(), regex=False)
    return rows[wanted]


def table(here: Lab, everyone: pd.DataFrame, rows: pd.DataFrame, runs: list[str]) -> None:
    """The filtered rows of `everyone`, redrawn by themselves while something is at work; choosing rows chooses runs."""
    alive, known = _alive(everyone), set(everyone["id"])
    if not alive:
        _draw(here, rows, runs)
        return

    def redraw() -> None:
        now = all_rows(here)
        if _alive(now) != alive or set(now["id"]) != known:  # a pipeline makes its runs one by one
            st.rerun()
        _draw(here, now[now["id"].isin(rows["id"])], runs)

    live(redraw, alive=True)


def _alive(rows: pd.DataFrame) -> set[str]:
    return set(rows["id"][rows["state"].isin(ALIVE)])


def _draw(here: Lab, rows: pd.DataFrame, runs: list[str]) -> None:
    ids = rows["id"].tolist()
    order = [name for name in COLUMNS if name != "time left" or _alive(rows)]
    if rows["dataset_name"].nunique() > 1:  # beside the names, which are the same in each
        order.insert(order.index("variant or set") + 1, order.pop(order.index("data set")))
    marked = [ids.index(run) for run in runs if run in ids]
    picked = grid(
        shown(here, rows),
        first=["state", "kind", "variant or set", "headline"],
        on_select="rerun",
        selection_mode=["multi-row", "single-cell"],
        selection_default={"selection": {"rows": marked}},
        key=f"runs_{hash(tuple(ids))}_{arrivals()}_{_marks(runs)}",
        height="content" if len(rows) <= 6 else 240 if runs else 470,
        column_config=COLUMNS,
        column_order=order,
        placeholder="",
        alt="Runs",
    )
    known = [folder for run in ids if (folder := run_at(here.home, run))]
    if before := sum(folder.config.from_before for folder in known):
        st.caption(f"{plural(before, 'run is', 'runs are')} {FROM_BEFORE}.")
    if cells := [row for row, _ in picked["selection"]["cells"] if row < len(ids)]:
        choose([ids[cells[0]]])
        st.rerun()
    now = [ids[row] for row in picked["selection"]["rows"] if row < len(ids)]
    if set(now) != {run for run in runs if run in ids}:
        kept = [run for run in runs if run in now]
        picked_now = kept + [run for run in now if run not in kept]
        st.session_state["_marked"] = picked_now
        put(run=",".join(picked_now) or None)
        st.rerun()


def _marks(runs: list[str]) -> int:
    """Counts up where the runs were chosen outside the table, by a link for one: its marks are then drawn anew."""
    if st.session_state.get("_marked") != runs:
        st.session_state["_marks"] = st.session_state.get("_marks", 0) + 1
    st.session_state["_marked"] = runs
    return st.session_state["_marks"]


def shown(here: Lab, rows: pd.DataFrame) -> pd.DataFrame:
    """The cells."""
    started = pd.to_datetime(rows["created"], unit="s", utc=True).dt.tz_convert(_zone()).dt.tz_localize(None)
    share = 100 * rows["done"] / rows["total"].where(rows["total"] > 0)
    return pd.DataFrame(
        {
            "state": rows["state"].map(state_word),
            "kind": rows["what"],
            "variant or set": rows["label"],
            "headline": rows["headline"],
            "progress": share.mask(rows["state"] == "done", 100),
            "time left": [_left(here, run, state) for run, state in zip(rows["id"], rows["state"], strict=True)],
            "split": rows["split"],
            "started": started.dt.floor("s"),
            "took": rows["seconds"].map(took),
            "tokens": rows["tokens"],
            "unshared": rows["unshared"],
            "compute s": rows["computing"],
            "memory, GiB": rows["peak_bytes"] / GIB,
            "data set": rows["dataset_name"],
            "run": rows["id"],
        }
    )


def _zone() -> str:
    """This machine's offset from UTC, as pandas names it."""
    return time.strftime("%z")[:3] + ":" + time.strftime("%z")[3:]


def _left(here: Lab, run: str, state: str) -> str:
    if state not in ALIVE:
        return ""
    left = seconds_left(here.home, RunFolder(here.home.runs / run), rates(here))
    return "" if left is None else about(left).removesuffix(" left")


# --- what to do with the chosen runs


def actions(here: Lab, rows: pd.DataFrame, runs: list[str]) -> None:
    """Buttons for the chosen runs; without any, for all runs that can be stopped or resumed."""
    known = rows[rows["id"].isin(runs)] if runs else rows
    stoppable = known["id"][known["state"].isin(["queued", "running"])].tolist()
    resumable = known["id"][known["state"].isin(RESUMABLE)].tolist()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_counted(rows, runs), width="content")
        _button("Stop", "stop", ":material/stop_circle:", stoppable, runs, lambda: _stop(here, stoppable))
        _button("Resume", "resume", ":material/play_arrow:", resumable, runs, lambda: _resume(here, resumable))
        if runs:
            _more(here, known, runs)


def _more(here: Lab, known: pd.DataFrame, runs: list[str]) -> None:
    """Clone one, delete any, choose none."""
    if (
        len(runs) == 1
        and known["kind"].iloc[0] in CLONED
        and st.button("Clone", icon=":material/content_copy:", key="clone")
    ):
        clone(RunFolder(here.home.runs / runs[0]).config, runs[0])
        st.rerun()
    if st.button("Delete", icon=":material/delete:", key="delete"):
        ask_to_remove(here, runs)
    if st.button("Choose none", icon=":material/close:", key="none", type="tertiary"):
        choose([])
        st.rerun()


def _counted(rows: pd.DataFrame, runs: list[str]) -> str:
    if not runs:
        return f"{plural(len(rows), 'run')}; click one to open it, tick several to compare them."
    hidden = len(set(runs) - set(rows["id"]))
    return f"{len(runs)} chosen" + (f", {hidden} of them not in the table." if hidden else ".")


def _button(word: str, key: str, icon: str, runs: list[str], chosen: list[str], act: Callable[[], None]) -> None:
    """Nothing where no run can be acted on; how many it acts on where that is not one."""
    if not runs:
        return
    label = word if len(chosen) == 1 else f"{word} {len(runs)}" if chosen else f"{word} all ({len(runs)})"
    if st.button(label, icon=icon, key=key, type="primary" if key == "resume" and chosen else "secondary"):
        act()
        here_and_now()


def here_and_now() -> None:
    """Give workers a moment to be seen, then draw the page anew."""
    time.sleep(0.4)
    st.rerun()


def _stop(here: Lab, runs: list[str]) -> None:
    """Pipelines first, which stop their own step."""
    for run in sorted(runs, key=lambda run: not run.startswith("pipeline-")):
        folder = RunFolder(here.home.runs / run)
        (folder.path / "stop").touch()
        in_background(stop, folder)


def _resume(here: Lab, runs: list[str]) -> None:
    """In the order in which they were made: sources before what is made from them; why some cannot go on is said."""
    refused = []
    for run in reversed(runs):
        try:
            resume(RunFolder(here.home.runs / run))
        except LabError as error:
            refused.append(f"{run} is not resumed: {error}")
    here.refresh()
    if refused:
        st.session_state["_refused"] = "\n".join(refused)
