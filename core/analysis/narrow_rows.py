"""All explanations of a lab, a narrow row each: what filters, counts and orders look at, and no text.

    narrow = narrow_rows(store, catalogue(store), Lens(by="parsed"))      # some 100 bytes an explanation, in memory
    store.rows("SELECT avg(score) FROM narrow", tables=narrow.tables)

Reading and joining them takes longer than any question about them, so they are kept (`app.explanations.found`) until a
run is sealed; which of them are annotated changes while people work, and is read anew (`annotated`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from core.analysis.catalogue import Catalogue, Drawn
from core.records import RightBy
from core.store.database import Store

ScoreName = Literal["expected", "total"]

DRAWN = """
    SELECT unnest($places::INTEGER[]) AS place, unnest($samples::VARCHAR[]) AS samples,
        unnest($judges::VARCHAR[]) AS judge, unnest($datasets::VARCHAR[]) AS dataset, unnest($wanted::INTEGER[]) AS n"""
"""A row a sample run; its values are those of `NarrowRows.values`."""


@dataclass(frozen=True)
class Lens:
    """How all explanations are looked at."""

    protocol: str | None = None
    """None: every protocol."""
    judge: str | None = None
    """A key of the catalogue; None: the first."""
    score: ScoreName = "expected"
    """A judge without expected scores (one that writes) is read by its totals."""
    by: RightBy = "forced"
    """Which prediction makes a response right."""


@dataclass(frozen=True)
class NarrowRows:
    """Explanations as one judge scored them."""

    drawn: list[Drawn]
    """Their sample runs."""
    values: dict[str, Any]
    """What stands for the names in `DRAWN`."""
    table: pa.Table
    """A row an explanation: place (of its run in `drawn`), item_id, sample, seq, unparsed, unread,
    right (missing without
    gold), score (missing where unjudged), by_criterion (expected values, empty where unjudged), empty, tokens, split,
    category (missing where it has none)."""
    annotated: pa.Table | None
    """samples, item_id, sample of those that a person has annotated; None in a lab without annotations."""
    matching: pa.Table | None = None
    """samples, item_id, sample of those that hold a text, where it was looked for beforehand."""

    @property
    def tables(self) -> dict[str, pa.Table]:
        """What a query may name: `narrow`, and `annotated` and `matching` where they are."""
        found = {"narrow": self.table, "annotated": self.annotated, "matching": self.matching}
        return {name: table for name, table in found.items() if table is not None}


def narrow_rows(store: Store, known: Catalogue, lens: Lens = Lens()) -> NarrowRows:
    """Every explanation of a protocol, with its score where the judge gave one."""
    key = lens.judge or next(iter(known.judges), "")
    drawn = [one for one in known.drawn if lens.protocol in (None, one.protocol)]
    judges = [one.judges.get(key) for one in drawn]
    values = {
        "places": list(range(len(drawn))),
        "samples": [one.samples for one in drawn],
        "judges": judges,
        "datasets": [one.dataset for one in drawn],
        "wanted": [one.n for one in drawn],
    }
    query = f"""
        WITH drawn AS ({DRAWN}), told AS ({" UNION ALL BY NAME ".join(_told(judges, lens))}),
        counted AS (
            SELECT place, item_id, any_value(n) AS n, count(*) AS drawn, count("right") AS known, count_if("right") AS k
            FROM told GROUP BY place, item_id
        )
        SELECT t.place, t.item_id, t.sample, t.seq, t.unparsed, t.unread,
            t."right", t.score, t.by_criterion, t.empty, t.tokens,
            i.split, CASE WHEN c.drawn < c.n OR c.known < c.drawn THEN NULL
                WHEN c.k = c.drawn THEN 'consistently_correct' WHEN c.k = 0 THEN 'consistently_incorrect'
                ELSE 'variable' END AS category
        FROM told t JOIN counted c ON c.place = t.place AND c.item_id = t.item_id
        JOIN items i ON i.run = t.dataset AND i.id = t.item_id"""
    return NarrowRows(drawn, values, store.arrow(query, named(values, query)), annotated(store))


def annotated(store: Store) -> pa.Table | None:
    """Which explanations people have annotated: samples, item_id, sample; None in a lab without annotations."""
    if "annotations" not in store.tables():
        return None
    return store.arrow("SELECT DISTINCT samples, item_id, sample FROM annotations")


def _told(judges: Sequence[str | None], lens: Lens) -> list[str]:
    """What is known of each explanation: from its score row, and where it has none from itself."""
    both = (
        "d.place, d.dataset, d.n, s.item_id, s.sample, s.seq, s.parsed IS NULL AS unparsed, s.unread, "
        f's.right_{lens.by} AS "right"'
    )
    value = "coalesce(s.expected, s.total)" if lens.score == "expected" else "s.total"
    judged = (
        f"SELECT {both}, {value}::DOUBLE AS score, s.by_criterion, s.empty, s.tokens "
        "FROM drawn d JOIN scores s ON s.run = d.judge"
    )
    unjudged = (
        f"SELECT {both}, NULL::DOUBLE AS score, []::DOUBLE[] AS by_criterion, s.explanation = '' AS empty, s.tokens "
        "FROM drawn d JOIN explanations s ON s.run = d.samples WHERE d.judge IS NULL"
    )
    if not judges:
        return [unjudged]
    return [judged] * any(judges) + [unjudged] * (None in judges)


def matching(store: Store, text: str) -> pa.Table:
    """Explanations that hold a text, or whose questions do, case ignored: samples, item_id, sample."""
    return store.arrow(
        """SELECT e.run AS samples, e.item_id, e.sample FROM explanations e JOIN runs r ON r.id = e.run
        LEFT JOIN (FROM items WHERE contains(lower(question), lower($text))) i ON i.run = r.dataset AND i.id = e.item_id
        WHERE i.id IS NOT NULL OR contains(lower(e.explanation), lower($text))""",
        {"text": text.encode("utf-8", "replace").decode().replace("\0", "?")},
    )


def named(values: dict[str, Any], query: str) -> dict[str, Any]:
    """Those of the values whose names stand in a query: duckdb refuses the others."""
    names = set(re.findall(r"\$(\w+)", query))
    return {name: value for name, value in values.items() if name in names}
