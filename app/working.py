"""Work that takes a large lab seconds: done once for all viewers, with time left in sight of whoever waits for it.

    @once("Choosing pairs …", keep=24, seconds=0.5)
    def _built(_here: Lab, source: PairSource, settings: PairSettings): …

    _built(here, source, settings)      # at once where it is known, else a line at the foot of the window until it is

    LOADING = Pace("Loading every row …", seconds=0.6)      # a million bytes; nothing is kept
    folder = LOADING.watch(size(file), lambda: import_dataset(home, file, settings))

    model = watched("Looking for the model …", lambda: resolve_model(name, home))      # it tells by `core.progress`

The work has a thread of its own and goes on when the viewer turns to something else, so that nothing is done twice.
Not covered: work of workers, whose progress is in their run folders (`core.runs.watch`).
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import wraps
from itertools import count
from typing import Any, Generic, ParamSpec, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.widgets import about, bytes_words
from core.progress import told_to

log = logging.getLogger(__name__)

SHOWN_AFTER = 0.2
"""Seconds that pass before a viewer is told to wait."""

STEP = 0.2
"""Seconds between two looks at what is worked on."""

TELLING = 0.3
"""Seconds that work must have taken to tell the pace of the next: what is quick is more start than work."""

P = ParamSpec("P")
T = TypeVar("T")


def once(words: str, keep: int, seconds: float) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A function whose results are kept for all viewers, by its arguments but those that begin with "_".

    words: what it does, for who waits.  keep: results at most.  seconds: what it takes with 100,000 explanations
    (bench/pages.py), until it was measured here.  What it returns is everybody's: nobody may change it.
    """

    def decorate(work: Callable[P, T]) -> Callable[P, T]:
        lasts = [seconds]

        def timed(*args: P.args, **options: P.kwargs) -> T:
            began = time.monotonic()
            found = work(*args, **options)
            lasts[0] = time.monotonic() - began
            log.debug("%s took %.2f s", work.__qualname__, lasts[0])
            return found

        kept = st.cache_resource(max_entries=keep, show_spinner=False)(wraps(work)(timed))

        @wraps(work)
        def ask(*args: P.args, **options: P.kwargs) -> T:
            if get_script_run_ctx(suppress_warning=True) is None:  # in a thread, where nobody looks
                return kept(*args, **options)
            return _seen(_Work(kept, *args, **options), words, lasts[0])

        return ask

    return decorate


class Pace:
    """Work that takes as long as there is much to do, each time anew."""

    def __init__(self, words: str, seconds: float) -> None:
        self.words = words
        self.seconds = seconds
        """For a million bytes or rows: measured elsewhere, then as the last time here."""

    def watch(self, size: int, work: Callable[[], T]) -> T:
        """What the work gives, with time left in sight until then; it goes on when the viewer leaves.

        size: bytes or rows that it reads.
        """
        millions = max(size, 1) / 1e6

        def timed() -> T:
            began = time.monotonic()
            found = work()
            spent = time.monotonic() - began
            if spent > TELLING:
                self.seconds = spent / millions
            return found

        return _seen(_Work(timed), self.words, self.seconds * millions)


def watched(words: str, work: Callable[[], T]) -> T:
    """What work gives that nobody can time beforehand: it tells by `core.progress` how far it has come."""
    return _seen(_Work(work), words, None)


class _Work(Generic[T]):
    """Work in a thread of its own, which ends with the process; what it gives, and how far it has come."""

    def __init__(self, work: Callable[..., T], *args: Any, **options: Any) -> None:
        self.future: Future[T] = Future()
        self.began = time.monotonic()
        self._told: tuple[int, int, str] | None = None
        self._told_since = self.began

        def run() -> None:
            try:
                with told_to(self._hear):
                    self.future.set_result(work(*args, **options))
            except BaseException as error:
                self.future.set_exception(error)

        threading.Thread(target=run, name=getattr(work, "__name__", "work"), daemon=True).start()

    def _hear(self, done: int, total: int, unit: str) -> None:
        if self._told is None or self._told[2] != unit:
            self._told_since = time.monotonic()
        self._told = done, total, unit

    def standing(self, seconds: float | None) -> tuple[float, str]:
        """The share that is done and words on the rest: as it tells itself, else as the seconds it should take."""
        if self._told:
            done, total, unit = self._told
            left = (time.monotonic() - self._told_since) * (total - done) / done if done else None
            return done / total, f"{_amount(done, total, unit)} · {about(left)}"
        if seconds is None:
            return 0.0, about(None)
        spent = time.monotonic() - self.began
        left = about(seconds - spent) if spent < seconds + 1 else "longer than usual"
        return min(spent / max(seconds, SHOWN_AFTER), 0.97), left


def _amount(done: int, total: int, unit: str) -> str:
    """
    >>> _amount(2**20, 2**30, "bytes"), _amount(4000, 120_000, "rows")
    ('1.0 MiB of 1.0 GiB', '4,000 of 120,000 rows')
    """
    if not unit.startswith("bytes"):
        return f"{done:,} of {total:,} {unit}"
    return f"{bytes_words(done)} of {bytes_words(total)}{unit.removeprefix('bytes')}"


def _seen(work: _Work[T], words: str, seconds: float | None) -> T:
    """The result, once it is there; a viewer sees words and time left until then, and may leave."""
    if wait([work.future], SHOWN_AFTER).done:
        return work.future.result()
    place = st.empty()
    line = place.container(key=f"working_{next(_places)}").empty()
    while not work.future.done():
        share, left = work.standing(seconds)
        line.progress(share, text=f"{words} {left}")
        wait([work.future], STEP)
    place.empty()
    return work.future.result()


_places = count()
"""Numbers for the places of such lines: several may stand in one page."""
