"""A real little lab for tests: a toy data set, a tiny random model, and a pipeline of seconds."""

import json
import time
from collections.abc import Iterable
from pathlib import Path

from core.data.datasets import import_dataset, load_settings
from core.home import Home
from core.models.finding import ModelRef
from core.records import Record
from core.runs.folders import RunConfig, RunFolder, create_run
from core.runs.pipeline import DatasetTable, PipelineFile, plan, steps_of
from core.runs.work import Work, _seal_of
from core.runs.worker import run_stage
from core.settings import DpoSettings, PairSettings, SampleSettings, Selection, SftSettings
from tests.tiny import tiny_model

MATERIALS = ["wood", "metal", "glass"]
THINGS = ["door", "nail", "lens", "plank", "pan", "mirror", "log", "coin", "jar", "shelf", "bolt", "window"]


def toy_dataset(home: Home, folder: Path, copies: int = 2) -> RunFolder:
    """A data set of `12 * copies` questions with three text labels, imported."""
    path = folder / "toy.jsonl"
    rows = [
        {"id": f"{thing}-{copy}", "question": f"What is a {thing} {copy} made of?", "label": MATERIALS[i % 3]}
        for copy in range(copies)
        for i, thing in enumerate(THINGS)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    examples = [{"question": "What is a key made of?", "explanation": "It is hard.", "answer": "metal"}]
    return import_dataset(home, *load_settings(path, name="toy", gold="label", labels=MATERIALS, examples=examples))


def toy_pipeline(n: int = 2, **changes) -> PipelineFile:
    """The whole loop, small enough for a tiny model and a test."""
    held_out = Selection(split="train", part=(0.5, 1.0))
    values = {
        "name": "toy",
        "dataset": DatasetTable(source="toy.jsonl"),
        "sft": SftSettings(steps=3, batch_size=2, select=Selection(part=(0.0, 0.5))),
        "test": SampleSettings(n=n, max_new_tokens=12, select=Selection(split="test")),
        "align": SampleSettings(n=n, max_new_tokens=12, select=held_out),
        "pairs": PairSettings(right_by="forced"),
        "dpo": DpoSettings(steps=2, batch_size=2),
    }
    return PipelineFile(**values | changes)


def toy_pipeline_run(home: Home, folder: Path, model: ModelRef | None = None, **changes) -> RunConfig:
    """A pipeline run over the toy data set with a tiny random model for everything."""
    dataset = toy_dataset(home, folder)
    model = model or tiny_model(folder / "tiny")
    file = toy_pipeline(**changes)
    steps = [s.model_dump(mode="json") for s in plan(file, dataset.id, model, model, model)]
    settings = {"file": file.model_dump(mode="json"), "steps": steps}
    return RunConfig(kind="pipeline", label="toy", settings=settings, parents={"dataset": dataset.id})


def done(home: Home, config: RunConfig) -> RunFolder:
    """A run, done in this process."""
    folder = create_run(home, config)
    with Work(folder) as work:
        work.started()
        run_stage(work)
    return folder


def rewrite(folder: RunFolder, name: str, rows: Iterable[Record]) -> None:
    """Put other rows into an output file of a sealed run, and seal it again with them."""
    file = folder.path / f"{name}.jsonl"
    file.write_text("".join(row.model_dump_json() + "\n" for row in rows))
    result = json.loads((folder.path / "result.json").read_text())
    result["files"][name] = _seal_of(file)
    (folder.path / "result.json").write_text(json.dumps(result))


def wait_until(condition, seconds: float = 120.0) -> None:
    """Wait for a condition of another process; a test fails if it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def filled_lab(home: Home, folder: Path, **changes) -> RunConfig:
    """The toy pipeline, every step done in this process: a lab with something on every page in seconds."""
    pipeline = toy_pipeline_run(home, folder, **changes)
    for config in [*steps_of(pipeline), pipeline]:
        run = create_run(home, config)
        with Work(run) as work:
            work.started()
            if config.kind == "pipeline":
                work.progress(len(steps_of(pipeline)), len(steps_of(pipeline)), "runs")
            else:
                run_stage(work)
    return pipeline
