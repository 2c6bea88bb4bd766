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
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from core.runs import content_hash
from core.settings import CompareSettings
from core.statistics.estimates import Estimate
from core.statistics.resampling import Resamples
from core.store import Store


@dataclass(frozen=True)
class SelfAgreement:
    """How often a judge gives the same verdict twice, criterion → share with n questions."""

    runs: list[str]
    """Repeats that were compared; the one run alone where agreement is expected from its probabilities."""
    observed: bool
    """Counted on repeats; False: expected from probabilities."""
    by_criterion: dict[str, Estimate]


def expected_self_agreement(probabilities: np.ndarray) -> np.ndarray:
    """Chance that two independent draws of a verdict are the same: Σp², shape (verdicts, labels) → (verdicts,).

    >>> expected_self_agreement(np.array([[1.0, 0.0], [0.5, 0.5]])).tolist()
    [1.0, 0.5]
    """
    return np.square(np.asarray(probabilities, dtype=float)).sum(axis=-1)


def observed_self_agreement(verdicts: Sequence[Sequence[str | None]]) -> np.ndarray:
    """Share of pairs of runs that gave the same verdict, shape (explanations, runs) → (explanations,).

    None is a verdict that could not be read: pairs with one are left out, and an explanation without any
    other pair is NaN.

    >>> observed_self_agreement([["good", "good", "bad"], ["good"] * 2, ["bad", None]]).round(3).tolist()
    [0.333, 1.0, nan]
    """
    return np.array([_share_of_same(given) for given in verdicts], dtype=float)


def _share_of_same(given: Sequence[str | None]) -> float:
    pairs = list(combinations([verdict for verdict in given if verdict is not None], 2))
    return float(np.mean([one == other for one, other in pairs])) if pairs else float("nan")


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


def self_agreement(store: Store, run: str, settings: CompareSettings) -> SelfAgreement:
    """Self-consistency of the judge of a run, per criterion; intervals resample questions.

    Verdicts given by rule are left out.  A run without probabilities that has no repeat says nothing: every
    figure is undefined.
    """
    runs = repeats_of(store, run)
    frame = _verdicts(store, runs)
    observed = bool(frame["probabilities"].isna().all())
    shares = {}
    for criterion, group in frame.groupby("criterion", sort=False):
        values = _observed(group) if observed else _expected(group[group["run"] == run])
        shares[str(criterion)] = _estimate(values, len(runs), settings)
    return SelfAgreement(runs=runs if observed else [run], observed=observed, by_criterion=shares)


def _observed(verdicts: pd.DataFrame) -> pd.Series:
    """Share of agreeing pairs of runs of each explanation, by its item."""
    wide = verdicts.pivot(index=["item_id", "sample"], columns="run", values="verdict").astype(object)
    given = wide.where(wide.notna(), None).to_numpy()
    return pd.Series(observed_self_agreement(given), index=wide.index.get_level_values("item_id"))


def _expected(verdicts: pd.DataFrame) -> pd.Series:
    known = verdicts[verdicts["probabilities"].notna()]
    return pd.Series(expected_self_agreement(np.stack(known["probabilities"].to_list())), index=known["item_id"])


def _estimate(values: pd.Series, runs: int, settings: CompareSettings) -> Estimate:
    by_question = values.dropna().groupby(level=0).mean()
    if by_question.empty:
        asked = "the judge was asked once: run it again with repeat=1" if runs < 2 else "no verdict can be read twice"
        return Estimate.undefined(0, asked)
    return Resamples(len(by_question), settings.resamples, settings.seed).mean(by_question.to_numpy(), bounds=(0, 1))


def _verdicts(store: Store, runs: list[str]) -> pd.DataFrame:
    """run, item_id, sample, criterion, verdict, probabilities of what these runs asked a model."""
    return store.frame(
        "SELECT v.run, v.item_id, v.sample, v.criterion, v.verdict, v.probabilities FROM verdicts v JOIN scores s "
        "USING (run, item_id, sample) WHERE list_contains(?, v.run) AND s.origin = 'model' ORDER BY v.run, v.seq",
        [runs],
    )
