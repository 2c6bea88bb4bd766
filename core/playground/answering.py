"""One wish: its variants write in turns, a token each, then options are weighed and the judge is asked.

Prompt, worked examples, sampling and judging are those of sample and judge runs (`core.method.sampling.Sampler`,
`core.method.judging.Judge`): a question of a data set with a run's seed and settings gives the words that the run has.
Each variant is loaded as a run loads it, with its adapters merged, and stays: see `Engines`.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import numpy as np

from core.engines import Engine
from core.errors import BadInput, ModelUnavailable
from core.home import Home
from core.method.judging import PROMPTS, Judge
from core.method.sampling import Sampler
from core.models.variants import load_variant
from core.playground.records import Answer, Contender, Wish
from core.prompts import load_prompt
from core.records import Explanation
from core.rubrics import load_rubric
from core.runs.folders import ModelUse, RunFolder, content_hash
from core.settings import JudgeSettings, SampleSettings

KEPT = 6
"""Models that stay loaded, those used last; memory decides sooner (`core.models.memory`)."""

Event = dict[str, Any]
"""A line for `core.playground.rounds.say`."""


class Engines:
    """Loaded models, each once.  Weights that a variant leaves as its base has them are kept once for both."""

    def __init__(self, home: Home, load: Callable[[Home, ModelUse], Engine] = load_variant) -> None:
        self.home = home
        self._load = load
        self._kept: OrderedDict[str, Engine] = OrderedDict()

    def has(self, use: ModelUse) -> bool:
        return content_hash(use.identity) in self._kept

    def of(self, use: ModelUse) -> Engine:
        """The engine of a variant.  Where memory is short the others are let go first."""
        key = content_hash(use.identity)
        if key not in self._kept:
            self._make_room()
            try:
                engine = self._load(self.home, use)
            except ModelUnavailable:
                if not self._kept:
                    raise
                self._kept.clear()
                engine = self._load(self.home, use)
            for other in self._kept.values():
                share_weights(engine, other)
            self._kept[key] = engine
        self._kept.move_to_end(key)
        return self._kept[key]

    def _make_room(self) -> None:
        while len(self._kept) >= KEPT:
            self._kept.popitem(last=False)


def share_weights(engine: Engine, other: Engine) -> int:
    """Let `engine` use what `other` has: the memory of parameters that are the same in both; returns how many."""
    mine, theirs = (getattr(one, "weights", None) for one in (engine, other))
    if mine is None or theirs is None:
        return 0
    engine.take_over(other)
    known = dict(theirs.named_parameters())
    shared = 0
    for name, weight in mine.named_parameters():
        twin = known.get(name)
        if twin is not None and twin.shape == weight.shape and twin.dtype == weight.dtype and weight.equal(twin):
            weight.data = twin.data
            shared += 1
    return shared


def answer(home: Home, engines: Engines, wish: Wish) -> Generator[Event, None, list[Answer]]:
    """Plays a round; yields what happens as it happens and returns the answers.  Stop asking to cancel it."""
    samplers = []
    for contender in wish.contenders:
        samplers.append((yield from _sampler(home, engines, wish, contender)))
    yield {"type": "phase", "what": "writing"}
    answers = yield from _interleaved(wish, samplers)
    if wish.judge is None:
        return answers
    judge = yield from _judge(home, engines, wish.judge)
    if judge is None:
        return answers
    yield {"type": "phase", "what": "judging"}
    judgements = judge.judge([(wish.item, answer.row) for answer in answers])
    judged = [a.model_copy(update={"judgement": j}) for a, j in zip(answers, judgements, strict=True)]
    for one in judged:
        yield _answered(one)
    return judged


def shared_length(a: str, b: str) -> int:
    """Length of the common beginning of two texts.

    >>> shared_length("It is", "It was"), shared_length("", "It")
    (3, 0)
    """
    if b.startswith(a):  # nearly always, and a long text is compared once a token
        return len(a)
    differing = (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y)
    return next(differing, min(len(a), len(b)))


def _answered(one: Answer) -> Event:
    return {"type": "answer", "answer": one.model_dump(mode="json")}


def _sampler(home: Home, engines: Engines, wish: Wish, contender: Contender) -> Generator[Event, None, Sampler]:
    """The variant as its sample run asks it, with the wish's own temperature, seed and length."""
    config = RunFolder(home.runs / contender.run).config
    if not engines.has(config.model):
        yield {"type": "phase", "what": f"loading {wish.contenders.index(contender) + 1} of {len(wish.contenders)}"}
    changes = {"temperature": wish.temperature, "seed": wish.seed, "max_new_tokens": wish.max_new_tokens}
    settings = SampleSettings.model_validate(config.settings).model_copy(update=changes | {"n": 1})
    sampler = Sampler(engines.of(config.model), load_prompt(settings.prompt), wish.examples, settings)
    _refuse_if_too_long(sampler, wish)
    return sampler


def _refuse_if_too_long(sampler: Sampler, wish: Wish) -> None:
    """`BadInput` where the prompt alone has more tokens than the model was made for; no name of a variant is in it."""
    config = getattr(getattr(sampler.engine, "weights", None), "config", None)
    most = getattr(config, "max_position_embeddings", None)
    asked = sum(sampler.engine.count_tokens(message.content) for message in sampler.chat(wish.item).messages)
    if most and asked >= most:
        raise BadInput(
            f"The question and its worked examples have {asked:,} tokens, and a variant reads {most:,} at most: "
            "shorten the question, or take fewer examples."
        )


def _interleaved(wish: Wish, samplers: Sequence[Sampler]) -> Generator[Event, None, list[Answer]]:
    """A token of each variant in turn, until all have ended."""
    began = time.monotonic()
    answers: dict[int, Answer] = {}
    said = [""] * len(samplers)
    first: dict[int, float] = {}
    going = {place: sampler.stream(wish.item) for place, sampler in enumerate(samplers)}
    while going:
        for place, stream in list(going.items()):
            try:
                text = next(stream).rstrip("\ufffd")  # half of a character: the next token brings the rest
            except StopIteration as end:
                del going[place]
                seconds = time.monotonic() - began
                answers[place] = Answer(
                    place=place,
                    row=end.value,
                    probabilities=_weighed(samplers[place], wish, end.value),
                    first=round(first.get(place, seconds), 3),
                    seconds=round(seconds, 3),
                )
                yield _answered(answers[place])
                continue
            first.setdefault(place, time.monotonic() - began)
            at = shared_length(said[place], text)
            said[place] = text
            yield {"type": "text", "place": place, "at": at, "add": text[at:]}
    return [answers[place] for place in sorted(answers)]


def _weighed(sampler: Sampler, wish: Wish, row: Explanation) -> list[float] | None:
    """What the variant would answer after its own explanation, as probabilities of the options."""
    if not wish.item.options or sampler.engine.cannot_choose(()):
        return None
    (probabilities,) = sampler.weigh([wish.item], [sampler.chat(wish.item)], [row])
    return None if np.isnan(probabilities).any() else [round(float(p), 6) for p in probabilities]


def _judge(home: Home, engines: Engines, run: str) -> Generator[Event, None, Judge | None]:
    """The judge as its run asks it; None, said in a note, where it can say nothing of such a question."""
    config = RunFolder(home.runs / run).config
    settings = JudgeSettings.model_validate(config.settings)
    if not engines.has(config.model):
        yield {"type": "phase", "what": "loading the judge"}
    engine, rubric = engines.of(config.model), load_rubric(settings.rubric)
    labels = [f" {label}" for label in rubric.labels]
    if settings.mode == "probabilities" and (reason := engine.cannot_choose(labels)):
        if settings.no_probabilities == "refuse":
            yield {"type": "note", "text": f"Nobody judged: probabilities were asked for, but {reason}."}
            return None
        settings = settings.model_copy(update={"mode": "written"})
    return Judge(engine, load_prompt(PROMPTS[settings.mode]), rubric, settings)


def drain(playing: Generator[Event, None, list[Answer]], go_on: Callable[[], bool]) -> Iterator[Event | list[Answer]]:
    """The events of a round, then its answers; ends early, without answers, when `go_on` says no."""
    while go_on():
        try:
            yield next(playing)
        except StopIteration as end:
            yield end.value
            return
    playing.close()
