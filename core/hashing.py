"""SHA-256 of files, each read once as long as it stays as it is.

    sha256_of(Path("model.safetensors"))

A file counts as unchanged while its size, inode, modification and change time are: the last of these cannot be set
back by whoever puts other bytes in its place.  What large files gave is kept in the state folder, never beside them: a
hash that came with a model says nothing.
"""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from core.home import default_home

LARGE = 16 * 2**20
"""Bytes from which on a file's hash is kept for other processes: hashing less takes no time."""

_known: dict[str, tuple[list[int], str]] = {}
"""Path → stamp and hash, of this process."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    name, stamp = str(path), stamp_of(path)
    if name in _known and _known[name][0] == stamp:
        return _known[name][1]
    large = stamp[0] >= LARGE
    kept = _kept().get(name) if large else None
    if kept and kept[0] == stamp:
        digest = kept[1]
    else:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if large:
            _keep(name, stamp, digest)
    _known[name] = (stamp, digest)
    return digest


def is_known(path: Path) -> bool:
    """Whether this process has read the file as it is now, so that its hash takes no time."""
    return str(path) in _known and _known[str(path)][0] == stamp_of(path)


def stamp_of(path: Path) -> list[int]:
    """What changes when a file does."""
    seen = path.stat()
    return [seen.st_size, seen.st_ino, seen.st_mtime_ns, seen.st_ctime_ns]


def _kept() -> dict[str, list]:
    """Hashes of large files that were read before; none where the file of them cannot be read."""
    try:
        found = json.loads(default_home().hashes.read_bytes())
    except (OSError, ValueError):
        return {}
    entries = found if isinstance(found, dict) else {}
    return {name: entry for name, entry in entries.items() if isinstance(entry, list) and len(entry) == 2}


def _keep(name: str, stamp: list[int], digest: str) -> None:
    """Add a hash for other processes; a home that does not exist or cannot be written stays as it is."""
    target = default_home().hashes
    if not target.parent.is_dir():
        return
    draft = target.with_name(f".{target.name}-{os.getpid()}")
    with suppress(OSError):  # it is read again next time, which takes seconds and is as right
        draft.write_text(json.dumps(_kept() | {name: [stamp, digest]}))
        draft.replace(target)
