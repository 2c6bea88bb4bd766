"""Runs beside each other: what they compute, what they loaded, how they ended, a row a fact and a column a run.

    rows = compared([first, second])
    [row for row in rows if row.differs]

Curves of trainings are `core.runs.table.metrics_of`; numbers of variants are `core.analysis.comparison`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.runs.folders import ModelUse, RunConfig, RunFolder

Part = Literal["run", "settings", "model", "made from", "versions", "outcome"]


@dataclass(frozen=True)
class Row:
    """One fact of several runs."""

    part: Part
    """What it belongs to: only `settings`, `model` and `made from` are part of a run's identity."""
    name: str
    values: list[str | None]
    """In the order of the runs; None where a run has no such fact."""

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


def compared(runs: Sequence[RunFolder]) -> list[Row]:
    """Every fact of these runs, in the order in which it matters."""
    facts = [_facts(run) for run in runs]
    names = list(dict.fromkeys(name for fact in facts for name in fact))
    names.sort(key=lambda name: list(Part.__args__).index(name[0]))
    return [Row(part, name, [fact.get((part, name)) for fact in facts]) for part, name in names]


def _facts(run: RunFolder) -> dict[tuple[Part, str], str]:
    config, result = run.config, run.result
    parts: dict[Part, Mapping[str, Any]] = {
        "run": {"kind": config.kind, "label": config.label},
        "settings": flat(_settings(config)),
        "model": _model(config),
        "made from": config.parents | {f"hash of {name}": value[:12] for name, value in config.inputs.items()},
        "versions": config.versions,
        "outcome": {"state": run.state, **(_outcome(result) if result else {})},
    }
    return {(part, name): text(value) for part, facts in parts.items() for name, value in facts.items()}


def _settings(config: RunConfig) -> Mapping[str, Any]:
    return config.settings["file"] if config.kind == "pipeline" else config.settings


def _model(config: RunConfig) -> dict[str, Any]:
    if config.model is None:
        return {}
    return {
        "name": config.model.name,
        "weights": config.model.hash[:12],
        "template, tokenizer, configuration": _beside(config.model),
        "adapters": ", ".join(config.model.chain) or None,
    }


def _beside(model: ModelUse) -> str | None:
    if model.from_before:
        return "not part of its id"
    return model.files.removeprefix("commit ")[:12] or None


def _outcome(result: Mapping[str, Any]) -> dict[str, Any]:
    rows = {f"{name} rows": seal["rows"] for name, seal in result["files"].items() if name != "events"}
    return {"seconds": result["seconds"], **rows, **flat(result["summary"])}


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings with names joined by dots.

    >>> flat({"select": {"split": "test"}, "n": 4})
    {'select.split': 'test', 'n': 4}
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def text(value: Any) -> str:
    """A value for a cell; figures to six digits.

    >>> text(0.5701612234115601), text(None), text([0.0, 0.5])
    ('0.570161', 'none', '[0.0, 0.5]')
    """
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
