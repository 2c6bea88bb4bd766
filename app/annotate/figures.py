"""What the tab Agreement computes once for all viewers, and anew when somebody hands something in or a run ends.

Labels come from the journal as JSON, and every interval resamples questions: a second for some thousand ratings, and
from then on nothing until one more is handed in.
"""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from app.state import Lab
from app.working import once
from core.analysis.agreement import PairAgreement
from core.annotation import agreeing
from core.annotation.agreeing import Checked, CriterionAgreement, PeopleAgreement, VoteCount
from core.annotation.exporting import counts
from core.annotation.sources import Source
from core.rubrics import load_rubric
from core.settings import CompareSettings
from core.store.database import Store

EVERYBODY = "everybody"


@once("Counting what has been annotated …", keep=4, seconds=0.05)
def _counts(_store: Store, state: str) -> pd.DataFrame:
    return counts(_store)


@st.cache_data(max_entries=4, show_spinner=False)
def _touched(_store: Store, state: str) -> set[str]:
    query = "SELECT samples FROM annotations UNION SELECT samples_a FROM pair_votes"
    return {samples for (samples,) in _store.rows(query)}


@once("Laying ratings beside the judge's verdicts …", keep=8, seconds=0.1)
def _pairs(_store: Store, state: str, judges: dict[str, str]) -> pd.DataFrame:
    return agreeing.pairs_of(_store, judges)


@once("Measuring agreement with the judge …", keep=16, seconds=0.1)
def _judge(_rows: pd.DataFrame, state: str, key: str, who: str, rubric: str) -> list[CriterionAgreement]:
    return agreeing.judge_agreement(_rows, load_rubric(rubric), CompareSettings())


@once("Sorting disagreements …", keep=16, seconds=0.05)
def _disagreements(_rows: pd.DataFrame, state: str, key: str, who: str, rubric: str) -> pd.DataFrame:
    return agreeing.disagreements(_rows, load_rubric(rubric))


@once("Measuring agreement between annotators …", keep=8, seconds=0.15)
def _people(_store: Store, state: str, runs: list[str], rubric: str) -> list[PeopleAgreement]:
    return agreeing.people_agreement(_store, runs, load_rubric(rubric), CompareSettings())


@once("Summing up what each annotator did …", keep=8, seconds=0.05)
def _annotators(_store: Store, state: str, runs: list[str], rubric: str) -> pd.DataFrame:
    return agreeing.annotator_table(_store, runs, load_rubric(rubric))


@once("Laying answers beside gold …", keep=8, seconds=0.05)
def _answers(_store: Store, state: str, runs: list[str]) -> PairAgreement | None:
    return agreeing.answer_agreement(_store, runs, CompareSettings())


@once("Summing up spot-checks …", keep=8, seconds=0.05)
def _checks(_store: Store, state: str, judges: dict[str, str], rubric: str) -> list[Checked]:
    return agreeing.spot_checks(_store, judges, load_rubric(rubric), CompareSettings())


@once("Counting votes …", keep=8, seconds=0.05)
def _votes(_store: Store, state: str, judges: dict[str, str], runs: list[str]) -> list[VoteCount]:
    return agreeing.votes(_store, judges, runs, CompareSettings())


@dataclass(frozen=True)
class Figures:
    """The figures as the journal stands: `Figures.now(here)`."""

    here: Lab
    state: str

    @classmethod
    def now(cls, here: Lab) -> "Figures":
        query = "SELECT count(*), max(t) FROM journal WHERE action IN ('rating', 'spot_check', 'pair_vote')"
        return cls(here, f"{here.sealed} {here.store.rows(query)[0]}")

    def annotated(self) -> pd.DataFrame:
        """What has been annotated, a row a way and annotator (`core.annotation.exporting.counts`)."""
        return _counts(self.here.store, self.state)

    def touched(self) -> set[str]:
        """Runs whose explanations somebody rated, checked, or voted on."""
        return _touched(self.here.store, self.state)

    def pairs_by(self, source: Source, who: str) -> pd.DataFrame:
        """Blind labels of an annotator, or of `EVERYBODY`, beside the judge's verdicts (`agreeing.pairs_of`)."""
        rows = _pairs(self.here.store, self.state, source.judges)
        return rows if who == EVERYBODY else rows[rows["rater"] == who]

    def judge_agreement(self, source: Source, who: str) -> list[CriterionAgreement]:
        """The judge of a source against an annotator, or against everybody, on each criterion."""
        return _judge(self.pairs_by(source, who), self.state, source.key, who, source.rubric)

    def disagreements(self, source: Source, who: str) -> pd.DataFrame:
        """Ratings that differ from the judge's, the worst first."""
        return _disagreements(self.pairs_by(source, who), self.state, source.key, who, source.rubric)

    def people_agreement(self, source: Source) -> list[PeopleAgreement]:
        """Annotators among themselves, a criterion each."""
        return _people(self.here.store, self.state, list(source.samples.values()), source.rubric)

    def annotator_table(self, source: Source) -> pd.DataFrame:
        """What each annotator did, blind."""
        return _annotators(self.here.store, self.state, list(source.samples.values()), source.rubric)

    def answer_agreement(self, source: Source) -> PairAgreement | None:
        """People's word on the answer against gold; None where there is none."""
        return _answers(self.here.store, self.state, list(source.samples.values()))

    def spot_checks(self, source: Source) -> list[Checked]:
        """What spot-checks of the source's judge say, a criterion each."""
        return _checks(self.here.store, self.state, source.judges, source.rubric)

    def votes(self, source: Source) -> list[VoteCount]:
        """Blind votes on the source's explanations, for each two variants."""
        return _votes(self.here.store, self.state, source.judges, list(source.samples.values()))
