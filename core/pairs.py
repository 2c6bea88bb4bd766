"""Preference pairs: which of a question's explanations DPO should prefer.

`anchor` has a rule per category (paper, Algorithm 1), `rank` looks at the judge's score alone.  The
rules are pure functions of candidates; `run_pairs` reads the runs they come from.  Nothing is
guessed: a question that gives no pair is dropped with a reason, and counted.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.categories import categorise, predicted
from core.datasets import load_items
from core.prompts import load_prompt, option_text
from core.records import Category, Dropped, Explanation, Item, Judgement, Pair, Side
from core.runs import RunFolder
from core.seeds import seed_of
from core.settings import PairSettings, SampleSettings
from core.work import Work

REASONS = {
    "best_over_worst": "Always right: best explanation over the lowest.",
    "best_over_lower": "Always right: best explanation over any below it.",
    "right_over_wrong": "Wavering: best right explanation over the lowest wrong one.",
    "debater_over_own": "Always wrong: the debater's best explanation over the variant's own lowest.",
    "best_over_random": "Rank: best explanation over a random other.",
}
"""Reason code of a pair → the rule in words."""

DROPPED = {
    "no_gold": "The question has no gold label.",
    "uncategorised": "Fewer responses than N.",
    "unjudged": "Too few of its explanations have a score.",
    "equal_scores": "Chosen and rejected score the same: nothing to prefer.",
    "equal_texts": "Chosen and rejected are the same text: nothing to learn.",
    "no_debate": "No debater response ends in the right answer.",
}
"""Reason code of a dropped question → what it means."""


@dataclass(frozen=True)
class Question:
    """One question with everything a rule may look at; responses without a score are left out."""

    item_id: str
    category: Category | None
    own: list[Side]
    debates: list[Side]
    """The debater's responses that end in the right answer."""


class NoPair(Exception):
    """Why a question gives no pair: a code of `DROPPED`."""


Choice = tuple[Side, Side, str]
"""Chosen, rejected, reason code."""


def anchor_choice(question: Question, settings: PairSettings, rng: random.Random) -> Choice:
    """The rule of the question's category (paper, Algorithm 1)."""
    right = [side for side in question.own if side.correct]
    wrong = [side for side in question.own if not side.correct]
    match question.category:
        case "consistently_correct" if settings.rejected == "below_max":
            best = _highest(right, rng)
            lower = [side for side in right if not _same_score(side, best)]
            return best, rng.choice(_some(lower, "equal_scores")), "best_over_lower"
        case "consistently_correct":
            return _highest(right, rng), _lowest(right, rng), "best_over_worst"
        case "variable":
            return _highest(right, rng), _lowest(wrong, rng), "right_over_wrong"
        case "consistently_incorrect":
            own = _lowest(wrong, rng)
            return _highest(_some(question.debates, "no_debate"), rng), own, "debater_over_own"
    raise NoPair("uncategorised")


def rank_choice(question: Question, settings: PairSettings, rng: random.Random) -> Choice:
    """Highest score over a random other one, blind to correctness (the paper's baseline)."""
    best = _highest(question.own, rng)
    others = [side for side in question.own if side is not best]
    return best, rng.choice(_some(others, "unjudged")), "best_over_random"


RULES = {"anchor": anchor_choice, "rank": rank_choice}


def choose_pair(question: Question, settings: PairSettings) -> Choice:
    """The pair that the strategy picks; raises NoPair.

    Refused are pairs with nothing to prefer: equal scores and equal correctness (for `rank`, which
    ignores correctness: equal scores), or the same text twice.
    """
    if question.category is None:
        raise NoPair("uncategorised")
    rng = random.Random(seed_of("pairs", settings.strategy, settings.seed, question.item_id))
    chosen, rejected, reason = RULES[settings.strategy](question, settings, rng)
    blind = settings.strategy == "rank"
    if _same_score(chosen, rejected) and (blind or chosen.correct == rejected.correct):
        raise NoPair("equal_scores")
    if chosen.text == rejected.text:
        raise NoPair("equal_texts")
    return chosen, rejected, reason


def anchor_lambda(pairs: Sequence[Pair]) -> float | None:
    """λ: the share of pairs from wavering or always-wrong questions (published); None for no pairs."""
    if not pairs:
        return None
    return sum(pair.category != "consistently_correct" for pair in pairs) / len(pairs)


def _highest(sides: Sequence[Side], rng: random.Random) -> Side:
    top = max(side.score for side in _some(sides, "unjudged"))
    return rng.choice([side for side in sides if side.score == top])


def _lowest(sides: Sequence[Side], rng: random.Random) -> Side:
    low = min(side.score for side in _some(sides, "unjudged"))
    return rng.choice([side for side in sides if side.score == low])


def _same_score(a: Side, b: Side) -> bool:
    return abs(a.score - b.score) < 1e-9


def _some(sides: Sequence[Side], reason: str) -> Sequence[Side]:
    if not sides:
        raise NoPair(reason)
    return sides


# --- the run


@dataclass(frozen=True)
class Judged:
    """A sample run with its judge's scores."""

    run: RunFolder
    explanations: list[Explanation]
    scores: Mapping[tuple[str, int], float]


def run_pairs(work: Work) -> None:
    """Build the pairs of a strategy.  Parents: dataset, samples, judgements; for `anchor` also
    debates and debate_judgements."""
    settings = PairSettings.model_validate(work.config.settings)
    items = {item.id: item for item in load_items(work.parent("dataset"))}
    own = _judged(work, "samples", "judgements", settings)
    debates = _judged(work, "debates", "debate_judgements", settings) if settings.strategy == "anchor" else None
    pairs, dropped = build_pairs(items, own, debates, settings)
    work.append("pairs", pairs)
    work.append("dropped", dropped)
    work.summary |= {
        "pairs": len(pairs),
        "dropped": dict(Counter(row.reason for row in dropped)),
        "unjudged_responses": len(own.explanations) - len(own.scores),
        "debates_discarded": _discarded(items, debates),
        "lambda": anchor_lambda(pairs),
    }


def build_pairs(
    items: Mapping[str, Item], own: Judged, debates: Judged | None, settings: PairSettings
) -> tuple[list[Pair], list[Dropped]]:
    """Pairs and dropped questions, in the order the questions were sampled."""
    pairs, dropped = [], []
    debated = _by_item(debates.explanations) if debates else {}
    for item_id, responses in _by_item(own.explanations).items():
        item = items[item_id]
        question = _question(item, responses, own, debated.get(item_id, []), debates, settings)
        try:
            if item.gold is None:
                raise NoPair("no_gold")
            chosen, rejected, reason = choose_pair(question, settings)
        except NoPair as why:
            dropped.append(Dropped(item_id=item_id, category=question.category, reason=str(why)))
        else:
            pairs.append(_pair(item, question.category, chosen, rejected, reason, settings))
    return pairs, dropped


def _question(
    item: Item,
    responses: Sequence[Explanation],
    own: Judged,
    debated: Sequence[Explanation],
    debates: Judged | None,
    settings: PairSettings,
) -> Question:
    wanted = SampleSettings.model_validate(own.run.config.settings).n
    hits = sum(predicted(row, settings.right_by) == item.gold for row in responses)
    return Question(
        item_id=item.id,
        category=categorise(hits, len(responses), wanted) if item.gold is not None else None,
        own=_sides(own, responses, item, settings),
        debates=_sides(debates, _ending_in_gold(debated, item), item, settings) if debates else [],
    )


def _sides(judged: Judged, responses: Iterable[Explanation], item: Item, settings: PairSettings) -> list[Side]:
    return [
        Side(
            run=judged.run.id,
            sample=row.sample,
            text=row.response,
            score=judged.scores[row.item_id, row.sample],
            prediction=predicted(row, settings.right_by),
            correct=predicted(row, settings.right_by) == item.gold,
        )
        for row in responses
        if (row.item_id, row.sample) in judged.scores
    ]


def _pair(item: Item, category: Category, chosen: Side, rejected: Side, reason: str, settings: PairSettings) -> Pair:
    sides = {"chosen": chosen, "rejected": rejected}
    if settings.answer_line == "append":
        sides = {half: _with_answer_line(side, item) for half, side in sides.items()}
    added = sides != {"chosen": chosen, "rejected": rejected}
    return Pair(item_id=item.id, category=category, reason=reason, answer_line_added=added, **sides)


def _with_answer_line(side: Side, item: Item) -> Side:
    cue = load_prompt("explain").cue
    if side.prediction is None or cue in side.text:
        return side
    answer = option_text(item, side.prediction)
    return side.model_copy(update={"text": f"{side.text.rstrip()}\n{cue} {answer}".lstrip()})


def _judged(work: Work, samples: str, judgements: str, settings: PairSettings) -> Judged:
    run, judge = work.parent(samples), work.parent(judgements)
    scores = {
        (row.item_id, row.sample): float(score)
        for row in judge.read("judgements", Judgement)
        if (score := row.expected if settings.score == "expected" else row.total) is not None
    }
    return Judged(run, run.read("explanations", Explanation), scores)


def _ending_in_gold(debated: Iterable[Explanation], item: Item) -> list[Explanation]:
    return [row for row in debated if row.parsed is not None and row.parsed == item.gold]


def _discarded(items: Mapping[str, Item], debates: Judged | None) -> int:
    if debates is None:
        return 0
    return sum(not _ending_in_gold([row], items[row.item_id]) for row in debates.explanations)


def _by_item(explanations: Iterable[Explanation]) -> dict[str, list[Explanation]]:
    grouped: dict[str, list[Explanation]] = {}
    for row in explanations:
        grouped.setdefault(row.item_id, []).append(row)
    return grouped
