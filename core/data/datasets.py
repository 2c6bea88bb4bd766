"""Data sets: rows of a source file become items, with splits, as a sealed run.

    path, settings = load_settings(Path("data/samples/rooms.toml"))    # a card, or a file: mapping guessed
    items, rejects = preview(path, settings)
    folder = import_dataset(default_home(), path, settings)
    train = select_items(load_items(folder), Selection(split="train"))

Every row becomes an `Item` or a `Reject` that says why not.  Cards and guessed mappings are
`core.loading.mapping`, which files can be read is `core.loading.reading`, which rows are items is
`core.loading.items`.  Not covered: fetching files, one data set from several files.
"""

import fcntl
import hashlib
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from core.data.questions import Question, question_of
from core.errors import BadInput, RunStopped
from core.home import Home
from core.loading.fixed_labels import fixed_labels as _fixed_labels
from core.loading.fixed_labels import read_otherwise as _read_otherwise
from core.loading.items import RowProblem, has_repeated_text, item_of, used_columns
from core.loading.lines import SHOWN, WHOLE
from core.loading.mapping import guess_mapping, load_settings
from core.loading.reading import check_file, file_name, quoted, read_rows
from core.records import Item, Reject
from core.runs.folders import RunConfig, RunFolder, content_hash, create_run, file_hash
from core.runs.work import Work
from core.seeds import seed_of, seeds_of
from core.settings import ImportSettings, Selection
from core.store import journal
from core.store.journal import archived

__all__ = [
    "glance",
    "guess_mapping",
    "import_dataset",
    "is_done",
    "load_items",
    "load_settings",
    "locked",
    "preview",
    "read_items",
    "seeded_test",
    "select_items",
    "survey",
]

UNLABELLED = "(unlabelled)"
READING = "2"
"""Stands in an import's identity where the file is read otherwise than by the first version of this lab."""
T = TypeVar("T")
CHUNK = 1000
"""Rows written at once."""


# --- rows to items


def read_items(path: Path, settings: ImportSettings) -> Iterator[Item | Reject]:
    """Every row in order, as an item with its split or as a reject with the reason.

    The file is read twice or three times (labels, splits, items), never held in memory; of an id and of a
    question 16 bytes are.
    `BadInput`, when the first row is asked for, if the file or its mapping cannot be used at all.
    """
    yield from _with_splits(path, settings, survey(path, settings))


def preview(path: Path, settings: ImportSettings, limit: int = 20) -> tuple[list[Item], list[Reject]]:
    """Items and rejects among the first `limit` rows, exactly as an import would make them."""
    rows = list(islice(read_items(path, settings), limit))
    items = [row for row in rows if isinstance(row, Item)]
    return items, [row for row in rows if isinstance(row, Reject)]


def glance(path: Path, settings: ImportSettings, limit: int = 200) -> tuple[list[Item], list[Reject]]:
    """As `preview`, without the split of items where the file has none: read is no more than that takes.

    Fixed labels that are not set are the gold values of the file, for which all of it may be read.
    """
    rows = list(islice(_parsed(path, settings, _fixed_labels(path, settings)), limit))
    items = [row for row in rows if isinstance(row, Item)]
    return items, [row for row in rows if isinstance(row, Reject)]


@dataclass(frozen=True)
class Survey:
    """What has to be known of a whole file before its first row can become an item."""

    labels: list[str] | None
    """Fixed labels of every question; None where the rows bring their options."""
    in_test: np.ndarray | None
    """Whether each item, in order, is in the test split; None where the file has its own splits."""
    ties: bool
    """Whether a question that repeats with other options ties items to one split."""
    items: int
    rejects: int
    first_reject: Reject | None
    warnings: dict[str, int]
    """What a person should know of items that load: sentence → number of items."""
    otherwise: bool = False
    """Whether an earlier version of this lab would have read the file in another way."""


REPEATED_OPTION = "two options have the same text: the answer is read by label"
REPEATED_QUESTION = "the question stands in an earlier row too: both are in one split"
SHORT_ROW = "the row is shorter than the header: the cells that are missing are read as empty"
SPLIT_QUESTION = "the question stands in another split of the file too"


def survey(path: Path, settings: ImportSettings) -> Survey:
    """Read the whole file once (twice to find its labels) and settle labels and splits."""
    labels = _fixed_labels(path, settings)
    noted = Noted(otherwise=labels is not None and not settings.labels and _read_otherwise(path, settings))
    stems, seeds, splits = Stems(), array("Q"), array("H")
    numbers: dict[str, int] = {}  # of the splits
    rejects, first_reject = 0, None
    warnings: Counter[str] = Counter()
    for row in _parsed(path, settings, labels, noted):
        if isinstance(row, Reject):
            rejects, first_reject = rejects + 1, first_reject or row
            continue
        stems.add(row)
        warnings[REPEATED_OPTION] += labels is None and has_repeated_text(row.options)
        seeds.append(seed_of("split", settings.seed, row.id))
        splits.append(numbers.setdefault(row.split, len(numbers)))
    leader, ties = stems.leaders()
    warnings[SHORT_ROW] = noted.short
    if settings.split:
        numbered = np.asarray(splits)
        warnings[SPLIT_QUESTION] = int(np.count_nonzero(numbered != numbered[leader]))
        in_test = None
    else:
        warnings[REPEATED_QUESTION] = int(np.count_nonzero(leader != np.arange(len(leader))))
        in_test = seeded_test(leader, seeds, settings.test)
    return Survey(
        labels,
        in_test,
        ties and in_test is not None,
        len(seeds),
        rejects,
        first_reject,
        dict(+warnings),
        noted.otherwise,
    )


class Stems:
    """Which items ask the same question, in 16 bytes an item and question.

    Two items do that share context and question; but a question of more than `GENERIC` items ("Which is
    true?") is told apart by its options as well.
    """

    GENERIC = 10

    def __init__(self) -> None:
        self._first: dict[bytes, int] = {}
        self._by_question, self._by_options = array("q"), array("q")

    def add(self, item: Item) -> None:
        texts = sorted(option.text.casefold() for option in item.options)
        question = [item.context, item.question.casefold()]
        for places, stem in ((self._by_question, question), (self._by_options, [*question, texts])):
            places.append(self._first.setdefault(_digest(content_hash(stem)), len(places)))

    def leaders(self) -> tuple[np.ndarray, bool]:
        """Place of the first item with the same question, for each item; whether options would tell more apart."""
        by_question, by_options = np.asarray(self._by_question), np.asarray(self._by_options)
        sizes = np.bincount(by_question, minlength=len(by_question))
        leaders = np.where(sizes[by_question] > self.GENERIC, by_options, by_question)
        return leaders, bool((leaders != by_options).any())


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def seeded_test(leader: Sequence[int], seeds: Sequence[int], test: float) -> np.ndarray:
    """Whether each item is in the test split, by the place of the first item with its question and by its seed.

    Questions stand in the order of their first item's seed; the first round(test * n) items are the test
    split.  Items of one question stand together, and where they would overfill the split, they train and
    the next question is tried.

    >>> seeded_test([0, 1, 0], seeds=[5, 3, 9], test=0.34).tolist()
    [False, True, False]
    """
    places = np.asarray(leader, dtype=np.int64)
    sizes = np.bincount(places, minlength=len(places))
    firsts = np.flatnonzero(sizes)
    room = round(test * len(places))
    taken = np.zeros(len(places), dtype=bool)
    for first in firsts[np.argsort(np.asarray(seeds, dtype=np.uint64)[firsts], kind="stable")]:
        if sizes[first] <= room:
            taken[first] = True
            room -= sizes[first]
    return taken[places]


def _with_splits(path: Path, settings: ImportSettings, known: Survey) -> Iterator[Item | Reject]:
    place = 0
    for row in _parsed(path, settings, known.labels):
        if isinstance(row, Reject):
            yield row
            continue
        if place == known.items:
            raise BadInput(f"{file_name(path)} changed while it was read: import it again.")
        if known.in_test is not None:
            row = row.model_copy(update={"split": "test" if known.in_test[place] else "train"})
        place += 1
        yield row


@dataclass
class Noted:
    """What is noted of rows while they are read."""

    short: int = 0
    """Rows of a table that end before its header does."""
    otherwise: bool = False
    """Whether an earlier version of this lab would have read one of them in another way."""


def _parsed(
    path: Path, settings: ImportSettings, labels: list[str] | None, noted: Noted | None = None
) -> Iterator[Item | Reject]:
    """Rows as items, their split empty where the file has none, or rejects."""
    seen: set[bytes] = set()
    used = used_columns(settings)
    for row in read_rows(path, settings.header, settings.field):
        if noted is not None:
            noted.short += row.short
            noted.otherwise |= WHOLE in row.otherwise or bool(row.otherwise & used)
        try:
            item = item_of(row, settings, labels)
            if (key := _digest(item.id)) in seen:
                raise RowProblem(
                    f"Its id {quoted(item.id)} stands in an earlier row too: give it its own, or number the rows with "
                    "--set id=null."
                )
            seen.add(key)
            yield item
        except RowProblem as problem:
            raw = row.raw[:SHOWN].encode("utf-8", "replace").decode()
            yield Reject(file=file_name(path), row=row.number, reason=str(problem), raw=raw)


# --- the sealed import


def import_dataset(home: Home, path: Path, settings: ImportSettings) -> RunFolder:
    """Import a data file as a sealed run of kind `import`, in this process; one that is done is returned.

    Rows: `items` and `rejects`.  Summary: items, rejects, unlabelled, splits (name → items), labels (split →
    label → items), warnings (sentence → items).  `BadInput` before any folder is made if the file, or not
    one of its rows, can be used.  A data set that was archived is so no longer.
    """
    if not settings.name.strip():
        raise BadInput(f"The data set of {file_name(path)} needs a name: set `name`.")
    check_file(path)
    source = file_hash(path)
    known = survey(path, settings)
    if not known.items:
        rows, first = known.rejects, known.first_reject
        why = f"row {first.row}: {first.reason}" if first else "it holds none."
        raise BadInput(f"None of the {rows} rows of {file_name(path)} can be used; {why}")
    folder = create_run(home, import_config(path, settings, known, source))
    with locked(folder):
        if not is_done(folder):
            _write(folder, unchanged(path, source, _with_splits(path, settings, known)), known)
    if not is_done(folder):
        raise RunStopped("The import was stopped: import the file again to start it over.")
    if folder.id in archived(home):
        journal.record(home, "restore", folder.id)
    return folder


def unchanged(path: Path, source: str, rows: Iterator[T]) -> Iterator[T]:
    """The rows of a file whose hash is `source`; `BadInput` at their end where it is another file by then."""
    yield from rows
    if file_hash(path) != source:
        raise BadInput(f"{file_name(path)} changed while it was read: import it again.")


def import_config(path: Path, settings: ImportSettings, known: Survey, source: str | None = None) -> RunConfig:
    """The import of a data file under a mapping, whose id is known before it is made; source: the file's hash."""
    return RunConfig(
        kind="import",
        label=settings.name,
        settings=settings.identity(),
        inputs={
            "source": source or file_hash(path),
            **({"splits": "one question, one split"} if known.ties else {}),
            **({"reading": READING} if known.otherwise else {}),
        },
    )


def load_items(folder: RunFolder) -> list[Item]:
    """All items of a finished import, in the order of its source."""
    if not is_done(folder):
        raise BadInput(f"The import {folder.id} is not finished: import its file again.")
    return folder.read("items", Item)


def is_done(folder: RunFolder) -> bool:
    """Whether a run is sealed as done."""
    result = folder.result
    return result is not None and result["state"] == "done"


@contextmanager
def locked(folder: RunFolder) -> Iterator[None]:
    """Hold the run's lock; a second import of the same file waits here for the first."""
    with (folder.path / "lock").open("rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(folder: RunFolder, rows: Iterator[Item | Reject], known: Survey) -> None:
    """Write an import from its start: what an earlier attempt left is dropped."""
    for name in ("items.jsonl", "rejects.jsonl", "stop"):
        (folder.path / name).unlink(missing_ok=True)
    labels: dict[str, Counter[str]] = {}
    done = 0
    with Work(folder) as work:
        work.started()
        while chunk := list(islice(rows, CHUNK)):
            work.raise_if_stopped()
            items = [row for row in chunk if isinstance(row, Item)]
            work.append("items", items)
            work.append("rejects", [row for row in chunk if isinstance(row, Reject)])
            for item in items:
                labels.setdefault(item.split, Counter())[item.gold or UNLABELLED] += 1
            done += len(chunk)
            work.progress(done, known.items + known.rejects, "rows")
        work.summary |= {"items": known.items, "rejects": known.rejects, **counted(labels), "warnings": known.warnings}


def counted(labels: dict[str, Counter[str]]) -> dict[str, Any]:
    """Counts of a data set from its counts of labels per split."""
    return {
        "unlabelled": sum(counts[UNLABELLED] for counts in labels.values()),
        "splits": {split: labels[split].total() for split in sorted(labels)},
        "labels": {split: dict(sorted(labels[split].items())) for split in sorted(labels)},
    }


# --- selection


class InSplit(Protocol):
    """What a selection asks of an item."""

    @property
    def id(self) -> str: ...

    @property
    def split(self) -> str: ...


Q = TypeVar("Q", bound=InSplit)


def select_items(items: Sequence[Q], selection: Selection) -> list[Q]:
    """The items of a split that a stage works on, in the order of a seeded hash of their ids.

    Of the n items of the split, in that order, the slice [round(lo * n), round(hi * n)), then its first
    `limit`: the parts (0, 0.5) and (0.5, 1) share nothing and leave nothing out if their seed is the same.
    What `apart_from` leaves out is left out before that.
    `BadInput` for a split without items and for a part whose end is below its start.
    """
    chosen = _of_split(items, selection.split)
    if selection.apart_from is not None:
        chosen = _apart(chosen, _of_split(items, selection.apart_from), selection)
    low, high = selection.part
    if low > high:
        raise BadInput(f"The part of the split ends at {high} before it starts at {low}: swap the two.")
    seeds = seeds_of(("select", selection.seed), [item.id for item in chosen])
    ordered = [item for _, item in sorted(zip(seeds, chosen, strict=True), key=lambda one: (one[0], one[1].id))]
    return ordered[round(low * len(chosen)) : round(high * len(chosen))][: selection.limit]


def _of_split(items: Sequence[Q], split: str) -> list[Q]:
    found = [item for item in items if item.split == split]
    if not found:
        counts = Counter(item.split for item in items)
        there = ", ".join(f"{quoted(name)} with {n}" for name, n in counts.items()) or "no items at all"
        raise BadInput(f"Split {quoted(split)} has no item: choose another (there are {there}).")
    return found


def _apart(chosen: Sequence[Q], others: Sequence[Q], selection: Selection) -> list[Q]:
    """Those whose question is none of the other split's (`core.data.questions`)."""
    if selection.apart_from == selection.split:
        raise BadInput(f"`apart_from` is the split itself, {quoted(selection.split)}: name another split.")
    known = {_content(item) for item in others}
    return [item for item in chosen if _content(item) not in known]


def _content(item: Item | Question) -> str:
    return item.content if isinstance(item, Question) else question_of(item).content
