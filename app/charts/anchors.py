"""Figures of the Anchors page beyond shares and flows: cells to click, the map, fewer draws, scores."""

from collections.abc import Mapping, Sequence
from textwrap import shorten

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.charts.style import (
    ALIKE,
    CATEGORY_COLOURS,
    CATEGORY_NAMES,
    NEAREST,
    SUPPORT,
    UNSEEN,
    WHISKERS,
    colour_of,
    safe,
    styled,
    whiskers,
)
from core.analysis.distribution import CategoryScores, ExpectedShare
from core.analysis.results import CategoryShares
from core.records import CATEGORIES

LEGEND = {"orientation": "h", "y": 1.1, "yanchor": "bottom", "x": 0, "traceorder": "normal"}

MAP_COLOURS = [
    [0.0, CATEGORY_COLOURS["consistently_incorrect"]],
    [0.001, CATEGORY_COLOURS["consistently_incorrect"]],
    [0.001, "#F8E3B8"],
    [0.999, "#E69F00"],
    [0.999, CATEGORY_COLOURS["consistently_correct"]],
    [1.0, CATEGORY_COLOURS["consistently_correct"]],
]
"""Never right, then from seldom to mostly right, then always right."""


NAMED = 500
"""Columns of a map at most that can be hovered over and clicked: a hand can aim at no more, and each costs time."""


def named_places(count: int) -> list[int]:
    """Columns of a map of so many questions that can be clicked, evenly spread.

    >>> named_places(3), named_places(4_000)[:3]
    ([0, 1, 2], [0, 8, 16])
    """
    return [place * count // min(count, NAMED) for place in range(min(count, NAMED))]


def anchor_map(shares: np.ndarray, labels: Sequence[str], questions: Sequence[str]) -> go.Figure:
    """Every question as a column, from always wrong to always right; a row a variant.

    shares: share of right responses, shape (questions, variants), in the order they are drawn; NaN: no category.
    questions: words of those at `named_places`.  The customdata of a clicked point is (place, variant).
    """
    places = named_places(len(shares))
    words = [safe(shorten(question, 90, placeholder=" …")) for question in questions]
    figure = go.Figure(
        go.Heatmap(
            z=shares.T,
            x0=1,
            dx=1,
            y=[safe(label) for label in labels],
            colorscale=MAP_COLOURS,
            zmin=0,
            zmax=1,
            ygap=3,
            showscale=False,
            hoverinfo="skip",
        )
    )
    for column, label in enumerate(labels):
        k = shares[places, column]
        right = ["no category" if np.isnan(one) else f"right in {one:.0%} of its responses" for one in k]
        figure.add_scatter(
            x=[place + 1 for place in places],
            y=[safe(label)] * len(places),
            customdata=np.array([(place, label) for place in places]),  # plotly takes a list ten times as slowly
            text=np.array([f"{question}<br>{of_it}" for question, of_it in zip(words, right, strict=True)]),
            mode="markers",
            marker=UNSEEN,
            selected=ALIKE,
            unselected=ALIKE,
            hovertemplate="%{text}<extra>" + safe(label) + "</extra>",
            showlegend=False,
        )
    for category, name in zip(CATEGORIES, ("always right", "right in some responses", "never right"), strict=True):
        marker = {"symbol": "square", "size": 11, "color": CATEGORY_COLOURS[category]}
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=marker, name=name)
    figure.update_xaxes(title="questions, fewest right responses first", zeroline=False, showgrid=False)
    figure.update_xaxes(range=[0.5, len(shares) + 0.5])
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"}
    return styled(figure, 130 + 40 * len(labels), legend=legend, **NEAREST)


def share_dots(shares: Mapping[str, CategoryShares]) -> go.Figure:
    """Each category's share with its interval, a panel a category, a row a variant; a label may have two lines."""
    labels = list(shares)
    lines = 1 + max((label.count("\n") for label in labels), default=0)
    figure = make_subplots(cols=3, shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=_names())
    for column, category in enumerate(CATEGORIES, start=1):
        known = [label for label in labels if shares[label].shares[category].value is not None]
        found = [shares[label].shares[category] for label in known]
        figure.add_scatter(
            x=[100 * e.value for e in found],
            y=[_lines(label) for label in known],
            error_x=whiskers(found, 100) | {"color": WHISKERS},
            mode="markers",
            marker={"size": 10, "color": CATEGORY_COLOURS[category]},
            customdata=[
                (shares[label].counts[category], e.n, 100 * e.low, 100 * e.high, label, category)
                for label, e in zip(known, found, strict=True)
            ],
            hovertemplate="%{y}: %{x:.1f}%, 95% %{customdata[2]:.1f} … %{customdata[3]:.1f}<br>%{customdata[0]} of "
            "n = %{customdata[1]} questions<extra></extra>",
            row=1,
            col=column,
        )
    figure.update_xaxes(range=[-4, 104], tickvals=[0, 50, 100], title="questions, %", zeroline=False)
    figure.update_yaxes(autorange="reversed", type="category", zeroline=False)
    figure.update_annotations(font={"size": 13})
    return styled(figure, 116 + (18 + 14 * lines) * len(labels), showlegend=False)


def _lines(label: str) -> str:
    """A label of plotly's, its lines cut to what a narrow window has room for."""
    return "<br>".join(safe(line if len(line) <= 26 else f"{line[:25]}…") for line in label.split("\n"))


def _names() -> list[str]:
    return [CATEGORY_NAMES[category] for category in CATEGORIES]


def expected_lines(found: Mapping[str, Sequence[ExpectedShare]]) -> go.Figure:
    """Expected share of each category at every N, a panel a category, a line a variant.

    The customdata of a point ends with its variant and category.
    """
    labels = list(found)
    figure = make_subplots(cols=3, shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=_names())
    for place, label in enumerate(labels):
        for column, category in enumerate(CATEGORIES, start=1):
            rows = [row for row in found[label] if row.category == category]
            colour = colour_of(label, labels)
            figure.add_scatter(
                x=[row.n + 0.07 * (place - (len(labels) - 1) / 2) for row in rows],
                y=[100 * row.share.value for row in rows],
                error_y=whiskers([row.share for row in rows], 100) | {"color": colour, "thickness": 1, "width": 2},
                mode="lines+markers",
                name=safe(label),
                legendgroup=label,
                showlegend=column == 1,
                line={"color": colour, "width": 2},
                marker={"size": 6},
                customdata=[(r.n, 100 * r.share.low, 100 * r.share.high, r.share.n, label, category) for r in rows],
                hovertemplate=safe(label)
                + ", N = %{customdata[0]} responses a question: %{y:.1f}%<br>95% %{customdata[1]:.1f} … "
                "%{customdata[2]:.1f}, n = %{customdata[3]} questions<extra></extra>",
                row=1,
                col=column,
            )
    largest = max((row.n for rows in found.values() for row in rows), default=1)
    figure.update_xaxes(title="N", dtick=1 if largest <= 10 else 2, zeroline=False)
    figure.update_yaxes(range=[0, 100], ticksuffix="%", zeroline=False)
    figure.update_annotations(font={"size": 13})
    figure.update_layout(legend=LEGEND)
    return styled(figure, 400)


def score_boxes(found: Mapping[str, Sequence[CategoryScores]], score: str) -> go.Figure:
    """Scores by variant and category: box 25–75%, whiskers 5–95%, and the mean over questions as a dot.

    The customdata of a dot ends with its variant and category.
    """
    figure = go.Figure()
    for category in CATEGORIES:
        rows = [(label, row) for label, scores in found.items() for row in scores if row.category == category]
        rows = [(label, row) for label, row in rows if row.quantiles]
        spread = list(zip(*(row.quantiles for _, row in rows), strict=True)) or [()] * 5
        shared = {"name": CATEGORY_NAMES[category], "offsetgroup": category, "legendgroup": category}
        figure.add_box(
            x=[safe(label) for label, _ in rows],
            lowerfence=spread[0],
            q1=spread[1],
            median=spread[2],
            q3=spread[3],
            upperfence=spread[4],
            marker={"color": CATEGORY_COLOURS[category]},
            hoverinfo="skip",
            **shared,
        )
        figure.add_scatter(
            x=[safe(label) for label, _ in rows],
            y=[row.mean.value for _, row in rows],
            error_y=whiskers([row.mean for _, row in rows]) | {"color": SUPPORT},
            mode="markers",
            marker={"size": 9, "color": CATEGORY_COLOURS[category], "line": {"width": 1.5, "color": "#FFFFFF"}},
            showlegend=False,
            customdata=[
                (r.mean.low, r.mean.high, r.mean.n, r.explanations, *r.quantiles, label, category) for label, r in rows
            ],
            hovertemplate="%{x}, " + CATEGORY_NAMES[category] + ": mean %{y:.2f}, 95% %{customdata[0]:.2f} … "
            "%{customdata[1]:.2f}<br>n = %{customdata[2]} questions, %{customdata[3]} explanations<br>median "
            "%{customdata[6]:.2f}, 90% of scores %{customdata[4]:.2f} … %{customdata[8]:.2f}<extra></extra>",
            **shared,
        )
    known = [row for scores in found.values() for row in scores if row.quantiles]
    low, high = min(row.quantiles[0] for row in known), max(row.quantiles[-1] for row in known)
    room = 0.06 * max(high - low, 1.0)
    figure.update_yaxes(title=f"score ({score})", zeroline=False, range=[low - room, high + room])
    figure.update_xaxes(type="category")
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return styled(
        figure, 420, boxmode="group", scattermode="group", boxgap=0.3, scattergap=0.3, boxgroupgap=0.25, legend=legend
    )
