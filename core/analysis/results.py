"""The lab's headline numbers: what the Overview, the Compare page and `anchorlab compare` show alike.

Sample runs that differ in nothing but the variant can be compared (one *protocol*); judge runs that
differ in nothing but the samples are one judge, and its repeats are left out.  A reader is a judge of its own kind:
its score is the log-probability it gives the gold option, which says whether an explanation leads to the label and
not whether it is good.  Its evaluations come after those of all judges, and its AUC is shown next to the judge that
ran on the same samples too.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from core.analysis.agreement import Auc, judge_auc
from core.analysis.category_parts import category_parts
from core.analysis.cautions import cautions
from core.analysis.comparison import (
    SHARE,
    Part,
    ScoreTable,
    VariantResult,
    WinRate,
    at_equal_length,
    criterion_parts,
    mean_over_questions,
    outcomes_of,
    strengths,
    variant_results,
    win_rates,
)
from core.analysis.findings import Finding, finding
from core.judge_card import JudgeCard, judge_card
from core.judge_card.evidence import criteria_of
from core.method.judging import READER
from core.method.repeats import judge_identity, repeat_of
from core.records import CATEGORIES, Category, RightBy
from core.runs.folders import content_hash
from core.settings import CompareSettings
from core.statistics.bradley_terry import Strengths
from core.statistics.estimates import Estimate
from core.statistics.length_control import LengthControlled
from core.statistics.words import plural
from core.store.database import Store


@dataclass(frozen=True)
class Evaluation:
    """Variants that answered the same questions in the same way, under one judge."""

    key: str
    """What identifies it: protocol and judge."""
    dataset: str
    """Import run of the data set."""
    dataset_name: str
    split: str
    n: int | None
    """Responses a question; None where they were written elsewhere and each question has its own number."""
    judge_name: str
    mode: str
    samples: dict[str, str]
    """Variant label → its sample run."""
    judges: dict[str, str]
    """Variant label → the judge run of those samples."""
    results: list[VariantResult]
    win_rates: list[WinRate]
    auc: Auc
    """The judge's AUC between right and wrong explanations of the same question and variant."""
    reader_name: str | None
    reader_auc: Auc | None
    """The same for the reader that ran beside this judge; None without one."""
    identical: list[tuple[str, str]]
    """Variants whose responses are the same to the byte: the sign of an adapter that was not loaded."""
    card: JudgeCard
    """What is known of the judge here, and whether to believe it."""
    settings: CompareSettings
    cautions: list[str]
    """What has to be said beside its figures (`core.analysis.cautions`); holds variant labels."""

    @property
    def protocol(self) -> str:
        """What it shares with the evaluations of the same responses by other judges."""
        return self.key.split("-")[0]

    @property
    def drawn(self) -> str:
        """How many responses a question has."""
        return f"N={self.n}" if self.n else "written elsewhere"

    @property
    def title(self) -> str:
        """Data set, split and judge in a line."""
        return f"{self.dataset_name} / {self.split}, {self.drawn}, judged by {self.judge_name} ({self.mode})"

    @property
    def by_reader(self) -> bool:
        """Whether the score is a reader's log-probability of gold, and no judgement of quality."""
        return self.mode == READER

    @property
    def reliable(self) -> bool:
        """Whether the judge can be believed at all: whether it passes its card."""
        return self.card.reliable

    def rate(self, a: str, b: str) -> WinRate | None:
        """A against B, in whichever order the two were compared; None where they were not."""
        found = {(rate.a, rate.b): rate for rate in self.win_rates}
        return found.get((a, b)) or (found[b, a].turned if (b, a) in found else None)

    def finding(self, rate: WinRate) -> Finding:
        """What may be said of one pair of variants."""
        return finding(rate, self.settings, self.card.doubts)


def duel_doubts(run: str, found: Sequence[Evaluation]) -> list[str]:
    """Why a head-to-head run is not to be believed: what its judge fails, or that nothing is known; empty: it can be.

    A judge with several cards here (evaluations of the same responses) is believed where none of them fails.
    """
    cards = [evaluation.card for evaluation in found if run in evaluation.card.duels]
    return next((card.duel_doubts for card in cards if card.duel_doubts), []) if cards else [NO_CARD]


NO_CARD = "no judge card: this judge has not scored both variants in one evaluation"
"""The doubt of comparisons by a judge that gave no scores here in the same mode and by the same rubric."""


@dataclass(frozen=True)
class _Judged:
    """A complete judge run of an explainer's complete sample run."""

    judge: dict[str, Any]
    samples: dict[str, Any]
    dataset_name: str

    @property
    def protocol(self) -> str:
        """Key of everything that the sample run does, but for the variant."""
        return protocol_of(self.samples)

    @property
    def judge_key(self) -> str:
        """Key of the judge: weights, mode, rubric and prompt; its repeats have the same."""
        return judge_identity(self.judge["settings"], self.judge["inputs"], self.judge["variant"])

    @property
    def writer(self) -> str:
        """Key of who wrote the responses: a variant's weights, or the run that holds what was written elsewhere."""
        return self.samples["variant"] or self.samples["id"].removeprefix("responses-")

    @property
    def mode(self) -> str:
        return self.judge["settings"]["mode"]


def protocol_of(samples: dict[str, Any]) -> str:
    """Key of what a sample run (kind, dataset, settings, inputs) does, but for the variant."""
    if samples["kind"] == "responses":  # written elsewhere, in ways nobody knows: the questions are what they share
        again = [samples["inputs"]["reading"]] if "reading" in samples["inputs"] else []
        return content_hash(["responses", samples["settings"]["authors"], samples["dataset"], *again])[:12]
    return content_hash([samples["settings"], samples["dataset"], samples["inputs"]])[:12]


def evaluations(store: Store, settings: CompareSettings) -> list[Evaluation]:
    """Every protocol and judge with results, those with most variants first, the newest first among equals.

    Readers come after all judges.
    """
    groups: dict[tuple[str, str], list[_Judged]] = {}
    for judged in _first_askings(_judged_runs(store)):
        groups.setdefault((judged.protocol, judged.judge_key), []).append(judged)
    readers = {protocol: group for (protocol, _), group in groups.items() if group[0].mode == READER}
    found = [
        _evaluation(store, "-".join(key), group, [] if group[0].mode == READER else readers.get(key[0], []), settings)
        for key, group in groups.items()
    ]
    return sorted(reversed(found), key=lambda evaluation: (evaluation.by_reader, -len(evaluation.results)))


def _first_askings(runs: list[_Judged]) -> list[_Judged]:
    """Without further askings of one judge about the same samples (`core.method.repeats`): the lowest number stays."""
    first: dict[tuple[str, str], _Judged] = {}
    for judged in sorted(runs, key=lambda judged: repeat_of(judged.judge["settings"])):
        first.setdefault((judged.samples["id"], judged.judge_key), judged)
    return [judged for judged in runs if first[judged.samples["id"], judged.judge_key] is judged]


def _judged_runs(store: Store) -> list[_Judged]:
    """Oldest sample run first."""
    names = ("id", "kind", "label", "variant", "model", "model_hash", "dataset", "settings", "inputs", "summary")
    columns = ", ".join(f"{table}.{name}" for table in ("j", "s") for name in names)
    rows = store.rows(
        f"SELECT d.label, {columns} FROM runs j JOIN runs s ON s.id = j.parents->>'samples' JOIN runs d "
        "ON d.id = s.dataset WHERE j.kind = 'judge' AND j.complete AND s.complete "
        "AND (s.kind = 'responses' OR s.settings->>'role' = 'explainer') ORDER BY s.created, j.created"
    )
    return [_Judged(_run(names, row[1 : 1 + len(names)]), _run(names, row[1 + len(names) :]), row[0]) for row in rows]


def _run(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    row = dict(zip(names, values, strict=True))
    return row | {name: json.loads(row[name]) for name in ("settings", "inputs", "summary")}


def _evaluation(
    store: Store, key: str, group: list[_Judged], readers: list[_Judged], settings: CompareSettings
) -> Evaluation:
    labels = unique_labels([(judged.samples["label"], judged.writer) for judged in group])
    of_judge = {judged.judge["id"]: label for judged, label in zip(group, labels, strict=True)}
    rows = _rows(store, of_judge)
    first = group[0]
    settings = _with_a_score(rows, settings, first.mode)
    table = ScoreTable.of(rows, settings)
    auc = _auc(rows[rows["origin"] == "model"], settings)
    return Evaluation(
        key=key,
        dataset=first.samples["dataset"],
        dataset_name=first.dataset_name,
        split=first.samples["settings"].get("select", {}).get("split", "all"),
        n=first.samples["settings"].get("n"),
        judge_name=first.judge["model"],
        mode=first.mode,
        samples={label: judged.samples["id"] for judged, label in zip(group, labels, strict=True)},
        judges={label: judge for judge, label in of_judge.items()},
        results=variant_results(table),
        win_rates=win_rates(table, outcomes_of(table)),
        auc=auc,
        reader_name=readers[0].judge["model"] if readers else None,
        reader_auc=_reader_auc(store, readers, settings) if readers else None,
        identical=_identical(group, labels),
        card=judge_card(store, list(of_judge), auc, settings),
        settings=settings,
        cautions=cautions(store.home, {label: j.samples["id"] for j, label in zip(group, labels, strict=True)}),
    )


def _with_a_score(rows: pd.DataFrame, settings: CompareSettings, mode: str) -> CompareSettings:
    """The settings with the score that the judge has: a reader its log-probability, one in writing `total` alone."""
    if mode == READER or settings.score == "log_probability":
        score = "log_probability" if mode == READER else "expected"
        settings = settings.model_copy(update={"score": score})
    if mode == READER:
        return settings
    asked = rows[rows["origin"] == "model"]
    written = asked["expected"].isna().all() and asked["total"].notna().any()
    return settings.model_copy(update={"score": "total"}) if written else settings


def titles_of(found: Sequence[Evaluation]) -> dict[str, str]:
    """Key → title; those that would bear the same one also say how many variants and questions they are of."""
    often = Counter(one.title for one in found)
    return {one.key: one.title + (f", {_size(one)}" if often[one.title] > 1 else "") for one in found}


def _size(one: Evaluation) -> str:
    questions = max((result.questions for result in one.results), default=0)
    return f"{plural(len(one.results), 'variant')}, {plural(questions, 'question')}"


def unique_labels(named: Sequence[tuple[str, str]]) -> list[str]:
    """Labels of variants or judges; where two bear one label, the beginning of their key tells them apart.

    >>> unique_labels([("base", "4054a5"), ("anchor", "91ab77"), ("anchor", "0c33de")])
    ['base', 'anchor 91ab', 'anchor 0c33']
    """
    counts = Counter(label for label, _ in named)
    return [label if counts[label] == 1 else f"{label} {key[:4]}" for label, key in named]


def _rows(store: Store, of_judge: dict[str, str], criteria: Sequence[str] = ()) -> pd.DataFrame:
    """Rows as `core.analysis.comparison` takes them, variants in the order of `of_judge`; a column a criterion."""
    by_criterion = "".join(f", by_criterion[{place}] AS c{place}" for place in range(1, len(criteria) + 1))
    rows = store.frame(
        "SELECT run, item_id, sample, origin, parsed, empty, tokens, right_parsed AS correct_parsed, "
        f"right_forced AS correct_forced, total, expected, expected AS log_probability{by_criterion} FROM scores "
        "WHERE list_contains(?, run) "
        "ORDER BY list_position(?, run), seq",
        [list(of_judge)] * 2,
    )
    named = {f"c{place}": name for place, name in enumerate(criteria, 1)}
    return rows.assign(label=rows["run"].map(of_judge)).rename(columns=named)


def _criteria(store: Store, evaluation: Evaluation) -> list[str]:
    """Criteria with a score of their own; a reader has none."""
    return [] if evaluation.by_reader else criteria_of(store, next(iter(evaluation.judges.values())))


def score_table(store: Store, evaluation: Evaluation, criterion: str | None = None) -> ScoreTable:
    """The rows of an evaluation as arrays; with a criterion, by its score alone (its tie margin: `criterion_parts`)."""
    criteria = _criteria(store, evaluation) if criterion else []
    rows = _rows(store, {judge: label for label, judge in evaluation.judges.items()}, criteria)
    table = ScoreTable.of(rows, evaluation.settings)
    return table.with_scores(rows[criterion], evaluation.settings.margin / len(criteria)) if criterion else table


def _auc(rows: pd.DataFrame, settings: CompareSettings) -> Auc:
    right = f"correct_{settings.right_by}"
    judged = rows.dropna(subset=[settings.score, right])
    return judge_auc(
        judged[settings.score].to_numpy(dtype=float),
        judged[right].to_numpy(dtype=bool),
        judged["item_id"].to_numpy(dtype=str),
        judged["label"].to_numpy(dtype=str),
        settings,
    )


def _reader_auc(store: Store, readers: list[_Judged], settings: CompareSettings) -> Auc:
    by_reader = settings.model_copy(update={"score": "log_probability"})
    return _auc(_rows(store, {judged.judge["id"]: judged.samples["id"] for judged in readers}), by_reader)


def _identical(group: list[_Judged], labels: list[str]) -> list[tuple[str, str]]:
    hashes = [(label, judged.samples["summary"]["responses_hash"]) for judged, label in zip(group, labels, strict=True)]
    return [(a, b) for (a, one), (b, other) in combinations(hashes, 2) if one == other]


# --- the details of one evaluation


@dataclass(frozen=True)
class Details:
    """An evaluation taken apart: what drives its win rates, and models of all of them together."""

    by_criterion: list[Part]
    by_category: list[Part]
    """A's win rate over B on the questions of each of B's categories, from draws that are not compared."""
    strengths: Strengths | None
    lengths: dict[tuple[str, str], LengthControlled]
    """Pair of variants (A, B) → win rate at equal length."""


def details(store: Store, evaluation: Evaluation) -> Details:
    """Parts, strengths and length control of an evaluation, from its rows anew."""
    criteria = _criteria(store, evaluation)
    rows = _rows(store, {judge: label for label, judge in evaluation.judges.items()}, criteria)
    table = ScoreTable.of(rows, evaluation.settings)
    found = outcomes_of(table)
    names = [(table.labels[a], table.labels[b]) for a, b in found.pairs]
    return Details(
        by_criterion=criterion_parts(table, rows, criteria),
        by_category=category_parts(table, found.pairs),
        strengths=strengths(table, found),
        lengths={name: at_equal_length(table, a, b) for name, (a, b) in zip(names, found.pairs, strict=True)},
    )


# --- anchor categories


@dataclass(frozen=True)
class CategoryShares:
    """How a sample run's questions fall into the three categories."""

    shares: dict[Category, Estimate]
    """Share of each category, over the questions that have one."""
    counts: dict[Category, int]
    uncategorised: int
    """Questions without gold, or with fewer than N responses."""


def category_shares(store: Store, samples: str, right_by: RightBy, settings: CompareSettings) -> CategoryShares:
    """Category distribution of a sample run; intervals resample questions."""
    column = {"parsed": "parsed", "forced": "forced"}[right_by]
    found = store.frame(f"SELECT {column} AS category FROM categories WHERE run = ? ORDER BY seq", [samples])[
        "category"
    ]
    known = found.dropna()
    return CategoryShares(
        shares={c: mean_over_questions((known == c).to_numpy(dtype=float), settings, SHARE) for c in CATEGORIES},
        counts={c: int((known == c).sum()) for c in CATEGORIES},
        uncategorised=int(found.isna().sum()),
    )
