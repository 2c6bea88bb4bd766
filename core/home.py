"""Where the lab keeps its state: `ANCHORLAB_HOME`, or `data/` of the checkout.

runs/<id>/      one folder a run: the truth
models/<name>/  models converted or fetched by the lab; <name>.json registered ones
dtype.json      what the CPU computes in, and the timing that decided it
hashes.json     SHA-256 of large files, as long as they stay as they are
uploads/        files that were loaded through the browser
fetched/        data sets of the Hub, as JSON Lines
texts/          texts of a page that are too long for its URL
backups/        copies of the database
journal.jsonl   what people did, a line each (journal.damaged.jsonl: copies of lines that cannot be read)
slots/          lock files of the machine-wide queue
playground/     live rounds: what was asked, what was said so far
lab.duckdb      everything above, queryable (can be rebuilt at any time)
lab_id          which lab this is, so that another lab's database is not taken for its own
lab.duckdb.lock held by the process that owns the database
"""

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SAMPLES = PROJECT / "data" / "samples"


@dataclass(frozen=True)
class Home:
    """The state folder.  Nothing in the lab remembers state anywhere else."""

    path: Path

    @property
    def runs(self) -> Path:
        return self.path / "runs"

    @property
    def models(self) -> Path:
        return self.path / "models"

    @property
    def hashes(self) -> Path:
        return self.path / "hashes.json"

    @property
    def slots(self) -> Path:
        return self.path / "slots"

    @property
    def database(self) -> Path:
        return self.path / "lab.duckdb"

    @property
    def database_draft(self) -> Path:
        return self.path / "lab.duckdb.new"

    @property
    def database_lock(self) -> Path:
        return self.path / "lab.duckdb.lock"

    @property
    def lab_id(self) -> Path:
        return self.path / "lab_id"

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def journal_damaged(self) -> Path:
        return self.path / "journal.damaged.jsonl"

    @property
    def fetched(self) -> Path:
        return self.path / "fetched"

    @property
    def backups(self) -> Path:
        return self.path / "backups"

    @property
    def texts(self) -> Path:
        return self.path / "texts"

    @property
    def playground(self) -> Path:
        return self.path / "playground"

    @property
    def uploads(self) -> Path:
        return self.path / "uploads"

    # --- paths that are kept: a lab may be moved

    def kept(self, path: str) -> str:
        """A path as it is kept: from the state folder on where it lies in there, else as it is."""
        inside = Path(path)
        if path and inside.is_absolute() and inside.is_relative_to(self.path.resolve()):
            return str(inside.relative_to(self.path.resolve()))
        return path

    def found(self, path: str) -> str:
        """Where a kept path is now.

        A whole path that is gone is of a state folder that lay elsewhere, if this one holds the same from `models` or
        `runs` on.
        """
        given = Path(path)
        if not path or (given.is_absolute() and given.exists()):
            return path
        if not given.is_absolute():
            return str(self.path / given)
        tails = [given.parts[place:] for place, part in enumerate(given.parts) if part in ("models", "runs")]
        here = [inside for tail in tails if (inside := self.path.joinpath(*tail)).exists()]
        return str(here[0]) if here else path


def default_home() -> Home:
    """The state folder of this process: `ANCHORLAB_HOME` if set, else `data/` beside `core/`."""
    return Home(Path(os.environ.get("ANCHORLAB_HOME") or PROJECT / "data").resolve())
