"""What each way of making preference pairs cost, under the table of runs."""

import pandas as pd
import streamlit as st

from app.figures import download
from app.state import Lab
from app.tables import grid
from core.analysis.costs import ALL, strategy_costs
from core.models.memory import GIB
from core.store.database import Store


def strategies(here: Lab) -> None:
    """Nothing in a lab without pair sets."""
    found = _costs(here.store, here.sealed)
    if found.empty:
        return
    with st.expander("What each strategy cost", icon=":material/payments:"):
        grid([_row(row) for row in found.to_dict("records")], key="costs", first=["strategy", "stage", "seconds"])
        st.caption(
            "A strategy pays for the samples and judgements that its pairs were chosen from, for a debater or teacher "
            "with their judging, and for the trainings on its pairs. Strategies of the same samples share those; each "
            "names them whole. Read: prompt tokens that went through the model, what prompts share once; unshared: had "
            "each reply read its whole prompt."
        )
        download(lambda: found, "costs")


@st.cache_data(max_entries=4, show_spinner=False)
def _costs(_store: Store, sealed: str) -> pd.DataFrame:
    return strategy_costs(_store)


def _row(row: dict) -> dict:
    peak = row["peak_bytes"]
    return {
        "strategy": row["strategy"] if row["stage"] == ALL else "",
        "stage": row["stage"],
        "read": row["prompt_tokens"],
        "unshared": row["unshared_tokens"],
        "generated": row["new_tokens"],
        "seconds": row["seconds"],
        "memory, GiB": None if pd.isna(peak) else round(peak / GIB, 2),
        "run": row["run"] or row["pairs"],
    }
