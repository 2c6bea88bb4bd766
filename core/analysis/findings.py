"""What may be said of two variants: one verdict from quality, accuracy and the judge that scored them.

A verdict needs all three.  `better`: the explanations win (95% interval of Δ(W−L) above 0 and p < 0.05 after
Holm's correction over all pairs of variants) and accuracy is kept up to the margin.  `worse`: they lose in the
same sense, or accuracy is lost.  `judge unreliable here`: the judge fails its card, so that no win rate says
anything of quality; the checks that failed are named.  Everything else is `not shown`, which is no proof of equality.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.analysis.comparison import WinRate
from core.settings import CompareSettings
from core.statistics.power import detectable, questions_needed

Verdict = Literal["better", "worse", "not shown", "judge unreliable here"]

ALPHA = 0.05


@dataclass(frozen=True)
class Finding:
    """What the evidence lets one say of A against B."""

    a: str
    b: str
    verdict: Verdict
    sentence: str
    detectable: float | None
    """Smallest true Δ(W−L) that so many questions would show, in points (80% power)."""
    needed: int | None
    """Questions for Δ(W−L) ± 5 points."""


PLANNED = 5.0
"""Half width, in points, that `Finding.needed` plans for."""


def finding(rate: WinRate, settings: CompareSettings, doubts: Sequence[str]) -> Finding:
    """The verdict on one pair of variants; doubts: why the judge fails its card, none where it passes."""
    quality, accuracy = quality_of(rate), rate.accuracy_kept(settings.accuracy_margin)
    verdict = _verdict(quality, accuracy, doubts)
    return Finding(
        a=rate.a,
        b=rate.b,
        verdict=verdict,
        sentence=_sentence(rate, settings, _named(verdict, doubts), quality, accuracy),
        detectable=detectable(rate.delta),
        needed=questions_needed(rate.delta, PLANNED),
    )


def quality_of(rate: WinRate) -> Literal["better", "worse", "not shown"]:
    """Whether A's explanations score above B's, by interval and corrected test together."""
    delta = rate.delta
    if delta.value is None or not delta.excludes_zero or rate.p_holm is None or rate.p_holm >= ALPHA:
        return "not shown"
    return "better" if delta.value > 0 else "worse"


def _verdict(quality: str, accuracy: str, doubts: Sequence[str]) -> Verdict:
    if doubts:
        return "judge unreliable here"
    if quality == "worse" or accuracy == "lost":
        return "worse"
    return "better" if (quality, accuracy) == ("better", "kept") else "not shown"


def _named(verdict: Verdict, doubts: Sequence[str]) -> str:
    return f"{verdict} ({', '.join(doubts)})" if doubts else verdict


def _sentence(rate: WinRate, settings: CompareSettings, verdict: str, quality: str, accuracy: str) -> str:
    about = f"{rate.a} against {rate.b}"
    if rate.delta.value is None:
        return f"{about}: no question where both have a score."
    margin = 100 * settings.accuracy_margin
    says = {
        "kept": f"accuracy kept within {margin:g} points",
        "lost": f"accuracy lost by more than {margin:g} points",
        "not shown": f"accuracy kept within {margin:g} points is not shown",
    }[accuracy]
    explains = {"better": "explanations win", "worse": "explanations lose", "not shown": "no difference shown"}[quality]
    interval = f"95% {_points(rate.delta.low)} … {_points(rate.delta.high)}"
    return (
        f"{about}: {verdict}. Δ(W−L) {_points(rate.delta.value)} points ({interval}, n = {rate.n} questions, "
        f"{p_words(rate.p_holm)}): {explains}; {says}{_accuracy(rate)}."
    )


def _accuracy(rate: WinRate) -> str:
    difference = rate.accuracy
    if difference.value is None:
        return " (no gold)"
    low, high = _points(difference.low), _points(difference.high)
    return f" ({_points(difference.value)}, 95% {low} … {high})"


def p_words(p: float | None) -> str:
    """A p value for people.

    >>> p_words(0.0001), p_words(0.0321), p_words(None)
    ('p < 0.001', 'p = 0.032', 'p unknown')
    """
    if p is None:
        return "p unknown"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _points(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
