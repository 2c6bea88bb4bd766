"""Shares of anchor categories as bars."""

from collections.abc import Mapping

import plotly.graph_objects as go

from app.charts.style import CATEGORY_COLOURS, CATEGORY_NAMES, FIXED, safe, styled
from core.analysis.results import CategoryShares
from core.records import CATEGORIES


def category_bars(shares: Mapping[str, CategoryShares]) -> go.Figure:
    """Shares of the three categories, a bar a variant; a part's customdata ends with its variant and category."""
    labels = list(shares)[::-1]
    figure = go.Figure()
    for category in CATEGORIES:
        values = [shares[label].shares[category] for label in labels]
        counts = [shares[label].counts[category] for label in labels]
        figure.add_bar(
            y=[safe(label) for label in labels],
            x=[100 * (value.value or 0) for value in values],
            orientation="h",
            name=CATEGORY_NAMES[category],
            marker={"color": CATEGORY_COLOURS[category]},
            text=[f"{100 * v.value:.0f}%" if v.value and v.value > 0.07 else "" for v in values],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            textfont={"color": "#FFFFFF" if category != "variable" else "#1B2321"},
            customdata=[
                (n, 100 * (v.low or 0), 100 * (v.high or 0), v.n, label, category)
                for n, v, label in zip(counts, values, labels, strict=True)
            ],
            hovertemplate=f"%{{y}}, {CATEGORY_NAMES[category]}: %{{x:.1f}}% (95% %{{customdata[1]:.1f}} … "
            "%{customdata[2]:.1f})<br>%{customdata[0]} of %{customdata[3]} questions<extra></extra>",
        )
    figure.update_xaxes(title="share of questions, %", range=[0, 100])
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"} | FIXED
    return styled(figure, 130 + 44 * len(labels), barmode="stack", bargap=0.35, legend=legend)
