"""Where a data set is loaded from: a file, a `datasets` folder, a sample set by name, or a Hub id.

    path, settings = find_source("openbookqa.jsonl", home)      # or "material", or "allenai/openbookqa"
    path, settings = find_source("allenai/ai2_arc:ARC-Easy", home)       # one of several configurations

A Hub data set (or a folder) is written once as JSON Lines with its split as a column, and is then a file
like any other.  No code of a data set is run: one that is published as a script is read from the Parquet
copy that the Hub makes of it (`PARQUET`).
"""

import glob
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from core.errors import BadInput
from core.home import SAMPLES, Home
from core.hub import downloaded, hub_reachable, quiet_hub
from core.loading.lines import unreadable
from core.loading.mapping import load_settings
from core.progress import listener, tell
from core.settings import ImportSettings

PARQUET = "refs/convert/parquet"
"""Branch of a Hub repository where the Hub keeps its data as Parquet."""


SCRIPT_SIGNS = ("scripts are no longer supported", "Couldn't find cache for")
"""What `datasets` says of a set that is a script; the second once it holds another configuration of it."""

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(:[^/:]+)?")
"""`owner/name`, and after a colon one of several configurations."""

FILE_OF_HUB = re.compile(r"hf://datasets/(?P<name>[^@]+)@(?P<revision>[^/]+)/(?P<path>.+)")
"""How `datasets` names a file of a repository at a commit."""


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

NO_SAMPLES = (
    " The sample sets, which the demo needs, are in data/samples of a checkout of anchorlab, and this installation "
    "has none: run it from a checkout."
)


def find_source(name: str, home: Home, /, **overrides: Any) -> tuple[Path, ImportSettings]:
    """Data file and mapping of a source; `BadInput` says what else can be named."""
    path = Path(name).expanduser()
    is_file, is_folder = _looked_at(path)
    if is_file:
        return load_settings(path, **overrides)
    sample = SAMPLES / f"{name}.toml"
    if "/" not in name and sample.exists():
        return load_settings(sample, **overrides)
    if is_folder:
        return load_settings(fetch_folder(path, home), **overrides)
    if known := _known(name):
        fields = {"name": name.replace("/", "--")} | known.mapping
        return load_settings(fetch(known.repository, home, known), **fields | overrides)
    if HUB_ID.fullmatch(name) and (":" in name or not path.suffix):
        return load_settings(fetch(name, home), **overrides)
    raise BadInput(
        f"There is no file {name}: name a file, a Hub id (owner/name[:configuration]), {_samples_named()}or a set of "
        f"the paper ({', '.join(HUB_SETS)}).{'' if sample_names() else NO_SAMPLES}"
    )


def sample_names() -> list[str]:
    """Names of the sample sets; none where the lab was installed without its checkout."""
    return sorted(path.stem for path in SAMPLES.glob("*.toml"))


def _samples_named() -> str:
    return f"a sample set ({', '.join(sample_names())}) " if sample_names() else ""


def _looked_at(path: Path) -> tuple[bool, bool]:
    """Whether a path is a file, and whether a folder; `BadInput` where that may not be known or listed."""
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
        if is_folder:
            next(path.iterdir(), None)
    except OSError as error:
        raise unreadable(path, error) from None
    return is_file, is_folder


def _known(name: str) -> HubSet | None:
    """A set of the paper by its name or its repository."""
    by_repository = {known.repository: known for known in HUB_SETS.values()}
    return HUB_SETS.get(name) or by_repository.get(name)


def fetched_file(name: str, home: Home) -> Path:
    """Where a data set of the Hub, or a set of the paper, lies once it has been fetched."""
    known = _known(name) or _asked(name)
    parts = [part for part in (known.repository, known.configuration) if part]
    return home.fetched / f"{'--'.join(parts).replace('/', '--')}.jsonl"


def _asked(name: str) -> HubSet:
    """A set of the Hub that nothing is known of, as its id names it."""
    repository, _, configuration = name.strip("/").partition(":")
    return HubSet(repository, configuration or None, None, {})


def fetch(name: str, home: Home, known: HubSet | None = None) -> Path:
    """A data set of the Hub as JSON Lines in the state folder; kept for the next time."""
    target = fetched_file(name, home)
    if target.exists():
        return target
    if not hub_reachable():
        raise BadInput(f"The Hub cannot be reached to load {name!r}: name a local file instead.")
    with quiet_hub():
        return _written(target, _loaded(known or _asked(name)))


def _loaded(asked: HubSet) -> Any:
    """Splits of a Hub data set; one that is a script is read from its Parquet copy."""
    from datasets import disable_progress_bars  # seconds to import, with torch where there is one
    from datasets.utils.logging import set_verbosity_error

    set_verbosity_error()
    if not sys.stderr.isatty():
        disable_progress_bars()
    name, configuration, revision, _ = asked
    try:
        if revision == PARQUET:
            return _splits(name, revision=PARQUET, data_dir=_folder_of_copy(name, configuration))
        return _splits(name, name=configuration, revision=revision)
    except BadInput:
        raise
    except Exception as error:  # the library raises whatever its readers do
        if revision is None and any(sign in str(error) for sign in SCRIPT_SIGNS):
            return _loaded(asked._replace(revision=PARQUET))
        raise BadInput(_why_not(name, error)) from None


def _splits(repository: str, **where: Any) -> Any:
    """A data set as `datasets.load_dataset` gives it; who waits is told how many bytes of its files are here."""
    from datasets import load_dataset_builder

    builder = load_dataset_builder(repository, **where)
    if listener():  # the library tells nobody: its files are brought into the cache that it reads
        lists = (builder.config.data_files or {}).values()
        found = [FILE_OF_HUB.fullmatch(url) for urls in lists for url in urls]
        wanted = defaultdict(list)
        for file in filter(None, found):
            wanted[file["name"], unquote(file["revision"])].append(glob.escape(file["path"]))
        for (name, revision), paths in wanted.items():
            downloaded(name, paths, "dataset", revision)
    builder.download_and_prepare()
    return builder.as_dataset()


def _folder_of_copy(name: str, configuration: str | None) -> str:
    """The folder of a configuration on the Parquet branch, which has one for each and nothing to tell them apart."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RevisionNotFoundError

    try:
        entries = list(HfApi().list_repo_tree(name, revision=PARQUET, repo_type="dataset"))
    except RevisionNotFoundError:
        raise BadInput(
            f"The data set {name!r} is published as a script, which is not run, and the Hub has no Parquet copy of it: "
            "download its data file and name that."
        ) from None
    folders = [entry.path for entry in entries if not hasattr(entry, "size")]
    if configuration in folders:
        return configuration
    if configuration is None and len(folders) == 1:
        return folders[0]
    raise BadInput(_choose(name, folders))


def _choose(name: str, configurations: list[str]) -> str:
    return f"The data set {name!r} has several configurations: name one of {', '.join(configurations)} as {name}:NAME."


def _why_not(name: str, error: Exception) -> str:
    """One sentence on why a data set of the Hub cannot be loaded, and what to do."""
    text = str(error)
    if "gated dataset" in text:
        return (
            f"The data set {name!r} is gated: ask for access on its page of the Hub, and log in here with "
            "`hf auth login`; or download its file and name that."
        )
    if "doesn't exist on the Hub" in text and "Revision" not in text:
        return f"The Hub has no data set {name!r} that can be read here: check the name, or log in if it is private."
    if found := re.search(r"(?:Config name is missing|BuilderConfig .* not found).*?\[(.*?)\]", text, re.DOTALL):
        return _choose(name, re.findall(r"'([^']+)'", found[1]))
    reason = (text.splitlines() or [type(error).__name__])[0].rstrip(".")[:200]
    return (
        f"The data set {name!r} cannot be loaded from the Hub ({reason}): try again, or download its Parquet or JSON "
        "Lines file and name that."
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
    total, written = sum(map(len, splits.values())), 0
    for split, rows in splits.items():
        for row in rows:
            named = {"split": split} | row if split else row
            yield json.dumps(named, ensure_ascii=False, default=str) + "\n"
            written += 1
            if written % 1_000 == 0 or written == total:
                tell(written, total, "rows")
