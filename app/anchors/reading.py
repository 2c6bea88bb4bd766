"""A list of pairs and one of them to read: both texts, the scores a criterion, and the samples they came from."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app.address import arrivals, given, put
from app.anchors.data import criteria, evaluation_with
from app.charts.style import CATEGORY_NAMES
from app.figures import download
from app.navigation import link
from app.state import Lab
from app.tables import ROW_OR_CELL, chosen_row, grid
from app.widgets import literal, plain
from core.analysis.pair_lint import criterion_gaps, driver
from core.analysis.pair_sources import Material
from core.method.pairs import REASONS
from core.records import Item, Pair, Side

LISTED = 300

TWO_DECIMALS = st.column_config.NumberColumn(format="%.2f")


def pair_browser(here: Lab, material: Material, pairs: Sequence[Pair], key: str) -> None:
    """A table of pairs to choose from, then the chosen one; the URL keeps which."""
    if not pairs:
        st.caption("No pair here.")
        return
    names = criteria(here, material.source)
    frame = pd.DataFrame([_row(pair, material, names) for pair in pairs[:LISTED]])
    ids = [pair.item_id for pair in pairs[:LISTED]]
    asked = given("pair")
    row = ids.index(asked) if asked in ids else 0
    table = f"{key}_{hash(tuple(ids))}_{arrivals()}"
    grid(
        frame.drop(columns="id"),
        first=["question", "category", "score of chosen", "of rejected"],
        height=min(280, 38 + 35 * len(frame)),
        on_select=partial(_choose, table, ids),
        selection_mode=ROW_OR_CELL,
        selection_default={"selection": {"rows": [row], "columns": []}},
        key=table,
        column_config={
            "question": st.column_config.TextColumn(width="medium"),
            "score of chosen": TWO_DECIMALS,
            "of rejected": TWO_DECIMALS,
        },
    )
    more = f"; the first {LISTED} are listed" if len(pairs) > LISTED else ""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"{len(pairs):,} pairs{more}; choose a row to read it.")
        download(lambda: frame, f"{key}_pairs")
    one_pair(here, material, pairs[row])


def _choose(table: str, ids: Sequence[str]) -> None:
    row = chosen_row(st.session_state[table]["selection"])
    put(pair=None if row is None else ids[row])


def _row(pair: Pair, material: Material, names: Sequence[str]) -> dict[str, Any]:
    return {
        "question": material.items[pair.item_id].question,
        "category": CATEGORY_NAMES[pair.category],
        "rule": pair.reason,
        "score of chosen": pair.chosen.score,
        "of rejected": pair.rejected.score,
        "chosen is": _right(pair.chosen),
        "rejected is": _right(pair.rejected),
        "driven by": driver(pair, material.facts, names),
        "id": pair.item_id,
    }


def _right(side: Side) -> str:
    return "✓ right" if side.correct else "✗ wrong"


# --- one pair


def one_pair(here: Lab, material: Material, pair: Pair) -> None:
    """A pair as DPO will see it, with what the judge said of either half."""
    item = material.items[pair.item_id]
    with st.container(border=True):
        plain(question_line(item))
        st.caption(f"{CATEGORY_NAMES[pair.category]}: {REASONS[pair.reason]}")
        halves(material, pair)
        by_criterion(here, material, pair)
        if pair.answer_line_added:
            st.caption("An answer line was added to a text of this pair (setting `answer_line`).")
        origins(material, pair)


def question_line(item: Item) -> str:
    """The question and its gold option."""
    context = f"{item.context}\n" if item.context else ""
    gold = next((option.text for option in item.options if option.label == item.gold), item.gold)
    return f"{context}{item.question}  (gold: {gold or 'none'})"


def halves(material: Material, pair: Pair) -> None:
    """Chosen and rejected side by side."""
    for column, name, side in zip(st.columns(2), ("chosen", "rejected"), (pair.chosen, pair.rejected), strict=True):
        with column:
            facts = material.facts.get((side.run, pair.item_id, side.sample))
            right = "right" if side.correct else "wrong"
            st.badge(f"{name}: {right}", color="green" if name == "chosen" else "red")
            st.caption(f"score {side.score:.2f}" + (f", {facts.tokens} tokens" if facts else ""))
            literal(side.text or "(an empty response)")


def by_criterion(here: Lab, material: Material, pair: Pair) -> None:
    """Verdict values of both halves a criterion, and which one leads most."""
    names = criteria(here, material.source)
    chosen, rejected = (
        material.facts.get((side.run, pair.item_id, side.sample)) for side in (pair.chosen, pair.rejected)
    )
    if not (names and chosen and rejected):
        return
    gaps = criterion_gaps(pair, material.facts)
    grid(
        [
            {"criterion": name, "chosen": chosen.criteria[i], "rejected": rejected.criteria[i], "lead": gaps[i]}
            for i, name in enumerate(names)
        ],
        key=f"criteria_{pair.item_id}_{pair.chosen.sample}_{pair.rejected.sample}",
        column_config={
            "chosen": TWO_DECIMALS,
            "rejected": TWO_DECIMALS,
            "lead": st.column_config.NumberColumn(format="%+.2f"),
        },
    )
    st.caption(f"Driven by: {driver(pair, material.facts, names)}. Verdict points: 1 is worst.")


def origins(material: Material, pair: Pair) -> None:
    """The samples that both halves came from, as links."""
    evaluation = evaluation_with(material.source.samples)
    with st.container(horizontal=True):
        if evaluation:
            link(
                "explanations",
                "All samples of this question",
                icon=":material/article:",
                evaluation=evaluation.key,
                item=pair.item_id,
            )
        for name, side in (("chosen", pair.chosen), ("rejected", pair.rejected)):
            others = {material.source.debates: "the debater", material.source.teacher: "the teacher"}
            who = others.get(side.run, "the variant")
            link(
                "runs",
                f"{name.capitalize()}: sample {side.sample + 1} of {who}",
                icon=":material/play_circle:",
                run=side.run,
            )
