"""The figures of a card with a plain sentence each; an undefined one says why."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.analysis.agreement import Auc
from core.analysis.duels import DuelFigures
from core.judge_card.records import Figure, Peer, Unit
from core.statistics.estimates import Estimate
from core.statistics.words import with_n

NO_DUELS = Estimate.undefined(
    0, "this judge has compared no two of these variants in both orders (run kind head_to_head)"
)


@dataclass(frozen=True)
class Said:
    """Everything that the sentences are made of."""

    asked: int
    unjudged: int
    unjudged_share: Estimate
    auc: Auc
    slope: Estimate
    length: Estimate
    same: Estimate
    entropy: Estimate
    correlation: Estimate
    component: Estimate
    self_agreement: Estimate
    observed: bool
    duels: DuelFigures | None
    peers: Sequence[Peer]
    people: Estimate
    order: Estimate
    ratings: int


def figures_of(said: Said) -> dict[str, Figure]:
    """Name → figure, in the order of the card."""
    figures = [
        *_reading(said),
        *_length(said),
        *_spread(said),
        *_criteria(said),
        _itself(said),
        *_places(said),
        _peers(said.peers),
        *_people(said),
    ]
    return {figure.name: figure for figure in figures}


def _figure(name: str, title: str, estimate: Estimate, unit: Unit, says: str) -> Figure:
    """`says` has a place for the figure with its interval and n: {figure}."""
    if estimate.value is None:
        return Figure(name, title, estimate, unit, f"{title}: {estimate.note}.")
    return Figure(name, title, estimate, unit, says.format(figure=with_n(estimate, unit)))


def _reading(said: Said) -> list[Figure]:
    auc = said.auc
    counts = (
        f"{auc.right:,} right and {auc.wrong:,} wrong explanations; {auc.left_out:,} questions without both say nothing"
    )
    return [
        _figure(
            "auc",
            "AUC, right against wrong",
            auc.estimate,
            "coefficient",
            "A right explanation scores above a wrong one of the same question and variant with probability {figure}; "
            f"0.5 is chance. Compared are {counts}.",
        ),
        _figure(
            "unjudged",
            "Without a score",
            said.unjudged_share,
            "share",
            f"{said.unjudged:,} of {said.asked:,} explanations it was asked about have no score: {{figure}}.",
        ),
    ]


def _length(said: Said) -> list[Figure]:
    return [
        _figure(
            "length_slope",
            "Score for e times the tokens",
            said.slope,
            "coefficient",
            "Of two explanations of a question by a variant one e ≈ 2.7 times as long scores {figure} higher.",
        ),
        _figure(
            "length_correlation",
            "Length and score, correlation",
            said.length,
            "coefficient",
            "Score and log length within questions and variants correlate by {figure}: its square is the share of "
            "variance that is length.",
        ),
    ]


def _spread(said: Said) -> list[Figure]:
    return [
        _figure(
            "same_verdict",
            "Most frequent verdict",
            said.same,
            "share",
            "On a criterion it says the same thing in {figure} of its verdicts, averaged over the criteria.",
        ),
        _figure(
            "entropy",
            "Entropy of verdicts",
            said.entropy,
            "coefficient",
            "Its verdicts have {figure} of the entropy of equally frequent ones: 0 is always the same verdict.",
        ),
    ]


def _criteria(said: Said) -> list[Figure]:
    return [
        _figure(
            "criterion_correlation",
            "Criteria, mean correlation",
            said.correlation,
            "coefficient",
            "Within a question and variant two criteria correlate by {figure} on average: near 1 they are one figure "
            "several times.",
        ),
        _figure(
            "first_component",
            "Criteria, first component",
            said.component,
            "share",
            "One component holds {figure} of what the criteria vary.",
        ),
    ]


def _itself(said: Said) -> Figure:
    how = "asked again it gives" if said.observed else "two draws from its probabilities give"
    says = f"On one criterion of one explanation {how} the same verdict in {{figure}}."
    return _figure("self_agreement", "Agreement with itself", said.self_agreement, "share", says)


def _places(said: Said) -> list[Figure]:
    duels = said.duels
    flips, first = (duels.flip_rate, duels.first_preferred) if duels else (NO_DUELS, NO_DUELS)
    asked = duels.judged - duels.by_rule if duels else 0
    return [
        _figure(
            "flips",
            "Order flips",
            flips,
            "share",
            f"Of {asked:,} comparisons in both orders {{figure}} flip with the order, averaged over questions.",
        ),
        _figure(
            "first_place",
            "First place preferred",
            first,
            "share",
            "The first of two explanations is preferred in {figure}; one half is no preference.",
        ),
    ]


def _peers(peers: Sequence[Peer]) -> Figure:
    """Agreement with the other judge that is most like it."""
    known = [peer for peer in peers if peer.correlation.value is not None]
    title = "Agreement with another judge"
    if not known:
        because = "no other judge of its kind has scored these samples" if not peers else peers[0].correlation.note
        estimate = Estimate.undefined(0, because.removeprefix("undefined, because "))
        return _figure("other_judges", title, estimate, "coefficient", "")
    nearest = max(known, key=lambda peer: peer.correlation.value)
    others = "the other judge" if len(known) == 1 else f"the most alike of {len(known)} other judges"
    return _figure(
        "other_judges",
        title,
        nearest.correlation,
        "coefficient",
        f"Within a question and variant its scores and those of {others} correlate in rank by {{figure}}, "
        f"{nearest.explanations:,} explanations.",
    )


def _people(said: Said) -> list[Figure]:
    agrees = f"Quadratic κ of its verdicts with {said.ratings:,} ratings by people is {{figure}}."
    orders = (
        "Of two explanations of a question and variant that a person rated differently, it prefers the same one with "
        "probability {figure}; 0.5 is chance."
    )
    return [
        _figure("people", "Agreement with people", said.people, "coefficient", agrees),
        _figure("people_order", "People's order within a question", said.order, "share", orders),
    ]
