"""What to run: builders of run configurations, used alike by pipelines, the command line and the pages.

Ids follow from contents, so a whole pipeline is known, and drawn, before its first step has run.
"""

import json
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress

from core.errors import BadInput
from core.home import Home
from core.method.head_to_head import PROMPTS as HEAD_TO_HEAD_PROMPTS
from core.method.judging import PROMPTS
from core.prompts import load_prompt
from core.rubrics import load_rubric
from core.runs.folders import Kind, ModelUse, RunConfig, RunFolder
from core.settings import (
    RUN_SETTINGS,
    DpoSettings,
    HeadToHeadSettings,
    JudgeSettings,
    PairSettings,
    SampleSettings,
    Settings,
    SftSettings,
)

PARENTS: dict[str, tuple[str, ...]] = {
    "sft": ("dataset",),
    "sample": ("dataset",),
    "judge": ("dataset", "samples"),
    "head_to_head": ("dataset", "samples_a", "samples_b"),
    "pairs": ("dataset", "samples", "judgements"),
    "dpo": ("dataset", "sft", "pairs"),
}
"""Roles that a run of each kind needs.  A debater also needs samples; pairs of a strategy with a debater also
debates and debate_judgements, of one with a teacher also teacher and teacher_judgements."""


def run_config(
    kind: Kind, label: str, settings: Settings, parents: Mapping[str, str], variant: ModelUse | None = None
) -> RunConfig:
    """A run to be: `variant` is the model it loads (none for pairs), `parents` run ids by role."""
    _check_parents(kind, settings, parents)
    _check_writers(kind, parents)
    if not label.strip():
        raise BadInput("A run needs a name (--label): by it people tell it from others of its kind.")
    if variant is None and kind != "pairs":
        raise BadInput(f"A {kind} run needs a model: name one.")
    if variant and variant.server and (kind in ("sft", "dpo") or variant.chain):
        raise BadInput(
            f"{variant.name} is a model on a server: it samples and judges, but can neither be trained nor carry an "
            "adapter. Choose a model on this machine."
        )
    return RunConfig(
        kind=kind,
        label=label,
        settings=settings.model_dump(mode="json"),
        model=variant,
        parents=dict(parents),
        inputs=_inputs(settings),
    )


def _check_parents(kind: Kind, settings: Settings, parents: Mapping[str, str]) -> None:
    if kind not in PARENTS:
        raise BadInput(f"There is no run kind {kind!r} to ask for: use {', '.join(PARENTS)}.")
    needed = list(PARENTS[kind])
    if isinstance(settings, SampleSettings) and settings.role == "debater":
        needed.append("samples")
    if isinstance(settings, PairSettings) and settings.debated:
        needed += ["debates", "debate_judgements"]
    if isinstance(settings, PairSettings) and settings.taught:
        needed += ["teacher", "teacher_judgements"]
    missing = [role for role in needed if role not in parents]
    if missing:
        raise BadInput(f"A {kind} run with these settings needs {', '.join(missing)}: name the runs.")


def _check_writers(kind: Kind, parents: Mapping[str, str]) -> None:
    """Explanations written elsewhere can be judged, and that is all that a run can do with them."""
    foreign = [run for run in parents.values() if run.startswith("responses-")]
    if foreign and kind != "judge":
        raise BadInput(
            f"{foreign[0]} holds explanations written elsewhere, which are judged and compared; for a {kind} run name "
            "a sample run of one of this lab's variants."
        )


def as_sampled(settings: DpoSettings, prompt: str) -> DpoSettings:
    """DPO's settings with the prompt that its pairs were sampled with; BadInput where they name another."""
    refuse_other_prompt(settings, prompt)
    return settings.model_copy(update={"prompt": prompt})


def refuse_other_prompt(settings: DpoSettings, prompt: str) -> None:
    """BadInput where DPO's settings name another prompt than the samples'; the default stands for theirs."""
    if settings.prompt not in (prompt, DpoSettings().prompt):
        raise BadInput(
            f"DPO trains on what was sampled, and the pairs were sampled with the prompt {prompt!r}, not "
            f"{settings.prompt!r}: leave out DPO's `prompt`."
        )


def settings_on(home: Home, settings: Settings, parents: Mapping[str, str]) -> Settings:
    """A run's settings with what follows from its parents: DPO's prompt is that of its pairs' samples."""
    if not isinstance(settings, DpoSettings) or "pairs" not in parents:
        return settings
    samples = RunFolder(home.runs / parents["pairs"]).config.parents["samples"]
    return as_sampled(settings, RunFolder(home.runs / samples).config.settings["prompt"])


def _inputs(settings: Settings) -> dict[str, str]:
    """Content hashes of the prompt and rubric files that the settings name."""
    match settings:
        case SftSettings(prompt=name) | SampleSettings(prompt=name) | DpoSettings(prompt=name):
            return {"prompt": load_prompt(name).hash}
        case JudgeSettings(mode="reader"):
            return {"prompt": load_prompt(PROMPTS["reader"]).hash}
        case JudgeSettings(mode=mode, rubric=rubric):
            return {"prompt": load_prompt(PROMPTS[mode]).hash, "rubric": load_rubric(rubric).hash}
        case HeadToHeadSettings(mode=mode, rubric=rubric):
            return {"prompt": load_prompt(HEAD_TO_HEAD_PROMPTS[mode]).hash, "rubric": load_rubric(rubric).hash}
    return {}


def command_of(config: RunConfig) -> str:
    """The command line that asks for the same run."""
    if config.kind == "pipeline":
        return f"anchorlab resume {config.id}"
    if "reread" in config.parents:
        return f"anchorlab reread {config.parents['reread']}"
    if config.kind == "import":
        words = ["anchorlab", "data", "add", "FILE"]
    elif config.kind == "responses":
        words = ["anchorlab", "explanations", "add", "FILE"]
    elif config.kind == "judgements":
        words = ["anchorlab", "judgements", "add", "FILE"]
        words += [word for role in config.inputs if role != "source" for word in ("--with", "FILE")]
    else:
        words = ["anchorlab", "run", config.kind, "--label", config.label]
    for role, run_id in config.parents.items():
        words += [f"--{role.replace('_', '-')}", run_id]
    if config.model:
        words += ["--model", config.model.name]
        words += [word for run_id in config.model.chain for word in ("--adapter", run_id)]
    for name, value in changed_settings(config).items():
        words += ["--set", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    return shlex.join(words)


def changed_settings(config: RunConfig) -> dict[str, object]:
    """Settings that differ from their defaults, nested names joined by dots."""
    defaults = _flat(RUN_SETTINGS[config.kind].model_construct().model_dump(mode="json"))
    settings = config.settings
    if config.kind == "pairs":  # one of before `lambda_total` is asked for again by what it did
        settings = PairSettings.stored(settings).model_dump(mode="json")
    return {name: value for name, value in _flat(settings).items() if defaults.get(name) != value}


def _flat(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


def settings_from(kind: str, assignments: Sequence[str]) -> Settings:
    """Settings of a run kind from `name=value` words; values are read as TOML, else as text."""
    nested: dict[str, object] = {}
    for assignment in assignments:
        name, value = read_assignment(assignment)
        _put(nested, name.split("."), value)
    return RUN_SETTINGS[kind].model_validate(nested)


def read_assignment(assignment: str) -> tuple[str, object]:
    """(name, value) of a `name=value` word; the value is TOML or JSON, and else the text itself.

    >>> [read_assignment(word) for word in ("select.limit=64", "strategy=anchor", 'labels=["a", "b"]')]
    [('select.limit', 64), ('strategy', 'anchor'), ('labels', ['a', 'b'])]
    >>> read_assignment('examples=[{"question": "Why?"}]')[1]
    [{'question': 'Why?'}]
    """
    name, equals, text = assignment.partition("=")
    if not (name and equals):
        raise BadInput(f"A setting is written name=value, not {assignment!r}.")
    for read in (_toml_value, json.loads):
        with suppress(ValueError):  # not written in this notation
            return name, read(text)
    return name, text


def _toml_value(text: str) -> object:
    return tomllib.loads(f"value = {text}")["value"]


def _put(nested: dict, names: Sequence[str], value: object) -> None:
    *outer, last = names
    for name in outer:
        nested = nested.setdefault(name, {})
    nested[last] = value
