"""Judging: five criteria, four verdicts, one score (paper section 3.2).

Three modes, stored alike.  `probabilities`: nothing is generated, the probabilities of the verdict
labels are read at each criterion.  `written`: the judge writes a critique and a verdict a criterion.
`reader`: not a rubric but a check beside it: does the explanation lead a reader to the gold option
(simulatability, Hase et al. 2020)?  A reply that cannot be read is kept as it is and has no score.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.data.datasets import load_items
from core.engines import Chat, Engine, Sampling
from core.errors import BadInput
from core.method.fallback import settings_at_hand
from core.method.reading.verdicts import read_verdicts
from core.models.variants import load_variant
from core.prompts import Prompt, load_prompt, option_text, question_values
from core.records import CriterionVerdict, Explanation, Item, Judgement
from core.rubrics import Rubric, load_rubric
from core.runs.batches import note_halving, plan_rows
from core.runs.work import Work
from core.seeds import seed_of
from core.settings import JudgeSettings

EXPLANATIONS_A_BATCH = 64
"""Explanations judged together; fixed, so that a resumed run batches as an undisturbed one."""

OWN_PROMPT_TOKENS = 300
"""About how many tokens of a judge's prompt are a row's own: question and explanation."""

PROMPTS = {"probabilities": "judge", "written": "judge_written", "reader": "reader"}
"""Prompt file of each mode."""

READER = "reader"
"""Name that the reader's choice is stored under, in a criterion's place."""


@dataclass(frozen=True)
class Judge:
    """What it takes to judge: engine, prompt, rubric, settings."""

    engine: Engine
    prompt: Prompt
    rubric: Rubric
    settings: JudgeSettings

    def judge(self, asked: Sequence[tuple[Item, Explanation]]) -> list[Judgement]:
        """A judgement of each explanation, in order; empty ones by rule if the settings say so."""
        by_model = [pair for pair in asked if not (self._by_rule(pair[1]) or pair[1].only_thought)]
        judged = iter(self._ask(by_model))
        return [self._without_asking(row) or next(judged) for _, row in asked]

    def _without_asking(self, row: Explanation) -> Judgement | None:
        """What is said of an explanation that the judge is not asked about; None of one that it is."""
        if row.only_thought:
            return _judgement(row, [], unjudged="There is nothing after the thought: it was cut off.")
        return _worst(row, self.rubric) if self._by_rule(row) else None

    @property
    def at_once(self) -> tuple[int, int]:
        """(tokens that a row's cache grows to, rows) of a batch: written replies, or prompts that are weighed."""
        if self.settings.mode == "written":
            return self.settings.max_new_tokens + OWN_PROMPT_TOKENS, EXPLANATIONS_A_BATCH
        asked = len(self.rubric.criteria) if self.settings.mode == "probabilities" else 1
        return 0, EXPLANATIONS_A_BATCH * asked

    def chat(self, item: Item, row: Explanation, criterion: str = "") -> Chat:
        return judge_chat(self.prompt, self.rubric, self.settings.show_gold, item, row, criterion)

    def _by_rule(self, row: Explanation) -> bool:
        rules = self.settings.mode != "reader" and self.settings.empty == "rule"
        return rules and not (row.explanation or row.only_thought)

    def _ask(self, asked: Sequence[tuple[Item, Explanation]]) -> list[Judgement]:
        match self.settings.mode:
            case "probabilities":
                return self._by_probabilities(asked)
            case "written":
                return self._in_writing(asked)
            case "reader":
                return self._as_reader(asked)

    def _by_probabilities(self, asked: Sequence[tuple[Item, Explanation]]) -> list[Judgement]:
        criteria = self.rubric.criteria
        chats = [self.chat(item, row, criterion=c.key) for item, row in asked for c in criteria]
        labels = [f" {label}" for label in self.rubric.labels]
        logs = self.engine.choose(chats, [labels] * len(chats))
        width = len(criteria)
        return [
            _from_probabilities(row, self.rubric, [np.exp(log) for log in logs[i * width : (i + 1) * width]])
            for i, (_, row) in enumerate(asked)
        ]

    def _in_writing(self, asked: Sequence[tuple[Item, Explanation]]) -> list[Judgement]:
        chats = [self.chat(item, row) for item, row in asked]
        repeat = [self.settings.repeat] if self.settings.repeat else []
        seeds = [[seed_of("judge", item.id, row.sample, *repeat)] for item, row in asked]
        settings = self.settings
        drawn = Sampling(temperature=settings.temperature, top_p=1.0, max_new_tokens=settings.max_new_tokens)
        replies = self.engine.generate(chats, seeds, drawn)
        settled = [reply[0].settled(settings.only_thought) for reply in replies]
        return [
            from_reply(row, self.rubric, reply.text).model_copy(update={"thought": reply.thought})
            for (_, row), reply in zip(asked, settled, strict=True)
        ]

    def _as_reader(self, asked: Sequence[tuple[Item, Explanation]]) -> list[Judgement]:
        chats = [self.chat(item, row) for item, row in asked]
        options = [[f" {option.text}" for option in item.options] for item, _ in asked]
        logs = self.engine.choose(chats, options)
        return [_from_reader(item, row, log) for (item, row), log in zip(asked, logs, strict=True)]


def judge_chat(
    prompt: Prompt, rubric: Rubric, show_gold: bool, item: Item, row: Explanation, criterion: str = ""
) -> Chat:
    """What a judge sees of an explanation; the gold answer only if the settings say so.

    `criterion` is the key of the one it is asked about; a written judge is asked about all at once.
    """
    gold = f"Right answer: {option_text(item, item.gold)}" if show_gold and item.gold else ""
    answer = option_text(item, row.parsed) if row.parsed else "(none given)"
    return prompt.chat(
        rubric=rubric.as_text(),
        explanation=row.explanation,
        answer=answer,
        gold=gold,
        criterion=criterion,
        **question_values(item),
    )


def _worst(row: Explanation, rubric: Rubric) -> Judgement:
    """An empty explanation: the worst verdict on every criterion, by rule (setting `empty`)."""
    worst = rubric.verdicts[0]
    sure = [1.0] + [0.0] * (len(rubric.verdicts) - 1)
    verdicts = [
        CriterionVerdict(criterion=c.key, verdict=worst.label, value=float(worst.value), probabilities=sure)
        for c in rubric.criteria
    ]
    total = worst.value * len(rubric.criteria)
    return _judgement(row, verdicts, total=total, expected=float(total), origin="rule")


def _from_probabilities(row: Explanation, rubric: Rubric, by_criterion: Sequence[np.ndarray]) -> Judgement:
    dark = [c.name for c, p in zip(rubric.criteria, by_criterion, strict=True) if np.isnan(p).any()]
    if dark:
        unread = [_unread(c.key) for c in rubric.criteria]
        return _judgement(row, unread, unjudged=f"The judge's likeliest words tell no verdict on: {', '.join(dark)}.")
    values = np.array(rubric.values, dtype=float)
    verdicts = [
        CriterionVerdict(
            criterion=criterion.key,
            verdict=rubric.labels[int(p.argmax())],
            value=round(float(p @ values), 6),
            probabilities=[round(float(x), 6) for x in p],
        )
        for criterion, p in zip(rubric.criteria, by_criterion, strict=True)
    ]
    total = sum(rubric.values[int(p.argmax())] for p in by_criterion)
    expected = round(sum(float(p @ values) for p in by_criterion), 6)
    return _judgement(row, verdicts, total=total, expected=expected)


def _unread(criterion: str) -> CriterionVerdict:
    """Nothing could be read on this criterion."""
    return CriterionVerdict(criterion=criterion, verdict=None, value=None, probabilities=None)


def from_reply(row: Explanation, rubric: Rubric, reply: str) -> Judgement:
    """A written reply as a judgement: all criteria must have a verdict, or there is no score."""
    found = read_verdicts(reply, rubric)
    numbers = dict(zip(rubric.labels, rubric.values, strict=True))
    verdicts = [
        CriterionVerdict(
            criterion=c.key,
            verdict=found[c.key],
            value=float(numbers[found[c.key]]) if found[c.key] else None,
            probabilities=None,
        )
        for c in rubric.criteria
    ]
    missing = [c.name for c in rubric.criteria if found[c.key] is None]
    if missing:
        return _judgement(row, verdicts, reply=reply, unjudged=f"No verdict can be read on: {', '.join(missing)}.")
    return _judgement(row, verdicts, total=sum(numbers[found[c.key]] for c in rubric.criteria), reply=reply)


def _from_reader(item: Item, row: Explanation, logs: np.ndarray) -> Judgement:
    if np.isnan(logs).any():
        return _judgement(row, [_unread(READER)], unjudged="The reader's likeliest words tell no option.")
    labels = [option.label for option in item.options]
    gold = None if item.gold is None else float(logs[labels.index(item.gold)])
    choice = CriterionVerdict(
        criterion=READER,
        verdict=labels[int(logs.argmax())],
        value=gold,
        probabilities=[round(float(p), 6) for p in np.exp(logs)],
    )
    unjudged = "The question has no gold label." if gold is None else None
    return _judgement(row, [choice], expected=gold, unjudged=unjudged)


def _judgement(
    row: Explanation,
    verdicts: list[CriterionVerdict],
    *,
    total: int | None = None,
    expected: float | None = None,
    origin: str = "model",
    reply: str | None = None,
    unjudged: str | None = None,
) -> Judgement:
    return Judgement(
        item_id=row.item_id,
        sample=row.sample,
        origin=origin,
        verdicts=verdicts,
        total=total,
        expected=expected,
        reply=reply,
        unjudged=unjudged,
    )


# --- the run


def run_judge(work: Work) -> None:
    """Judge every explanation of a sample run.  Parents: dataset, samples."""
    settings = JudgeSettings.model_validate(work.config.settings)
    items = {item.id: item for item in load_items(work.parent("dataset"))}
    rows = work.parent("samples").read("explanations", Explanation)
    done = {(row.item_id, row.sample) for row in work.folder.read("judgements", Judgement)}
    if len(done) < len(rows):
        judge = _open_judge(work, settings)
        plan_rows(work, judge.engine, *judge.at_once)
        for batch in _batches(rows):
            _judge_batch(work, judge, [(items[row.item_id], row) for row in batch], done)
            note_halving(work, judge.engine)
            work.progress(len(done), len(rows), "judgements")
    judgements = work.folder.read("judgements", Judgement)
    work.summary |= {
        "judgements": len(judgements),
        "unjudged": sum(row.unjudged is not None for row in judgements),
        "by_rule": sum(row.origin == "rule" for row in judgements),
    }


def _open_judge(work: Work, settings: JudgeSettings) -> Judge:
    engine = load_variant(work.home, work.config.model, moment=work.parent("samples").moment)
    work.loaded(engine.provenance())
    rubric = load_rubric(settings.rubric)
    settings = _settings_at_hand(work, engine, settings, rubric)
    return Judge(engine, load_prompt(PROMPTS[settings.mode]), rubric, settings)


def _settings_at_hand(work: Work, engine: Engine, settings: JudgeSettings, rubric: Rubric) -> JudgeSettings:
    """The settings, but written verdicts in place of probabilities that the judge cannot give; the run says so."""
    asked = [f" {label}" for label in rubric.labels] if settings.mode == "probabilities" else []
    if settings.mode == "reader" and (reason := engine.cannot_choose(asked)):
        raise BadInput(f"A reader is read by probabilities, and {reason}: choose another reader.")
    rows = work.folder.read("judgements", Judgement)
    begun = {row.reply is not None for row in rows if row.origin == "model"}
    return settings_at_hand(work, engine, settings, asked, begun)


def _batches(rows: Sequence[Explanation]) -> Iterator[Sequence[Explanation]]:
    for start in range(0, len(rows), EXPLANATIONS_A_BATCH):
        yield rows[start : start + EXPLANATIONS_A_BATCH]


def _judge_batch(
    work: Work, judge: Judge, asked: Sequence[tuple[Item, Explanation]], done: set[tuple[str, int]]
) -> None:
    if {(row.item_id, row.sample) for _, row in asked} <= done:
        return
    work.raise_if_stopped()
    began = time.monotonic()
    judgements = judge.judge(asked)
    work.append("judgements", [row for row in judgements if (row.item_id, row.sample) not in done])
    done |= {(row.item_id, row.sample) for row in judgements}
    spent = judge.engine.spent.take()
    work.cost(spent.read, spent.generated, time.monotonic() - began, spent.unshared)
