"""Files and folders that are written for other programs: whole or not at all, and never over another unasked; and what
a process that was killed left half made.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import BadInput, disk_refusal
from core.home import Home
from core.runs.folders import DRAFT


def refuse_existing(target: Path) -> None:
    """`BadInput` where something is there already."""
    if target.exists():
        raise BadInput(f"{target} is there already: use another name, or --force to replace it.")


@contextmanager
def draft_of(target: Path) -> Iterator[Path]:
    """A path beside `target` to write a file or folder to; it takes target's place at the end, or is removed."""
    folder = target.resolve().parent
    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder} to write to: make it first.")
    draft = folder / f".{target.name}.{os.getpid()}.new"
    try:
        yield draft
        _put(draft, target)
    except OSError as error:
        if refusal := disk_refusal(error):
            raise refusal from None
        raise BadInput(f"{target} cannot be written ({error.strerror}): choose another place.") from None
    finally:
        _remove(draft)


def _put(draft: Path, target: Path) -> None:
    if target.is_dir() != draft.is_dir() and target.exists():
        raise BadInput(f"{target} is there and of another kind (file or folder): use another name.")
    if target.is_dir():
        old = draft.with_suffix(".old")
        target.rename(old)
        draft.rename(target)
        shutil.rmtree(old)
    else:
        draft.replace(target)


def _remove(draft: Path) -> None:
    if draft.is_dir():
        shutil.rmtree(draft)
    else:
        draft.unlink(missing_ok=True)


LEFT_SECONDS = 3600.0
"""Age from which on a draft belongs to no process that still writes it."""


def drop_leftovers(home: Home) -> None:
    """Remove what was half made in this home when a process was killed; for the owner of the database.

    Drafts of the database are the owner's own.  Run folders and files may be another process's: old ones alone go.
    """
    for draft in home.path.glob(f"{home.database_draft.name}*"):
        _remove(draft)
    for folder, pattern in ((home.runs, f"{DRAFT}*"), (home.backups, ".*.new"), (home.texts, ".*.new")):
        for draft in folder.glob(pattern):
            if _age(draft) > LEFT_SECONDS:
                _remove(draft)


def _age(path: Path) -> float:
    """Seconds since it was changed; 0 where it has gone in this instant."""
    try:
        return time.time() - path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0
