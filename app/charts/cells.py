"""A grid of counts whose cells can be clicked: the one form of confusion matrices and tables of moves."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.charts.style import ALIKE, NEAREST, UNSEEN, safe, styled

EMPTY = "rgba(128, 136, 144, 0.12)"
"""Behind cells that nothing falls into."""


def cells(
    counts: np.ndarray,
    columns: Sequence[str],
    rows: Sequence[str],
    x: str,
    y: str,
    chosen: tuple[int, int] | None,
    of: str,
) -> go.Figure:
    """Counts in a grid of cells that can be clicked; counts: shape (rows, columns), the first row at the top.

    `x` and `y` name the columns and the rows, `of` what is counted; `chosen`, (row, column), has a frame.
    An unseen marker lies on each cell (`app.charts.style.UNSEEN`); its customdata is (row, column).
    """
    total = max(int(counts.sum()), 1)
    places = [(row, column) for row in range(len(rows)) for column in range(len(columns))]
    figure = go.Figure(
        go.Heatmap(
            z=np.where(counts > 0, counts, np.nan),
            x=list(range(len(columns))),
            y=list(range(len(rows))),
            text=np.where(counts > 0, counts.astype(str), ""),
            texttemplate="%{text}",
            colorscale=[[0, "#CFE3EF"], [1, "#5CA3CC"]],  # as far as dark digits can be read on it
            textfont={"color": "#10201B"},
            showscale=False,
            hoverinfo="skip",
            hoverongaps=False,
            zmin=0,
            xgap=2,
            ygap=2,
        )
    )
    figure.add_scatter(
        x=[column for _, column in places],
        y=[row for row, _ in places],
        customdata=places,
        mode="markers",
        marker=UNSEEN | {"symbol": "square", "size": 38},
        selected=ALIKE,
        unselected=ALIKE,
        text=[
            f"{safe(y)}: {safe(rows[row])}<br>{safe(x)}: {safe(columns[column])}<br>{counts[row, column]} of {total} "
            f"{of} ({100 * counts[row, column] / total:.1f}%)"
            for row, column in places
        ],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
    if chosen:
        _frame(figure, *chosen)
    figure.update_xaxes(title=safe(x), tickvals=list(range(len(columns))), ticktext=[safe(c) for c in columns])
    figure.update_yaxes(title=safe(y), tickvals=list(range(len(rows))), ticktext=[safe(r) for r in rows])
    figure.update_yaxes(autorange="reversed", zeroline=False)
    figure.update_xaxes(zeroline=False)
    height = 120 + min(460, 62 * len(rows))
    return styled(figure, height, plot_bgcolor=EMPTY, **NEAREST)


def _frame(figure: go.Figure, row: int, column: int) -> None:
    edges = {"x0": column - 0.49, "x1": column + 0.49, "y0": row - 0.49, "y1": row + 0.49}
    figure.add_shape(type="rect", **edges, line={"color": "#D55E00", "width": 3})
