"""The command line: `anchorlab COMMAND`.

Commands work on run folders.  Those that read results take the database for a moment; while the app
holds it they read the folders into one of their own in memory, which gives the same rows.
"""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from core import launcher
from core.datasets import import_dataset
from core.errors import BadInput, LabError
from core.estimate import seconds_left
from core.fetching import find_source
from core.home import PROJECT, Home, default_home
from core.models import resolve_model
from core.pipeline import find_pipeline, prepare, read_pipeline, steps_of
from core.plan import read_assignment, run_config, settings_from
from core.report import show_evaluation
from core.results import evaluations
from core.runs import RunConfig, RunFolder, all_runs, find_run
from core.settings import CompareSettings, problems_of
from core.store import any_store, owner
from core.store import rebuild as remade
from core.variants import use_of
from core.watch import progress_of, watch

cli = typer.Typer(no_args_is_help=True, add_completion=True, help="The explanation-quality lab.")
data = typer.Typer(no_args_is_help=True, help="Data sets: add and list.")
cli.add_typer(data, name="data")
console = Console()

Port = Annotated[int, typer.Option(help="Port on 127.0.0.1.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def main() -> None:
    """Entry point: an error that a person can act on is one sentence and exit code 1."""
    try:
        cli()
    except LabError as error:
        Console(stderr=True).print(f"[bold red]anchorlab:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(1)


@cli.command()
def demo(
    app: Annotated[bool, typer.Option("--app/--no-app", help="Show it in the browser, or here.")] = True,
    port: Port = 8501,
) -> None:
    """Run the whole method on a small real model and show every step."""
    home = default_home()
    folder = _start_pipeline(home, find_pipeline("demo"))
    runs_count, left = len(steps_of(folder.config)), seconds_left(home, folder)
    expect = "is done: nothing is run again" if left == 0 else f"needs about {max(1, round(left / 60))} minutes"
    console.print(f"The demo pipeline ({folder.id}, {runs_count} runs) {expect}.", highlight=False, soft_wrap=True)
    if app:
        serve(port)
        return
    console.print(f"Ctrl-C leaves it running; `anchorlab stop {folder.id}` stops it.", highlight=False, soft_wrap=True)
    watch(home, folder, console)
    _report(folder)
    compare()


@cli.command("app")
def serve(port: Port = 8501) -> None:
    """Open the lab in the browser (127.0.0.1 only)."""
    holder = owner(default_home())
    if holder and "address" in holder:
        console.print(f"The app is open already: [bold]{holder['address']}[/]", highlight=False)
        return
    console.print(
        f"Open [bold]http://127.0.0.1:{port}[/] and watch it on the first page. Ctrl-C closes the app, not the runs.",
        highlight=False,
        soft_wrap=True,
    )
    command = [sys.executable, "-m", "streamlit", "run", str(PROJECT / "app" / "main.py")]
    options = ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true"]
    try:
        sys.exit(subprocess.run(command + options, cwd=PROJECT).returncode)
    except KeyboardInterrupt:
        sys.exit(0)


@data.command("add")
def data_add(
    source: Annotated[
        str, typer.Argument(help="A .jsonl, .json, .csv or .tsv file, a card (.toml), a sample set, or a Hub id.")
    ],
    settings: Annotated[list[str] | None, typer.Option("--set", help="Import setting, name=value.")] = None,
    as_json: AsJson = False,
) -> None:
    """Load a file as a data set; bad rows are counted and kept with their reasons."""
    overrides = dict(read_assignment(word) for word in settings or [])
    home = default_home()
    folder = import_dataset(home, *find_source(source, home, **overrides))
    summary = folder.result["summary"]
    if as_json:
        print(json.dumps({"id": folder.id, **summary}))
        return
    console.print(
        f"{folder.id}: {summary['items']} items, {summary['rejects']} rejected, "
        f"{summary['unlabelled']} unlabelled; splits {summary['splits']}."
    )


@data.command("list")
def data_list(as_json: AsJson = False) -> None:
    """List the data sets of this lab."""
    rows = [
        {"id": run.id, "name": run.config.label, "state": run.state, **(run.result or {}).get("summary", {})}
        for run in all_runs(default_home())
        if run.config.kind == "import"
    ]
    _print_rows(rows, as_json, "No data set yet: `anchorlab data add FILE`.")


@cli.command()
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
    _follow(home, launcher.launch(home, config), detach)


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


def _follow(home: Home, folder: RunFolder, detach: bool) -> None:
    if detach:
        console.print(f"{folder.id} is {folder.state}; `anchorlab runs` shows it, `anchorlab stop` stops it.")
        return
    watch(home, folder, console)
    _report(folder)


def _report(folder: RunFolder) -> None:
    """How a run ended; anything but done is an error with what to do."""
    result = folder.result
    if result is None:
        raise LabError(f"{folder.id}: its worker was killed; `anchorlab resume {folder.id}` goes on.")
    if result["state"] != "done":
        why = result["error"]["message"] if result["error"] else ""
        raise LabError(f"{folder.id} {result['state']}: {why} (log: {folder.path / 'log.txt'})")
    console.print(f"[green]{folder.id} done[/] in {result['seconds']:.0f} s", highlight=False)


def _start_pipeline(home: Home, path: Path, source: str | None = None) -> RunFolder:
    file = read_pipeline(path)
    if source:
        file = file.model_copy(update={"dataset": file.dataset.model_copy(update={"source": source})})
    with console.status("Looking for the models and loading the data set …"):
        config = prepare(home, file)
    return launcher.launch(home, config)


@cli.command()
def pipeline(
    file: Annotated[str, typer.Argument(help="A pipeline file (.toml), or a preset: demo, openbookqa.")],
    source: Annotated[str | None, typer.Option("--data", help="Load this instead of the file's data set.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once.")] = False,
) -> None:
    """Run every stage of a pipeline file that has not been run yet."""
    home = default_home()
    _follow(home, _start_pipeline(home, find_pipeline(file), source), detach)


@cli.command()
def runs(as_json: AsJson = False) -> None:
    """List all runs with their state and progress."""
    rows = []
    for folder in all_runs(default_home()):
        done, total, unit = progress_of(folder)
        progress = f"{done}/{total} {unit}" if total else ""
        rows.append({"id": folder.id, "label": folder.config.label, "state": folder.state, "progress": progress})
    _print_rows(rows, as_json, "No run yet: `anchorlab demo` makes some.")


@cli.command()
def stop(run_id: Annotated[str, typer.Argument(help="Run id, or its beginning.")]) -> None:
    """Stop a run; what it produced is kept."""
    folder = find_run(default_home(), run_id)
    launcher.stop(folder)
    console.print(f"{folder.id} {folder.state}; `anchorlab resume {folder.id}` goes on.", highlight=False)


@cli.command()
def resume(
    run_id: Annotated[str, typer.Argument(help="Run id, or its beginning.")],
    detach: Annotated[bool, typer.Option("--detach", help="Return at once.")] = False,
) -> None:
    """Go on with a stopped, failed or lost run."""
    home = default_home()
    folder = find_run(home, run_id)
    _follow(home, launcher.launch(home, folder.config), detach)


@cli.command()
def compare(as_json: AsJson = False) -> None:
    """Accuracy and win rates of all variants that can be compared, with 95% intervals over questions."""
    with any_store(default_home()) as store:
        found = evaluations(store, CompareSettings())
    if as_json:
        print(json.dumps([asdict(evaluation) for evaluation in found], default=lambda value: value.model_dump()))
        return
    if not found:
        console.print("Nothing to compare yet: `anchorlab demo` samples and judges four variants.")
    several = [evaluation for evaluation in found if len(evaluation.results) > 1]
    for evaluation in several or found:
        show_evaluation(evaluation, console)


@cli.command()
def rebuild() -> None:
    """Make the database anew from the run folders."""
    with remade(default_home()) as store:
        counts = [f"{store.rows(f'SELECT count(*) FROM {table}')[0][0]:,} {table}" for table in COUNTED]
        problems = store.problems
    console.print(f"Rebuilt: {', '.join(counts)}.", highlight=False)
    for problem in problems:
        console.print(f"[yellow]{problem}[/]", highlight=False)


COUNTED = ("runs", "items", "explanations", "verdicts", "pairs")


@cli.command()
def export(
    what: Annotated[str, typer.Argument(help="A table or view of the database, or a SELECT statement.")],
    file: Annotated[Path, typer.Argument(help="Where to: .parquet, .csv or .json.")],
) -> None:
    """Write a table or a query's result to a file."""
    with any_store(default_home()) as store:
        rows = store.export(what, file)
    console.print(f"{rows:,} rows written to {file}.", highlight=False)


def _print_rows(rows: list[dict[str, Any]], as_json: bool, empty: str) -> None:
    if as_json:
        print(json.dumps(rows))
    elif not rows:
        console.print(empty)
    else:
        table = Table(*rows[0].keys(), box=None, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        console.print(table)
