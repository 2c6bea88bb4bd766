"""Sampling: N responses a question, read into explanation and prediction.

The debater is the same stage with another prompt: base, shown the right answer, on the questions that
a sample run got consistently wrong.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np

from core.data.datasets import load_items, select_items
from core.engines import Chat, Engine, Generation, Sampling
from core.errors import BadInput
from core.method.categories import categorise_items
from core.method.parsing import READING, answer_is_complete, read_response
from core.models.variants import load_variant
from core.prompts import Prompt, load_prompt, option_text, task_chat
from core.records import Explanation, Item
from core.runs.batches import note_halving, plan_rows
from core.runs.exposure import exposure
from core.runs.folders import RunConfig, RunFolder
from core.runs.work import Work
from core.seeds import seed_of
from core.settings import Example, SampleSettings

ROWS_A_BATCH = 256
"""Responses asked for together; fixed, so that a resumed run batches as an undisturbed one.  Where memory does not hold
them all, they are computed in parts (`core.runs.batches`)."""

OWN_PROMPT_TOKENS = 100
"""About how many tokens of a prompt are a row's own and not shared by the batch, for the estimate of memory."""


@dataclass(frozen=True)
class Sampler:
    """What it takes to ask one variant: engine, prompt, worked examples, settings."""

    engine: Engine
    prompt: Prompt
    examples: Sequence[Example]
    settings: SampleSettings

    def chat(self, item: Item) -> Chat:
        shown = option_text(item, item.gold) if self.settings.role == "debater" and item.gold else ""
        return task_chat(self.prompt, item, self.examples, answer=shown)

    def sample(self, items: Sequence[Item]) -> tuple[list[Explanation], list[Generation]]:
        """N explanations of each item, in order, and the raw generations behind them."""
        chats = [self.chat(item) for item in items]
        seeds = [[self._seed(item, k) for k in range(self.settings.n)] for item in items]
        groups = self.engine.generate(chats, seeds, self._drawn, answer_is_complete)
        rows = [
            self._read(item, k, seeds[i][k], generation)
            for i, (item, group) in enumerate(zip(items, groups, strict=True))
            for k, generation in enumerate(group)
        ]
        asked = self._force(items, chats, rows) if self.settings.forced else rows
        return asked, [generation for group in groups for generation in group]

    def stream(self, item: Item) -> Generator[str, None, Explanation]:
        """The first of the N explanations of one item, for somebody who watches: its text while it grows."""
        chat, seed = self.chat(item), self._seed(item, 0)
        generation = yield from self.engine.stream(chat, seed, self._drawn, answer_is_complete)
        rows = [self._read(item, 0, seed, generation)]
        return self._force([item], [chat], rows)[0] if self.settings.forced and item.options else rows[0]

    def weigh(self, items: Sequence[Item], chats: Sequence[Chat], rows: Sequence[Explanation]) -> list[np.ndarray]:
        """Probability of each option after a row's explanation and the answer cue; NaN where the engine cannot tell."""
        cued = [
            Chat(chat.messages, f"{row.explanation}\n{self.prompt.cue}".lstrip())
            for chat, row in zip(chats, rows, strict=True)
        ]
        options = [[f" {option.text}" for option in item.options] for item in items]
        return [np.exp(logs) for logs in self.engine.choose(cued, options)]

    @property
    def _drawn(self) -> Sampling:
        return Sampling(self.settings.temperature, self.settings.top_p, self.settings.max_new_tokens)

    def _seed(self, item: Item, sample: int) -> int:
        return seed_of(self.settings.role, self.settings.seed, item.id, item.question, sample)

    def _read(self, item: Item, sample: int, seed: int, generation: Generation) -> Explanation:
        generation = generation.settled(self.settings.only_thought)
        reading = read_response(generation.text, item.options, cut=generation.finish == "length")
        return Explanation(
            item_id=item.id,
            sample=sample,
            response=generation.text,
            explanation=reading.explanation,
            parsed=reading.label,
            forced=reading.label if self.settings.forced else None,
            forced_probabilities=None,
            tokens=generation.tokens,
            finish=generation.finish,
            seed=seed,
            thought=generation.thought,
            unread=reading.unread,
            reading=READING,
        )

    def _force(self, items: Sequence[Item], chats: Sequence[Chat], rows: Sequence[Explanation]) -> list[Explanation]:
        """Where no answer could be read: the explanation, the answer cue, and the likeliest option."""
        unread = [i for i, row in enumerate(rows) if row.parsed is None]
        if self.engine.cannot_choose(()):
            return list(rows)
        asked = [i // self.settings.n for i in unread]
        weighed = self.weigh([items[q] for q in asked], [chats[q] for q in asked], [rows[i] for i in unread])
        decided = list(rows)
        for i, q, probabilities in zip(unread, asked, weighed, strict=True):
            if np.isnan(probabilities).any():
                continue
            decided[i] = rows[i].model_copy(
                update={
                    "forced": items[q].options[int(probabilities.argmax())].label,
                    "forced_probabilities": [round(float(p), 6) for p in probabilities],
                }
            )
        return decided


def run_sample(work: Work) -> None:
    """Draw the responses of a variant.  Parents: dataset; for a debater also samples (its questions)."""
    settings = SampleSettings.model_validate(work.config.settings)
    items = questions_of(work, settings)
    done = {(row.item_id, row.sample) for row in work.folder.read("explanations", Explanation)}
    total = len(items) * settings.n
    if len(done) < total:
        if seen := exposure(work.home, work.config):
            work.note(f"{seen.sentence}.")
        sampler = _open_sampler(work, settings)
        plan_rows(work, sampler.engine, settings.max_new_tokens + OWN_PROMPT_TOKENS, min(total, ROWS_A_BATCH))
        size = max(1, ROWS_A_BATCH // settings.n)
        for start in range(0, len(items), size):
            _sample_batch(work, sampler, items[start : start + size], done)
            note_halving(work, sampler.engine)
            work.progress(len(done), total, "explanations")
    work.summary |= summarise(work.folder.read("explanations", Explanation), items)


def questions_of(work: Work, settings: SampleSettings) -> list[Item]:
    """The run's questions: its selection, for a debater those that the parent got consistently wrong."""
    items = load_items(work.parent("dataset"))
    if settings.role != "debater":
        return select_items(items, settings.select)
    samples = work.parent("samples")
    wanted = SampleSettings.model_validate(samples.config.settings).n
    gold = {item.id: item.gold for item in items if item.gold is not None}
    rows = samples.read("explanations", Explanation)
    wrong = categorise_items(rows, gold, settings.right_by, wanted)
    return [item for item in items if wrong.get(item.id) == "consistently_incorrect"]


def examples_of(samples: RunConfig, dataset: RunFolder) -> list[Example]:
    """Worked examples that a sample run's questions are asked with: its own, else those of the data set."""
    own = samples.settings["examples"] or dataset.config.settings["examples"]
    return [Example.model_validate(example) for example in own]


def chats_of(samples: RunFolder, dataset: RunFolder) -> Callable[[Item], Chat]:
    """What a sample run asked of an item: by its own prompt, which must be as it was then, and its worked examples."""
    prompt = load_prompt(samples.config.settings["prompt"])
    if prompt.hash != samples.config.inputs.get("prompt", prompt.hash):
        raise BadInput(f"The prompt file that {samples.id} was sampled with has changed: put it back as it was.")
    examples = examples_of(samples.config, dataset)
    return lambda item: task_chat(prompt, item, examples)


def _open_sampler(work: Work, settings: SampleSettings) -> Sampler:
    examples = examples_of(work.config, work.parent("dataset"))
    tokens = settings.max_new_tokens + OWN_PROMPT_TOKENS
    engine = load_variant(work.home, work.config.model, tokens, work.folder.moment)
    seen = engine.provenance()
    work.loaded(seen)
    if settings.temperature > 0 and seen.get("draws") is False:
        work.note("The server gave the same reply to different seeds: its samples may all be alike.")
    if settings.forced and (reason := engine.cannot_choose(())):
        work.note(f"Forced answers were asked for, but {reason}: where no answer can be read, there is no prediction.")
    return Sampler(engine, load_prompt(settings.prompt), examples, settings)


def _sample_batch(work: Work, sampler: Sampler, items: Sequence[Item], done: set[tuple[str, int]]) -> None:
    wanted = {(item.id, k) for item in items for k in range(sampler.settings.n)}
    if wanted <= done:
        return
    work.raise_if_stopped()
    began = time.monotonic()
    rows, _ = sampler.sample(items)
    work.append("explanations", [row for row in rows if (row.item_id, row.sample) not in done])
    done |= wanted
    spent = sampler.engine.spent.take()
    work.cost(spent.read, spent.generated, time.monotonic() - began, spent.unshared)


def summarise(rows: Sequence[Explanation], items: Sequence[Item]) -> dict[str, object]:
    """Counts of a sample run, and a hash of its responses: equal hashes mean identical variants."""
    gold = {item.id: item.gold for item in items if item.gold is not None}
    scored = [row for row in rows if row.item_id in gold]
    responses = "\x00".join(row.response for row in rows)
    return {
        "questions": len(items),
        "explanations": len(rows),
        "unlabelled": len(items) - len(gold),
        "unparsed": sum(row.parsed is None for row in rows),
        "unread": dict(sorted(Counter(row.unread for row in rows if row.unread).items())),
        "readings": dict(sorted(Counter(str(row.reading) for row in rows).items())),
        "empty": sum(not row.explanation for row in rows),
        **({"only_thought": alone} if (alone := sum(row.only_thought for row in rows)) else {}),
        "right_parsed": sum(row.parsed == gold[row.item_id] for row in scored),
        "right_forced": sum(row.forced == gold[row.item_id] for row in scored),
        "responses_hash": hashlib.sha256(responses.encode()).hexdigest(),
    }
