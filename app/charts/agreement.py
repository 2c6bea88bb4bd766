"""Figures of agreement between raters."""

import pandas as pd
import plotly.graph_objects as go

from app.charts.cells import cells
from app.charts.style import BLUE, SUPPORT, safe, styled, zero_line


def confusion_map(counts: pd.DataFrame, rows: str, columns: str, chosen: tuple[int, int] | None = None) -> go.Figure:
    """How often two raters gave each two labels: `rows` names the rater of the rows, `columns` that of the columns."""
    return cells(counts.to_numpy(), list(counts.columns), list(counts.index), columns, rows, chosen, of="ratings")


def kappa_map(rows: pd.DataFrame) -> go.Figure:
    """κ of judges (or annotators) with people, a point a criterion with its interval; one row of points a rater.

    rows: rater, criterion, value, low, high, n (ratings); rows without a value are left out.
    A point's customdata ends with its criterion.
    """
    known = rows.dropna(subset=["value"]).astype({"low": float, "high": float})  # too few questions: no whiskers
    figure = go.Figure()
    for place, (rater, mine) in enumerate(known.groupby("rater", sort=False)):
        figure.add_scatter(
            x=mine["value"],
            y=[safe(name) for name in mine["criterion"]],
            name=safe(rater),
            mode="markers",
            marker={"size": 10, "color": RATER_COLOURS[place % len(RATER_COLOURS)]},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": mine["high"] - mine["value"],
                "arrayminus": mine["value"] - mine["low"],
                "thickness": 1.6,
                "width": 5,
            },
            customdata=mine[["low", "high", "n", "criterion"]],
            hovertemplate=f"{safe(rater)}, %{{y}}: κ %{{x:.2f}} (%{{customdata[0]:.2f}} … %{{customdata[1]:.2f}}), "
            "n = %{customdata[2]} ratings<extra></extra>",
        )
    figure.update_xaxes(title="κ, quadratic weights: 0 is chance, 1 is the same verdict always", range=[-1.02, 1.02])
    figure.update_yaxes(autorange="reversed", type="category")
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    height = 110 + 46 * max(1, known["criterion"].nunique())
    several = known["rater"].nunique() > 1
    zero = zero_line() | {"line": {"color": SUPPORT, "dash": "dot"}}
    return styled(figure, height, legend=legend, scattermode="group", showlegend=several, shapes=[zero])


RATER_COLOURS = (BLUE, "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
"""Okabe and Ito's, told apart by colour-blind eyes."""
