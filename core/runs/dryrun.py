"""What a pipeline would do, without doing any of it: runs, what is done already, and the time it takes.

Nothing is started, imported, fetched or converted.  Ids are hashes of the weights among others: while a model is
not on this machine, the runs that need it have no id yet, and none of them counts as done.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from core.data.datasets import import_config, read_items, survey
from core.data.questions import Question, QuestionSets, question_of, questions_in
from core.errors import BadInput
from core.home import PROJECT, SAMPLES, Home
from core.loading.fetching import HUB_SETS, fetched_file
from core.models.finding import ModelRef, model_at_hand
from core.records import Item
from core.runs.estimate import Rates, Source, measured_rates, units_of
from core.runs.folders import RunConfig, RunFolder
from core.runs.pipeline import DatasetTable, PipelineFile, loaded, plan, question_sets, source_of

Standing = Literal["done", "at work", "goes on", "new"]


@dataclass(frozen=True)
class PlannedRun:
    """One run that a pipeline stands for."""

    kind: str
    what: str
    """The kind in words."""
    label: str
    id: str | None
    """None while the weights that it is a hash of are not on this machine."""
    standing: Standing
    """`done` is reused; `goes on` is a run that was stopped, failed or was killed, and is resumed."""
    units: int
    """Questions of SFT, pairs of DPO, explanations or judgements."""
    seconds: float
    """Expected; 0 for what is done."""
    rate: Source
    """Where the seconds come from."""


@dataclass(frozen=True)
class DryRun:
    """All runs of a pipeline, the import first."""

    runs: list[PlannedRun]
    missing: list[str]
    """Models that are not on this machine, by the names the file gives them."""
    sets: QuestionSets
    """The questions it fine-tunes on, makes pairs of and evaluates on."""

    @property
    def seconds(self) -> float:
        return sum(run.seconds for run in self.runs)


def dry_run(home: Home, file: PipelineFile) -> DryRun:
    """What `anchorlab pipeline` would run now; `BadInput` for a data set that is not on this machine."""
    dataset, questions = _dataset(home, file.dataset)
    sets = question_sets(file, questions)
    splits = Counter(question.split for question in questions)
    names = file.models.named
    found = {name: model_at_hand(name, home) for name in names if name}
    models = ((found[name] or _unknown(name)) if name else None for name in names)
    steps = plan(file, dataset.id, *models)
    rates, known = measured_rates(home), _known(steps)
    runs = [_planned(home, dataset, 0, rates, known=True)]
    runs += [_planned(home, step, units_of(step, steps, splits), rates, known[step.id]) for step in steps]
    return DryRun(runs, sorted(name for name, ref in found.items() if ref is None), sets)


def _dataset(home: Home, table: DatasetTable) -> tuple[RunConfig, Sequence[Question]]:
    """The import as it is or would be, and its questions."""
    if folder := loaded(home, table):
        return folder.config, questions_in(folder)
    _require_here(home, table)
    path, mapping = source_of(home, table)
    questions = [question_of(item) for item in read_items(path, mapping) if isinstance(item, Item)]
    return import_config(path, mapping, survey(path, mapping)), questions


def _require_here(home: Home, table: DatasetTable) -> None:
    name = table.source
    at_hand = (PROJECT / name, SAMPLES / f"{name}.toml", fetched_file(name, home))
    if ("/" in name or name in HUB_SETS) and not any(path.exists() for path in at_hand):
        raise BadInput(f"{name!r} is not on this machine, so it cannot be counted: `anchorlab data add {name}` first.")


def _unknown(name: str) -> ModelRef:
    return ModelRef(name=name, path="", hash=f"not here: {name}", source="")


def _known(steps: list[RunConfig]) -> Mapping[str, bool]:
    """Whether a run's id can be known: its own weights and those of every run it builds on are here."""
    known: dict[str, bool] = {}
    for step in steps:
        before = [*step.parents.values(), *(step.model.chain if step.model else [])]
        own = step.model is None or bool(step.model.path or step.model.server)
        known[step.id] = own and all(known.get(run, True) for run in before)
    return known


def _planned(home: Home, config: RunConfig, units: int, rates: Rates, known: bool) -> PlannedRun:
    standing = _standing(RunFolder(home.runs / config.id)) if known else "new"
    return PlannedRun(
        kind=config.kind,
        what=config.what,
        label=config.label,
        id=config.id if known else None,
        standing=standing,
        units=units,
        seconds=0.0 if standing == "done" else rates.seconds(config, units, forked=True),
        rate=rates.of(config)[1],
    )


def _standing(folder: RunFolder) -> Standing:
    if not folder.path.exists():
        return "new"
    state = folder.state
    return "done" if state == "done" else "at work" if state in ("queued", "running") else "goes on"
