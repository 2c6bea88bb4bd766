"""How long it will take: from the progress of a run, and for a pipeline from what its steps have taken.

Seconds a unit were measured once on 2 CPU cores with a 135M model; they only weigh the steps against
each other.  As soon as steps have finished here, their real times scale the rest.
"""

import time

from core.home import Home
from core.pipeline import steps_of
from core.runs import RunConfig, RunFolder

STARTUP_SECONDS = 8.0
"""A worker's imports and model loading."""

SECONDS_A_UNIT = {"sft": 1.6, "dpo": 4.0, "sample": 0.08, "judge": 0.08, "pairs": 0.0, "import": 0.0}
"""Per optimiser step, explanation or judgement."""

ALWAYS_WRONG = 0.3
"""Share of questions that a debater is expected to be asked, before it is known."""


def seconds_left(home: Home, folder: RunFolder) -> float | None:
    """About how many seconds a run still needs; None while there is nothing to go by, 0 if it has ended."""
    if folder.result:
        return 0.0
    if folder.config.kind == "pipeline":
        return _pipeline_left(home, folder)
    return _from_progress(folder)


def _from_progress(folder: RunFolder) -> float | None:
    """What is left at the rate since the worker started; needs two progress events of this start."""
    events = folder.events()
    starts = [i for i, event in enumerate(events) if event["type"] == "started"]
    steps = [event for event in events[starts[-1] :] if event["type"] == "progress"] if starts else []
    if len(steps) < 2 or steps[-1]["done"] == steps[0]["done"]:
        return None
    rate = (steps[-1]["t"] - steps[0]["t"]) / (steps[-1]["done"] - steps[0]["done"])
    since = time.time() - steps[-1]["t"]
    return max(0.0, rate * (steps[-1]["total"] - steps[-1]["done"]) - since)


def _pipeline_left(home: Home, pipeline: RunFolder) -> float:
    steps = steps_of(pipeline.config)
    sizes = {step.id: units_of(home, step, steps) for step in steps}
    spent, planned, left = 0.0, 0.0, 0.0
    running = 0.0
    for step in steps:
        folder = RunFolder(home.runs / step.id)
        expected = _expected(step, sizes[step.id])
        result = folder.result if folder.path.exists() else None
        if result and result["state"] == "done":
            spent, planned = spent + result["seconds"], planned + expected
        elif folder.path.exists() and (known := _from_progress(folder)) is not None:
            running = known
        else:
            left += expected
    speed = spent / planned if planned else 1.0
    return running + left * speed


def _expected(step: RunConfig, units: int) -> float:
    return (STARTUP_SECONDS if step.kind != "pairs" else 1.0) + units * SECONDS_A_UNIT[step.kind]


def units_of(home: Home, step: RunConfig, steps: list[RunConfig]) -> int:
    """Expected optimiser steps, explanations or judgements of a planned run."""
    match step.kind:
        case "sft" | "dpo":
            return step.settings["steps"]
        case "sample":
            return _explanations(home, step)
        case "judge":
            asked = next((other for other in steps if other.id == step.parents["samples"]), None)
            return _explanations(home, asked) if asked else 0
    return 0


def _explanations(home: Home, step: RunConfig) -> int:
    select = step.settings["select"]
    splits = RunFolder(home.runs / step.parents["dataset"]).result["summary"]["splits"]
    low, high = select["part"]
    questions = min((high - low) * splits.get(select["split"], 0), select["limit"] or float("inf"))
    share = ALWAYS_WRONG if step.settings["role"] == "debater" else 1.0
    return round(questions * share * step.settings["n"])
