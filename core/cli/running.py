"""Runs and pipelines: `anchorlab run · pipeline · runs · stop · resume`."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from core import launcher
from core.cli.common import RUNS, AsJson, cli, console, print_rows
from core.errors import BadInput, LabError
from core.home import Home, default_home
from core.models import resolve_model
from core.pipeline import find_pipeline, prepare, read_pipeline
from core.plan import run_config, settings_from
from core.runs import RunConfig, RunFolder, all_runs, find_run
from core.settings import problems_of
from core.variants import use_of
from core.watch import progress_of, watch


@cli.command(
    rich_help_panel=RUNS,
    epilog="Example: anchorlab run sample --label base --dataset import-1f03 --set n=4 --set select.limit=64",
)
def run(
    kind: Annotated[str, typer.Argument(help="sft, sample, judge, pairs or dpo.")],
    label: Annotated[str, typer.Option(help="Name of the variant or pair set.")],
    dataset: Annotated[str, typer.Option(help="Data set (import run).")],
    samples: Annotated[str | None, typer.Option(help="Sample run.")] = None,
    judgements: Annotated[str | None, typer.Option(help="Judge run of the samples.")] = None,
    debates: Annotated[str | None, typer.Option(help="Debater's sample run.")] = None,
    debate_judgements: Annotated[str | None, typer.Option(help="Judge run of the debates.")] = None,
    sft: Annotated[str | None, typer.Option(help="SFT run that DPO starts from.")] = None,
    pairs: Annotated[str | None, typer.Option(help="Pairs run that DPO trains on.")] = None,
    model: Annotated[str | None, typer.Option(help="Base model: default, a folder, a Hub id.")] = None,
    adapter: Annotated[list[str] | None, typer.Option(help="Run whose adapter is merged; repeat.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="Setting, name=value.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once.")] = False,
) -> None:
    """Run one stage; asked for twice it is the same run, and finished work is not repeated."""
    home = default_home()
    named = {
        "dataset": dataset,
        "samples": samples,
        "judgements": judgements,
        "debates": debates,
        "debate_judgements": debate_judgements,
        "sft": sft,
        "pairs": pairs,
    }
    parents = {role: find_run(home, run_id).id for role, run_id in named.items() if run_id}
    chain = [find_run(home, run_id).id for run_id in adapter or []]
    config = _config(home, kind, label, parents, model, chain, settings or [])
    follow(home, launcher.launch(home, config), detach)


def _config(
    home: Home,
    kind: str,
    label: str,
    parents: dict[str, str],
    model: str | None,
    chain: list[str],
    settings: list[str],
) -> RunConfig:
    try:
        chosen = settings_from(kind, settings)
    except ValidationError as error:
        raise BadInput(f"A {kind} run cannot use these settings: {problems_of(error)}.") from None
    variant = None if kind == "pairs" else use_of(resolve_model(model or "default", home), *chain)
    return run_config(kind, label, chosen, parents, variant)


@cli.command(rich_help_panel=RUNS, epilog="Example: anchorlab pipeline demo --data questions.jsonl")
def pipeline(
    file: Annotated[str, typer.Argument(help="A pipeline file (.toml), or a preset: demo, openbookqa.")],
    source: Annotated[str | None, typer.Option("--data", help="Load this instead of the file's data set.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once.")] = False,
) -> None:
    """Run every stage of a pipeline file that has not been run yet."""
    home = default_home()
    follow(home, start_pipeline(home, find_pipeline(file), source), detach)


@cli.command(rich_help_panel=RUNS, epilog="Example: anchorlab runs --json")
def runs(as_json: AsJson = False) -> None:
    """List all runs with their state and progress."""
    rows = []
    for folder in all_runs(default_home()):
        done, total, unit = progress_of(folder)
        progress = f"{done}/{total} {unit}" if total else ""
        rows.append({"id": folder.id, "label": folder.config.label, "state": folder.state, "progress": progress})
    print_rows(rows, as_json, "No run yet: `anchorlab demo` makes some.")


@cli.command(rich_help_panel=RUNS, epilog="Example: anchorlab stop sample-1f03")
def stop(run_id: Annotated[str, typer.Argument(help="Run id, or its beginning.")]) -> None:
    """Stop a run; what it produced is kept."""
    folder = find_run(default_home(), run_id)
    launcher.stop(folder)
    console.print(f"{folder.id} {folder.state}; `anchorlab resume {folder.id}` goes on.", highlight=False)


@cli.command(rich_help_panel=RUNS, epilog="Example: anchorlab resume sample-1f03 --detach")
def resume(
    run_id: Annotated[str, typer.Argument(help="Run id, or its beginning.")],
    detach: Annotated[bool, typer.Option("--detach", help="Return at once.")] = False,
) -> None:
    """Go on with a stopped, failed or lost run."""
    home = default_home()
    folder = find_run(home, run_id)
    follow(home, launcher.launch(home, folder.config), detach)


def start_pipeline(home: Home, path: Path, source: str | None = None) -> RunFolder:
    file = read_pipeline(path)
    if source:
        file = file.model_copy(update={"dataset": file.dataset.model_copy(update={"source": source})})
    with console.status("Looking for the models and loading the data set …"):
        config = prepare(home, file)
    return launcher.launch(home, config)


def follow(home: Home, folder: RunFolder, detach: bool) -> None:
    if detach:
        console.print(f"{folder.id} is {folder.state}; `anchorlab runs` shows it, `anchorlab stop` stops it.")
        return
    watch(home, folder, console)
    report_end(folder)


def report_end(folder: RunFolder) -> None:
    """How a run ended; anything but done is an error with what to do."""
    result = folder.result
    if result is None:
        raise LabError(f"{folder.id}: its worker was killed; `anchorlab resume {folder.id}` goes on.")
    if result["state"] != "done":
        why = result["error"]["message"] if result["error"] else ""
        raise LabError(f"{folder.id} {result['state']}: {why} (log: {folder.path / 'log.txt'})")
    console.print(f"[green]{folder.id} done[/] in {result['seconds']:.0f} s", highlight=False)
