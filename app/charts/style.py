"""One visual language for all figures: colours, frame, whiskers, and text that plotly cannot misread.

A variant, a category and a state have their colour everywhere, chosen from a palette that colour-blind eyes
can tell apart (Okabe and Ito), and points carry their interval.  Plotly reads its labels as pseudo-HTML, so
whatever a person or a model wrote goes through `safe`.
"""

import html
from collections.abc import Sequence

import plotly.graph_objects as go

from core.records import Category
from core.statistics.estimates import Estimate

BLUE = "#1A80C4"
"""Okabe and Ito's blue, lightened until it stands out as much from a dark page as from a light one (4 : 1)."""

VARIANTS = {"base": "#8A8F98", "sft": "#CC79A7", "rank": "#56B4E9", "anchor": BLUE}
"""Colours of the paper's four variants; others take `MORE` in order."""

MORE = ("#B8860B", "#7B61A8", "#3F7F5F", "#A65628", "#4C566A", "#D4A5C9")

CATEGORY_COLOURS: dict[Category, str] = {
    "consistently_correct": "#009E73",
    "variable": "#E69F00",
    "consistently_incorrect": "#D55E00",
}
CATEGORY_NAMES: dict[Category, str] = {
    "consistently_correct": "consistently correct",
    "variable": "variable",
    "consistently_incorrect": "consistently incorrect",
}
SUPPORT = "rgba(128, 136, 144, 0.45)"
"""Axes and zero lines: visible on light and on dark."""

WHISKERS = "rgba(128, 136, 144, 0.95)"


def safe(text: str) -> str:
    """Text for plotly, which would read markup in it."""
    return html.escape(str(text))


def colour_of(label: str, labels: Sequence[str]) -> str:
    """Colour of a variant among those shown; two variants of one name share its colour's family."""
    if label in VARIANTS:
        return VARIANTS[label]
    others = [other for other in labels if other not in VARIANTS]
    return MORE[others.index(label) % len(MORE)]


FRAME = {
    "margin": {"l": 8, "r": 16, "t": 28, "b": 8},
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "hoverlabel": {"align": "left"},
    "font": {"size": 13},
}
AXIS = {"gridcolor": "rgba(128, 136, 144, 0.18)", "zerolinecolor": SUPPORT, "automargin": True}


UNSEEN = {"size": 12, "color": "rgba(0, 0, 0, 0)", "line": {"width": 0}}
ALIKE = {"marker": {"opacity": 1}}
NEAREST = {"dragmode": False, "clickmode": "event+select", "hovermode": "closest", "hoverdistance": -1}
"""Plotly selects neither cells nor filled shapes: unseen markers lie on them, alike when selected, the nearest counts.

The markers' `marker`, their `selected` and `unselected`, and what the figure's layout needs.
"""

FIXED = {"itemclick": False, "itemdoubleclick": False}
"""Of a legend whose parts make a whole: none of them can be taken out by a click."""


def styled(figure: go.Figure, height: int, **layout: object) -> go.Figure:
    """The figure in the lab's frame, as a new one: plotly updates a layout slower than it makes one."""
    given = figure.layout.to_plotly_json()
    given.pop("template", None)
    axes = {"xaxis", "yaxis", *(name for name in given if name[1:5] == "axis")}
    framed = {name: given.get(name, {}) | AXIS for name in axes}
    return go.Figure(figure.data, given | FRAME | {"height": height} | layout | framed)


def zero_line() -> dict[str, object]:
    """A vertical line at zero as a shape of a layout."""
    line = {"color": SUPPORT, "width": 1.5}
    return {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "xref": "x", "yref": "y domain", "line": line}


def whiskers(estimates: Sequence[Estimate], scale: float = 1.0) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [scale * (e.high - e.value) for e in estimates],
        "arrayminus": [scale * (e.value - e.low) for e in estimates],
        "thickness": 1.6,
        "width": 5,
    }
