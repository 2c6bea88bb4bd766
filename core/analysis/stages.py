"""The method's stages with what a lab holds of each: the counts behind the picture on the Overview.

    for stage in stages(store, category_counts(store), compared=6):
        print(stage.title, stage.count, stage.note)

A stage's note says in numbers what the count is made of.  No text of a model or a data set is in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.records import CATEGORIES, Category
from core.store.database import Store


@dataclass(frozen=True)
class Stage:
    """One stage of the method in one lab."""

    key: str
    title: str
    count: int
    note: str
    what: str
    """What happens at this stage, in a sentence."""


STAGES = {
    "items": ("Questions", "Data sets become questions with options and a gold answer."),
    "explanations": ("Explanations", "Each variant answers every question N times, reasons first."),
    "scores": ("Judged", "A judge gives every explanation a verdict on each criterion."),
    "categories": ("Categories", "Right in all, some or none of the N samples: the anchor of what is preferred."),
    "pairs": ("Pairs", "Each category has a rule of its own for chosen over rejected."),
    "trainings": ("Trained", "SFT on labels, then DPO on the pairs; each training makes a variant."),
    "comparisons": ("Compared", "Win rates between variants on the same questions, with intervals."),
}
"""Key of each stage, in the paper's order → its title, and what happens at it."""


def stages(store: Store, categories: Mapping[Category, int], compared: int) -> list[Stage]:
    """The stages in the paper's order.

    categories: questions in each, as `category_counts` finds them; compared: pairs of variants that have a win rate.
    """
    ((sets, questions, rejects),) = store.rows("SELECT count(*), sum(items), sum(rejects) FROM datasets")
    ((variants, own, foreign),) = store.rows(
        "SELECT (SELECT count(DISTINCT variant) FROM runs WHERE kind = 'sample' AND settings->>'role' = 'explainer'), "
        "count(*) FILTER (r.settings->>'role' = 'explainer'), count(*) FILTER (r.kind = 'responses') "
        "FROM explanations e JOIN runs r ON r.id = e.run"
    )
    ((judges, scores, unjudged),) = store.rows(
        "SELECT count(DISTINCT r.model_hash), count(DISTINCT (s.samples, s.item_id, s.sample)), count(s.unjudged) "
        "FROM scores s JOIN runs r ON r.id = s.run JOIN runs of_run ON of_run.id = s.samples "
        "WHERE r.settings->>'mode' <> 'reader' AND of_run.settings->>'role' IS DISTINCT FROM 'debater'"
    )
    ((pairs, pair_sets),) = store.rows("SELECT count(*), count(DISTINCT run) FROM pairs")
    ((sft, dpo),) = store.rows(
        "SELECT count(*) FILTER (kind = 'sft'), count(*) FILTER (kind = 'dpo') FROM runs WHERE complete"
    )
    found = {
        "items": (int(questions or 0), f"{_many(sets, 'data set')}, {_many(int(rejects or 0), 'row')} rejected"),
        "explanations": (own + foreign, f"{_many(variants, 'variant')}, {foreign:,} written elsewhere"),
        "scores": (scores, f"by {_many(judges, 'judge')}, {unjudged:,} without a score"),
        "categories": (sum(categories.values()), "by question and variant, forced where unread"),
        "pairs": (pairs, f"in {_many(pair_sets, 'pair set')}"),
        "trainings": (sft + dpo, f"{sft} by SFT, {dpo} by DPO"),
        "comparisons": (compared, "pairs of variants"),
    }
    return [Stage(key, title, *found[key], what) for key, (title, what) in STAGES.items()]


def category_counts(store: Store) -> dict[Category, int]:
    """Questions in each category, forced where no answer can be read, over all complete sample runs."""
    found = dict(
        store.rows(
            "SELECT coalesce(c.forced, c.parsed) AS category, count(*) FROM categories c JOIN runs r ON r.id = c.run "
            "AND r.complete AND r.settings->>'role' = 'explainer' WHERE category IS NOT NULL GROUP BY ALL"
        )
    )
    return {category: found.get(category, 0) for category in CATEGORIES}


def _many(n: int, thing: str) -> str:
    """A count with its noun.

    >>> _many(1, "data set"), _many(1204, "data set")
    ('1 data set', '1,204 data sets')
    """
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"
