"""What the Anchors page computes once for all viewers, and anew when a run is sealed.

Categories are counted from all explanations of a data set and intervals resample its questions: seconds for 100,000
explanations the first time, and from then on nothing until a run ends.  Runs never change once they are
sealed, so what is read of one is kept by its id.
"""

import json
from dataclasses import dataclass, replace
from typing import Any, Literal

import streamlit as st

from app.state import Lab, results
from app.working import once
from core.analysis.distribution import CategoryScores, ExpectedShare, category_scores, expected_shares
from core.analysis.draws import Draw, draws
from core.analysis.pair_sources import Material, PairSource, criteria_of_judge, pair_sources, read_material
from core.analysis.results import CategoryShares, Evaluation
from core.analysis.transitions import Moved, QuestionTable, moved, question_table, shares_of
from core.method.pairs import narrowed, unnarrowed
from core.records import Dropped, Pair, RightBy
from core.settings import CompareSettings, PairSettings
from core.store.database import Store
from core.store.queries import pair_sets, questions_of

Samples = tuple[tuple[str, str], ...]
"""Variant labels and their sample runs, in the order of the chain."""

RIGHT_BY: list[RightBy] = ["forced", "parsed"]
"""Predictions that can decide what is right, the one that pages open on first."""


@st.cache_data(max_entries=4, show_spinner=False)
def _draws(_store: Store, sealed: str) -> list[Draw]:
    return draws(_store)


def known_draws(here: Lab) -> list[Draw]:
    """Every draw of the lab, those with most variants first."""
    return _draws(here.store, here.sealed)


def samples_of(draw: Draw) -> Samples:
    """A draw's variants as they are known here."""
    return tuple(draw.samples.items())


@once("Sorting questions into categories …", keep=32, seconds=0.13)
def _table(_store: Store, sealed: str, samples: Samples, by: RightBy) -> QuestionTable:
    return question_table(_store, dict(samples), by)


def table_of(here: Lab, samples: Samples, by: RightBy) -> QuestionTable:
    """Category and k of n of every question under these variants."""
    return _table(here.store, here.sealed, samples, by)


@once("Resampling questions for the intervals …", keep=64, seconds=0.2)
def _shares(_store: Store, sealed: str, samples: Samples, by: RightBy) -> dict[str, CategoryShares]:
    return shares_of(_table(_store, sealed, samples, by), CompareSettings())


def shares(here: Lab, samples: Samples, by: RightBy) -> dict[str, CategoryShares]:
    """Category shares of every variant."""
    return _shares(here.store, here.sealed, samples, by)


@once("Resampling questions for the intervals …", keep=64, seconds=0.05)
def _moved(_store: Store, sealed: str, samples: Samples, by: RightBy, before: str, after: str) -> Moved:
    return moved(_table(_store, sealed, samples, by), before, after, CompareSettings())


def what_moved(here: Lab, samples: Samples, by: RightBy, before: str, after: str) -> Moved:
    """What became of the questions from one variant to another."""
    return _moved(here.store, here.sealed, samples, by, before, after)


@once("Working out fewer responses a question …", keep=64, seconds=0.07)
def _expected(_store: Store, sealed: str, run: str, by: RightBy) -> list[ExpectedShare]:
    table = _table(_store, sealed, (("it", run),), by)
    known = table.category[:, 0] >= 0
    return expected_shares(table.right[known, 0], table.drawn[known, 0], CompareSettings())


def expected(here: Lab, run: str, by: RightBy) -> list[ExpectedShare]:
    """Expected category shares of a sample run at every N up to the drawn one."""
    return _expected(here.store, here.sealed, run, by)


@once("Sorting scores by category …", keep=64, seconds=0.2)
def _scores(_store: Store, sealed: str, judge: str, by: RightBy, score: str) -> list[CategoryScores]:
    return category_scores(_store, judge, by, score, CompareSettings())


def scores(here: Lab, judge: str, by: RightBy, score: Literal["expected", "total"]) -> list[CategoryScores]:
    """Scores of a judge run by the category of their question."""
    return _scores(here.store, here.sealed, judge, by, score)


def questions(here: Lab, dataset: str, ids: list[str]) -> dict[str, dict[str, Any]]:
    """Item id → question and gold."""
    return questions_of(here.store, dataset, ids)


def evaluation_with(samples: str, here: Lab | None = None) -> Evaluation | None:
    """The first evaluation by a judge that holds a sample run; None while nobody has judged it."""
    judged = (found for found in results(here=here) if not found.by_reader)
    return next((found for found in judged if samples in found.samples.values()), None)


# --- pairs


@st.cache_data(max_entries=4, show_spinner=False)
def _sources(_store: Store, sealed: str) -> list[PairSource]:
    return pair_sources(_store)


@st.cache_data(max_entries=4, show_spinner=False)
def _sets(_store: Store, sealed: str) -> list[dict[str, Any]]:
    return pair_sets(_store).to_dict("records")


@dataclass(frozen=True)
class Start:
    """Samples with settings to begin from."""

    title: str
    source: PairSource
    settings: PairSettings


def starts(here: Lab) -> dict[str, Start]:
    """Key → pair sets that runs have written, the newest first, then judged samples with settings as they are usual."""
    sources = {source.key: source for source in _sources(here.store, here.sealed)}
    known = {}
    for row in _sets(here.store, here.sealed):
        if source := _source_of(row, sources):
            title = f"pair set {row['label']} on {row['dataset_name']}  ({row['id']})"
            known[row["id"]] = Start(title, source, PairSettings.stored(json.loads(row["settings"])))
    for key, source in sources.items():
        known[key] = Start(source.title, source, PairSettings(strategy="anchor" if source.debates else "rank"))
    return known


def _source_of(row: dict[str, Any], sources: dict[str, PairSource]) -> PairSource | None:
    """The samples of a written pair set, with the debater or teacher it was built with where it had one."""
    parents = json.loads(row["parents"])
    found = sources.get(f"{parents['samples']}+{parents['judgements']}")
    others = ("debates", "debate_judgements", "teacher", "teacher_judgements")
    return found and replace(found, **{role: parents[role] for role in others if role in parents})


def beside(settings: PairSettings) -> PairSettings:
    """What is set beside A to begin with: the other of the paper's two strategies."""
    return settings.model_copy(update={"strategy": "anchor" if settings.strategy == "rank" else "rank"})


@once("Reading responses and scores …", keep=4, seconds=0.85)
def _material(_here: Lab, name: str, source: PairSource, score: str) -> Material:
    return read_material(_here.home, _here.store, source, score)


@once("Choosing pairs …", keep=8, seconds=0.5)
def _candidates(_here: Lab, name: str, source: PairSource, settings: PairSettings) -> list[Pair | Dropped]:
    return _material(_here, name, source, settings.score).candidates(settings)


@once("Choosing pairs …", keep=24, seconds=0.1)
def _built(_here: Lab, name: str, source: PairSource, settings: PairSettings) -> tuple[list[Pair], list[Dropped]]:
    return narrowed(_candidates(_here, name, source, unnarrowed(settings)), settings)


@dataclass(frozen=True)
class PairSet:
    """A strategy's pairs on some samples, as the settings stand."""

    name: str
    """A or B."""
    settings: PairSettings
    material: Material
    pairs: list[Pair]
    dropped: list[Dropped]
    key: str
    """What its pairs hang on, for what is computed of them once."""


def pair_set(here: Lab, name: str, source: PairSource, settings: PairSettings) -> PairSet:
    """The pairs of these settings."""
    lab = here.sealed.rpartition("#")[0]
    pairs, dropped = _built(here, lab, source, settings)
    key = f"{lab} {source} {settings.model_dump_json()}"
    return PairSet(name, settings, _material(here, lab, source, settings.score), pairs, dropped, key)


@st.cache_data(max_entries=16, show_spinner=False)
def _criteria(_store: Store, sealed: str, judge: str) -> list[str]:
    return criteria_of_judge(_store, judge)


def criteria(here: Lab, source: PairSource) -> list[str]:
    """Keys of the criteria that the judge of a source was asked about."""
    return _criteria(here.store, here.sealed, source.judgements)
