"""How fast the lab judges: verdicts by probabilities against written ones, in one process, on the default model.

    .venv/bin/python bench/judging.py [--questions 16] [--n 4] [--batch 64] [--rounds 1]

The base model first writes N explanations of some questions of the set `material` (not timed).  Then each side
judges all of them on five criteria, in fp32 on a CPU, under the workers' allocator settings, with the lab's own
prompts.  The lab reads the probabilities of the verdict labels and generates nothing.  Against it stands one
greedy reply an explanation, meant to hold all five verdicts, from transformers `generate`, left-padded, `--batch`
explanations a call.  Small models write few replies that can be read, and what a reply costs hangs on its length,
so there are three of it:

- as it ends: the model's end token, or a line break by which all five verdicts can be read, ends it;
- shortest form: as many tokens as five lines "criterion: verdict" need, without the critique that the prompt
  asks for; no reply with five verdicts is cheaper, so this is a bound and what is written does not matter;
- until readable: the end token is held back until all five verdicts can be read, for at most 160 tokens.

What counts is seconds an explanation.

Not covered: whether the verdicts are any good (a 135M judge is near chance), the time to load a model and to
check its fast path, adapters, GPUs.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from harness import (
    Library,
    ModelName,
    Reply,
    Side,
    batches,
    load,
    material,
    measure,
    restart_with_allocator,
    show,
    show_ratios,
)

from core.engines import Engine
from core.method.judging import EXPLANATIONS_A_BATCH, PROMPTS, Judge, read_verdicts
from core.method.sampling import ROWS_A_BATCH, Sampler
from core.prompts import load_prompt
from core.records import Explanation, Item
from core.rubrics import Rubric, load_rubric
from core.settings import JudgeSettings, SampleSettings

if TYPE_CHECKING:
    from core.engines.hf import HFEngine

Asked = Sequence[tuple[Item, Explanation]]

WARM_UP_EXPLANATIONS = 2


def written_explanations(engine: Engine, questions: int, n: int) -> Asked:
    """Explanations by the base model, without the empty ones, which no judge is asked about."""
    items, examples = material(questions)
    sampler = Sampler(engine, load_prompt("explain"), examples, SampleSettings(n=n, forced=False))
    rows = [row for batch in batches(items, max(1, ROWS_A_BATCH // n)) for row in sampler.sample(batch)[0]]
    about = [item for item in items for _ in range(n)]
    return [(item, row) for item, row in zip(about, rows, strict=True) if row.explanation]


def judge_of(engine: Engine, mode: str) -> Judge:
    """The lab's judge with its default settings."""
    return Judge(engine, load_prompt(PROMPTS[mode]), load_rubric("five_criteria"), JudgeSettings(mode=mode))


# --- the sides


def by_probabilities(judge: Judge, asked: Asked) -> list[Reply]:
    """The lab's judge, batched as in a judge run; it writes nothing."""
    for batch in batches(asked, EXPLANATIONS_A_BATCH):
        judge.judge(batch)
    return []


def in_writing(
    library: Library,
    judge: Judge,
    stop: Callable[[list[int]], bool],
    size: int,
    shortest: int,
    longest: int,
    asked: Asked,
) -> list[Reply]:
    """Replies of `generate` to the prompt of the lab's writing judge, `size` explanations a call."""
    chats = [judge.chat(item, row) for item, row in asked]
    how = {"do_sample": False, "min_new_tokens": shortest}
    return [reply for batch in batches(chats, size) for reply in library.generate(batch, longest, stop, **how)]


def stop_when_read(engine: "HFEngine", rubric: Rubric) -> Callable[[list[int]], bool]:
    """Whether a row has just ended a line and every criterion has its verdict."""
    known = engine.vocabulary
    return lambda tokens: tokens[-1] in known.breaks and is_read(rubric, known.decode(tokens))


def is_read(rubric: Rubric, text: str) -> bool:
    """Whether a reply gives a verdict on every criterion."""
    return all(read_verdicts(text, rubric).values())


def shortest_form(engine: Engine, rubric: Rubric) -> int:
    """Tokens of the shortest reply that can be read: a line a criterion, and the end token."""
    forms = ["\n".join(f"{criterion.name}: {label}" for criterion in rubric.criteria) for label in rubric.labels]
    return min(engine.count_tokens(form) for form in forms) + 1


# --- the measurement


def sides_of(model: str, questions: int, n: int, batch: int) -> tuple[list[Side], Asked]:
    """Probabilities and the three kinds of written replies; and the explanations that all of them judge."""
    engine, library = load(model)
    asked = written_explanations(engine, questions, n)
    judge = judge_of(engine, "written")
    written = partial(in_writing, library, judge, stop_when_read(engine, judge.rubric), batch)
    form, limit = shortest_form(engine, judge.rubric), judge.settings.max_new_tokens
    ways = {
        "lab, probabilities": partial(by_probabilities, judge_of(engine, "probabilities")),
        "written, as it ends": partial(written, 0, limit),
        "written, shortest form": partial(written, form, form),
        "written, until readable": partial(written, limit, limit),
    }
    few = asked[:WARM_UP_EXPLANATIONS]
    return [Side(name, partial(way, few), partial(way, asked)) for name, way in ways.items()], asked


def report(sides: Sequence[Side], asked: Asked) -> None:
    """Seconds an explanation of each side, and the ratios of the written ones to probabilities."""
    rubric = load_rubric("five_criteria")
    each = [sum(side.seconds) / len(side.seconds) / len(asked) for side in sides]
    rows = [
        [
            side.name,
            f"{side.tokens[-1] / len(asked):.1f}",
            f"{sum(is_read(rubric, reply.text) for reply in side.replies)}" if side.replies else "all",
            f"{seconds:.3f}",
            f"{seconds / each[0]:.2f}",
        ]
        for side, seconds in zip(sides, each, strict=True)
    ]
    heads = ("side", "tokens each", "readable", "seconds each", "ratio")
    show(f"Judging {len(asked)} explanations on {len(rubric.criteria)} criteria", heads, rows)
    for side in sides[1:]:
        ratios = [written / read for read, written in zip(sides[0].seconds, side.seconds, strict=True)]
        show_ratios(f"{side.name.capitalize()}, to the lab's probabilities, seconds an explanation", ratios)


def main(
    questions: Annotated[int, typer.Option(min=1, help="Questions of the test split, at most.")] = 16,
    n: Annotated[int, typer.Option(min=1, help="Explanations a question.")] = 4,
    batch: Annotated[int, typer.Option(min=1, help="Explanations a call of generate.")] = EXPLANATIONS_A_BATCH,
    rounds: Annotated[int, typer.Option(min=1, help="How often every side is timed.")] = 1,
    model: ModelName = "default",
) -> None:
    """Time the lab's judging by probabilities against written verdicts."""
    restart_with_allocator()
    sides, asked = sides_of(model, questions, n, batch)
    measure(sides, rounds)
    report(sides, asked)


if __name__ == "__main__":
    typer.run(main)
