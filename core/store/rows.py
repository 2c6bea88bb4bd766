"""Lines of a run's record files as rows of the database: a reader a file, each returns the lines it took.

A line that is not the record it should be is a `ValueError`; one about a question or an explanation that is not
there is a `Quarantine`.  When lines are read, and what becomes of a bad file, is `core.store.ingest`.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from core.records import (
    Dropped,
    Explanation,
    HeadToHead,
    Item,
    Judgement,
    Pair,
    Preference,
    Rating,
    Record,
    Reject,
)
from core.runs.events import finite, read_event
from core.runs.folders import RunFolder

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Quarantine(Exception):
    """Why a run's files are not believed."""


def insert(cursor: "DuckDBPyConnection", table: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        cursor.register("incoming", pa.Table.from_pylist(rows))
        cursor.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
        cursor.unregister("incoming")


def _read_events(cursor: "DuckDBPyConnection", folder: RunFolder, start: int, lines: list[bytes]) -> int:
    """Lines that are no events are counted and left out: they say how a run went, and nothing rests on them."""
    rows = []
    for i, line in enumerate(lines):
        try:
            event = finite(read_event(line))
        except ValueError:
            continue
        body = {name: value for name, value in event.items() if name not in ("t", "type")}
        rows.append({"run": folder.id, "seq": start + i, "t": float(event["t"]), "type": event["type"]})
        rows[-1]["body"] = json.dumps(body)
    insert(cursor, "events", rows)
    return len(lines)


def _flat_reader(
    table: str, record: type[Record]
) -> Callable[["DuckDBPyConnection", RunFolder, int, list[bytes]], int]:
    """A reader for records whose fields are the table's columns."""

    def read(cursor: "DuckDBPyConnection", folder: RunFolder, start: int, lines: list[bytes]) -> int:
        records = [record.model_validate_json(line) for line in lines]
        insert(cursor, table, [{"run": folder.id, "seq": start + i, **r.model_dump()} for i, r in enumerate(records)])
        return len(records)

    return read


def _read_explanations(cursor: "DuckDBPyConnection", folder: RunFolder, start: int, lines: list[bytes]) -> int:
    """Explanations, with whether their predictions are right; unparsed is wrong, not unknown."""
    records = [Explanation.model_validate_json(line) for line in lines]
    gold = dict(
        cursor.execute("SELECT id, gold FROM items WHERE run = ?", [folder.config.parents["dataset"]]).fetchall()
    )
    if unknown := {row.item_id for row in records} - gold.keys():
        raise Quarantine(f"it answers {min(unknown)}, a question that its data set does not have")
    forced = folder.config.settings.get("forced", True)  # responses from elsewhere: forced is what they predict
    rows = [
        {
            "run": folder.id,
            "seq": start + i,
            **row.model_dump(),
            "right_parsed": None if gold[row.item_id] is None else row.parsed == gold[row.item_id],
            "right_forced": None if gold[row.item_id] is None or not forced else row.forced == gold[row.item_id],
        }
        for i, row in enumerate(records)
    ]
    insert(cursor, "explanations", rows)
    return len(rows)


def _read_judgements(cursor: "DuckDBPyConnection", folder: RunFolder, start: int, lines: list[bytes]) -> int:
    """Judgements as verdict rows, and as one narrow score row beside what is known of the explanation."""
    records = [Judgement.model_validate_json(line) for line in lines]
    samples = folder.config.parents["samples"]
    verdicts, scores = [], []
    for i, row in enumerate(records):
        key = {"run": folder.id, "seq": start + i, "item_id": row.item_id, "sample": row.sample}
        verdicts += [{**key, **vars(verdict)} for verdict in row.verdicts]
        scores.append(
            {
                **key,
                "samples": samples,
                "by_criterion": [verdict.value for verdict in row.verdicts],
                **row.model_dump(include={"origin", "total", "expected", "reply", "unjudged", "thought"}),
            }
        )
    insert(cursor, "verdicts", verdicts)
    cursor.register("scored", pa.Table.from_pylist(scores))
    inserted = cursor.execute(
        "INSERT INTO scores BY NAME SELECT n.*, e.parsed, e.unread, e.explanation = '' AS empty, e.tokens, "
        "e.right_parsed, e.right_forced FROM scored n JOIN explanations e ON e.run = n.samples "
        "AND e.item_id = n.item_id AND e.sample = n.sample ORDER BY n.seq"
    ).fetchall()[0][0]
    cursor.unregister("scored")
    if inserted != len(records):
        raise Quarantine(f"{len(records)} judgements are of {inserted} explanations of its sample run")
    return len(records)


def _read_pairs(cursor: "DuckDBPyConnection", folder: RunFolder, start: int, lines: list[bytes]) -> int:
    rows = []
    for i, pair in enumerate(map(Pair.model_validate_json, lines)):
        halves = {"chosen": pair.chosen, "rejected": pair.rejected}
        row = {"run": folder.id, "seq": start + i, **pair.model_dump(exclude={"chosen", "rejected"})}
        for half, side in halves.items():
            row[half] = side.text
            row |= {f"{half}_{name}": value for name, value in side.model_dump(exclude={"text"}).items()}
        rows.append(row)
    insert(cursor, "pairs", rows)
    return len(rows)


def _read_head_to_head(cursor: "DuckDBPyConnection", folder: RunFolder, start: int, lines: list[bytes]) -> int:
    """Comparisons of explanations that both sample runs have."""
    records = [HeadToHead.model_validate_json(line) for line in lines]
    samples = {side: folder.config.parents[f"samples_{side}"] for side in ("a", "b")}
    query = "SELECT item_id, sample FROM explanations WHERE run = ?"
    for side, run in samples.items():
        known = set(cursor.execute(query, [run]).fetchall())
        if unknown := {(row.item_id, getattr(row, f"sample_{side}")) for row in records} - known:
            raise Quarantine(f"it compares {len(unknown)} explanations that {run} does not have")
    rows = []
    for i, record in enumerate(records):
        row = {"run": folder.id, "seq": start + i, "samples_a": samples["a"], "samples_b": samples["b"]}
        row |= record.model_dump(exclude={"a_first", "b_first"})
        for order, choice in (("a_first", record.a_first), ("b_first", record.b_first)):
            row |= {order: choice and choice.verdict, f"{order}_reply": choice and choice.reply}
            row[f"{order}_probabilities"] = choice and choice.probabilities
        rows.append(row)
    insert(cursor, "head_to_head", rows)
    return len(rows)


READERS = {
    "events": _read_events,
    "items": _flat_reader("items", Item),
    "rejects": _flat_reader("rejects", Reject),
    "explanations": _read_explanations,
    "judgements": _read_judgements,
    "head_to_head": _read_head_to_head,
    "pairs": _read_pairs,
    "dropped": _flat_reader("dropped", Dropped),
    "preferences": _flat_reader("preferences", Preference),
    "ratings": _flat_reader("ratings", Rating),
}
"""Record file → how its lines become rows."""
