"""How the questions of one run fall into the anchor categories, and would at a smaller N.

    shares_by_group(store, run, "split", "parsed", CompareSettings())    # group → CategoryShares
    expected_shares(right, drawn, CompareSettings())                     # a row a smaller N and category
    category_scores(store, judge, "parsed", "expected", CompareSettings())

For sample runs and for explanations written elsewhere, judged or not.  Where each question has its own number of
responses (written elsewhere), that number is its N.  Intervals are 95% intervals over questions.  Not covered:
several runs side by side (`core.analysis.results.category_shares`), which questions moved
(`core.analysis.transitions`).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from core.analysis.results import CategoryShares
from core.errors import BadInput
from core.records import CATEGORIES, Category, RightBy
from core.settings import CompareSettings
from core.statistics.estimates import Estimate
from core.statistics.resampling import Resamples
from core.store.database import Store

Group = Literal["split", "options", "responses", "all"]

GROUPS: dict[Group, str] = {
    "split": "i.split",
    "options": "len(i.options) || ' options'",
    "responses": "c.n || ' responses'",
    "all": "'all'",
}
"""What questions are grouped by → how the database says it: split or task, number of options, of responses, nothing."""


def categorised_runs(store: Store) -> pd.DataFrame:
    """Runs whose questions have categories, newest first: id, kind, label, dataset_name, forced (whether known)."""
    return store.frame(
        "SELECT r.id, r.kind, r.label, d.label AS dataset_name, "
        "EXISTS (SELECT 1 FROM categories c WHERE c.run = r.id AND c.forced IS NOT NULL) AS forced "
        "FROM runs r JOIN runs d ON d.id = r.dataset "
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


# --- smaller N


@dataclass(frozen=True)
class ExpectedShare:
    """What a category's share would be, on average over all ways to draw fewer responses."""

    n: int
    """Responses a question."""
    category: Category
    share: Estimate


def expected_shares(right: np.ndarray, drawn: np.ndarray, settings: CompareSettings) -> list[ExpectedShare]:
    """Expected share of each category at every N from 1 to the drawn one, exact given the drawn responses.

    right, drawn: k right of n responses, shape (questions,).  Of n responses, m are kept, each choice of m as likely
    as another: all m are right with chance C(k, m) / C(n, m), none with C(n − k, m) / C(n, m) (hypergeometric).
    The largest N is that of the question with fewest responses; intervals resample questions.
    """
    if not len(drawn):
        return []
    sizes = range(1, int(drawn.min()) + 1)
    chances = np.concatenate([_chances(right, drawn, size) for size in sizes], axis=1)
    estimates = Resamples(len(drawn), settings.resamples, settings.seed).means(chances, bounds=(0.0, 1.0))
    estimates[1] = Estimate(0.0, 0.0, 0.0, len(drawn), note="one response is right or wrong, never variable")
    places = [(size, category) for size in sizes for category in CATEGORIES]
    return [ExpectedShare(size, category, e) for (size, category), e in zip(places, estimates, strict=True)]


def _chances(right: np.ndarray, drawn: np.ndarray, size: int) -> np.ndarray:
    """Chance of each category when `size` of the responses are kept, shape (questions, 3)."""
    always, never = np.ones(len(drawn)), np.ones(len(drawn))
    for taken in range(size):  # C(k, m) / C(n, m) = Π (k − i) / (n − i)
        always *= np.maximum(right - taken, 0) / (drawn - taken)
        never *= np.maximum(drawn - right - taken, 0) / (drawn - taken)
    return np.stack([always, np.clip(1 - always - never, 0.0, 1.0), never], axis=1)


# --- category and score


@dataclass(frozen=True)
class CategoryScores:
    """How a judge scored the explanations to the questions of one category."""

    category: Category
    explanations: int
    """Explanations with a score."""
    unjudged: int
    quantiles: tuple[float, float, float, float, float] | None
    """5%, 25%, 50%, 75%, 95% of the scores, in score points; None without any."""
    mean: Estimate
    """Mean over questions of the mean score of their explanations; its n are questions."""


def category_scores(
    store: Store, judge: str, right_by: RightBy, score: Literal["expected", "total"], settings: CompareSettings
) -> list[CategoryScores]:
    """Scores of a judge run's explanations by the category of their question, in the order of `CATEGORIES`."""
    samples = store.rows("SELECT parents->>'samples' FROM runs WHERE id = ?", [judge])[0][0]
    column = {"parsed": "parsed", "forced": "forced"}[right_by]
    points = {"expected": "expected", "total": "total"}[score]
    joined = (
        f"SELECT s.item_id, c.{column} AS category, s.{points}::DOUBLE AS score, c.seq FROM scores s JOIN categories c "
        "ON c.run = s.samples AND c.item_id = s.item_id "
        "WHERE s.run = $judge AND c.run = $samples"
    )
    about = {"judge": judge, "samples": samples}
    spread = store.rows(
        f"SELECT category, count(score), count(*) - count(score), quantile_cont(score, [0.05, 0.25, 0.5, 0.75, 0.95]) "
        f"FROM ({joined}) WHERE category IS NOT NULL GROUP BY category",
        about,
    )
    means = store.frame(
        f"SELECT category, avg(score) AS mean FROM ({joined}) WHERE category IS NOT NULL GROUP BY category, item_id "
        "HAVING count(score) > 0 ORDER BY min(seq)",
        about,
    )
    mean_of = {name: means["mean"].where(means["category"] == name) for name in CATEGORIES}
    resampled = Resamples(len(means), settings.resamples, settings.seed).means(pd.DataFrame(mean_of).to_numpy(float))
    found = {row[0]: row[1:] for row in spread}
    return [
        _scores(name, *found[name], mean) for name, mean in zip(CATEGORIES, resampled, strict=True) if name in found
    ]


def _scores(
    category: Category, judged: int, unjudged: int, quantiles: list[float] | None, mean: Estimate
) -> CategoryScores:
    return CategoryScores(category, judged, unjudged, tuple(quantiles) if judged else None, mean)
