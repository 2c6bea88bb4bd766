"""What the pages share: the one store of the server process, and fresh rows.

from app.state import lab, results

frame = datasets(lab().store)             # `core.store.queries`: every read makes a cursor of its own
for evaluation in results(): …            # computed once for all viewers, anew when a run is sealed
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from app.working import once
from core.analysis.diagnostics import Diagnostic, diagnose
from core.analysis.results import Details, Evaluation, evaluations
from core.analysis.results import details as details_of
from core.errors import LabError, disk_refusal
from core.home import Home, default_home
from core.judge_card.pictures import LengthBin, length_bins
from core.runs.detached import reap
from core.runs.folders import run_paths
from core.runs.seals import seal_stamp
from core.settings import CompareSettings
from core.store.database import Store, announce, rebuild, store_to_show

log = logging.getLogger(__name__)

INGEST_SECONDS = 2.0
"""How often new lines of the run folders are taken into the database."""


WARM_FROM = 5_000
"""Scores in the lab from which on there is work ahead of the pages: below, it takes no time to speak of."""


class Lab:
    """The open store, kept fresh by a thread; one for a state folder and server process."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.store = store_to_show(home)
        announce(self.store, f"http://{st.get_option('server.address')}:{st.get_option('server.port')}")
        self.problem: str | None = None
        """Why the newest rows could not be taken in; None while all is well."""
        self._name = f"{home.path}@{time.time_ns()}"
        self._seals = 0
        self._known: set[str] = set()
        self._warm = ""
        self._warmer: threading.Thread | None = None
        self._closing = threading.Event()
        self._refreshing = threading.Lock()
        self._thread = threading.Thread(target=self._keep_fresh, name="ingester", daemon=True)
        self.refresh()
        self._thread.start()

    @property
    def troubles(self) -> list[str]:
        """What a person should know of rows that are missing from the database."""
        failing = [f"New rows cannot be taken in at the moment: {self.problem}"] if self.problem else []
        return failing + self.store.problems

    @property
    def sealed(self) -> str:
        """Changes whenever a run ended (or was resumed): results depend on nothing else."""
        return f"{self._name}#{self._seals}"

    def refresh(self) -> None:
        """Take in what is new in the run folders; a failure is logged and shown, never raised."""
        with self._refreshing:
            try:
                seals = self._seals_now()  # before the rows: a run sealed in between is noted the next time
                self.store.ingest()
                if seals != self._known:
                    self._known, self._seals = seals, self._seals + 1
                self.problem = None
            except Exception as error:
                if self.problem is None:
                    log.exception("ingesting failed; trying again every %s s", INGEST_SECONDS)
                known = error if isinstance(error, LabError) else disk_refusal(error)
                self.problem = str(known or f"{type(error).__name__}: {error}")

    def _seals_now(self) -> set[str]:
        return {f"{path.name}:{seal_stamp(path)}" for path in run_paths(self.home)}

    def _keep_fresh(self) -> None:
        while not self._closing.wait(INGEST_SECONDS):
            reap()
            self.refresh()
            if self.problem is None:
                self._warm_up()

    def _warm_up(self) -> None:
        """Begin on what pages open on (`app.ahead`), in a thread of its own, where it takes seconds and has changed."""
        try:
            state, scores = _state_of_results(self), self.store.rows("SELECT count(*) FROM scores")[0][0]
        except Exception:  # the database is being closed, or broken: `refresh` says so
            return
        if state != self._warm and scores >= WARM_FROM and not (self._warmer and self._warmer.is_alive()):
            self._warm = state
            self._warmer = threading.Thread(target=self._work_ahead, name="warmer", daemon=True)
            self._warmer.start()

    def _work_ahead(self) -> None:
        from app.ahead import OPENINGS  # which imports the pages' parts, and they this module

        for opening in OPENINGS:
            try:
                opening(self)
            except Exception:
                if self._closing.is_set():
                    return
                log.exception("working ahead failed (%s); a page does it when it is opened", opening.__name__)

    def close(self) -> None:
        """Stop the thread and let go of the database file."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        self.store.close()


@st.cache_resource(show_spinner=False, on_release=Lab.close)
def _lab(path: str) -> Lab:
    return Lab(default_home())


def lab() -> Lab:
    """The lab of this process; `StoreBusy` where another process holds its database."""
    return _lab(str(default_home().path))


def rebuild_database() -> int:
    """Make the database anew from the folders and go on with it; the number of runs in it.

    Other viewers are told for that moment that the database is in use.
    """
    home = default_home()
    _lab.clear()
    with rebuild(home) as store:
        runs = store.rows("SELECT count(*) FROM runs")[0][0]
    st.cache_data.clear()
    return runs


@once("Resampling questions for the intervals …", keep=8, seconds=1.6)
def _results(_store: Store, sealed: str, settings: dict[str, Any]) -> list[Evaluation]:
    return evaluations(_store, CompareSettings(**settings))


def results(settings: CompareSettings | None = None, here: Lab | None = None) -> list[Evaluation]:
    """Every evaluation of the lab under these settings; ratings since are taken in, from the tenth on by tens.

    here: the lab, for a thread that may outlive it, which must not open it once more; so below.
    """
    here = here or lab()
    return _results(here.store, _state_of_results(here), (settings or CompareSettings()).model_dump())


def _state_of_results(here: Lab) -> str:
    rated = here.store.rows("SELECT count(*) FROM journal WHERE action = 'rating'")[0][0]
    return f"{here.sealed} {rated if rated < 10 else rated // 10 * 10}"


def _key_of(evaluation: Evaluation) -> str:
    return f"{evaluation.key} {evaluation.settings.model_dump_json()}"


@once("Looking for signs of failure …", keep=32, seconds=0.2)
def _diagnostics(_store: Store, sealed: str, key: str, _evaluation: Evaluation) -> list[Diagnostic]:
    return diagnose(_store, _evaluation)


@once("Taking the win rates apart …", keep=8, seconds=0.9)
def _details(_store: Store, sealed: str, key: str, _evaluation: Evaluation) -> Details:
    return details_of(_store, _evaluation)


@once("Sorting scores by length …", keep=16, seconds=0.5)
def _length_bins(_store: Store, sealed: str, key: str, _evaluation: Evaluation) -> list[LengthBin]:
    return length_bins(_store, _evaluation.card, _evaluation.settings)


def details(evaluation: Evaluation, here: Lab | None = None) -> Details:
    """Criteria, categories, length and strengths of an evaluation of `results`."""
    here = here or lab()
    return _details(here.store, here.sealed, _key_of(evaluation), evaluation)


def diagnostics(evaluation: Evaluation, here: Lab | None = None) -> list[Diagnostic]:
    """The signs of failure of an evaluation of `results`, under the settings it was made with."""
    here = here or lab()
    return _diagnostics(here.store, here.sealed, _key_of(evaluation), evaluation)


def scores_by_length(evaluation: Evaluation, here: Lab | None = None) -> list[LengthBin]:
    """Mean scores of an evaluation of `results` in bins of the explanations' lengths."""
    here = here or lab()
    return _length_bins(here.store, here.sealed, _key_of(evaluation), evaluation)


# --- work that must not hold up a page


def in_background(work: Callable[..., object], *args: object) -> None:
    """Do something slow (stopping a run takes seconds) while the page goes on; errors go to the log."""
    threading.Thread(target=_logged, args=(work, *args), daemon=True).start()


def _logged(work: Callable[..., object], *args: object) -> None:
    try:
        work(*args)
    except Exception:
        log.exception("%s failed", getattr(work, "__name__", "work in the background"))
