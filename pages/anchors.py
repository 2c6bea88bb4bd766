"""Anchors: how reliably each variant answers, and the preference pairs that come of it."""

import json
from typing import Any

import streamlit as st

from app.charts.categories import category_bars, flow
from app.charts.style import CATEGORY_NAMES
from app.distribution import one_run, row_of
from app.judge_card_view import believe
from app.navigation import link
from app.state import Lab, lab, results, view
from app.widgets import choice, empty_state, header, literal, number, picture, plain
from core.pairs import DROPPED, REASONS
from core.queries import dropped, moves, pair_sets, pairs
from core.records import RightBy
from core.results import Evaluation, category_shares
from core.settings import CompareSettings


def categories(here: Lab) -> None:
    """Category distribution of every variant that answered the same questions."""
    found = results()
    if not found:
        empty_state("No sampled questions yet", "A finished sample run and its judge run fill this page.", key="cats")
        return
    by_key = {evaluation.key: evaluation for evaluation in found}
    left, right = st.columns([3, 1])
    with left:
        key = choice("Evaluation", list(by_key), key="evaluation", format_func=lambda k: by_key[k].title)
    with right:
        by: RightBy = choice(
            "Right by", ["forced", "parsed"], key="by", help="Which prediction makes a response right."
        )
    evaluation = by_key[key]
    shares = {
        label: category_shares(here.store, run, by, CompareSettings()) for label, run in evaluation.samples.items()
    }
    picture(category_bars(shares), key="categories", alt="Share of each category per variant")
    st.dataframe([{"variant": label} | row_of(entry) for label, entry in shares.items()], hide_index=True)
    st.caption(
        f"N = {evaluation.n or 'its own number of'} responses a question: right in all of them, in some, or in none. "
        "95% intervals resample questions. `parsed` counts an unreadable answer as wrong; `forced` lets option "
        "probabilities decide there."
    )
    if len(evaluation.samples) > 1:
        transition(here, evaluation, by)


def transition(here: Lab, evaluation: Evaluation, by: RightBy) -> None:
    st.subheader("Which questions moved", anchor=False)
    labels = list(evaluation.samples)
    left, right = st.columns(2)
    with left:
        before = choice("From", labels, key="before")
    with right:
        after = choice("To", [label for label in labels if label != before], key="after")
    moved = moves(here.store, evaluation.samples[before], evaluation.samples[after], by)
    if moved.empty:
        st.caption("No question has a category under both.")
        return
    picture(flow(moved, before, after), key="flow", alt=f"Questions by category under {before} and {after}")


def preference_pairs(here: Lab) -> None:
    """A pair set: counts, reasons, the pairs and the questions that gave none."""
    sets = pair_sets(here.store)
    if sets.empty:
        empty_state("No pairs yet", "A pipeline builds them from the samples of its SFT variant.", key="pairs")
        return
    names = {r["id"]: f"{r['label']} on {r['dataset_name']}  ({r['id']})" for r in sets.to_dict("records")}
    run = choice("Pair set", list(names), key="pairs", format_func=names.get)
    row = sets[sets["id"] == run].iloc[0]
    summary = json.loads(row["summary"])
    with st.container(horizontal=True):
        st.metric("Pairs", summary["pairs"])
        st.metric("Questions without a pair", sum(summary["dropped"].values()))
        st.metric(
            "λ", number(summary["lambda"], "share"), help="Share of pairs from variable or always-wrong questions."
        )
        st.metric(
            "Debater responses discarded", summary["debates_discarded"], help="They do not end in the right answer."
        )
        st.metric("Unjudged responses", summary["unjudged_responses"])
    chosen = pairs(here.store, run)
    reasons = chosen.groupby(["category", "reason"], sort=False).size().reset_index(name="pairs")
    st.dataframe(
        [
            {"category": CATEGORY_NAMES[r.category], "rule": REASONS[r.reason], "code": r.reason, "pairs": r.pairs}
            for r in reasons.itertuples()
        ],
        hide_index=True,
    )
    judge = json.loads(row["parents"])["judgements"]
    for evaluation in results():
        if judge in evaluation.judges.values():
            believe(evaluation)
    one_pair(chosen)
    ledger(here, run)
    link("runs", "This pair set's run", icon=":material/play_circle:", run=run)


def one_pair(chosen: Any) -> None:
    if chosen.empty:
        st.caption("Not one pair: nothing to prefer on any question. The ledger below says why.")
        return
    st.subheader("The pairs", anchor=False)
    picked = st.dataframe(
        chosen[["item_id", "question", "category", "reason", "chosen_score", "rejected_score", "chosen", "rejected"]],
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [0], "columns": []}},
        height=240,
        key=f"pairs_{chosen['run'].iloc[0]}",
        column_config={
            "chosen_score": st.column_config.NumberColumn("score of chosen", format="%.2f"),
            "rejected_score": st.column_config.NumberColumn("score of rejected", format="%.2f"),
        },
    )
    rows = picked["selection"]["rows"]
    pair = chosen.iloc[rows[0] if rows else 0]
    plain(f"{pair['question']}  (gold: {pair['gold']})")
    st.caption(f"{CATEGORY_NAMES[pair['category']]}: {REASONS[pair['reason']]}")
    for column, half in zip(st.columns(2), ("chosen", "rejected"), strict=True):
        with column:
            right = "right" if pair[f"{half}_correct"] else "wrong"
            st.badge(
                f"{half}: score {pair[f'{half}_score']:.2f}, {right}", color="green" if half == "chosen" else "red"
            )
            literal(pair[half] or "(an empty response)")
    if pair["answer_line_added"]:
        st.caption("An answer line was added to a text of this pair (setting `answer_line`).")


def ledger(here: Lab, run: str) -> None:
    left_out = dropped(here.store, run)
    with st.expander(f"Questions that gave no pair ({len(left_out)})"):
        if left_out.empty:
            st.caption("Every question gave a pair.")
            return
        counts = left_out["reason"].value_counts()
        st.dataframe([{"why": DROPPED[r], "questions": n} for r, n in counts.items()], hide_index=True)
        st.dataframe(left_out, hide_index=True)


here = lab()
view("anchors", "tab", "evaluation", "by", "before", "after", "pairs", "run", "group", "group_right")
header(
    "Anchors",
    "Labels as the anchor: what a variant always gets right, sometimes, or never, and the pairs made of each.",
)
first, second, third = st.tabs(["Categories", "Pairs", "One run"], key="tab", bind="query-params", on_change="rerun")
with first:
    categories(here)
with second:
    preference_pairs(here)
with third:
    one_run(here)
