"""Files and folders that are written for other programs: whole or not at all, and never over another unasked."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import BadInput


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
