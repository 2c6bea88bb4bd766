"""Texts that are too long for a URL: they stand in files of the state folder, and the URL holds the file's name.

    name = name_of(text)          # itself where it is short, else "text:<digest>", once the file is written
    text = text_of(name)          # None where the file is gone, or the link comes from another lab

So a refresh, Back and a pasted link bring back a typed question or an edited pipeline file as they do everything else.
"""

import hashlib
import re
import threading
from pathlib import Path

from core.home import default_home
from core.store.files import draft_of

LONGEST = 2_000
"""Characters that the URL takes."""

KEPT = 200
"""Files at most: those that nobody looked at for longest give way."""

NAME = re.compile(r"text:([0-9a-f]{40})")

_writing = threading.Lock()


def name_of(text: str) -> str:
    """What stands for a text in the URL."""
    if len(text) <= LONGEST:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:40]
    with _writing:
        _keep(default_home().texts / f"{digest}.txt", text)
    return f"text:{digest}"


def _keep(file: Path, text: str) -> None:
    if file.exists():
        file.touch()
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with draft_of(file) as draft:
        draft.write_bytes(text.encode())
    for old in sorted(file.parent.glob("*.txt"), key=lambda one: -one.stat().st_mtime)[KEPT:]:
        old.unlink(missing_ok=True)


def text_of(name: str) -> str | None:
    """The text that a name in the URL stands for; None where it is gone."""
    found = NAME.fullmatch(name)
    if not found:
        return name
    try:
        return (default_home().texts / f"{found[1]}.txt").read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None
