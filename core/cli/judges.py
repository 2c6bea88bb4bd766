"""Judges and their cards: `anchorlab judge list · card`."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from core.analysis.report import show_card
from core.analysis.results import Evaluation, evaluations
from core.cli.common import RESULTS, AsJson, cli, complete_run, console, print_rows
from core.errors import BadInput
from core.home import default_home
from core.settings import CompareSettings
from core.store.database import any_store

judge = typer.Typer(
    no_args_is_help=True,
    help="Judges: which there are, and whether to believe them.",
    epilog="Example: anchorlab judge card",
)
cli.add_typer(judge, name="judge", rich_help_panel=RESULTS)

Wanted = Annotated[
    str | None,
    typer.Argument(help="A judge run, an evaluation, or their beginnings; none: all.", autocompletion=complete_run),
]


@judge.command("list", epilog="Example: anchorlab judge list --json")
def judge_list(as_json: AsJson = False) -> None:
    """List the judges of this lab by what they judged, and whether they pass their card."""
    rows = [_row(evaluation) for evaluation in _found()]
    if not as_json:
        rows = [{name: value for name, value in row.items() if name != "runs"} for row in rows]
    print_rows(rows, as_json, "No judge yet: `anchorlab demo` runs one.")


@judge.command("card", epilog="Example: anchorlab judge card judge-243f --json")
def judge_card(wanted: Wanted = None, as_json: AsJson = False) -> None:
    """Show the card of a judge: figures with 95% intervals over questions, checks, and what to do about them."""
    found = [evaluation for evaluation in _found() if wanted is None or _is(evaluation, wanted)]
    if wanted and not found:
        raise BadInput(f"No judge is {wanted!r}: `anchorlab judge list` lists evaluations and judge runs.")
    if as_json:
        print(json.dumps([_as_json(evaluation) for evaluation in found], ensure_ascii=False))
        return
    if not found:
        console.print("No judge yet: `anchorlab demo` runs one.")
    for evaluation in found:
        title = f"{evaluation.dataset_name} / {evaluation.split}, {evaluation.drawn}"
        console.print(title, style="bold", markup=False, highlight=False)
        show_card(evaluation.card, console)


def _found() -> list[Evaluation]:
    with any_store(default_home()) as store:
        return evaluations(store, CompareSettings())


def _is(evaluation: Evaluation, wanted: str) -> bool:
    return evaluation.key.startswith(wanted) or any(run.startswith(wanted) for run in evaluation.card.runs)


def _row(evaluation: Evaluation) -> dict[str, Any]:
    card = evaluation.card
    return {
        "evaluation": evaluation.key,
        "data set": f"{evaluation.dataset_name} / {evaluation.split}",
        "judge": card.name,
        "mode": card.mode,
        "asked": card.asked,
        "variants": len(card.runs),
        "reliable": card.reliable,
        "doubts": ", ".join(card.doubts),
        "runs": card.runs,
    }


def _as_json(evaluation: Evaluation) -> dict[str, Any]:
    card = evaluation.card
    names = {"evaluation": evaluation.key, "dataset": evaluation.dataset_name, "split": evaluation.split}
    return names | {"reliable": card.reliable, "doubts": card.doubts, "line": card.line} | asdict(card)
