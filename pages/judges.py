"""Judges: which can be believed, side by side on the same explanations, and another one with one button."""

from dataclasses import asdict

import pandas as pd
import streamlit as st

from app.charts.judges import score_by_length, together_map, verdict_bars
from app.figures import chart
from app.judges.card import side_by_side, whole_card
from app.judges.swap import judge_swap
from app.navigation import DEMO, nothing_yet, open_page
from app.state import lab, results, scores_by_length
from app.tables import grid
from app.widgets import choice, header
from core.analysis.report import READER_SAYS
from core.analysis.results import Evaluation
from core.judge_card import JudgeCard
from core.judge_card.pictures import judge_matrix
from core.statistics.words import interval


def responses_of(found: list[Evaluation]) -> list[Evaluation]:
    """The evaluations of one set of responses, chosen by the person: those that share data set, split and sampling."""
    by_protocol: dict[str, list[Evaluation]] = {}
    for evaluation in found:
        by_protocol.setdefault(evaluation.protocol, []).append(evaluation)
    names = {key: _responses(group[0]) for key, group in by_protocol.items()}
    what = "set of explanations"
    return by_protocol[choice("Explanations", list(names), key="responses", what=what, format_func=names.get)]


def _responses(evaluation: Evaluation) -> str:
    variants = ", ".join(evaluation.samples)
    return f"{evaluation.dataset_name} / {evaluation.split}, {evaluation.drawn}: {variants}"


def one_judge(evaluation: Evaluation) -> None:
    """The whole card of one judge, with what it is made from as pictures."""
    card = evaluation.card
    st.subheader("The card", anchor=False)
    if card.reliable:
        st.caption(card.line)
    else:
        st.warning(f"{card.line} Do not believe rankings by its score.", icon=":material/casino:")
    if evaluation.by_reader:
        st.caption(READER_SAYS)
    whole_card(card, key="card")
    if card.criteria:
        _verdicts(evaluation)
        _criteria(card)
    _lengths(evaluation)


def _criteria(card: JudgeCard) -> None:
    """How far the criteria are one figure."""
    names = names_of(card)
    chart(
        "Can it distinguish the criteria?",
        "Pearson's r within each question and variant. All near 1: the criteria are one figure several times.",
        together_map(names, card.correlations, "r"),
        pd.DataFrame(card.correlations, columns=names).assign(criterion=names),
        key="criteria",
    )


def _lengths(evaluation: Evaluation) -> None:
    """Scores over lengths; a click on a point leads to the explanations of that length."""
    bins = scores_by_length(evaluation)
    shown = chart(
        "Does it score longer explanations higher?",
        "Mean score above that of the same question and variant, in bins of about equally many explanations; 95% over "
        "questions. Click a point to read explanations of that length.",
        score_by_length(bins, evaluation.settings.score),
        pd.json_normalize([asdict(one) for one in bins]),
        key="lengths",
        on_select="rerun",
        selection_mode="points",
    )
    for low, high, *_ in (point["customdata"] for point in shown["selection"]["points"]):
        open_page("explanations", evaluation=evaluation.key, tokens=f"{low:g}~{high:g}")


def _verdicts(evaluation: Evaluation) -> None:
    """How often each verdict was given; a click on a bar leads to the explanations that got it."""
    card = evaluation.card
    shown = chart(
        "Which verdicts does it give?",
        "Click a part to read the explanations behind it. Verdicts by rule, on empty explanations, are left out: they "
        "say nothing of the judge.",
        verdict_bars(card),
        pd.DataFrame([c.counts for c in card.criteria], columns=card.labels).assign(
            criterion=names_of(card), unread=[c.unread for c in card.criteria]
        ),
        key="verdicts",
        on_select="rerun",
        selection_mode="points",
    )
    for *_, verdict, criterion in (point["customdata"] for point in shown["selection"]["points"]):
        if verdict >= 0:
            named = f"{card.criteria[criterion].criterion}:{card.labels[verdict]}"
            open_page("explanations", evaluation=evaluation.key, verdict=named)


def names_of(card: JudgeCard) -> list[str]:
    """The card's criteria, in order."""
    return [c.criterion for c in card.criteria]


def between(found: list[Evaluation], chosen: Evaluation) -> None:
    """How far the judges of the same responses agree in rank, and the intervals of the judge that is shown."""
    if len(found) < 2:
        st.subheader("Do judges rank explanations alike?", anchor=False)
        st.caption("One judge alone: let another read the same explanations, below.")
        return
    cards = [evaluation.card for evaluation in found]
    names = [f"{card.name} ({card.mode})" for card in cards]
    matrix = judge_matrix(cards)
    chart(
        "Do judges rank explanations alike?",
        "Spearman's ρ within each question and variant, over explanations that both judges scored; 95% intervals "
        "resample questions.",
        together_map(names, matrix, "ρ"),
        pd.DataFrame(matrix, columns=names).assign(judge=names),
        key="judges",
    )
    grid(
        [
            {
                "the judge shown, with": f"{peer.name} ({peer.mode})",
                "ρ (95%)": interval(peer.correlation, "coefficient"),
                "n questions": peer.correlation.n,
                "explanations": peer.explanations,
            }
            for peer in chosen.card.peers
        ],
        key="peers",
    )


here = lab()
header("Judges", "Which judges can be believed, and how do they differ on the same explanations?")
found = results()
if not found:
    nothing_yet("No judge yet", "Run the demo from the Overview: it samples and judges four variants.", DEMO)
else:
    group = responses_of(found)
    st.subheader("Side by side", anchor=False)
    side_by_side(group)
    by_key = {evaluation.key: evaluation for evaluation in group}
    names = {key: f"{one.card.name} ({one.mode}, {one.card.rubric})" for key, one in by_key.items()}
    chosen = by_key[choice("Judge", list(by_key), key="judge", what="judge", format_func=names.get)]
    one_judge(chosen)
    between(group, chosen)
    judge_swap(here, chosen)
