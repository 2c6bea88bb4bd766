"""How soon the Playground answers and how fast it writes: a cold worker against a warm one, four variants against two.

    .venv/bin/python bench/playground.py [--rounds 3] [--home FOLDER]

The lab must have two variants with samples (`make demo`); where it has four, rounds of four are measured too.  Every
round asks the same question of `material` with the same seed, so that all rounds of a size write the same tokens,
through the worker process and the files that the page uses.  Clocks start when the question is put into the queue.
First token: the first word of any column is in the file that the page reads.  Written: all columns are whole and
their options weighed.  Cold: the worker is started by the question.

Not covered: the page, which looks at the file twice a second; reading weights from a cold disk; a run beside it.
The lab's own playground and journal are not touched: the worker has a folder of its own that links to the runs.
"""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from harness import console, material, processor, show, show_ratios

from core.home import Home, default_home
from core.playground import rounds, serving
from core.playground.records import Contender, Wish
from core.playground.sessions import contenders, judges
from core.store.database import Store

LOOK_SECONDS = 0.005
MOST_SECONDS = 600.0
SIZES = (2, 4)
"""Variants of a round."""


@dataclass(frozen=True)
class Timing:
    """One round, seconds since it was asked."""

    first: float
    written: float
    judged: float
    tokens: int
    """Of all variants."""
    writing: float
    """Seconds of writing, from the first prompt to the last option weighed."""

    @property
    def rate(self) -> float:
        """Tokens a second, of all variants together."""
        return self.tokens / self.writing


@contextmanager
def beside(lab: Home) -> Iterator[Home]:
    """A state folder that has the runs and models of another and nothing else of it."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("runs", "models", "dtype.json"):
            if (lab.path / name).exists():
                (Path(folder) / name).symlink_to(lab.path / name)
        yield Home(Path(folder))


def time_round(home: Home, chosen: list[Contender], judge: str | None, tokens: int) -> Timing:
    """Ask, and watch the round's file as a page does."""
    items, examples = material(1)
    wish = Wish(
        round=rounds.new_round(),
        session="bench",
        blind=True,
        item=items[0],
        contenders=chosen,
        judge=judge,
        examples=examples,
        temperature=0.8,
        max_new_tokens=tokens,
        seed=0,
    )
    began = time.monotonic()
    rounds.ask(home, wish)
    serving.start(home)
    seen: dict[str, float] = {}
    while "ended" not in seen:
        now = time.monotonic() - began
        if now > MOST_SECONDS:
            raise SystemExit(f"The round has not ended in {MOST_SECONDS:.0f} s: see {home.playground / 'log.txt'}.")
        found = rounds.look(home, wish.round)
        if found.texts:
            seen.setdefault("first", now)
        if len(found.answers) == len(chosen):
            seen.setdefault("written", now)
        if not found.waiting and found.status != "cut off":
            seen["ended"] = now
        time.sleep(LOOK_SECONDS)
    if found.status != "done":
        raise SystemExit(f"The round failed: {found.message}")
    answers = found.answers.values()
    written = sum(answer.row.tokens for answer in answers)
    return Timing(seen["first"], seen["written"], seen["ended"], written, max(a.seconds for a in answers))


def end_worker(home: Home) -> None:
    """End the worker that a round started, so that the next one starts cold."""
    os.kill(int(rounds.lock_path(home).read_text()), signal.SIGKILL)
    while rounds.alive(home):
        time.sleep(LOOK_SECONDS)


def measure(home: Home, chosen: list[Contender], judge: str | None, tokens: int) -> tuple[Timing, Timing]:
    """A round that starts the worker, and one after it."""
    try:
        return time_round(home, chosen, judge, tokens), time_round(home, chosen, judge, tokens)
    finally:
        end_worker(home)


def row(name: str, timing: Timing) -> list[str]:
    seconds = (timing.first, timing.written, timing.judged)
    return [name, *(f"{value:.2f}" for value in seconds), f"{timing.tokens}", f"{timing.rate:.1f}"]


def main(
    times: Annotated[int, typer.Option("--rounds", min=1, help="How often everything is measured.")] = 3,
    tokens: Annotated[int, typer.Option(min=1, help="Longest answer.")] = 96,
    home: Annotated[Path | None, typer.Option(help="The lab whose variants answer; the default one else.")] = None,
) -> None:
    """Time rounds of the Playground, cold and warm, with two variants and with four."""
    with beside(Home(home) if home else default_home()) as bench:
        store = Store(bench, None)
        store.ingest()
        known, judging = contenders(store), judges(store)
        store.close()
        judge = judging[0].run if judging else None
        if len(known) < SIZES[0]:
            raise SystemExit("The Playground needs two variants with samples: run `make demo` first.")
        console.print(f"machine  {processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        console.print(f"judge    {judging[0].name if judging else 'nobody'}")
        sizes = [size for size in SIZES if size <= len(known)]
        found = {size: [measure(bench, known[:size], judge, tokens) for _ in range(times)] for size in sizes}
    report(found)


def report(found: dict[int, list[tuple[Timing, Timing]]]) -> None:
    """Every round as a row, and the ratios."""
    heads = ("round", "first token, s", "written, s", "judged, s", "tokens", "tokens/s")
    rows = [
        row(f"{size} variants, {name}", timing)
        for size, pairs in found.items()
        for pair in pairs
        for name, timing in zip(("cold", "warm"), pair, strict=True)
    ]
    show("The Playground, seconds since the question was asked", heads, rows)
    for size, pairs in found.items():
        show_ratios(f"first token, cold / warm, {size} variants", [cold.first / warm.first for cold, warm in pairs])
    if len(found) == len(SIZES):
        two, four = (found[size] for size in SIZES)
        show_ratios(
            "tokens a second, 4 variants / 2, warm", [b[1].rate / a[1].rate for a, b in zip(two, four, strict=True)]
        )
        show_ratios(
            "written, 4 variants / 2, warm", [b[1].written / a[1].written for a, b in zip(two, four, strict=True)]
        )


if __name__ == "__main__":
    typer.run(main)
