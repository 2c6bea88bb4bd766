"""Figures of preference pairs."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.charts.style import styled, zero_line


def gap_histogram(gaps: Sequence[float]) -> go.Figure:
    """Tokens of chosen less those of rejected: pairs a bin, counted here so that thousands of pairs stay light."""
    counts, edges = np.histogram(gaps, bins=min(30, max(5, len(gaps) // 4))) if gaps else (np.zeros(1), np.zeros(2))
    figure = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            width=np.diff(edges) * 0.96,
            marker={"color": "#0072B2"},
            customdata=np.stack([edges[:-1], edges[1:]], axis=1),
            hovertemplate="%{customdata[0]:+.0f} … %{customdata[1]:+.0f} tokens: %{y} of "
            + str(len(gaps))
            + " pairs<extra></extra>",
        )
    )
    figure.update_xaxes(title="tokens of chosen less tokens of rejected", zeroline=False)
    figure.update_yaxes(title="pairs")
    return styled(figure, 240, shapes=[zero_line()])
