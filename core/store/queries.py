"""What pages and exports ask of the database, a function a question; each returns a data frame.

Frames are small: a page of rows, a run, a question.  Numbers with intervals are `core.analysis.results`.
"""

import json
from typing import Any

import pandas as pd

from core.records import Explanation, Item, Option, RightBy
from core.store.database import Store
from core.store.journal import archived

# --- runs


def ended_last(store: Store, limit: int) -> pd.DataFrame:
    """The runs that ended last, newest first: id, kind, mode, label, state, seconds, ended (seconds since 1970)."""
    return store.frame(
        "SELECT id, kind, settings->>'mode' AS mode, label, state, seconds, created + coalesce(seconds, 0) AS ended "
        "FROM runs WHERE state IS NOT NULL ORDER BY ended DESC, id LIMIT ?",
        [limit],
    )


def notes(store: Store, run: str) -> list[str]:
    """What a run wants people to know, in its own words."""
    query = "SELECT body->>'text' FROM events WHERE run = ? AND type = 'note' ORDER BY seq"
    return [row[0] for row in store.rows(query, [run])]


def provenance(store: Store, run: str) -> dict[str, Any]:
    """Engine, model and adapter hashes, template hash, dtype and device that a run loaded; empty if none."""
    found = store.rows("SELECT loaded FROM provenance WHERE run = ?", [run])
    return json.loads(found[0][0]) if found else {}


def variants_of(store: Store, samples: list[str]) -> pd.DataFrame:
    """The variant of each sample run: samples, base, base_hash, base_source, chain, adapter_hashes."""
    return store.frame(
        "SELECT r.id AS samples, v.* EXCLUDE (id, label, adapter_hashes), coalesce(v.adapter_hashes, []) AS "
        "adapter_hashes FROM runs r JOIN variants v ON v.id = r.variant WHERE list_contains($1, r.id) "
        "ORDER BY list_position($1, r.id)",
        [samples],
    )


# --- data sets


def datasets(store: Store) -> pd.DataFrame:
    """Data sets with their counts, newest first; those that are archived are left out."""
    hidden = sorted(archived(store.home))
    return store.frame("SELECT * FROM datasets WHERE NOT list_contains(?, id) ORDER BY created DESC", [hidden])


UNLABELLED = "(unlabelled)"
"""Stands for the label of items that have none."""


def label_counts(store: Store, dataset: str) -> pd.DataFrame:
    """Items per split and gold label (`UNLABELLED` where there is none): split, gold, items."""
    return store.frame(
        "SELECT split, coalesce(gold, $2) AS gold, count(*) AS items FROM items WHERE run = $1 "
        "GROUP BY ALL ORDER BY split, gold",
        [dataset, UNLABELLED],
    )


def items(
    store: Store, dataset: str, split: str | None, text: str, limit: int, offset: int, label: str | None = None
) -> pd.DataFrame:
    """A page of items as people read them; `found` is how many match in all.  None: any split, any label."""
    return store.frame(
        """
        SELECT id, split, question, context,
            array_to_string(list_transform(options, lambda o: CASE WHEN o.label = o.text THEN o.text
                ELSE o.label || '. ' || o.text END), '  ·  ') AS options,
            gold, count(*) OVER () AS found
        FROM items WHERE run = $1 AND ($2 IS NULL OR split = $2) AND contains(lower(question), lower($3))
            AND ($6 IS NULL OR coalesce(gold, $7) = $6)
        ORDER BY seq LIMIT $4 OFFSET $5
        """,
        [dataset, split, text, limit, offset, label, UNLABELLED],
    )


def rejects(store: Store, dataset: str) -> pd.DataFrame:
    """Rows that did not become items, and why."""
    return store.frame("SELECT file, row, reason, raw FROM rejects WHERE run = ? ORDER BY seq", [dataset])


def item(store: Store, dataset: str, item_id: str) -> Item | None:
    """One item, None if the data set has no such id."""
    found = store.rows(
        "SELECT id, split, question, context, options, gold FROM items WHERE run = ? AND id = ?", [dataset, item_id]
    )
    if not found:
        return None
    names = ("id", "split", "question", "context", "options", "gold")
    values = dict(zip(names, found[0], strict=True))
    return Item(**values | {"options": [Option(**option) for option in values["options"]]})


# --- explanations


def responses(store: Store, samples: str, item_id: str) -> list[Explanation]:
    """All samples of one question of a sample run, in order."""
    names = list(Explanation.model_fields)
    rows = store.rows(
        f"SELECT {', '.join(names)} FROM explanations WHERE run = ? AND item_id = ? ORDER BY sample", [samples, item_id]
    )
    return [Explanation(**dict(zip(names, row, strict=True))) for row in rows]


def scores(store: Store, judge: str, item_id: str) -> pd.DataFrame:
    """A judge's scores of one question's samples: sample, origin, total, expected, reply, unjudged."""
    return store.frame(
        "SELECT sample, origin, total, expected, reply, unjudged FROM scores WHERE run = ? AND item_id = ? "
        "ORDER BY sample",
        [judge, item_id],
    )


def verdicts(store: Store, judge: str, item_id: str) -> pd.DataFrame:
    """A judge's verdicts on one question's samples: sample, criterion, verdict, value, probabilities."""
    return store.frame(
        "SELECT sample, criterion, verdict, value, probabilities FROM verdicts WHERE run = ? AND item_id = ? "
        "ORDER BY seq, rowid",
        [judge, item_id],
    )


# --- categories and pairs


def questions_of(store: Store, dataset: str, ids: list[str]) -> dict[str, dict[str, Any]]:
    """Item id → {"question", "gold"} of a data set, for these ids alone."""
    rows = store.rows(
        "SELECT id, question, gold FROM items WHERE run = ? AND id IN (SELECT unnest(?::VARCHAR[]))", [dataset, ids]
    )
    return {item: {"question": question, "gold": gold} for item, question, gold in rows}


def right_counts(store: Store, samples: str, by: RightBy) -> pd.DataFrame:
    """Questions of a sample run that have gold: item_id, n draws, k of them right."""
    return store.frame(
        f"SELECT item_id, n, k_{by}::BIGINT AS k FROM categories WHERE run = ? AND {by} IS NOT NULL ORDER BY seq",
        [samples],
    )


def pair_sets(store: Store) -> pd.DataFrame:
    """Pair runs that are complete, newest first: id, label, dataset, strategy, settings, summary."""
    return store.frame(
        "SELECT r.id, r.label, r.dataset, d.label AS dataset_name, r.settings->>'strategy' AS strategy, r.settings, "
        "r.summary, r.parents FROM runs r JOIN runs d ON d.id = r.dataset WHERE r.kind = 'pairs' AND r.complete "
        "ORDER BY r.created DESC"
    )


def pairs_of(store: Store, dataset: str, item_id: str) -> pd.DataFrame:
    """Pairs that a question gave, newest set first, with the set's label, who wrote both halves, and the trainings."""
    return store.frame(
        """
        SELECT p.*, r.label, coalesce(c.label, '') AS chosen_writer, coalesce(j.label, '') AS rejected_writer,
            list(t.id ORDER BY t.created) FILTER (t.id IS NOT NULL) AS trainings
        FROM pairs p JOIN runs r ON r.id = p.run AND r.dataset = ? LEFT JOIN runs c ON c.id = p.chosen_run
        LEFT JOIN runs j ON j.id = p.rejected_run
        LEFT JOIN runs t ON t.kind = 'dpo' AND t.parents->>'pairs' = p.run
        WHERE p.item_id = ? GROUP BY ALL ORDER BY max(r.created) DESC, p.seq
        """,
        [dataset, item_id],
    )


# --- head to head


def head_to_head_runs(store: Store) -> pd.DataFrame:
    """Complete head-to-head runs, newest first: run, dataset, dataset_name, a and b (labels), samples, judge."""
    return store.frame(
        "SELECT r.id AS run, r.dataset, d.label AS dataset_name, a.label AS a, b.label AS b, a.id AS samples_a, "
        "b.id AS samples_b, r.model AS judge_name, r.settings FROM runs r JOIN runs d ON d.id = r.dataset "
        "JOIN runs a ON a.id = r.parents->>'samples_a' JOIN runs b ON b.id = r.parents->>'samples_b' "
        "WHERE r.kind = 'head_to_head' AND r.complete ORDER BY r.created DESC, r.id"
    )


def head_to_head_rows(store: Store, run: str) -> pd.DataFrame:
    """Comparisons of a head-to-head run: item_id, origin, outcome, flipped, a_first, b_first (answers)."""
    return store.frame(
        "SELECT item_id, origin, outcome, flipped, a_first, b_first FROM head_to_head WHERE run = ? ORDER BY seq", [run]
    )
