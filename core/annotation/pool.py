"""What a queue can be drawn from: explanations, verdicts and pairs of a set of runs, with their strata.

Explanations that are empty are no candidates: they are unsatisfactory by rule, and nobody need read them.
"""

import pandas as pd

from core.annotation.drawing import STRATA, stratified, thirds
from core.annotation.records import Explained, QueueSettings, Task
from core.seeds import seed_of, seeds_of
from core.store.database import Store

EXPLANATIONS = """
    WITH chosen AS (SELECT unnest($variants) AS variant, unnest($samples) AS samples, unnest($judges) AS judge),
    margins AS (
        SELECT run, item_id, sample, avg(list_reverse_sort(probabilities)[1] - list_reverse_sort(probabilities)[2])
            AS margin
        FROM verdicts WHERE list_contains($judges, run) AND len(probabilities) > 1 GROUP BY ALL
    )
    SELECT c.variant, e.run AS samples, e.item_id, e.sample, coalesce(k.forced, k.parsed, 'uncategorised') AS category,
        coalesce(s.expected, s.total) AS score, m.margin
    FROM chosen c JOIN explanations e ON e.run = c.samples
    LEFT JOIN scores s ON s.run = c.judge AND s.item_id = e.item_id AND s.sample = e.sample
    LEFT JOIN margins m ON m.run = c.judge AND m.item_id = e.item_id AND m.sample = e.sample
    LEFT JOIN categories k ON k.run = e.run AND k.item_id = e.item_id
    WHERE trim(e.explanation) <> ''
"""

VERDICTS = """
    WITH chosen AS (SELECT unnest($variants) AS variant, unnest($samples) AS samples, unnest($judges) AS judge)
    SELECT c.variant, c.samples, v.item_id, v.sample, v.criterion, v.verdict,
        list_reverse_sort(v.probabilities)[1] - list_reverse_sort(v.probabilities)[2] AS margin
    FROM chosen c JOIN verdicts v ON v.run = c.judge
    JOIN scores s ON s.run = v.run AND s.item_id = v.item_id AND s.sample = v.sample AND s.origin = 'model'
    WHERE v.verdict IS NOT NULL
"""


def draw(store: Store, settings: QueueSettings) -> list[Task]:
    """The tasks of a queue in the order drawn."""
    drawn_by = {"rate": _explanations, "spot-check": _verdicts, "pairwise": _pairs}
    return drawn_by[settings.kind](store, settings)


def explanations(store: Store, settings: QueueSettings) -> pd.DataFrame:
    """Candidates: variant, samples, item_id, sample, category, score, margin, score_bin, margin_bin."""
    rows = store.frame(EXPLANATIONS, _runs(settings))
    return rows.assign(score_bin=thirds(rows["score"]), margin_bin=thirds(rows["margin"]))


def _runs(settings: QueueSettings) -> dict[str, list[str | None]]:
    return {
        "variants": list(settings.samples),
        "samples": list(settings.samples.values()),
        "judges": [settings.judges.get(variant) for variant in settings.samples],
    }


def _explanations(store: Store, settings: QueueSettings) -> list[Task]:
    rows = explanations(store, settings)
    chosen = rows.iloc[stratified(rows[list(STRATA)], _ids(rows), settings.seed)[: settings.size]]
    return [Task(shown=[_explained(row)]) for row in chosen.to_dict("records")]


def _verdicts(store: Store, settings: QueueSettings) -> list[Task]:
    """Verdicts of the judge, stratified by criterion, verdict and how sure the judge is of it."""
    rows = store.frame(VERDICTS, _runs(settings))
    rows = rows.assign(margin_bin=thirds(rows["margin"]))
    ids = [f"{one}\n{criterion}" for one, criterion in zip(_ids(rows), rows["criterion"], strict=True)]
    places = stratified(rows[["criterion", "verdict", "margin_bin"]], ids, settings.seed)[: settings.size]
    chosen = rows.iloc[places].to_dict("records")
    return [Task(shown=[_explained(row)], criterion=row["criterion"]) for row in chosen]


def _pairs(store: Store, settings: QueueSettings) -> list[Task]:
    """One explanation of each of two variants a question; which one, and which stands left, by seed."""
    rows = explanations(store, settings)
    rows = rows.assign(draw=seeds_of(("one", settings.seed), _ids(rows)))
    one = rows.sort_values("draw").drop_duplicates(["variant", "item_id"])
    a, b = settings.samples
    both = one[one["variant"] == a].merge(one[one["variant"] == b], on="item_id", suffixes=("_a", "_b"))
    strata = both[["category_a", "category_b"]].assign(gap=thirds(both["score_a"] - both["score_b"]))
    chosen = both.iloc[stratified(strata, list(both["item_id"]), settings.seed)[: settings.size]]
    return [_pair(row, settings.seed) for row in chosen.to_dict("records")]


def _pair(row: dict, seed: int) -> Task:
    sides = [
        Explained(
            samples=row[f"samples_{side}"],
            item_id=row["item_id"],
            sample=row[f"sample_{side}"],
            variant=row[f"variant_{side}"],
        )
        for side in "ab"
    ]
    turned = seed_of("side", seed, row["item_id"]) % 2
    return Task(shown=sides[::-1] if turned else sides)


def _explained(row: dict) -> Explained:
    return Explained(**{name: row[name] for name in Explained.model_fields})


def _ids(rows: pd.DataFrame) -> list[str]:
    return [
        f"{samples}\n{item}\n{sample}"
        for samples, item, sample in zip(rows["samples"], rows["item_id"], rows["sample"], strict=True)
    ]
