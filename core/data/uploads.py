"""Files that a browser sent: each where its content says, so that none takes another's place.

path = keep(home, "answers.csv", content)       # uploads/<hash of the content>/answers.csv
"""

import hashlib
import os
import tempfile
from pathlib import Path, PurePosixPath, PureWindowsPath

from core.home import Home

LONGEST_NAME = 120
"""Characters of a name that is kept; every file system takes them."""


def keep(home: Home, name: str, content: bytes | memoryview) -> Path:
    """The content as a file of this name; written whole before it is seen, and once."""
    folder = home.uploads / hashlib.sha256(content).hexdigest()[:32]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _safe(name)
    if path.exists() and path.stat().st_size == len(content):
        return path
    handle, draft = tempfile.mkstemp(dir=folder, prefix=".", suffix=".part")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(draft).replace(path)
    return path


def _safe(name: str) -> str:
    """The last part of a name, short enough for a file system.

    >>> _safe("../lab/a.csv"), _safe(".."), _safe("C:\\\\data\\\\b.json"), len(_safe("x" * 300 + ".jsonl"))
    ('a.csv', 'upload', 'b.json', 120)
    """
    last = PureWindowsPath(PurePosixPath(name).name).name.replace("\0", "")
    if last in ("", ".", ".."):
        return "upload"
    suffix = Path(last).suffix[:16]
    return last if len(last) <= LONGEST_NAME else last[: LONGEST_NAME - len(suffix)] + suffix
