"""Judges whose character is known: scripted engines that read hidden qualities from the explanations they are shown.

bench = Bench(home)                     # two variants, 120 questions × 4 explanations, sealed
bench.judged(GOOD)                      # a judge run of each variant by the real judge, written mode
bench.compared(first_place)             # a head-to-head run in both orders
bench.card(GOOD)                        # its card
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.analysis.results import Evaluation, evaluations
from core.engines.scripted import ScriptedEngine
from core.home import Home
from core.judge_card import JudgeCard
from core.method.head_to_head import PROMPTS as DUEL_PROMPTS
from core.method.head_to_head import Duel, Referee
from core.method.judging import PROMPTS, Judge
from core.prompts import load_prompt
from core.records import Explanation, Item, Option
from core.rubrics import load_rubric
from core.runs.folders import ModelUse, RunFolder
from core.runs.plan import run_config
from core.settings import CompareSettings, HeadToHeadSettings, JudgeSettings, SampleSettings
from core.store.database import Store
from tests.test_store import import_config, sealed

RUBRIC = load_rubric("five_criteria")
QUESTIONS, N = 120, 4
SHOWN = re.compile(r"Quality (\d) (\d) (\d) (\d) (\d)\.((?: word)*)")

Qualities = tuple[int, ...]
"""Places of the verdicts that an explanation deserves, one a criterion, 0 is worst."""


@dataclass(frozen=True)
class Character:
    """How a judge decides."""

    name: str
    verdicts: Callable[[Qualities, int, np.random.Generator], Sequence[int] | None]
    """(qualities, words, draw) → places of the verdicts; None: a reply that cannot be read."""


def _near(deserved: Sequence[int], draw: np.random.Generator, wrong: float = 0.08) -> list[int]:
    """The verdicts deserved, now and then one beside them."""
    moved = [q + int(draw.choice([-1, 1])) if draw.random() < wrong else q for q in deserved]
    return [min(3, max(0, q)) for q in moved]


def _by_length(_: Qualities, words: int, draw: np.random.Generator) -> list[int]:
    return _near([min(3, int(4 * np.log(words / 5) / np.log(12)))] * 5, draw)


GOOD = Character("good", lambda q, words, draw: _near(q, draw))
ANOTHER = Character("another", lambda q, words, draw: _near(q, draw, 0.3))
CONSTANT = Character("constant", lambda q, words, draw: [2] * 5)
LENGTH = Character("length", _by_length)
HALO = Character("halo", lambda q, words, draw: [round(sum(q) / 5)] * 5)
COIN = Character("coin", lambda q, words, draw: list(draw.integers(0, 4, 5)))
INVERTED = Character("inverted", lambda q, words, draw: [3 - place for place in _near(q, draw)])
MUMBLER = Character("mumbler", lambda q, words, draw: _near(q, draw) if draw.random() < 0.5 else None)


def _reply(character: Character) -> Callable:
    def reply(chat, seed: int) -> str:
        shown = SHOWN.search(chat.messages[-1].content)
        qualities = tuple(int(place) for place in shown.groups()[:5])
        places = character.verdicts(qualities, shown[6].count("word"), np.random.default_rng(seed % 2**32))
        if places is None:
            return "I would rather not say."
        return "\n".join(f"{c.name}: {RUBRIC.labels[p]}" for c, p in zip(RUBRIC.criteria, places, strict=True))

    return reply


def by_quality(first: int, second: int) -> str:
    return "first" if first > second else "second"


def first_place(first: int, second: int) -> str:
    return "first"


class Bench:
    """A lab with two variants of the same questions, and judges that are known."""

    def __init__(self, home: Home, questions: int = QUESTIONS) -> None:
        self.home = home
        options = [Option(label="A", text="wood"), Option(label="B", text="metal")]
        self.items = [
            Item(id=f"q{i}", split="test", question=f"What is thing {i} made of?", options=options, gold="A")
            for i in range(questions)
        ]
        self.dataset = sealed(home, import_config(), {"items": self.items})
        draw = np.random.default_rng(7)
        self.explanations = {label: self._explanations(draw, lift) for label, lift in (("base", 0.0), ("anchor", 0.8))}
        self.samples = {label: self._sampled(label, rows) for label, rows in self.explanations.items()}

    def _explanations(self, draw: np.random.Generator, lift: float) -> list[Explanation]:
        return [self._explanation(item.id, k, draw, lift) for item in self.items for k in range(N)]

    def _explanation(self, item: str, sample: int, draw: np.random.Generator, lift: float) -> Explanation:
        general = draw.normal(lift, 0.8)
        places = [int(np.clip(round(1.5 + general + draw.normal(0, 0.9)), 0, 3)) for _ in range(5)]
        words = int(np.exp(draw.uniform(np.log(5), np.log(60))))
        parsed = "A" if sum(places) + draw.normal(0, 3) > 7.5 else "B"
        text = f"Quality {' '.join(map(str, places))}.{' word' * words}"
        return Explanation(
            item_id=item,
            sample=sample,
            response=f"{text}\nAnswer: {parsed}",
            explanation=text,
            parsed=parsed,
            forced=parsed,
            forced_probabilities=None,
            tokens=words,
            finish="stop",
            seed=sample,
        )

    def _sampled(self, label: str, rows: list[Explanation]) -> RunFolder:
        use = ModelUse(name="tiny", hash="weights", path="/here", chain=[] if label == "base" else [f"dpo-{label}"])
        config = run_config("sample", label, SampleSettings(n=N), {"dataset": self.dataset.id}, use)
        return sealed(self.home, config, {"explanations": rows}, responses_hash=label)

    def judged(self, character: Character, **settings) -> list[RunFolder]:
        """A judge run of each variant."""
        chosen = JudgeSettings(**{"mode": "written"} | settings)
        judge = Judge(ScriptedEngine(_reply(character), None), load_prompt(PROMPTS["written"]), RUBRIC, chosen)
        runs = []
        for label, rows in self.explanations.items():
            parents = {"dataset": self.dataset.id, "samples": self.samples[label].id}
            config = run_config("judge", label, chosen, parents, self._use(character))
            asked = [(self.items[int(row.item_id[1:])], row) for row in rows]
            runs.append(sealed(self.home, config, {"judgements": judge.judge(asked)}))
        return runs

    def compared(self, character: Character, prefers: Callable[[int, int], str]) -> RunFolder:
        """A head-to-head run of the two variants by a judge with these weights; prefers: totals as shown → place."""
        chosen = HeadToHeadSettings(mode="written")

        def reply(chat, seed: int) -> str:
            totals = [sum(map(int, shown[:5])) for shown in SHOWN.findall(chat.messages[-1].content)]
            return f"Better: {prefers(*totals)}"

        referee = Referee(ScriptedEngine(reply, None), load_prompt(DUEL_PROMPTS["written"]), RUBRIC, chosen)
        pairs = zip(self.items, self.explanations["anchor"][::N], self.explanations["base"][::N], strict=True)
        sides = {"samples_a": self.samples["anchor"].id, "samples_b": self.samples["base"].id}
        parents = {"dataset": self.dataset.id} | sides
        config = run_config("head_to_head", "anchor against base", chosen, parents, self._use(character))
        return sealed(self.home, config, {"head_to_head": referee.compare([Duel(*pair) for pair in pairs])})

    @staticmethod
    def _use(character: Character) -> ModelUse:
        return ModelUse(name=character.name, hash=f"weights of {character.name}", path="/here")

    def rated(self, store: Store, wrong: float = 0.1, kind: str = "person", numbers: bool = False) -> int:
        """Ratings of every explanation of base by a person who sees its qualities; how many there are."""
        draw, rows = np.random.default_rng(5), []
        for row in self.explanations["base"]:
            places = _near([int(x) for x in SHOWN.search(row.explanation).groups()[:5]], draw, wrong)
            for criterion, place in zip(RUBRIC.criteria, places, strict=True):
                label = str(place + 1) if numbers else RUBRIC.labels[place].capitalize()
                rows.append([row.sample, row.item_id, kind, criterion.key, label])
        with store.transaction() as cursor:
            cursor.executemany(
                "INSERT INTO ratings (seq, samples, sample, item_id, variant, rater, rater_kind, criterion, label, "
                "mode) VALUES (0, $1, $2, $3, 'base', 'ann', $4, $5, $6, 'blind')",
                [[self.samples["base"].id, *row] for row in rows],
            )
        return len(rows)

    def evaluation(self, store: Store, character: Character, **settings) -> Evaluation:
        """The evaluation under a judge."""
        store.ingest()
        assert not store.problems
        found = evaluations(store, CompareSettings(**{"resamples": 300} | settings))
        return next(e for e in found if e.judge_name == character.name)

    def card(self, character: Character, **settings) -> JudgeCard:
        """The card of a judge, from a database of its own."""
        with Store(self.home, None) as store:
            return self.evaluation(store, character, **settings).card
