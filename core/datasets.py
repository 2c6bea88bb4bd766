"""Data sets: rows of a source file become items, with splits, as a sealed run.

    path, settings = load_settings(Path("data/samples/rooms.toml"))    # a card, or a file: mapping guessed
    items, rejects = preview(path, settings)
    folder = import_dataset(default_home(), path, settings)
    train = select_items(load_items(folder), Selection(split="train"))

Every row becomes an `Item` or a `Reject` that says why not.  Cards and guessed mappings are
`core.mapping`, which files can be read is `core.reading`, which rows are items is `core.items`.  Not
covered: fetching files, one data set from several files.
"""

import fcntl
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from core.errors import BadInput, RunStopped
from core.home import Home
from core.items import MAX_OPTIONS, RowProblem, cell, item_of, repeated_label, text_of
from core.mapping import guess_mapping, load_settings
from core.reading import file_name, quoted, read_rows
from core.records import Item, Reject
from core.runs import RunConfig, RunFolder, content_hash, create_run, file_hash
from core.seeds import seed_of
from core.settings import ImportSettings, Selection
from core.work import Work

__all__ = [
    "guess_mapping",
    "import_dataset",
    "load_items",
    "load_settings",
    "preview",
    "read_items",
    "seeded_splits",
    "select_items",
    "survey",
]

CHUNK = 1000
"""Rows written at once."""


# --- rows to items


def read_items(path: Path, settings: ImportSettings) -> Iterator[Item | Reject]:
    """Every row in order, as an item with its split or as a reject with the reason.

    The file is read twice or three times (labels, splits, items), never held in memory; ids are.
    `BadInput`, when the first row is asked for, if the file or its mapping cannot be used at all.
    """
    yield from _with_splits(path, settings, survey(path, settings))


def preview(path: Path, settings: ImportSettings, limit: int = 20) -> tuple[list[Item], list[Reject]]:
    """Items and rejects among the first `limit` rows, exactly as an import would make them."""
    rows = list(islice(read_items(path, settings), limit))
    items = [row for row in rows if isinstance(row, Item)]
    return items, [row for row in rows if isinstance(row, Reject)]


@dataclass(frozen=True)
class Survey:
    """What has to be known of a whole file before its first row can become an item."""

    labels: list[str] | None
    """Fixed labels of every question; None where the rows bring their options."""
    splits: dict[str, str]
    """Item id → split."""
    rejects: int
    first_reject: Reject | None


def survey(path: Path, settings: ImportSettings) -> Survey:
    """Read the whole file once (twice to find its labels) and settle labels and splits."""
    labels = _fixed_labels(path, settings)
    splits: dict[str, str] = {}
    leaders: dict[str, str] = {}  # stem → id of the first item that has it
    stems: dict[str, str] = {}  # id → that first item's id
    rejects, first_reject = 0, None
    for row in _parsed(path, settings, labels):
        if isinstance(row, Reject):
            rejects, first_reject = rejects + 1, first_reject or row
        elif settings.split:
            splits[row.id] = row.split
        else:
            stems[row.id] = leaders.setdefault(_stem(row), row.id)
    return Survey(labels, splits or seeded_splits(stems, settings.test, settings.seed), rejects, first_reject)


def _stem(item: Item) -> str:
    texts = sorted(option.text.casefold() for option in item.options)
    return content_hash([item.context, item.question.casefold(), texts])


def seeded_splits(stems: dict[str, str], test: float, seed: int) -> dict[str, str]:
    """Split ("test" or "train") of each id; `stems` maps an id to the first id with the same question.

    Ids stand in the order of a seeded hash; the first round(test * n) are the test split.  Ids of one
    stem stand together, and where they would overfill the split, they train and the next stem is tried.

    >>> seeded_splits({"a": "a", "b": "b", "c": "a"}, test=0.34, seed=0)
    {'b': 'test', 'a': 'train', 'c': 'train'}
    """
    groups: dict[str, list[str]] = {}
    for id, leader in stems.items():
        groups.setdefault(leader, []).append(id)
    room = round(test * len(stems))
    splits = {}
    for leader in sorted(groups, key=lambda id: (seed_of("split", seed, id), id)):
        fits = len(groups[leader]) <= room
        room -= len(groups[leader]) if fits else 0
        splits |= dict.fromkeys(groups[leader], "test" if fits else "train")
    return splits


def _with_splits(path: Path, settings: ImportSettings, known: Survey) -> Iterator[Item | Reject]:
    for row in _parsed(path, settings, known.labels):
        if isinstance(row, Reject):
            yield row
        elif row.id in known.splits:
            yield row.model_copy(update={"split": known.splits[row.id]})
        else:
            raise BadInput(f"{file_name(path)} changed while it was read: import it again.")


def _parsed(path: Path, settings: ImportSettings, labels: list[str] | None) -> Iterator[Item | Reject]:
    """Rows as items, their split empty where the file has none, or rejects."""
    seen: set[str] = set()
    for row in read_rows(path):
        try:
            item = item_of(row, settings, labels)
            if item.id in seen:
                raise RowProblem(f"Its id {quoted(item.id)} stands in an earlier row too: give it its own.")
            seen.add(item.id)
            yield item
        except RowProblem as problem:
            yield Reject(file=file_name(path), row=row.number, reason=str(problem), raw=row.raw[:500])


# --- fixed labels


def _fixed_labels(path: Path, settings: ImportSettings) -> list[str] | None:
    """The labels every question chooses among: as set, else the file's; None with an options column."""
    if settings.options and settings.labels:
        raise BadInput("Both an options column and fixed labels are set: keep one of them.")
    if settings.options:
        return None
    labels = [label.strip() for label in settings.labels or _gold_values(path, settings.gold)]
    repeated = repeated_label(labels)
    if 2 <= len(labels) <= MAX_OPTIONS and repeated is None and "" not in labels:
        return labels
    shown = f"{quoted(repeated)} stands twice" if repeated else f"these are {len(labels)}"
    if len(labels) > MAX_OPTIONS:
        shown = "these are more"
    source = "labels" if settings.labels else f"values of column {quoted(settings.gold)}"
    raise BadInput(
        f"Without an options column the {source} are the options, two to ten different ones, but {shown}: "
        f"map an options column, or set labels and the gold column."
    )


def _gold_values(path: Path, column: str) -> list[str]:
    """Sorted distinct gold values of a file; one that has more than ten is read no further."""
    found: set[str] = set()
    for row in read_rows(path):
        try:
            text = text_of(cell(row.values, column), "gold")
        except RowProblem:
            continue  # the row is rejected when it is read as an item
        found |= {text.strip()} if text else set()
        if len(found) > MAX_OPTIONS:
            break
    return sorted(found)


# --- the sealed import


def import_dataset(home: Home, path: Path, settings: ImportSettings) -> RunFolder:
    """Import a data file as a sealed run of kind `import`, in this process; one that is done is returned.

    Rows: `items` and `rejects`.  Summary: items, rejects, unlabelled, splits (name → items).  `BadInput`
    before any folder is made if the file, or not one of its rows, can be used.
    """
    known = survey(path, settings)
    if not known.splits:
        rows, first = known.rejects, known.first_reject
        why = f"row {first.row}: {first.reason}" if first else "it holds none."
        raise BadInput(f"None of the {rows} rows of {file_name(path)} can be used; {why}")
    folder = create_run(home, import_config(path, settings))
    with _locked(folder):
        if not _is_done(folder):
            _write(folder, _with_splits(path, settings, known), len(known.splits) + known.rejects)
    if not _is_done(folder):
        raise RunStopped("The import was stopped: import the file again to start it over.")
    return folder


def import_config(path: Path, settings: ImportSettings) -> RunConfig:
    """The import of a data file under a mapping, whose id is known before it is made."""
    return RunConfig(
        kind="import",
        label=settings.name,
        settings=settings.model_dump(mode="json"),
        inputs={"source": file_hash(path)},
    )


def load_items(folder: RunFolder) -> list[Item]:
    """All items of a finished import, in the order of its source."""
    if not _is_done(folder):
        raise BadInput(f"The import {folder.id} is not finished: import its file again.")
    return folder.read("items", Item)


def _is_done(folder: RunFolder) -> bool:
    result = folder.result
    return result is not None and result["state"] == "done"


@contextmanager
def _locked(folder: RunFolder) -> Iterator[None]:
    """Hold the run's lock; a second import of the same file waits here for the first."""
    with (folder.path / "lock").open("rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(folder: RunFolder, rows: Iterator[Item | Reject], total: int) -> None:
    """Write an import from its start: what an earlier attempt left is dropped."""
    for name in ("items.jsonl", "rejects.jsonl", "stop"):
        (folder.path / name).unlink(missing_ok=True)
    splits: Counter[str] = Counter()
    unlabelled = done = 0
    with Work(folder) as work:
        work.started()
        while chunk := list(islice(rows, CHUNK)):
            work.raise_if_stopped()
            items = [row for row in chunk if isinstance(row, Item)]
            work.append("items", items)
            work.append("rejects", [row for row in chunk if isinstance(row, Reject)])
            splits.update(item.split for item in items)
            unlabelled += sum(item.gold is None for item in items)
            done += len(chunk)
            work.progress(done, total, "rows")
        counts = {"items": splits.total(), "rejects": done - splits.total(), "unlabelled": unlabelled}
        work.summary |= {**counts, "splits": dict(sorted(splits.items()))}


# --- selection


def select_items(items: Sequence[Item], selection: Selection) -> list[Item]:
    """The items of a split that a stage works on, in the order of a seeded hash of their ids.

    Of the n items of the split, in that order, the slice [round(lo * n), round(hi * n)), then its first
    `limit`: the parts (0, 0.5) and (0.5, 1) share nothing and leave nothing out if their seed is the same.
    `BadInput` for a split without items and for a part whose end is below its start.
    """
    chosen = [item for item in items if item.split == selection.split]
    if not chosen:
        counts = Counter(item.split for item in items)
        there = ", ".join(f"{quoted(split)} with {n}" for split, n in counts.items()) or "no items at all"
        raise BadInput(f"Split {quoted(selection.split)} has no item: choose another (there are {there}).")
    low, high = selection.part
    if low > high:
        raise BadInput(f"The part of the split ends at {high} before it starts at {low}: swap the two.")
    chosen.sort(key=lambda item: (seed_of("select", selection.seed, item.id), item.id))
    return chosen[round(low * len(chosen)) : round(high * len(chosen))][: selection.limit]
