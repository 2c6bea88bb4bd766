"""Judges: which can be believed, side by side on the same explanations, and another one with one button."""

import streamlit as st

from app.charts.judges import score_by_length, together_map, verdict_bars
from app.judges.card import cell, side_by_side, whole_card
from app.judges.swap import judge_swap
from app.state import Lab, lab, results
from app.tables import grid
from app.widgets import choice, empty_state, header, picture
from core.analysis.results import Evaluation
from core.judge_card.pictures import LengthBin, judge_matrix, length_bins


def responses_of(found: list[Evaluation]) -> list[Evaluation]:
    """The evaluations of one set of responses, chosen by the person: those that share data set, split and sampling."""
    by_protocol: dict[str, list[Evaluation]] = {}
    for evaluation in found:
        by_protocol.setdefault(evaluation.protocol, []).append(evaluation)
    names = {key: _responses(group[0]) for key, group in by_protocol.items()}
    return by_protocol[choice("Explanations", list(names), key="responses", format_func=lambda key: names[key])]


def _responses(evaluation: Evaluation) -> str:
    variants = ", ".join(evaluation.samples)
    return f"{evaluation.dataset_name} / {evaluation.split}, {evaluation.drawn}: {variants}"


def one_judge(here: Lab, evaluation: Evaluation) -> None:
    """The whole card of one judge, with what it is made from as pictures."""
    card = evaluation.card
    st.subheader("The card", anchor=False)
    if card.reliable:
        st.caption(card.line)
    else:
        st.warning(f"{card.line} Do not believe rankings by its score.", icon=":material/casino:")
    whole_card(card, key="card")
    st.subheader("Verdicts", anchor=False)
    picture(verdict_bars(card), key="verdicts", alt="Shares of each verdict on each criterion")
    st.caption("Verdicts by rule, on empty explanations, are left out: they say nothing of the judge.")
    st.subheader("Criteria together", anchor=False)
    names = [c.criterion for c in card.criteria]
    picture(together_map(names, card.correlations, "r"), key="criteria", alt="Correlation of every two criteria")
    st.caption("Pearson's r over explanations. All near 1: the criteria are one figure several times.")
    st.subheader("Score and length", anchor=False)
    bins = _length_bins(here, here.sealed, card.key, evaluation)
    picture(score_by_length(bins, evaluation.settings.score), key="lengths", alt="Mean score over length")
    st.caption("Mean score in bins of about equally many explanations, all variants together; 95% over questions.")


@st.cache_data(max_entries=16, show_spinner="Sorting scores by length …")
def _length_bins(_here: Lab, sealed: str, key: str, _evaluation: Evaluation) -> list[LengthBin]:
    return length_bins(_here.store, _evaluation.card, _evaluation.settings)


def between(found: list[Evaluation], chosen: Evaluation) -> None:
    """How far the judges of the same responses agree in rank, and the intervals of the judge that is shown."""
    st.subheader("Judges together", anchor=False)
    if len(found) < 2:
        st.caption("One judge alone: let another read the same explanations, below.")
        return
    cards = [evaluation.card for evaluation in found]
    names = [f"{card.name} ({card.mode})" for card in cards]
    picture(together_map(names, judge_matrix(cards), "ρ"), key="judges", alt="Rank correlation of every two judges")
    grid(
        [
            {
                "the judge shown, with": f"{peer.name} ({peer.mode})",
                "ρ (95%)": cell(peer.correlation),
                "n questions": peer.correlation.n,
                "explanations": peer.explanations,
            }
            for peer in chosen.card.peers
        ],
        key="peers",
    )
    st.caption("Spearman's ρ of the scores of explanations that both judges scored; 95% intervals resample questions.")


here = lab()
header("Judges", "Which judges can be believed, and how do they differ on the same explanations?")
found = results()
if not found:
    empty_state("No judge yet", "Run the demo from the Overview: it samples and judges four variants.")
else:
    group = responses_of(found)
    st.subheader("Side by side", anchor=False)
    side_by_side(group)
    by_key = {evaluation.key: evaluation for evaluation in group}
    names = {key: f"{one.card.name} ({one.mode}, {one.card.rubric})" for key, one in by_key.items()}
    chosen = by_key[choice("Judge", list(by_key), key="judge", format_func=lambda key: names[key])]
    one_judge(here, chosen)
    between(group, chosen)
    judge_swap(here, chosen)
