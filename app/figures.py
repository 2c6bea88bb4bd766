"""A figure under the question that it answers, and the numbers behind it to take along.

    chart("Which variant wins?", "Row against column.", figure, table, key="matrix", on_select=…)
    download(lambda: table, "win_rates")

The file that is taken along is named after the key.
"""

import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.analysis.figures import csv_of

NO_NAME = re.compile(r"\W+", re.ASCII)
"""What has no place in a file's name."""


def chart(title: str, note: str, figure: go.Figure, data: pd.DataFrame, key: str, **events: Any) -> Any:
    """A figure of `app.charts` with its title, its data as CSV, and a note; what was selected in it.

    `events` are `on_select` and `selection_mode`.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.subheader(title, anchor=False, width="content")
        download(lambda: data, key)
    shown = picture(figure, key, title, **events)
    if note:
        st.caption(note)
    return shown


def picture(figure: go.Figure, key: str, alt: str, **events: Any) -> Any:
    """A figure alone, without plotly's tool bar."""
    return st.plotly_chart(figure, key=key, alt=alt, config={"displayModeBar": False}, **events)


def clicked(chart_key: str, then: Callable[[tuple[int, int]], None]) -> None:
    """Hand the (row, column) of a clicked cell of `app.charts.cells` on; a callback of its chart."""
    points = st.session_state[chart_key]["selection"]["points"]
    if points:
        row, column = points[0]["customdata"]
        then((int(row), int(column)))


def download(table: Callable[[], pd.DataFrame], key: str) -> None:
    """A small button with a table as CSV, made when it is pressed."""
    name = re.sub(NO_NAME, "_", key)
    st.download_button(
        "CSV",
        lambda: csv_of(table()).encode(errors="replace"),  # no file has a place for half a surrogate
        file_name=f"{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        key=f"csv_{key}",
        on_click="ignore",
        help="The numbers behind this, as a table.",
    )
