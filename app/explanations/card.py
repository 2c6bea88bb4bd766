"""One explanation as people read it: text, prediction, verdicts, and what the judge was asked and said.

explanation_card(asked, row, score, verdicts, rubric, by, spans)
judge_behind(here, judge, asked, row, score, verdicts, rubric, key)
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.highlight import Span, show_highlighted
from app.state import Lab
from app.tables import NARROW, room_for_a_table
from app.widgets import answer_words, literal, plain, verdict_colour
from core.engines import Chat
from core.method.judging import PROMPTS, judge_chat
from core.prompts import load_prompt
from core.records import Explanation, Item
from core.rubrics import Rubric
from core.runs.folders import RunFolder
from core.settings import JudgeSettings
from core.statistics.words import number

Score = dict[str, Any]
"""A row of `core.store.queries.scores`."""

TALL = 3000
"""Characters from which a text scrolls in a box of its own."""


def explanation_card(
    asked: Item,
    row: Explanation,
    score: Score | None,
    verdicts: Sequence[Any],
    rubric: Rubric | None,
    by: str,
    spans: Sequence[Span] = (),
) -> None:
    """An explanation with its prediction, its score and a chip a criterion.

    verdicts: rows of `core.store.queries.verdicts` as tuples; `by`: which score.
    """
    with st.container(height=360 if len(row.explanation) > TALL else "content", border=False):
        if row.explanation:
            show_highlighted(row.explanation, spans)
        else:
            st.caption("No explanation: the response is empty, or an answer alone.")
    with st.container(horizontal=True, gap="small"):
        _prediction(asked, row)
        _score(score, by, rubric)
        _origin(score)
    if rubric is not None and verdicts:
        with st.container(horizontal=True, gap="small"):
            for verdict in verdicts:
                _chip(rubric, verdict)


def _prediction(asked: Item, row: Explanation) -> None:
    answer = row.parsed or row.forced
    how = "" if row.parsed else " (forced)"
    if answer is None:
        st.badge("no prediction", color="gray", help="There is no readable answer, and none was forced.")
        return
    known = {asked.gold: ("✓ right", "green")}
    word, colour = known.get(answer, ("✗ wrong", "red")) if asked.gold else ("no gold", "gray")
    st.badge(f"{word}{how}", color=colour)
    plain(answer_words(asked, row))


def value_of(score: Score | None, by: str) -> float | None:
    """The score that is meant; a judge that writes has totals alone."""
    if score is None:
        return None
    given = score["expected"] if by == "expected" and not pd.isna(score["expected"]) else score["total"]
    return None if pd.isna(given) else float(given)


def _score(score: Score | None, by: str, rubric: Rubric | None) -> None:
    value = value_of(score, by)
    if value is None:
        st.badge("unjudged", color="gray", help="No score: the judge's reply could not be read, or is not there.")
        return
    expected = by == "expected" and score is not None and not pd.isna(score["expected"])
    st.badge(
        f"{'expected score' if expected else 'score'} {number(value)}" + (f" of {rubric.highest:g}" if rubric else ""),
        color="violet",
        help="Sum over the criteria of the verdict that the judge's probabilities expect, from 1 for the worst; the "
        "chips are each likeliest verdict, so their sum is another number."
        if expected
        else "Sum over the criteria of the verdicts, from 1 for the worst.",
    )


def _origin(score: Score | None) -> None:
    if score and score["origin"] == "rule":
        st.badge("by rule", color="gray", help="An empty explanation is unsatisfactory on every criterion.")


def _chip(rubric: Rubric, verdict: Any) -> None:
    """A criterion and its verdict; full name and probabilities on hover.  Rubrics allow plain names only."""
    names = {criterion.key: criterion.name for criterion in rubric.criteria}
    if verdict.criterion not in names:
        return  # the rubric file has other criteria now
    if verdict.verdict not in rubric.labels:
        st.badge(f"{verdict.criterion}: unreadable", color="gray")
        return
    place = rubric.labels.index(verdict.verdict)
    chances = [] if verdict.probabilities is None else zip(rubric.labels, verdict.probabilities, strict=True)
    behind = ", ".join(f"{label} {p:.2f}" for label, p in chances)
    st.badge(
        f"{verdict.criterion}: {verdict.verdict}",
        color=verdict_colour(place, len(rubric.labels)),
        help=f"{names[verdict.criterion]}. {behind}",
    )


# --- behind the score


def judge_behind(
    here: Lab,
    judge: str | None,
    asked: Item,
    row: Explanation,
    score: Score | None,
    verdicts: pd.DataFrame,
    rubric: Rubric | None,
    key: str,
) -> None:
    """Probabilities as bars, the judge's reason, its prompt, and the response as generated; a tab each."""
    said, prompt, generated = st.tabs(["Verdicts", "Judge's prompt", "Response as generated"])
    with said:
        _said(score, verdicts, rubric, key)
    with prompt:
        if judge is None or rubric is None:
            st.caption("No judge has scored this explanation: run one from Runs.")
        elif score and score["origin"] == "rule":
            st.caption("The judge was not asked: an empty explanation is unsatisfactory by rule.")
        else:
            _judge_prompt(here, judge, asked, row, rubric)
    with generated:
        st.caption(f"{row.tokens} tokens, ended by {row.finish}, seed {row.seed}")
        literal(row.response or "(empty)", height=360 if len(row.response) > TALL else "content")
        _forced(asked, row, key)


def _said(score: Score | None, verdicts: pd.DataFrame, rubric: Rubric | None, key: str) -> None:
    if score is None:
        st.caption("No judge has scored this explanation.")
        return
    if isinstance(score["unjudged"], str):
        plain(f"Unjudged: {score['unjudged']}")
    if isinstance(score["reply"], str):
        st.caption("The judge's reply, word for word: its reason and its verdicts")
        literal(score["reply"], height=360 if len(score["reply"]) > TALL else "content")
    if score["origin"] == "rule":
        st.caption("By rule: an empty explanation is unsatisfactory on every criterion, and no judge was asked.")
    elif rubric and len(verdicts) and verdicts["probabilities"].notna().all():
        st.caption("Probability of each verdict, and the value expected from them")
        _bars(verdicts, rubric, key)


def _bars(verdicts: pd.DataFrame, rubric: Rubric, key: str) -> None:
    """A bar a verdict of each criterion."""
    bars = pd.DataFrame(verdicts["probabilities"].tolist(), columns=rubric.labels)
    bars.insert(0, "criterion", verdicts["criterion"].tolist())
    bars["expected"] = verdicts["value"].tolist()
    narrow = room_for_a_table() < NARROW
    config: dict[str, Any] = {
        verdict.label: st.column_config.ProgressColumn(
            str(verdict.value) if narrow else verdict.label,
            min_value=0,
            max_value=1,
            format="%.2f",
            width=80 if narrow else 135,
        )
        for verdict in rubric.verdicts
    }
    if narrow:
        st.caption(", ".join(f"{verdict.value} {verdict.label}" for verdict in rubric.verdicts))
    config["expected"] = st.column_config.NumberColumn(format="%.2f", width=70)
    st.dataframe(bars, hide_index=True, key=f"probabilities_{key}", column_config=config)


def _forced(asked: Item, row: Explanation, key: str) -> None:
    if row.forced_probabilities is None:
        return
    st.caption("No readable answer was written. After the cue `Answer:` the options have these probabilities")
    st.dataframe(
        pd.DataFrame({"option": [o.text for o in asked.options], "probability": row.forced_probabilities}),
        hide_index=True,
        key=f"forced_{key}",
        column_config={"probability": st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.2f")},
    )


def _judge_prompt(here: Lab, judge: str, asked: Item, row: Explanation, rubric: Rubric) -> None:
    config = RunFolder(here.home.runs / judge).config
    settings = JudgeSettings.model_validate(config.settings)
    prompt = load_prompt(PROMPTS[settings.mode])
    if prompt.hash != config.inputs["prompt"] or rubric.hash != config.inputs["rubric"]:
        st.caption("The prompt or rubric file has changed since this run: what the judge saw is no longer at hand.")
        return
    criterion = rubric.criteria[0].name if settings.mode == "probabilities" else ""
    note = " (for the first criterion; the others differ in the last line alone)" if criterion else ""
    st.caption(f"What the judge was given{note}")
    literal(chat_text(judge_chat(prompt, rubric, settings.show_gold, asked, row, criterion)))


def chat_text(chat: Chat) -> str:
    """A chat as text: role, colon, content; the assistant's opening last."""
    turns = [f"[{message.role}]\n{message.content}" for message in chat.messages]
    return "\n\n".join([*turns, f"[assistant]\n{chat.opening}"])
