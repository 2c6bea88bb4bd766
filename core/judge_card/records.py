"""What a judge card holds: figures, checks, and what they come to.  Plain data, no computing of figures.

A figure's estimate is undefined, never 0, where there is nothing to go by; its note says why.
"""

from dataclasses import dataclass
from typing import Literal

from core.statistics.estimates import Estimate

Unit = Literal["share", "coefficient"]
CheckVerdict = Literal["pass", "fail", "unknown"]


@dataclass(frozen=True)
class Figure:
    """One number of a judge; n of the estimate counts questions."""

    name: str
    """Key, as `auc`."""
    title: str
    """What it is called on pages."""
    estimate: Estimate
    unit: Unit
    sentence: str
    """The figure in plain words, with its n and interval; or why it is undefined."""


@dataclass(frozen=True)
class Check:
    """Whether a figure is where it must be: by its whole interval, not by its value."""

    figure: str
    """Name of the figure."""
    title: str
    """What is wrong, in a few words, where it fails."""
    verdict: CheckVerdict
    """pass: the whole interval is allowed; fail: none of it is; unknown: not enough evidence."""
    hard: bool
    """Whether failing makes the scores of this judge unreliable; else it is a warning."""
    rule: str
    """What is allowed."""
    remedy: str
    """What to do about it."""


@dataclass(frozen=True)
class OnCriterion:
    """What the judge did on one criterion."""

    criterion: str
    counts: list[int]
    """How often it gave each verdict, in the order of `JudgeCard.labels`; verdicts by rule are left out."""
    unread: int
    """Verdicts that could not be read."""
    most: str | None
    """Its most frequent verdict; None without any."""
    same_verdict: Estimate
    """Share of that verdict."""
    entropy: Estimate
    """Entropy of its verdicts over that of equally frequent ones: 0 always the same, 1 all alike."""
    self_agreement: Estimate
    """Chance that it gives the same verdict when asked again."""
    people: Estimate
    """Quadratic κ with the verdicts of people."""
    ratings: int
    """Ratings by people behind it."""


@dataclass(frozen=True)
class Peer:
    """Another judge of the same explanations."""

    key: str
    """Identity of that judge (`core.method.repeats.judge_identity`)."""
    name: str
    """Its model."""
    mode: str
    explanations: int
    """Explanations that both scored."""
    correlation: Estimate
    """Spearman's ρ of the two judges' scores."""


@dataclass(frozen=True)
class JudgeCard:
    """One judge as it worked in one evaluation."""

    key: str
    """Identity of the judge: weights, mode, rubric and prompt."""
    name: str
    """Its model."""
    mode: str
    rubric: str
    runs: list[str]
    """Judge runs that the card is about."""
    duels: list[str]
    """Head-to-head runs between these samples by the same weights, mode and rubric."""
    asked: int
    """Explanations the judge was asked about."""
    unparsed: int
    """Replies of its own that could not be read."""
    unjudged: int
    """Explanations it was asked about that have no score, for whatever reason."""
    by_rule: int
    """Empty explanations that got the worst verdicts without asking it; no figure counts them."""
    self_observed: bool
    """Self-consistency was counted on repeats; False: it is expected from probabilities."""
    labels: list[str]
    """Verdicts of the rubric, worst first."""
    criteria: list[OnCriterion]
    correlations: list[list[float | None]]
    """Correlation of every two criteria; None where one never varies."""
    figures: list[Figure]
    checks: list[Check]
    peers: list[Peer]
    left_out: int
    """Ratings by people whose label is none of the rubric's verdicts."""
    smaller: str | None = None
    """A sentence where the judge has fewer parameters than what it judges."""

    def figure(self, name: str) -> Figure:
        """The figure of this name."""
        return next(figure for figure in self.figures if figure.name == name)

    def check(self, figure: str) -> Check:
        """The check of the figure of this name."""
        return next(check for check in self.checks if check.figure == figure)

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if check.verdict == "fail"]

    @property
    def doubts(self) -> list[str]:
        """Why the scores of this judge are unreliable, in a few words each; empty where they can be used.

        A hard check fails, or nothing shows that the judge sees anything within a question and variant: neither its
        AUC nor the order in which people put explanations.
        """
        hard = [check.title for check in self.failed if check.hard]
        proven = "pass" in (self.check("auc").verdict, self.check("people_order").verdict)
        return hard or ([] if proven else [UNPROVEN])

    @property
    def duel_doubts(self) -> list[str]:
        """Why its head-to-head results are unreliable: what takes back its scores, and verdicts that flip."""
        flips = self.check("flips")
        return self.doubts + ([flips.title] if flips.verdict == "fail" else [])

    @property
    def reliable(self) -> bool:
        """Whether anything may be said by its scores."""
        return not self.doubts

    @property
    def advice(self) -> str:
        """What to do with rankings by this judge's scores; empty where they can be used."""
        if self.reliable:
            return ""
        if self.doubts == [UNPROVEN]:
            return (
                "Nothing shows yet that rankings by its score mean anything: judge more explanations, or let people "
                "rate several of one question."
            )
        return "Do not believe rankings by its score."

    @property
    def line(self) -> str:
        """The card in a line; holds no text of a model or a person."""
        counts = {v: sum(check.verdict == v for check in self.checks) for v in ("fail", "unknown")}
        said = [check.title for check in sorted(self.failed, key=lambda check: not check.hard)]
        beside = [doubt for doubt in self.doubts if doubt not in said]
        known = f"{counts['fail']} of {len(self.checks)} checks fail" if counts["fail"] else "no check fails"
        unknown = f" ({counts['unknown']} unknown)" if counts["unknown"] else ""
        titles = f": {', '.join(said)}" if said else ""
        line = f"Judge card: {known}{unknown}{titles}{'; '.join(['', *beside])}."
        return f"{line} {self.smaller}" if self.smaller else line


UNPROVEN = "AUC cannot be distinguished from chance"
"""The doubt where no check fails and none shows that the judge can be believed."""
