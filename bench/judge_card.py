"""Seconds for a judge card of 100,000 explanations with five verdicts each: `python -m bench.judge_card`.

The rows are drawn into a database in memory; the AUC, which an evaluation has anyway, is timed apart.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

from core.analysis.agreement import judge_auc
from core.home import Home
from core.judge_card import judge_card
from core.settings import CompareSettings
from core.store.database import Store

QUESTIONS, SAMPLES, CRITERIA = 25_000, 4, ("coherence", "clarity", "relevance", "depth", "accuracy")

FILL = """
    CREATE TEMP TABLE drawn AS SELECT q, s, random() AS r, random() AS t FROM range({questions}) a(q), range({n}) b(s);
    INSERT INTO runs (id, kind, label, created, model, variant, settings, parents, inputs, versions, complete)
        VALUES ('sample-1', 'sample', 'base', 0, 'm', 'v', '{{}}', '{{}}', '{{}}', '{{}}', true),
        ('judge-1', 'judge', 'base', 1, 'judge', 'w', '{{"mode": "probabilities", "rubric": "five_criteria"}}',
        '{{"samples": "sample-1"}}', '{{"rubric": "r"}}', '{{}}', true);
    INSERT INTO verdicts SELECT 'judge-1', q * {n} + s, 'q' || q, s, c,
        ['unsatisfactory', 'needs improvement', 'satisfactory', 'excellent'][1 + floor(4 * r)::INT],
        1 + 3 * r, [r / 4, r / 4, r / 2, 1 - r] FROM drawn, (SELECT unnest({criteria}) AS c) ORDER BY q, s;
    INSERT INTO scores SELECT 'judge-1', q * {n} + s, 'sample-1', 'q' || q, s, 'model', (5 + 15 * r)::INT, 5 + 15 * r,
        [1 + 3 * r, 1 + 3 * random(), 2 + r, 3 + random(), random()], NULL, NULL, 'A', false,
        (10 + 40 * t)::INT, r + t > 1, r + t > 1 FROM drawn ORDER BY q, s;
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Store(Home(Path(folder)), None) as store:
        with store.transaction() as cursor:
            cursor.execute(FILL.format(questions=QUESTIONS, n=SAMPLES, criteria=list(CRITERIA)))
        settings = CompareSettings()
        rows = store.frame("SELECT item_id, expected, right_forced FROM scores")
        began = time.perf_counter()
        scores, right = rows["expected"].to_numpy(), rows["right_forced"].to_numpy(dtype=bool)
        auc = judge_auc(scores, right, rows["item_id"].to_numpy(), settings)
        print(f"AUC   {time.perf_counter() - began:.2f} s  {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]")
        began = time.perf_counter()
        card = judge_card(store, ["judge-1"], auc, settings)
        print(f"card  {time.perf_counter() - began:.2f} s  {np.sum([c.counts for c in card.criteria]):,} verdicts")
        print(card.line)


if __name__ == "__main__":
    main()
