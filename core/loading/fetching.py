"""Where a data set is loaded from: a file, a `datasets` folder, a sample set by name, or a Hub id.

    path, settings = find_source("openbookqa.jsonl", home)      # or "material", or "allenai/openbookqa"

A Hub data set (or a folder) is written once as JSON Lines with its split as a column, and is then a file
like any other.  No code of a data set is run: one that is published as a script is read from the Parquet
copy that the Hub makes of it (`PARQUET`).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import BadInput
from core.home import SAMPLES, Home
from core.loading.mapping import load_settings
from core.models import hub_reachable
from core.settings import ImportSettings

PARQUET = "refs/convert/parquet"
"""Branch of a Hub repository where the Hub keeps its data as Parquet."""


class HubSet(NamedTuple):
    """Where a well-known data set lies on the Hub, and what its columns mean."""

    repository: str
    configuration: str | None
    revision: str | None
    mapping: dict[str, Any]


CHOICES = {"options": "choices", "gold": "answerKey", "id": "id", "split": "split"}

HUB_SETS: dict[str, HubSet] = {
    "aqua-rat": HubSet(
        "deepmind/aqua_rat",
        "raw",
        None,
        {"question": "question", "options": "options", "gold": "correct", "split": "split"},
    ),
    "arc-challenge": HubSet("allenai/ai2_arc", "ARC-Challenge", None, CHOICES | {"question": "question"}),
    "logiqa": HubSet(
        "lucasmccabe/logiqa",
        None,
        PARQUET,
        {
            "context": "context",
            "question": "query",
            "options": "options",
            "gold": "correct_option",
            "gold_base": 0,
            "split": "split",
        },
    ),
    "openbookqa": HubSet("allenai/openbookqa", "main", None, CHOICES | {"question": "question_stem"}),
}
"""The paper's four data sets by name."""


def find_source(name: str, home: Home, /, **overrides: Any) -> tuple[Path, ImportSettings]:
    """Data file and mapping of a source; `BadInput` says what else can be named."""
    path = Path(name).expanduser()
    if path.is_file():
        return load_settings(path, **overrides)
    sample = SAMPLES / f"{name}.toml"
    if "/" not in name and sample.exists():
        return load_settings(sample, **overrides)
    if path.is_dir():
        return load_settings(fetch_folder(path, home), **overrides)
    if known := _known(name):
        fields = {"name": name.replace("/", "--")} | known.mapping
        return load_settings(fetch(known.repository, home, known), **fields | overrides)
    if name.count("/") == 1 and not path.suffix:
        return load_settings(fetch(name, home), **overrides)
    samples = ", ".join(sorted(p.stem for p in SAMPLES.glob("*.toml")))
    raise BadInput(
        f"There is no file {name}: name a file, a Hub id (owner/name), a sample set ({samples}) or a set of the "
        f"paper ({', '.join(HUB_SETS)})."
    )


def _known(name: str) -> HubSet | None:
    """A set of the paper by its name or its repository."""
    by_repository = {known.repository: known for known in HUB_SETS.values()}
    return HUB_SETS.get(name) or by_repository.get(name)


def fetched_file(name: str, home: Home) -> Path:
    """Where a data set of the Hub, or a set of the paper, lies once it has been fetched."""
    known = _known(name)
    parts = [known.repository, known.configuration] if known else [name.strip("/")]
    return home.fetched / f"{'--'.join(part for part in parts if part).replace('/', '--')}.jsonl"


def fetch(name: str, home: Home, known: HubSet | None = None) -> Path:
    """A data set of the Hub as JSON Lines in the state folder; kept for the next time."""
    target = fetched_file(name, home)
    if target.exists():
        return target
    if not hub_reachable():
        raise BadInput(f"The Hub cannot be reached to load {name!r}: name a local file instead.")
    splits = _loaded(name, known)
    return _written(target, splits)


def _loaded(name: str, known: HubSet | None) -> Any:
    """Splits of a Hub data set; one that is a script is asked for as Parquet."""
    from datasets import load_dataset  # takes seconds to import, and brings torch along where there is one

    configuration, revisions = None, [None, PARQUET]
    if known:
        configuration, revisions = known.configuration, [known.revision]
    for revision in revisions:
        try:
            return load_dataset(name, configuration, revision=revision)
        except Exception as error:  # the library raises whatever its readers do
            reason = str(error).splitlines()[0].rstrip(".")
            if "scripts are no longer supported" not in reason:
                break
    raise BadInput(
        f"The data set {name!r} cannot be loaded from the Hub ({reason}): download its Parquet or JSON Lines file "
        "and name that."
    )


def fetch_folder(path: Path, home: Home) -> Path:
    """A folder that `datasets` wrote, or one of data files it can read, as JSON Lines; written anew each time."""
    from datasets import Dataset, load_dataset, load_from_disk

    saved = any((path / name).exists() for name in ("dataset_dict.json", "state.json"))
    try:
        splits = load_from_disk(str(path)) if saved else load_dataset(str(path.resolve()))
        named = {"": splits} if isinstance(splits, Dataset) else splits  # "": the rows stay without a split
        return _written(home.fetched / f"{path.resolve().name}.jsonl", named)
    except Exception as error:  # the library raises whatever its readers do
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:200]
        raise BadInput(f"{path.name} is a folder that cannot be loaded ({reason}): name a data file in it.") from None


def _written(target: Path, splits: Any) -> Path:
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
            named = {"split": split} | row if split else row
            yield json.dumps(named, ensure_ascii=False, default=str) + "\n"
