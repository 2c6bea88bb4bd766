"""The judge card on pages: in a line beside every number that a judge made, and whole on demand.

    believe(evaluation)         # the line, the card to unfold, and the reader that ran with the judge

A card's own words hold no text of a model or a person but the judge's name, which is shown as literal text.
"""

from collections.abc import Collection
from typing import Any

import streamlit as st

from app.navigation import link
from app.state import results
from app.tables import grid
from app.widgets import plain
from core.analysis.report import READER_SAYS, auc_sentence, check_word, counts_sentence
from core.analysis.results import Evaluation
from core.judge_card import JudgeCard
from core.judge_card.records import Check, Figure, OnCriterion
from core.statistics.words import interval

SIGNS = {"pass": "✓", "fail": "✗", "unknown": "?"}
"""Sign of each verdict of a check, beside its word."""


def believe(evaluation: Evaluation) -> None:
    """Beside numbers that a judge made: whether it can be believed, and the reader that ran with it if it cannot."""
    card, reader = evaluation.card, evaluation.reader_auc
    if evaluation.by_reader:
        st.caption(READER_SAYS)
    _line(card)
    for caution in evaluation.cautions:
        plain(f"Note: {caution}")
    whole = st.expander("The whole judge card", key=f"card_{evaluation.key}", on_change="rerun")
    if whole.open:
        with whole:
            whole_card(card, key=f"whole_{evaluation.key}")
            link("judges", "Its verdicts, and other judges", responses=evaluation.protocol, judge=evaluation.key)
            if reader:
                st.caption(auc_sentence("reader", reader))
    if reader and (reader.at_chance or reader.inverted):
        said = auc_sentence("reader", reader)
        st.warning(f"{said} Name a better one: `reader` under `[models]` in the pipeline file.")


def _line(card: JudgeCard) -> None:
    if card.reliable:
        st.caption(card.line)
    else:
        st.warning(f"{card.line} {card.advice}", icon=":material/casino:")


def believe_runs(runs: Collection[str]) -> None:
    """Beside verdicts of judge runs: the cards of their judges, one for each evaluation that a run is part of."""
    found = [one for one in results() if not set(one.judges.values()).isdisjoint(runs)]
    if len(found) < 2:
        for evaluation in found:
            _card_line(evaluation)
        return
    failing = sum(not evaluation.card.reliable for evaluation in found)
    if failing:
        said = f"In {failing} of {len(found)} evaluations the judge's card says not to believe rankings by its scores."
        st.warning(said, icon=":material/casino:")
    with st.expander(f"The {len(found)} judge cards behind these scores, in a line each"):
        for evaluation in found:
            _card_line(evaluation)


def _card_line(evaluation: Evaluation) -> None:
    plain(evaluation.title)
    _line(evaluation.card)
    link("judges", "The judge card", icon=":material/gavel:", responses=evaluation.protocol)


def whole_card(card: JudgeCard, key: str) -> None:
    """Every figure with its interval, n and check, the criteria one by one, and what to do about what fails."""
    plain(f"{card.name} ({card.mode}, rubric {card.rubric})")
    st.caption(counts_sentence(card))
    checks = {check.figure: check for check in card.checks}
    rows = [_figure_row(figure, checks.get(figure.name)) for figure in card.figures]
    wide = {"check": st.column_config.Column(width=290), "allowed": st.column_config.Column(width=120)}
    told = ["figure", "value (95%)", "check"]
    grid(rows, key=f"{key}_figures", first=told, height="content", column_config=wide)
    for check in card.failed:
        plain(f"{check.title[0].upper()}{check.title[1:]}: {card.figure(check.figure).sentence}")
        st.caption(check.remedy)  # the lab's own words, with names of settings marked as code
    told = ["criterion", "most frequent verdict", "its share", "κ with people"]
    grid([_criterion_row(c) for c in card.criteria], key=f"{key}_criteria", first=told, height="content")
    st.caption(
        "95% intervals resample questions. A check passes where the whole interval is allowed, fails where none of it "
        "is, and is unknown else; the AUC fails also where its interval holds 0.5 and ends below what would be of use. "
        "`warns`: failing it takes nothing back. The thresholds are settings of comparing; docs/judge-card.md has "
        "formulas and reasons."
    )


def _figure_row(figure: Figure, check: Check | None) -> dict[str, Any]:
    return {
        "figure": figure.title,
        "value (95%)": interval(figure.estimate, figure.unit),
        "check": f"{SIGNS[check.verdict]} {check_word(check)}" if check else "",
        "allowed": check.rule if check else "",
        "n questions": figure.estimate.n,
        "in words": figure.sentence,
    }


def _criterion_row(c: OnCriterion) -> dict[str, Any]:
    return {
        "criterion": c.criterion,
        "most frequent verdict": "–" if c.most is None else c.most,
        "its share": interval(c.same_verdict, "share"),
        "entropy": interval(c.entropy, "coefficient"),
        "same again": interval(c.self_agreement, "share"),
        "κ with people": interval(c.people, "coefficient"),
        "ratings": c.ratings,
        "unread": c.unread,
    }


def side_by_side(evaluations: list[Evaluation]) -> None:
    """Judges of the same responses, a row each, the figures of their cards in columns."""
    rows = [_judge_row(evaluation.card) for evaluation in evaluations]
    pinned = {"judge": st.column_config.Column(pinned=True)}
    grid(rows, key="judges_table", first=["judge", "mode", "believe it", "fails"], column_config=pinned)


def _judge_row(card: JudgeCard) -> dict[str, Any]:
    failed = ", ".join(check.title for check in card.failed)
    return {
        "judge": card.name,
        "mode": card.mode,
        "rubric": card.rubric,
        "believe it": "✓ yes" if card.reliable else "✗ no",
        "smaller than judged": "yes" if card.smaller else "",
        "fails": failed or ("–" if card.reliable else ", ".join(card.doubts)),
        "asked": card.asked,
    } | {figure.title: interval(figure.estimate, figure.unit) for figure in card.figures}
