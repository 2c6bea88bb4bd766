"""Processes that outlive whoever started them, alive as long as they hold a lock.

    lock = hold(path, seconds=1.0)              # an open file, or None where another process holds it
    spawn("core.runs.worker", [folder], lock, log)
    branch(do_run, folder, lock, log)           # the same from a process that has the libraries loaded: 4 s sooner

Whoever starts a process takes the lock and hands the open file over as its last argument, so there is no moment
in which a started process looks dead, and two clicks start one.
"""

import fcntl
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import Damaged
from core.home import PROJECT
from core.runs.folders import NO_HOLDER

ALLOCATOR = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "3221225472",
    "MALLOC_TOP_PAD_": "268435456",
}
"""glibc: keep freed memory.  Page faults are dear on virtual machines; training measured 1.6× faster."""

NO_BARS = {"TQDM_DISABLE": "1"}
"""Libraries draw progress bars on stderr, which is a file here."""

STEP_SECONDS = 0.05

_started: list[subprocess.Popen] = []
"""Processes started here that have not been reaped yet."""


def hold(path: Path, seconds: float) -> int | None:
    """The lock as an open file descriptor, or None if another process holds it.

    Tried for `seconds`, because looking whether a process is alive holds its lock for an instant.
    """
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except IsADirectoryError:
        raise Damaged(f"{path} is a folder where a lock file should be: remove it.") from None
    for _ in range(max(1, round(seconds / STEP_SECONDS))):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.pwrite(lock, NO_HOLDER.encode(), 0)
            return lock
        except BlockingIOError:
            time.sleep(STEP_SECONDS)
    os.close(lock)
    return None


def spawn(module: str, words: Sequence[object], lock: int, log: Path, env: Mapping[str, str] | None = None) -> None:
    """Start `python -m MODULE WORDS… LOCK` in a session of its own, what it prints at the end of `log`."""
    reap()
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, words), str(lock)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(lock,),
            start_new_session=True,
            cwd=PROJECT,
            env=os.environ | ALLOCATOR | NO_BARS | (env or {}),
        )
    _started.append(process)


def reap() -> None:
    """Let the processes that were started here and have ended leave the process table.

    A process that lives long (the app) calls it now and then, or each ended worker stays a zombie under it.
    """
    _started[:] = [process for process in _started if process.poll() is None]


def branch(do: Callable[[Any, int], None], what: Any, lock: int, log: Path, close: int) -> None:
    """Call `do(what, lock)` in a fork of this process, in a session of its own, what it prints at the end of `log`.

    Only for a process of one thread that has not computed yet: threads do not survive a fork, and what waits for
    them waits for ever.  `close` is the lock of this process, which the fork must not keep.
    """
    multiprocessing.get_context("fork").Process(target=_branched, args=(do, what, lock, log, close)).start()


def _branched(do: Callable[[Any, int], None], what: Any, lock: int, log: Path, close: int) -> None:
    os.setsid()
    os.close(close)
    with log.open("ab") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    do(what, lock)
