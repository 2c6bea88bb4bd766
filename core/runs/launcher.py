"""Starting, stopping and resuming workers as detached local processes.

The launcher takes the run's lock and hands it to the worker (`core.runs.detached`).  Only this module would
change for another kind of machine.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from core.errors import BadInput
from core.home import Home
from core.models.variants import located, require_unchanged
from core.runs.belonging import configs_of, require_belonging, require_there
from core.runs.detached import hold, spawn
from core.runs.folders import RunConfig, RunFolder, create_run, note_model
from core.runs.sealed import require_whole
from core.runs.seals import reserve
from core.runs.work import Work

GRACE_SECONDS = 10.0
"""How long a worker has to stop by itself before it is killed."""

Start = Callable[[RunFolder, int], None]
"""Starts a worker on a folder whose lock, an open file, it hands over."""


def spawned(folder: RunFolder, lock: int) -> None:
    """A worker that is a Python of its own."""
    spawn("core.runs.worker", [folder.path], lock, folder.log)


def launch(home: Home, config: RunConfig, start: Start = spawned) -> RunFolder:
    """Start the run unless it is done or at work already; returns its folder at once.

    Refused in a sentence, before a folder is made, where its sources do not belong together; and where what is done, or
    what it is made from, is no longer what was sealed.
    """
    known = configs_of(home)
    require_there(config, known)
    require_belonging(config, known)
    folder = create_run(home, config)
    result = folder.result
    if result and result["state"] == "done":
        require_whole(folder)
    else:
        resume(folder, start)
    return folder


def resume(folder: RunFolder, start: Start = spawned) -> bool:
    """Start a worker on a new, stopped, failed or lost run; False if one is at work already.

    Refused in a sentence where what it goes on from, its own rows among it, is no longer what it was.
    """
    lock = take_lock(folder)
    if lock is None:
        return False
    try:
        folder = _found_again(folder)
        _require_sources(folder)
        reserve(folder.path)  # where the disk is full, whoever starts the run hears of it
        (folder.path / "stop").unlink(missing_ok=True)
        start(folder, lock)
    finally:
        os.close(lock)
    return True


def _found_again(folder: RunFolder) -> RunFolder:
    """The run with a note of where its model is now, if that is not where it was."""
    use = folder.config.model
    now = located(Home(folder.path.parent.parent), use) if use else None
    return folder if now == use else note_model(folder, now)


def _require_sources(folder: RunFolder) -> None:
    """Its own rows, those of its parents, its adapters and its base are what they were; what is gone, the run says."""
    home, config = Home(folder.path.parent.parent), folder.config
    for run in [folder, *(RunFolder(home.runs / parent) for parent in config.parents.values())]:
        require_whole(run)
    if config.model:
        if Path(config.model.path).is_dir():
            require_unchanged(config.model)
        for run in config.model.chain:
            require_whole(RunFolder(home.runs / run))


def take_lock(folder: RunFolder) -> int | None:
    """The run's lock as an open file descriptor, or None if another process holds it."""
    return hold(folder.path / "lock", seconds=1.0)


def stop(folder: RunFolder, grace: float = GRACE_SECONDS) -> None:
    """Stop a run for certain: ask, then SIGTERM, then after `grace` seconds SIGKILL to its group.

    What was produced stays, and the run can be resumed.
    """
    if not folder.alive:
        raise BadInput(f"{folder.id} is not running ({folder.state}): there is nothing to stop.")
    (folder.path / "stop").touch()
    _signal(folder, signal.SIGTERM)
    if not _wait_until_dead(folder, grace):
        _signal(folder, signal.SIGKILL)
        _wait_until_dead(folder, grace)
    if folder.result is None:
        _seal_as_stopped(folder)


def _signal(folder: RunFolder, number: signal.Signals) -> None:
    """Signal the process group of the lock's holder, whose pid stands in the lock file."""
    holder = (folder.path / "lock").read_text().strip()
    if holder.isdigit() and folder.alive:
        try:
            os.killpg(int(holder), number)
        except ProcessLookupError:
            return  # it ended by itself in this instant


def _wait_until_dead(folder: RunFolder, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while folder.alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _seal_as_stopped(folder: RunFolder) -> None:
    """A killed worker left no seal: write it in its place, unless somebody resumed the run meanwhile."""
    lock = take_lock(folder)
    if lock is None:
        return
    try:
        with Work(folder) as work:
            work.raise_if_stopped()
    finally:
        os.close(lock)
