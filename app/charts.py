"""Results as plotly figures: what is drawn, never where.  No streamlit here.

One visual language: a variant, a category and a state have their colour everywhere, chosen from a palette
that colour-blind eyes can tell apart (Okabe and Ito), and points carry their interval.  Plotly reads its
labels as pseudo-HTML, so whatever a person or a model wrote goes through `safe`.
"""

import html
from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.comparison import Part, VariantResult, WinRate
from core.records import CATEGORIES, Category
from core.results import CategoryShares
from core.statistics.estimates import Estimate

VARIANTS = {"base": "#8A8F98", "sft": "#CC79A7", "rank": "#56B4E9", "anchor": "#0072B2"}
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
"""Axes, zero lines and grids: visible on light and on dark."""

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


def _styled(figure: go.Figure, height: int, **layout: object) -> go.Figure:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 16, "t": 28, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"align": "left"},
        font={"size": 13},
        **layout,
    )
    figure.update_xaxes(gridcolor="rgba(128, 136, 144, 0.18)", zerolinecolor=SUPPORT, automargin=True)
    figure.update_yaxes(gridcolor="rgba(128, 136, 144, 0.18)", zerolinecolor=SUPPORT, automargin=True)
    return figure


def _whiskers(estimates: Sequence[Estimate], scale: float = 1.0) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [scale * (e.high - e.value) for e in estimates],
        "arrayminus": [scale * (e.value - e.low) for e in estimates],
        "thickness": 1.6,
        "width": 5,
    }


def forest(rates: Sequence[WinRate], labels: Sequence[str]) -> go.Figure:
    """Δ(W−L) in points with its interval, a row a pair of variants; right of zero the first one wins."""
    known = [rate for rate in rates if rate.delta.value is not None][::-1]
    figure = go.Figure(
        go.Scatter(
            x=[rate.delta.value for rate in known],
            y=[safe(f"{rate.a} against {rate.b}") for rate in known],
            error_x=_whiskers([rate.delta for rate in known]) | {"color": WHISKERS},
            mode="markers",
            marker={"size": 11, "color": [colour_of(rate.a, labels) for rate in known]},
            customdata=[(rate.delta.low, rate.delta.high, rate.n) for rate in known],
            hovertemplate="%{y}: %{x:+.1f} points<br>95% %{customdata[0]:+.1f} … %{customdata[1]:+.1f}"
            "<br>n = %{customdata[2]} questions<extra></extra>",
        )
    )
    figure.add_vline(x=0, line={"color": SUPPORT, "width": 1.5})
    figure.update_xaxes(title="Δ(W−L), percentage points (95% interval over questions)", zeroline=False)
    return _styled(figure, 120 + 34 * len(known))


def delta_by_part(parts: Sequence[Part]) -> go.Figure:
    """Δ(W−L) in points with its interval, a row a part of the evidence (a criterion, a category)."""
    known = [part for part in parts if part.delta.value is not None][::-1]
    figure = go.Figure(
        go.Scatter(
            x=[part.delta.value for part in known],
            y=[safe(CATEGORY_NAMES.get(part.part, part.part)) for part in known],
            error_x=_whiskers([part.delta for part in known]) | {"color": WHISKERS},
            mode="markers",
            marker={"size": 10, "color": [CATEGORY_COLOURS.get(part.part, "#0072B2") for part in known]},
            customdata=[(part.delta.low, part.delta.high, part.delta.n) for part in known],
            hovertemplate="%{y}: %{x:+.1f} points<br>95% %{customdata[0]:+.1f} … %{customdata[1]:+.1f}"
            "<br>n = %{customdata[2]} questions<extra></extra>",
        )
    )
    figure.add_vline(x=0, line={"color": SUPPORT, "width": 1.5})
    figure.update_xaxes(title="Δ(W−L), percentage points", zeroline=False)
    return _styled(figure, 110 + 32 * len(known))


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
            error_x=_whiskers([accuracy], 100) | {"color": colour},
            error_y=_whiskers([result.score]) | {"color": colour},
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
    return _styled(figure, 340, showlegend=False)


def confusion_map(counts: pd.DataFrame, rows: str, columns: str) -> go.Figure:
    """How often two raters gave each two labels: `rows` names the rater of the rows, `columns` that of the columns."""
    figure = go.Figure(
        go.Heatmap(
            z=counts.to_numpy(),
            x=[safe(label) for label in counts.columns],
            y=[safe(label) for label in counts.index],
            text=counts.to_numpy(),
            texttemplate="%{text}",
            colorscale=[[0, "#E3EEF6"], [1, "#005A8C"]],  # opaque, so that plotly picks a readable text colour
            showscale=False,
            hovertemplate=f"{safe(rows)}: %{{y}}<br>{safe(columns)}: %{{x}}<br>%{{z}} ratings<extra></extra>",
        )
    )
    figure.update_xaxes(title=safe(columns), type="category")
    figure.update_yaxes(title=safe(rows), type="category", autorange="reversed")
    return _styled(figure, 140 + 44 * len(counts))


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
    return _styled(figure, 130 + 44 * len(labels), barmode="stack", bargap=0.35, legend=legend)


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
    return _styled(figure, 320)


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


CURVES = {
    "loss": "loss",
    "learning_rate": "learning rate",
    "rewards/margins": "reward margin (chosen − rejected)",
    "rewards/accuracies": "share of pairs with chosen above rejected",
    "rewards/chosen": "reward of chosen",
    "rewards/rejected": "reward of rejected",
}
"""Metrics that are drawn, in order, and what they are called."""


def curves(metrics: pd.DataFrame) -> go.Figure:
    """A training's curves, small ones side by side (metrics: step, name, value)."""
    names = [name for name in CURVES if (metrics["name"] == name).any()]
    columns = min(2, len(names)) or 1
    rows = -(-len(names) // columns) or 1
    titles = [CURVES[name] for name in names]
    figure = make_subplots(rows=rows, cols=columns, subplot_titles=titles, vertical_spacing=0.16 if rows > 1 else 0.0)
    for i, name in enumerate(names):
        points = metrics[metrics["name"] == name]
        figure.add_scatter(
            x=points["step"],
            y=points["value"],
            mode="lines+markers" if len(points) < 40 else "lines",
            line={"color": "#0072B2", "width": 2},
            marker={"size": 4},
            hovertemplate="step %{x}: %{y:.4g}<extra></extra>",
            row=i // columns + 1,
            col=i % columns + 1,
        )
    figure.update_annotations(font={"size": 13})
    return _styled(figure, 60 + 190 * rows, showlegend=False)


def label_bars(counts: pd.DataFrame) -> go.Figure:
    """Items per gold label and split (counts: split, gold, items)."""
    figure = go.Figure()
    for split, colour in zip(counts["split"].unique(), ("#0072B2", "#56B4E9", *MORE), strict=False):
        rows = counts[counts["split"] == split]
        figure.add_bar(
            x=[safe(gold) for gold in rows["gold"]],
            y=rows["items"],
            name=safe(split),
            marker={"color": colour},
            hovertemplate=f"{safe(split)}, %{{x}}: %{{y}} items<extra></extra>",
        )
    figure.update_yaxes(title="items")
    figure.update_xaxes(type="category")
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return _styled(figure, 280, barmode="group", legend=legend)
