"""Where a data set is loaded from: a file, a sample set by name, or a data set of the Hub by id.

    path, settings = find_source("openbookqa.jsonl", home)      # or "material", or "allenai/openbookqa"

A Hub data set (or a local `datasets` folder) is written once as JSON Lines with its split as a column, and
is then a file like any other.  Sets that need code of their own to be run are refused.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import BadInput
from core.home import SAMPLES, Home
from core.mapping import load_settings
from core.models import hub_reachable
from core.settings import ImportSettings


def find_source(name: str, home: Home, /, **overrides: Any) -> tuple[Path, ImportSettings]:
    """Data file and mapping of a source; `BadInput` says what else can be named."""
    path = Path(name).expanduser()
    if path.is_file():
        return load_settings(path, **overrides)
    sample = SAMPLES / f"{name}.toml"
    if "/" not in name and sample.exists():
        return load_settings(sample, **overrides)
    if path.is_dir() or (name.count("/") == 1 and not path.suffix):
        return load_settings(fetch(name, home), **overrides)
    known = ", ".join(sorted(p.stem for p in SAMPLES.glob("*.toml")))
    raise BadInput(f"There is no file {name}: name a file, a Hub id (owner/name), or a sample set ({known}).")


def fetched_file(name: str, home: Home) -> Path:
    """Where a data set of the Hub lies once it has been fetched."""
    return home.fetched / f"{name.strip('/').replace('/', '--')}.jsonl"


def fetch(name: str, home: Home) -> Path:
    """A data set that the `datasets` library can load, as JSON Lines in the state folder; kept for the next time."""
    target = fetched_file(name, home)
    if target.exists():
        return target
    if not Path(name).is_dir() and not hub_reachable():
        raise BadInput(f"The Hub cannot be reached to load {name!r}: name a local file instead.")
    from datasets import load_dataset  # takes seconds to import, and brings torch along where there is one

    try:
        splits = load_dataset(name)
    except Exception as error:  # the library raises whatever its readers do
        raise BadInput(f"The data set {name!r} cannot be loaded: {str(error).splitlines()[0]}") from None
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".new")
    with draft.open("w", encoding="utf-8") as file:
        file.writelines(_lines(splits))
    draft.rename(target)
    return target


def _lines(splits: Any) -> Iterator[str]:
    """Rows of every split, each with the name of its split (unless it has a column of that name)."""
    for split, rows in splits.items():
        for row in rows:
            yield json.dumps({"split": split} | row, ensure_ascii=False, default=str) + "\n"
