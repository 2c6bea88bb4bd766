"""What the tab Agreement computes once for all viewers, and anew when somebody hands something in or a run ends.

Labels come from the journal as JSON, and every interval resamples questions: a second for some thousand ratings, and
from then on nothing until one more is handed in.
"""

import pandas as pd
import streamlit as st

from app.state import Lab
from core.analysis.agreement import PairAgreement
from core.annotation import agreeing
from core.annotation.agreeing import Checked, CriterionAgreement, PeopleAgreement, VoteCount
from core.annotation.exporting import counts
from core.annotation.sources import Source
from core.rubrics import load_rubric
from core.settings import CompareSettings
from core.store.database import Store

EVERYBODY = "everybody"


def state_of(here: Lab) -> str:
    """Changes whenever a person handed something in, or a run ended."""
    query = "SELECT count(*), max(t) FROM journal WHERE action IN ('rating', 'spot_check', 'pair_vote')"
    return f"{here.sealed} {here.store.rows(query)[0]}"


@st.cache_data(max_entries=4, show_spinner=False)
def _counts(_store: Store, state: str) -> pd.DataFrame:
    return counts(_store)


def annotated(here: Lab) -> pd.DataFrame:
    """What has been annotated, a row a way and annotator (`core.annotation.exporting.counts`)."""
    return _counts(here.store, state_of(here))


@st.cache_data(max_entries=4, show_spinner=False)
def _touched(_store: Store, state: str) -> set[str]:
    query = "SELECT samples FROM annotations UNION SELECT samples_a FROM pair_votes"
    return {samples for (samples,) in _store.rows(query)}


def touched(here: Lab) -> set[str]:
    """Runs whose explanations somebody rated, checked, or voted on."""
    return _touched(here.store, state_of(here))


@st.cache_resource(max_entries=8, show_spinner="Laying ratings beside the judge's verdicts …")
def _pairs(_store: Store, state: str, judges: dict[str, str]) -> pd.DataFrame:
    return agreeing.pairs_of(_store, judges)


def pairs_by(here: Lab, source: Source, who: str) -> pd.DataFrame:
    """Blind labels of an annotator, or of `EVERYBODY`, beside the judge's verdicts (`agreeing.pairs_of`)."""
    rows = _pairs(here.store, state_of(here), source.judges)
    return rows if who == EVERYBODY else rows[rows["rater"] == who]


@st.cache_data(max_entries=16, show_spinner="Measuring agreement with the judge …")
def _judge(_here: Lab, state: str, _source: Source, key: str, who: str) -> list[CriterionAgreement]:
    rows = pairs_by(_here, _source, who)
    return agreeing.judge_agreement(rows, load_rubric(_source.rubric), CompareSettings())


def judge_agreement(here: Lab, source: Source, who: str) -> list[CriterionAgreement]:
    """The judge of a source against an annotator, or against everybody, on each criterion."""
    return _judge(here, state_of(here), source, source.key, who)


@st.cache_data(max_entries=16, show_spinner=False)
def _disagreements(_here: Lab, state: str, _source: Source, key: str, who: str) -> pd.DataFrame:
    return agreeing.disagreements(pairs_by(_here, _source, who), load_rubric(_source.rubric))


def disagreements(here: Lab, source: Source, who: str) -> pd.DataFrame:
    """Ratings that differ from the judge's, the worst first."""
    return _disagreements(here, state_of(here), source, source.key, who)


@st.cache_data(max_entries=8, show_spinner="Measuring agreement between annotators …")
def _people(_store: Store, state: str, runs: list[str], rubric: str) -> list[PeopleAgreement]:
    return agreeing.people_agreement(_store, runs, load_rubric(rubric), CompareSettings())


def people_agreement(here: Lab, source: Source) -> list[PeopleAgreement]:
    """Annotators among themselves, a criterion each."""
    return _people(here.store, state_of(here), list(source.samples.values()), source.rubric)


@st.cache_data(max_entries=8, show_spinner=False)
def _annotators(_store: Store, state: str, runs: list[str], rubric: str) -> pd.DataFrame:
    return agreeing.annotator_table(_store, runs, load_rubric(rubric))


def annotator_table(here: Lab, source: Source) -> pd.DataFrame:
    """What each annotator did, blind."""
    return _annotators(here.store, state_of(here), list(source.samples.values()), source.rubric)


@st.cache_data(max_entries=8, show_spinner=False)
def _answers(_store: Store, state: str, runs: list[str]) -> PairAgreement | None:
    return agreeing.answer_agreement(_store, runs, CompareSettings())


def answer_agreement(here: Lab, source: Source) -> PairAgreement | None:
    """People's word on the answer against gold; None where there is none."""
    return _answers(here.store, state_of(here), list(source.samples.values()))


@st.cache_data(max_entries=8, show_spinner=False)
def _checks(_store: Store, state: str, judges: dict[str, str], rubric: str) -> list[Checked]:
    return agreeing.spot_checks(_store, judges, load_rubric(rubric), CompareSettings())


def spot_checks(here: Lab, source: Source) -> list[Checked]:
    """What spot-checks of the source's judge say, a criterion each."""
    return _checks(here.store, state_of(here), source.judges, source.rubric)


@st.cache_data(max_entries=8, show_spinner=False)
def _votes(_store: Store, state: str, judges: dict[str, str], runs: list[str]) -> list[VoteCount]:
    return agreeing.votes(_store, judges, runs, CompareSettings())


def votes(here: Lab, source: Source) -> list[VoteCount]:
    """Blind votes on the source's explanations, for each two variants."""
    return _votes(here.store, state_of(here), source.judges, list(source.samples.values()))
