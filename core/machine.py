"""Main memory of this process: what the machine has free, or less where a container or a service is limited.

Control groups of both versions say so, each of them and all above it; a machine without any says what it has itself.
"""

from collections.abc import Iterator
from pathlib import Path

import psutil

GROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
"""The control groups of this process, a line a hierarchy: number:controllers:path."""
COUNTERS = Path("/proc/vmstat")

FILES = {
    "": ("memory.max", "memory.current", "inactive_file", "memory.events"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", "memory.oom_control"),
}
"""Controllers of a hierarchy (version 2 names none) → files of the limit and the use, what of the use can be dropped,
and the file that counts processes killed for memory."""


def free_memory(groups: Path = GROUPS, own: Path = OWN) -> int:
    """Bytes that this process can take before the machine, or a control group around it, has no more."""
    left = [psutil.virtual_memory().available]
    for folder, version in _around(groups, own):
        limit_file, used_file, droppable, _ = FILES[version]
        limit, used = _number(folder / limit_file), _number(folder / used_file)
        if limit is not None and used is not None:
            left.append(limit - used + (_named(folder / "memory.stat", droppable) or 0))
    return max(0, min(left))


def kills_for_memory(groups: Path = GROUPS, own: Path = OWN, counters: Path = COUNTERS) -> int | None:
    """Processes that the system has ended because memory ran out, so far; None where nothing counts them."""
    for folder, version in _around(groups, own):
        count = _named(folder / FILES[version][3], "oom_kill")
        if count is not None:
            return count
    return _named(counters, "oom_kill")


def _around(groups: Path, own: Path) -> Iterator[tuple[Path, str]]:
    """The control groups of this process with what they limit memory by, each before the one above it."""
    for line in _text(own).splitlines():
        _, controllers, path = line.split(":", 2)
        version = "memory" if "memory" in controllers.split(",") else controllers
        if version not in FILES:
            continue
        roots = [groups / "memory"] if version else [groups, groups / "unified"]
        for root in roots:
            inside = root / path.strip("/")
            for folder in [inside, *inside.parents]:
                if folder == root or root in folder.parents:
                    yield folder, version


def _number(file: Path) -> int | None:
    """The one number in a file; None where there is no file, or no limit ("max")."""
    text = _text(file).strip()
    return int(text) if text.isdigit() else None


def _named(file: Path, name: str) -> int | None:
    """The number beside a name in a file of such lines."""
    pairs = (line.split() for line in _text(file).splitlines())
    return next((int(pair[1]) for pair in pairs if len(pair) == 2 and pair[0] == name and pair[1].isdigit()), None)


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
