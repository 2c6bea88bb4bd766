"""Judges and their cards: `anchorlab judge list · card · again`."""

import json
import time
from dataclasses import asdict
from typing import Annotated, Any

import typer

from core.analysis.report import show_card
from core.analysis.results import Evaluation, evaluations
from core.cli.common import RESULTS, AsJson, cli, complete_run, console, print_rows
from core.cli.running import chosen_settings, follow
from core.errors import BadInput
from core.home import default_home
from core.method.rejudging import judge_again
from core.models.finding import resolve_model
from core.models.variants import use_of
from core.runs.folders import RunFolder
from core.runs.launcher import launch
from core.settings import CompareSettings
from core.store.database import any_store

judge = typer.Typer(
    no_args_is_help=True,
    help="Judges: which there are, whether to believe them, and another one over the same explanations.",
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


@judge.command("again", epilog="Example: anchorlab judge again judge-243f --judge default --set mode=written")
def judge_again_command(
    wanted: Annotated[
        str,
        typer.Argument(
            help="Whose explanations: a judge run over them, or an evaluation of `judge list`; its beginning will do.",
            autocompletion=complete_run,
        ),
    ],
    model: Annotated[
        str, typer.Option("--judge", help="The other judge: default, a name, a folder, a Hub id, a server's model.")
    ] = "default",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="How it judges, name=value; give it again for more: mode=written, rubric=NAME, show_gold=true; "
            "repeat=1 asks the same judge a second time.",
        ),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let another judge read the explanations that are there, a run a variant; nothing is sampled again.

    The judges asked before stay, the new one stands beside them in `judge list`, in `compare` and on the Judges
    page. What it has judged already is not asked again.
    """
    home = default_home()
    chosen = chosen_settings("judge", settings or [])
    samples = _one(wanted).samples
    use = use_of(resolve_model(model, home))
    folders = [launch(home, config) for config in judge_again(home, samples, chosen, use)]
    if as_json:
        _print_ends(folders, detach)
        return
    for folder in folders:
        follow(home, folder, detach)


def _one(wanted: str) -> Evaluation:
    """The evaluation whose responses are meant: several are one where they differ in the judge alone."""
    found = [evaluation for evaluation in _found() if _is(evaluation, wanted)]
    if len({evaluation.protocol for evaluation in found}) != 1:
        said = "none is" if not found else f"{len(found)} are: {', '.join(evaluation.key for evaluation in found)}"
        raise BadInput(f"No single evaluation is {wanted!r} ({said}); `anchorlab judge list` lists them.")
    return max(found, key=lambda evaluation: len(evaluation.samples))


def _print_ends(folders: list[RunFolder], detach: bool) -> None:
    """The runs as JSON, once all have ended or, detached, at once; exit code 1 unless all are done."""
    while not detach and any(folder.alive for folder in folders):
        time.sleep(0.2)
    ends = [(folder, folder.state) for folder in folders]
    rows = [
        {"id": run.id, "label": run.config.label, "samples": run.config.parents["samples"], "state": state}
        for run, state in ends
    ]
    print_rows(rows, True, "")
    if not detach and any(state != "done" for _, state in ends):
        raise typer.Exit(1)


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
        "smaller than judged": card.smaller is not None,
        "runs": card.runs,
    }


def _as_json(evaluation: Evaluation) -> dict[str, Any]:
    card = evaluation.card
    names = {"evaluation": evaluation.key, "dataset": evaluation.dataset_name, "split": evaluation.split}
    return names | {"reliable": card.reliable, "doubts": card.doubts, "line": card.line} | asdict(card)
