"""The Compare page's tables: win rates with their counts, findings, and an evaluation taken apart."""

from collections.abc import Sequence

import streamlit as st

from app.charts.comparison import delta_by_part, forest
from app.widgets import choice, interval, number, picture, plain, tie_rule
from core.comparison import Part
from core.findings import PLANNED, p_words
from core.results import Details, Evaluation


def findings(evaluation: Evaluation) -> None:
    """One sentence a pair of variants: better, worse, not shown, or a judge that cannot be believed."""
    st.subheader("Findings", anchor=False)
    found = [evaluation.finding(rate) for rate in evaluation.win_rates]
    for one in found:
        plain(one.sentence)
    with st.expander("How much these questions can show"):
        st.dataframe(
            [
                {
                    "A against B": f"{one.a} against {one.b}",
                    "detectable Δ(W−L), points": number(one.detectable),
                    f"questions for ±{PLANNED:g} points": one.needed,
                }
                for one in found
            ],
            hide_index=True,
        )
        st.caption(
            "Detectable: the smallest true difference that so many questions would show with a chance of 80% "
            "(two-sided test at 5%). Both plan the next evaluation; they say nothing about this one."
        )


def win_rates(evaluation: Evaluation) -> None:
    """Win, tie and loss of every two variants, with the counts that give each rate."""
    st.subheader("Win rates", anchor=False)
    labels = [result.label for result in evaluation.results]
    picture(forest(evaluation.win_rates, labels), key="forest", alt="Win minus loss of every two variants")
    st.dataframe(
        [
            {
                "A against B": f"{rate.a} against {rate.b}",
                "n questions": rate.n,
                "win": interval(rate.win, "share"),
                "tie": interval(rate.tie, "share"),
                "loss": interval(rate.loss, "share"),
                "Δ(W−L), points": interval(rate.delta, "points"),
                "p (Holm)": p_words(rate.p_holm),
                "wins / ties / losses": f"{rate.wins} / {rate.ties} / {rate.losses}",
                "accuracy, points": interval(rate.accuracy, "points"),
                "unjudged": rate.unjudged,
            }
            for rate in evaluation.win_rates
        ],
        hide_index=True,
    )
    drawn = f"{evaluation.n} × {evaluation.n}" if evaluation.n else "N × N (each question has its own)"
    for note in dict.fromkeys(rate.delta.note for rate in evaluation.win_rates if rate.delta.note):
        st.warning(note, icon=":material/straighten:")
    st.caption(
        f"On each question all {drawn} pairs of samples are compared: wins / ties / losses "
        "count them. Shares are averaged within each question, then over questions; where every explanation has a "
        f"score they are wins, ties and losses over their sum. {tie_rule(evaluation.settings)} Accuracy: A less B, "
        f"prediction `{evaluation.settings.right_by}`, paired by question."
    )


def taken_apart(evaluation: Evaluation, details: Details) -> None:
    """What drives the win rates of one pair of variants, and models of all variants together."""
    st.subheader("What drives it", anchor=False)
    names = [f"{rate.a} against {rate.b}" for rate in evaluation.win_rates]
    name = choice("Pair of variants", names, key="pair")
    rate = evaluation.win_rates[names.index(name)]
    _parts(details.by_criterion, rate.a, rate.b, "By criterion", "by_criterion")
    st.caption("The tie margin of the total, divided among the criteria.")
    _parts(details.by_category, rate.a, rate.b, f"By category of {rate.b}", "by_category")
    st.caption("Questions by how often the second variant was right on them, its lucky draws among them.")
    _lengths(details)
    _strengths(details)


def _parts(parts: Sequence[Part], a: str, b: str, title: str, key: str) -> None:
    chosen = [part for part in parts if (part.a, part.b) == (a, b)]
    plain(title)
    picture(delta_by_part(chosen), key=key, alt=title)


def _lengths(details: Details) -> None:
    plain("At equal length")
    st.dataframe(
        [
            {
                "A against B": f"{a} against {b}",
                "win rate (ties ½)": interval(found.plain, "share"),
                "at equal length": interval(found.controlled, "share"),
                "length of A / B": "–" if found.ratio is None else f"{found.ratio:.2f}",
                "log-odds per e-fold of length": interval(found.slope),
                "warning": found.controlled.note or "",
            }
            for (a, b), found in details.lengths.items()
        ],
        hide_index=True,
    )
    st.caption(
        "A logistic curve of winning over the log ratio of lengths (generated tokens), read at ratio 1; every resample "
        "of questions is fitted anew. This is the lab's own measure and not AlpacaEval's length-controlled win rate."
    )


def _strengths(details: Details) -> None:
    if details.strengths is None:
        return
    plain("All variants at once")
    st.dataframe(
        [
            {
                "variant": label,
                "log-strength": number(strength.value),
                "95% interval": interval(strength),
                "n questions": strength.n,
                "note": strength.note or "",
            }
            for label, strength in zip(details.strengths.labels, details.strengths.strengths, strict=True)
        ],
        hide_index=True,
    )
    st.caption("Bradley–Terry with Davidson's ties, mean 0: a difference of 1 is odds of e : 1 where nothing ties.")
