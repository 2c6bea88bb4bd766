"""One pair of variants on the Compare page: what may be said of it, and which criteria and questions it comes from."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from app.charts.comparison import delta_by_part
from app.compare.choices import DUELS, QUESTIONS, chosen_pair, open_questions, pick, tab_button
from app.compare.duels import pair_in_short
from app.compare.variants import halves, rate_table
from app.figures import download, picture
from app.state import Lab, details
from app.tables import grid
from app.widgets import plain, sentence
from core.analysis.comparison import Part, WinRate
from core.analysis.figures import DETAIL, detail_rows
from core.analysis.findings import turned_accuracy
from core.analysis.results import Details, Evaluation
from core.statistics.words import interval, number


def pair_tab(here: Lab, evaluation: Evaluation) -> None:
    """The finding with its counts, then where the wins come from."""
    rate = chosen_pair(evaluation)
    sentence(evaluation.finding(rate).sentence, key="pair")
    results = {result.label: result for result in evaluation.results}
    if turned := turned_accuracy(results[rate.a], results[rate.b]):
        plain(turned)
    pair_in_short(here, evaluation, rate)
    with st.container(horizontal=True):
        tab_button("Its questions", QUESTIONS, icon=":material/list:")
        tab_button("Head to head", DUELS, icon=":material/balance:")
    taken_apart(evaluation, details(evaluation), rate)
    rate_table(evaluation, [rate], key="rate")


def taken_apart(evaluation: Evaluation, found: Details, rate: WinRate) -> None:
    """Where the wins of one pair of variants come from: criteria and categories, side by side."""
    left, right = halves()
    with left:
        st.subheader("Which criteria drive it?", anchor=False)
        _parts(found.by_criterion, rate, "scored_by", "Win minus loss by criterion")
        st.caption("Each criterion by its own score; the tie margin is the total's, divided among the criteria.")
    with right:
        st.subheader("On which questions?", anchor=False)
        _parts(found.by_category, rate, "of_category", "Win minus loss by category of the question")
        st.caption(
            "Questions by how often one half of B's samples was right; A and B are compared on the other half, both "
            "ways averaged, so that B's lucky draws do not sort their own comparison."
        )
    st.caption("Click a point to open the questions behind it; hollow: 0 is not excluded.")
    download(lambda: pd.DataFrame(detail_rows(evaluation, found), columns=DETAIL), "taken_apart")


def _parts(parts: Sequence[Part], rate: WinRate, key: str, alt: str) -> None:
    chosen = [part for part in parts if (part.a, part.b) == (rate.a, rate.b)]
    known = [part.part for part in chosen if part.delta.value is not None]
    if not known:
        st.caption("Nothing is known here: the judge gave no scores by part, or the questions have no gold.")
        return
    chart = f"chart_{key}"
    picture(
        delta_by_part(chosen),
        key=chart,
        alt=alt,
        on_select=partial(pick, chart, partial(open_questions, key, known)),
        selection_mode="points",
    )
    with st.expander("Counts and shares"):
        grid(
            [
                {
                    "part": part.part.replace("_", " "),
                    "n questions": part.delta.n,
                    "win": number(part.win, "share"),
                    "tie": number(part.tie, "share"),
                    "loss": number(part.loss, "share"),
                    "Δ(W−L), points": interval(part.delta, "points"),
                    "note": part.delta.note or "",
                }
                for part in chosen
            ],
            key=f"counts_{key}",
            first=["part", "Δ(W−L), points", "n questions"],
        )
