"""Work that takes a large lab seconds: done once for all viewers, with time left in sight of whoever waits for it.

    @once("Choosing pairs …", keep=24, seconds=0.5)
    def _built(_here: Lab, source: PairSource, settings: PairSettings): …

    _built(here, source, settings)      # at once where it is known, else a line at the foot of the window until it is

    LOADING = Pace("Loading every row …", seconds=0.6)      # a megabyte; nothing is kept
    folder = LOADING.watch(size(file), lambda: import_dataset(home, file, settings))

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
from typing import Any, ParamSpec, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.widgets import about

log = logging.getLogger(__name__)

SHOWN_AFTER = 0.2
"""Seconds that pass before a viewer is told to wait."""

STEP = 0.2
"""Seconds between two looks at what is worked on."""

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
            return _seen(_begun(kept, *args, **options), words, lasts[0])

        return ask

    return decorate


class Pace:
    """Work that takes as long as what it reads is large, each time anew."""

    def __init__(self, words: str, seconds: float) -> None:
        self.words = words
        self.seconds = seconds
        """A megabyte: measured elsewhere, then as the last time here."""

    def watch(self, size: int, work: Callable[[], T]) -> T:
        """What the work gives, with time left in sight until then; it goes on when the viewer leaves.

        size: bytes that it reads.
        """
        megabytes = max(size, 1) / 1e6

        def timed() -> T:
            began = time.monotonic()
            found = work()
            if megabytes > 1:  # what is small is more start than work
                self.seconds = (time.monotonic() - began) / megabytes
            return found

        return _seen(_begun(timed), self.words, self.seconds * megabytes)


def _begun(work: Callable[..., Any], *args: Any, **options: Any) -> Future:
    """What the work will give; it ends with the process."""
    future: Future = Future()

    def run() -> None:
        try:
            future.set_result(work(*args, **options))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name=getattr(work, "__name__", "work"), daemon=True).start()
    return future


def _seen(future: Future[T], words: str, seconds: float) -> T:
    """The result, once it is there; a viewer sees words and time left until then, and may leave."""
    began = time.monotonic()
    if wait([future], SHOWN_AFTER).done:
        return future.result()
    place = st.empty()
    line = place.container(key=f"working_{next(_places)}").empty()
    while not future.done():
        spent = time.monotonic() - began
        left = about(seconds - spent) if spent < seconds + 1 else "longer than usual"
        line.progress(min(spent / max(seconds, SHOWN_AFTER), 0.97), text=f"{words} {left}")
        wait([future], STEP)
    place.empty()
    return future.result()


_places = count()
"""Numbers for the places of such lines: several may stand in one page."""
