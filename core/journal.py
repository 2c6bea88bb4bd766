"""What people do to data sets, a line each in the home's journal, on disk before anything else sees it.

    record(home, "archive", "import-0123456789ab")
    archived(home)                              # ids that are hidden from choices

A torn last line (a power cut while writing) is cut when the next one is written, and never read.
"""

import fcntl
import json
import os
import time
from typing import Any, Literal

from core.home import Home

Action = Literal["archive", "restore", "remove"]


def record(home: Home, action: Action, run: str) -> None:
    """Add a line and wait until it is on the disk; writers take turns."""
    home.path.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"t": time.time(), "action": action, "run": run}).encode() + b"\n"
    with home.journal.open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate(len(_whole(file.read())))
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def entries(home: Home) -> list[dict[str, Any]]:
    """Every whole line, oldest first."""
    if not home.journal.exists():
        return []
    return [json.loads(line) for line in _whole(home.journal.read_bytes()).splitlines()]


def archived(home: Home) -> set[str]:
    """Ids that were archived and have not been restored since."""
    last = {entry["run"]: entry["action"] for entry in entries(home)}
    return {run for run, action in last.items() if action == "archive"}


def _whole(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]
