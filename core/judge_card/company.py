"""The judge beside others: judges of the same explanations, people, and itself in head-to-head comparisons.

`people_of` is the one place where ratings by people reach a card, however they came into the lab.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis.agreement import agreement_between
from core.analysis.duels import DuelFigures, figures
from core.judge_card.evidence import Evidence, JudgeRuns, judge_runs, rubric_labels
from core.judge_card.figures import ranks_block
from core.settings import CompareSettings
from core.statistics.coefficients import estimate_of
from core.statistics.estimates import Estimate
from core.statistics.resampling import Resamples
from core.statistics.sums import share
from core.store.database import Store

# --- other judges


@dataclass(frozen=True)
class SharedScores:
    """The scores of two judges on the explanations that both scored, as sums a question."""

    judge: JudgeRuns
    explanations: int
    questions: int
    block: np.ndarray
    """Sums of ranks of each question of the card, shape (questions, 4), see `figures.ranks_block`."""
    varies: bool
    """Whether both judges give explanations of one question and variant different scores at all."""


def others_of(store: Store, judge: JudgeRuns) -> list[JudgeRuns]:
    """Other judges and readers with a complete run on these samples."""
    found = store.rows(
        "SELECT id FROM runs WHERE kind = 'judge' AND complete AND list_contains(?, parents->>'samples') "
        "ORDER BY created, id",
        [judge.samples],
    )
    return [other for other in judge_runs(store, [row[0] for row in found]) if other.key != judge.key]


def shared_scores(store: Store, evidence: Evidence, other: JudgeRuns, column: str) -> SharedScores:
    """What two judges said of the same explanations; a judge without the score that ranks is taken by its other one."""
    a, b = (f"coalesce({{0}}.{column}, {{0}}.total, {{0}}.expected)::DOUBLE".format(side) for side in ("a", "b"))
    frame = store.frame(
        f"SELECT a.item_id, list_position($1, a.run) - 1 AS run, {a} AS a, {b} AS b "
        "FROM scores a JOIN scores b USING (samples, item_id, sample) WHERE list_contains($1, a.run) "
        f"AND list_contains($2, b.run) AND a.origin = 'model' AND b.origin = 'model' AND {a} IS NOT NULL "
        f"AND {b} IS NOT NULL",
        [evidence.judge.runs, other.runs],
    )
    coded = frame.assign(question=evidence.questions.get_indexer(frame["item_id"]))
    block = ranks_block(coded, len(evidence.questions))
    _, spread_a, _, spread_b = block.sum(axis=0)
    return SharedScores(
        judge=other,
        explanations=len(frame),
        questions=int((block[:, 0] > 0).sum()),
        block=block,
        varies=bool(min(spread_a, spread_b) > 0),
    )


# --- head to head


def duels_of(store: Store, judge: JudgeRuns, settings: CompareSettings) -> tuple[list[str], DuelFigures | None]:
    """The judge's head-to-head runs between these samples (same weights, mode and rubric), and their figures."""
    rows = store.frame(
        "SELECT h.run, h.item_id, h.origin, h.outcome, h.flipped, h.a_first, h.b_first FROM head_to_head h "
        "JOIN runs r ON r.id = h.run WHERE r.complete AND r.variant = $1 AND r.settings->>'mode' = $2 "
        "AND r.inputs->>'rubric' = $3 AND list_contains($4, h.samples_a) AND list_contains($4, h.samples_b) "
        "ORDER BY h.run, h.seq",
        [judge.variant, judge.mode, judge.rubric_hash, judge.samples],
    )
    return rows["run"].unique().tolist(), figures(rows, settings) if len(rows) else None


# --- people


def people_of(store: Store, judge_run: str) -> pd.DataFrame:
    """Ratings by people of explanations that a judge run gave a verdict on, a row a rating.

    item_id, sample, criterion, rater, label (by the person), verdict (by the judge).  Ratings of this lab's
    explanations name them; ratings made elsewhere are joined by question and text; of those given in the app only
    blind ones count.
    """
    return store.frame(
        """
        WITH rated AS (
            SELECT t.item_id, t.sample, t.criterion, t.rater, t.label
            FROM ratings t JOIN runs j ON j.id = $1
            WHERE t.rater_kind = 'person' AND t.label IS NOT NULL AND t.samples = j.parents->>'samples'
            UNION ALL
            SELECT e.item_id, e.sample, t.criterion, t.rater, t.label
            FROM ratings t JOIN runs j ON j.id = $1
            JOIN explanations e ON e.run = j.parents->>'samples' AND e.item_id = t.item_id
                AND e.explanation = t.explanation
            WHERE t.rater_kind = 'person' AND t.label IS NOT NULL AND t.samples IS NULL
            UNION ALL
            SELECT a.item_id, a.sample, a.criterion, a.rater, a.label
            FROM annotations a JOIN runs j ON j.id = $1
            WHERE a.blind AND a.label IS NOT NULL AND a.samples = j.parents->>'samples'
        )
        SELECT rated.*, v.verdict FROM rated JOIN verdicts v ON v.run = $1 AND v.item_id = rated.item_id
            AND v.sample = rated.sample AND v.criterion = rated.criterion
        JOIN scores s ON s.run = $1 AND s.item_id = rated.item_id AND s.sample = rated.sample
        WHERE s.origin = 'model' AND v.verdict IS NOT NULL
        ORDER BY ALL
        """,
        [judge_run],
    )


@dataclass(frozen=True)
class WithPeople:
    """Agreement of a judge's verdicts with those of people: quadratic κ."""

    overall: Estimate
    """Over all criteria."""
    order: Estimate
    """Chance that of two explanations of a question and variant the judge prefers the one that a person prefers."""
    by_criterion: dict[str, Estimate]
    ratings: dict[str, int]
    """Criterion → ratings that could be compared."""
    left_out: int
    """Ratings whose label is none of the rubric's verdicts."""


def with_people(
    store: Store, judge: JudgeRuns, criteria: Sequence[str], labels: Sequence[str], settings: CompareSettings
) -> WithPeople:
    """How far people agree with a judge; every rating counts, intervals resample questions."""
    rows = pd.concat([people_of(store, run).assign(run=run) for run in judge.runs], ignore_index=True)
    known = _verdicts_of_people(judge.rubric, labels)
    said = rows.assign(label=rows["label"].astype(str).str.strip().str.lower().map(known))
    usable = said[said["label"].notna()]
    groups = {name: usable[usable["criterion"] == name] for name in criteria}
    return WithPeople(
        overall=_kappa(usable, labels, settings),
        order=_order(usable, labels, settings),
        by_criterion={name: _kappa(group, labels, settings) for name, group in groups.items()},
        ratings={name: len(group) for name, group in groups.items()},
        left_out=len(said) - len(usable),
    )


def _verdicts_of_people(rubric: str, labels: Sequence[str]) -> dict[str, str]:
    """What people may write → verdict: its label in any case, or its place in the rubric, counted from 1."""
    known = rubric_labels(rubric) or list(labels)
    return {str(i + 1): label for i, label in enumerate(known)} | {label.lower(): label for label in known}


def _order(rows: pd.DataFrame, labels: Sequence[str], settings: CompareSettings) -> Estimate:
    """Concordance over pairs that one person rated differently on a criterion, of one question and variant.

    A judge that knows no more than which questions are hard or which variant is liked agrees with people (κ) all the
    same; it does not order two explanations of one question and variant as they do.
    """
    place = {label: position for position, label in enumerate(labels)}
    strata = ["run", "item_id", "criterion", "rater"]
    rated = rows[strata].assign(label=rows["label"].map(place), verdict=rows["verdict"].map(place))
    both = rated.merge(rated, on=strata, suffixes=("", "_other"))
    pairs = both[both["label"] > both["label_other"]]
    if pairs.empty:
        return Estimate.undefined(0, "no person rated two explanations of a question and variant differently")
    won = 0.5 + 0.5 * np.sign(pairs["verdict"] - pairs["verdict_other"])
    sums = pd.DataFrame({"won": won, "pairs": 1.0}).groupby(pairs["item_id"]).sum().to_numpy()
    draws = Resamples(len(sums), settings.resamples, settings.seed).draws(sums)
    return estimate_of(float(won.mean()), share(draws[:, 0], draws[:, 1]), len(sums), (0.0, 1.0))


def _kappa(rows: pd.DataFrame, labels: Sequence[str], settings: CompareSettings) -> Estimate:
    if rows.empty:
        return Estimate.undefined(0, "no person rated an explanation on the rubric's verdicts")
    found = agreement_between(
        rows["verdict"].tolist(),
        rows["label"].tolist(),
        order=list(labels),
        clusters=rows["item_id"].tolist(),
        names=("the judge", "people"),
        settings=settings,
    )
    return found.kappa_quadratic
