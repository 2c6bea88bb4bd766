"""Figures of win rates, and of quality against accuracy.  What each asks stands above it, as a heading of the page."""

from collections.abc import Sequence

import plotly.graph_objects as go

from app.charts.style import (
    BLUE,
    CATEGORY_COLOURS,
    CATEGORY_NAMES,
    FIXED,
    WHISKERS,
    colour_of,
    safe,
    styled,
    whiskers,
    zero_line,
)
from core.analysis.comparison import Part, VariantResult, WinRate
from core.analysis.findings import quality_of
from core.statistics.estimates import Estimate

LOSES, EVEN, WINS = "#D98A4A", "#E4E7EA", "#4C97C8"
"""Ends and middle of the win matrix; dark text can be read on each, in light and in dark."""


def win_matrix(rates: Sequence[WinRate], labels: Sequence[str]) -> go.Figure:
    """How often each variant (row) wins against each other (column); colour is Δ(W−L).

    rates: every two variants in both orders.  The second trace lies over the cells, a point a rate that is known,
    in the order of `rates`, so that a cell can be clicked.
    """
    known = {(rate.a, rate.b): rate for rate in rates if rate.delta.value is not None}
    cells = [[known.get((a, b)) for b in labels] for a in labels]
    names = [safe(label) for label in labels]
    reach = max([20.0, *(abs(rate.delta.value) for rate in known.values())])
    figure = go.Figure(
        go.Heatmap(
            z=[[rate and rate.delta.value for rate in row] for row in cells],
            text=[[_cell(rate) if rate else "" for rate in row] for row in cells],
            x=names,
            y=names,
            texttemplate="%{text}",
            textfont={"color": "#16212B", "size": 13},
            colorscale=[[0, LOSES], [0.5, EVEN], [1, WINS]],
            zmin=-reach,
            zmax=reach,
            xgap=3,
            ygap=3,
            showscale=False,
            hoverinfo="skip",
        )
    )
    figure.add_scatter(
        x=[safe(rate.b) for rate in known.values()],
        y=[safe(rate.a) for rate in known.values()],
        mode="markers",
        marker={"size": 46, "symbol": "square", "color": "rgba(0,0,0,0)"},
        text=[_hover(rate) for rate in known.values()],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
    figure.update_xaxes(title="against", side="top", type="category", showgrid=False)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    return styled(figure, 110 + 62 * len(labels))


def _cell(rate: WinRate) -> str:
    return f"{100 * rate.win.value:.0f}% won<br>{signed(rate.delta.value)}"


def _hover(rate: WinRate) -> str:
    outcomes = (("wins", rate.win, rate.wins), ("ties", rate.tie, rate.ties), ("losses", rate.loss, rate.losses))
    lines = [
        f"{name} {100 * e.value:.1f}% ({100 * e.low:.1f} … {100 * e.high:.1f}), {count:,} sample pairs"
        for name, e, count in outcomes
    ]
    delta = f"Δ(W−L) {signed(rate.delta.value)} points, 95% {signed(rate.delta.low)} … {signed(rate.delta.high)}"
    return "<br>".join([f"{safe(rate.a)} against {safe(rate.b)}", *lines, delta, f"n = {rate.n} questions"])


def signed(value: float) -> str:
    """A number of points with its sign.

    >>> signed(-3.24)
    '−3.2'
    """
    return f"{value:+.1f}".replace("-", "−")


def forest(rates: Sequence[WinRate], names: Sequence[str], labels: Sequence[str]) -> go.Figure:
    """Δ(W−L) in points with its interval, a row a rate under its name; right of zero A wins.

    Hollow: no difference is shown, by interval and corrected test together (`core.analysis.findings`).
    """
    colours = [colour_of(rate.a, labels) for rate in rates]
    shown = [quality_of(rate) != "not shown" for rate in rates]
    return _points([rate.delta for rate in rates], names, colours, "Δ(W−L), points (95% interval)", shown)


def delta_by_part(parts: Sequence[Part]) -> go.Figure:
    """Δ(W−L) in points with its interval, a row a part of the evidence (a criterion, a category)."""
    names = [CATEGORY_NAMES.get(part.part, part.part) for part in parts]
    colours = [CATEGORY_COLOURS.get(part.part, BLUE) for part in parts]
    shown = [part.delta.excludes_zero for part in parts]
    return _points([part.delta for part in parts], names, colours, "Δ(W−L), points (95% interval)", shown)


def _points(
    estimates: Sequence[Estimate], names: Sequence[str], colours: Sequence[str], axis: str, filled: Sequence[bool]
) -> go.Figure:
    """A point a row with its whiskers, the first row on top; points stand in the order given."""
    known = [place for place, estimate in enumerate(estimates) if estimate.value is not None]
    shown = [estimates[place] for place in known]
    figure = go.Figure(
        go.Scatter(
            x=[e.value for e in shown],
            y=[_wrapped(names[place]) for place in known],
            error_x=whiskers(shown) | {"color": WHISKERS},
            mode="markers",
            marker={
                "size": 12,
                "color": [colours[place] for place in known],
                "symbol": ["circle" if filled[place] else "circle-open" for place in known],
                "line": {"width": 2},
            },
            customdata=[(signed(e.value), signed(e.low), signed(e.high), e.n) for e in shown],
            hovertemplate="%{y}: %{customdata[0]} points<br>95% %{customdata[1]} … %{customdata[2]}"
            "<br>n = %{customdata[3]} questions<extra></extra>",
        ),
        {
            "shapes": [zero_line()],
            "xaxis": {"title": {"text": axis}, "zeroline": False},
            "yaxis": {"type": "category", "autorange": "reversed"},
        },
    )
    return styled(figure, 110 + 36 * len(known))


def _wrapped(name: str, width: int = 28) -> str:
    """A name in lines of at most so many characters, safe for plotly."""
    lines = [""]
    for word in name.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(safe(line) for line in lines)


def quality_and_accuracy(results: Sequence[VariantResult], by: str, score: str) -> go.Figure:
    """Each variant's accuracy against its mean score, both with intervals; a point's customdata is its variant."""
    figure = go.Figure()
    labels = [result.label for result in results]
    place = {r.label: i for i, r in enumerate(sorted(results, key=lambda r: accuracy_of(r, by).value or 0))}
    for result in results:
        accuracy = accuracy_of(result, by)
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
            textposition="bottom right" if place[result.label] % 2 else "top right",
            textfont={"color": colour, "size": 14},
            marker={"size": 12, "color": colour},
            customdata=[(result.label,)],
            name=safe(result.label),
            hovertemplate=f"{safe(result.label)}: %{{x:.1f}}% right (95% {100 * accuracy.low:.1f} … "
            f"{100 * accuracy.high:.1f}, n = {accuracy.n} questions)<br>mean score %{{y:.2f}} (95% "
            f"{result.score.low:.2f} … {result.score.high:.2f}, n = {result.score.n})<extra></extra>",
        )
    figure.update_xaxes(title=f"accuracy ({by}), %", zeroline=False)
    figure.update_yaxes(title=f"mean score ({score})", zeroline=False)
    return styled(figure, 360, showlegend=False)


def accuracy_of(result: VariantResult, by: str) -> Estimate:
    """Accuracy of a variant by the prediction that counts."""
    return result.accuracy_forced if by == "forced" else result.accuracy_parsed


def answers_by_order(orders: Sequence[tuple[str, dict[str, int]]], a: str, b: str) -> go.Figure:
    """What a judge that saw both answered in each order: a bar an order, with the answers for A, for neither, for B.

    orders: A first, then B first.  A part's customdata ends with its order and answer, such as `a_first.second`.
    """
    figure = go.Figure()
    parts = (
        ("a", f"for {a}", colour_of(a, [a, b]), ("first", "second")),
        ("tie", "for neither", EVEN, ("tie", "tie")),
        ("b", f"for {b}", colour_of(b, [a, b]), ("second", "first")),
    )
    for key, name, colour, given in parts:
        counts = [answers[key] for _, answers in orders]
        total = [max(1, sum(answers.values())) for _, answers in orders]
        figure.add_bar(
            x=[100 * n / of for n, of in zip(counts, total, strict=True)],
            y=[_wrapped(order) for order, _ in orders],
            orientation="h",
            name=safe(name),
            marker={"color": colour},
            text=[str(n) if n else "" for n in counts],
            textfont={"color": "#16212B"},
            insidetextanchor="middle",
            customdata=[
                (n, of, f"{order}.{answer}")
                for n, of, order, answer in zip(counts, total, ("a_first", "b_first"), given, strict=True)
            ],
            hovertemplate="%{y}: %{customdata[0]} of %{customdata[1]} answers " + safe(name) + "<extra></extra>",
        )
    figure.update_layout(
        barmode="stack", legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "traceorder": "normal"} | FIXED
    )
    figure.update_xaxes(title="share of the answers, %", range=[0, 100])
    figure.update_yaxes(autorange="reversed")
    return styled(figure, 130 + 44 * len(orders))
