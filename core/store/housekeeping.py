"""Where a lab's state lies, how large it is, what it was made with, and copies of its database.

    for place in places(home): print(place.name, place.path, place.bytes)
    file = backup(store)                        # a database of its own, beside the lab's

A backup holds every row, also what people did.  The run folders and the journal are the truth: copy the
state folder to keep everything, models and adapters included.
"""

import os
import platform
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from core.home import Home
from core.store.database import Store

PACKAGES = ("anchorlab", "torch", "transformers", "peft", "trl", "datasets", "duckdb", "streamlit", "plotly")
"""What a result depends on."""


@dataclass(frozen=True)
class Place:
    """A part of the state folder."""

    name: str
    what: str
    path: Path
    bytes: int


def places(home: Home) -> list[Place]:
    """The parts of the state folder with their sizes; those that are not there are left out."""
    parts = [
        ("runs", "run folders: the truth", home.runs),
        ("database", "everything, queryable; can be rebuilt", home.database),
        ("journal", "what people did", home.journal),
        ("models", "models fetched or converted", home.models),
        ("uploads", "files loaded through the browser", home.uploads),
        ("fetched", "data sets of the Hub", home.fetched),
        ("texts", "long texts that a page's address stands for", home.texts),
        ("backups", "copies of the database", home.backups),
    ]
    return [Place(name, what, path, size(path)) for name, what, path in parts if path.exists()]


def size(path: Path) -> int:
    """Bytes of a file, or of everything in a folder (links count as what they are).

    No file is opened: looking into the database's file would drop its owner's lock.
    """
    if not path.is_dir():
        return path.lstat().st_size
    return sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(path) for name in names)


def versions() -> dict[str, str]:
    """Package → installed version; Python too."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def backup(store: Store) -> Path:
    """A copy of the database under the state folder's backups/, whole or not there at all."""
    folder = store.home.backups
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / time.strftime("lab-%Y%m%d-%H%M%S.duckdb")
    store.copy_to(file)
    return file
