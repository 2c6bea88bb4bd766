"""Does a judge agree with itself?  Self-consistency, expected from probabilities or observed on repeats.

Two judge runs of the same samples that differ in the setting `repeat` alone are repeats of one judge.  In
mode `probabilities` a repeat gives the same probabilities, so what is asked is how often two verdicts
drawn from them would be the same.  In mode `written` with a temperature, repeats are drawn anew:

    anchorlab run judge … --set mode=written --set temperature=0.7 --set repeat=1

Agreement of different judges, and of judges with people, is not covered here.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.runs.folders import content_hash
from core.settings import CompareSettings
from core.statistics.estimates import Estimate
from core.statistics.resampling import Resamples
from core.store.database import Store


@dataclass(frozen=True)
class SelfAgreement:
    """How often a judge gives the same verdict twice, criterion → share with n questions."""

    runs: list[str]
    """Repeats that were compared; the one run alone where agreement is expected from its probabilities."""
    observed: bool
    """Counted on repeats; False: expected from probabilities."""
    by_criterion: dict[str, Estimate]


def repeats_of(store: Store, run: str) -> list[str]:
    """Complete repeats of a judge run, itself among them, by their number: same samples, weights, prompt, rubric."""
    rows = store.rows(
        "SELECT id, settings, inputs, variant FROM runs WHERE kind = 'judge' AND complete AND parents->>'samples' = "
        "(SELECT parents->>'samples' FROM runs WHERE id = ?) ORDER BY created, id",
        [run],
    )
    settings = {row[0]: json.loads(row[1]) for row in rows}
    keys = {row[0]: judge_identity(settings[row[0]], json.loads(row[2]), row[3]) for row in rows}
    return sorted(
        (other for other in keys if keys[other] == keys.get(run)), key=lambda other: repeat_of(settings[other])
    )


def repeat_of(settings: dict[str, Any]) -> int:
    """Number of the repeat that a judge run's settings ask for; 0 is the first asking."""
    return settings.get("repeat", 0)


def judge_identity(settings: dict[str, Any], inputs: dict[str, str], variant: str) -> str:
    """Key of a judge: weights, settings, rubric and prompt; `repeat` is another asking of the same judge."""
    asked = {name: value for name, value in settings.items() if name != "repeat"}
    return content_hash([asked, variant, inputs])[:12]


def first_askings(runs: pd.DataFrame) -> pd.DataFrame:
    """Judge runs without further askings of one judge about the same samples, and `judge`, the judge's identity.

    runs: id, settings and inputs (JSON), variant, samples, in the order that is kept.
    """
    read = [
        (json.loads(s), json.loads(i), v)
        for s, i, v in zip(runs["settings"], runs["inputs"], runs["variant"], strict=True)
    ]
    named = runs.assign(judge=[judge_identity(*one) for one in read], repeat=[repeat_of(one[0]) for one in read])
    kept = named.sort_values("repeat", kind="stable").drop_duplicates(["samples", "judge"])
    return named.loc[named.index.isin(kept.index)].drop(columns="repeat")


def self_agreement(store: Store, run: str, settings: CompareSettings) -> SelfAgreement:
    """Self-consistency of the judge of a run, per criterion; intervals resample questions.

    Verdicts given by rule are left out.  A run without probabilities that has no repeat says nothing: every
    figure is undefined.
    """
    found = repeat_sums(store, [run])
    shares = {
        str(criterion): _estimate(group.loc[group["pairs"] > 0, "share"], len(found.runs), settings)
        for criterion, group in found.sums.groupby("criterion", sort=False)
    }
    return SelfAgreement(runs=found.runs, observed=found.observed, by_criterion=shares)


@dataclass(frozen=True)
class Repeats:
    """How often a judge says the same twice, by question."""

    runs: list[str]
    """Runs that were compared: with their repeats where there are no probabilities."""
    observed: bool
    """Counted on repeats; False: expected from probabilities."""
    sums: pd.DataFrame
    """item_id, criterion, pairs (verdicts that can be compared with another), share (of them that are the same)."""


def repeat_sums(store: Store, runs: Sequence[str]) -> Repeats:
    """Self-consistency of one judge in several runs (of different samples), a row a question and criterion.

    pairs counts explanations: each has the share of its pairs of repeats that agree, or Σp² of its probabilities.
    """
    query = "SELECT count(probabilities) FROM verdicts WHERE list_contains(?, run)"
    if store.rows(query, [list(runs)])[0][0]:
        return Repeats(list(runs), False, store.frame(_EXPECTED, [list(runs)]))
    everyone = list(dict.fromkeys(repeat for run in runs for repeat in repeats_of(store, run)))
    return Repeats(everyone, True, store.frame(_OBSERVED, [everyone]))


_ASKED = """
    SELECT s.samples, v.run, v.rowid AS place, v.item_id, v.sample, v.criterion, v.verdict, v.probabilities
    FROM verdicts v JOIN scores s USING (run, item_id, sample)
    WHERE list_contains($1, v.run) AND list_contains($1, s.run) AND s.origin = 'model'
"""
_EXPECTED = f"""
    SELECT item_id, criterion, count(probabilities) AS pairs,
        avg(list_inner_product(probabilities, probabilities)) AS share
    FROM ({_ASKED}) GROUP BY item_id, criterion ORDER BY min(place)
"""
_OBSERVED = f"""
    WITH given AS (
        SELECT samples, item_id, sample, criterion, verdict, count(verdict) AS times, min(place) AS place
        FROM ({_ASKED}) GROUP BY ALL
    ), explanations AS (
        SELECT item_id, sample, criterion, min(place) AS place, sum(times) AS n, sum(times * (times - 1)) AS same
        FROM given GROUP BY samples, item_id, sample, criterion
    )
    SELECT item_id, criterion, count_if(n > 1) AS pairs, avg(same / (n * (n - 1))) FILTER (n > 1) AS share
    FROM explanations GROUP BY item_id, criterion ORDER BY min(place)
"""


def _estimate(by_question: pd.Series, runs: int, settings: CompareSettings) -> Estimate:
    if by_question.empty:
        return Estimate.undefined(0, why_no_repeat(runs))
    values = by_question.to_numpy(dtype=float)
    return Resamples(len(values), settings.resamples, settings.seed).mean(values, bounds=(0, 1))


def why_no_repeat(runs: int) -> str:
    """Why nothing is known of how a judge repeats itself, where `runs` askings of one sample run are there."""
    return "the judge was asked once: run it again with repeat=1" if runs < 2 else "no verdict can be read twice"
