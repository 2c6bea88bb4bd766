"""Single questions on the Compare page: the table of a pair of variants, and two variants' samples side by side."""

from functools import partial

import pandas as pd
import streamlit as st

from app.address import arrivals, put, value
from app.compare.choices import ALL, chosen_pair
from app.figures import download
from app.highlight import merged, shared_spans, show_highlighted
from app.navigation import link
from app.state import Lab
from app.tables import ROW_OR_CELL, chosen_row, grid
from app.widgets import choice, plain
from app.working import once
from core.analysis.comparison import ScoreTable, WinRate
from core.analysis.question_table import question_outcomes, with_questions
from core.analysis.results import Evaluation, score_table
from core.records import CATEGORIES, Explanation, Item
from core.statistics.words import number
from core.store.database import Store
from core.store.queries import item, responses, scores, verdicts

SHOWN = 300
"""Rows of the table at most; filters find the others."""

ORDERS = {
    "biggest differences": ("far", False),
    "A ahead": ("delta", False),
    "B ahead": ("delta", True),
    "most ties": ("ties", False),
}


@once("Comparing samples question by question …", keep=6, seconds=0.2)
def _table(_store: Store, sealed: str, key: str, criterion: str | None, _evaluation: Evaluation) -> ScoreTable:
    return score_table(_store, _evaluation, criterion)


@once("Comparing samples question by question …", keep=12, seconds=0.25)
def _counts(
    _store: Store, sealed: str, key: str, criterion: str | None, a: str, b: str, _evaluation: Evaluation
) -> pd.DataFrame:
    """Outcomes of every question, its words, and its category under B."""
    table = _table(_store, sealed, key, criterion, _evaluation)
    counts = with_questions(_store, _evaluation.dataset, question_outcomes(table, a, b))
    by = _evaluation.settings.right_by
    found = _store.frame(f"SELECT item_id, {by} AS category FROM categories WHERE run = ?", [_evaluation.samples[b]])
    return counts.merge(found, on="item_id", how="left")


def counts_of(here: Lab, evaluation: Evaluation, rate: WinRate, criterion: str | None) -> pd.DataFrame:
    """Every question of a pair of variants with its outcomes, by the score or by one criterion's."""
    key = f"{evaluation.key} {evaluation.settings.model_dump_json()}"
    return _counts(here.store, here.sealed, key, criterion, rate.a, rate.b, evaluation)


def questions_tab(here: Lab, evaluation: Evaluation) -> None:
    """The questions of a pair of variants, those that differ most first; a chosen one side by side."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rate = chosen_pair(evaluation)
        criterion, category, order = _filters([c.criterion for c in evaluation.card.criteria])
    every = counts_of(here, evaluation, rate, criterion)
    found = every if category is None else every[every["category"] == category]
    by, ascending = ORDERS[order]
    found = found.assign(far=found["delta"].abs()).sort_values(
        by, ascending=ascending, na_position="last", kind="stable"
    )
    _chips({"scored_by": criterion, "of_category": category})
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader("Which questions make the difference?", anchor=False, width="content")
        download(lambda: found.drop(columns="far"), "questions")
    plain(f"{len(found):,} of {len(every):,} questions; A: {rate.a}, B: {rate.b}. Click a row to read it below.")
    if category is not None:
        st.caption(
            "The category is that of the samples shown, so questions on which B was lucky are among its consistently "
            "correct ones: read single questions here. Δ(W−L) by category is on the tab of one pair, from halves of "
            "the samples that are not compared."
        )
    if found.empty:
        st.info("No question is left: take a filter away.", icon=":material/filter_alt_off:")
        return
    _show_table(found, rate, f"{evaluation.key} {evaluation.settings} {criterion} {category} {order}")
    current = value("item", found["item_id"].iloc[0])
    asked = item(here.store, evaluation.dataset, current)
    if asked is None:
        plain(f"There is no question {current} in this data set: choose one in the table.")
    else:
        side_by_side(here, evaluation, rate, asked, criterion)


def _filters(criteria: list[str]) -> tuple[str | None, str | None, str]:
    criterion = choice("Scored by", [ALL, *criteria], key="scored_by", help="One criterion's score, or all.", width=180)
    category = choice("Category under B", [ALL, *CATEGORIES], key="of_category", format_func=_words, width=220)
    order = choice("Order", list(ORDERS), key="order", width=200)
    return None if criterion == ALL else criterion, None if category == ALL else category, order


def _words(name: str) -> str:
    return name.replace("_", " ")


def _chips(filters: dict[str, str | None]) -> None:
    """What is filtered, each with a button that takes it away."""
    chosen = {key: value for key, value in filters.items() if value is not None}
    if not chosen:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        for key, value in chosen.items():
            with st.container(border=True, width="content", horizontal=True, vertical_alignment="center", gap="small"):
                st.text(_words(value), width="content")
                st.button(
                    "Remove",
                    key=f"chip_{key}",
                    icon=":material/close:",
                    type="tertiary",
                    on_click=_leave_out,
                    args=[key],
                )


def _leave_out(key: str) -> None:
    put(**{key: None})


def _show_table(found: pd.DataFrame, rate: WinRate, view: str) -> None:
    shown = found.head(SHOWN)
    key = f"questions_{hash((view, rate.a, rate.b))}_{arrivals()}"
    grid(
        pd.DataFrame(
            {
                "question": shown["question"],
                "Δ(W−L)": shown["delta"],
                "wins of A": shown["wins"],
                "ties": shown["ties"],
                "losses of A": shown["losses"],
                "score A": shown["score_a"],
                "score B": shown["score_b"],
                "right A": 100 * shown["right_a"].astype(float),
                "right B": 100 * shown["right_b"].astype(float),
                "category under B": shown["category"].map(_words, na_action="ignore"),
            }
        ),
        first=["question", "Δ(W−L)", "score A", "score B"],
        height=250,
        key=key,
        on_select=partial(_choose_row, key, shown["item_id"].tolist()),
        selection_mode=ROW_OR_CELL,
        column_config={
            "question": st.column_config.TextColumn(width="large"),
            "Δ(W−L)": st.column_config.NumberColumn(format="%+.0f", help="Points, over the question's sample pairs."),
            "score A": st.column_config.NumberColumn(format="%.2f"),
            "score B": st.column_config.NumberColumn(format="%.2f"),
            "right A": st.column_config.NumberColumn(format="%.0f%%"),
            "right B": st.column_config.NumberColumn(format="%.0f%%"),
        },
    )
    if len(found) > SHOWN:
        st.caption(f"The first {SHOWN} in this order are listed; the CSV has all of them.")


def _choose_row(key: str, ids: list[str]) -> None:
    row = chosen_row(st.session_state[key]["selection"])
    if row is not None:
        put(item=ids[row])


# --- one question


def side_by_side(here: Lab, evaluation: Evaluation, rate: WinRate, asked: Item, criterion: str | None) -> None:
    """All samples of both variants on one question, passages that the other variant has too marked.

    criterion: the one that scores, whose verdicts are shown; None for all.
    """
    with st.container(border=True):
        plain(asked.question)
        marks = [f"{'★ ' if o.label == asked.gold else ''}{_option(o.label, o.text)}" for o in asked.options]
        plain("   ·   ".join(marks))
        st.caption("★ gold. Marked below: passages of twelve characters or more that the other variant wrote too.")
    texts = {label: _responses(here, here.sealed, evaluation.samples[label], asked.id) for label in (rate.a, rate.b)}
    for column, label, other in zip(st.columns(2), (rate.a, rate.b), (rate.b, rate.a), strict=True):
        with column:
            on_criterion = _verdicts(here, here.sealed, evaluation.judges[label], asked.id, criterion)
            _samples(
                here, evaluation, asked, label, texts[label], [row.explanation for row in texts[other]], on_criterion
            )
    with st.container(horizontal=True):
        for side, label in (("A", rate.a), ("B", rate.b)):
            run = evaluation.samples[label]
            link("explanations", f"{side}, verdict by verdict", evaluation=evaluation.key, item=asked.id, run=run)


@st.cache_resource(max_entries=100, show_spinner=False)
def _responses(_here: Lab, sealed: str, samples: str, item_id: str) -> list[Explanation]:
    return responses(_here.store, samples, item_id)


@st.cache_resource(max_entries=100, show_spinner=False)
def _scores(_here: Lab, sealed: str, judge: str, item_id: str) -> pd.DataFrame:
    return scores(_here.store, judge, item_id).set_index("sample")


@st.cache_resource(max_entries=100, show_spinner=False)
def _verdicts(_here: Lab, sealed: str, judge: str, item_id: str, criterion: str | None) -> dict[int, str]:
    """Sample → what the judge said on the criterion, and the value that it stands for."""
    rows = [] if criterion is None else verdicts(_here.store, judge, item_id).to_dict("records")
    said = {}
    for row in rows:
        if row["criterion"] == criterion:
            value = number(_known(row["value"]), "coefficient")
            said[row["sample"]] = f"{criterion}: {row['verdict'] or 'unreadable'} ({value}) · "
    return said


def _known(value: float | None) -> float | None:
    return None if pd.isna(value) else value


def _option(label: str, text: str) -> str:
    return text if label == text else f"{label}. {text}"


def _samples(
    here: Lab,
    evaluation: Evaluation,
    asked: Item,
    label: str,
    rows: list[Explanation],
    others: list[str],
    on_criterion: dict[int, str],
) -> None:
    scored = _scores(here, here.sealed, evaluation.judges[label], asked.id)[evaluation.settings.column]
    plain(f"{label}: {len(rows)} samples")
    for row in rows:
        prediction = row.forced if evaluation.settings.right_by == "forced" else row.parsed
        right = "" if asked.gold is None else " ✓ right" if prediction == asked.gold else " ✗ wrong"
        score = scored.get(row.sample)
        with st.container(border=True):
            how = " (forced)" if prediction and row.parsed is None else ""
            said = f"answers {prediction}{how}{right}" if prediction else f"no readable answer{right}"
            plain(f"{on_criterion.get(row.sample, '')}score {number(_known(score))} · {said}")
            found = [span for other in others for span in shared_spans(row.explanation, other)[0]]
            show_highlighted(row.explanation or "(empty)", merged(found, len(row.explanation)))
