"""The Compare page's figures: findings, win matrix, distance from a baseline, and a pair of variants taken apart.

A click on a figure chooses what the rest of the page shows: a cell of the matrix or a point of the forest a pair of
variants, a criterion or a category the questions below (`app.compare.questions`).
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import permutations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.address import put
from app.charts.comparison import delta_by_part, forest, win_matrix
from app.figures import download, picture
from app.tables import grid
from app.widgets import choice, plain, tie_rule
from core.analysis.comparison import Part, WinRate
from core.analysis.figures import COMPARISON, DETAIL, comparison_rows, detail_rows
from core.analysis.findings import PLANNED, p_words
from core.analysis.results import Details, Evaluation
from core.statistics.words import interval, number

ALL = "all"
"""Value of a filter that leaves nothing out."""

HALF = 480
"""Width of a figure that has another beside it, in pixels."""


def pick(key: str, set_to: Callable[[int], None]) -> None:
    """What a click on a figure does: `set_to` with the place of the point; call it as the figure's `on_select`."""
    points = st.session_state[key]["selection"]["points"]
    if points:
        set_to(points[-1]["point_index"])


def choose(key: str, values: Sequence[str], place: int) -> None:
    """Set a `choice` of the page to one of the values, from a figure's click."""
    put(**{key: values[place]})


def halves() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Two places for figures: beside each other, one below the other where the page is narrow."""
    row = st.container(horizontal=True, gap="medium")
    return row.container(width=HALF), row.container(width=HALF)


# --- every two variants


def findings(evaluation: Evaluation, baseline: str) -> None:
    """Every variant against the baseline, the most tuned first, then the other pairs, and what these can show."""
    against = [evaluation.rate(label, baseline) for label in reversed(evaluation.samples) if label != baseline]
    others = [rate for rate in evaluation.win_rates if baseline not in (rate.a, rate.b)]
    for rate in filter(None, against):
        plain(evaluation.finding(rate).sentence)
    if others:
        with st.expander("The other pairs of variants"):
            for rate in others:
                plain(evaluation.finding(rate).sentence)
    found = [evaluation.finding(rate) for rate in evaluation.win_rates]
    with st.expander("How much these questions can show"):
        grid(
            [
                {
                    "A against B": f"{one.a} against {one.b}",
                    "detectable Δ(W−L), points": number(one.detectable),
                    f"questions for ±{PLANNED:g} points": one.needed,
                }
                for one in found
            ],
            key="detectable",
            first=["A against B", "detectable Δ(W−L), points", f"questions for ±{PLANNED:g} points"],
        )
        st.caption(
            "Detectable: the smallest true difference that so many questions would show with a chance of 80% "
            "(two-sided test at 5%). Both plan the next evaluation; they say nothing about this one."
        )


def win_rates(evaluation: Evaluation, baseline: str) -> None:
    """The win matrix, the distance of each variant from the baseline, and the counts that give each rate."""
    labels = list(evaluation.samples)
    both = [rate for a, b in permutations(labels, 2) if (rate := evaluation.rate(a, b))]
    left, right = halves() if len(labels) < 6 else (st.container(), st.container())
    with left:
        st.subheader("Which variant wins against which?", anchor=False)
        st.caption("Row against column: share of sample pairs won, Δ(W−L) in points. Click a cell to take it apart.")
        _picks_pair(
            evaluation, win_matrix(both, labels), both, "matrix", "How often each variant wins against each other"
        )
    against = [rate for rate in both if rate.b == baseline]
    with right:
        st.subheader("How far is each variant from the baseline?", anchor=False)
        st.caption("Right of zero a variant's explanations win against the baseline's; hollow: 0 is not excluded.")
        figure = forest(against, [rate.a for rate in against], labels)
        _picks_pair(evaluation, figure, against, "forest", "Win minus loss of every variant against the baseline")
    rate_table(evaluation)


def _picks_pair(evaluation: Evaluation, figure: go.Figure, rates: Sequence[WinRate], key: str, alt: str) -> None:
    """A figure whose points, one a rate that is known, choose the pair of variants."""
    known = [pair_key(evaluation, rate) for rate in rates if rate.delta.value is not None]
    clicked = partial(pick, key, partial(choose, "pair", known))
    picture(figure, key=key, alt=alt, on_select=clicked, selection_mode="points")


def pair_key(evaluation: Evaluation, rate: WinRate) -> str:
    """The name of a pair of variants in the choice `pair`, in the order in which they were compared."""
    known = {(r.a, r.b) for r in evaluation.win_rates}
    a, b = (rate.a, rate.b) if (rate.a, rate.b) in known else (rate.b, rate.a)
    return f"{a} against {b}"


def rate_table(evaluation: Evaluation) -> None:
    """Every rate with the counts from which it can be derived again."""
    grid(
        [
            {
                "A against B": f"{rate.a} against {rate.b}",
                "n questions": rate.n,
                "Δ(W−L), points": interval(rate.delta, "points"),
                "p (Holm)": p_words(rate.p_holm),
                "wins / ties / losses": f"{rate.wins} / {rate.ties} / {rate.losses}",
                "win": interval(rate.win, "share"),
                "tie": interval(rate.tie, "share"),
                "loss": interval(rate.loss, "share"),
                "accuracy, points": interval(rate.accuracy, "points"),
                "unjudged": rate.unjudged,
            }
            for rate in evaluation.win_rates
        ],
        key="rates",
        first=["A against B", "Δ(W−L), points", "n questions", "p (Holm)"],
    )
    drawn = f"{evaluation.n} × {evaluation.n}" if evaluation.n else "N × N (each question has its own)"
    for note in dict.fromkeys(rate.delta.note for rate in evaluation.win_rates if rate.delta.note):
        st.warning(note, icon=":material/straighten:")
    st.caption(
        f"On each question all {drawn} pairs of samples are compared: wins / ties / losses "
        "count them. Shares are averaged within each question, then over questions; where every explanation has a "
        "score they are wins, ties and losses over their sum, else they follow from the counts of each question below. "
        f"{tie_rule(evaluation.settings)} Accuracy: A less B, prediction `{evaluation.settings.right_by}`, paired by "
        "question."
    )
    download(lambda: pd.DataFrame(comparison_rows(evaluation), columns=COMPARISON), "win_rates")


# --- one pair of variants


def chosen_pair(evaluation: Evaluation) -> WinRate:
    """The pair of variants that the rest of the page is about."""
    named = {f"{rate.a} against {rate.b}": rate for rate in reversed(evaluation.win_rates)}
    return named[choice("Pair of variants (A against B)", list(named), key="pair")]


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
        st.caption("Questions by how often B's own samples were right: a lucky draw counts as right.")
    st.caption("Click a point to see the questions behind it; hollow: 0 is not excluded.")
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
        on_select=partial(pick, chart, partial(choose, key, known)),
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


def models(found: Details) -> None:
    """Win rates at equal length, and the strengths of all variants at once."""
    st.subheader("Would it hold at equal length, and over all variants at once?", anchor=False)
    _lengths(found)
    _strengths(found)


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


# --- all data sets


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
