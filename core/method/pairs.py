"""Preference pairs: which of a question's explanations DPO should prefer.

`anchor` has a rule per category (paper, Algorithm 1), `rank` looks at the judge's score alone, the others
are ablations.  The rules are pure functions of candidates; `run_pairs` reads the runs they come from.
Nothing is guessed: a question that gives no pair is dropped with a reason, and counted.

    own = read_judged(samples, judgements, settings.score)
    pairs, dropped = build_pairs(items, own, debates, settings)     # the same rows that a pairs run writes

Not covered: two pair sets side by side (`core.analysis.pair_difference`), what to look at before training on one
(`core.analysis.pair_lint`).
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from core.data.datasets import load_items
from core.method.categories import categorise, predicted
from core.method.pair_draw import anchor_lambda, drawn_pairs
from core.prompts import load_prompt, option_text
from core.records import CATEGORIES, Category, Dropped, Explanation, Item, Judgement, Pair, RightBy, Side
from core.runs.folders import RunFolder
from core.runs.work import Work
from core.seeds import seeds_of
from core.settings import PairSettings, SampleSettings

REASONS = {
    "best_over_worst": "Always right: best explanation over the lowest.",
    "best_over_lower": "Always right: best explanation over any below it.",
    "right_over_wrong": "Wavering: best right explanation over the lowest wrong one.",
    "debater_over_own": "Always wrong: the debater's best over the variant's own lowest.",
    "best_over_random": "Rank: best explanation over a random other.",
    "random_right_over_wrong": "Correctness: a random right explanation over a random wrong one.",
    "teacher_over_own": "Teacher: a stronger model's best right explanation over the variant's own lowest.",
}
"""Reason code of a pair → the rule in words."""

DROPPED = {
    "no_gold": "The question has no gold label.",
    "uncategorised": "Fewer responses than N.",
    "unjudged": "Too few of its explanations have a score.",
    "equal_scores": "Chosen and rejected score the same: nothing to prefer.",
    "equal_texts": "Chosen and rejected are the same text: nothing to learn.",
    "no_debate": "No debater response ends in the right answer.",
    "no_teacher": "No response of the teacher ends in the right answer.",
    "one_sided": "Its explanations are all right or all wrong: none to set against another.",
    "left_out": "The strategy makes no pair of questions of this category.",
    "below_margin": "Chosen leads by less than the margin.",
    "not_drawn": "It gives a pair, which the draw for λ or for fewer pairs left out.",
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
    taught: list[Side] = field(default_factory=list)
    """The teacher's responses that end in the right answer."""


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


def correctness_choice(question: Question, settings: PairSettings, rng: random.Random) -> Choice:
    """Any right response over any wrong one: the label alone, no categories, no debater (ablation)."""
    right = [side for side in question.own if side.correct]
    wrong = [side for side in question.own if not side.correct]
    if not question.own:
        raise NoPair("unjudged")
    return rng.choice(_some(right, "one_sided")), rng.choice(_some(wrong, "one_sided")), "random_right_over_wrong"


def without_debater(question: Question, settings: PairSettings, rng: random.Random) -> Choice:
    """`anchor` without the always-wrong questions, which need a debater (ablation)."""
    if question.category == "consistently_incorrect":
        raise NoPair("left_out")
    return anchor_choice(question, settings, rng)


def without_correct(question: Question, settings: PairSettings, rng: random.Random) -> Choice:
    """`anchor` without the always-right questions: λ is 1 (ablation)."""
    if question.category == "consistently_correct":
        raise NoPair("left_out")
    return anchor_choice(question, settings, rng)


def teacher_choice(question: Question, settings: PairSettings, rng: random.Random) -> Choice:
    """The stronger model's best right explanation over what `anchor` rejects: the upper bound (ablation)."""
    wrong = [side for side in question.own if not side.correct]
    own = _lowest(wrong or question.own, rng)
    return _highest(_some(question.taught, "no_teacher"), rng), own, "teacher_over_own"


RULES = {
    "anchor": anchor_choice,
    "rank": rank_choice,
    "correctness": correctness_choice,
    "anchor_without_debater": without_debater,
    "anchor_without_correct": without_correct,
    "teacher": teacher_choice,
}

DRAWS_OF = {"anchor_without_debater": "anchor", "anchor_without_correct": "anchor"}
"""Ablation → strategy whose random picks it shares, so that the two differ in what is left out alone."""


def rules_of(settings: PairSettings) -> dict[Category, str | None]:
    """Category → reason code of the strategy's rule for it; None where it makes no pair."""
    best = "best_over_lower" if settings.rejected == "below_max" else "best_over_worst"
    anchor = (best, "right_over_wrong", "debater_over_own")
    rules = {
        "anchor": anchor,
        "rank": ("best_over_random",) * 3,
        "correctness": (None, "random_right_over_wrong", None),
        "anchor_without_debater": (*anchor[:2], None),
        "anchor_without_correct": (None, *anchor[1:]),
        "teacher": ("teacher_over_own",) * 3,
    }
    return dict(zip(CATEGORIES, rules[settings.strategy], strict=True))


def choose_pair(question: Question, settings: PairSettings, seed: int | None = None) -> Choice:
    """The pair that the strategy picks, whatever margin, λ and maximum are; raises NoPair.

    Refused are pairs with nothing to prefer: equal scores and equal correctness (for `rank`, which
    ignores correctness: equal scores), or the same text twice.  seed: the question's, where it is at hand.
    """
    if question.category is None:
        raise NoPair("uncategorised")
    rng = random.Random(pick_seeds(settings, [question.item_id])[0] if seed is None else seed)
    chosen, rejected, reason = RULES[settings.strategy](question, settings, rng)
    if _by_score_alone(chosen, rejected, settings) and _same_score(chosen, rejected):
        raise NoPair("equal_scores")
    if chosen.text == rejected.text:
        raise NoPair("equal_texts")
    return chosen, rejected, reason


def pick_seeds(settings: PairSettings, item_ids: Iterable[str]) -> list[int]:
    """What a strategy's random picks hang on, question by question."""
    drawn_as = DRAWS_OF.get(settings.strategy, settings.strategy)
    return seeds_of(("pairs", drawn_as, settings.seed), item_ids)


def _by_score_alone(chosen: Side, rejected: Side, settings: PairSettings) -> bool:
    return settings.strategy == "rank" or chosen.correct == rejected.correct


def leads(pair: Pair, settings: PairSettings) -> bool:
    """Whether chosen leads by the margin, which is asked for where score alone decides."""
    lead = pair.chosen.score - pair.rejected.score
    return lead >= settings.margin - 1e-9 or not _by_score_alone(pair.chosen, pair.rejected, settings)


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
    """Build the pairs of a strategy.  Parents: dataset, samples, judgements; with a debater also debates and
    debate_judgements, with a teacher also teacher and teacher_judgements."""
    settings = PairSettings.stored(work.config.settings)
    items = {item.id: item for item in load_items(work.parent("dataset"))}
    own = read_judged(work.parent("samples"), work.parent("judgements"), settings.score)
    debates = teacher = None
    if settings.debated:
        debates = read_judged(work.parent("debates"), work.parent("debate_judgements"), settings.score)
    if settings.taught:
        teacher = read_judged(work.parent("teacher"), work.parent("teacher_judgements"), settings.score)
    pairs, dropped = build_pairs(items, own, debates, settings, teacher)
    work.append("pairs", pairs)
    work.append("dropped", dropped)
    work.summary |= {
        "pairs": len(pairs),
        "dropped": dict(Counter(row.reason for row in dropped)),
        "unjudged_responses": len(own.explanations) - len(own.scores),
        "debates_discarded": not_in_gold(items, debates),
        **({"teacher_discarded": not_in_gold(items, teacher)} if teacher else {}),
        "lambda": anchor_lambda(pairs),
    }


def build_pairs(
    items: Mapping[str, Item],
    own: Judged,
    debates: Judged | None,
    settings: PairSettings,
    teacher: Judged | None = None,
) -> tuple[list[Pair], list[Dropped]]:
    """Pairs and dropped questions, in the order the questions were sampled; questions not drawn come last."""
    return choose_pairs(items, questions_of(items, own, debates, settings.right_by, teacher), settings)


def questions_of(
    items: Mapping[str, Item], own: Judged, debates: Judged | None, right_by: RightBy, teacher: Judged | None = None
) -> list[Question]:
    """Every sampled question with its candidates; they depend on no other setting than what decides what is right."""
    debated, taught = (_right_by_item(judged, items, right_by) for judged in (debates, teacher))
    wanted = SampleSettings.model_validate(own.run.config.settings).n
    found = []
    for item_id, responses in _by_item(own.explanations).items():
        item = items[item_id]
        hits = sum(predicted(row, right_by) == item.gold for row in responses)
        category = categorise(hits, len(responses), wanted) if item.gold is not None else None
        others = (judged.get(item_id, []) for judged in (debated, taught))
        found.append(Question(item_id, category, _sides(own, responses, item, right_by), *others))
    return found


def _right_by_item(judged: Judged | None, items: Mapping[str, Item], right_by: RightBy) -> dict[str, list[Side]]:
    """Item → the responses of a debater or teacher that end in the right answer, as candidates."""
    if judged is None:
        return {}
    grouped = _by_item(judged.explanations)
    return {
        item: _sides(judged, _ending_in_gold(rows, items[item]), items[item], right_by)
        for item, rows in grouped.items()
    }


def choose_pairs(
    items: Mapping[str, Item], questions: Sequence[Question], settings: PairSettings
) -> tuple[list[Pair], list[Dropped]]:
    """What `build_pairs` gives, of questions at hand."""
    return narrowed(candidates(items, questions, settings), settings)


def candidates(
    items: Mapping[str, Item], questions: Sequence[Question], settings: PairSettings
) -> list[Pair | Dropped]:
    """What each question gives, the same at every margin, λ and maximum (`unnarrowed`)."""
    found: list[Pair | Dropped] = []
    for question, seed in zip(questions, pick_seeds(settings, (one.item_id for one in questions)), strict=True):
        item = items[question.item_id]
        try:
            if item.gold is None:
                raise NoPair("no_gold")
            chosen, rejected, reason = choose_pair(question, settings, seed)
        except NoPair as why:
            found.append(Dropped(item_id=item.id, category=question.category, reason=str(why)))
        else:
            found.append(_pair(item, question.category, chosen, rejected, reason, settings))
    return found


def unnarrowed(settings: PairSettings) -> PairSettings:
    """The settings without those that leave some of the candidates out: margin, λ, maximum."""
    return settings.model_copy(update={"margin": 0.0, "target_lambda": None, "max_pairs": None})


def narrowed(found: Sequence[Pair | Dropped], settings: PairSettings) -> tuple[list[Pair], list[Dropped]]:
    """The pairs that margin, λ and maximum leave of the candidates, and the questions that give none."""
    pairs, dropped = [], []
    for row in found:
        if isinstance(row, Dropped):
            dropped.append(row)
        elif leads(row, settings):
            pairs.append(row)
        else:
            dropped.append(_dropped(row, "below_margin"))
    kept = drawn_pairs(pairs, settings)
    left = {pair.item_id for pair in pairs} - {pair.item_id for pair in kept}
    return kept, dropped + [_dropped(pair, "not_drawn") for pair in pairs if pair.item_id in left]


def _dropped(pair: Pair, reason: str) -> Dropped:
    return Dropped(item_id=pair.item_id, category=pair.category, reason=reason)


def _sides(judged: Judged, responses: Iterable[Explanation], item: Item, right_by: RightBy) -> list[Side]:
    run = judged.run.id
    return [
        Side(
            run=run,
            sample=row.sample,
            text=row.response,
            score=judged.scores[row.item_id, row.sample],
            prediction=(answer := predicted(row, right_by)),
            correct=answer == item.gold,
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


def read_judged(run: RunFolder, judge: RunFolder, score: Literal["expected", "total"]) -> Judged:
    """A sample run and its judge's scores, from their folders; unjudged responses have no score."""
    scores = {
        (row.item_id, row.sample): float(value)
        for row in judge.read("judgements", Judgement)
        if (value := row.expected if score == "expected" else row.total) is not None
    }
    return Judged(run, run.read("explanations", Explanation), scores)


def _ending_in_gold(debated: Iterable[Explanation], item: Item) -> list[Explanation]:
    return [row for row in debated if row.parsed is not None and row.parsed == item.gold]


def not_in_gold(items: Mapping[str, Item], judged: Judged | None) -> int:
    """Responses of a debater or teacher that do not end in the right answer, and so are no candidates."""
    if judged is None:
        return 0
    return sum(not _ending_in_gold([row], items[row.item_id]) for row in judged.explanations)


def _by_item(explanations: Iterable[Explanation]) -> dict[str, list[Explanation]]:
    grouped: dict[str, list[Explanation]] = {}
    for row in explanations:
        grouped.setdefault(row.item_id, []).append(row)
    return grouped
