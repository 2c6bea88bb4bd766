"""Before a run is launched: what would stop it, what it would take, and whether it is done already.

    looked = preflight(home, config, rates)
    looked.blocked            # the first reason against a launch, or None
    looked.seconds            # expected, from rates that this home has measured

Nothing is fetched, loaded or started; a server is asked for one token.  The runs of a pipeline are planned by
`core.runs.dryrun`; `looks_at_models` says whether their models will do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.data.datasets import select_items
from core.data.questions import questions_in
from core.errors import LabError
from core.home import Home
from core.method.sampling import OWN_PROMPT_TOKENS, ROWS_A_BATCH
from core.models.finding import model_at_hand
from core.models.memory import GIB, LEAST_TOKENS, Needs, Place, needs, rows_that_fit
from core.models.place import place_here
from core.models.sizes import smaller_judge
from core.models.variants import adapters_of, require_reachable, require_unchanged, use_of
from core.runs.belonging import configs_of, require_belonging, require_chain
from core.runs.estimate import Rates, Source, units_of
from core.runs.exposure import exposure
from core.runs.folders import RunConfig, RunFolder, all_runs
from core.runs.pipeline import PipelineFile
from core.runs.sealed import require_whole
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
    if missing:
        return [Look("sources", False, f"Not done: {', '.join(missing)}. Resume it, or choose another.")]
    try:
        require_belonging(config, configs_of(home))
        for run in config.parents.values():
            require_whole(RunFolder(home.runs / run))
    except LabError as error:
        return [Look("sources", False, str(error))]
    found = ", ".join(config.parents.values())
    return [Look("sources", True, f"Done, whole, and of one kind with each other: {found}.")]


def _is_done(home: Home, run: str) -> bool:
    result = RunFolder(home.runs / run).result
    return bool(result) and result["state"] == "done"


def _looks_at_rows(home: Home, config: RunConfig) -> list[Look]:
    """That there is something to work on: questions, judged explanations, pairs."""
    match config.kind:
        case "sft" | "sample":
            return [_questions(home, config), *_trained_on(home, config)]
        case "judge":
            return _size(home, config, "samples")
        case "head_to_head":
            return [_common(home, config), *_size(home, config, "samples_a", "samples_b")]
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
    folder = RunFolder(home.runs / config.parents["dataset"])
    try:
        items = questions_in(folder)
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


def _trained_on(home: Home, config: RunConfig) -> list[Look]:
    """A word where the variant was trained on some of these questions."""
    seen = exposure(home, config)
    return [Look("trained on", True, f"{config.label}: {seen.sentence}.")] if seen else []


def _size(home: Home, config: RunConfig, *roles: str) -> list[Look]:
    """A word where the judge is smaller than what it judges."""
    judged = [RunFolder(home.runs / config.parents[role]).config.model for role in roles]
    said = smaller_judge(config.model, judged)
    return [Look("judge", True, said)] if said else []


def _common(home: Home, config: RunConfig) -> Look:
    """That two sample runs answered the same questions, as far as their selections say."""
    items = questions_in(RunFolder(home.runs / config.parents["dataset"]))
    wanted = [RunFolder(home.runs / config.parents[role]).config.settings for role in ("samples_a", "samples_b")]
    a, b = ({item.id for item in select_items(items, Selection.model_validate(one["select"]))} for one in wanted)
    splits = " and ".join(dict.fromkeys(one["select"]["split"] for one in wanted))
    nothing = f"The two sample runs have no question in common (splits {splits}): choose two of the same questions."
    return Look("questions", bool(a & b), f"{len(a & b):,} questions that both answered." if a & b else nothing)


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
    try:
        require_unchanged(use)
    except LabError as error:
        return [Look("model", False, str(error))]
    looks = [_chain(home, config)] if use.chain or use.adapters else []
    return [*looks, _memory(home, config)]


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
        require_chain(use, configs_of(home))
    except LabError as error:
        return Look("adapters", False, str(error))
    return Look("adapters", True, f"{' → '.join([use.name, *use.chain])}: each was trained on what stands before it.")


def _memory(home: Home, config: RunConfig) -> Look:
    """As the worker will count before it loads anything (`core.models.memory`), for what will compute it."""
    folder, trains = Path(config.model.path), config.kind in ("sft", "dpo")
    place = place_here(home, trains)
    if place is None:
        return Look("memory", True, "The driver does not say what the device has free: the worker looks.")
    try:
        needed, rows = _needed(folder, place, config)
    except (OSError, LabError) as error:
        return Look("memory", False, f"The weights of {config.model.name} cannot be read ({error}): fetch them again.")
    where = "of the device" if place.device else "of memory"
    text = f"About {needed.total / GIB:.1f} GiB needed at least, {place.free / GIB:.1f} GiB {where} free{rows}."
    remedy = " Take a smaller model or fewer max_new_tokens, or free memory."
    fits = needed.total <= place.free
    return Look("memory", fits, text if fits else text + remedy)


def _needed(folder: Path, place: Place, config: RunConfig) -> tuple[Needs, str]:
    """What a run needs at the least, and in words how much of it will be computed at once."""
    if config.kind in ("sft", "dpo"):
        return needs(folder, place, trained=LEAST_TOKENS, rank=config.settings["lora"]["r"]), ""
    if config.kind != "sample":
        return needs(folder, place), ""
    tokens = SampleSettings.model_validate(config.settings).max_new_tokens + OWN_PROMPT_TOKENS
    needed = needs(folder, place, sampled=tokens)
    left = place.free - needed.weights - needed.beside
    return needed, f": about {rows_that_fit(left, needed.least, ROWS_A_BATCH)} rows at once"


# --- the models of a pipeline


def looks_at_models(home: Home, file: PipelineFile) -> list[Look]:
    """Whether base, judge and reader are here or answer, and the largest of their runs fits the memory."""
    names = dict.fromkeys(name for name in file.models.named if name)
    looks = [look for name in names for look in _looks_at_named(home, file, name)]
    return [*looks, *_judge_size(home, file)]


def _judge_size(home: Home, file: PipelineFile) -> list[Look]:
    """A word where the judge of the evaluation is smaller than base."""
    try:
        base, judge = (model_at_hand(name, home) for name in file.models.named[:2])
    except LabError:  # said of the model itself
        return []
    said = smaller_judge(use_of(judge), [use_of(base)]) if base and judge else None
    return [Look("judge", True, said)] if said else []


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
    return [max((_memory(home, config) for config in planned), key=lambda look: (not look.ok, look.text))]
