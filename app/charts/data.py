"""Figures of data sets."""

import pandas as pd
import plotly.graph_objects as go

from app.charts.style import BLUE, MORE, safe, styled


def label_bars(counts: pd.DataFrame) -> go.Figure:
    """Items per gold label and split (counts: split, gold, items); a bar's customdata is the place of its row."""
    figure = go.Figure()
    for split, colour in zip(counts["split"].unique(), (BLUE, "#56B4E9", *MORE), strict=False):
        rows = counts[counts["split"] == split]
        figure.add_bar(
            x=[safe(gold) for gold in rows["gold"]],
            y=rows["items"],
            customdata=[[place] for place in rows.index],
            name=safe(split),
            marker={"color": colour},
            hovertemplate=f"{safe(split)}, %{{x}}: %{{y}} items<extra></extra>",
        )
    figure.update_yaxes(title="items")
    figure.update_xaxes(type="category")
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return styled(figure, 280, barmode="group", legend=legend)
