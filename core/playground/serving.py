"""The playground's worker: `python -m core.playground.serving HOME LOCK_FD`, started by `start` on demand.

One process a home answers rounds one after the other and keeps models loaded between them; it ends itself
after `IDLE_SECONDS` without a round.  It is alive as long as it holds `playground/lock`, as runs are, and
outlives the page and the app.  Killed at any moment it loses no more than the round it was at, which a page
can have begun again.

The machine's compute slot is taken for a round where it is free, so that a run that comes meanwhile waits these
seconds, and let go between rounds.  Where a run has it the round is played all the same, on one core:
a room does not wait for a training.  The round says so.
"""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from core.errors import LabError
from core.home import Home
from core.playground import rounds
from core.playground.answering import Engines, answer, drain
from core.playground.records import Answer, Wish
from core.runs.detached import hold, spawn
from core.runs.worker import free_slot, own_device
from core.store import journal

log = logging.getLogger(__name__)

IDLE_SECONDS = float(os.environ.get("ANCHORLAB_PLAYGROUND_IDLE", "600"))
"""How long models stay loaded after the last round."""

LOOK_SECONDS = 0.05
"""How often an idle worker looks for a round."""


# --- starting it


def start(home: Home) -> bool:
    """Start the worker unless one lives already; whether it was started."""
    lock = _take_lock(home)
    if lock is None:
        return False
    try:
        log_file = home.playground / "log.txt"
        spawn("core.playground.serving", [home.path], lock, log_file, {"ANCHORLAB_HOME": str(home.path)})
    finally:
        os.close(lock)
    return True


def _take_lock(home: Home) -> int | None:
    """The worker's lock, None where a worker holds it."""
    home.playground.mkdir(parents=True, exist_ok=True)
    return hold(rounds.lock_path(home), seconds=0.1)


# --- the process


def main() -> None:
    home, lock = Home(Path(sys.argv[1])), int(sys.argv[2])
    os.set_inheritable(lock, False)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    rounds.tidy(home)
    if device := own_device():
        device.take()
    engines = Engines(home)
    while True:
        serve(home, engines, IDLE_SECONDS)
        os.close(lock)
        # A round asked for before the lock was free trusted in this worker.
        if not rounds.queue(home) or (lock := _take_lock(home)) is None:
            return


def serve(home: Home, engines: Engines, idle_seconds: float) -> None:
    """Answer rounds in the order they were asked until none has come for `idle_seconds`."""
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < idle_seconds:
        waiting = rounds.queue(home)
        if waiting:
            play(home, engines, waiting[0])
            quiet_since = time.monotonic()
        else:
            time.sleep(LOOK_SECONDS)


def play(home: Home, engines: Engines, round: str) -> None:
    """One round from its wish to its line in the journal; whatever goes wrong is a sentence in its file."""
    begun = sum(said["type"] == "begun" for said in rounds.events(home, round))
    if begun >= rounds.TRIES:
        rounds.ended(home, round, "failed", f"The worker ended {begun} times in the middle of this round: ask anew.")
        return
    with turn(home) as alone:
        rounds.say(home, round, "begun", shared=not alone)
        try:
            wish = rounds.wish_of(home, round)
            answers = _played(home, engines, wish)
        except LabError as error:
            rounds.ended(home, round, "failed", str(error))
        except Exception as error:  # the worker goes on with the next round
            log.exception("round %s", round)
            rounds.ended(home, round, "failed", f"{type(error).__name__}: {error}")
        else:
            _keep(home, wish, answers)


def _played(home: Home, engines: Engines, wish: Wish) -> list[Answer] | None:
    """The answers, None where the round was called off."""
    with closing(answer(home, engines, wish)) as playing:
        for said in drain(playing, lambda: not rounds.cancelled(home, wish.round)):
            if isinstance(said, list):
                return said
            rounds.say(home, wish.round, **said)
    return None


def _keep(home: Home, wish: Wish, answers: list[Answer] | None) -> None:
    """The journal has the round before its file says that it is done."""
    if answers is None:
        rounds.ended(home, wish.round, "cancelled")
        return
    body = {"wish": wish.model_dump(mode="json"), "answers": [one.model_dump(mode="json") for one in answers]}
    journal.write(home, "play_answer", {"session": wish.session, "round": wish.round} | body)
    rounds.ended(home, wish.round, "done")


@contextmanager
def turn(home: Home) -> Iterator[bool]:
    """The compute slot while it is free, else one core beside the run that has it; whether it was free."""
    slot = free_slot(home)
    try:
        _use_cores(alone=slot is not None)
        yield slot is not None
    finally:
        if slot is not None:
            os.close(slot)


def _use_cores(alone: bool) -> None:
    """All that torch would use, or one: two processes at full threads slow each other down tenfold."""
    if not alone or "torch" in sys.modules:
        import torch

        everything = _threads()
        torch.set_num_threads(everything if alone else 1)


@cache
def _threads() -> int:
    """What torch uses by itself; asked before it is changed."""
    import torch

    return torch.get_num_threads()


if __name__ == "__main__":
    main()
