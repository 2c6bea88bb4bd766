"""How long it will take: from the progress of a run, and for planned runs from what runs have taken here.

A unit is a question of SFT, a pair of DPO, an explanation, a judgement or a comparison.  Seconds a unit are measured
from the finished runs of the home that did the same with weights of the same size: from those on the same data set,
whose questions are as long, before others.  Where there is none they are assumed: constants of a 135M model on 2 CPU
cores, scaled by the size of the weights and by how fast this machine has been.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Literal

from core.home import Home
from core.runs.folders import RunConfig, RunFolder, all_runs
from core.runs.pipeline import steps_of

STARTUP_SECONDS = {False: 8.0, True: 2.5}
"""Whether a run's process is a fork → its imports and model loading, before any was measured: a pipeline's worker does
its runs in forks of itself, which need not import."""

ASSUMED_SECONDS = {
    "sft": 0.32,
    "dpo": 3.5,
    "sample": 0.12,
    "judge": 0.1,
    "head_to_head": 0.35,
    "pairs": 0.0,
    "import": 0.0,
    "judgements": 0.0,
}
"""Seconds a unit of the assumed model on the assumed machine: those of the demo (docs/demo.md)."""

ASSUMED_BYTES = 538e6
"""Weights of the model that the constants were measured with: 135M parameters in fp32."""

ALWAYS_WRONG = 0.3
"""Share of questions that a debater is expected to be asked, before it is known."""

ENOUGH_SECONDS = 5.0
"""Seconds that a pipeline's finished runs should have taken, from which on the rest is expected to be as slow or as
fast as they were: the machine may be busier than it was."""

Source = Literal["measured here", "measured here on other questions", "assumed"]
How = tuple[str, str, int]
"""(kind, judge mode or sampling role, bytes of weights)"""


@dataclass(frozen=True)
class Rates:
    """Seconds a unit, as this home has measured them."""

    here: Mapping[tuple[How, str], float]
    """(how, data set) → seconds a unit."""
    anywhere: Mapping[How, float]
    """The same over all data sets."""
    startup: Mapping[bool, float]
    """Seconds from the start of a process, a fork or not, to its first unit: the median, or `STARTUP_SECONDS`."""
    speed: float
    """Measured over assumed seconds of all that was measured; 1 before anything was."""

    def of(self, step: RunConfig) -> tuple[float, Source]:
        """Seconds a unit of a planned run, and where the figure comes from."""
        how, dataset = _how(step), step.parents.get("dataset", "")
        if (how, dataset) in self.here:
            return self.here[how, dataset], "measured here"
        if how in self.anywhere:
            return self.anywhere[how], "measured here on other questions"
        return self.speed * _assumed(step), "assumed"

    def seconds(self, step: RunConfig, units: int, forked: bool) -> float:
        """Expected seconds of a whole run, on its own or, as a fork, in a pipeline."""
        startup = 1.0 if step.kind in ("pairs", "import", "judgements") else self.startup[forked]
        return startup + units * self.of(step)[0]


@dataclass
class _Timed:
    seconds: float = 0.0
    units: int = 0

    def add(self, seconds: float, units: int) -> None:
        self.seconds += seconds
        self.units += units

    @property
    def rate(self) -> float:
        return self.seconds / self.units


def measured_rates(home: Home) -> Rates:
    """Rates of the home's finished runs; runs that were resumed are left out, as only their end was timed."""
    here: dict[tuple[How, str], _Timed] = defaultdict(_Timed)
    anywhere: dict[How, _Timed] = defaultdict(_Timed)
    startups: dict[bool, list[float]] = defaultdict(list)
    assumed = 0.0
    for folder in all_runs(home):
        config, sealed = folder.config, folder.path / "result.json"
        if not (config.model and sealed.exists()):
            continue
        forked, startup, seconds, units = _measured(str(folder.path), sealed.stat().st_mtime_ns)
        if not units:
            continue
        here[_how(config), config.parents.get("dataset", "")].add(seconds, units)
        anywhere[_how(config)].add(seconds, units)
        startups[forked].append(startup)
        assumed += units * _assumed(config)
    return Rates(
        here={key: timed.rate for key, timed in here.items()},
        anywhere={how: timed.rate for how, timed in anywhere.items()},
        startup={forked: median(startups[forked] or [usual]) for forked, usual in STARTUP_SECONDS.items()},
        speed=sum(timed.seconds for timed in anywhere.values()) / assumed if assumed else 1.0,
    )


@lru_cache(maxsize=4096)
def _measured(path: str, sealed: int) -> tuple[bool, float, float, int]:
    """(whether in a fork, seconds of start-up, seconds after it, units) of a sealed run; no units if it counts not.

    Work is what the run's costs say; what its whole time has beyond them is start-up.  `sealed` dates the seal.
    """
    folder = RunFolder(Path(path))
    result, events = folder.result, folder.events()
    starts = [event for event in events if event["type"] == "started"]
    if not result or result["state"] != "done" or len(starts) != 1:
        return False, 0.0, 0.0, 0
    worked = sum(event["seconds"] for event in events if event["type"] == "cost")
    forked = starts[0].get("forked", True)  # as most runs were before it was written down
    return forked, max(0.0, result["seconds"] - worked), worked, _units_done(folder.config, result)


def _units_done(config: RunConfig, result: Mapping) -> int:
    if config.kind in ("sft", "dpo"):
        return config.settings["steps"] * config.settings["batch_size"]
    outputs = {"sample": "explanations", "judge": "judgements", "head_to_head": "head_to_head"}
    return result["files"][outputs[config.kind]]["rows"]


def _how(config: RunConfig) -> How:
    how = config.settings.get("role" if config.kind == "sample" else "mode", "")
    return config.kind, how, _weights(config.model.path) if config.model else 0


@lru_cache(maxsize=64)
def _weights(path: str) -> int:
    """Bytes of a model's weights; 0 where they are not on this machine."""
    return sum(file.stat().st_size for file in Path(path).glob("*.safetensors")) if path else 0


def _assumed(config: RunConfig) -> float:
    weights = _weights(config.model.path) if config.model else 0
    return ASSUMED_SECONDS[config.kind] * (weights / ASSUMED_BYTES if weights else 1.0)


# --- what is left


def seconds_left(home: Home, folder: RunFolder, rates: Rates | None = None) -> float | None:
    """About how many seconds a run still needs; None while there is nothing to go by, 0 if it has ended.

    `rates`: those of this home, where the caller keeps them; else they are measured for it.
    """
    if folder.result:
        return 0.0
    if folder.config.kind == "pipeline":
        return _pipeline_left(home, folder, rates or measured_rates(home))
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


def _pipeline_left(home: Home, pipeline: RunFolder, rates: Rates) -> float:
    steps = steps_of(pipeline.config)
    splits = RunFolder(home.runs / pipeline.config.parents["dataset"]).result["summary"]["splits"]
    known, planned, took, expected = 0.0, 0.0, 0.0, 0.0
    for step in steps:
        folder = RunFolder(home.runs / step.id)
        seconds = rates.seconds(step, units_of(step, steps, splits), forked=True)
        result = folder.result if folder.path.exists() else None
        if not (result and result["state"] == "done"):
            left = _from_progress(folder) if folder.path.exists() else None
            known, planned = (known, planned + seconds) if left is None else (known + left, planned)
        elif folder.config.created >= pipeline.config.created:  # others were reused
            took, expected = took + result["seconds"], expected + seconds
    return known + planned * (took / expected if expected > ENOUGH_SECONDS else 1.0)


# --- units of planned runs


def units_of(step: RunConfig, steps: list[RunConfig], splits: Mapping[str, int]) -> int:
    """Expected units (see the module) of a planned run; `splits`: split → questions."""
    match step.kind:
        case "sft" | "dpo":
            return step.settings["steps"] * step.settings["batch_size"]
        case "sample":
            return _explanations(step, splits)
        case "judge":
            asked = next((other for other in steps if other.id == step.parents["samples"]), None)
            return _explanations(asked, splits) if asked else 0
        case "head_to_head":
            asked = next((other for other in steps if other.id == step.parents["samples_a"]), None)
            return round(_questions(asked, splits) * step.settings["samples_a_question"]) if asked else 0
    return 0


def _explanations(step: RunConfig, splits: Mapping[str, int]) -> int:
    share = ALWAYS_WRONG if step.settings["role"] == "debater" else 1.0
    return round(_questions(step, splits) * share * step.settings["n"])


def _questions(step: RunConfig, splits: Mapping[str, int]) -> float:
    select = step.settings["select"]
    low, high = select["part"]
    return min((high - low) * splits.get(select["split"], 0), select["limit"] or float("inf"))
