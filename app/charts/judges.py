"""Figures of judges: their verdicts, how criteria and judges go together, scores over lengths."""

from collections.abc import Sequence

import plotly.graph_objects as go

from app.charts.style import BLUE, FIXED, WHISKERS, safe, styled, whiskers
from core.judge_card import JudgeCard
from core.judge_card.pictures import LengthBin

VERDICT_FILLS = ("#D55E00", "#E69F00", "#56B4E9", "#009E73")
"""Verdicts from worst to best (longer rubrics share the ends); colour-blind eyes can distinguish them."""
UNREAD = "#8A8F98"
LONGEST = 28
"""Letters of a name that fit beside a map."""
MOST_NAMED, SHORT = 6, 12
"""Columns of a map that have room for their names, and letters that such a name has at most."""
TOGETHER = [[0, "#D98A4A"], [0.5, "#E4E7EA"], [1, "#4C97C8"]]
"""Correlations from −1 to 1; dark text can be read on each."""


def verdict_bars(card: JudgeCard) -> go.Figure:
    """Shares of the verdicts on each criterion, a bar a criterion; unread ones in grey.

    The third of a part's customdata is its verdict's place in the card's labels, or −1; the fourth its criterion's.
    """
    figure = go.Figure()
    for place, label in enumerate(card.labels):
        fill = VERDICT_FILLS[round(place * (len(VERDICT_FILLS) - 1) / max(1, len(card.labels) - 1))]
        _stack(figure, card, label, fill, [c.counts[place] for c in card.criteria], place)
    if any(c.unread for c in card.criteria):
        _stack(figure, card, "cannot be read", UNREAD, [c.unread for c in card.criteria], -1)
    figure.update_xaxes(title="share of verdicts, %", range=[0, 100])
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"} | FIXED
    figure.update_yaxes(autorange="reversed")
    return styled(figure, 130 + 40 * len(card.criteria), barmode="stack", bargap=0.3, legend=legend)


def _stack(figure: go.Figure, card: JudgeCard, label: str, fill: str, counts: Sequence[int], place: int) -> None:
    totals = [max(1, sum(c.counts) + c.unread) for c in card.criteria]
    shares = [100 * count / total for count, total in zip(counts, totals, strict=True)]
    figure.add_bar(
        y=[safe(c.criterion) for c in card.criteria],
        x=shares,
        orientation="h",
        name=safe(label),
        marker={"color": fill},
        text=[_label(share) for share in shares],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        textfont={"color": "#FFFFFF" if fill in ("#D55E00", "#009E73", UNREAD) else "#1B2321"},
        customdata=[(n, of, place, row) for row, (n, of) in enumerate(zip(counts, totals, strict=True))],
        hovertemplate=f"%{{y}}, {safe(label)}: %{{x:.1f}}%<br>%{{customdata[0]}} of %{{customdata[1]}}<extra></extra>",
    )


def _label(share: float) -> str:
    """A share in its part of a bar, where there is room; 100 says all of it.

    >>> _label(99.6), _label(100), _label(3)
    ('> 99%', '100%', '')
    """
    if share <= 8:
        return ""
    return "> 99%" if 99.5 <= share < 100 else f"{share:.0f}%"


def together_map(names: Sequence[str], matrix: Sequence[Sequence[float | None]], what: str) -> go.Figure:
    """Correlations of every two criteria or judges, shape (names, names), None where undefined; `what` names them.

    Names are cut beside the rows; columns have their numbers where there is no room for names.
    """
    fits = len(names) <= MOST_NAMED and all(len(name) <= SHORT for name in names)
    columns = names if fits else [str(i + 1) for i in range(len(names))]
    rows = [name if len(name) <= LONGEST else name[: LONGEST - 1] + "…" for name in names]
    rows = rows if fits else [f"{i + 1}  {row}" for i, row in enumerate(rows)]
    figure = go.Figure(
        go.Heatmap(
            z=matrix,
            x=[safe(column) for column in columns],
            y=[safe(row) for row in rows],
            zmin=-1,
            zmax=1,
            text=[["–" if value is None else f"{value:.2f}".replace("-", "−") for value in row] for row in matrix],
            texttemplate="%{text}",
            textfont={"color": "#16212B"},
            colorscale=TOGETHER,
            showscale=False,
            hoverongaps=False,
            hovertemplate=f"%{{y}} and %{{x}}: {what} %{{z:.2f}}<extra></extra>",
        )
    )
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    return styled(figure, 90 + 40 * len(names))


def score_by_length(bins: Sequence[LengthBin], score: str) -> go.Figure:
    """Mean score of explanations of about one length above that of their question and variant, with its interval; the
    length axis is logarithmic."""
    means = [one.score for one in bins]
    figure = go.Figure(
        go.Scatter(
            x=[one.tokens for one in bins],
            y=[mean.value for mean in means],
            error_y=whiskers(means) | {"color": WHISKERS},
            mode="markers+lines",
            line={"color": BLUE, "width": 1, "dash": "dot"},
            marker={"size": 9, "color": BLUE},
            customdata=[
                (one.low, one.high, one.explanations, mean.low, mean.high, mean.n)
                for one, mean in zip(bins, means, strict=True)
            ],
            hovertemplate="%{customdata[0]:.0f} to %{customdata[1]:.0f} tokens: %{y:+.2f} points"
            "<br>95% %{customdata[3]:.2f} … %{customdata[4]:.2f}<br>%{customdata[2]} explanations of "
            "%{customdata[5]} questions<extra></extra>",
        )
    )
    figure.update_xaxes(title="tokens (middle of the bin)", type="log", zeroline=False)
    figure.update_xaxes(tickvals=[one.tokens for one in bins], ticktext=[f"{one.tokens:.0f}" for one in bins])
    figure.update_yaxes(title=f"points above the question's mean ({safe(score)})", zeroline=True)
    return styled(figure, 300, showlegend=False)
