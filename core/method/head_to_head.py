"""Head-to-head: the judge sees two explanations of one question and says which is better, in both orders.

A verdict that names the same explanation in both orders is a win.  One that changes with the order is a
tie, and counts in the position-bias rate; so does an answer that is a tie in one order only.  A reply that
cannot be read leaves the pair unjudged, which is no tie.  Win rates by score, which need no further judge
calls, are `core.analysis.comparison`; figures of these comparisons are `core.analysis.duels`.
"""

import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.data.datasets import load_items
from core.engines import Chat, Engine, Sampling
from core.errors import BadInput
from core.method.fallback import settings_at_hand
from core.method.reading.verdicts import read_choice
from core.models.variants import load_variant
from core.prompts import Prompt, load_prompt, option_text, question_values
from core.records import Choice, Explanation, HeadToHead, Item
from core.rubrics import Rubric, load_rubric
from core.runs.batches import note_halving, plan_rows
from core.runs.work import Work
from core.seeds import seed_of
from core.settings import HeadToHeadSettings

PAIRS_A_BATCH = 32
"""Sample pairs judged together, each in both orders; fixed, so that a resumed run batches as an undisturbed one."""

OWN_PROMPT_TOKENS = 500
"""About how many tokens of a prompt are a pair's own: question and both explanations."""

PROMPTS = {"probabilities": "head_to_head", "written": "head_to_head_written"}
"""Prompt file of each mode."""

OVERALL = "overall"
"""The criterion that stands for all of the rubric together."""

Place = Literal["first", "second", "tie"]
Key = tuple[str, int, int]
"""Item, sample of A, sample of B."""


@dataclass(frozen=True)
class Duel:
    """What is compared: an explanation of A and one of B on one item."""

    item: Item
    a: Explanation
    b: Explanation

    @property
    def key(self) -> Key:
        return self.item.id, self.a.sample, self.b.sample

    @property
    def only_thought(self) -> bool:
        """Whether one of them is a thought that was cut off, which is no empty explanation."""
        return self.a.only_thought or self.b.only_thought


@dataclass(frozen=True)
class Referee:
    """What it takes to compare: engine, prompt, rubric, settings."""

    engine: Engine
    prompt: Prompt
    rubric: Rubric
    settings: HeadToHeadSettings

    @property
    def choices(self) -> list[Place]:
        """What the judge may answer."""
        return ["first", "second", "tie"] if self.settings.tie else ["first", "second"]

    def compare(self, duels: Sequence[Duel]) -> list[HeadToHead]:
        """A comparison of each pair, in order; those with an empty explanation by rule if the settings say so."""
        by_model = [duel for duel in duels if not (self._by_rule(duel) or duel.only_thought)]
        asked = iter(self._ask(by_model))
        return [self._without_asking(duel) or from_choices(duel, *next(asked)) for duel in duels]

    def _without_asking(self, duel: Duel) -> HeadToHead | None:
        """The outcome of a pair that the judge is not asked about; None of one that it is."""
        if duel.only_thought:
            why = "One explanation is a thought that was cut off: there is nothing after it."
            return _comparison(duel, "model", None, None, "unjudged", unjudged=why)
        return by_rule(duel) if self._by_rule(duel) else None

    def chat(self, item: Item, first: Explanation, second: Explanation) -> Chat:
        """What the judge sees of two explanations; the gold answer only if the settings say so."""
        gold = f"Right answer: {option_text(item, item.gold)}" if self.settings.show_gold and item.gold else ""
        return self.prompt.chat(
            criteria=criteria_text(self.rubric, self.settings.criterion),
            choices=f"{', '.join(self.choices[:-1])} or {self.choices[-1]}",
            gold=gold,
            first=first.explanation,
            first_answer=_answer(item, first),
            second=second.explanation,
            second_answer=_answer(item, second),
            **question_values(item),
        )

    def _by_rule(self, duel: Duel) -> bool:
        empty = not (duel.a.explanation and duel.b.explanation)
        return self.settings.empty == "rule" and empty and not duel.only_thought

    def _ask(self, duels: Sequence[Duel]) -> list[tuple[Choice, Choice]]:
        """The answers with A first and with B first."""
        chats = [chat for d in duels for chat in (self.chat(d.item, d.a, d.b), self.chat(d.item, d.b, d.a))]
        match self.settings.mode:
            case "probabilities":
                choices = self._by_probabilities(chats)
            case "written":
                choices = self._in_writing(chats, duels)
        return list(zip(choices[::2], choices[1::2], strict=True))

    def _by_probabilities(self, chats: Sequence[Chat]) -> list[Choice]:
        options = [f" {choice}" for choice in self.choices]
        return [self._likeliest(np.exp(logs)) for logs in self.engine.choose(chats, [options] * len(chats))]

    def _likeliest(self, p: np.ndarray) -> Choice:
        """The choice of probabilities; none where the judge's likeliest words tell none (NaN)."""
        if np.isnan(p).any():
            return Choice(verdict=None, probabilities=None, reply=None)
        verdict = self.choices[int(p.argmax())]
        return Choice(verdict=verdict, probabilities=[round(float(x), 6) for x in p], reply=None)

    def _in_writing(self, chats: Sequence[Chat], duels: Sequence[Duel]) -> list[Choice]:
        seeds = [[seed_of("head_to_head", *duel.key, order)] for duel in duels for order in ("a_first", "b_first")]
        greedy = Sampling(temperature=0.0, top_p=1.0, max_new_tokens=self.settings.max_new_tokens)
        replies = [group[0].settled(self.settings.only_thought) for group in self.engine.generate(chats, seeds, greedy)]
        return [
            Choice(verdict=read_choice(r.text, self.choices), probabilities=None, reply=r.text, thought=r.thought)
            for r in replies
        ]


def criteria_text(rubric: Rubric, criterion: str) -> str:
    """The criteria as the judge reads them: all of the rubric's, or one by its key; `BadInput` for another."""
    keys = [c.key for c in rubric.criteria]
    if criterion not in (OVERALL, *keys):
        raise BadInput(f"The rubric {rubric.name} has no criterion {criterion!r}: use {OVERALL} or {', '.join(keys)}.")
    shown = [c for c in rubric.criteria if criterion in (OVERALL, c.key)]
    return "\n".join(["Criteria:", *(f"- {c.name}: {c.question}" for c in shown)])


def _answer(item: Item, row: Explanation) -> str:
    return option_text(item, row.parsed) if row.parsed else "(none given)"


# --- from two answers to an outcome


def by_rule(duel: Duel) -> HeadToHead:
    """An empty explanation loses to one that is not; two empty ones tie (setting `empty`)."""
    outcome = "a" if duel.a.explanation else "b" if duel.b.explanation else "tie"
    return _comparison(duel, "rule", None, None, outcome)


def from_choices(duel: Duel, a_first: Choice, b_first: Choice) -> HeadToHead:
    """The outcome of both orders: a win only where they name the same explanation."""
    missing = [order for order, c in (("A first", a_first), ("B first", b_first)) if c.verdict is None]
    if missing:
        why = f"No choice can be read with {' and with '.join(missing)}."
        return _comparison(duel, "model", a_first, b_first, "unjudged", unjudged=why)
    one = {"first": "a", "second": "b", "tie": "tie"}[a_first.verdict]
    other = {"first": "b", "second": "a", "tie": "tie"}[b_first.verdict]
    return _comparison(duel, "model", a_first, b_first, one if one == other else "tie", flipped=one != other)


def _comparison(
    duel: Duel,
    origin: str,
    a_first: Choice | None,
    b_first: Choice | None,
    outcome: str,
    *,
    flipped: bool | None = None,
    unjudged: str | None = None,
) -> HeadToHead:
    return HeadToHead(
        item_id=duel.item.id,
        sample_a=duel.a.sample,
        sample_b=duel.b.sample,
        origin=origin,
        a_first=a_first,
        b_first=b_first,
        outcome=outcome,
        flipped=flipped,
        unjudged=unjudged,
    )


# --- which samples meet


def drawn_duels(
    items: dict[str, Item], a: Sequence[Explanation], b: Sequence[Explanation], settings: HeadToHeadSettings
) -> list[Duel]:
    """`samples_a_question` different pairs of samples of each question that both answered, in A's order.

    The draw hangs on seed and question alone.  Where there are fewer pairs, all of them meet.
    """
    ours, theirs = _by_item(a), _by_item(b)
    duels = []
    for item_id in ours:
        pairs = [(x, y) for x in ours[item_id] for y in theirs.get(item_id, [])]
        draw = random.Random(seed_of("head_to_head", settings.seed, item_id))
        chosen = sorted(draw.sample(range(len(pairs)), min(settings.samples_a_question, len(pairs))))
        duels += [Duel(items[item_id], *pairs[i]) for i in chosen]
    return duels


def _by_item(rows: Sequence[Explanation]) -> dict[str, list[Explanation]]:
    grouped: dict[str, list[Explanation]] = defaultdict(list)
    for row in rows:
        grouped[row.item_id].append(row)
    return grouped


# --- the run


def run_head_to_head(work: Work) -> None:
    """Compare the explanations of two sample runs.  Parents: dataset, samples_a, samples_b."""
    settings = HeadToHeadSettings.model_validate(work.config.settings)
    items = {item.id: item for item in load_items(work.parent("dataset"))}
    a, b = (work.parent(role).read("explanations", Explanation) for role in ("samples_a", "samples_b"))
    duels = drawn_duels(items, a, b, settings)
    if not duels:
        raise BadInput("The two sample runs have no question in common: sample both on the same questions.")
    done = {_key(row) for row in work.folder.read("head_to_head", HeadToHead)}
    if len(done) < len(duels):
        referee = _open_referee(work, settings)
        written = settings.max_new_tokens + OWN_PROMPT_TOKENS if settings.mode == "written" else 0
        plan_rows(work, referee.engine, written, 2 * PAIRS_A_BATCH)
        for batch in _batches(duels):
            _compare_batch(work, referee, batch, done)
            note_halving(work, referee.engine)
            work.progress(len(done), len(duels), "comparisons")
    rows = work.folder.read("head_to_head", HeadToHead)
    work.summary |= {
        "comparisons": len(rows),
        "judged": sum(row.outcome != "unjudged" for row in rows),
        "unjudged": sum(row.outcome == "unjudged" for row in rows),
        "flips": sum(row.flipped is True for row in rows),
        "by_rule": sum(row.origin == "rule" for row in rows),
        "questions": len({row.item_id for row in rows}),
        "questions_of_one_only": len({row.item_id for row in a} ^ {row.item_id for row in b}),
    }


def _open_referee(work: Work, settings: HeadToHeadSettings) -> Referee:
    rubric = load_rubric(settings.rubric)
    criteria_text(rubric, settings.criterion)  # an unknown criterion is said before a model is loaded
    engine = load_variant(work.home, work.config.model, moment=work.folder.moment)
    work.loaded(engine.provenance())
    places = ("first", "second", "tie") if settings.tie else ("first", "second")
    choices = [c for row in work.folder.read("head_to_head", HeadToHead) for c in (row.a_first, row.b_first) if c]
    begun = {choice.reply is not None for choice in choices if choice.reply is not None or choice.probabilities}
    settings = settings_at_hand(work, engine, settings, [f" {place}" for place in places], begun)
    return Referee(engine, load_prompt(PROMPTS[settings.mode]), rubric, settings)


def _key(row: HeadToHead) -> Key:
    return row.item_id, row.sample_a, row.sample_b


def _batches(duels: Sequence[Duel]) -> Iterator[Sequence[Duel]]:
    for start in range(0, len(duels), PAIRS_A_BATCH):
        yield duels[start : start + PAIRS_A_BATCH]


def _compare_batch(work: Work, referee: Referee, duels: Sequence[Duel], done: set[Key]) -> None:
    if {duel.key for duel in duels} <= done:
        return
    work.raise_if_stopped()
    began = time.monotonic()
    rows = referee.compare(duels)
    work.append("head_to_head", [row for row in rows if _key(row) not in done])
    done |= {_key(row) for row in rows}
    spent = referee.engine.spent.take()
    work.cost(spent.read, spent.generated, time.monotonic() - began, spent.unshared)
