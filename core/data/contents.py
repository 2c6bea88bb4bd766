"""What a data set holds, a page at a time: questions asked of the database by the Datasets page.

    for row in every_dataset(store).to_dict("records"): …     # archived ones too, marked
    reject_kinds(store, run)                                  # kind of reason → rows
    rejects_page(store, run, kind, text, limit=50, offset=0)

Frames hold text of files as it is: cells and code blocks show it, markdown must not.
"""

import pandas as pd

from core.store.database import Store
from core.store.journal import archived

KIND = "regexp_replace(reason, '''[^'']*''|\"[^\"]*\"', '…', 'g')"
"""A reason without the values that it quotes: rows with the same problem have the same."""


def every_dataset(store: Store) -> pd.DataFrame:
    """Data sets with their counts, newest first; `archived` says which are hidden from choices."""
    hidden = sorted(archived(store.home))
    return store.frame(
        "SELECT *, list_contains(?, id) AS archived FROM datasets ORDER BY archived, created DESC", [hidden]
    )


def split_balance(counts: pd.DataFrame) -> pd.DataFrame:
    """A row a split, from its counts of gold labels (`core.store.queries.label_counts`).

    split, questions, share of all, labels, the commonest label, and its share of the labelled questions: what a
    guesser who always says it gets right.  Shares are exact: a data set is counted, not sampled.
    """
    rows = []
    for split, group in counts.groupby("split", sort=True):
        labelled = group[group["gold"] != "(unlabelled)"]
        most = labelled.loc[labelled["items"].idxmax()] if len(labelled) else None
        rows.append(
            {
                "split": split,
                "questions": int(group["items"].sum()),
                "share": float(group["items"].sum() / counts["items"].sum()),
                "unlabelled": int(group["items"].sum() - labelled["items"].sum()),
                "labels": len(labelled),
                "commonest": None if most is None else most["gold"],
                "its share": None if most is None else float(most["items"] / labelled["items"].sum()),
            }
        )
    return pd.DataFrame(rows)


def reject_kinds(store: Store, dataset: str) -> pd.DataFrame:
    """Kinds of reasons, most frequent first: kind, rows."""
    return store.frame(
        f"SELECT {KIND} AS kind, count(*) AS rows FROM rejects WHERE run = ? GROUP BY 1 ORDER BY 2 DESC, 1", [dataset]
    )


def rejects_page(
    store: Store, dataset: str, kind: str | None, text: str, limit: int, offset: int
) -> tuple[pd.DataFrame, int]:
    """Rows that became no question, in the file's order (row, reason, raw), and how many match in all.

    kind: one of `reject_kinds`, None for any; text: what reason or row contains, in any case.
    """
    where = (
        f"FROM rejects WHERE run = $1 AND ($2 IS NULL OR {KIND} = $2) "
        "AND ($3 = '' OR contains(lower(reason), lower($3)) OR contains(lower(raw), lower($3)))"
    )
    found = store.rows(f"SELECT count(*) {where}", [dataset, kind, text])[0][0]
    rows = store.frame(
        f"SELECT row, reason, raw {where} ORDER BY seq LIMIT $4 OFFSET $5", [dataset, kind, text, limit, offset]
    )
    return rows, int(found)
