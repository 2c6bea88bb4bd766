"""Categories of one run, in groups of questions: the Anchors page's view of runs that need no judge."""

from typing import Any

import pandas as pd
import streamlit as st

from app.charts.categories import category_bars
from app.charts.style import CATEGORY_NAMES
from app.figures import chart
from app.state import Lab
from app.tables import grid
from app.widgets import choice
from app.working import once
from core.analysis.distribution import GROUPS, Group, categorised_runs, share_rows, shares_by_group
from core.analysis.results import CategoryShares
from core.records import CATEGORIES, RightBy
from core.settings import CompareSettings
from core.statistics.words import ends, number
from core.store.database import Store


def one_run(here: Lab) -> None:
    """A run, what its questions are grouped by, and the share of each category in each group."""
    known = categorised_runs(here.store)
    if known.empty:
        st.caption("No responses yet: sample a variant, or add explanations written elsewhere on the Datasets page.")
        return
    names = {r["id"]: f"{r['label']} on {r['dataset_name']}  ({r['id']})" for r in known.to_dict("records")}
    left, middle, right = st.columns([3, 1, 1])
    with left:
        run = choice("Run", list(names), key="run", format_func=names.get)
        forced = known.set_index("id").loc[run, "forced"]
    with middle:
        group = choice("Questions by", list(GROUPS), key="group")
    with right:
        by: RightBy = choice("Right by", ["forced", "parsed"] if forced else ["parsed"], key="group_right")
    shares = _shares(here.store, here.sealed, run, group, by)
    chart(
        "Are some groups of questions always right, or never?",
        "Right in all responses to a question, in some, or in none; 95% intervals over questions. Explanations "
        "written elsewhere: a question's own number of responses is its N.",
        category_bars(shares),
        pd.json_normalize(share_rows(shares)),
        key="groups",
    )
    grid(
        [{"group": name} | row_of(entry) for name, entry in shares.items()],
        key="group_shares",
        first=["group", *CATEGORY_NAMES.values()],
    )


@once("Resampling questions for the intervals …", keep=32, seconds=0.05)
def _shares(_store: Store, sealed: str, run: str, group: Group, by: RightBy) -> dict[str, CategoryShares]:
    return shares_by_group(_store, run, group, by, CompareSettings())


def row_of(entry: CategoryShares) -> dict[str, Any]:
    """Counts and shares of the categories in a row of cells."""
    row: dict[str, Any] = {}
    for category in CATEGORIES:
        share = entry.shares[category]
        known = f"{entry.counts[category]} ({number(share.value, 'share')}, {ends(share, 'share')})"
        row[CATEGORY_NAMES[category]] = known if share.n else "–"
    return row | {"questions": entry.shares[CATEGORIES[0]].n, "uncategorised": entry.uncategorised}
