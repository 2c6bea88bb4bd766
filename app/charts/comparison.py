"""Figures of win rates, and of quality against accuracy."""

from collections.abc import Sequence

import plotly.graph_objects as go

from app.charts.style import CATEGORY_COLOURS, CATEGORY_NAMES, SUPPORT, WHISKERS, colour_of, safe, styled, whiskers
from core.comparison import Part, VariantResult, WinRate


def forest(rates: Sequence[WinRate], labels: Sequence[str]) -> go.Figure:
    """Δ(W−L) in points with its interval, a row a pair of variants; right of zero the first one wins."""
    known = [rate for rate in rates if rate.delta.value is not None][::-1]
    figure = go.Figure(
        go.Scatter(
            x=[rate.delta.value for rate in known],
            y=[safe(f"{rate.a} against {rate.b}") for rate in known],
            error_x=whiskers([rate.delta for rate in known]) | {"color": WHISKERS},
            mode="markers",
            marker={"size": 11, "color": [colour_of(rate.a, labels) for rate in known]},
            customdata=[(rate.delta.low, rate.delta.high, rate.n) for rate in known],
            hovertemplate="%{y}: %{x:+.1f} points<br>95% %{customdata[0]:+.1f} … %{customdata[1]:+.1f}"
            "<br>n = %{customdata[2]} questions<extra></extra>",
        )
    )
    figure.add_vline(x=0, line={"color": SUPPORT, "width": 1.5})
    figure.update_xaxes(title="Δ(W−L), percentage points (95% interval over questions)", zeroline=False)
    return styled(figure, 120 + 34 * len(known))


def delta_by_part(parts: Sequence[Part]) -> go.Figure:
    """Δ(W−L) in points with its interval, a row a part of the evidence (a criterion, a category)."""
    known = [part for part in parts if part.delta.value is not None][::-1]
    figure = go.Figure(
        go.Scatter(
            x=[part.delta.value for part in known],
            y=[safe(CATEGORY_NAMES.get(part.part, part.part)) for part in known],
            error_x=whiskers([part.delta for part in known]) | {"color": WHISKERS},
            mode="markers",
            marker={"size": 10, "color": [CATEGORY_COLOURS.get(part.part, "#0072B2") for part in known]},
            customdata=[(part.delta.low, part.delta.high, part.delta.n) for part in known],
            hovertemplate="%{y}: %{x:+.1f} points<br>95% %{customdata[0]:+.1f} … %{customdata[1]:+.1f}"
            "<br>n = %{customdata[2]} questions<extra></extra>",
        )
    )
    figure.add_vline(x=0, line={"color": SUPPORT, "width": 1.5})
    figure.update_xaxes(title="Δ(W−L), percentage points", zeroline=False)
    return styled(figure, 110 + 32 * len(known))


def quality_and_accuracy(results: Sequence[VariantResult], by: str, score: str) -> go.Figure:
    """Each variant's accuracy against its mean score, both with their intervals."""
    figure = go.Figure()
    labels = [result.label for result in results]
    for result in results:
        accuracy = result.accuracy_forced if by == "forced" else result.accuracy_parsed
        if accuracy.value is None or result.score.value is None:
            continue
        colour = colour_of(result.label, labels)
        figure.add_scatter(
            x=[100 * accuracy.value],
            y=[result.score.value],
            error_x=whiskers([accuracy], 100) | {"color": colour},
            error_y=whiskers([result.score]) | {"color": colour},
            mode="markers+text",
            text=[safe(result.label)],
            textposition="top right",
            textfont={"color": colour, "size": 14},
            marker={"size": 12, "color": colour},
            name=safe(result.label),
            hovertemplate=f"{safe(result.label)}: %{{x:.1f}} % right, mean score %{{y:.2f}}<extra></extra>",
        )
    figure.update_xaxes(title=f"accuracy ({by}), %", zeroline=False)
    figure.update_yaxes(title=f"mean score ({score}, 5–20)", zeroline=False)
    return styled(figure, 340, showlegend=False)
