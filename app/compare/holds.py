"""Whether what was found holds: on other data sets, under other judges, at equal length, over all variants at once."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.charts.comparison import forest
from app.compare.choices import chosen_pair
from app.figures import download, picture
from app.state import details
from app.tables import grid
from core.analysis.comparison import WinRate
from core.analysis.figures import COMPARISON, comparison_rows
from core.analysis.results import Details, Evaluation
from core.statistics.words import interval


def holds_tab(evaluation: Evaluation, found: Sequence[Evaluation]) -> None:
    """One pair of variants elsewhere, then all variants of this evaluation by other measures."""
    elsewhere(found, chosen_pair(evaluation))
    apart = details(evaluation)
    st.subheader("Would it hold at equal length?", anchor=False)
    _lengths(apart)
    st.subheader("How strong is each variant against all others?", anchor=False)
    _strengths(apart)


def elsewhere(found: Sequence[Evaluation], rate: WinRate) -> None:
    """The same two variants on every data set and under every judge that the lab has."""
    st.subheader("Does it hold on other data sets and under other judges?", anchor=False)
    known = [(evaluation, one) for evaluation in found if (one := evaluation.rate(rate.a, rate.b))]
    if len(known) == 1:
        st.caption("This is the only evaluation of these two variants. Sample and judge them on another data set.")
        return
    places = [f"{e.dataset_name} / {e.split}, judge {e.judge_name} ({e.mode})" for e, _ in known]
    picture(
        forest([one for _, one in known], places, [rate.a, rate.b]),
        key="elsewhere",
        alt="Win minus loss of the two variants on every data set",
    )
    grid(
        [
            {
                "data set / split": f"{e.dataset_name} / {e.split}",
                "judge": f"{e.judge_name} ({e.mode})",
                "n questions": one.n,
                "win": interval(one.win, "share"),
                "tie": interval(one.tie, "share"),
                "loss": interval(one.loss, "share"),
                "Δ(W−L), points": interval(one.delta, "points"),
                "wins / ties / losses": f"{one.wins} / {one.ties} / {one.losses}",
                "finding": e.finding(one).verdict,
            }
            for e, one in known
        ],
        key="data_sets",
        first=["data set / split", "judge", "Δ(W−L), points"],
    )
    download(lambda: _elsewhere([evaluation for evaluation, _ in known], rate), "on_data_sets")


def _elsewhere(found: Sequence[Evaluation], rate: WinRate) -> pd.DataFrame:
    rows = [row for one in found for row in comparison_rows(one) if {row["a"], row["b"]} == {rate.a, rate.b}]
    return pd.DataFrame(rows, columns=COMPARISON)


def _lengths(found: Details) -> None:
    grid(
        [
            {
                "A against B": f"{a} against {b}",
                "win rate (ties ½)": interval(length.plain, "share"),
                "at equal length": interval(length.controlled, "share"),
                "length of A / B": "–" if length.ratio is None else f"{length.ratio:.2f}",
                "log-odds per e-fold of length": interval(length.slope),
                "n questions": length.plain.n,
                "warning": length.controlled.note or "",
            }
            for (a, b), length in found.lengths.items()
        ],
        key="lengths",
        first=["A against B", "at equal length", "win rate (ties ½)"],
    )
    st.caption(
        "A logistic curve of winning over the log ratio of lengths (generated tokens), read at ratio 1; every resample "
        "of questions is fitted anew. This is the lab's own measure and not AlpacaEval's length-controlled win rate."
    )


def _strengths(found: Details) -> None:
    if found.strengths is None:
        return
    grid(
        [
            {
                "variant": label,
                "log-strength": interval(strength),
                "n questions": strength.n,
                "note": strength.note or "",
            }
            for label, strength in zip(found.strengths.labels, found.strengths.strengths, strict=True)
        ],
        key="strengths",
    )
    st.caption("Bradley–Terry with Davidson's ties, mean 0: a difference of 1 is odds of e : 1 where nothing ties.")
