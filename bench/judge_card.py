"""Seconds for the judge cards of several judges of several variants: `python bench/judge_card.py [--questions 1250]`.

Every judge has judged every variant: 1,250 questions × 4 explanations with five verdicts each a judge run, drawn into
a database in memory.  A cell makes the cards of all its judges, each with its agreement with the others and with
people (a rating on one question in ten); ratios are to one judge of one variant in the same process, by processor
time of all threads, which other work on the machine hardly changes.  Last, one judge of 100,000 explanations.  The
AUC, which an evaluation has anyway, is no part of a card.
"""

import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from core.analysis.agreement import Auc
from core.home import Home
from core.judge_card import judge_card
from core.settings import CompareSettings
from core.store.database import Store

QUESTIONS, SAMPLES, CRITERIA = 1_250, 4, ("coherence", "clarity", "relevance", "depth", "accuracy")
MANY = 20
"""How many times the questions the last card has."""

GRID = [(judges, variants) for judges in (1, 2, 4) for variants in (1, 2, 4)]
AUC = Auc(0.6, 0.55, 0.65, 1, 1, QUESTIONS)

SAMPLE_RUN = """
    INSERT INTO runs (id, kind, label, created, model, variant, settings, parents, inputs, versions, complete)
        VALUES ('sample-{v}', 'sample', 'variant {v}', 0, 'm', 'v{v}', '{{}}', '{{}}', '{{}}', '{{}}', true);
    INSERT INTO ratings (seq, samples, sample, item_id, variant, rater, rater_kind, criterion, label, mode)
        SELECT 0, 'sample-{v}', 0, 'q' || q, 'variant {v}', 'ann', 'person', 'clarity',
        ['satisfactory', 'excellent'][1 + floor(2 * random())::INT], 'blind' FROM range(0, {questions}, 10) t(q);
"""
JUDGE_RUN = """
    CREATE OR REPLACE TEMP TABLE drawn AS
        SELECT q, s, random() AS r, random() AS t FROM range({questions}) a(q), range({n}) b(s);
    INSERT INTO runs (id, kind, label, created, model, variant, settings, parents, inputs, versions, complete)
        VALUES ('{run}', 'judge', 'variant {v}', 1, 'judge {j}', 'w{j}',
        '{{"mode": "probabilities", "rubric": "five_criteria"}}', '{{"samples": "sample-{v}"}}',
        '{{"rubric": "r"}}', '{{}}', true);
    INSERT INTO verdicts SELECT '{run}', q * {n} + s, 'q' || q, s, c,
        ['unsatisfactory', 'needs improvement', 'satisfactory', 'excellent'][1 + floor(4 * r)::INT],
        1 + 3 * r, [r / 4, r / 4, r / 2, 1 - r] FROM drawn, (SELECT unnest({criteria}) AS c) ORDER BY q, s;
    INSERT INTO scores SELECT '{run}', q * {n} + s, 'sample-{v}', 'q' || q, s, 'model', (5 + 15 * r)::INT, 5 + 15 * r,
        [1 + 3 * r, 1 + 3 * random(), 2 + r, 3 + random(), random()], NULL, NULL, 'A', false,
        (10 + 40 * t)::INT, r + t > 1, r + t > 1, NULL, NULL FROM drawn ORDER BY q, s;
"""


def main(questions: Annotated[int, typer.Option(min=10, help="Questions of a judge run.")] = QUESTIONS) -> None:
    """Time the cards of one to four judges of one to four variants."""
    timed(1, 1, questions)  # warms up
    heads = ("judges", "variants", "verdicts a judge", "wall s a card", "cpu s a card", "ratio")
    print("".join(f"{head:>17}" for head in heads))
    one = None
    for judges, variants in GRID:
        wall, cpu = (seconds / judges for seconds in timed(judges, variants, questions))
        one = one or cpu
        verdicts = variants * questions * SAMPLES * len(CRITERIA)
        print(f"{judges:>17}{variants:>17}{verdicts:>17,}{wall:>17.2f}{cpu:>17.2f}{cpu / one:>17.1f}")
    wall, cpu = timed(1, 1, MANY * questions)
    explanations = MANY * questions * SAMPLES
    print(f"{explanations:,} explanations, one judge: wall {wall:.2f} s, cpu {cpu:.2f} s, ratio {cpu / one:.1f}")


def timed(judges: int, variants: int, questions: int) -> tuple[float, float]:
    """Seconds on the wall and of the processors for the cards of all judges."""
    with tempfile.TemporaryDirectory() as folder, Store(Home(Path(folder)), None) as store:
        runs = filled(store, judges, variants, questions)
        wall, cpu = time.perf_counter(), time.process_time()
        for of_one in runs:
            judge_card(store, of_one, AUC, CompareSettings())
        return time.perf_counter() - wall, time.process_time() - cpu


def filled(store: Store, judges: int, variants: int, questions: int) -> list[list[str]]:
    """Judge runs of each judge, one a variant."""
    runs = [[f"judge-{j}-{v}" for v in range(variants)] for j in range(judges)]
    size = {"questions": questions, "n": SAMPLES, "criteria": list(CRITERIA)}
    with store.transaction() as cursor:
        for v in range(variants):
            cursor.execute(SAMPLE_RUN.format(v=v, **size))
            for j in range(judges):
                cursor.execute(JUDGE_RUN.format(v=v, j=j, run=runs[j][v], **size))
    return runs


if __name__ == "__main__":
    typer.run(main)
