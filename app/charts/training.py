"""Curves of trainings: one run's, or several laid over each other."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.charts.style import ALIKE, BLUE, UNSEEN, VARIANTS, WHISKERS, safe, styled

CURVES = {
    "loss": "loss",
    "learning_rate": "learning rate",
    "rewards/margins": "margin (chosen − rejected)",
    "rewards/accuracies": "accuracy (chosen above rejected)",
    "rewards/chosen": "reward of chosen",
    "rewards/rejected": "reward of rejected",
}
"""Metrics that are drawn, in order, and what they are called."""

RUN_COLOURS = (BLUE, "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7B61A8", "#8A8F98")
"""Colour of a compared run by its place among the chosen; further ones begin again, dashed."""


WHOLE_STEPS = 10
"""Steps of a training up to which every one has its tick; plotly would set some between them."""


def run_colour(place: int) -> str:
    """Colour of the run in this place."""
    return RUN_COLOURS[place % len(RUN_COLOURS)]


def curves(metrics: pd.DataFrame, step: int | None = None) -> go.Figure:
    """A training's curves, small ones side by side, with one step marked (metrics: step, name, value)."""
    figure = _laid_out(metrics)
    for name, row, column in _places(metrics):
        _add(figure, metrics[metrics["name"] == name], row, column, 0, "", run_colour(0))
    if step is not None:
        figure.add_vline(x=step, line={"color": WHISKERS, "dash": "dot"})
    return styled(figure, _height(metrics), showlegend=False)


def overlaid(metrics: pd.DataFrame, runs: Sequence[str], labels: Sequence[str], variants: Sequence[str]) -> go.Figure:
    """Curves of several trainings (metrics: run, step, name, value), each in the colour of its variant.

    Where two are of one variant, or one of a variant without a colour of its own, colours go by place.  The customdata
    of a point is its run.
    """
    known = set(variants) <= set(VARIANTS) and len(set(variants)) == len(variants)
    colours = [VARIANTS[variant] if known else run_colour(place) for place, variant in enumerate(variants)]
    figure = _laid_out(metrics)
    for i, (name, row, column) in enumerate(_places(metrics)):
        for place, (run, label) in enumerate(zip(runs, labels, strict=True)):
            points = metrics[(metrics["name"] == name) & (metrics["run"] == run)]
            _add(figure, points, row, column, place, label, colours[place], legend=i == 0)
    legend = {"orientation": "h", "yanchor": "bottom", "y": 1.08, "x": 0}
    figure = styled(figure, _height(metrics) + 40, legend=legend)
    return figure.update_layout(margin={"t": 70})


def _names(metrics: pd.DataFrame) -> list[str]:
    return [name for name in CURVES if (metrics["name"] == name).any()]


def _places(metrics: pd.DataFrame) -> list[tuple[str, int, int]]:
    """Metric, row and column of each small chart, counted from 1."""
    columns = min(2, len(_names(metrics))) or 1
    return [(name, i // columns + 1, i % columns + 1) for i, name in enumerate(_names(metrics))]


def _laid_out(metrics: pd.DataFrame) -> go.Figure:
    names = _names(metrics)
    columns = min(2, len(names)) or 1
    rows = -(-len(names) // columns) or 1
    titles = [CURVES[name] for name in names]
    figure = make_subplots(rows=rows, cols=columns, subplot_titles=titles, vertical_spacing=0.16 if rows > 1 else 0.0)
    figure.update_xaxes(title_text="step", title_standoff=2, title_font={"size": 11}, row=rows)
    if metrics["step"].max() <= WHOLE_STEPS:
        figure.update_xaxes(dtick=1)
    figure.update_yaxes(exponentformat="e")
    return figure.update_annotations(font={"size": 13})


def _height(metrics: pd.DataFrame) -> int:
    return 60 + 190 * (-(-len(_names(metrics)) // 2) or 1)


def _add(
    figure: go.Figure,
    points: pd.DataFrame,
    row: int,
    column: int,
    place: int,
    label: str,
    colour: str,
    legend: bool = False,
) -> None:
    if points.empty:
        return
    figure.add_scatter(
        x=points["step"],
        y=points["value"],
        name=safe(label),
        legendgroup=str(place),
        showlegend=legend,
        mode="lines+markers",
        line={
            "color": colour,
            "width": 2,
            "dash": "solid" if place < len(RUN_COLOURS) else "dash",
        },
        marker={"size": 4} if len(points) < 40 else UNSEEN,
        selected=ALIKE,
        unselected=ALIKE,
        customdata=points[["run"]] if "run" in points else None,
        hovertemplate="step %{x}: %{y:.4g}<extra>" + safe(label) + "</extra>",
        row=row,
        col=column,
    )
