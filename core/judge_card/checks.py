"""The checks of a card: a figure's whole interval against what is allowed (`JudgeCardSettings`).

A check passes where the whole interval is allowed, fails where none of it is, and is unknown in between or where the
figure is undefined: few questions prove nothing, neither way.  The AUC alone has a rule of its own, since a judge
has to show that it measures something.  Hard checks take back what scores say; the others warn.
docs/judge-card.md has the reasons.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.judge_card.records import Check, CheckVerdict, Figure
from core.settings import JudgeCardSettings
from core.statistics.estimates import Estimate

EVERYTHING = float("inf")


@dataclass(frozen=True)
class _Rule:
    """What a figure must hold."""

    figure: str
    title: str
    hard: bool
    allowed: tuple[float, float]
    rule: str
    remedy: str
    least: int = 0
    """Questions below which nothing is said."""


def checks_of(figures: Mapping[str, Figure], settings: JudgeCardSettings, observed: bool) -> list[Check]:
    """Every check, hard ones first; observed: self-agreement was counted on repeats, not expected."""
    estimates = {name: figure.estimate for name, figure in figures.items()}
    rules = (*_hard_rules(settings), *_soft_rules(settings, observed))
    others = [_check(rule, estimates[rule.figure]) for rule in rules]
    return [_auc_check(estimates["auc"], settings.useful_auc), *others]


def verdict_of(estimate: Estimate, allowed: tuple[float, float]) -> CheckVerdict:
    """Where the whole interval lies.

    >>> [verdict_of(Estimate(0.5, low, 0.6, 50), (0, 0.55)) for low in (0.4, 0.56)]
    ['unknown', 'fail']
    """
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "unknown"
    if allowed[0] <= estimate.low and estimate.high <= allowed[1]:
        return "pass"
    return "fail" if estimate.high < allowed[0] or estimate.low > allowed[1] else "unknown"


def _check(rule: _Rule, estimate: Estimate) -> Check:
    verdict = verdict_of(estimate, rule.allowed) if estimate.n >= rule.least else "unknown"
    return Check(rule.figure, rule.title, verdict, rule.hard, rule.rule, rule.remedy)


def _auc_check(auc: Estimate, useful: float) -> Check:
    """Pass: above 0.5.  Fail: below 0.5, or not above it and surely below `useful`.  Else unknown."""
    verdict, title = "unknown", "AUC at chance"
    if auc.value is not None and auc.low > 0.5:
        verdict = "pass"
    elif auc.value is not None and auc.high < useful:
        verdict, title = "fail", "AUC below chance" if auc.high < 0.5 else "AUC at chance"
    rule = "above 0.5"
    remedy = (
        "Name a stronger judge: `judge` under `[models]` in the pipeline file, or let another one read the same "
        "samples (page Judges, at its end). Reverse nothing by hand: a judge that prefers wrong explanations reads "
        "the rubric wrongly."
    )
    return Check("auc", title, verdict, True, rule, remedy)


def _hard_rules(s: JudgeCardSettings) -> list[_Rule]:
    return [
        _Rule(
            "unjudged",
            "replies unreadable",
            True,
            (0, s.max_unjudged),
            f"at most {s.max_unjudged:.0%}",
            "Read some raw replies on the Explanations page; raise max_new_tokens, use mode probabilities, or another "
            "model. What is left is no random choice of explanations.",
        ),
        _Rule(
            "length_correlation",
            "score follows length",
            True,
            (-s.max_length_correlation, s.max_length_correlation),
            f"between ±{s.max_length_correlation:g}",
            "Compare at equal length (Compare page) and by another judge: half of the score's variance is length.",
        ),
        _Rule(
            "people",
            "people disagree",
            True,
            (s.min_people_kappa, EVERYTHING),
            f"at least {s.min_people_kappa:g}",
            "Read where they differ, change the rubric's wording or the judge; people are what a judge stands for.",
            least=s.min_people_questions,
        ),
        _Rule(
            "people_order",
            "orders explanations unlike people",
            True,
            (0.5, EVERYTHING),
            "above 0.5",
            "Read where they differ: within a question it prefers what people like less, whatever it makes of hard "
            "questions and of variants.",
            least=s.min_people_questions,
        ),
    ]


def _soft_rules(s: JudgeCardSettings, observed: bool) -> list[_Rule]:
    place = s.max_place_preference
    return [
        _Rule(
            "same_verdict",
            "one verdict nearly always",
            False,
            (0, s.max_same_verdict),
            f"at most {s.max_same_verdict:.0%}",
            "Use the score `expected`, which sees differences below a whole verdict, or a rubric with harder verdicts.",
        ),
        _Rule(
            "criterion_correlation",
            "criteria not distinguished",
            False,
            (-EVERYTHING, s.max_criterion_correlation),
            f"at most {s.max_criterion_correlation:g}",
            "Read the total alone: results by criterion repeat one figure. Ask on one criterion a run, or in writing.",
        ),
        _Rule(
            "self_agreement",
            "disagrees with itself" if observed else "undecided between verdicts",
            False,
            (s.min_self_agreement, EVERYTHING),
            f"at least {s.min_self_agreement:.0%}",
            "Lower the temperature or average repeats; by probabilities, use the score `expected`. Its noise widens "
            "every interval, and favours no variant.",
        ),
        _Rule(
            "flips",
            "verdict flips with the order",
            False,
            (0, s.max_flips),
            f"at most {s.max_flips:.0%}",
            "Do not use its head-to-head results: most pairs tie by the place. Scores are given one by one.",
        ),
        _Rule(
            "first_place",
            "prefers a place",
            False,
            (0.5 - place, 0.5 + place),
            f"{0.5 - place:.0%} to {0.5 + place:.0%}",
            "Ask in both orders, as the lab does, and do not use this judge in one order anywhere.",
        ),
        _Rule(
            "other_judges",
            "no other judge agrees",
            False,
            (s.min_judge_correlation, EVERYTHING),
            f"at least {s.min_judge_correlation:g}",
            "One of the judges measures something else: see which of them agrees with people and has the better AUC.",
        ),
    ]
