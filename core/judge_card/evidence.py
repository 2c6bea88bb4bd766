"""What a card is made from, read from the database: aggregates in SQL, a narrow row an explanation.

Explanations that got their verdicts by rule say nothing of the judge and are left out everywhere but in `by_rule`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.errors import BadInput
from core.method.judging import READER
from core.method.repeats import Repeats, first_askings, repeat_sums
from core.rubrics import load_rubric
from core.store.database import Store


@dataclass(frozen=True)
class JudgeRuns:
    """The judge runs of one judge, and what makes it that judge."""

    key: str
    runs: list[str]
    samples: list[str]
    name: str
    mode: str
    rubric: str
    rubric_hash: str
    variant: str


@dataclass(frozen=True)
class Evidence:
    """Everything that one judge said in its runs."""

    judge: JudgeRuns
    questions: pd.Index
    """Ids of the questions that it was asked about."""
    criteria: list[str]
    labels: list[str]
    """Verdicts of the rubric, worst first; others that were given stand at the end."""
    rows: pd.DataFrame
    """A row an explanation: question (code), run (code), tokens, score, unjudged, unparsed, and c0, c1, … (values)."""
    by_rule: int
    counts: np.ndarray
    """Verdicts of each question, shape (questions, criteria, labels + 1); the last stands for unread ones."""
    repeats: Repeats
    """Self-consistency a question and criterion."""


def judge_runs(store: Store, runs: Sequence[str]) -> list[JudgeRuns]:
    """The judges behind judge runs, in the order given; repeats of one judge on the same samples are one asking."""
    rows = store.frame(
        "SELECT id, model, variant, settings, inputs, parents->>'samples' AS samples FROM runs "
        "WHERE kind = 'judge' AND list_contains($1, id) ORDER BY list_position($1, id)",
        [list(runs)],
    )
    first = first_askings(rows)
    return [_judge_runs(key, group) for key, group in first.groupby("judge", sort=False)]


def _judge_runs(key: str, group: pd.DataFrame) -> JudgeRuns:
    row = group.iloc[0]
    settings, inputs = json.loads(row["settings"]), json.loads(row["inputs"])
    return JudgeRuns(
        key=key,
        runs=group["id"].tolist(),
        samples=group["samples"].tolist(),
        name=row["model"],
        mode=settings["mode"],
        rubric=settings.get("rubric", ""),
        rubric_hash=inputs.get("rubric", ""),
        variant=row["variant"],
    )


def gather(store: Store, judge: JudgeRuns, column: str) -> Evidence:
    """Everything that a judge said; column: of `scores`, that ranks.  A reader gives no verdicts on any criterion."""
    criteria = [] if judge.mode == READER else criteria_of(store, judge.runs[0])
    rows = _explanations(store, judge, column, len(criteria))
    questions = pd.Index(rows["item_id"].unique())
    labels = [] if judge.mode == READER else _labels(store, judge)
    return Evidence(
        judge=judge,
        questions=questions,
        criteria=criteria,
        labels=labels,
        rows=rows.assign(question=questions.get_indexer(rows["item_id"])),
        by_rule=store.rows("SELECT count(*) FROM scores WHERE list_contains(?, run) AND origin = 'rule'", [judge.runs])[
            0
        ][0],
        counts=_counts(store, judge, questions, criteria, labels),
        repeats=repeat_sums(store, judge.runs),
    )


def criteria_of(store: Store, run: str) -> list[str]:
    """Keys of the criteria that a judge run was asked about, in the order of its rubric."""
    first = store.rows("SELECT item_id, sample FROM verdicts WHERE run = ? ORDER BY seq LIMIT 1", [run])
    query = "SELECT criterion FROM verdicts WHERE run = ? AND item_id = ? AND sample = ? ORDER BY seq, rowid"
    return [row[0] for row in store.rows(query, [run, *first[0]])] if first else []


def _explanations(store: Store, judge: JudgeRuns, column: str, criteria: int) -> pd.DataFrame:
    values = "".join(f", by_criterion[{i + 1}] AS c{i}" for i in range(criteria))
    return store.frame(
        f"SELECT item_id, list_position($1, run) - 1 AS run, tokens, {column}::DOUBLE AS score, "
        f"unjudged IS NOT NULL AS unjudged, unjudged IS NOT NULL AND reply IS NOT NULL AS unparsed{values} "
        "FROM scores WHERE list_contains($1, run) AND origin = 'model' ORDER BY run, seq",
        [judge.runs],
    )


def _labels(store: Store, judge: JudgeRuns) -> list[str]:
    """The rubric's verdicts, then others that stand in the rows: the rubric file may be another by now, or gone."""
    query = "SELECT DISTINCT verdict FROM verdicts WHERE list_contains(?, run) AND verdict IS NOT NULL ORDER BY verdict"
    given = [row[0] for row in store.rows(query, [judge.runs])]
    known = rubric_labels(judge.rubric)
    return [*known, *(label for label in given if label not in known)]


def rubric_labels(rubric: str) -> list[str]:
    """Verdicts of a rubric, worst first; none where its file is gone."""
    try:
        return load_rubric(rubric).labels
    except BadInput:
        return []


def _counts(
    store: Store, judge: JudgeRuns, questions: pd.Index, criteria: Sequence[str], labels: Sequence[str]
) -> np.ndarray:
    """Verdicts a question, criterion and label (the last: unread), shape (questions, criteria, labels + 1)."""
    table = np.zeros((len(questions), len(criteria), len(labels) + 1))
    if not table.size:
        return table
    names = {f"c{i}": name for i, name in enumerate(criteria)} | {f"l{j}": name for j, name in enumerate(labels)}
    given = [
        f"count_if(criterion = $c{i} AND {f'verdict = $l{j}' if j < len(labels) else 'verdict IS NULL'})"
        for i in range(len(criteria))
        for j in range(len(labels) + 1)
    ]
    frame = store.frame(
        f"SELECT item_id, {', '.join(given)} FROM verdicts WHERE list_contains($runs, run) AND NOT EXISTS "
        "(SELECT 1 FROM scores s WHERE s.origin = 'rule' AND list_contains($runs, s.run) AND s.run = verdicts.run "
        "AND s.item_id = verdicts.item_id AND s.sample = verdicts.sample) GROUP BY item_id",
        {"runs": judge.runs} | names,
    )
    numbers = frame.iloc[:, 1:].to_numpy(dtype=float)
    table[questions.get_indexer(frame["item_id"])] = numbers.reshape(len(frame), len(criteria), len(labels) + 1)
    return table
