"""Figures of anchor categories and of how questions move between them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

import plotly.graph_objects as go

from app.charts.style import CATEGORY_COLOURS, CATEGORY_NAMES, FIXED, safe, styled
from core.analysis.results import CategoryShares
from core.analysis.transitions import Route
from core.records import CATEGORIES, Category


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


def flow(ways: Sequence[Route], labels: Sequence[str]) -> go.Figure:
    """How questions moved between categories along a chain of variants, as bands from stage to stage.

    Stages keep the order of the categories, empty ones left out; a band has the colour of where it comes from.
    """
    stages = range(len(labels))
    counts: list[Counter[Category]] = [Counter() for _ in stages]
    links: Counter[tuple[int, Category, Category]] = Counter()
    for way in ways:
        for stage, category in enumerate(way.categories):
            counts[stage][category] += len(way.questions)
        for stage, (start, end) in enumerate(pairwise(way.categories)):
            links[stage, start, end] += len(way.questions)
    nodes = [(stage, c) for stage in stages for c in CATEGORIES if counts[stage][c]]
    place = {node: i for i, node in enumerate(nodes)}
    figure = go.Figure(
        go.Sankey(
            arrangement="fixed",
            node={
                "label": [str(counts[stage][c]) for stage, c in nodes],
                "color": [CATEGORY_COLOURS[c] for _, c in nodes],
                "x": [0.001 + 0.998 * stage / max(len(labels) - 1, 1) for stage, _ in nodes],
                "y": _centres([(stage, counts[stage][c]) for stage, c in nodes]),
                "customdata": [safe(f"{labels[stage]}: {CATEGORY_NAMES[c]}") for stage, c in nodes],
                "hovertemplate": "%{customdata}<br>%{value} questions<extra></extra>",
                "pad": 14,
                "thickness": 14,
                "line": {"width": 0},
            },
            link={
                "source": [place[stage, start] for stage, start, _ in links],
                "target": [place[stage + 1, end] for stage, _, end in links],
                "value": list(links.values()),
                "color": [_faint(CATEGORY_COLOURS[start]) for _, start, _ in links],
                "customdata": [
                    safe(f"{labels[i]}: {CATEGORY_NAMES[start]} → {labels[i + 1]}: {CATEGORY_NAMES[end]}")
                    for i, start, end in links
                ],
                "hovertemplate": "%{customdata}<br>%{value} questions<extra></extra>",
            },
        )
    )
    for category in CATEGORIES:
        marker = {"symbol": "square", "size": 11, "color": CATEGORY_COLOURS[category]}
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=marker, name=CATEGORY_NAMES[category])
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    for stage, label in enumerate(labels):
        figure.add_annotation(_stage(label, stage, len(labels)))
    figure.update_layout(
        legend=FIXED | {"orientation": "h", "y": -0.04, "yanchor": "top", "x": 0, "traceorder": "normal"},
    )
    return styled(figure, 390)


def _stage(label: str, stage: int, stages: int) -> dict[str, object]:
    """A variant's name above its stage."""
    side = "left" if stage == 0 else "right" if stage == stages - 1 else "center"
    place = {"x": stage / max(stages - 1, 1), "y": 1.1, "xref": "paper", "yref": "paper", "xanchor": side}
    return place | {"text": f"<b>{safe(label)}</b>", "showarrow": False}


def _centres(nodes: Sequence[tuple[int, int]]) -> list[float]:
    """Heights of stacked nodes' centres in each stage, from 0 (top) to 1; nodes: (stage, questions).

    >>> _centres([(0, 1), (0, 1), (1, 2)])
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
