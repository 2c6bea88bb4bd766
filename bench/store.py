"""How fast run folders become the database, and how long a page of it takes: figures, no claim.

    .venv/bin/python bench/store.py [--explanations 20000]

A lab with four variants is made in a temporary folder, with sealed runs written by the lab's own records: an
import, and for each variant a sample run (N = 4) and a judge run, whose texts and verdicts a scripted engine
makes up.  Measured are the first ingest of all of it into a database file, a second one that finds nothing new,
a browse of all explanations and one that filters them, and the evaluations with all their intervals.

Not covered: the time to write run folders, other processes that use the machine, the pages around the queries.
"""

import json
import random
import tempfile
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from harness import batches, console, median_seconds, processor, show

from core.analysis.browsing import Wanted, facets, page
from core.analysis.catalogue import catalogue
from core.analysis.narrow_rows import NarrowRows, narrow_rows
from core.analysis.results import evaluations
from core.data.datasets import import_dataset, load_items, load_settings
from core.engines import Chat
from core.engines.scripted import ScriptedEngine
from core.home import Home
from core.method.judging import EXPLANATIONS_A_BATCH, Judge
from core.method.sampling import ROWS_A_BATCH, Sampler, summarise
from core.models.finding import ModelRef
from core.models.variants import use_of
from core.prompts import load_prompt
from core.records import Explanation, Item
from core.rubrics import load_rubric
from core.runs.folders import RunFolder, create_run
from core.runs.plan import run_config
from core.runs.work import Work
from core.settings import CompareSettings, JudgeSettings, SampleSettings, Selection
from core.store.database import Store, open_store

LABELS = ["wood", "metal", "glass", "cloth", "paper", "plastic"]
VARIANTS = ["base", "sft", "rank", "anchor"]
WORDS = "it is made to be hard and clear so that light can pass and nails hold in a thing which people use"
WORDS_A_RESPONSE = 40
MODEL = ModelRef(name="scripted", path="", hash="scripted", source="made up for a benchmark")


# --- a lab to take in


def make_lab(home: Home, explanations: int) -> None:
    """Sealed runs with `explanations` explanations over all variants, and as many judgements."""
    settings = SampleSettings(n=4, select=Selection(split="test"))
    dataset = make_dataset(home, max(1, explanations // len(VARIANTS) // settings.n))
    for label in VARIANTS:
        samples = make_samples(home, dataset, label, settings)
        make_judgements(home, dataset, samples, label)


def make_dataset(home: Home, questions: int) -> RunFolder:
    """An imported data set in which every question is a test question."""
    path = home.path / "things.jsonl"
    home.path.mkdir(parents=True, exist_ok=True)
    rows = [
        {"id": f"thing-{i}", "question": f"What is thing {i} usually made of?", "label": LABELS[i % len(LABELS)]}
        for i in range(questions)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return import_dataset(home, *load_settings(path, name="things", gold="label", labels=LABELS, test=1.0))


def make_samples(home: Home, dataset: RunFolder, label: str, settings: SampleSettings) -> RunFolder:
    """A sample run of a variant."""
    items = load_items(dataset)
    sampler = Sampler(ScriptedEngine(respond, weigh), load_prompt(settings.prompt), [], settings)
    config = run_config("sample", label, settings, {"dataset": dataset.id}, use_of(MODEL, label))
    folder = create_run(home, config)
    with Work(folder) as work:
        work.started()
        for batch in batches(items, ROWS_A_BATCH // settings.n):
            work.append("explanations", sampler.sample(batch)[0])
        work.summary |= summarise(folder.read("explanations", Explanation), items)
    return folder


def make_judgements(home: Home, dataset: RunFolder, samples: RunFolder, label: str) -> None:
    """A judge run over a sample run."""
    settings, rubric = JudgeSettings(), load_rubric("five_criteria")
    judge = Judge(ScriptedEngine(respond, weigh), load_prompt("judge"), rubric, settings)
    items = {item.id: item for item in load_items(dataset)}
    parents = {"dataset": dataset.id, "samples": samples.id}
    with Work(create_run(home, run_config("judge", label, settings, parents, use_of(MODEL)))) as work:
        work.started()
        for batch in batches(samples.read("explanations", Explanation), EXPLANATIONS_A_BATCH):
            work.append("judgements", judge.judge(asked(items, batch)))


def asked(items: dict[str, Item], rows: Sequence[Explanation]) -> list[tuple[Item, Explanation]]:
    """Explanations beside their questions."""
    return [(items[row.item_id], row) for row in rows]


def respond(chat: Chat, seed: int) -> str:
    """Words of the length of a real response; three in four have an answer line."""
    dice = random.Random(seed)
    text = " ".join(dice.choices(WORDS.split(), k=WORDS_A_RESPONSE))
    return f"{text}.\nAnswer: {dice.choice(LABELS)}" if dice.random() < 0.75 else text


def weigh(chat: Chat, option: str) -> float:
    """A weight that hangs on prompt and option, without meaning."""
    return 1 + zlib.crc32(f"{chat.messages[-1].content}{chat.opening}{option}".encode()) % 1000


# --- the measurement


def measure(store: Store) -> list[tuple[str, int, float]]:
    """What was done, how many rows it took or gave, seconds."""
    began = time.perf_counter()
    lines = store.ingest()
    first = time.perf_counter() - began
    known = catalogue(store)
    narrow = narrow_rows(store, known)
    every = Wanted()
    some = Wanted(labels=("sft",), categories=("variable",), text="light", order="best")
    return [
        ("ingest, all lines", lines, first),
        ("ingest, nothing new", 0, median_seconds(store.ingest)),
        ("narrow rows", narrow.table.num_rows, median_seconds(lambda: narrow_rows(store, known))),
        ("browse, all", found(store, narrow, every), median_seconds(lambda: found(store, narrow, every))),
        ("browse, filtered", found(store, narrow, some), median_seconds(lambda: found(store, narrow, some))),
        ("evaluations", total(store, "scores"), median_seconds(lambda: evaluations(store, CompareSettings()))),
    ]


def found(store: Store, narrow: NarrowRows, wanted: Wanted) -> int:
    """Rows that a browse finds: it counts every choice and gives the first page."""
    page(store, narrow, wanted, 0)
    return facets(store, narrow, wanted).wanted


def total(store: Store, table: str) -> int:
    """Rows of a table."""
    return store.rows(f"SELECT count(*) FROM {table}")[0][0]


def report(store: Store, measured: Sequence[tuple[str, int, float]]) -> None:
    """Print what each step took."""
    tables = ("items", "explanations", "scores", "verdicts", "runs")
    console.print("database " + ", ".join(f"{total(store, table):,} {table}" for table in tables), soft_wrap=True)
    rows = [
        [name, f"{count:,}", f"{seconds:.3f}", f"{count / seconds:,.0f}" if count else "–"]
        for name, count, seconds in measured
    ]
    show("The database", ("step", "rows", "seconds", "rows/s"), rows)


def main(
    explanations: Annotated[int, typer.Option(min=16, help="Explanations, and as many judgements.")] = 20_000,
) -> None:
    """Time ingest, browse and evaluations on a lab that is made up."""
    console.print(f"machine  {processor()}")
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        with console.status(f"making up a lab with {explanations:,} explanations"):
            make_lab(home, explanations)
        with open_store(home) as store:
            report(store, measure(store))
            for problem in store.problems:
                console.print(f"[bold red]{problem}[/]")


if __name__ == "__main__":
    typer.run(main)
