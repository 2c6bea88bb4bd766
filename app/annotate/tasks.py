"""The three ways of annotating: rate blind, check a judge's verdict, choose between two."""

from typing import Any

import pandas as pd
import streamlit as st

from app.annotate.keypad import Choice, Field, fields_of
from app.annotate.work import Bench, explanation_card, explanation_of, question_card, question_of
from app.explanations.card import judge_behind
from app.state import Lab
from app.widgets import literal, plain, verdict_colour
from core.annotation.records import Draft, Explained, Queue, Task
from core.annotation.writing import rate, spot_check, vote
from core.records import Explanation, Item
from core.rubrics import Rubric, load_rubric
from core.statistics.words import number
from core.store.queries import scores, verdicts


def rubric_of(queue: Queue) -> Rubric:
    return load_rubric(queue.settings.rubric)


def judged(here: Lab, queue: Queue, one: Explained) -> pd.DataFrame:
    """The judge's verdicts on one explanation (columns of `core.store.queries.verdicts`); empty without a judge."""
    run = queue.settings.judges.get(one.variant, "")
    found = verdicts(here.store, run, one.item_id)
    return found[found["sample"] == one.sample]


def score_of(here: Lab, queue: Queue, one: Explained) -> dict[str, Any] | None:
    """The judge's score of one explanation; None without one."""
    found = scores(here.store, queue.settings.judges.get(one.variant, ""), one.item_id)
    rows = found[found["sample"] == one.sample].to_dict("records")
    return rows[0] if rows else None


# --- rate


def read_one(here: Lab, queue: Queue, task: Task, seen: bool) -> None:
    """The question and one explanation; its variant and what the judge says once that may be seen."""
    asked, one = question_of(here, queue, task), task.shown[0]
    row = explanation_of(here, one.samples, one.item_id, one.sample)
    question_card(asked, queue.settings.gold or seen)
    explanation_card(asked, row)
    if seen:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge("variant", color="gray")
            plain(one.variant)
            if (score := score_of(here, queue, one)) is not None:
                st.badge(f"judge's {_total(score)}", color="violet")
        behind(here, queue, asked, row, one)


def _total(score: dict[str, Any]) -> str:
    """The expected score is no sum of the likeliest verdicts, which stand beside it."""
    if pd.notna(score["expected"]):
        return f"expected score {number(score['expected'])}"
    return f"score {'none' if pd.isna(score['total']) else number(score['total'])}"


def behind(here: Lab, queue: Queue, asked: Item, row: Explanation, one: Explained) -> None:
    """Response, probabilities, reply and prompt, folded."""
    if run := queue.settings.judges.get(one.variant):
        with st.expander("What the judge was asked and said"):
            given = judged(here, queue, one)
            judge_behind(here, run, asked, row, score_of(here, queue, one), given, rubric_of(queue), key=one.samples)


def fields_to_rate(here: Lab, queue: Queue, task: Task, seen: bool) -> list[Field]:
    if not seen:
        return fields_of(rubric_of(queue), {}, None)
    one = task.shown[0]
    rows = judged(here, queue, one)
    said = {row.criterion: row.verdict for row in rows.itertuples() if row.verdict}
    return fields_of(rubric_of(queue), said, _gold_word(here, queue, task))


def _gold_word(here: Lab, queue: Queue, task: Task) -> str | None:
    asked, one = question_of(here, queue, task), task.shown[0]
    row = explanation_of(here, one.samples, one.item_id, one.sample)
    answer = row.parsed or row.forced
    if asked.gold is None or answer is None:
        return None
    return "right" if answer == asked.gold else "wrong"


def hand_in_rating(here: Lab, rater: str, queue: Queue, task: Task, draft: Draft) -> None:
    rate(here.store, rater, queue, task, draft)


RATE = Bench("rate", read_one, fields_to_rate, hand_in_rating, hides=True)


# --- spot-check


def read_verdict(here: Lab, queue: Queue, task: Task, seen: bool) -> None:
    """The question, the explanation, and the judge's verdict on one criterion with what is behind it."""
    asked, one = question_of(here, queue, task), task.shown[0]
    row = explanation_of(here, one.samples, one.item_id, one.sample)
    question_card(asked, gold=True)
    explanation_card(asked, row)
    found = judged(here, queue, one)
    verdict = found[found["criterion"] == task.criterion].iloc[0]
    rubric = rubric_of(queue)
    name = next(c.name for c in rubric.criteria if c.key == task.criterion)
    with st.container(horizontal=True, vertical_alignment="center"):
        plain(f"The judge on {name.lower()}:")
        place = rubric.labels.index(verdict["verdict"])
        st.badge(rubric.labels[place], color=verdict_colour(place, len(rubric.labels)))
        if verdict["probabilities"] is not None:
            chances = zip(rubric.labels, verdict["probabilities"], strict=True)
            st.caption(" · ".join(f"{label} {chance:.2f}" for label, chance in chances))
    score = score_of(here, queue, one)
    if score and isinstance(score["reply"], str):
        st.caption("Its reply, word for word")
        literal(score["reply"])
    behind(here, queue, asked, row, one)


def fields_to_check(here: Lab, queue: Queue, task: Task, seen: bool) -> list[Field]:
    rubric, said = rubric_of(queue), _said(here, queue, task)
    criterion = next(c for c in rubric.criteria if c.key == task.criterion)
    options = [
        Choice(value=label, label=label, keys=[str(n), "a"] if label == said else [str(n)])
        for n, label in enumerate(rubric.labels, 1)
    ]
    hint = f"{criterion.question} A agrees with the judge; a number overrules it."
    return [Field(key=criterion.key, name=criterion.name, hint=hint, options=options, judge=said)]


def _said(here: Lab, queue: Queue, task: Task) -> str:
    found = judged(here, queue, task.shown[0])
    return str(found[found["criterion"] == task.criterion]["verdict"].iloc[0])


def hand_in_check(here: Lab, rater: str, queue: Queue, task: Task, draft: Draft) -> None:
    run = queue.settings.judges[task.shown[0].variant]
    spot_check(here.store, rater, queue, task, draft, run, _said(here, queue, task))


SPOT_CHECK = Bench("spot-check", read_verdict, fields_to_check, hand_in_check, hides=False)


# --- pairwise


def read_two(here: Lab, queue: Queue, task: Task, seen: bool) -> None:
    """The question and two explanations side by side; whose they are once that may be seen."""
    asked = question_of(here, queue, task)
    question_card(asked, queue.settings.gold or seen)
    with st.container(key="aligned"):  # one under the other where there is little room
        columns = st.columns(2)
    for column, side, one in zip(columns, "AB", task.shown, strict=True):
        with column:
            st.badge(side, color="gray")
            row = explanation_of(here, one.samples, one.item_id, one.sample)
            explanation_card(asked, row)
            if seen:
                plain(f"variant: {one.variant}")
                if (score := score_of(here, queue, one)) is not None:
                    plain(f"judge's {_total(score)}")


def fields_to_choose(here: Lab, queue: Queue, task: Task, seen: bool) -> list[Field]:
    options = [("left", "A is better", "a1"), ("right", "B is better", "b2")]  # 1 and 2 as in the Playground
    options += [("both good", "both good", "g"), ("both bad", "both bad", "x")]
    return [
        Field(
            key="vote",
            name="Which explains better?",
            hint="Both good and both bad are different answers: neither counts as the other.",
            options=[Choice(value=value, label=label, keys=list(keys)) for value, label, keys in options],
        )
    ]


def hand_in_vote(here: Lab, rater: str, queue: Queue, task: Task, draft: Draft) -> None:
    vote(here.store, rater, queue, task, draft)


PAIRWISE = Bench("pairwise", read_two, fields_to_choose, hand_in_vote, hides=True)
