"""What a set of pairwise judgements says beyond its win rates: strengths, equal length, and people beside a judge.

    with any_store(home) as store:
        set_strengths(store, run, CompareSettings())        # Bradley–Terry, an entry an annotator
        set_lengths(store, run, "words", CompareSettings()) # win rate at equal length, an entry a pair and annotator
        set_corrections(store, run, CompareSettings())      # prediction-powered, an entry a pair and judge

Questions are resampled, as in `core.analysis.consensus`, whose pairs and tie rule these are.  Not covered: AlpacaEval's
own length-controlled rate (docs/statistics/length-control.md).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from core.analysis.consensus import EQUAL, FIRST, SECOND, choices, side
from core.loading.preferences import A
from core.records import RaterKind
from core.settings import CompareSettings
from core.statistics.bradley_terry import Strengths, bradley_terry
from core.statistics.length_control import LengthControlled, length_controlled
from core.statistics.prediction_powered import Corrected, corrected_mean
from core.statistics.resampling import Resamples
from core.store.database import Store

LengthUnit = Literal["characters", "words"]
COLUMNS: dict[LengthUnit, tuple[str, str]] = {"characters": ("chars_a", "chars_b"), "words": ("words_a", "words_b")}


@dataclass(frozen=True)
class SetStrengths:
    """Strengths of a set's variants by one annotator."""

    annotator: str
    kind: RaterKind
    found: Strengths | None
    """None where they are undefined."""
    note: str | None
    """Why they are undefined; None where they are not."""


@dataclass(frozen=True)
class SetLength:
    """Win rate of b over a at equal length, by one annotator."""

    annotator: str
    kind: RaterKind
    a: str
    b: str
    found: LengthControlled
    left_out: int
    """Choices whose outputs have no known length."""


@dataclass(frozen=True)
class SetCorrection:
    """Win rate of b over a by people, by one judge, and by the judge corrected by people; shares."""

    judge: str
    a: str
    b: str
    found: Corrected


def set_strengths(store: Store, run: str, settings: CompareSettings) -> list[SetStrengths]:
    """Bradley–Terry strengths of all variants of a set, for each annotator who chose at all."""
    frame = choices(store, run).dropna(subset="preference")
    return [_strengths(*names, rows, settings) for names, rows in frame.groupby(["annotator", "kind"], sort=False)]


def _strengths(annotator: str, kind: RaterKind, rows: pd.DataFrame, settings: CompareSettings) -> SetStrengths:
    pairs = list(dict.fromkeys(zip(rows["a"], rows["b"], strict=True)))
    labels = list(dict.fromkeys(name for pair in pairs for name in pair))
    if _parts(labels, pairs) > 1:
        why = "undefined, because no chain of comparisons joins all variants"
        return SetStrengths(annotator, kind, None, why)
    question, known = pd.factorize(rows["question"])
    pair = pd.MultiIndex.from_tuples(pairs).get_indexer(pd.MultiIndex.from_frame(rows[["a", "b"]]))
    outcome = rows["preference"].map(side).map([FIRST, EQUAL, SECOND].index)
    outcomes = np.full((len(known), len(pairs), 3), np.nan)
    outcomes[question, pair] = np.eye(3)[outcome]
    drawn = Resamples(len(known), settings.resamples, settings.seed)
    return SetStrengths(annotator, kind, bradley_terry(labels, pairs, outcomes, drawn), None)


def _parts(labels: list[str], pairs: list[tuple[str, str]]) -> int:
    """How many groups of variants there are that no comparison joins."""
    rows, columns = zip(*((labels.index(a), labels.index(b)) for a, b in pairs), strict=True)
    graph = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(len(labels), len(labels)))
    return int(connected_components(graph, directed=False)[0])


def set_lengths(store: Store, run: str, unit: LengthUnit, settings: CompareSettings) -> list[SetLength]:
    """Win rates at equal length for each pair of variants and annotator; a length of 0 counts as one unit more."""
    frame = choices(store, run)
    frame = frame.assign(ratio=_ratios(store, run, unit, frame)).dropna(subset="preference")
    groups = frame.groupby(["annotator", "kind", "a", "b"], sort=False)
    return [_length(*names, rows, settings) for names, rows in groups]


def _ratios(store: Store, run: str, unit: LengthUnit, frame: pd.DataFrame) -> np.ndarray:
    """log((1 + length of b) / (1 + length of a)), rows and sides as in `choices`; NaN where a length is unknown."""
    first, second = COLUMNS[unit]
    raw = store.frame(
        f"SELECT a, {first} AS first, {second} AS second FROM preferences WHERE run = ? ORDER BY seq", [run]
    )
    ratio = np.log1p(raw["second"].astype(float)) - np.log1p(raw["first"].astype(float))
    return np.where((raw["a"] == frame["a"]).to_numpy(), ratio, -ratio)


def _length(
    annotator: str, kind: RaterKind, a: str, b: str, rows: pd.DataFrame, settings: CompareSettings
) -> SetLength:
    known = rows.dropna(subset="ratio")
    wins = known["preference"].to_numpy()[:, None] - A
    drawn = Resamples(len(known), settings.resamples, settings.seed)
    found = length_controlled(known["ratio"].to_numpy()[:, None], wins, drawn)
    return SetLength(annotator, kind, a, b, found, len(rows) - len(known))


def set_corrections(store: Store, run: str, settings: CompareSettings) -> list[SetCorrection]:
    """Prediction-powered win rates, for each pair of variants and judge where people chose on some of its questions.

    A question's value by people is the mean of their preferences − 1: no majority is needed.
    """
    frame = choices(store, run).dropna(subset="preference")
    found = []
    for (a, b), rows in frame.groupby(["a", "b"], sort=False):
        said = (rows["preference"] - A).groupby([rows["kind"], rows["question"]]).mean()
        people = said.get("person", pd.Series(dtype=float))
        for judge, chosen in rows[rows["kind"] == "judge"].groupby("annotator", sort=False):
            everything = chosen.set_index("question")["preference"] - A
            labelled = everything.index.intersection(people.index)
            if len(labelled):
                values = (everything.to_numpy(), everything[labelled].to_numpy(), people[labelled].to_numpy())
                found.append(SetCorrection(judge, a, b, corrected_mean(*values, bounds=(0, 1), settings=settings)))
    return found
