"""A run's family as a graph, left to right: what it was made from, itself, what was made from it."""

from collections.abc import Mapping

import plotly.graph_objects as go

from app.charts.style import BLUE, SUPPORT, safe, styled

KIND_COLOURS = {
    "import": "#8A8F98",
    "judgements": "#8A8F98",
    "responses": "#B8860B",
    "sft": "#CC79A7",
    "sample": "#56B4E9",
    "judge": "#E69F00",
    "reader": "#F0C987",
    "head to head": "#A65628",
    "pairs": "#009E73",
    "dpo": BLUE,
    "pipeline": "#7B61A8",
}
"""Colour of each kind of run, by its words (`core.runs.folders.in_words`)."""

ROW = 62
"""Pixels between neighbours of a column."""

BEND = [i / 12 for i in range(13)]
"""Places along a line, which leaves and reaches its points level."""


def family_tree(
    made_from: Mapping[str, set[str]],
    depth: Mapping[str, int],
    named: Mapping[str, tuple[str, str, str]],
    run: str,
) -> go.Figure:
    """Runs as points that can be clicked (customdata: run id), with lines from sources to what was made from them.

    made_from: run → sources drawn; depth: run → column; named: run → (kind in words, label, state).  `run` stands out.
    """
    places = _places(made_from, depth, named)
    figure = go.Figure()
    _lines(figure, made_from, places, run)
    for kind in dict.fromkeys(named[one][0] for one in places):
        _points(figure, kind, [one for one in places if named[one][0] == kind], places, named, run)
    columns, (top, bottom) = max(depth.values()) + 1, (edge(y for _, y in places.values()) for edge in (min, max))
    figure.update_xaxes(visible=False, range=[-0.6, columns - 0.2])
    figure.update_yaxes(visible=False, range=[bottom + 0.9, top - 0.4])  # names stand below the points
    legend = {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "itemclick": False, "itemdoubleclick": False}
    return styled(figure, max(220, round(110 + ROW * (bottom - top + 1))), legend=legend, dragmode=False)


def _places(
    made_from: Mapping[str, set[str]], depth: Mapping[str, int], named: Mapping[str, tuple[str, str, str]]
) -> dict[str, tuple[float, float]]:
    """(column, row) of each run: near its sources, columns centred on each other."""
    places: dict[str, tuple[float, float]] = {}
    for column in range(max(depth.values()) + 1):
        members = [run for run in named if depth[run] == column]
        wanted = {run: _mean([places[source][1] for source in made_from[run] if source in places]) for run in members}
        members.sort(key=lambda run: (wanted[run], named[run], run))
        for place, run in enumerate(members):
            places[run] = (column, place - (len(members) - 1) / 2)
    return places


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _lines(
    figure: go.Figure, made_from: Mapping[str, set[str]], places: Mapping[str, tuple[float, float]], run: str
) -> None:
    for target, sources in made_from.items():
        for source in sources:
            (x0, y0), (x1, y1) = places[source], places[target]
            near = run in (source, target)
            figure.add_scatter(
                x=[x0 + (x1 - x0) * t for t in BEND],
                y=[y0 + (y1 - y0) * (3 * t**2 - 2 * t**3) for t in BEND],
                mode="lines",
                line={"color": "#8A8F98" if near else SUPPORT, "width": 2 if near else 1.2},
                hoverinfo="skip",
                showlegend=False,
            )


def _points(
    figure: go.Figure,
    kind: str,
    runs: list[str],
    places: Mapping[str, tuple[float, float]],
    named: Mapping[str, tuple[str, str, str]],
    run: str,
) -> None:
    figure.add_scatter(
        x=[places[one][0] for one in runs],
        y=[places[one][1] for one in runs],
        customdata=runs,
        name=kind,
        mode="markers+text",
        text=[f"{kind}<br>{_short(named[one][1])}" for one in runs],
        textposition="bottom center",
        textfont={"size": 11},
        marker={
            "size": [18 if one == run else 12 for one in runs],
            "color": KIND_COLOURS.get(kind, SUPPORT),
            "line": {"width": [3 if one == run else 0 for one in runs], "color": "#D55E00"},
        },
        hovertext=[f"{safe(named[one][1])}<br>{one}<br>{named[one][2]}" for one in runs],
        hovertemplate="%{hovertext}<extra></extra>",
        cliponaxis=False,
    )


def _short(label: str) -> str:
    """
    >>> _short("a" * 40)
    'aaaaaaaaaaaaaaaaaaaaa…'
    """
    flat = " ".join(label.split())
    return safe(flat if len(flat) <= 22 else flat[:21] + "…")
