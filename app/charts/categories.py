"""Figures of anchor categories and of how questions move between them."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from app.charts.style import CATEGORY_COLOURS, CATEGORY_NAMES, safe, styled
from core.records import CATEGORIES
from core.results import CategoryShares


def category_bars(shares: Mapping[str, CategoryShares]) -> go.Figure:
    """Shares of the three categories, a bar a variant."""
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
            text=[f"{100 * v.value:.0f} %" if v.value and v.value > 0.07 else "" for v in values],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            textfont={"color": "#FFFFFF" if category != "variable" else "#1B2321"},
            customdata=[(n, 100 * (v.low or 0), 100 * (v.high or 0), v.n) for n, v in zip(counts, values, strict=True)],
            hovertemplate=f"%{{y}}, {CATEGORY_NAMES[category]}: %{{x:.1f}} % (95% %{{customdata[1]:.1f}} … "
            "%{customdata[2]:.1f})<br>%{customdata[0]} of %{customdata[3]} questions<extra></extra>",
        )
    figure.update_xaxes(title="share of questions, %", range=[0, 100])
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"}
    return styled(figure, 130 + 44 * len(labels), barmode="stack", bargap=0.35, legend=legend)


def flow(moves: pd.DataFrame, before: str, after: str) -> go.Figure:
    """How questions moved between categories from one variant to another, as bands.

    moves: before, after, questions.  Both sides keep the order of the categories, empty ones left out.
    """
    sides = {"before": (before, 0.001), "after": (after, 0.999)}
    nodes = [(side, c, int(moves.loc[moves[side] == c, "questions"].sum())) for side in sides for c in CATEGORIES]
    shown = [(side, c, n) for side, c, n in nodes if n]
    place = {(side, c): i for i, (side, c, _) in enumerate(shown)}
    figure = go.Figure(
        go.Sankey(
            arrangement="fixed",
            node={
                "label": [safe(f"{sides[side][0]}: {CATEGORY_NAMES[c]} ({n})") for side, c, n in shown],
                "color": [CATEGORY_COLOURS[c] for _, c, _ in shown],
                "x": [sides[side][1] for side, _, _ in shown],
                "y": _centres([(side, n) for side, _, n in shown]),
                "pad": 14,
                "thickness": 14,
                "line": {"width": 0},
            },
            link={
                "source": [place["before", c] for c in moves["before"]],
                "target": [place["after", c] for c in moves["after"]],
                "value": moves["questions"].tolist(),
                "color": [_faint(CATEGORY_COLOURS[c]) for c in moves["before"]],
            },
        )
    )
    return styled(figure, 320)


def _centres(nodes: Sequence[tuple[str, int]]) -> list[float]:
    """Heights of stacked nodes' centres on each side, from 0 (top) to 1.

    >>> _centres([("before", 1), ("before", 1), ("after", 2)])
    [0.25, 0.75, 0.5]
    """
    totals = {side: sum(n for other, n in nodes if other == side) for side, _ in nodes}
    reached = dict.fromkeys(totals, 0.0)
    centres = []
    for side, n in nodes:
        centres.append((reached[side] + n / 2) / totals[side])
        reached[side] += n
    return centres


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.35)"
