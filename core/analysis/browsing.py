"""Finding explanations among all of a lab: filters, counts beside each choice, orders, pages, neighbours.

    wanted = Wanted(labels=("anchor",), order="worst")
    narrow = narrow_rows(store, catalogue(store), wanted.lens)      # all explanations, read once a lens
    found = facets(store, narrow, wanted)                   # N of M, K questions, counts of every choice
    rows = page(store, narrow, wanted, number=0)            # 50 rows, ids first and texts for those alone
    order = questions(store, narrow, wanted)                # every question, where its first explanation stands

No win rate is computed here, and no text is read but of the rows of a page.  Samples without a judge are found
too; they have no score.  Not covered: sample runs that are not complete, debaters, readers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from core.analysis.catalogue import Drawn
from core.analysis.narrow_rows import DRAWN, Lens, NarrowRows, ScoreName, matching, named
from core.method.reading.reasons import NOT_NOTED
from core.records import CATEGORIES, RightBy
from core.store.database import Store

Order = Literal["as sampled", "best", "worst", "random", "most disputed"]
ORDERS: tuple[Order, ...] = ("as sampled", "best", "worst", "random", "most disputed")

ROWS_A_PAGE = 50

UNCATEGORISED = "uncategorised"
KINDS_OF_CATEGORY = (*CATEGORIES, UNCATEGORISED)
RIGHT = ("right", "wrong", "no gold")
FORMS = {
    "unparsed": "r.unparsed",
    "empty": "r.empty",
    "not empty": "NOT r.empty",
    "unjudged": "r.score IS NULL",
}
"""Form of an explanation → its condition; one may have several."""

ANNOTATED = "(r.samples, r.item_id, r.sample) IN (SELECT (samples, item_id, sample) FROM annotated)"
"""Whether a person has annotated an explanation; asked only where the narrow rows say who has been."""

HAS_TEXT = "(r.samples, r.item_id, r.sample) IN (SELECT (samples, item_id, sample) FROM matching)"
"""Whether an explanation or its question holds the wanted text."""


# --- what is wanted


@dataclass(frozen=True)
class Wanted:
    """Which explanations, seen how.  Empty means all; values of one field are alternatives."""

    datasets: tuple[str, ...] = ()
    """Import runs."""
    splits: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    """Of `KINDS_OF_CATEGORY`."""
    right: tuple[str, ...] = ()
    """Of `RIGHT`."""
    forms: tuple[str, ...] = ()
    """Of `FORMS`."""
    unread: tuple[str, ...] = ()
    """Reasons of unparsed ones (`core.records.Unread`), or `NOT_NOTED`."""
    annotated: tuple[str, ...] = ()
    """`annotated`, `not annotated`; says nothing in a lab without annotations."""
    protocol: str | None = None
    score_between: tuple[float, float] | None = None
    tokens_between: tuple[float, float] | None = None
    """Length of the response, both ends among them."""
    criteria_between: tuple[tuple[int, float, float], ...] = ()
    """Place of the criterion in the rubric, from, to: its expected value, of a judge that writes the verdict's."""
    verdicts: tuple[tuple[str, str], ...] = ()
    """(criterion, verdict) that the judge gave; what it was not asked about, since it is empty, has none."""
    text: str = ""
    """Words of the explanation or the question, case ignored."""
    order: Order = "as sampled"
    seed: int = 0
    """Of the order `random`."""
    judge: str | None = None
    """Key of the judge whose scores are meant; None: the first of the catalogue."""
    score: ScoreName = "expected"
    """A judge without expected scores (one that writes) is read by its totals."""
    by: RightBy = "forced"
    """Which prediction makes a response right, here and for categories."""

    @property
    def lens(self) -> Lens:
        """The narrow rows that these are looked for in."""
        return Lens(self.protocol, self.judge, self.score, self.by)


@dataclass(frozen=True)
class Facets:
    """How many there are, and how many each further choice would find."""

    wanted: int
    questions: int
    """Questions that the wanted explanations answer."""
    total: int
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """Field of `Wanted` → value → explanations that every other field lets through."""


FACETS = ("datasets", "splits", "labels", "categories", "right", "forms", "unread", "annotated")


def facets(store: Store, narrow: NarrowRows, wanted: Wanted) -> Facets:
    """Counts from one pass: explanations grouped by all that has few values, then summed choice by choice."""
    if not narrow.drawn:
        return Facets(0, 0, 0, {name: {} for name in FACETS})
    scope = _Scope(store, narrow, wanted)
    annotated = "NULL" if narrow.annotated is None else ANNOTATED
    questions, *rows = scope.ask(
        f"""{scope.rows()}, few AS (
            SELECT r.place, r.split, r.category, r."right", r.unparsed, r.unread, r.empty, r.score IS NULL AS unjudged,
                {annotated}::BOOLEAN AS annotated, count(*) AS size
            FROM rows r WHERE {scope.ranges()} GROUP BY ALL
        ), questions AS (SELECT DISTINCT r.dataset, r.item_id FROM rows r WHERE {scope.all()})
        SELECT * FROM (
            SELECT -1 AS place, NULL AS split, NULL AS category, NULL AS "right", NULL AS unparsed, NULL AS unread,
                NULL AS empty,
                NULL AS unjudged, NULL AS annotated, count(*) AS size FROM questions
            UNION ALL BY NAME SELECT * FROM few
        ) ORDER BY place""",
    )
    cells = [_cell(narrow.drawn[row[0]], row) for row in rows]
    counts = {name: _counts(cells, wanted, name) for name in FACETS}
    number = sum(size for values, size in cells if _passes(values, wanted))
    return Facets(number, questions[-1], sum(one.responses for one in narrow.drawn), counts)


Cell = tuple[dict[str, set[str]], int]
"""Values of a group of explanations, by the field of `Wanted` that asks for them, and how many there are."""


def _cell(one: Drawn, row: Sequence[Any]) -> Cell:
    _, split, category, right, unparsed, unread, empty, unjudged, annotated, size = row
    flags = zip(FORMS, (unparsed, empty, not empty, unjudged), strict=True)
    values = {
        "datasets": {one.dataset},
        "splits": {split},
        "labels": {one.label},
        "categories": {category or UNCATEGORISED},
        "right": {"no gold" if right is None else "right" if right else "wrong"},
        "forms": {name for name, is_so in flags if is_so},
        "unread": {unread or NOT_NOTED} if unparsed else set(),
        "annotated": set() if annotated is None else {"annotated" if annotated else "not annotated"},
    }
    return values, size


def _passes(values: dict[str, set[str]], wanted: Wanted, but: str = "") -> bool:
    """Whether every field but one lets these through."""
    asked = ((name, getattr(wanted, name)) for name in FACETS if name != but)
    return all(not choice or values[name] & set(choice) for name, choice in asked)


def _counts(cells: Sequence[Cell], wanted: Wanted, name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for values, size in cells:
        let_through = _passes(values, wanted, but=name)
        for value in values[name]:
            found[value] = found.get(value, 0) + (size if let_through else 0)
    return found


# --- a page, and what is beside an explanation


@dataclass(frozen=True)
class Spot:
    """One explanation of the lab."""

    samples: str
    item_id: str
    sample: int


def page(store: Store, narrow: NarrowRows, wanted: Wanted, number: int, size: int = ROWS_A_PAGE) -> pd.DataFrame:
    """Rows of a page, the first is 0: samples, label, dataset, split, item_id, sample, question, explanation,
    prediction, right, category, score, spread (of the order `most disputed`), tokens."""
    scope = _Scope(store, narrow, wanted)
    columns = ("place", "item_id", "sample", "split", "category", "right", "score", "spread")
    listed = ", ".join(f'r."{column}"' for column in columns)
    query = f"{scope.found()} SELECT {listed} FROM found r ORDER BY {scope.order()} LIMIT {int(size)}"
    ids = scope.ask(f"{query} OFFSET {int(number) * int(size)}")
    frame = pd.DataFrame(ids, columns=columns).astype({"item_id": object, "sample": "int32"})
    for name in ("samples", "label", "dataset"):
        frame[name] = pd.Series([getattr(narrow.drawn[place], name) for place in frame["place"]], dtype=object)
    texts = _texts(store, frame, wanted.by)
    return frame.drop(columns="place").merge(texts, on=["samples", "item_id", "sample"], how="left")


def _texts(store: Store, rows: pd.DataFrame, by: RightBy) -> pd.DataFrame:
    """The texts of these explanations alone, cut to what a table can show."""
    return store.frame(
        f"WITH p AS (SELECT unnest($a) AS samples, unnest($b) AS item_id, unnest($c) AS sample, unnest($d) AS dataset) "
        f"SELECT p.samples, p.item_id, p.sample, left(i.question, 300) AS question, left(e.explanation, 600) AS "
        f"explanation, e.{by} AS prediction, e.tokens FROM p JOIN items i ON i.run = p.dataset AND i.id = p.item_id "
        "JOIN explanations e ON e.run = p.samples AND e.item_id = p.item_id AND e.sample = p.sample",
        {
            name: rows[column].tolist()
            for name, column in zip("abcd", ("samples", "item_id", "sample", "dataset"), strict=True)
        },
    )


@dataclass(frozen=True)
class Neighbours:
    """Where a question stands among the wanted ones, in their order."""

    place: int | None
    """Counted from 1; None where it is not among them."""
    questions: int
    previous: Spot | None
    next: Spot | None
    """The first explanation of the question before and after it; after none of them: the first question."""


@dataclass(frozen=True)
class Walk:
    """The wanted questions in their order; each stands where its first wanted explanation does."""

    spots: list[tuple[str, str, int]]
    """That explanation of each, as a `Spot` has it."""
    places: dict[tuple[str, str], int]
    """(import run, item) → where it stands, from 0."""

    def around(self, dataset: str, item_id: str) -> Neighbours:
        """The questions before and after this one."""
        at = self.places.get((dataset, item_id), -1)
        before, after = self.spots[max(at - 1, 0) : max(at, 0)], self.spots[at + 1 : at + 2]
        previous, following = (next((Spot(*spot) for spot in spots), None) for spots in (before, after))
        return Neighbours(at + 1 or None, len(self.spots), previous, following)


def questions(store: Store, narrow: NarrowRows, wanted: Wanted) -> Walk:
    """Every question of which an explanation is wanted, in the order of those."""
    scope = _Scope(store, narrow, wanted)
    rows = scope.ask(
        f"""{scope.found()}, ranked AS (
            SELECT r.place, r.samples, r.dataset, r.item_id, r.sample, row_number() OVER (ORDER BY {scope.order()})
                AS rank FROM found r
        )
        SELECT arg_min(samples, rank), item_id, arg_min(sample, rank), dataset FROM ranked
        GROUP BY dataset, item_id ORDER BY min(rank)""",
    )
    places = {(dataset, item_id): place for place, (_, item_id, _, dataset) in enumerate(rows)}
    return Walk([row[:3] for row in rows], places)


# --- the query that all of them share


class _Scope:
    """The parts of the SQL of a `Wanted`, over narrow rows."""

    def __init__(self, store: Store, narrow: NarrowRows, wanted: Wanted) -> None:
        self.store = store
        self.narrow = narrow
        self.wanted = wanted
        self.values: dict[str, Any] = dict(narrow.values)
        self.tables = dict(narrow.tables)
        if wanted.text and narrow.matching is None:
            self.tables["matching"] = matching(store, wanted.text)

    def rows(self) -> str:
        """WITH … rows: one row an explanation."""
        return f"WITH rows AS (SELECT n.*, d.samples, d.judge, d.dataset FROM narrow n JOIN ({DRAWN}) d USING (place))"

    def ranges(self) -> str:
        """Conditions that are no facet: text, score, length, criteria, verdicts."""
        conditions = [HAS_TEXT] if self.wanted.text else []
        if self.wanted.score_between:
            self.values["low"], self.values["high"] = self.wanted.score_between
            conditions.append("r.score BETWEEN $low AND $high")
        if self.wanted.tokens_between:
            self.values["fewest"], self.values["most"] = self.wanted.tokens_between
            conditions.append("r.tokens BETWEEN $fewest AND $most")
        for place, low, high in self.wanted.criteria_between:
            self.values |= {f"low_{place}": low, f"high_{place}": high}
            conditions.append(f"r.by_criterion[{int(place) + 1}] BETWEEN $low_{place} AND $high_{place}")
        for place, (criterion, verdict) in enumerate(self.wanted.verdicts):
            self.values |= {f"criterion_{place}": criterion, f"verdict_{place}": verdict}
            conditions.append(
                "NOT r.empty AND EXISTS (FROM verdicts v WHERE v.run = r.judge AND v.item_id = r.item_id "
                f"AND v.sample = r.sample AND v.criterion = $criterion_{place} AND v.verdict = $verdict_{place})"
            )
        return " AND ".join(conditions) or "true"

    def all(self) -> str:
        """Every condition."""
        w = self.wanted
        conditions = [self.ranges()]
        places = [
            place
            for place, one in enumerate(self.narrow.drawn)
            if (not w.datasets or one.dataset in w.datasets) and (not w.labels or one.label in w.labels)
        ]
        conditions.append(self._among("r.place", "shown", places) if w.datasets or w.labels else "true")
        conditions.append(self._among("r.split", "splits", w.splits) if w.splits else "true")
        category = f"coalesce(r.category, '{UNCATEGORISED}')"
        conditions.append(self._among(category, "categories", w.categories) if w.categories else "true")
        conditions.append(
            _any_of(w.right, {"right": 'r."right"', "wrong": 'NOT r."right"', "no gold": 'r."right" IS NULL'})
        )
        conditions.append(_any_of(w.forms, FORMS))
        reason = f"CASE WHEN r.unparsed THEN coalesce(r.unread, '{NOT_NOTED}') END"
        conditions.append(self._among(reason, "unread", w.unread) if w.unread else "true")
        if w.annotated and self.narrow.annotated is not None:
            conditions.append(_any_of(w.annotated, {"annotated": ANNOTATED, "not annotated": f"NOT {ANNOTATED}"}))
        return " AND ".join(condition for condition in conditions if condition != "true") or "true"

    def _among(self, column: str, name: str, values: Sequence[Any]) -> str:
        self.values[name] = list(values)
        return f"list_contains(${name}, {column})"

    def _disputes(self) -> str:
        """CTE `disputes`: how far an explanation's judges are apart, or the scores of a question's samples."""
        if not judges_differ(self.narrow.drawn):
            return """, disputes AS (
                SELECT *, max(score) OVER question - min(score) OVER question AS spread FROM rows
                WINDOW question AS (PARTITION BY place, item_id))"""
        self.values["every"] = [run for one in self.narrow.drawn for run in one.judges.values()]
        return """, apart AS (
            SELECT samples, item_id, sample, max(coalesce(expected, total)) - min(coalesce(expected, total)) AS spread
            FROM scores WHERE list_contains($every, run) GROUP BY ALL HAVING count(coalesce(expected, total)) > 1
        ), disputes AS (SELECT rows.*, apart.spread FROM rows LEFT JOIN apart USING (samples, item_id, sample))"""

    def found(self) -> str:
        """WITH … found: the wanted rows, with `spread` where the order asks for it."""
        where = self.all()
        if self.wanted.order == "most disputed":
            return f"{self.rows()}{self._disputes()}, found AS (SELECT * FROM disputes r WHERE {where})"
        return f"{self.rows()}, found AS (SELECT *, NULL::DOUBLE AS spread FROM rows r WHERE {where})"

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query, bound to the values that it names."""
        return self.store.rows(query, named(self.values, query), self.tables)

    def order(self) -> str:
        at = "r.place, r.seq"
        match self.wanted.order:
            case "best":
                return f"r.score DESC NULLS LAST, {at}"
            case "worst":
                return f"r.score ASC NULLS LAST, {at}"
            case "random":
                self.values["seed"] = str(self.wanted.seed)
                return f"hash(r.samples || r.item_id || r.sample::VARCHAR || $seed), {at}"
            case "most disputed":
                return "r.spread DESC NULLS LAST, r.dataset, r.item_id, r.place, r.seq"
        return at


def judges_differ(drawn: Sequence[Drawn]) -> bool:
    """Whether several judges have scored the same samples."""
    return any(len(one.judges) > 1 for one in drawn)


def _any_of(chosen: Sequence[str], conditions: dict[str, str]) -> str:
    asked = [conditions[name] for name in chosen if name in conditions]
    return f"({' OR '.join(asked)})" if asked else "true"
