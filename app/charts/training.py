"""Curves of a training run."""

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.charts.style import styled

CURVES = {
    "loss": "loss",
    "learning_rate": "learning rate",
    "rewards/margins": "reward margin (chosen − rejected)",
    "rewards/accuracies": "share of pairs with chosen above rejected",
    "rewards/chosen": "reward of chosen",
    "rewards/rejected": "reward of rejected",
}
"""Metrics that are drawn, in order, and what they are called."""


def curves(metrics: pd.DataFrame) -> go.Figure:
    """A training's curves, small ones side by side (metrics: step, name, value)."""
    names = [name for name in CURVES if (metrics["name"] == name).any()]
    columns = min(2, len(names)) or 1
    rows = -(-len(names) // columns) or 1
    titles = [CURVES[name] for name in names]
    figure = make_subplots(rows=rows, cols=columns, subplot_titles=titles, vertical_spacing=0.16 if rows > 1 else 0.0)
    for i, name in enumerate(names):
        points = metrics[metrics["name"] == name]
        figure.add_scatter(
            x=points["step"],
            y=points["value"],
            mode="lines+markers" if len(points) < 40 else "lines",
            line={"color": "#0072B2", "width": 2},
            marker={"size": 4},
            hovertemplate="step %{x}: %{y:.4g}<extra></extra>",
            row=i // columns + 1,
            col=i % columns + 1,
        )
    figure.update_annotations(font={"size": 13})
    return styled(figure, 60 + 190 * rows, showlegend=False)
