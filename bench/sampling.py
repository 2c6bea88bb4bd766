"""How fast the lab samples: its loop against transformers `generate`, in one process, on the default model or another.

    .venv/bin/python bench/sampling.py [--questions 32] [--n 4] [--max-new-tokens 96] [--rounds 1]

Every side answers the same two-shot explain prompts of the set `material`, N responses each, at temperature
0.8 without top-k or nucleus, in fp32 on a CPU, under the workers' allocator settings.  A row ends at the
model's end token or at the limit; nobody stops at a complete answer line, as the lab does in a run.  What
counts is tokens generated per second of the whole call, the end token included and padding not.  The sides
draw different random numbers, so they write somewhat different amounts: the table says how much.

Not covered: what is written (tests compare the lab's tokens with the library's), the time to load a model
and to check its fast path, adapters, GPUs.
"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

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

from core.engines import Chat, Engine, Sampling
from core.method.sampling import ROWS_A_BATCH
from core.prompts import load_prompt, task_chat
from core.seeds import seed_of

TEMPERATURE = 0.8
WARM_UP_TOKENS = 8
SEQUENCES_A_CALL = 32
"""Sequences that the library generates together in the row for context."""


def explain_chats(questions: int) -> list[Chat]:
    """The prompts with which a sample run asks a variant."""
    items, examples = material(questions)
    prompt = load_prompt("explain")
    return [task_chat(prompt, item, examples) for item in items]


def by_lab(engine: Engine, n: int, chats: Sequence[Chat], limit: int) -> list[Reply]:
    """Responses of the lab's engine, batched as in a sample run."""
    drawn = Sampling(temperature=TEMPERATURE, top_p=1.0, max_new_tokens=limit)
    seeds = [[seed_of("bench", i, k) for k in range(n)] for i in range(len(chats))]
    size = max(1, ROWS_A_BATCH // n)
    calls = zip(batches(chats, size), batches(seeds, size), strict=True)
    groups = [group for asked, seeded in calls for group in engine.generate(asked, seeded, drawn)]
    return [Reply(generation.text, generation.tokens) for group in groups for generation in group]


def by_library(library: Library, n: int, size: int, chats: Sequence[Chat], limit: int) -> list[Reply]:
    """Responses of the library's `generate`, `size` questions a call."""
    import torch

    torch.manual_seed(0)
    how = {"do_sample": True, "temperature": TEMPERATURE, "top_k": 0, "top_p": 1.0, "num_return_sequences": n}
    return [reply for asked in batches(chats, size) for reply in library.generate(asked, limit, **how)]


def sides_of(model: str, chats: Sequence[Chat], n: int, limit: int) -> list[Side]:
    """The lab, the library a question a call, and the library in batches; each warms up with one short call."""
    engine, library = load(model)
    together = max(1, SEQUENCES_A_CALL // n)
    ways = {
        "lab": (partial(by_lab, engine, n), max(1, ROWS_A_BATCH // n)),
        "generate, a question a call": (partial(by_library, library, n, 1), 1),
        f"generate, {together} questions a call": (partial(by_library, library, n, together), together),
    }
    return [
        Side(name, partial(way, chats[:size], WARM_UP_TOKENS), partial(way, chats, limit))
        for name, (way, size) in ways.items()
    ]


def report(sides: Sequence[Side], responses: int) -> None:
    """Tokens per second of each side, and the ratio to the library a question a call."""
    rounds = len(sides[0].seconds)
    rates = [sum(side.tokens) / sum(side.seconds) for side in sides]
    rows = [
        [
            side.name,
            f"{sum(side.tokens) / rounds / responses:.1f}",
            f"{sum(side.seconds) / rounds:.1f}",
            f"{rate:.1f}",
            f"{rate / rates[1]:.2f}",
        ]
        for side, rate in zip(sides, rates, strict=True)
    ]
    show(f"Sampling {responses} responses", ("side", "tokens a response", "seconds", "tokens/s", "ratio"), rows)
    lab, alone = ([a / b for a, b in zip(side.tokens, side.seconds, strict=True)] for side in sides[:2])
    ratios = [a / b for a, b in zip(lab, alone, strict=True)]
    show_ratios("Lab to generate with a question a call, tokens/s", ratios)


def main(
    questions: Annotated[int, typer.Option(min=1, help="Questions of the test split, at most.")] = 32,
    n: Annotated[int, typer.Option(min=1, help="Responses a question.")] = 4,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest response, in tokens.")] = 96,
    rounds: Annotated[int, typer.Option(min=1, help="How often every side is timed.")] = 1,
    model: ModelName = "default",
) -> None:
    """Time the lab's sampling against transformers generate."""
    restart_with_allocator()
    chats = explain_chats(questions)
    sides = sides_of(model, chats, n, max_new_tokens)
    measure(sides, rounds)
    report(sides, len(chats) * n)


if __name__ == "__main__":
    typer.run(main)
