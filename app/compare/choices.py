"""What is chosen on the Compare page: how a win is decided, a baseline, a pair of variants, a tab.

A click on a figure goes one step down: from all variants to one pair (`open_pair`), from a pair to the questions
behind a criterion or a category (`open_questions`).
"""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.address import held, put, value
from app.widgets import choice
from core.analysis.comparison import WinRate
from core.analysis.results import Evaluation
from core.settings import CompareSettings

TABS = VARIANTS, PAIR, QUESTIONS, DUELS, HOLDS = ("Variants", "One pair", "Questions", "Head to head", "Does it hold?")
"""From all variants down to single questions, then what else there is to know of them."""

SCORES = ["expected", "total"]

ALL = "all"
"""Value of a filter that leaves nothing out."""


def chosen_settings(place: DeltaGenerator) -> CompareSettings:
    """Score and tie margin that decide a win, unfolded from a line that says them."""
    score = value("score", SCORES[0], SCORES.__contains__)
    default = CompareSettings(score=score).margin
    margin = held(f"margin_{score}", default, lambda margin: 0 <= margin <= 15)
    tie_margin = margin["value"]
    nats = held("margin_reader", CompareSettings().reader_margin, lambda margin: 0 <= margin <= 5)
    settings = CompareSettings(
        score=score,
        tie_margin=None if tie_margin == default else tie_margin,
        reader_margin=nats["value"],
    )
    with place.popover(f"{score} score, ties within {settings.margin:g}", icon=":material/balance:", width="stretch"):
        choice("Score that decides", SCORES, key="score")
        st.number_input(
            "Tie margin, in score points",
            min_value=0.0,
            max_value=15.0,
            step=0.1,
            help="Two explanations whose scores differ by at most this much tie.",
            **margin,
        )
        st.number_input(
            "Tie margin of readers, in nats",
            min_value=0.0,
            max_value=5.0,
            step=0.05,
            help="Two explanations after which a reader's log-probabilities of gold differ by at most this much tie; "
            "0.1 is a tenth likelier.",
            **nats,
        )
    return settings


def chosen_baseline(evaluation: Evaluation) -> str:
    """The variant that the others are held against: base where there is one."""
    labels = sorted(evaluation.samples, key=lambda label: label != "base")
    return choice("Baseline", labels, key="baseline", width=240)


def chosen_pair(evaluation: Evaluation) -> WinRate:
    """The pair of variants that the rest of a tab is about."""
    named = {pair_name(evaluation, rate): rate for rate in reversed(evaluation.win_rates)}
    return named[choice("Pair of variants (A against B)", list(named), key="pair", width=280)]


def pair_name(evaluation: Evaluation, rate: WinRate) -> str:
    """The name of a pair of variants in the choice `pair`: in the order in which they were compared."""
    known = {(r.a, r.b) for r in evaluation.win_rates}
    a, b = (rate.a, rate.b) if (rate.a, rate.b) in known else (rate.b, rate.a)
    return f"{a} against {b}"


# --- what a click on a figure does


def pick(key: str, then: Callable[[int], None]) -> None:
    """Hand the place of the clicked point of a figure on; call it as the figure's `on_select`."""
    points = st.session_state[key]["selection"]["points"]
    if points:
        then(points[-1]["point_index"])


def open_pair(names: Sequence[str], place: int) -> None:
    """Open the tab of one pair, by its place among the names of pairs."""
    put(tab=PAIR, pair=names[place])


def tab_button(label: str, tab: str, icon: str) -> None:
    """A button that turns to another tab, with all else as it is."""
    st.button(label, icon=icon, type="tertiary", key=f"to_{tab}", on_click=partial(put, tab=tab))


def open_questions(filter_of: str, values: Sequence[str], place: int) -> None:
    """Open the tab of questions, filtered by one of the values; the other filters go."""
    put(**{"tab": QUESTIONS, "item": None, "scored_by": None, "of_category": None} | {filter_of: values[place]})
