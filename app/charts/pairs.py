"""Figures of preference pairs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.charts.style import BLUE, CATEGORY_COLOURS, CATEGORY_NAMES, WHISKERS, safe, styled, zero_line
from core.records import CATEGORIES


def gap_edges(gaps: Sequence[float]) -> np.ndarray:
    """Edges of the bins that gaps are counted in."""
    return np.histogram_bin_edges(gaps, bins=min(30, max(5, len(gaps) // 4))) if gaps else np.zeros(2)


def gap_histogram(gaps: Sequence[float]) -> go.Figure:
    """Tokens of chosen less those of rejected: pairs a bin, counted here so that thousands of pairs stay light."""
    edges = gap_edges(gaps)
    counts = np.histogram(gaps, bins=edges)[0] if gaps else np.zeros(1)
    figure = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            width=np.diff(edges) * 0.96,
            marker={"color": BLUE},
            customdata=np.stack([edges[:-1], edges[1:]], axis=1),
            hovertemplate="%{customdata[0]:+.0f} … %{customdata[1]:+.0f} tokens: %{y} of "
            + str(len(gaps))
            + " pairs<extra></extra>",
        )
    )
    figure.update_xaxes(title="tokens of chosen less tokens of rejected", zeroline=False)
    figure.update_yaxes(title="pairs")
    return styled(figure, 240, shapes=[zero_line()])


def lambda_bars(counts: pd.DataFrame, now: float | None) -> go.Figure:
    """Pairs of each category that a target for λ leaves, a bar a target; now: λ of the set as it stands, marked.

    counts: rows of `core.analysis.pair_lambda.pairs_over_lambda`.
    """
    figure = go.Figure()
    for category in CATEGORIES:
        for reason, rows in counts[counts["category"] == category].groupby("reason", sort=False):
            figure.add_bar(
                x=rows["target"],
                y=rows["pairs"],
                name=CATEGORY_NAMES[category],
                marker={"color": CATEGORY_COLOURS[category]},
                customdata=rows[["target", "of", "total"]].assign(reached=100 * rows["reached"]),
                hovertemplate=f"λ = %{{x:.2f}}, {CATEGORY_NAMES[category]}: %{{y}} of %{{customdata[1]}} pairs by "
                f"{safe(reason)}<br>in all n = %{{customdata[2]}} pairs, λ reached %{{customdata[3]:.1f}}%"
                "<extra></extra>",
            )
    if now is not None:
        figure.add_vline(x=now, line={"color": WHISKERS, "dash": "dot"})
    figure.update_xaxes(title="target λ: share of pairs from variable or consistently incorrect questions", dtick=0.1)
    figure.update_yaxes(title="pairs")
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"}
    return styled(figure, 300, barmode="stack", bargap=0.25, legend=legend)
