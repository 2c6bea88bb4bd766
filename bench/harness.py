"""What the benchmarks share: the workers' allocator, the model, the library's own generate, clocks, tables.

Not covered: what a benchmark measures.  That is in its own file; this one is not run by itself.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from core.data.datasets import load_settings, read_items, select_items
from core.engines import Chat
from core.home import SAMPLES, default_home
from core.models.finding import resolve_model
from core.records import Item
from core.runs.detached import ALLOCATOR
from core.settings import Example, Selection

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from core.engines.hf import HFEngine

console = Console(highlight=False)

T = TypeVar("T")

ModelName = Annotated[str, typer.Option("--model", help="default, a registered name, a folder or a Hub id.")]


def restart_with_allocator() -> None:
    """Start this process again with the allocator settings of the lab's workers, unless it has them.

    glibc reads them when a process starts.  Call it before torch is imported, which takes seconds.
    """
    if any(os.environ.get(name) != value for name, value in ALLOCATOR.items()):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | ALLOCATOR)


# --- models and questions


@dataclass(frozen=True)
class Reply:
    """What was written for a prompt."""

    text: str
    tokens: int
    """Tokens generated, the end token included and padding not."""


@dataclass(frozen=True)
class Library:
    """The default model as transformers loads and runs it: its own attention, cache and `generate`."""

    weights: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"

    def generate(
        self, chats: Sequence[Chat], limit: int, stop: Callable[[list[int]], bool] | None = None, **how: object
    ) -> list[Reply]:
        """Replies of at most `limit` tokens to the chats as one left-padded batch; `how` goes to the library.

        `stop` is asked with the new tokens of each row after every step; True ends the row.
        """
        from core.engines.chats import ChatTokenizer

        prompts = [ChatTokenizer(self.tokenizer).prompt(chat) for chat in chats]
        batch = self.tokenizer.pad({"input_ids": [list(p) for p in prompts]}, padding_side="left", return_tensors="pt")
        start = batch["input_ids"].shape[1]
        if stop:
            how["stopping_criteria"] = [_criterion(stop, start)]
        rows = self.weights.generate(**batch, max_new_tokens=limit, pad_token_id=self.tokenizer.pad_token_id, **how)
        return [self._reply(row) for row in rows[:, start:].tolist()]

    def _reply(self, row: list[int]) -> Reply:
        """A row up to its end token, or to the first padding of a row that was stopped."""
        from core.engines.weights import end_tokens

        ends = {*end_tokens(self.weights, self.tokenizer), self.tokenizer.pad_token_id}
        size = next((i + 1 for i, token in enumerate(row) if token in ends), len(row))
        return Reply(self.tokenizer.decode(row[:size], skip_special_tokens=True), size)


def _criterion(stop: Callable[[list[int]], bool], start: int) -> "Callable[..., torch.Tensor]":
    """A row-wise stop as transformers asks for it."""

    def stopped(input_ids: "torch.Tensor", scores: object, **_: object) -> "torch.Tensor":
        return input_ids.new_tensor([stop(row) for row in input_ids[:, start:].tolist()]).bool()

    return stopped


def load(name: str) -> tuple["HFEngine", Library]:
    """A model twice: as the lab's engine, and with weights of its own as the library runs it.

    The lab's engine changes the attention of its weights, so the two must not share them.
    """
    from transformers.utils.logging import disable_progress_bar

    from core.engines.hf import load_engine, load_weights

    disable_progress_bar()
    model = resolve_model(name, default_home())
    engine = load_engine(model)
    describe(engine)
    return engine, Library(*load_weights(model, []))


def describe(engine: "HFEngine") -> None:
    """Say what is measured, and on what."""
    import torch
    import transformers

    known = engine.provenance()
    console.print(f"model    {known['model']} {str(known['model_hash'])[:12]}, {known['dtype']} on {known['device']}")
    console.print(f"engine   {known['engine']}")
    console.print(f"library  transformers {transformers.__version__}, torch {torch.__version__}")
    console.print(f"machine  {processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} torch threads")


def processor() -> str:
    """Name of the processor as Linux gives it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown processor")


def material(questions: int) -> tuple[list[Item], list[Example]]:
    """Test questions of the committed set `material`, at most so many, and its worked examples."""
    path, settings = load_settings(SAMPLES / "material.toml")
    items = [row for row in read_items(path, settings) if isinstance(row, Item)]
    return select_items(items, Selection(split="test", limit=questions)), settings.examples


def batches(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Rows in order, `size` at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


# --- clocks


@dataclass
class Side:
    """One way of doing the work, and what was measured of it."""

    name: str
    warm_up: Callable[[], object]
    """A little of the same work, not timed."""
    work: Callable[[], list[Reply]]
    """All of the work; returns what it wrote."""
    replies: list[Reply] = field(default_factory=list)
    """Of the last round."""
    tokens: list[int] = field(default_factory=list)
    """Tokens written in each round."""
    seconds: list[float] = field(default_factory=list)
    """Seconds of each round."""

    def run(self) -> None:
        """Warm up, do the work, note its time."""
        self.warm_up()
        began = time.perf_counter()
        self.replies = self.work()
        self.seconds.append(time.perf_counter() - began)
        self.tokens.append(sum(reply.tokens for reply in self.replies))


def measure(sides: Sequence[Side], rounds: int) -> None:
    """Run every side once a round."""
    for number in range(1, rounds + 1):
        for side in sides:
            with console.status(f"round {number} of {rounds}: {side.name}"):
                side.run()


def median_seconds(work: Callable[[], object], times: int = 5) -> float:
    """Median time of some calls, after one that is not timed."""
    work()
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


# --- tables


def show(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose first column is text and whose others are numbers."""
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for i, head in enumerate(heads):
        table.add_column(head, justify="right" if i else "left", no_wrap=not i)
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(table)


def show_ratios(what: str, ratios: Sequence[float]) -> None:
    """Print the ratio of each round, and the median where there are several."""
    listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    median = f" (median {statistics.median(ratios):.2f})" if len(ratios) > 1 else ""
    console.print(f"{what}: [bold]{listed}[/]{median}", soft_wrap=True)
