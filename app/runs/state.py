"""What the parts of the Runs page share: the rows, the rates, which runs are chosen, and going to a run.

The chosen runs stand in the URL as `run`, ids joined by commas: one is opened, several are compared.
"""

import pandas as pd
import streamlit as st

from app.address import given, put
from app.state import Lab
from app.widgets import plain
from core.runs.estimate import Rates, measured_rates
from core.runs.folders import RunFolder
from core.runs.preflight import Look
from core.runs.table import closed_runs


@st.cache_data(max_entries=4, show_spinner=False)
def _closed(_here: Lab, sealed: str, known: tuple[int, float | None]) -> pd.DataFrame:
    return closed_runs(_here.store)


def closed(here: Lab) -> pd.DataFrame:
    """Runs that have ended (`core.runs.table.closed_runs`), read anew only when one ended or was resumed."""
    known = here.store.rows("SELECT count(*), max(finished) FROM runs WHERE state IS NOT NULL")[0]
    return _closed(here, here.sealed, known)


@st.cache_data(max_entries=4, show_spinner="Reading what runs have taken here …")
def _rates(_here: Lab, sealed: str) -> Rates:
    return measured_rates(_here.home)


def rates(here: Lab) -> Rates:
    """Seconds a unit as this home has measured them, read anew only when a run ended."""
    return _rates(here, here.sealed)


def state_of(folder: RunFolder) -> str:
    """A run's state; `stopping` while it lives after somebody asked it to stop."""
    state = folder.state
    return "stopping" if state in ("queued", "running") and (folder.path / "stop").exists() else state


# --- which runs are chosen


def chosen() -> list[str]:
    """Ids of the chosen runs."""
    return [run for run in (given("run") or "").split(",") if run]


def choose(runs: list[str], **beside: str | None) -> None:
    """Make these the chosen runs, with what is put beside them."""
    put(run=",".join(runs) or None, step=None, **beside)


def go_to(here: Lab, run: str) -> None:
    """Show a run that was just launched or chosen elsewhere on the page."""
    here.refresh()
    choose([run], show=None)
    st.rerun()


# --- small things


def checks(looks: list[Look]) -> None:
    """A line a check: a sign, what was looked at, what was seen."""
    for look in looks:
        sign, colour = (":material/check:", "green") if look.ok else (":material/close:", "red")
        with st.container(horizontal=True, vertical_alignment="top", gap="small"):
            with st.container(width=150):
                st.badge(look.name, icon=sign, color=colour)
            with st.container(width="stretch"):
                plain(look.text)


def took(seconds: float | None) -> str:
    """Seconds as hours, minutes and seconds, which sort as they read.

    >>> took(80), took(3700.4), took(None)
    ('0:01:20', '1:01:40', '')
    """
    if seconds is None or pd.isna(seconds):
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
