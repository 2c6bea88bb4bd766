"""What bf16 brings and changes on this CPU, end to end: the same sampling and judging in fp32 and in bf16.

    .venv/bin/python bench/dtype.py [--questions 16] [--n 4] [--max-new-tokens 48] [--rounds 3]

Both engines hold the default model in one process and take turns.  Beside the rates stand the ratio of the matmuls
by which a home chooses its dtype (`core.engines.weights.choose_dtype`), and what bf16 changes: the verdicts of the
same explanations, and how far the fast path is from the library's own path in each dtype, next to how far two of the
library's own paths (sdpa and eager attention) are from one another.  `ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16` before the
command shows the same processor without its matrix units.

Not covered: training, which is in fp32 on a CPU; GPUs.
"""

import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from harness import ModelName, Side, console, describe, material, measure, restart_with_allocator, show, show_ratios
from judging import Asked, by_probabilities, judge_of, written_explanations
from sampling import by_lab, explain_chats

from core.home import default_home
from core.models.finding import resolve_model
from core.records import Judgement

if TYPE_CHECKING:
    from core.engines.hf import HFEngine

DTYPES = ("float32", "bfloat16")

WARM_UP = 2
"""Questions, or explanations, of the same work that are not timed."""


def engine_in(dtype: str, model: str) -> "HFEngine":
    """A model in a dtype, its fast path checked."""
    from core.engines.hf import load_engine
    from core.engines.weights import OVERRULED_BY

    os.environ[OVERRULED_BY] = dtype
    engine = load_engine(resolve_model(model, default_home()))
    describe(engine)
    return engine


def judge_all(engine: "HFEngine", asked: Asked) -> list[Judgement]:
    return judge_of(engine, "probabilities").judge(asked)


# --- what bf16 changes


def paths_apart(engine: "HFEngine", dtype: str) -> list[str]:
    """Largest differences of next-token log-probabilities: fast path to the library's, and sdpa to eager."""
    from core.engines.fidelity import log_probabilities_apart as apart
    from core.engines.hf import PlainReader

    items, _ = material(8)
    prompts = [engine.chats.prompt(chat) for chat in explain_chats(len(items))]
    fast = engine._reader.logits(prompts)
    plain = {}
    for name in ("sdpa", "eager"):
        engine.weights.set_attn_implementation(name)
        plain[name] = PlainReader(engine.weights).logits(prompts)
    return [
        dtype,
        f"{max(apart(fast[p], plain['sdpa'][p]) for p in prompts):.2g}",
        f"{max(apart(plain['eager'][p], plain['sdpa'][p]) for p in prompts):.2g}",
    ]


def verdicts_apart(judgements: Sequence[Sequence[Judgement]]) -> list[list[str]]:
    """How the verdicts of two judges on the same explanations differ."""
    pairs = [
        (a, b)
        for one, other in zip(*judgements, strict=True)
        for a, b in zip(one.verdicts, other.verdicts, strict=True)
    ]
    moved = [np.abs(np.subtract(a.probabilities, b.probabilities)).max() for a, b in pairs]
    totals = np.array([[row.expected for row in rows] for rows in judgements])
    return [
        ["verdicts that differ", f"{sum(a.verdict != b.verdict for a, b in pairs)} of {len(pairs)}"],
        ["probability of a verdict, largest difference", f"{max(moved):.3f}"],
        ["expected total, mean absolute difference", f"{np.abs(totals[0] - totals[1]).mean():.3f}"],
        ["expected total, standard deviation in fp32", f"{totals[0].std():.3f}"],
    ]


# --- the measurement


def main(
    questions: Annotated[int, typer.Option(min=1, help="Questions of the test split, at most.")] = 16,
    n: Annotated[int, typer.Option(min=1, help="Responses a question.")] = 4,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest response, in tokens.")] = 48,
    rounds: Annotated[int, typer.Option(min=1, help="How often every side is timed.")] = 3,
    model: ModelName = "default",
) -> None:
    """Time sampling and judging in fp32 and bf16, and say what bf16 changes."""
    restart_with_allocator()
    from core.engines.weights import time_matmuls

    engines = {dtype: engine_in(dtype, model) for dtype in DTYPES}
    asked = written_explanations(engines["float32"], questions, n)
    chats = explain_chats(questions)
    sampling = [
        Side(d, partial(by_lab, e, n, chats[:WARM_UP], max_new_tokens), partial(by_lab, e, n, chats, max_new_tokens))
        for d, e in engines.items()
    ]
    judging = [
        Side(d, partial(by_probabilities, j, asked[:WARM_UP]), partial(by_probabilities, j, asked))
        for d, j in ((d, judge_of(e, "probabilities")) for d, e in engines.items())
    ]
    measure([*sampling, *judging], rounds)
    seconds = time_matmuls()
    rows = [
        [
            dtype,
            f"{1000 * seconds[dtype]:.1f}",
            f"{max(t / s for t, s in zip(sampling[i].tokens, sampling[i].seconds, strict=True)):.0f}",
            f"{min(judging[i].seconds) / len(asked):.3f}",
        ]
        for i, dtype in enumerate(DTYPES)
    ]
    show("Best of the rounds", ("dtype", "matmuls, ms", "tokens/s", "s an explanation judged"), rows)
    console.print(f"\nMatmuls, fp32 to bf16: [bold]{seconds['float32'] / seconds['bfloat16']:.2f}[/]")
    rates = [[t / s for t, s in zip(side.tokens, side.seconds, strict=True)] for side in sampling]
    show_ratios("Sampling in bf16 to fp32, tokens/s", [b / a for a, b in zip(*rates, strict=True)])
    times = [side.seconds for side in judging]
    show_ratios("Judging in bf16 to fp32, explanations/s", [a / b for a, b in zip(*times, strict=True)])
    show(
        f"What bf16 changes, {len(asked)} explanations",
        ("", ""),
        verdicts_apart([judge_all(engine, asked) for engine in engines.values()]),
    )
    show(
        "Log-probabilities of the next token, largest difference",
        ("dtype", "fast to sdpa", "eager to sdpa"),
        [paths_apart(engine, dtype) for dtype, engine in engines.items()],
    )


if __name__ == "__main__":
    typer.run(main)
