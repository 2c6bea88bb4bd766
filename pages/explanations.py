"""Explanations: find them by filter, read all samples of a question, with every verdict behind its score."""

from typing import Any

import pandas as pd
import streamlit as st

from app.judge_card_view import believe
from app.reading import judge_behind, sample_card
from app.state import Lab, lab, results, view
from app.widgets import choice, empty_state, header, literal, plain
from core.categories import CATEGORIES
from core.queries import FORMS, ORDERS, Wanted, browse, item, responses, scores, verdicts
from core.records import Item, RightBy
from core.results import Evaluation
from core.rubrics import load_rubric
from core.runs import RunFolder

ANY = "any"
SHOWN = 500
"""Rows of the table at most; filters find the others."""


def filters(evaluation: Evaluation) -> tuple[RightBy, Wanted]:
    """What is wanted, from widgets whose values stand in the URL."""
    top = st.columns([2, 2, 2, 2, 2])
    with top[0]:
        variant = choice("Variant", [ANY, *evaluation.samples], key="variant")
    with top[1]:
        category = choice("Category of the question", [ANY, *CATEGORIES], key="category", format_func=_words)
    with top[2]:
        right = choice("Prediction", [ANY, "right", "wrong"], key="right")
    with top[3]:
        form = choice("Form", [ANY, *FORMS], key="form", help="unparsed: no answer can be read.")
    with top[4]:
        by: RightBy = choice(
            "Right by", ["forced", "parsed"], key="by", help="Which prediction makes a response right."
        )
    left, middle = st.columns([3, 1])
    with left:
        text = st.text_input("Contains", key="text", bind="query-params", icon=":material/search:")
    with middle:
        order = choice("Order", list(ORDERS), key="order")
    wanted = Wanted(
        labels=() if variant == ANY else (variant,),
        category=None if category == ANY else category,
        right=None if right == ANY else right == "right",
        form=None if form == ANY else form,
        text=text,
        order=order,
    )
    return by, wanted


def _words(name: str) -> str:
    return name.replace("_", " ")


def table(found: pd.DataFrame, total: int) -> str | None:
    """Rows that are wanted; the question of the chosen one."""
    st.caption(f"{len(found):,} of {total:,} explanations; choose a row to read its question.")
    if found.empty:
        st.info("Nothing matches these filters: set one of them back to `any`.", icon=":material/filter_alt_off:")
        return None
    shown = found.head(SHOWN)
    right = shown["right"].map({True: "✓ right", False: "✗ wrong"}).fillna("no gold")
    picked = st.dataframe(
        pd.DataFrame(
            {
                "variant": shown["label"],
                "question": shown["question"],
                "explanation": shown["explanation"],
                "prediction": shown["prediction"],
                "": right,
                "score": shown["score"],
                "category": shown["category"].map(_words, na_action="ignore"),
                "tokens": shown["tokens"],
            }
        ),
        hide_index=True,
        height=260,
        on_select="rerun",
        selection_mode="single-row",
        key=f"table_{hash(tuple(shown['item_id'] + shown['label']))}",
        column_config={
            "question": st.column_config.TextColumn(width="medium"),
            "explanation": st.column_config.TextColumn(width="large"),
            "score": st.column_config.NumberColumn(format="%.2f"),
        },
    )
    if len(found) > SHOWN:
        st.caption(f"The first {SHOWN} are listed.")
    rows = picked["selection"]["rows"]
    return str(shown["item_id"].iloc[rows[0]]) if rows else None


def steps(ids: list[str], current: str) -> None:
    """Previous and next question of those that are wanted, by key or by button."""
    place = ids.index(current) if current in ids else -1
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Previous", icon=":material/arrow_back:", shortcut="Left", disabled=place <= 0):
            go_to(ids[place - 1])
        if st.button("Next", icon=":material/arrow_forward:", shortcut="Right", disabled=place >= len(ids) - 1):
            go_to(ids[place + 1])
        st.caption(
            f"question {place + 1} of {len(ids)}" if place >= 0 else f"not among the {len(ids)} wanted questions"
        )


def go_to(item_id: str) -> None:
    st.session_state["_item_next"] = item_id
    st.rerun()


def question(asked: Item) -> None:
    """The question with its options, gold marked."""
    with st.container(border=True):
        if asked.context:
            plain(asked.context)
        plain(asked.question)
        marks = [
            f"{'★ ' if o.label == asked.gold else ''}{o.text if o.label == o.text else f'{o.label}. {o.text}'}"
            for o in asked.options
        ]
        plain("   ·   ".join(marks))
        st.caption("★ gold" if asked.gold else "This question has no gold label.")


def samples(here: Lab, evaluation: Evaluation, asked: Item, wanted: Wanted) -> None:
    """All samples of the question, a column a variant."""
    labels = [label for label in evaluation.samples if not wanted.labels or label in wanted.labels]
    for column, label in zip(st.columns(len(labels)), labels, strict=True):
        with column:
            variant(here, evaluation, asked, label)


def variant(here: Lab, evaluation: Evaluation, asked: Item, label: str) -> None:
    judge = evaluation.judges[label]
    rubric = load_rubric(RunFolder(here.home.runs / judge).config.settings["rubric"])
    rows = responses(here.store, evaluation.samples[label], asked.id)
    scored = scores(here.store, judge, asked.id).set_index("sample")
    given = verdicts(here.store, judge, asked.id)
    plain(label)
    for row in rows:
        mine = given[given["sample"] == row.sample]
        score: dict[str, Any] | None = scored.loc[row.sample].to_dict() if row.sample in scored.index else None
        with st.container(border=True):
            sample_card(asked, row, score, mine, rubric, evaluation.settings.score)
            with st.expander("Behind the score"):
                judge_behind(here, judge, asked, row, score, mine, rubric, key=f"{label}_{row.sample}")


here = lab()
if (chosen := st.session_state.pop("_item_next", None)) is not None:
    st.session_state["item"] = chosen
view("explanations", "evaluation", "variant", "category", "right", "form", "by", "text", "order", "item")
header("Explanations", "What the variants wrote, and what the judge said of it, criterion by criterion.")
found = results()
if not found:
    empty_state("No explanations yet", "Run the demo from the Overview, or a sample and a judge run from Runs.")
else:
    by_key = {evaluation.key: evaluation for evaluation in found}
    evaluation = by_key[choice("Evaluation", list(by_key), key="evaluation", format_func=lambda k: by_key[k].title)]
    believe(evaluation)
    by, wanted = filters(evaluation)
    rows, total = browse(here.store, evaluation.judges, by, evaluation.settings.score, wanted)
    picked = table(rows, total)
    ids = rows["item_id"].drop_duplicates().tolist()
    if picked and picked != st.session_state.get("_picked"):
        st.session_state["_picked"] = picked
        go_to(picked)
    first = ids[0] if ids else ""
    current = st.text_input("Question id", value=first, key="item", bind="query-params") or first
    asked = item(here.store, evaluation.dataset, current) if current else None
    if asked is None and current:
        literal(f"There is no question {current} in this data set.")
    elif asked:
        steps(ids, asked.id)
        question(asked)
        samples(here, evaluation, asked, wanted)
