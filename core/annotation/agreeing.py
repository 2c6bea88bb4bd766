"""How far judges and people agree, how far people agree with each other, and where they differ most.

    rows = pairs_of(store, evaluation.judges)                       # a person's label beside the judge's
    for found in judge_agreement(rows, rubric, settings): …         # a criterion each
    people_agreement(store, list(evaluation.samples.values()), rubric, settings)
    disagreements(rows, rubric)                                     # worst first

Only ratings given blind count here; spot-checks, whose raters saw the judge's verdict first, have figures of
their own (`spot_checks`), and so have votes between two (`votes`).  Every interval resamples questions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.agreement import PairAgreement, agreement_between, alpha, labels_needed, rater_agreements
from core.annotation.records import ANSWER, ANSWER_LABELS
from core.rubrics import Rubric
from core.settings import CompareSettings
from core.statistics.estimates import Estimate
from core.statistics.resampling import Resamples
from core.store.database import Store

FEW = 25
"""Ratings below which a coefficient is called a first impression."""

JUDGE, PEOPLE, GOLD = "judge", "people", "gold"


def pairs_of(store: Store, judges: Mapping[str, str]) -> pd.DataFrame:
    """Blind labels of people beside the verdicts of judge runs on the same explanations.

    judges: variant label → judge run.  Columns: rater, samples, item_id, sample, variant, criterion, person, judge
    (None where its reply cannot be read), note, rated_at.
    """
    return store.frame(
        """
        WITH judging AS (SELECT id, parents->>'samples' AS samples FROM runs WHERE list_contains($judges, id))
        SELECT a.rater, a.samples, a.item_id, a.sample, a.variant, a.criterion, a.label AS person,
            v.verdict AS judge, a.note, a.rated_at
        FROM annotations a JOIN judging j ON j.samples = a.samples
        JOIN verdicts v ON v.run = j.id AND v.item_id = a.item_id AND v.sample = a.sample AND v.criterion = a.criterion
        WHERE a.mode = 'rate' AND a.blind ORDER BY a.seq
        """,
        {"judges": list(judges.values())},
    )


@dataclass(frozen=True)
class CriterionAgreement:
    """Two kinds of raters on one criterion."""

    criterion: str
    pair: PairAgreement
    kappa: Estimate
    """κ with quadratic weights; n counts questions."""
    needed: int | None
    """Ratings, in all, for κ ± 0.1; None where κ is unknown."""

    @property
    def still_needed(self) -> int | None:
        return None if self.needed is None else max(0, self.needed - self.pair.n)


def judge_agreement(rows: pd.DataFrame, rubric: Rubric, settings: CompareSettings) -> list[CriterionAgreement]:
    """The judge against people on each criterion of the rubric, over all single ratings in `rows`.

    rows: of `pairs_of`, of one annotator or of several; an explanation that two people rated counts twice, and
    its question is resampled as one.
    """
    return [
        _against(criterion.key, rows[rows["criterion"] == criterion.key], rubric.labels, settings)
        for criterion in rubric.criteria
    ]


def _against(criterion: str, rows: pd.DataFrame, order: Sequence[str], settings: CompareSettings) -> CriterionAgreement:
    known = {JUDGE: [label if label in order else None for label in rows["judge"]]}
    pair = agreement_between(
        known[JUDGE],
        list(rows["person"]),
        order=order,
        clusters=list(rows["item_id"]),
        names=(JUDGE, PEOPLE),
        settings=settings,
    )
    kappa = pair.kappa_quadratic or pair.kappa
    return CriterionAgreement(criterion, pair, kappa, labels_needed(replace(pair, kappa=kappa)))


def answer_agreement(store: Store, samples: Sequence[str], settings: CompareSettings) -> PairAgreement | None:
    """People's word on the answer, given while gold was hidden, against gold; None where there is none."""
    rows = store.frame(
        """
        SELECT h.item_id, h.label AS person,
            CASE WHEN coalesce(e.right_parsed, e.right_forced) THEN 'right' ELSE 'wrong' END AS gold
        FROM annotation_history h JOIN explanations e
            ON e.run = h.samples AND e.item_id = h.item_id AND e.sample = h.sample
        WHERE h.criterion = $answer AND h.mode = 'rate' AND h.blind AND NOT h.gold_shown
            AND list_contains($samples, h.samples) AND coalesce(e.right_parsed, e.right_forced) IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY h.rater, h.samples, h.item_id, h.sample ORDER BY h.seq DESC) = 1
        """,
        {"answer": ANSWER, "samples": list(samples)},
    )
    if rows.empty:
        return None
    sure = [label if label in ANSWER_LABELS[:2] else None for label in rows["person"]]
    gold = list(rows["gold"])
    return agreement_between(sure, gold, clusters=list(rows["item_id"]), names=(PEOPLE, GOLD), settings=settings)


# --- between annotators


@dataclass(frozen=True)
class PeopleAgreement:
    """Annotators among themselves on one criterion."""

    criterion: str
    alpha: Estimate
    """Krippendorff's α, ordinal for the rubric's criteria and nominal for the answer."""
    shared: int
    """Explanations that two people or more have rated."""
    pairs: list[PairAgreement]


def people_agreement(
    store: Store, samples: Sequence[str], rubric: Rubric, settings: CompareSettings
) -> list[PeopleAgreement]:
    """Agreement between annotators over their blind ratings of these runs; a criterion each, the answer last."""
    rows = store.frame(
        "SELECT rater, concat_ws(chr(10), samples, item_id, sample) AS unit, item_id, criterion, label "
        "FROM annotations WHERE mode = 'rate' AND blind AND list_contains(?, samples) ORDER BY seq",
        [list(samples)],
    )
    orders = {criterion.key: rubric.labels for criterion in rubric.criteria} | {ANSWER: None}
    return [
        _among(criterion, rows[rows["criterion"] == criterion], order, settings) for criterion, order in orders.items()
    ]


def _among(
    criterion: str, rows: pd.DataFrame, order: Sequence[str] | None, settings: CompareSettings
) -> PeopleAgreement:
    wide = rows.pivot(index=["unit", "item_id"], columns="rater", values="label")
    wide = wide[wide.notna().sum(axis=1) > 1].dropna(axis=1, how="all")
    if wide.empty:
        none = Estimate.undefined(0, "no explanation has been rated by two people")
        return PeopleAgreement(criterion, none, 0, [])
    table = wide.astype(object).where(wide.notna(), None)
    shared: dict[str, Any] = {"clusters": list(table.index.get_level_values("item_id")), "settings": settings}
    found = alpha(table, "ordinal" if order else "nominal", order=order, **shared)
    return PeopleAgreement(criterion, found, len(table), rater_agreements(table, order=order, **shared))


def annotator_table(store: Store, samples: Sequence[str], rubric: Rubric) -> pd.DataFrame:
    """What each annotator did, blind, on these runs: annotator, explanations, seconds (median), and shares of labels.

    Columns of the shares bear the labels' names; they are over all of the rubric's criteria.
    """
    rows = store.frame(
        "SELECT rater, task, criterion, label, seconds FROM annotation_history WHERE mode = 'rate' AND blind AND "
        "list_contains(?, samples) "
        "QUALIFY row_number() OVER (PARTITION BY rater, task, criterion ORDER BY seq DESC) = 1",
        [list(samples)],
    )
    found = []
    for rater, mine in rows.groupby("rater", sort=True):
        labels = mine[mine["criterion"] != ANSWER]["label"]
        shares = {label: float((labels == label).mean()) for label in rubric.labels}
        seconds = mine.drop_duplicates("task")["seconds"].median()
        found.append({"annotator": rater, "explanations": mine["task"].nunique(), "seconds": seconds} | shares)
    return pd.DataFrame(found, columns=["annotator", "explanations", "seconds", *rubric.labels])


# --- where they differ


def disagreements(rows: pd.DataFrame, rubric: Rubric) -> pd.DataFrame:
    """Ratings that differ from the judge's, the worst first.

    rows: of `pairs_of`.  A row a rater and explanation: rater, samples, item_id, sample, variant, worst (steps between
    the two labels on the criterion where they differ most), steps (summed over criteria), where (criterion: person,
    not judge; worst first), note.
    """
    places = {label: place for place, label in enumerate(rubric.labels)}
    steps = (rows["person"].map(places) - rows["judge"].map(places)).abs()
    differing = rows.assign(steps=steps)[steps > 0].sort_values("steps", ascending=False, kind="stable")
    words = differing["criterion"] + ": " + differing["person"] + ", not " + differing["judge"]
    keys = ["rater", "samples", "item_id", "sample", "variant"]
    found = (
        differing.assign(where=words)
        .groupby(keys, sort=False)
        .agg(worst=("steps", "max"), steps=("steps", "sum"), where=("where", "; ".join), note=("note", "first"))
        .reset_index()
    )
    return found.sort_values(["worst", "steps"], ascending=False, kind="stable", ignore_index=True)


# --- spot-checks and votes


@dataclass(frozen=True)
class Checked:
    """Spot-checks of one criterion."""

    criterion: str
    n: int
    agreed: Estimate
    """Share of the judge's verdicts that people let stand, having seen them."""
    too_high: int
    """Overruled by a lower verdict."""
    too_low: int


def spot_checks(store: Store, judges: Mapping[str, str], rubric: Rubric, settings: CompareSettings) -> list[Checked]:
    """What spot-checks of these judge runs say, a criterion each; those that nobody checked are left out."""
    rows = store.frame(
        """
        SELECT item_id, criterion, label, judged FROM annotation_history
        WHERE mode = 'spot-check' AND list_contains(?, judge)
        QUALIFY row_number() OVER (PARTITION BY rater, task ORDER BY seq DESC) = 1 ORDER BY seq
        """,
        [list(judges.values())],
    )
    places = {label: place for place, label in enumerate(rubric.labels)}
    steps = rows["label"].map(places) - rows["judged"].map(places)
    known = rows.assign(steps=steps).dropna(subset=["steps"])
    criteria = [c.key for c in rubric.criteria if (known["criterion"] == c.key).any()]
    return [_checked(name, known[known["criterion"] == name], settings) for name in criteria]


def _checked(criterion: str, rows: pd.DataFrame, settings: CompareSettings) -> Checked:
    agreed = (
        rows.assign(agreed=rows["steps"] == 0).groupby("item_id", sort=False)["agreed"].mean().to_numpy(dtype=float)
    )
    share = Resamples(len(agreed), settings.resamples, settings.seed).mean(agreed, bounds=(0, 1))
    return Checked(criterion, len(rows), share, int((rows["steps"] < 0).sum()), int((rows["steps"] > 0).sum()))


@dataclass(frozen=True)
class VoteCount:
    """Votes of people between two variants, blind."""

    a: str
    b: str
    wins_a: int
    wins_b: int
    both_good: int
    both_bad: int
    net: Estimate
    """(wins of a − wins of b) / votes, in percentage points; `both good` and `both bad` count 0."""
    judge_same: Estimate
    """Share of votes for a side in which the judge's score is higher on that side too; equal scores count half."""

    @property
    def n(self) -> int:
        return self.wins_a + self.wins_b + self.both_good + self.both_bad


def votes(
    store: Store, judges: Mapping[str, str], samples: Sequence[str], settings: CompareSettings
) -> list[VoteCount]:
    """Blind votes on these runs' explanations for each two variants; judges: as in `pairs_of`."""
    rows = store.frame(
        """
        WITH judged AS (
            SELECT samples, item_id, sample, coalesce(expected, total) AS score FROM scores
            WHERE list_contains($judges, run)
        )
        SELECT v.item_id, v.a, v.b, v.vote, p.score - q.score AS lead FROM pair_votes v
        LEFT JOIN judged p ON p.samples = v.samples_a AND p.item_id = v.item_id AND p.sample = v.sample_a
        LEFT JOIN judged q ON q.samples = v.samples_b AND q.item_id = v.item_id AND q.sample = v.sample_b
        WHERE v.blind AND list_contains($samples, v.samples_a) AND list_contains($samples, v.samples_b) ORDER BY v.seq
        """,
        {"judges": list(judges.values()), "samples": list(samples)},
    )
    return [_votes(*names, group, settings) for names, group in rows.groupby(["a", "b"], sort=False)]


def _votes(a: str, b: str, rows: pd.DataFrame, settings: CompareSettings) -> VoteCount:
    counts = rows["vote"].value_counts()
    side = rows["vote"].map({"a": 1.0, "b": -1.0}).fillna(0.0)
    net = side.groupby(rows["item_id"], sort=False).mean().to_numpy()
    decided = rows.assign(same=(1 + np.sign(rows["lead"].astype(float)) * side) / 2)[side != 0].dropna(subset=["lead"])
    same = decided.groupby("item_id", sort=False)["same"].mean().to_numpy()
    return VoteCount(
        a,
        b,
        *(int(counts.get(name, 0)) for name in ("a", "b", "both good", "both bad")),
        net=Resamples(len(net), settings.resamples, settings.seed).mean(net, bounds=(-1, 1)).scaled(100),
        judge_same=(
            Resamples(len(same), settings.resamples, settings.seed).mean(same, bounds=(0, 1))
            if len(same)
            else Estimate.undefined(0, "no vote for a side is on explanations that this judge scored")
        ),
    )


# --- as rows


AGREEMENT = [
    "evaluation",
    "judge",
    "criterion",
    "ratings",
    "questions",
    "unread",
    *(f"{name}{end}" for name in ("percent", "kappa_quadratic") for end in ("", "_low", "_high")),
    "still_needed",
    *(f"alpha{end}" for end in ("", "_low", "_high")),
    "shared",
]
"""Columns of `Lab.annotated_agreement`, in order."""


def agreement_row(found: CriterionAgreement, among: PeopleAgreement) -> dict[str, Any]:
    """A criterion's agreement as plain columns: of the judge with people, and of people among themselves."""
    pair = found.pair
    numbers = {
        f"{name}{end}": getattr(estimate, value)
        for name, estimate in (("percent", pair.percent), ("kappa_quadratic", found.kappa), ("alpha", among.alpha))
        for end, value in (("", "value"), ("_low", "low"), ("_high", "high"))
    }
    counts = {"ratings": pair.n, "questions": pair.percent.n, "unread": pair.left_out, "shared": among.shared}
    return {"criterion": found.criterion} | counts | numbers | {"still_needed": found.still_needed}
