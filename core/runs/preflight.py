"""Before a run is launched: what would stop it, what it would take, and whether it is done already.

    looked = preflight(home, config, rates)
    looked.blocked            # the first reason against a launch, or None
    looked.seconds            # expected, from rates that this home has measured

Nothing is fetched, loaded or started; a server is asked for one token.  The runs of a pipeline are planned by
`core.runs.dryrun`; `looks_at_models` says whether their models will do.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import psutil

from core.data.datasets import select_items
from core.errors import LabError
from core.home import Home
from core.method.sampling import OWN_PROMPT_TOKENS, ROWS_A_BATCH
from core.models.finding import model_at_hand
from core.models.memory import GIB, RUNTIME_BYTES, TOKENS_A_PASS, cache_bytes, parameters, training_bytes
from core.models.variants import adapters_of, require_reachable, use_of
from core.runs.estimate import Rates, Source, units_of
from core.runs.folders import RunConfig, RunFolder, all_runs
from core.runs.pipeline import PipelineFile
from core.settings import SampleSettings, Selection

FEW = 25
"""Questions below which a launch is told that they tell little."""


@dataclass(frozen=True)
class Look:
    """One thing that was looked at."""

    name: str
    ok: bool
    text: str
    """What was seen; where `ok` is false, what is wrong and what to do."""


@dataclass(frozen=True)
class Preflight:
    """All that was looked at, in the order in which it matters."""

    looks: list[Look]
    done: str | None
    """The run, if it is done already."""
    units: int
    """Questions of SFT, pairs of DPO, explanations, judgements or comparisons."""
    seconds: float
    """Expected seconds of the whole run, without its wait for the slot."""
    rate: Source

    @property
    def blocked(self) -> str | None:
        """Why the run cannot be launched; None where it can."""
        return next((look.text for look in self.looks if not look.ok), None)


def preflight(home: Home, config: RunConfig, rates: Rates) -> Preflight:
    """Everything that can be known of a planned run before it starts."""
    sources = _looks_at_sources(home, config)
    complete = all(look.ok for look in sources)
    units = _units(home, config) if complete else 0
    looks = [*sources, *(_looks_at_rows(home, config) if complete else [])]
    if config.model:
        looks += _looks_at_model(home, config)
    folder = RunFolder(home.runs / config.id)
    standing = folder.state if folder.path.exists() else "new"
    seconds, (_, source) = rates.seconds(config, units, forked=False), rates.of(config)
    return Preflight(
        [*looks, _standing(folder.id, standing)], folder.id if standing == "done" else None, units, seconds, source
    )


def _standing(run: str, state: str) -> Look:
    """The same work asked for twice is one run."""
    texts = {
        "new": "Nobody has asked for this run yet: it is a new one.",
        "done": f"Nothing to do: {run} is exactly this, and done. To draw again, change the seed.",
        "queued": f"{run} is exactly this, and waits for its turn already.",
        "running": f"{run} is exactly this, and at work already.",
    }
    goes_on = f"{run} is exactly this and {state}: it goes on from where it ended."
    return Look("new work", state not in ("done", "queued", "running"), texts.get(state, goes_on))


# --- what it builds on


def _looks_at_sources(home: Home, config: RunConfig) -> list[Look]:
    missing = [f"{role.replace('_', ' ')} {run}" for role, run in config.parents.items() if not _is_done(home, run)]
    found = ", ".join(config.parents.values())
    text = f"Not done: {', '.join(missing)}. Resume it, or choose another." if missing else f"Done and whole: {found}."
    return [Look("sources", not missing, text)]


def _is_done(home: Home, run: str) -> bool:
    result = RunFolder(home.runs / run).result
    return bool(result) and result["state"] == "done"


def _looks_at_rows(home: Home, config: RunConfig) -> list[Look]:
    """That there is something to work on: questions, judged explanations, pairs."""
    match config.kind:
        case "sft" | "sample":
            return [_questions(home, config)]
        case "head_to_head":
            return [_common(home, config)]
        case "pairs":
            summary = _result(home, config.parents["judgements"])["summary"]
            judged = summary["judgements"] - summary["unjudged"]
            scored = Look("scores", judged > 0, f"{judged:,} explanations have a score.")
            return [scored, *_other_prediction(home, config)]
        case "dpo":
            pairs = _result(home, config.parents["pairs"])["summary"]["pairs"]
            nothing = "This pair set is empty, so there is nothing to align on: choose another."
            return [Look("pairs", pairs > 0, f"{pairs:,} pairs to align on." if pairs else nothing)]
    return []


def _other_prediction(home: Home, config: RunConfig) -> list[Look]:
    """A word where pairs of the same samples were built by the other prediction: they are not to be compared."""
    own, samples = config.settings["right_by"], config.parents["samples"]
    built = [run.config for run in all_runs(home) if run.config.kind == "pairs"]
    others = {one.settings["right_by"] for one in built if one.parents["samples"] == samples} - {own}
    return [
        Look("right by", True, f"This set has right by {own}; others of these samples have it by {other}: `right_by`.")
        for other in sorted(others)
    ]


def _questions(home: Home, config: RunConfig) -> Look:
    folder = home.runs / config.parents["dataset"]
    try:
        items = _questions_of(folder, (folder / "result.json").stat().st_mtime_ns)
        taken = select_items(items, Selection.model_validate(config.settings["select"]))
    except LabError as error:
        return Look("questions", False, str(error))
    chosen, gold = len(taken), sum(item.gold is not None for item in taken)
    if not chosen:
        return Look("questions", False, "The part of the split holds no question: widen it.")
    if config.kind == "sft" and not gold:
        return Look("questions", False, "None of these questions has a gold label to train on: choose another split.")
    few = f" Fewer than {FEW} tell little: intervals over them will be wide." if chosen < FEW else ""
    return Look("questions", True, f"{chosen:,} questions, {gold:,} of them with gold.{few}")


def _common(home: Home, config: RunConfig) -> Look:
    """That two sample runs answered the same questions, as far as their selections say."""
    folder = home.runs / config.parents["dataset"]
    items = _questions_of(folder, (folder / "result.json").stat().st_mtime_ns)
    wanted = [RunFolder(home.runs / config.parents[role]).config.settings for role in ("samples_a", "samples_b")]
    a, b = ({item.id for item in select_items(items, Selection.model_validate(one["select"]))} for one in wanted)
    splits = " and ".join(dict.fromkeys(one["select"]["split"] for one in wanted))
    nothing = f"The two sample runs have no question in common (splits {splits}): choose two of the same questions."
    return Look("questions", bool(a & b), f"{len(a & b):,} questions that both answered." if a & b else nothing)


class _Question(NamedTuple):
    """What a selection asks of an item."""

    id: str
    split: str
    gold: str | None


@lru_cache(maxsize=8)
def _questions_of(dataset: Path, sealed: int) -> list[_Question]:
    """The items of a finished import; `sealed` dates its seal.

    Not `load_items`: its rows were checked when they were written, and a form that is drawn at each change cannot wait
    for all of their texts to be checked again.
    """
    rows = map(json.loads, RunFolder(dataset).lines("items"))
    return [_Question(row["id"], row["split"], row["gold"]) for row in rows]


def _result(home: Home, run: str) -> Mapping:
    return RunFolder(home.runs / run).result


def _units(home: Home, config: RunConfig) -> int:
    """Counted where the rows are there, else expected as for a pipeline."""
    if config.kind == "judge":
        return _result(home, config.parents["samples"])["summary"]["explanations"]
    splits = _result(home, config.parents["dataset"])["summary"]["splits"]
    return units_of(config, [RunFolder(home.runs / run).config for run in config.parents.values()], splits)


# --- the model


def _looks_at_model(home: Home, config: RunConfig) -> list[Look]:
    use = config.model
    if use.server:
        return [_server(home, config)]
    if not use.path:
        text = f"{use.name} is not on this machine: it is fetched, or converted, when you launch."
        return [Look("model", True, text)]
    looks = [_chain(home, config)] if use.chain or use.adapters else []
    return [*looks, _memory(config)]


def _server(home: Home, config: RunConfig) -> Look:
    try:
        require_reachable(home, [config])
    except LabError as error:
        return Look("server", False, str(error))
    return Look("server", True, f"{config.model.name} answers.")


def _chain(home: Home, config: RunConfig) -> Look:
    """Adapters are valid on the weights and the adapters before them that they were trained on, and on no other."""
    use = config.model
    try:
        adapters_of(home, use)
    except LabError as error:
        return Look("adapters", False, str(error))
    for place, run in enumerate(use.chain):
        trained = RunFolder(home.runs / run).config.model
        if trained.hash != use.hash or trained.chain != use.chain[:place]:
            on = ", ".join([trained.name, *trained.chain])
            return Look("adapters", False, f"{run} was trained on {on}, and is valid there alone: choose that base.")
    return Look("adapters", True, f"{' → '.join([use.name, *use.chain])}: each was trained on what stands before it.")


def _memory(config: RunConfig) -> Look:
    """As the worker will count before it loads anything (`core.models.memory`), in 4 bytes a number."""
    folder = Path(config.model.path)
    try:
        needed = 4 * parameters(folder) + RUNTIME_BYTES + _beside(folder, config)
    except (OSError, LabError) as error:
        return Look("memory", False, f"The weights of {config.model.name} cannot be read ({error}): fetch them again.")
    free = psutil.virtual_memory().available
    text = f"About {needed / GIB:.1f} GiB needed, {free / GIB:.1f} GiB free."
    remedy = " Take a smaller model, smaller n or fewer max_new_tokens, or free memory."
    return Look("memory", needed <= free, text if needed <= free else text + remedy)


def _beside(folder: Path, config: RunConfig) -> int:
    """Bytes beside the weights: the cache of a batch, or the activations of a training pass."""
    if config.kind in ("sft", "dpo"):
        return training_bytes(folder, TOKENS_A_PASS)
    if config.kind == "sample":
        settings = SampleSettings.model_validate(config.settings)
        return cache_bytes(folder, ROWS_A_BATCH * (settings.max_new_tokens + OWN_PROMPT_TOKENS), 4)
    return 0


# --- the models of a pipeline


def looks_at_models(home: Home, file: PipelineFile) -> list[Look]:
    """Whether base, judge and reader are here or answer, and the largest of their runs fits the memory."""
    names = dict.fromkeys([file.models.base, file.models.judge, file.models.reader, file.models.teacher or "off"])
    return [look for name in names if name != "off" for look in _looks_at_named(home, file, name)]


def _looks_at_named(home: Home, file: PipelineFile, name: str) -> list[Look]:
    try:
        found = model_at_hand(name, home)
    except LabError as error:
        return [Look("model", False, str(error))]
    if found is None:
        return [Look("model", True, f"{name} is not on this machine: it is fetched, or converted, when you launch.")]
    kinds = [("sample", file.align)] if name == file.models.teacher else [("judge", file.judge)]
    kinds = [("dpo", file.dpo), ("sample", file.test)] if name == file.models.base else kinds
    planned = [
        RunConfig(kind=kind, label=name, settings=settings.model_dump(mode="json"), model=use_of(found))
        for kind, settings in kinds
    ]
    if found.server:
        return [_server(home, planned[-1])]
    return [max((_memory(config) for config in planned), key=lambda look: (not look.ok, look.text))]
