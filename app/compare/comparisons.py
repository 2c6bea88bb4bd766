"""Single head-to-head comparisons on the Compare page: what the judge answered in each order; a row opens its question.

A click on a bar of `app.charts.comparison.answers_by_order` filters them by its code, such as `a_first.second`: with A
in the first place the judge preferred the second.
"""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from app.address import arrivals, put
from app.compare.choices import ALL, QUESTIONS
from app.figures import download
from app.state import Lab
from app.tables import ROW_OR_CELL, chosen_row, grid
from app.widgets import choice, plain
from core.analysis.duels import Duels
from core.analysis.question_table import with_questions
from core.store.queries import head_to_head_rows

ANSWERS = ("first", "tie", "second")


def filter_of(duels: Duels) -> str:
    """The parameter that holds the filter of a run's comparisons."""
    return f"show_{duels.run}"


def comparisons(here: Lab, duels: Duels, pair: str | None) -> None:
    """The comparisons of a run, filtered; `pair` is the name of its variants in the choice of pairs."""
    every = _rows(here, here.sealed, duels.run, duels.dataset)
    words = _words(duels)
    chosen = choice("Comparisons", list(words), key=filter_of(duels), format_func=words.get, width=420)
    found = every[_fits(every, chosen)]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        plain(f"{len(found):,} of {len(every):,} comparisons. Click a row to read both variants on its question.")
        download(lambda: found, f"comparisons_{duels.run}")
    if found.empty:
        return
    key = f"comparisons_{hash((duels.run, chosen))}_{arrivals()}"
    grid(
        _shown(found, duels),
        key=key,
        first=["question", "outcome", *_orders(duels)],
        height=250 if len(found) > 5 else "content",
        on_select=partial(_open, key, found["item_id"].tolist(), pair),
        selection_mode=ROW_OR_CELL,
    )


@st.cache_data(max_entries=32, show_spinner=False)
def _rows(_here: Lab, sealed: str, run: str, dataset: str) -> pd.DataFrame:
    rows = head_to_head_rows(_here.store, run)
    flipped = rows["flipped"].astype("boolean").fillna(False)  # unknown where a rule decided
    return with_questions(_here.store, dataset, rows.assign(flipped=flipped.astype(bool)))


def _words(duels: Duels) -> dict[str, str]:
    """Code of a filter → what it is called."""
    words = {
        ALL: "all",
        "flipped": "flipped with the order",
        "a": f"won by {duels.a}",
        "b": f"won by {duels.b}",
        "tie": "tied",
        "rule": "decided by rule",
        "unjudged": "not read",
    }
    for order, (shown, other) in (("a_first", (duels.a, duels.b)), ("b_first", (duels.b, duels.a))):
        words |= {f"{order}.{answer}": f"{shown} shown first: {said}" for answer, said in _for(shown, other).items()}
    return words


def _fits(rows: pd.DataFrame, code: str) -> pd.Series:
    """Which rows a filter leaves."""
    if code == ALL:
        return pd.Series(True, index=rows.index)
    if code == "flipped":
        return rows["flipped"]
    order, _, answer = code.partition(".")
    if answer:
        return rows[order].eq(answer) & rows["outcome"].ne("unjudged")
    return rows["origin"].eq(code) if code == "rule" else rows["outcome"].eq(code)


def _orders(duels: Duels) -> list[str]:
    return [f"{duels.a} first", f"{duels.b} first"]


def _shown(rows: pd.DataFrame, duels: Duels) -> pd.DataFrame:
    """The cells; an answer is told by whom it is for."""
    outcomes = {"a": f"won by {duels.a}", "b": f"won by {duels.b}", "tie": "tie", "unjudged": "not read"}
    a_first, b_first = _orders(duels)
    unsaid = rows["origin"].map({"rule": "by rule"}).fillna("not read")
    return pd.DataFrame(
        {
            "question": rows["question"],
            "outcome": [
                "flipped: a tie" if flipped else outcomes[outcome]
                for outcome, flipped in zip(rows["outcome"], rows["flipped"], strict=True)
            ],
            a_first: rows["a_first"].map(_for(duels.a, duels.b)).fillna(unsaid),
            b_first: rows["b_first"].map(_for(duels.b, duels.a)).fillna(unsaid),
        }
    )


def _for(first: str, second: str) -> dict[str, str]:
    """Answer of the judge → whom it is for, by who stood in the first and the second place."""
    return dict(zip(ANSWERS, (f"for {first}", "for neither", f"for {second}"), strict=True))


def _open(key: str, ids: Sequence[str], pair: str | None) -> None:
    row = chosen_row(st.session_state[key]["selection"])
    if row is not None:
        put(tab=QUESTIONS, pair=pair, item=ids[row], scored_by=None, of_category=None)
