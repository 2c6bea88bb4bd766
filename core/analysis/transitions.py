"""How questions move between the anchor categories along a chain of variants, base → sft → rank → anchor.

    table = question_table(store, {"base": "sample-…", "sft": "sample-…"}, "parsed")
    routes(table)                                       # [Route(("variable", "consistently_correct"), [0, 7, …]), …]
    moved(table, "base", "sft", CompareSettings())      # better, worse, net change with its interval

A question's category is drawn with its N responses, so some of what moves is luck: two draws of one variant move
questions too.  Not covered: that share of luck (`core.analysis.diagnostics.anchor`), shares per
variant (`core.analysis.distribution`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.results import CategoryShares
from core.errors import BadInput
from core.records import CATEGORIES, Category, RightBy
from core.settings import CompareSettings
from core.statistics.estimates import Estimate
from core.statistics.resampling import Resamples
from core.statistics.significance import sign_test_p
from core.store.database import Store

WORST_FIRST: tuple[Category, ...] = CATEGORIES[::-1]
"""A move to a later one is a move to the better."""


@dataclass(frozen=True)
class QuestionTable:
    """The questions of a data set that a chain of variants answered, in the order they were sampled."""

    labels: tuple[str, ...]
    """Variants, in the order of the chain."""
    items: list[str]
    category: np.ndarray
    """Place in `CATEGORIES` under each variant, shape (questions, variants); −1: it has none there."""
    right: np.ndarray
    """k, right responses under each variant, shape (questions, variants); −1 where there is no category."""
    drawn: np.ndarray
    """n, responses under each variant, shape (questions, variants)."""

    def place(self, label: str) -> int:
        """Column of a variant."""
        return self.labels.index(label)


def shares_of(table: QuestionTable, settings: CompareSettings) -> dict[str, CategoryShares]:
    """Variant → category counts and shares, all on the same resamples of questions."""
    marks = np.stack([table.category == place for place in range(len(CATEGORIES))], axis=2).astype(float)
    marks[table.category < 0] = np.nan
    drawn = Resamples(len(table.items), settings.resamples, settings.seed)
    estimates = iter(drawn.means(marks.reshape(len(table.items), -1), bounds=(0.0, 1.0)))
    return {
        label: CategoryShares(
            shares={category: next(estimates) for category in CATEGORIES},
            counts={c: int((table.category[:, i] == place).sum()) for place, c in enumerate(CATEGORIES)},
            uncategorised=int(((table.category[:, i] < 0) & (table.drawn[:, i] > 0)).sum()),
        )
        for i, label in enumerate(table.labels)
    }


@dataclass(frozen=True)
class Route:
    """One way through the categories, and the questions that took it."""

    categories: tuple[Category, ...]
    """One a variant of the chain."""
    questions: list[int]
    """Rows of the table."""


@dataclass(frozen=True)
class Moved:
    """What became of the questions from one variant to another."""

    before: str
    after: str
    better: int
    """Questions in a better category afterwards: wrong < variable < correct."""
    worse: int
    same: int
    net: Estimate
    """(better − worse) / n, between −1 and 1; the interval resamples questions."""
    p: float | None
    """Two-sided exact sign test of better against worse (McNemar 1947, exact form); None where none moved."""


def question_table(store: Store, samples: Mapping[str, str], right_by: RightBy) -> QuestionTable:
    """Category and k of n of each question under each variant; samples: variant label → sample run, in order."""
    if not samples:
        raise BadInput("No variant to follow: name sample runs of one data set.")
    column = {"parsed": "parsed", "forced": "forced"}[right_by]
    frames = [
        store.frame(
            f"SELECT item_id, n, k_{column}::BIGINT AS k, {column} AS category FROM categories WHERE run = ? "
            "ORDER BY seq",
            [run],
        ).set_index("item_id")
        for run in samples.values()
    ]
    items = list(dict.fromkeys(item for frame in frames for item in frame.index))
    wide = [frame.reindex(items) for frame in frames]
    category = np.stack([_places(frame["category"]) for frame in wide], axis=1)
    right = np.stack([frame["k"].fillna(-1).to_numpy(dtype=int) for frame in wide], axis=1)
    drawn = np.stack([frame["n"].fillna(0).to_numpy(dtype=int) for frame in wide], axis=1)
    return QuestionTable(tuple(samples), items, category, np.where(category < 0, -1, right), drawn)


def _places(categories: pd.Series) -> np.ndarray:
    return pd.Categorical(categories, categories=list(CATEGORIES)).codes.astype(int)


def routes(table: QuestionTable) -> list[Route]:
    """Every way that questions with a category under all variants took, the most travelled first."""
    known = np.flatnonzero((table.category >= 0).all(axis=1))
    taken: dict[tuple[int, ...], list[int]] = {}
    for row in known:
        taken.setdefault(tuple(table.category[row].tolist()), []).append(int(row))
    found = [Route(tuple(CATEGORIES[c] for c in way), rows) for way, rows in taken.items()]
    return sorted(found, key=lambda route: (-len(route.questions), [CATEGORIES.index(c) for c in route.categories]))


def matrix(table: QuestionTable, before: str, after: str) -> np.ndarray:
    """Questions by category under two variants, shape (3, 3), rows `before`, both in the order of `CATEGORIES`."""
    counts = np.zeros((len(CATEGORIES), len(CATEGORIES)), dtype=int)
    a, b = _both(table, before, after)
    np.add.at(counts, (a, b), 1)
    return counts


def between(table: QuestionTable, before: str, after: str, start: Category, end: Category) -> list[int]:
    """Rows of the questions that are in `start` under one variant and in `end` under the other."""
    a, b = table.category[:, table.place(before)], table.category[:, table.place(after)]
    return np.flatnonzero((a == CATEGORIES.index(start)) & (b == CATEGORIES.index(end))).tolist()


def moved(table: QuestionTable, before: str, after: str, settings: CompareSettings) -> Moved:
    """How many questions got better and worse, and the net change over those with a category under both."""
    a, b = _both(table, before, after)
    step = np.sign(a - b).astype(float)  # CATEGORIES has the best first
    better, worse = int((step > 0).sum()), int((step < 0).sum())
    return Moved(
        before=before,
        after=after,
        better=better,
        worse=worse,
        same=len(step) - better - worse,
        net=Resamples(len(step), settings.resamples, settings.seed).mean(step, bounds=(-1.0, 1.0)),
        p=sign_test_p(better, worse),
    )


def _both(table: QuestionTable, before: str, after: str) -> tuple[np.ndarray, np.ndarray]:
    a, b = table.category[:, table.place(before)], table.category[:, table.place(after)]
    known = (a >= 0) & (b >= 0)
    return a[known], b[known]


def steps(labels: Sequence[str]) -> list[tuple[str, str]]:
    """Each step of a chain, then the whole of it where that is another.

    >>> steps(["base", "sft", "anchor"])
    [('base', 'sft'), ('sft', 'anchor'), ('base', 'anchor')]
    """
    single = list(pairwise(labels))
    return single + ([(labels[0], labels[-1])] if len(labels) > 2 else [])


def transition_rows(table: QuestionTable, settings: CompareSettings) -> list[dict[str, Any]]:
    """A row a step of the chain for scripts: before, after, better, worse, same, net, low, high, n, p, and counts."""
    rows = []
    for before, after in steps(table.labels):
        found = moved(table, before, after, settings)
        counts = matrix(table, before, after)
        rows.append(
            {name: value for name, value in asdict(found).items() if name != "net"}
            | {"net": found.net.value, "low": found.net.low, "high": found.net.high, "n": found.net.n}
            | {
                f"{start} to {end}": int(counts[i, j])
                for i, start in enumerate(CATEGORIES)
                for j, end in enumerate(CATEGORIES)
            }
        )
    return rows
