"""Pairs over the whole range of λ: what each target would leave of set A."""

from functools import partial

import pandas as pd
import streamlit as st

from app.address import put
from app.anchors.data import pair_set
from app.charts.pairs import lambda_bars
from app.figures import chart
from app.state import Lab
from app.working import once
from core.analysis.pair_lambda import pairs_over_lambda
from core.analysis.pair_sources import PairSource
from core.method.pair_draw import anchor_lambda
from core.records import Pair
from core.settings import PairSettings
from core.statistics.words import number


def over_lambda(here: Lab, source: PairSource, settings: PairSettings, pairs: list[Pair]) -> None:
    """Pairs of each category at λ from 0 to 1 under these settings; `pairs`: those of the set as it stands."""
    counts = counts_over_lambda(here, source, settings)
    if counts.empty:
        return
    now = anchor_lambda(pairs)
    stands = "–" if now is None else number(now, "share")
    key = f"over_lambda_{settings.target_lambda}"  # a new picture once a bar is taken, with none of them picked
    chart(
        "How many pairs would each λ leave?",
        f"Of A, with λ {stands} now (dotted). A target draws from either kind of question, and the scarcer kind limits "
        f"the total: {_totals(counts)} Click a bar to take its λ as the target of A.",
        lambda_bars(counts, now),
        counts,
        key=key,
        on_select=partial(_take, key),
        selection_mode="points",
    )


def _totals(counts: pd.DataFrame) -> str:
    """How many pairs the targets leave."""
    least, most = counts["total"].min(), counts["total"].max()
    return f"{most:,} pairs at every λ." if least == most else f"{least:,} to {most:,} pairs, by λ."


def counts_over_lambda(here: Lab, source: PairSource, settings: PairSettings) -> pd.DataFrame:
    """Pairs of each category at every target (`core.analysis.pair_lambda.pairs_over_lambda`)."""
    return _counts(here, here.sealed, source, settings)


def _take(key: str) -> None:
    """Make the λ of a clicked bar the target of A."""
    for point in st.session_state[key]["selection"]["points"][:1]:
        put(a_target_lambda=f"{point['x']:g}")


@once("Counting pairs at each λ …", keep=24, seconds=0.1)
def _counts(_here: Lab, sealed: str, source: PairSource, settings: PairSettings) -> pd.DataFrame:
    whole = pair_set(_here, "A", source, settings.model_copy(update={"target_lambda": None, "max_pairs": None}))
    return pairs_over_lambda(whole.pairs, settings)
