"""How the questions of one run fall into the anchor categories, in each group of questions.

    shares_by_group(store, run, "split", "parsed", CompareSettings())    # group → CategoryShares

For sample runs and for explanations written elsewhere, judged or not.  Where each question has its own number of
responses (written elsewhere), that number is its N.  Intervals are 95% score intervals over questions.  Not covered:
several runs side by side (`core.results.category_shares`), which questions moved (`core.queries.moves`).
"""

from typing import Any, Literal

import numpy as np
import pandas as pd

from core.errors import BadInput
from core.records import CATEGORIES, RightBy
from core.results import CategoryShares
from core.settings import CompareSettings
from core.statistics.resampling import Resamples
from core.store import Store

Group = Literal["split", "options", "responses", "all"]

GROUPS: dict[Group, str] = {
    "split": "i.split",
    "options": "len(i.options) || ' options'",
    "responses": "c.n || ' responses'",
    "all": "'all'",
}
"""What questions are grouped by → how the database says it: split or task, number of options, of responses, nothing."""


def categorised_runs(store: Store) -> pd.DataFrame:
    """Runs whose questions have categories, newest first: id, kind, label, dataset_name."""
    return store.frame(
        "SELECT r.id, r.kind, r.label, d.label AS dataset_name FROM runs r JOIN runs d ON d.id = r.dataset "
        "WHERE r.complete AND (r.kind = 'responses' OR r.kind = 'sample' AND r.settings->>'role' = 'explainer') "
        "ORDER BY r.created DESC, r.id"
    )


def shares_by_group(
    store: Store, run: str, group: Group, right_by: RightBy, settings: CompareSettings
) -> dict[str, CategoryShares]:
    """Group → category counts and shares, groups in alphabetical order; `BadInput` for a run without responses."""
    column = {"parsed": "c.parsed", "forced": "c.forced"}[right_by]
    found = store.frame(
        f"SELECT {GROUPS[group]} AS name, {column} AS category FROM categories c JOIN runs r ON r.id = c.run "
        "JOIN items i ON i.run = r.dataset AND i.id = c.item_id WHERE c.run = ? ORDER BY name, c.seq",
        [run],
    )
    if found.empty:
        raise BadInput(f"{run} has no responses to sort into categories: name a sample run, or one of explanations.")
    return {str(name): _shares(rows["category"], settings) for name, rows in found.groupby("name", sort=True)}


def _shares(categories: pd.Series, settings: CompareSettings) -> CategoryShares:
    known = categories.dropna()
    one_hot = np.stack([(known == category).to_numpy(dtype=float) for category in CATEGORIES], axis=1)
    estimates = Resamples(len(known), settings.resamples, settings.seed).means(one_hot, bounds=(0.0, 1.0))
    return CategoryShares(
        shares=dict(zip(CATEGORIES, estimates, strict=True)),
        counts={category: int((known == category).sum()) for category in CATEGORIES},
        uncategorised=int(categories.isna().sum()),
    )


def share_rows(shares: dict[str, CategoryShares]) -> list[dict[str, Any]]:
    """A row a group for scripts: group, n, uncategorised, and each category's count, share, low and high."""
    return [
        {"group": name, "n": sum(entry.counts.values()), "uncategorised": entry.uncategorised}
        | {
            category: {
                "questions": entry.counts[category],
                "share": entry.shares[category].value,
                "low": entry.shares[category].low,
                "high": entry.shares[category].high,
            }
            for category in CATEGORIES
        }
        for name, entry in shares.items()
    ]
