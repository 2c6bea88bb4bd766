"""How questions move between categories along a chain of variants: bands from stage to stage, each to be clicked.

Plotly's own Sankey diagram selects nothing, so bands and stages are drawn here, with unseen markers to catch a click.
Heights are in questions, counted from the top; stages stand at 0, 1, 2 …
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from app.charts.style import ALIKE, CATEGORY_COLOURS, CATEGORY_NAMES, FIXED, NEAREST, UNSEEN, safe, styled
from core.analysis.transitions import Route
from core.records import CATEGORIES, Category

HALF = 0.012
"""Half the width of a stage."""

GAP = 0.05
"""Between two categories of a stage, as a share of all questions."""


@dataclass(frozen=True)
class Band:
    """Questions that went from a category of a stage to one of the next."""

    stage: int
    start: Category
    end: Category
    questions: int
    left: float
    """Its upper edge where it begins."""
    right: float
    """Its upper edge where it ends."""

    def upper(self, along: np.ndarray) -> np.ndarray:
        """Its upper edge at these shares of the way."""
        return self.left + (self.right - self.left) * along**2 * (3 - 2 * along)


Node = tuple[int, Category]
"""A category of a stage."""


def laid_out(ways: Sequence[Route]) -> tuple[dict[Node, int], dict[Node, float], list[Band]]:
    """Questions of every category of every stage, its upper edge, and the bands between them; empty ones left out."""
    counts: Counter[Node] = Counter()
    moves: Counter[tuple[int, Category, Category]] = Counter()
    for way in ways:
        for stage, category in enumerate(way.categories):
            counts[stage, category] += len(way.questions)
        for stage, (start, end) in enumerate(pairwise(way.categories)):
            moves[stage, start, end] += len(way.questions)
    tops = _tops(counts)
    leaving, entering, bands = dict(tops), dict(tops), []
    for stage, start, end in sorted(moves, key=lambda move: (move[0], *map(CATEGORIES.index, move[1:]))):
        questions = moves[stage, start, end]
        source, target = (stage, start), (stage + 1, end)
        bands.append(Band(stage, start, end, questions, leaving[source], entering[target]))
        leaving[source] += questions
        entering[target] += questions
    return dict(counts), tops, bands


def _tops(counts: Counter[Node]) -> dict[Node, float]:
    gap = GAP * sum(n for (stage, _), n in counts.items() if stage == 0)
    tops: dict[Node, float] = {}
    for stage in {stage for stage, _ in counts}:
        reached = 0.0
        for category in CATEGORIES:
            if counts[stage, category]:
                tops[stage, category] = reached
                reached += counts[stage, category] + gap
    return tops


def flow(ways: Sequence[Route], labels: Sequence[str], chosen: tuple[str, str, Category, Category] | None) -> go.Figure:
    """Bands in the colour of where they come from; `chosen` (before, after, start, end) stands out.

    The customdata of a clicked point is before, after, start, end.
    """
    counts, tops, bands = laid_out(ways)
    steps = [(labels[band.stage], labels[band.stage + 1], band.start, band.end) for band in bands]
    colours = [_faint(band.start, 0.75 if step == chosen else 0.33) for band, step in zip(bands, steps, strict=True)]
    last = len(labels) - 1
    lowest = max(tops[node] + counts[node] for node in counts)
    figure = go.Figure(
        [
            *(_outline(band, colour) for band, colour in zip(bands, colours, strict=True)),
            _catchers(bands, steps),
            *(_legend(category) for category in CATEGORIES),
        ],
        {
            "shapes": [_block(node, tops[node], counts[node]) for node in counts],
            "annotations": [
                *(_count(node, tops[node], counts[node], last) for node in counts),
                *(_name(label, stage, last) for stage, label in enumerate(labels)),
            ],
            "xaxis": {"visible": False, "range": [-HALF, last + HALF]},
            "yaxis": {"visible": False, "range": [lowest, 0]},
        },
    )
    legend = FIXED | {"orientation": "h", "y": -0.04, "yanchor": "top", "x": 0, "traceorder": "normal"}
    return styled(figure, 400, legend=legend, **NEAREST | {"hoverdistance": 30})


def _outline(band: Band, colour: str) -> go.Scatter:
    """A band as a closed line that is filled."""
    along = np.linspace(0, 1, 21)
    x, upper = band.stage + HALF + along * (1 - 2 * HALF), band.upper(along)
    return go.Scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([upper, upper[::-1] + band.questions]),
        fill="toself",
        fillcolor=colour,
        mode="lines",
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
    )


def _catchers(bands: Sequence[Band], steps: Sequence[tuple[str, str, Category, Category]]) -> go.Scatter:
    """Unseen markers all over the bands, which are what is hovered over and clicked."""
    total = sum(band.questions for band in bands if band.stage == 0)
    along = np.linspace(0.05, 0.95, 13)
    x, y, text, data = [], [], [], []
    for band, (before, after, start, end) in zip(bands, steps, strict=True):
        rows = max(1, round(24 * band.questions / total))
        for row in range(rows):
            x += (band.stage + along).tolist()
            y += (band.upper(along) + band.questions * (row + 0.5) / rows).tolist()
        of = sum(other.questions for other in bands if (other.stage, other.start) == (band.stage, start))
        words = (
            f"{safe(before)}: {CATEGORY_NAMES[start]} → {safe(after)}: {CATEGORY_NAMES[end]}<br>"
            f"{band.questions:,} of {of:,} questions"
        )
        text += [words] * rows * len(along)
        data += [(before, after, start, end)] * rows * len(along)
    return go.Scatter(
        x=x,
        y=y,
        text=np.array(text),
        customdata=np.array(data),  # plotly takes a list ten times as slowly
        mode="markers",
        marker=UNSEEN,
        selected=ALIKE,
        unselected=ALIKE,
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )


def _legend(category: Category) -> go.Scatter:
    marker = {"symbol": "square", "size": 11, "color": CATEGORY_COLOURS[category]}
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=CATEGORY_NAMES[category])


def _block(node: Node, top: float, questions: int) -> dict[str, object]:
    """A category of a stage, as high as its questions are many."""
    stage, category = node
    place = {"x0": stage - HALF, "x1": stage + HALF, "y0": top, "y1": top + questions}
    return place | {"type": "rect", "fillcolor": CATEGORY_COLOURS[category], "line": {"width": 0}}


def _count(node: Node, top: float, questions: int, last: int) -> dict[str, object]:
    """The number of its questions, beside its block: on the inner side of the picture."""
    stage, _ = node
    side = {"x": stage + HALF, "xanchor": "left"} if stage < last else {"x": stage - HALF, "xanchor": "right"}
    return side | {"y": top + questions / 2, "text": f"<b>{questions:,}</b>", "showarrow": False}


def _name(label: str, stage: int, last: int) -> dict[str, object]:
    """A variant's name above its stage."""
    side = "left" if stage == 0 else "right" if stage == last else "center"
    place = {"x": stage, "y": 1.02, "yref": "paper", "yanchor": "bottom", "xanchor": side}
    return place | {"text": f"<b>{safe(label)}</b>", "showarrow": False}


def _faint(category: Category, opacity: float) -> str:
    colour = CATEGORY_COLOURS[category]
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"
