"""What may be said of two variants: one verdict from quality, accuracy and the judge that scored them.

A verdict needs all three.  `better`: the explanations win (95% interval of Δ(W−L) above 0 and p < 0.05 after
Holm's correction over all pairs of variants) and accuracy is kept up to the margin.  `worse`: they lose in the
same sense, or accuracy is lost.  `judge unreliable here`: the judge fails its card, so that no win rate says
anything of quality; the checks that failed are named.  Everything else is `not shown`, which is no proof of equality.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.analysis.comparison import VariantResult, WinRate
from core.settings import CompareSettings
from core.statistics.estimates import Estimate
from core.statistics.power import detectable, questions_needed
from core.statistics.words import ends, number

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


EXPLAINS = {
    "judge": {"better": "explanations win", "worse": "explanations lose", "not shown": "no difference shown"},
    "reader": {
        "better": "explanations lead to the label more often",
        "worse": "explanations lead to the label less often",
        "not shown": "no difference shown",
    },
}
"""What a win is of: of a judge's score, or of a reader's, which is no judgement of quality."""


def finding(rate: WinRate, settings: CompareSettings, doubts: Sequence[str]) -> Finding:
    """The verdict on one pair of variants; doubts: why the judge fails its card, none where it passes."""
    verdict = _verdict(quality_of(rate), rate.accuracy_kept(settings.accuracy_margin), doubts)
    return Finding(
        a=rate.a,
        b=rate.b,
        verdict=verdict,
        sentence=_sentence(rate, verdict, doubts, settings),
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


def _sentence(rate: WinRate, verdict: Verdict, doubts: Sequence[str], settings: CompareSettings) -> str:
    about = f"{rate.a} against {rate.b}"
    if rate.delta.value is None:
        return f"{about}: no question where both have a score."
    delta = f"{number(rate.delta.value, 'points')} points ({ends(rate.delta, 'points')}, n = {rate.n} questions"
    shown = f"Δ(W−L) {delta}, {p_words(rate.p_holm)})"
    accuracy = _accuracy(rate, settings)
    if doubts:
        return f"{about}: {verdict} ({', '.join(doubts)}): its win rate says nothing of quality. {shown}. {accuracy}."
    explains = EXPLAINS["reader" if settings.score == "log_probability" else "judge"]
    return f"{about}: {verdict}. {shown}: {explains[quality_of(rate)]}. {accuracy}."


def _accuracy(rate: WinRate, settings: CompareSettings) -> str:
    """What became of the accuracy."""
    difference, points = rate.accuracy, f"{100 * settings.accuracy_margin:g} points"
    if difference.value is None:
        return "Whether its answers are right is unknown (no gold)"
    words = {
        "kept": f"no loss of more than {points}",
        "lost": f"a loss of more than {points}",
        "not shown": f"a loss of more than {points} is not excluded",
    }
    says = "higher" if difference.low > 0 else words[rate.accuracy_kept(settings.accuracy_margin)]
    measured = f"{number(difference.value, 'points')} points ({ends(difference, 'points')})"
    return f"Accuracy of its {settings.right_by} answers {measured}: {says}"


def turned_accuracy(a: VariantResult, b: VariantResult) -> str | None:
    """A sentence where the two predictions disagree on which variant is right more often; None where they agree."""
    differences = [_points(a.accuracy_forced, b.accuracy_forced), _points(a.accuracy_parsed, b.accuracy_parsed)]
    if None in differences or differences[0] * differences[1] >= 0:
        return None
    forced, parsed = (number(difference, "points") for difference in differences)
    unparsed = " and ".join(f"{number(one.unparsed.value, 'share')} of {one.label}" for one in (a, b))
    return (
        f"Which of the two is right more often depends on the prediction that counts: {a.label} less {b.label} is "
        f"{forced} points by forced answers and {parsed} by parsed ones, where a response without a readable answer is "
        f"wrong ({unparsed})."
    )


def _points(a: Estimate, b: Estimate) -> float | None:
    return None if a.value is None or b.value is None else 100 * (a.value - b.value)


def p_words(p: float | None) -> str:
    """A p value for people.

    >>> p_words(0.0001), p_words(0.0321), p_words(None)
    ('p < 0.001', 'p = 0.032', 'p unknown')
    """
    if p is None:
        return "p unknown"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
