"""What people said as files for other tools: CSV, Parquet, JSON Lines.

    export_annotations(store, Path("annotations.csv"))

Every row is marked `manual`, and says who, when and whether blind.  In CSV a text that a spreadsheet would take
for a formula gets an apostrophe in front (`Store.export`).
"""

from pathlib import Path
from typing import Any, Literal

import pandas as pd

from core.analysis.results import evaluations
from core.annotation.agreeing import AGREEMENT, agreement_row, judge_agreement, pairs_of, people_agreement
from core.annotation.sources import sources
from core.rubrics import load_rubric
from core.settings import CompareSettings
from core.store.database import Store

What = Literal["annotations", "history", "votes", "notes"]

_RATINGS = """
    SELECT h.rater AS annotator, strftime(to_timestamp(h.rated_at) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS time,
        h.blind, true AS manual, h.mode, h.gold_shown, h.criterion, h.label, h.judged AS judge_verdict, h.variant,
        h.samples, h.item_id, h.sample, h.seconds, h.note, i.question, e.explanation
    FROM annotation_history h LEFT JOIN runs r ON r.id = h.samples
    LEFT JOIN items i ON i.run = r.dataset AND i.id = h.item_id
    LEFT JOIN explanations e ON e.run = h.samples AND e.item_id = h.item_id AND e.sample = h.sample
"""
QUERIES: dict[What, str] = {
    "annotations": _RATINGS
    + """QUALIFY row_number() OVER (PARTITION BY h.rater, h.samples, h.item_id, h.sample, h.criterion, h.mode
        ORDER BY h.seq DESC) = 1 ORDER BY h.seq, h.criterion""",
    "history": f"{_RATINGS} ORDER BY h.seq, h.criterion",
    "votes": """
        SELECT v.rater AS annotator,
            strftime(to_timestamp(v.rated_at) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS time,
            v.blind, true AS manual, v.gold_shown, v.item_id, i.question, v.a, v.samples_a, v.sample_a,
            v.b, v.samples_b, v.sample_b, v."left", v.vote, v.seconds, v.note
        FROM pair_votes v LEFT JOIN runs r ON r.id = v.samples_a
        LEFT JOIN items i ON i.run = r.dataset AND i.id = v.item_id ORDER BY v.seq
    """,
    "notes": """
        SELECT rater AS annotator, strftime(to_timestamp(written) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS time,
            true AS manual, rubric, rubric_hash, criterion, note
        FROM rubric_notes ORDER BY id
    """,
}
"""`annotations`: the last label of each annotator, explanation, criterion and mode; `history`: every label that was
ever given; `votes`: choices between two; `notes`: notes on rubrics that stand."""


def export_annotations(store: Store, file: Path, what: What = "annotations") -> int:
    """Write them to a .csv, .parquet, .json or .jsonl file; the number of rows."""
    return store.export(QUERIES[what], file)


def annotation_rows(store: Store, what: What = "annotations") -> pd.DataFrame:
    """The same rows as a data frame."""
    return store.frame(QUERIES[what])


def agreement_frame(store: Store, settings: CompareSettings) -> pd.DataFrame:
    """Judges against people and people among themselves, a row a judge and criterion (`Lab.annotated_agreement`)."""
    rows: list[dict[str, Any]] = []
    for source in sources(store, evaluations(store, settings)):
        pairs = pairs_of(store, source.judges)
        if pairs.empty:
            continue
        rubric = load_rubric(source.rubric)
        among = {one.criterion: one for one in people_agreement(store, list(source.samples.values()), rubric, settings)}
        rows += [
            {"evaluation": source.key, "judge": source.judge} | agreement_row(found, among[found.criterion])
            for found in judge_agreement(pairs, rubric, settings)
        ]
    return pd.DataFrame(rows, columns=AGREEMENT)


def counts(store: Store) -> pd.DataFrame:
    """A row an annotator and way: annotator, mode, blind, explanations, labels, last (seconds since 1970).

    Votes between two are the mode `pairwise`, a label each.
    """
    return store.frame(
        """
        SELECT rater AS annotator, mode, blind, count(DISTINCT (samples, item_id, sample)) AS explanations,
            count(label) AS labels, max(rated_at) AS last
        FROM annotations GROUP BY ALL
        UNION ALL SELECT rater, 'pairwise', blind, 2 * count(*), count(*), max(rated_at) FROM pair_votes GROUP BY ALL
        ORDER BY annotator, mode, blind
        """
    )
