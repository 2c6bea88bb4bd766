"""Writing what must be there after a power cut: the lab's state goes to the disk here and nowhere else.

    write_file(path, text)          # whole or not at all, and on the disk when this returns
    flush(file)                     # an open file's bytes
    flush_tree(folder)              # every file below a folder, then the folders themselves
    move(draft, target)             # a file or folder takes its place, and the place is on the disk

A rename alone is not enough: after a power cut the new name may stand for an empty file, or be gone.  So the bytes are
flushed before the rename and the folder after it.  What a run adds while it works is not flushed at each line (a lost
tail is computed again); `core.runs.work` flushes it before the seal.  A test cuts the power after each flush
(tests/test_durable.py).
"""

import os
from pathlib import Path
from typing import IO, Any


def write_file(path: Path, content: bytes | str) -> None:
    """The content under this name, in place of what was there; whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with draft.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            flush(file)
        move(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def flush(file: IO[Any]) -> None:
    """What was written to an open file."""
    file.flush()
    os.fsync(file.fileno())


def flush_path(path: Path) -> None:
    """A file's bytes, or the names in a folder."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def flush_tree(folder: Path) -> None:
    """Every file in a folder and below, then the names of all of them; links are left as they are."""
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            if not os.path.islink(os.path.join(place, name)):
                flush_path(Path(place, name))
        flush_path(Path(place))


def make_folder(path: Path) -> None:
    """A folder with those above it, each a name that a power cut leaves."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        flush_path(path.parent)


def move(source: Path, target: Path) -> None:
    """A file or folder whose bytes are on the disk takes its place there; `OSError` as `os.replace`."""
    source.replace(target)
    flush_path(target.parent)
    if source.parent != target.parent:
        flush_path(source.parent)
