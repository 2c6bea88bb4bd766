"""The Judgements page's figures of pairwise sets: win rates, equal length, people beside a judge, strengths."""

from typing import Any, get_args

import streamlit as st

from app.state import Lab
from app.tables import grid
from app.widgets import choice, plain
from app.working import once
from core.analysis.consensus import NO_CARD, JudgementSet, PreferenceRate, majority_counts, preference_rates
from core.analysis.set_figures import (
    LengthUnit,
    SetCorrection,
    SetLength,
    SetStrengths,
    set_corrections,
    set_lengths,
    set_strengths,
)
from core.settings import CompareSettings
from core.statistics.words import interval, number

Figures = tuple[list[PreferenceRate], list[SetCorrection], list[SetStrengths]]


@once("Resampling questions for the intervals …", keep=16, seconds=0.5)
def _figures(_here: Lab, sealed: str, run: str) -> Figures:
    settings = CompareSettings()
    return (
        preference_rates(_here.store, run, settings),
        set_corrections(_here.store, run, settings),
        set_strengths(_here.store, run, settings),
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _majority(_here: Lab, sealed: str, run: str) -> dict[str, int]:
    return majority_counts(_here.store, run)


@once("Fitting the win rate at equal length …", keep=16, seconds=0.25)
def _lengths(_here: Lab, sealed: str, run: str, unit: LengthUnit) -> list[SetLength]:
    return set_lengths(_here.store, run, unit, CompareSettings())


UNITS = get_args(LengthUnit)
"""What lengths are counted in, the unit that the page opens on first."""


def figures_of(here: Lab, chosen: JudgementSet) -> Figures:
    """Win rates, those of judges corrected by people, and strengths."""
    return _figures(here, here.sealed, chosen.id)


def lengths_of(here: Lab, chosen: JudgementSet, unit: LengthUnit) -> list[SetLength]:
    """Win rates at equal length."""
    return _lengths(here, here.sealed, chosen.id, unit)


def preferences(here: Lab, chosen: JudgementSet) -> None:
    """All figures of a pairwise set."""
    rates, corrections, strengths = figures_of(here, chosen)
    win_rates(here, chosen, rates)
    equal_length(here, chosen)
    corrected(corrections, {rate.kind for rate in rates})
    bradley_terry(strengths)


def win_rates(here: Lab, chosen: JudgementSet, rates: list[PreferenceRate]) -> None:
    st.subheader("Win rates", anchor=False)
    grid(
        [
            {
                "variant": rate.b,
                "win rate, %": rate.rate.value,
                "± s.e.": rate.rate.se,
                "95%": f"{number(rate.rate.low)} … {number(rate.rate.high)}",
                "n": rate.rate.n,
                "against": rate.a,
                "annotator": f"{rate.annotator} ({rate.kind})",
                "win": rate.wins,
                "tie": rate.ties,
                "loss": rate.losses,
                "nothing given": rate.nothing,
            }
            for rate in rates
        ],
        key="set_rates",
        column_config={name: st.column_config.NumberColumn(format="%.2f") for name in ("win rate, %", "± s.e.")},
    )
    if majority := _majority(here, here.sealed, chosen.id):
        plain("Majority of people: " + ", ".join(f"{name} {count:,}" for name, count in majority.items()))
    st.caption("Win rate: mean of preference − 1, a tie one half. Intervals are over questions.")
    if any(rate.kind == "judge" for rate in rates):
        st.caption(NO_CARD)


def equal_length(here: Lab, chosen: JudgementSet) -> None:
    st.subheader("Win rate at equal length", anchor=False)
    found = lengths_of(here, chosen, choice("Length in", UNITS, key="length"))
    if not any(entry.found.controlled.value is not None for entry in found):
        st.caption(
            "Undefined, because fewer than two questions have a choice and outputs whose lengths are known: the file "
            "must hold the texts of both outputs."
        )
        return
    grid([length_row(entry) for entry in found], key="set_lengths")
    st.caption(
        "This lab's own measure, and not AlpacaEval's length-controlled win rate: each pair of variants stands alone, "
        "the chance of winning is fitted to the log ratio of lengths (a tie one half) and read at equal length; 95% "
        "intervals fit every resample of questions anew. Slope above 0: longer wins."
    )


def length_row(entry: SetLength) -> dict[str, Any]:
    found = entry.found
    return {
        "variant": entry.b,
        "at equal length": interval(found.controlled, "share"),
        "win rate": interval(found.plain, "share"),
        "against": entry.a,
        "annotator": f"{entry.annotator} ({entry.kind})",
        "slope": interval(found.slope),
        "times as long": "–" if found.ratio is None else f"{found.ratio:.2f}",
        "n": found.plain.n,
        "left out": entry.left_out,
        "note": found.controlled.note or "",
    }


def corrected(found: list[SetCorrection], kinds: set[str]) -> None:
    st.subheader("A judge corrected by people", anchor=False)
    if not found:
        missing = {"person": "no person", "judge": "no judge"}
        absent = [words for kind, words in missing.items() if kind not in kinds]
        why = f"{' and '.join(absent)} chose in this set" if absent else "people and judges share no question"
        st.caption(f"Undefined, because {why}: it takes a judge's choices, and people's on some of the same questions.")
        return
    grid([correction_row(entry) for entry in found], key="set_corrected")
    st.caption(
        "Prediction-powered win rate (Angelopoulos et al. 2023): the judge's mean over all n, corrected by people's "
        "choices where they made some, which must be questions drawn at random. Classical: people's questions alone. "
        "Ties are one half, several people's choices their mean; 95% intervals over questions."
    )


def correction_row(entry: SetCorrection) -> dict[str, Any]:
    found = entry.found
    return {
        "variant": entry.b,
        "corrected": interval(found.corrected, "share"),
        "people alone (classical)": interval(found.people, "share"),
        "n labelled / n all": f"{found.labelled:,} / {found.questions:,}",
        "against": entry.a,
        "judge": entry.judge,
        "judge alone": interval(found.judge, "share"),
        "λ": "–" if found.tuning is None else f"{found.tuning:.2f}",
        "note": found.note or "",
    }


def bradley_terry(found: list[SetStrengths]) -> None:
    st.subheader("Strengths of the variants", anchor=False)
    if not found:
        st.caption("Undefined, because no annotator chose.")
        return
    grid(
        [row for entry in found for row in strength_rows(entry)],
        key="set_strengths",
        first=["variant", "strength (95%)", "n", "annotator"],
    )
    st.caption(
        "Bradley–Terry, ties by Davidson: a difference of 1 is odds of e : 1 where nothing ties; the mean is 0. 95% "
        "intervals over questions. With two variants the win rate says it all."
    )


def strength_rows(entry: SetStrengths) -> list[dict[str, Any]]:
    """A row a variant, strongest first; one row that says why where there is no strength."""
    who = {"annotator": f"{entry.annotator} ({entry.kind})"}
    if entry.found is None:
        return [who | {"variant": "–", "strength (95%)": "–", "n": 0, "note": entry.note}]
    by_label = dict(zip(entry.found.labels, entry.found.strengths, strict=True))
    return [
        who
        | {
            "variant": name,
            "strength (95%)": interval(by_label[name], "coefficient"),
            "n": by_label[name].n,
            "note": by_label[name].note or "",
        }
        for name in entry.found.ranking
    ]
