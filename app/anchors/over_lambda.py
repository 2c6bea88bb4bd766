"""Pairs over the whole range of λ: what each target would leave of set A."""

import pandas as pd
import streamlit as st

from app.anchors.data import pair_set
from app.charts.pairs import lambda_bars
from app.figures import chart
from app.state import Lab
from core.analysis.pair_lambda import pairs_over_lambda
from core.analysis.pair_sources import PairSource
from core.method.pairs import anchor_lambda
from core.records import Pair
from core.settings import PairSettings
from core.statistics.words import number


def over_lambda(here: Lab, source: PairSource, settings: PairSettings, pairs: list[Pair]) -> None:
    """Pairs of each category at λ from 0 to 1 under these settings; `pairs`: those of the set as it stands."""
    counts = _counts(here, here.sealed, source, settings)
    if counts.empty:
        return
    now = anchor_lambda(pairs)
    stands = "–" if now is None else number(now, "share")
    chart(
        "How many pairs would each λ leave?",
        f"Of A, with λ {stands} now (dotted). A target draws from either kind of question, so the scarcer kind limits "
        "the total. Target λ, in the settings of A above, takes it.",
        lambda_bars(counts, now),
        counts,
        key="over_lambda",
    )


@st.cache_data(max_entries=24, show_spinner=False)
def _counts(_here: Lab, sealed: str, source: PairSource, settings: PairSettings) -> pd.DataFrame:
    whole = pair_set(_here, "A", source, settings.model_copy(update={"target_lambda": None, "max_pairs": None}))
    return pairs_over_lambda(whole.pairs, settings)
