"""One explanation as people read it: text, prediction, verdicts, and what the judge was asked and said."""

from typing import Any

import pandas as pd
import streamlit as st

from app.state import Lab
from app.widgets import literal, number, plain, verdict_colour
from core.engines import Chat
from core.judging import PROMPTS, judge_chat
from core.prompts import load_prompt
from core.records import Explanation, Item
from core.rubrics import Rubric
from core.runs import RunFolder
from core.settings import JudgeSettings


def sample_card(
    asked: Item, row: Explanation, score: dict[str, Any] | None, verdicts: pd.DataFrame, rubric: Rubric, by: str
) -> None:
    """An explanation with its prediction, its score and a chip a criterion."""
    plain(row.explanation or "(no explanation)")
    with st.container(horizontal=True, gap="small"):
        _prediction(asked, row)
        _score(score, by)
        _origin(score)
    with st.container(horizontal=True, gap="small"):
        for verdict in verdicts.itertuples():
            _chip(rubric, verdict)


def _prediction(asked: Item, row: Explanation) -> None:
    answer = row.parsed or row.forced
    how = "" if row.parsed else " (forced)"
    if answer is None:
        st.badge("no prediction", color="gray", help="No answer can be read, and none was forced.")
        return
    known = {asked.gold: ("✓ right", "green")}
    word, colour = known.get(answer, ("✗ wrong", "red")) if asked.gold else ("no gold", "gray")
    st.badge(f"{word}{how}", color=colour)
    plain(f"answer: {answer}")


def _score(score: dict[str, Any] | None, by: str) -> None:
    if score is None or pd.isna(score[by]):
        st.badge("unjudged", color="gray", help="No score: the judge's reply could not be read, or is not there.")
        return
    st.badge(f"score {number(score[by])}", color="blue", help="Sum over the criteria, 5 to 20.")


def _origin(score: dict[str, Any] | None) -> None:
    if score and score["origin"] == "rule":
        st.badge("by rule", color="orange", help="An empty explanation is unsatisfactory on every criterion.")


def _chip(rubric: Rubric, verdict: Any) -> None:
    """A criterion and its verdict; full name and probabilities on hover.  Rubrics allow plain names only."""
    if verdict.verdict not in rubric.labels:
        st.badge(f"{verdict.criterion}: unreadable", color="gray")
        return
    name = {criterion.key: criterion.name for criterion in rubric.criteria}[verdict.criterion]
    place = rubric.labels.index(verdict.verdict)
    chances = [] if verdict.probabilities is None else zip(rubric.labels, verdict.probabilities, strict=True)
    behind = ", ".join(f"{label} {p:.2f}" for label, p in chances)
    st.badge(
        f"{verdict.criterion}: {verdict.verdict}",
        color=verdict_colour(place, len(rubric.labels)),
        help=f"{name}. {behind}",
    )


def judge_behind(
    here: Lab,
    judge: str,
    asked: Item,
    row: Explanation,
    score: dict[str, Any] | None,
    verdicts: pd.DataFrame,
    rubric: Rubric,
    key: str,
) -> None:
    """The response as generated, the judge's probabilities or reply, and the prompt it was given."""
    st.caption(f"Response as generated: {row.tokens} tokens, ended by {row.finish}, seed {row.seed}")
    literal(row.response or "(empty)")
    if score and score["origin"] == "rule":
        st.caption("The judge was not asked: an empty explanation is unsatisfactory by rule.")
        return
    if score and isinstance(score["reply"], str):
        st.caption("The judge's reply, word for word")
        literal(score["reply"])
    if score and isinstance(score["unjudged"], str):
        plain(score["unjudged"])
    if len(verdicts) and verdicts["probabilities"].notna().all():
        table = pd.DataFrame(verdicts["probabilities"].tolist(), columns=rubric.labels).round(3)
        table.insert(0, "criterion", verdicts["criterion"].tolist())
        table["expected"] = verdicts["value"].tolist()
        st.caption("Probability of each verdict, and what is expected of 1 to 4")
        st.dataframe(table, hide_index=True, key=f"probabilities_{key}")
    _judge_prompt(here, judge, asked, row, rubric)


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
