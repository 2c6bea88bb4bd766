"""What a queue can be made of: the evaluations of the lab, and explanations that nothing has judged yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.analysis.results import Evaluation, titles_of, unique_labels
from core.runs.folders import RunFolder
from core.store.database import Store

RUBRIC = "five_criteria"
"""Of explanations that nothing has judged."""


@dataclass(frozen=True)
class Source:
    """Explanations of one data set, with the judge that scored them or without one."""

    key: str
    title: str
    dataset: str
    samples: dict[str, str]
    """Variant label → run of its explanations."""
    judges: dict[str, str]
    """Variant label → judge run; empty where nothing has been judged."""
    rubric: str
    judge: str = ""
    """The judge's name and mode; empty without one."""


def sources(store: Store, found: Sequence[Evaluation]) -> list[Source]:
    """One for each evaluation, then one for each data set that has explanations which no evaluation holds."""
    titles = titles_of(found)
    judged = [
        Source(
            one.key,
            titles[one.key],
            one.dataset,
            one.samples,
            one.judges,
            rubric_of(store, one.judges),
            f"{one.judge_name} ({one.mode})",
        )
        for one in found
        if not one.by_reader
    ]
    known = {run for one in found for run in one.samples.values()}
    return judged + _unjudged(store, known)


def rubric_of(store: Store, judges: dict[str, str]) -> str:
    """The rubric that these judge runs were asked with."""
    run = next(iter(judges.values()))
    return RunFolder(store.home.runs / run).config.settings["rubric"]


def _unjudged(store: Store, known: set[str]) -> list[Source]:
    rows = store.rows(
        "SELECT r.dataset, d.label, r.id, r.label, coalesce(r.variant, r.id) "
        "FROM runs r JOIN runs d ON d.id = r.dataset WHERE r.complete "
        "AND (r.kind = 'responses' OR r.kind = 'sample' AND r.settings->>'role' = 'explainer') ORDER BY r.created"
    )
    groups: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    for dataset, name, *run in rows:
        if run[0] not in known:
            groups.setdefault((dataset, name), []).append(tuple(run))
    return [_source(dataset, name, runs) for (dataset, name), runs in groups.items()]


def _source(dataset: str, name: str, runs: list[tuple[str, str, str]]) -> Source:
    labels = unique_labels([(label, key.rpartition("-")[2]) for _, label, key in runs])
    samples = {label: run for label, (run, _, _) in zip(labels, runs, strict=True)}
    return Source(f"unjudged-{dataset}", f"{name}, not judged", dataset, samples, {}, RUBRIC)
