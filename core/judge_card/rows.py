"""Judge cards as plain columns, a row a figure: `Lab.judges` and exports."""

from typing import Any

from core.judge_card.records import Check, JudgeCard

JUDGES = [
    "evaluation",
    "dataset",
    "split",
    "judge",
    "mode",
    "rubric",
    "reliable",
    "doubts",
    "figure",
    "title",
    "value",
    "low",
    "high",
    "n",
    "unit",
    "sentence",
    "check",
    "hard",
    "allowed",
    "remedy",
]
"""Columns of `Lab.judges`, in order."""


def judge_rows(card: JudgeCard, **about: str) -> list[dict[str, Any]]:
    """A row a figure of a card; about: evaluation, dataset and split that the judge worked in."""
    checks = {check.figure: check for check in card.checks}
    judge = {"judge": card.name, "mode": card.mode, "rubric": card.rubric}
    shared = about | judge | {"reliable": card.reliable, "doubts": ", ".join(card.doubts)}
    return [
        shared
        | {"figure": figure.name, "title": figure.title, "unit": figure.unit, "sentence": figure.sentence}
        | {name: getattr(figure.estimate, name) for name in ("value", "low", "high", "n")}
        | _check_columns(checks.get(figure.name))
        for figure in card.figures
    ]


def _check_columns(check: Check | None) -> dict[str, Any]:
    if check is None:
        return {"check": None, "hard": None, "allowed": None, "remedy": None}
    return {"check": check.verdict, "hard": check.hard, "allowed": check.rule, "remedy": check.remedy}
