"""What a lab has found, a card a data set: one sentence with its interval, and what stands behind it."""

from itertools import groupby

import streamlit as st

from app.judges.card import believe
from app.navigation import link
from app.state import diagnostics, results
from app.tables import grid
from app.widgets import plain, sentence, tie_rule
from core.analysis.comparison import WinRate
from core.analysis.results import Evaluation
from core.statistics.words import interval, number

TUNED = ("anchor", "rank", "sft")
"""Which variant's win rate over the base is the headline, the first that is there."""


def headlines() -> None:
    """A card for each data set with results; evaluations of one variant alone have nothing to compare."""
    found = sorted([e for e in results() if e.win_rates], key=lambda evaluation: evaluation.dataset_name)
    for name, group in groupby(found, key=lambda evaluation: evaluation.dataset_name):
        evaluations = sorted(group, key=lambda evaluation: (evaluation.by_reader, -len(evaluation.results)))
        with st.container(border=True):
            _card(name, evaluations)


def _card(name: str, evaluations: list[Evaluation]) -> None:
    first = evaluations[0]
    rates = _told(first)
    chief = max(rates, key=_importance)
    sentence(f"{name}: {_short(first, chief)}", key=f"finding_{first.key}")
    for rate in rates:
        if rate is not chief:
            plain(_short(first, rate))
    believe(first)
    with st.container(horizontal=True):
        link("compare", "Compare", icon=":material/compare_arrows:", evaluation=first.key)
        link("explanations", "Read the explanations", icon=":material/article:", evaluation=first.key)
        for other in evaluations[1:]:
            link("compare", f"{other.split}, {other.drawn}, other judge or draw", evaluation=other.key)
    with st.expander("Variants, tie rule, signs of failure"):
        plain(first.title)
        for rate in rates:
            plain(first.finding(rate).sentence)
        _variants(first)
        plain(tie_rule(first.settings))
        _signs(first)


def _told(evaluation: Evaluation) -> list[WinRate]:
    """Every variant against base, and the two most tuned against each other; all where there is no base."""
    against_base = [rate for rate in evaluation.win_rates if "base" in (rate.a, rate.b)]
    if not against_base:
        return evaluation.win_rates
    return [rate for rate in (*against_base, evaluation.rate(*TUNED[:2])) if rate]


def _importance(rate: WinRate) -> tuple[bool, int]:
    """Against base first, the most tuned first."""
    tuned = [len(TUNED) - TUNED.index(label) for label in (rate.a, rate.b) if label in TUNED]
    return "base" in (rate.a, rate.b), max(tuned, default=0)


def _short(evaluation: Evaluation, rate: WinRate) -> str:
    """One pair of variants in a line: difference, interval, n, verdict."""
    about = f"{rate.a} against {rate.b}"
    if rate.delta.value is None:
        return f"{about}: no question where both have a score"
    points = f"{number(rate.delta.value, 'points')} points"
    edges = f"95% {number(rate.delta.low, 'points')} … {number(rate.delta.high, 'points')}"
    return f"{about}: {points}, {edges}, n = {rate.n} questions: {evaluation.finding(rate).verdict}"


def _variants(evaluation: Evaluation) -> None:
    grid(
        [
            {
                "variant": result.label,
                "questions": result.questions,
                "right (forced)": interval(result.accuracy_forced, "share"),
                "right (parsed)": interval(result.accuracy_parsed, "share"),
                "unparsed": number(result.unparsed.value, "share"),
                "empty": number(result.empty.value, "share"),
                "mean score": interval(result.score),
            }
            for result in evaluation.results
        ],
        key=f"variants_{evaluation.key}",
        first=["variant", "mean score", "right (forced)"],
        margin=30,
    )


def _signs(evaluation: Evaluation) -> None:
    """The signs of failure to look at, then the others; the judge has its own line above."""
    found = [sign for sign in diagnostics(evaluation) if sign.sign != "judge"]
    doubtful = sum(sign.verdict == "look here" for sign in found)
    st.caption(f"Signs of failure: {doubtful} of {len(found)} to look at")
    for sign in sorted(found, key=lambda sign: sign.verdict != "look here"):
        plain(f"{sign.verdict}: {sign.sentence}")
    st.caption("Clear: the 95% interval over questions leaves the failure out. Look here: it does not.")
