"""A pipeline: the paper's loop as one TOML file, planned as runs, then done one after the other.

    import → base on test → SFT → sft on test, sft on pair questions → debater → pairs → DPO → test → head to head

The plan is a list of run configurations, known in full before the first starts; a pipeline that is
run again does only what is missing.  The worker of a pipeline holds no compute slot, launches each
run when the ones before it are sealed, and reads folders, never the database.
"""

import time
import tomllib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SerializerFunctionWrapHandler, ValidationError, model_serializer, model_validator

from core.data.datasets import import_dataset, is_done, select_items
from core.data.questions import Question, QuestionSets, questions_in
from core.errors import BadInput, Damaged, LabError, RunStopped
from core.home import PROJECT, Home
from core.loading.fetching import find_source
from core.models.finding import ModelRef, resolve_model
from core.models.variants import require_reachable, use_of
from core.runs.belonging import require_belonging
from core.runs.detached import branch
from core.runs.folders import Kind, ModelUse, RunConfig, RunFolder, find_run
from core.runs.launcher import launch, spawned, stop
from core.runs.lost import why_lost
from core.runs.plan import as_sampled, run_config
from core.runs.work import Work
from core.runs.worker import do_run, prepared_to_fork
from core.settings import (
    DpoSettings,
    HeadToHeadSettings,
    ImportSettings,
    JudgeSettings,
    PairSettings,
    SampleSettings,
    Selection,
    Settings,
    SftSettings,
    problems_of,
)

PRESETS = Path(__file__).parent / "pipelines"


class DatasetTable(Settings):
    """`[dataset]`: what is loaded."""

    source: str = Field(
        description="A data file or card, a sample set by name, a Hub id, or the id of a data set that is loaded."
    )
    mapping: dict[str, object] = Field({}, description="Import settings that differ from the guess.")


class ModelsTable(Settings):
    """`[models]`: names, folders or Hub ids."""

    base: str = Field("default", description="Model that is fine-tuned and aligned; judges the pairs.")
    judge: str | None = Field(None, description="Judge of the evaluation, a stronger model than base; none: base.")
    reader: str | None = Field(None, description="Reader of the evaluation; none: base; `off`: no reader.")
    teacher: str | None = Field(None, description="Stronger model that writes what the strategy `teacher` prefers.")

    @property
    def named(self) -> tuple[str, str, str | None, str | None]:
        """Names of base, judge, reader and teacher: judge and reader are base where none is named, `off` is None."""
        reader = self.reader or self.base
        return self.base, self.judge or self.base, None if reader == "off" else reader, self.teacher

    @model_serializer(mode="wrap")
    def _without_what_came_later(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A teacher is written only where there is one, so that no older id changes."""
        return {name: value for name, value in dump(self).items() if name != "teacher" or value is not None}


class PipelineFile(Settings):
    """A pipeline file; every table has the settings of its stage."""

    name: str = Field(description="Short name.")
    title: str = Field("", description="One line for people.")
    dataset: DatasetTable = Field(description="What is loaded.")
    models: ModelsTable = Field(ModelsTable(), description="Base, judge and reader.")
    sft: SftSettings = Field(SftSettings(), description="Fine-tuning on labels.")
    test: SampleSettings = Field(SampleSettings(), description="Sampling of every variant for evaluation.")
    align: SampleSettings = Field(
        SampleSettings(select=Selection(split="train", part=(0.5, 1.0))),
        description="Sampling of sft, and of the debater, for pairs.",
    )
    judge: JudgeSettings = Field(JudgeSettings(), description="Scoring, of pairs and of the evaluation.")
    strategies: list[str] = Field(["rank", "anchor"], description="Pair strategies, a variant each.")
    variants: list[str] | None = Field(
        None, description="Variants to evaluate, with what they need and no more; none: base, sft and every strategy."
    )
    pairs: PairSettings = Field(PairSettings(), description="Choosing preference pairs; each strategy by its name.")
    dpo: DpoSettings = Field(DpoSettings(), description="Alignment on the pairs.")
    duels: list[tuple[str, str]] | None = Field(
        None, description='Variants that the judge compares head to head, as `[["anchor", "rank"]]`; none: no two.'
    )
    head_to_head: HeadToHeadSettings = Field(HeadToHeadSettings(), description="Comparing the variants of `duels`.")

    @property
    def evaluated(self) -> list[str]:
        """Names of the variants that answer the test questions."""
        return ["base", "sft", *self.strategies] if self.variants is None else self.variants

    @property
    def aligned(self) -> list[str]:
        """The strategies whose variants are evaluated, in the file's order."""
        return [strategy for strategy in self.strategies if strategy in self.evaluated]

    @model_validator(mode="after")
    def _variants_are_known(self) -> Self:
        known = ["base", "sft", *self.strategies]
        unknown = [name for name in self.evaluated if name not in known]
        if unknown or not self.evaluated:
            raise ValueError(f"variants must be some of {', '.join(known)}, not {', '.join(unknown) or 'none at all'}")
        return self

    @model_validator(mode="after")
    def _a_teacher_is_named(self) -> Self:
        if "teacher" in self.strategies and "teacher" in self.evaluated and self.models.teacher is None:
            raise ValueError("the strategy teacher needs a stronger model: name it as `teacher` under [models]")
        return self

    @model_validator(mode="after")
    def _duels_are_of_evaluated_variants(self) -> Self:
        for a, b in self.duels or []:
            if a == b or not {a, b} <= set(self.evaluated):
                raise ValueError(
                    f"duels must be of two different variants of {', '.join(self.evaluated)}, not {a}, {b}"
                )
        return self

    def written(self) -> dict[str, Any]:
        """As JSON, with judge and reader by name; what came later is left out where it is not given."""
        later = {name for name in ("variants", "duels") if getattr(self, name) is None}
        whole = self.model_dump(mode="json", exclude=later | ({"head_to_head"} if self.duels is None else set()))
        base, judge, reader, teacher = self.models.named
        named = {"base": base, "judge": judge, "reader": reader or "off"}
        return whole | {"models": named | ({"teacher": teacher} if teacher else {})}


def read_pipeline(path: Path) -> PipelineFile:
    """A pipeline file, checked; one sentence for whatever is wrong with it."""
    try:
        return parse_pipeline(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise BadInput(f"There is no pipeline file {path}; presets: {', '.join(preset_names())}.") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not a TOML file: {error}.") from None


def parse_pipeline(text: str, where: str) -> PipelineFile:
    """A pipeline from its text; `where` names the text in an error."""
    try:
        return PipelineFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{where} is not TOML: {error}.") from None
    except ValidationError as error:
        raise BadInput(f"{where} has settings that cannot be used: {problems_of(error)}.") from None


def preset_names() -> list[str]:
    """Names of the pipelines that come with the lab."""
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def find_pipeline(name: str) -> Path:
    """A preset by name, or a file by path."""
    return Path(name) if name.endswith(".toml") else PRESETS / f"{name}.toml"


def prepare(home: Home, file: PipelineFile) -> RunConfig:
    """Fetch the models, import the data set, and plan: the pipeline's own run configuration."""
    models = [resolve_model(name, home) if name else None for name in file.models.named]
    dataset = loaded(home, file.dataset) or import_dataset(home, *source_of(home, file.dataset))
    if refusal := question_sets(file, questions_in(dataset)).refusal:
        raise BadInput(refusal)
    steps = plan(file, dataset.id, *models)
    require_reachable(home, steps)
    settings = {
        "identity": "runs",
        "file": file.written(),
        "steps": [step.as_step() for step in steps],
    }
    return RunConfig(kind="pipeline", label=file.name, settings=settings, parents={"dataset": dataset.id})


def loaded(home: Home, table: DatasetTable) -> RunFolder | None:
    """The data set that `[dataset]` names by its id, or the beginning of it; None where it names a source."""
    if not table.source.startswith("import-"):
        return None
    folder = find_run(home, table.source)
    if not is_done(folder):
        raise BadInput(f"The import {folder.id} is not finished: import its file again.")
    return folder


def source_of(home: Home, table: DatasetTable) -> tuple[Path, ImportSettings]:
    """Data file and mapping of `[dataset]`; a data set of the Hub is fetched if it is not here."""
    beside = PROJECT / table.source
    return find_source(str(beside) if beside.is_file() else table.source, home, **table.mapping)


def question_sets(file: PipelineFile, questions: Sequence[Question]) -> QuestionSets:
    """The questions that the pipeline fine-tunes on, makes pairs of and evaluates on; unlabelled ones train nobody."""
    trained = select_items(questions, file.sft.select) if file.aligned or "sft" in file.evaluated else []
    return QuestionSets(
        sft=[question for question in trained if question.gold is not None],
        align=select_items(questions, file.align.select) if file.aligned else [],
        test=select_items(questions, file.test.select),
    )


def plan(
    file: PipelineFile,
    dataset: str,
    base: ModelRef,
    judge: ModelRef,
    reader: ModelRef | None,
    teacher: ModelRef | None = None,
) -> list[RunConfig]:
    """Every run that the pipeline's variants need, each after the runs it needs, in the paper's order."""
    steps: list[RunConfig] = []
    planned: dict[str, RunConfig] = {}

    def add(kind: Kind, label: str, settings: Settings, model: ModelUse | None = None, **parents: str) -> str:
        step = run_config(kind, label, settings, {"dataset": dataset, **parents}, model)
        require_belonging(step, planned.get)
        steps.append(step)
        planned[step.id] = step
        return step.id

    sampled: dict[str, str] = {}

    def evaluate(label: str, *chain: str) -> None:
        samples = sampled[label] = add("sample", label, file.test, use_of(base, *chain))
        add("judge", label, file.judge, use_of(judge), samples=samples)
        if reader:
            read = file.judge.model_copy(update={"mode": "reader"})
            add("judge", label, read, use_of(reader), samples=samples)

    strategies = file.aligned
    if "base" in file.evaluated:
        evaluate("base")
    if "sft" in file.evaluated or strategies:
        sft = add("sft", "sft", file.sft, use_of(base))
    if "sft" in file.evaluated:
        evaluate("sft", sft)

    if strategies:
        own = add("sample", "sft", file.align, use_of(base, sft))
        pairs_from = {"samples": own, "judgements": add("judge", "sft", file.judge, use_of(base), samples=own)}
    if any(PairSettings(strategy=strategy).debated for strategy in strategies):
        debates = add("sample", "debater", _debater(file), use_of(base), samples=own)
        pairs_from["debates"] = debates
        pairs_from["debate_judgements"] = add("judge", "debater", file.judge, use_of(base), samples=debates)

    if teacher and "teacher" in strategies:
        taught = add("sample", "teacher", file.align.model_copy(update={"role": "teacher"}), use_of(teacher))
        pairs_from["teacher"] = taught
        pairs_from["teacher_judgements"] = add("judge", "teacher", file.judge, use_of(base), samples=taught)

    aligned = as_sampled(file.dpo, file.align.prompt)
    for strategy in strategies:
        settings = PairSettings.model_validate({**file.pairs.model_dump(), "strategy": strategy})
        needed = {role: run for role, run in pairs_from.items() if _needs(settings, role)}
        pairs = add("pairs", strategy, settings, **needed)
        dpo = add("dpo", strategy, aligned, use_of(base, sft), sft=sft, pairs=pairs)
        evaluate(strategy, sft, dpo)

    for a, b in file.duels or []:
        sides = {"samples_a": sampled[a], "samples_b": sampled[b]}
        add("head_to_head", f"{a} against {b}", file.head_to_head, use_of(judge), **sides)
    return steps


def _needs(settings: PairSettings, role: str) -> bool:
    """Whether a strategy's pairs are made from a parent of this role."""
    wanted = {"debate": settings.debated, "teacher": settings.taught}
    return next((needed for name, needed in wanted.items() if role.startswith(name)), True)


def _debater(file: PipelineFile) -> SampleSettings:
    changes = {"role": "debater", "prompt": "debater", "right_by": file.pairs.right_by}
    return file.align.model_copy(update=changes)


# --- the run


def steps_of(config: RunConfig) -> list[RunConfig]:
    """The planned runs of a pipeline run; `Damaged` where its plan is none."""
    try:
        return [RunConfig.model_validate(step) for step in config.settings["steps"]]
    except (ValueError, KeyError, TypeError):
        raise Damaged(f"The plan of {config.id} cannot be read: plan it again with `anchorlab pipeline`.") from None


def run_pipeline(work: Work) -> None:
    """Do the plan's runs in order; what is done already is passed over."""
    file = PipelineFile.model_validate(work.config.settings["file"])
    if refusal := question_sets(file, questions_in(work.parent("dataset"))).refusal:
        raise BadInput(refusal)
    steps = steps_of(work.config)
    for done, step in enumerate(steps):
        work.progress(done, len(steps), "runs")
        work.event("step", run=step.id)
        _finish(work, step)
    work.progress(len(steps), len(steps), "runs")
    work.summary |= {"runs": len(steps)}


def _finish(work: Work, step: RunConfig) -> None:
    folder = launch(work.home, step, partial(_start, work))
    try:
        while folder.alive:
            work.raise_if_stopped()
            time.sleep(0.2)
    except RunStopped:
        _stop_child(folder)
        raise
    _check(folder)


def _start(work: Work, folder: RunFolder, lock: int) -> None:
    """A fork of this worker where it can be one, for it starts 4 s sooner."""
    if work.lock is not None and prepared_to_fork(folder.config):
        branch(do_run, folder, lock, folder.log, close=work.lock)
    else:
        spawned(folder, lock)


def _stop_child(folder: RunFolder) -> None:
    if folder.alive:
        stop(folder)


def _check(folder: RunFolder) -> None:
    result = folder.result
    state = result["state"] if result else "lost"
    if state == "stopped":
        raise RunStopped(f"{folder.id} was stopped; resume the pipeline to go on from there.")
    if state != "done":
        why = result["error"]["message"] if result and result["error"] else why_lost(folder)
        raise LabError(f"{folder.id} did not finish ({why}); see its log, then resume the pipeline.")
