"""The figures of comparisons as flat rows: for notebooks, exports and the downloads beside charts.

    comparisons_frame(store, settings)          # a row every two variants that can be compared
    details_frame(store, settings)              # a row a figure that takes them apart
    duels_frame(store, settings)                # a row a head-to-head run
    cards_frame(store, settings)                # a row a judge and figure of its card
    write_frame(frame, Path("out.parquet"))     # or .csv, .json, .jsonl; csv_of(frame) for a download

Columns are described in `core.lab.Lab`.  Not covered: rows that the database has
(`Store.export`).
"""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from core.analysis.comparison import Part
from core.analysis.duels import Duels, head_to_heads
from core.analysis.results import Details, Evaluation, details, duel_doubts, evaluations
from core.errors import BadInput
from core.judge_card.rows import JUDGES, judge_rows
from core.settings import CompareSettings
from core.statistics.estimates import Estimate
from core.store.database import FORMULA, Store
from core.store.files import draft_of


def comparisons_frame(store: Store, settings: CompareSettings) -> pd.DataFrame:
    """Rows of `comparison_rows` for every evaluation of a lab."""
    found = evaluations(store, settings)
    return pd.DataFrame([row for evaluation in found for row in comparison_rows(evaluation)], columns=COMPARISON)


def details_frame(store: Store, settings: CompareSettings) -> pd.DataFrame:
    """Rows of `detail_rows` for every evaluation of a lab."""
    found = evaluations(store, settings)
    rows = [row for evaluation in found for row in detail_rows(evaluation, details(store, evaluation))]
    return pd.DataFrame(rows, columns=DETAIL)


def duels_frame(store: Store, settings: CompareSettings) -> pd.DataFrame:
    """A row a complete head-to-head run, as `Lab.duels` describes."""
    found = evaluations(store, settings)
    return pd.DataFrame([duel_row(d, duel_doubts(d.run, found)) for d in head_to_heads(store, settings)], columns=DUEL)


def cards_frame(store: Store, settings: CompareSettings) -> pd.DataFrame:
    """A row every judge, evaluation and figure of its card, as `Lab.judges` describes."""
    found = evaluations(store, settings)
    rows = [row for e in found for row in judge_rows(e.card, evaluation=e.key, dataset=e.dataset_name, split=e.split)]
    return pd.DataFrame(rows, columns=JUDGES)


def comparison_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Rows of `Lab.comparisons` for the variants under one judge."""
    settings = evaluation.settings
    accuracy: dict[str, Estimate] = {r.label: getattr(r, f"accuracy_{settings.right_by}") for r in evaluation.results}
    shared = _shared(evaluation) | {
        "judge_auc": evaluation.auc.value,
        "judge_auc_low": evaluation.auc.low,
        "judge_auc_high": evaluation.auc.high,
        "judge_at_chance": evaluation.auc.at_chance,
        "judge_reliable": evaluation.reliable,
        "judge_doubts": ", ".join(evaluation.card.doubts),
        "judge_smaller": evaluation.card.smaller,
        "cautions": " ".join(evaluation.cautions),
    }
    return [
        shared
        | {name: getattr(rate, name) for name in ("a", "b", "wins", "ties", "losses", "n", "unjudged", "p", "p_holm")}
        | {name: getattr(rate, name).value for name in ("win", "tie", "loss")}
        | _spread("delta", rate.delta)
        | _spread("accuracy_difference", rate.accuracy)
        | {"verdict": evaluation.finding(rate).verdict}
        | _side("a", evaluation.samples[rate.a], accuracy[rate.a])
        | _side("b", evaluation.samples[rate.b], accuracy[rate.b])
        for rate in evaluation.win_rates
    ]


def _spread(name: str, estimate: Estimate) -> dict[str, Any]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _side(which: str, samples: str, accuracy: Estimate) -> dict[str, Any]:
    return {
        f"{which}_samples": samples,
        **_spread(f"{which}_accuracy", accuracy),
        f"{which}_accuracy_n": accuracy.n,
    }


def _shared(evaluation: Evaluation) -> dict[str, Any]:
    settings = evaluation.settings
    return {
        "dataset": evaluation.dataset_name,
        "split": evaluation.split,
        "responses": evaluation.n,
        "judge": evaluation.judge_name,
        "mode": evaluation.mode,
        "tie_margin": settings.margin,
        "score": settings.score,
        "right_by": settings.right_by,
    }


def duel_row(duels: Duels, doubts: list[str]) -> dict[str, Any]:
    """A row of `Lab.duels`; `doubts`: why its judge is not to be believed."""
    found = duels.figures
    names = ("run", "a", "b", "samples_a", "samples_b", "mode", "criterion", "pairs_a_question", "tie_rule")
    counts = ("n", "wins", "ties", "losses", "flips", "by_rule", "unjudged")
    spreads = ("win", "tie", "loss", "delta", "flip_rate", "first_preferred")
    return (
        {"dataset": duels.dataset_name, "judge": duels.judge_name}
        | {name: getattr(duels, name) for name in names}
        | {name: getattr(found, name) for name in counts}
        | {column: value for name in spreads for column, value in _spread(name, getattr(found, name)).items()}
        | {"judge_reliable": not doubts, "judge_doubts": ", ".join(doubts), "judge_smaller": duels.smaller}
    )


def detail_rows(evaluation: Evaluation, found: Details) -> list[dict[str, Any]]:
    """Rows of `Lab.details` for the variants under one judge."""
    rows = [_part_row("criterion", part) for part in found.by_criterion]
    rows += [_part_row("category", part) for part in found.by_category]
    for (a, b), length in found.lengths.items():
        rows.append(_figure_row("win rate", a, b, length.plain, "share"))
        rows.append(_figure_row("equal length", a, b, length.controlled, "share"))
        rows.append(_figure_row("length slope", a, b, length.slope, "log-odds"))
    if found.strengths:
        named = zip(found.strengths.labels, found.strengths.strengths, strict=True)
        rows += [_figure_row("strength", label, None, strength, "log-odds") for label, strength in named]
    return [_shared(evaluation) | row for row in rows]


def _part_row(figure: str, part: Part) -> dict[str, Any]:
    shares = {name: getattr(part, name) for name in ("win", "tie", "loss")}
    return _figure_row(figure, part.a, part.b, part.delta, "points") | {"part": part.part} | shares


def _figure_row(figure: str, a: str, b: str | None, estimate: Estimate, unit: str) -> dict[str, Any]:
    numbers = {name: getattr(estimate, name) for name in ("value", "low", "high", "n", "note")}
    return {"figure": figure, "part": None, "a": a, "b": b, "unit": unit} | numbers


def variant_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """A row a variant: accuracy, form and score with their intervals, questions, explanations, unjudged."""
    names = ("accuracy_parsed", "accuracy_forced", "unparsed", "empty", "tokens", "score")
    return [
        _shared(evaluation)
        | {"variant": r.label, "questions": r.questions, "explanations": r.explanations, "unjudged": r.unjudged}
        | {column: value for name in names for column, value in _spread(name, getattr(r, name)).items()}
        for r in evaluation.results
    ]


# --- files


def csv_of(frame: pd.DataFrame) -> str:
    """A frame as CSV; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    texts = [name for name, kind in frame.dtypes.items() if pd.api.types.is_string_dtype(kind)]
    return frame.assign(**{name: frame[name].map(_no_formula) for name in texts}).to_csv(index=False)


def _no_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and re.match(FORMULA, value) else value


def write_frame(frame: pd.DataFrame, file: Path) -> int:
    """Write a frame by the suffix of the file, whole or not at all; the number of rows."""
    suffix = file.suffix.lower()
    if suffix not in (".parquet", ".csv", ".json", ".jsonl"):
        raise BadInput(f"{file.name} has a suffix that cannot be written: use .parquet, .csv, .json, .jsonl.")
    with draft_of(file) as draft:
        if suffix == ".parquet":
            frame.to_parquet(draft, index=False)
        elif suffix == ".csv":
            draft.write_text(csv_of(frame), encoding="utf-8")
        else:
            draft.write_text(frame.to_json(orient="records", lines=True, force_ascii=False), encoding="utf-8")
    return len(frame)


DUEL = [
    "dataset",
    "judge",
    "mode",
    "criterion",
    "run",
    "a",
    "b",
    "samples_a",
    "samples_b",
    "n",
    "pairs_a_question",
    "wins",
    "ties",
    "losses",
    *(f"{name}{end}" for name in ("win", "tie", "loss", "delta") for end in ("", "_low", "_high")),
    "flips",
    *(f"{name}{end}" for name in ("flip_rate", "first_preferred") for end in ("", "_low", "_high")),
    "by_rule",
    "unjudged",
    "tie_rule",
    "judge_reliable",
    "judge_doubts",
    "judge_smaller",
]
"""Columns of `Lab.duels`, in order."""

COMPARISON = [
    "dataset",
    "split",
    "responses",
    "judge",
    "mode",
    "a",
    "b",
    "a_samples",
    "b_samples",
    "win",
    "tie",
    "loss",
    "wins",
    "ties",
    "losses",
    "delta",
    "delta_low",
    "delta_high",
    "p",
    "p_holm",
    "n",
    "tie_margin",
    "score",
    "unjudged",
    "right_by",
    "accuracy_difference",
    "accuracy_difference_low",
    "accuracy_difference_high",
    "verdict",
    "a_accuracy",
    "a_accuracy_low",
    "a_accuracy_high",
    "a_accuracy_n",
    "b_accuracy",
    "b_accuracy_low",
    "b_accuracy_high",
    "b_accuracy_n",
    "judge_auc",
    "judge_auc_low",
    "judge_auc_high",
    "judge_at_chance",
    "judge_reliable",
    "judge_doubts",
    "judge_smaller",
    "cautions",
]
"""Columns of `Lab.comparisons`, in order; there even where nothing can be compared."""

DETAIL = [
    "dataset",
    "split",
    "responses",
    "judge",
    "mode",
    "figure",
    "part",
    "a",
    "b",
    "win",
    "tie",
    "loss",
    "value",
    "low",
    "high",
    "unit",
    "n",
    "note",
    "tie_margin",
    "score",
    "right_by",
]
"""Columns of `Lab.details`, in order; there even where nothing can be compared."""
