"""All variants at once on the Compare page: findings, win matrix, distance from a baseline, accuracy."""

from collections.abc import Sequence
from functools import partial
from itertools import permutations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.charts.comparison import forest, quality_and_accuracy, win_matrix
from app.compare.choices import chosen_baseline, open_pair, pair_name, pick
from app.explanations.lineage import trained_on
from app.figures import download, picture
from app.navigation import link, open_page
from app.state import Lab
from app.tables import grid
from app.widgets import plain, tie_rule
from core.analysis.comparison import WinRate
from core.analysis.figures import COMPARISON, comparison_rows, variant_rows
from core.analysis.findings import PLANNED, p_words
from core.analysis.results import Evaluation
from core.statistics.words import interval, number
from core.store.queries import variants_of

HALF = 480
"""Width of a figure that has another beside it, in pixels."""


def halves() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Two places for figures: beside each other, one below the other where the page is narrow."""
    row = st.container(horizontal=True, gap="medium")
    return row.container(width=HALF), row.container(width=HALF)


def variants_tab(here: Lab, evaluation: Evaluation) -> None:
    """From what may be said to the figures that say it."""
    if evaluation.win_rates:
        baseline = chosen_baseline(evaluation)
        findings(evaluation, baseline)
        win_rates(evaluation, baseline)
    else:
        st.caption("One variant alone cannot be compared: sample and judge another with the same settings.")
    quality(evaluation)
    chains(here, evaluation)


def findings(evaluation: Evaluation, baseline: str) -> None:
    """Every variant against the baseline, the most tuned first, then the other pairs, and what these can show."""
    st.subheader("Is one variant better, and is its accuracy kept?", anchor=False)
    against = [evaluation.rate(label, baseline) for label in reversed(evaluation.samples) if label != baseline]
    others = [rate for rate in evaluation.win_rates if baseline not in (rate.a, rate.b)]
    for rate in filter(None, against):
        plain(evaluation.finding(rate).sentence)
    if others:
        with st.expander("The other pairs of variants"):
            for rate in others:
                plain(evaluation.finding(rate).sentence)
    with st.expander("How much these questions can show"):
        _planned(evaluation)


def _planned(evaluation: Evaluation) -> None:
    found = [evaluation.finding(rate) for rate in evaluation.win_rates]
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
        st.caption("Row against column: share of sample pairs won, Δ(W−L) in points. Click a cell to open that pair.")
        _opens_pair(
            evaluation, win_matrix(both, labels), both, "matrix", "How often each variant wins against each other"
        )
    against = [rate for rate in both if rate.b == baseline]
    with right:
        st.subheader("How far is each variant from the baseline?", anchor=False)
        st.caption(
            "Right of zero a variant's explanations win against the baseline's; hollow: no "
            "difference shown, by the interval and by p corrected for all pairs (Holm) together."
        )
        figure = forest(against, [rate.a for rate in against], labels)
        _opens_pair(evaluation, figure, against, "forest", "Win minus loss of every variant against the baseline")
    rate_table(evaluation, evaluation.win_rates, key="rates")
    download(lambda: pd.DataFrame(comparison_rows(evaluation), columns=COMPARISON), "win_rates")


def _opens_pair(evaluation: Evaluation, figure: go.Figure, rates: Sequence[WinRate], key: str, alt: str) -> None:
    """A figure whose points, one a rate that is known, open a pair of variants."""
    known = [pair_name(evaluation, rate) for rate in rates if rate.delta.value is not None]
    clicked = partial(pick, key, partial(open_pair, known))
    picture(figure, key=key, alt=alt, on_select=clicked, selection_mode="points")


def rate_table(evaluation: Evaluation, rates: Sequence[WinRate], key: str) -> None:
    """Rates with the counts from which they can be derived again, and the rule by which two explanations tie."""
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
            for rate in rates
        ],
        key=key,
        first=["A against B", "Δ(W−L), points", "n questions", "p (Holm)"],
    )
    drawn = f"{evaluation.n} × {evaluation.n}" if evaluation.n else "N × N (each question has its own)"
    for note in dict.fromkeys(rate.delta.note for rate in rates if rate.delta.note):
        st.warning(note, icon=":material/straighten:")
    st.caption(
        f"On each question all {drawn} pairs of samples are compared: wins / ties / losses "
        "count them. Shares are averaged within each question, then over questions; where every explanation has a "
        "score they are wins, ties and losses over their sum, else they follow from the counts of each question. "
        f"{tie_rule(evaluation.settings)} Accuracy: A less B, prediction `{evaluation.settings.right_by}`, paired by "
        "question."
    )


def quality(evaluation: Evaluation) -> None:
    """Quality against accuracy of every variant, as a figure and as a table."""
    settings = evaluation.settings
    st.subheader("How good and how accurate is each variant?", anchor=False)
    st.caption("Click a point to read the variant's explanations.")
    shown = picture(
        quality_and_accuracy(evaluation.results, settings.right_by, settings.score),
        key="plane",
        alt="Accuracy and mean score of each variant",
        on_select="rerun",
        selection_mode="points",
    )
    for (label,) in (point["customdata"] for point in shown["selection"]["points"]):
        open_page("explanations", evaluation=evaluation.key, variant=label)
    grid(
        [
            {
                "variant": r.label,
                "questions": r.questions,
                "right (parsed)": interval(r.accuracy_parsed, "share"),
                "right (forced)": interval(r.accuracy_forced, "share"),
                "mean score": interval(r.score),
                "unparsed": number(r.unparsed.value, "share"),
                "empty": number(r.empty.value, "share"),
                "tokens": number(r.tokens.value),
                "responses": r.explanations,
                "unjudged": r.unjudged,
            }
            for r in evaluation.results
        ],
        key="accuracy",
        first=["variant", "mean score", "right (forced)", "right (parsed)"],
    )
    st.caption(
        "`parsed`: the written answer alone; without one the response is wrong. `forced`: where there is none, option "
        "probabilities decide. In brackets 95% intervals over questions; they exclude training variance, since each "
        "variant is one training run."
    )
    download(lambda: pd.DataFrame(variant_rows(evaluation)), "variants")


def chains(here: Lab, evaluation: Evaluation) -> None:
    """What each variant is: its base and the trainings whose adapters are merged into it, in order."""
    known = _variants(here, here.sealed, list(evaluation.samples.values()))
    labels = {run: label for label, run in evaluation.samples.items()}
    with st.expander("What the variants are"):
        if known.empty:
            st.caption("Explanations written elsewhere: the lab knows no weights behind them.")
            return
        grid(
            [
                {
                    "variant": labels[row.samples],
                    "base": f"{row.base} ({row.base_source})",
                    "adapters, in order": " → ".join(row.chain) if len(row.chain) else "none",
                    "adapter hashes": " → ".join(h[:12] for h in row.adapter_hashes) if len(row.chain) else "",
                    "base hash": row.base_hash[:12],
                }
                for row in known.itertuples()
            ],
            key="chains",
        )
        for row in known.itertuples():
            if len(row.chain):
                _trainings(here, labels[row.samples], row.samples, row.chain[-1])


def _trainings(here: Lab, label: str, samples: str, training: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"{label}:", width="content")
        link("runs", "Its last training", icon=":material/model_training:", run=training)
        if pairs := trained_on(here.home, samples):
            where = {"tab": "Pairs", "pairs": pairs, "show": "The pairs"}
            link("anchors", "The pairs it was aligned on", icon=":material/anchor:", **where)


@st.cache_data(max_entries=16, show_spinner=False)
def _variants(_here: Lab, sealed: str, samples: list[str]) -> pd.DataFrame:
    return variants_of(_here.store, samples)
