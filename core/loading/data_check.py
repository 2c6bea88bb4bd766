"""Every data file below a folder with what becomes of its rows: a check before anything is imported.

    for found in check_folder(Path("data")): print(found.file, found.loaded, found.problem)

Nothing is written.  A file that holds no questions has a problem in place of counts.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from core.data.datasets import read_items, survey
from core.errors import BadInput
from core.loading.mapping import load_settings
from core.loading.reading import SUFFIXES, file_name
from core.records import Reject


class Checked(NamedTuple):
    """What loading a file with the guessed mapping would give."""

    file: str
    """Path below the folder."""
    loaded: int = 0
    rejected: int = 0
    unlabelled: int = 0
    options: str = ""
    """Numbers of options that its questions have."""
    warnings: dict[str, int] | None = None
    problem: str | None = None
    """Why the file is no data set; None where it is one."""


def check_folder(folder: Path) -> Iterator[Checked]:
    """One row a data file, in the order of their paths; `BadInput` for a folder without any."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file()]
    if not files:
        raise BadInput(f"There is no data file below {file_name(folder)}: name a folder with {', '.join(SUFFIXES)}.")
    return (check_rows(path, str(path.relative_to(folder))) for path in files)


def check_rows(path: Path, name: str) -> Checked:
    """Read a whole file as an import would."""
    try:
        file, settings = load_settings(path)
        known = survey(file, settings)
        unlabelled, options = 0, set()
        for row in read_items(file, settings):
            if not isinstance(row, Reject):
                unlabelled += row.gold is None
                options.add(len(row.options))
    except BadInput as problem:
        return Checked(name, problem=str(problem))
    shown = ", ".join(map(str, sorted(options)))
    return Checked(name, known.items, known.rejects, unlabelled, shown, known.warnings)
