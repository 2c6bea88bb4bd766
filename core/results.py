"""The lab's headline numbers, from sealed run folders: what `anchorlab compare` prints.

Sample runs that differ in nothing but the variant can be compared (one *protocol*); judge runs that
differ in nothing but the samples are one judge.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from core.agreement import Auc, judge_auc
from core.comparison import VariantResult, WinRate, all_results, all_win_rates
from core.datasets import load_items
from core.home import Home
from core.records import Explanation, Judgement, RightBy
from core.runs import RunConfig, RunFolder, all_runs, content_hash
from core.settings import CompareSettings


@dataclass(frozen=True)
class Evaluation:
    """Variants that answered the same questions in the same way, under one judge."""

    dataset: str
    split: str
    judge: str
    """Name of the judging model."""
    mode: str
    results: list[VariantResult]
    win_rates: list[WinRate]
    auc: Auc
    """The judge's AUC between right and wrong explanations, over all variants."""
    identical: list[tuple[str, str]]
    """Variants whose responses are the same to the byte: the sign of an adapter that was not loaded."""


def evaluations(home: Home, settings: CompareSettings, right_by: RightBy = "forced") -> list[Evaluation]:
    """An evaluation per data set, protocol and judge that at least one sealed judge run stands for."""
    done = {run.id: run for run in all_runs(home) if run.result and run.result["state"] == "done"}
    groups: dict[tuple[str, str], list[tuple[RunFolder, RunFolder]]] = {}
    for judge in done.values():
        if judge.config.kind != "judge":
            continue
        samples = done[judge.config.parents["samples"]]
        if samples.config.settings["role"] == "explainer":
            key = protocol_of(samples.config), judge_of(judge.config)
            groups.setdefault(key, []).append((samples, judge))
    return [_evaluate(done, runs, settings, right_by) for runs in groups.values()]


def protocol_of(samples: RunConfig) -> str:
    """Key of everything that a sample run does, but for the variant."""
    return content_hash([samples.settings, samples.parents["dataset"], samples.inputs])[:12]


def judge_of(judge: RunConfig) -> str:
    """Key of a judge: model, mode, rubric and prompt."""
    return content_hash([judge.settings, judge.model.hash, judge.inputs])[:12]


def _evaluate(
    done: dict[str, RunFolder],
    runs: list[tuple[RunFolder, RunFolder]],
    settings: CompareSettings,
    right_by: RightBy,
) -> Evaluation:
    samples, judge = runs[0]
    dataset = done[samples.config.parents["dataset"]]
    gold = {item.id: item.gold for item in load_items(dataset)}
    rows = pd.DataFrame([row for pair in runs for row in _rows(*pair, gold)])
    return Evaluation(
        dataset=dataset.config.label,
        split=samples.config.settings["select"]["split"],
        judge=judge.config.model.name,
        mode=judge.config.settings["mode"],
        results=all_results(rows, settings),
        win_rates=all_win_rates(rows, settings),
        auc=_auc(rows, settings, right_by),
        identical=_identical([folder for folder, _ in runs]),
    )


def _rows(samples: RunFolder, judge: RunFolder, gold: dict[str, str | None]) -> Iterator[dict[str, object]]:
    """Evaluation rows as `core.comparison` takes them."""
    scores = {(row.item_id, row.sample): row for row in judge.read("judgements", Judgement)}
    for row in samples.read("explanations", Explanation):
        judged = scores.get((row.item_id, row.sample))
        right = gold[row.item_id]
        yield {
            "label": samples.config.label,
            "item_id": row.item_id,
            "sample": row.sample,
            "parsed": row.parsed,
            "empty": not row.explanation,
            "tokens": row.tokens,
            "correct_parsed": None if right is None else row.parsed == right,
            "correct_forced": None if right is None else row.forced == right,
            "total": judged.total if judged else None,
            "expected": judged.expected if judged else None,
        }


def _auc(rows: pd.DataFrame, settings: CompareSettings, right_by: RightBy) -> Auc:
    judged = rows.dropna(subset=[settings.score, f"correct_{right_by}"])
    return judge_auc(
        judged[settings.score].to_numpy(dtype=float),
        judged[f"correct_{right_by}"].to_numpy(dtype=bool),
        judged["item_id"].to_numpy(),
        settings,
    )


def _identical(samples: list[RunFolder]) -> list[tuple[str, str]]:
    texts = sorted((run.result["summary"]["responses_hash"], run.config.label) for run in samples)
    return [(a, b) for (first, a), (second, b) in pairwise(texts) if first == second]
