"""One data set on the Datasets page: its questions, splits and labels, rejected rows, and putting it away."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app.address import held, held_tabs, put
from app.charts.data import label_bars
from app.figures import chart
from app.navigation import link
from app.state import Lab
from app.tables import grid
from app.widgets import choice, literal, plain
from core.data.contents import reject_kinds, rejects_page, split_balance
from core.data.shelf import archive, dependents, remove, restore
from core.errors import BadInput
from core.statistics.words import number, plural
from core.store.queries import items, label_counts

PAGE = 50
"""Rows shown at a time."""

ALL = ""
"""Value of a filter that leaves nothing out; no split, label or reason is empty."""


def show(here: Lab, row: dict[str, Any]) -> None:
    """Counts, then questions, balance and rejects of a data set (a row of `every_dataset`)."""
    dataset = row["id"]
    with st.container(horizontal=True):
        st.metric("Questions", f"{row['items']:,}")
        st.metric("Rejected rows", f"{row['rejects']:,}")
        st.metric("Unlabelled", f"{row['unlabelled']:,}", help="Can be sampled, not scored.")
    if row["title"] and row["title"] != row["name"]:
        plain(row["title"])
    link("runs", "Run the method on it", icon=":material/rocket_launch:", show="Launch", launch_kind="pipeline",
         launch_on=dataset)  # fmt: skip
    names = ["Questions", "Splits and labels", "Rejected rows", "Put away"]
    questions, balance, rejected, away = st.tabs(names, **held_tabs("tab", names))
    if questions.open:
        with questions:
            _questions(here, dataset)
    if balance.open:
        with balance:
            _balance(here, dataset)
    if rejected.open:
        with rejected:
            _rejected(here, dataset)
    if away.open:
        with away:
            _put_away(here, row)


# --- questions


def _questions(here: Lab, dataset: str) -> None:
    counts = label_counts(here.store, dataset)
    left, middle, right, last = st.columns([2, 2, 4, 1])
    with left:
        split = _one_of("Split", counts["split"], "split")
    with middle:
        label = _one_of("Label", counts["gold"], "label")
    with right:
        text = st.text_input("Questions that contain", icon=":material/search:", **held("text", "", drops=["page"]))
    wanted = {"split": split or None, "label": label or None, "text": text}
    first = items(here.store, dataset, **wanted, limit=PAGE, offset=0)
    found = int(first["found"].iloc[0]) if len(first) else 0
    with last:
        number = _page(found, "page")
    frame = first if number == 1 else items(here.store, dataset, **wanted, limit=PAGE, offset=(number - 1) * PAGE)
    st.caption(_shown(len(frame), number, found, "questions"))
    shown = frame.drop(columns=["found"]).dropna(axis="columns", how="all")
    wide = {name: st.column_config.TextColumn(width="large") for name in ("question", "options")}
    grid(
        shown,
        key="questions",
        first=["question", "options", "gold"],
        column_config=wide | {"id": st.column_config.TextColumn(width=110)},
    )


def _one_of(title: str, values: pd.Series, key: str) -> str:
    """One of the values, or `ALL`; in the URL."""
    shown = lambda value: value or "all"  # noqa: E731
    return choice(title, [ALL, *sorted(values.unique())], key=key, drops=["page"], format_func=shown)


def _page(found: int, key: str) -> int:
    """Which page of `found` rows, from 1; in the URL."""
    pages = max(1, -(-found // PAGE))
    how = held(key, 1, lambda number: 1 <= number <= pages)
    return st.number_input(f"Page, of {pages:,}", 1, pages, disabled=pages == 1, step=1, **how)


def _shown(rows: int, number: int, found: int, what: str) -> str:
    """Which rows are seen.

    >>> _shown(50, 2, 440, "questions"), _shown(0, 1, 0, "rows")
    ('51 to 100 of 440 questions', 'No rows match.')
    """
    start = (number - 1) * PAGE
    return f"{start + 1:,} to {start + rows:,} of {found:,} {what}" if rows else f"No {what} match."


# --- balance


def _balance(here: Lab, dataset: str) -> None:
    counts = label_counts(here.store, dataset)
    balance = split_balance(counts)
    commonest = [
        "–" if pd.isna(share) else f"{label} ({number(share, 'share')})"
        for label, share in zip(balance["commonest"], balance["its share"], strict=True)
    ]
    grid(
        balance.assign(commonest=commonest).drop(columns="its share"),
        key="splits",
        first=["split", "questions", "commonest"],
        column_config={
            "share": st.column_config.NumberColumn(format="percent"),
            "commonest": st.column_config.TextColumn(
                "commonest label", help="In brackets its share of the labelled questions: what always saying it gets."
            ),
        },
    )
    chart(
        "Are the labels equally common?",
        "Click a bar to read its questions.",
        label_bars(counts),
        counts,
        key="balance",
        on_select=partial(_pick_label, counts),
        selection_mode="points",
    )


def _pick_label(counts: pd.DataFrame) -> None:
    """Show the questions of the bar that was clicked; a callback of the figure."""
    for point in st.session_state["balance"]["selection"]["points"]:
        (place,) = point["customdata"]
        put(tab=None, split=counts["split"][place], label=counts["gold"][place], text=None, page=None)


# --- rejects


def _rejected(here: Lab, dataset: str) -> None:
    kinds = reject_kinds(here.store, dataset)
    if kinds.empty:
        st.caption("Every row of the file became a question.")
        return
    counts = dict(zip(kinds["kind"], kinds["rows"], strict=True))
    names = {ALL: f"all {plural(sum(counts.values()), 'row')}"} | {
        kind: f"{n:,} × {kind}" for kind, n in counts.items()
    }
    kind = choice("Reason", list(names), key="reason", drops=["rejects_page"], format_func=names.get)
    left, right = st.columns([6, 1])
    with left:
        text = st.text_input(
            "Rows that contain", icon=":material/search:", **held("row_text", "", drops=["rejects_page"])
        )
    wanted = None if kind == ALL else kind
    frame, found = rejects_page(here.store, dataset, wanted, text, PAGE, 0)
    with right:
        number = _page(found, "rejects_page")
    if number > 1:
        frame, _ = rejects_page(here.store, dataset, wanted, text, PAGE, (number - 1) * PAGE)
    st.caption(_shown(len(frame), number, found, "rejected rows") + "; choose one to read it whole.")
    picked = grid(
        frame.rename(columns={"raw": "as read"}),
        height="content" if len(frame) < 8 else 300,
        on_select="rerun",
        selection_mode="single-row",
        key=f"rejects_{dataset}_{kind}_{text}_{number}",
        column_config={
            "row": st.column_config.NumberColumn(width=70),
            "reason": st.column_config.TextColumn(width="large"),
            "as read": st.column_config.TextColumn(width="large"),
        },
    )["selection"]["rows"]
    if len(frame):
        chosen = frame.iloc[picked[0] if picked and picked[0] < len(frame) else 0]
        plain(f"Row {chosen['row']}: {chosen['reason']}")
        literal(chosen["raw"] or "(nothing that could be read)")


# --- putting away


def _put_away(here: Lab, row: dict[str, Any]) -> None:
    """Archive, restore or delete; what runs depend on is not deleted."""
    dataset = row["id"]
    literal(f"{dataset}\nlicence: {row['licence'] or 'not stated'}")
    link("runs", "The run that imported it", run=dataset)
    users = dependents(here.home, dataset)
    st.caption(_fate(len(users)))
    with st.container(horizontal=True):
        if row["archived"] and st.button("Restore", icon=":material/unarchive:", key="restore"):
            restore(here.home, dataset)
            _say(f"{row['name']} is offered again.")
        if not row["archived"] and st.button(
            "Archive", icon=":material/archive:", key="archive", help="Hidden from choices; nothing is lost."
        ):
            _archive(here, row)
        with st.popover("Delete …", icon=":material/delete:", key="delete"):
            st.write("Its questions and rejected rows are deleted here; the file that it was loaded from is not.")
            if st.button("Delete this data set", type="primary", key="delete_now"):
                _delete(here, row)
            _refusal(here, row)


def _fate(users: int) -> str:
    """What can be done with a data set that so many runs depend on.

    >>> _fate(1)
    '1 run depends on this data set: it can be archived, and not deleted.'
    """
    if not users:
        return "No run depends on this data set: it can be archived or deleted."
    depend = "1 run depends" if users == 1 else f"{users:,} runs depend"
    return f"{depend} on this data set: it can be archived, and not deleted."


def _refusal(here: Lab, row: dict[str, Any]) -> None:
    """Why it was not deleted, where the button stands that was pressed."""
    dataset, why = st.session_state.get("_refused", ("", ""))
    if dataset != row["id"]:
        return
    st.badge("Not deleted", icon=":material/block:", color="orange")
    plain(why)
    if not row["archived"] and st.button("Archive it instead", icon=":material/archive:", key="instead"):
        _archive(here, row)


def _archive(here: Lab, row: dict[str, Any]) -> None:
    archive(here.home, row["id"])
    put(dataset=None)
    _say(f"{row['name']} ({row['id']}) is archived. “Archived too” shows it, and it can be restored.")


def _delete(here: Lab, row: dict[str, Any]) -> None:
    try:
        remove(here.home, row["id"])
    except BadInput as refusal:
        st.session_state["_refused"] = (row["id"], str(refusal))
        return
    here.refresh()
    put(dataset=None)
    _say(f"{row['name']} ({row['id']}) is deleted.")


def _say(text: str) -> None:
    st.session_state.pop("_refused", None)
    st.session_state["_dataset_said"] = text
    st.rerun()
