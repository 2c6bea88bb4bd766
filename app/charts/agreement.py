"""Figures of agreement between raters."""

import pandas as pd
import plotly.graph_objects as go

from app.charts.style import safe, styled


def confusion_map(counts: pd.DataFrame, rows: str, columns: str) -> go.Figure:
    """How often two raters gave each two labels: `rows` names the rater of the rows, `columns` that of the columns."""
    figure = go.Figure(
        go.Heatmap(
            z=counts.to_numpy(),
            x=[safe(label) for label in counts.columns],
            y=[safe(label) for label in counts.index],
            text=counts.to_numpy(),
            texttemplate="%{text}",
            colorscale=[[0, "#E3EEF6"], [1, "#005A8C"]],  # opaque, so that plotly picks a readable text colour
            showscale=False,
            hovertemplate=f"{safe(rows)}: %{{y}}<br>{safe(columns)}: %{{x}}<br>%{{z}} ratings<extra></extra>",
        )
    )
    figure.update_xaxes(title=safe(columns), type="category")
    figure.update_yaxes(title=safe(rows), type="category", autorange="reversed")
    return styled(figure, 140 + 44 * len(counts))
