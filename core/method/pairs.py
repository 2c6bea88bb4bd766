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
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal

from core.data.datasets import load_items
from core.method.categories import categorise, predicted
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
}
"""Reason code of a pair → the rule in words."""

DROPPED = {
    "no_gold": "The question has no gold label.",
    "uncategorised": "Fewer responses than N.",
    "unjudged": "Too few of its explanations have a score.",
    "equal_scores": "Chosen and rejected score the same: nothing to prefer.",
    "equal_texts": "Chosen and rejected are the same text: nothing to learn.",
    "no_debate": "No debater response ends in the right answer.",
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


RULES = {
    "anchor": anchor_choice,
    "rank": rank_choice,
    "correctness": correctness_choice,
    "anchor_without_debater": without_debater,
    "anchor_without_correct": without_correct,
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


def anchor_lambda(pairs: Sequence[Pair]) -> float | None:
    """λ: the share of pairs from wavering or always-wrong questions (published); None for no pairs."""
    if not pairs:
        return None
    return sum(pair.category != "consistently_correct" for pair in pairs) / len(pairs)


def drawn_pairs(pairs: Sequence[Pair], settings: PairSettings) -> list[Pair]:
    """The pairs that `target_lambda` and `max_pairs` leave, in their order; all of them where neither is set.

    λ is reached by drawing from either kind of question, so the total is at most what the scarcer kind
    allows: min(max_pairs, hard / λ, easy / (1 − λ)), rounded down.  The draw is nested: another λ or maximum
    takes questions of one kind in the same seeded order.
    """
    order = draw_order(pairs, settings)
    if settings.target_lambda is None:
        kept = order[: settings.max_pairs]
    else:
        hard = [pair for pair in order if pair.category != "consistently_correct"]
        easy = [pair for pair in order if pair.category == "consistently_correct"]
        n_hard, n_easy = counts_at(settings.target_lambda, len(hard), len(easy), settings.max_pairs)
        kept = hard[:n_hard] + easy[:n_easy]
    ids = {pair.item_id for pair in kept}
    return [pair for pair in pairs if pair.item_id in ids]


def draw_order(pairs: Sequence[Pair], settings: PairSettings) -> list[Pair]:
    """Pairs in the order in which they are drawn; it hangs on the seed and the questions alone."""
    seeds = seeds_of(("pairs", "draw", settings.seed), (pair.item_id for pair in pairs))
    return [pair for _, pair in sorted(zip(seeds, pairs, strict=True), key=itemgetter(0))]


def counts_at(share: float, hard: int, easy: int, at_most: int | None) -> tuple[int, int]:
    """How many pairs of hard and of easy questions make a set of λ = share as large as can be.

    >>> counts_at(0.5, 10, 4, None), counts_at(1.0, 10, 4, 6), counts_at(0.75, 6, 9, None)
    ((4, 4), (6, 0), (6, 2))
    """
    limits = [hard + easy] + ([at_most] if at_most is not None else [])
    limits += [int(hard / share + 1e-9)] if share > 0 else []
    limits += [int(easy / (1 - share) + 1e-9)] if share < 1 else []
    total = min(limits)
    n_hard = min(hard, round(share * total))
    return n_hard, min(easy, total - n_hard)


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
    """Build the pairs of a strategy.  Parents: dataset, samples, judgements; with a debater also
    debates and debate_judgements."""
    settings = PairSettings.model_validate(work.config.settings)
    items = {item.id: item for item in load_items(work.parent("dataset"))}
    own = read_judged(work.parent("samples"), work.parent("judgements"), settings.score)
    debates = None
    if settings.debated:
        debates = read_judged(work.parent("debates"), work.parent("debate_judgements"), settings.score)
    pairs, dropped = build_pairs(items, own, debates, settings)
    work.append("pairs", pairs)
    work.append("dropped", dropped)
    work.summary |= {
        "pairs": len(pairs),
        "dropped": dict(Counter(row.reason for row in dropped)),
        "unjudged_responses": len(own.explanations) - len(own.scores),
        "debates_discarded": debates_discarded(items, debates),
        "lambda": anchor_lambda(pairs),
    }


def build_pairs(
    items: Mapping[str, Item], own: Judged, debates: Judged | None, settings: PairSettings
) -> tuple[list[Pair], list[Dropped]]:
    """Pairs and dropped questions, in the order the questions were sampled; questions not drawn come last."""
    return choose_pairs(items, questions_of(items, own, debates, settings.right_by), settings)


def questions_of(items: Mapping[str, Item], own: Judged, debates: Judged | None, right_by: RightBy) -> list[Question]:
    """Every sampled question with its candidates; they hang on no other setting than what decides what is right."""
    debated = _by_item(debates.explanations) if debates else {}
    wanted = SampleSettings.model_validate(own.run.config.settings).n
    found = []
    for item_id, responses in _by_item(own.explanations).items():
        item = items[item_id]
        hits = sum(predicted(row, right_by) == item.gold for row in responses)
        category = categorise(hits, len(responses), wanted) if item.gold is not None else None
        argued = _ending_in_gold(debated.get(item_id, []), item)
        sides = _sides(debates, argued, item, right_by) if debates else []
        found.append(Question(item_id, category, _sides(own, responses, item, right_by), sides))
    return found


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


def debates_discarded(items: Mapping[str, Item], debates: Judged | None) -> int:
    """Debater responses that do not end in the right answer, and so are no candidates."""
    if debates is None:
        return 0
    return sum(not _ending_in_gold([row], items[row.item_id]) for row in debates.explanations)


def _by_item(explanations: Iterable[Explanation]) -> dict[str, list[Explanation]]:
    grouped: dict[str, list[Explanation]] = {}
    for row in explanations:
        grouped.setdefault(row.item_id, []).append(row)
    return grouped
