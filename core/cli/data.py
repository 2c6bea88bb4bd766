"""Data sets: `anchorlab data add · list`."""

import json
from typing import Annotated

import typer

from core.cli.common import DATA, AsJson, cli, console, print_rows
from core.datasets import import_dataset
from core.fetching import find_source
from core.home import default_home
from core.plan import read_assignment
from core.runs import all_runs

data = typer.Typer(no_args_is_help=True, help="Data sets: add and list.")
cli.add_typer(data, name="data", rich_help_panel=DATA)


@data.command("add", epilog="Example: anchorlab data add questions.jsonl --set gold=answer")
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


@data.command("list", epilog="Example: anchorlab data list --json")
def data_list(as_json: AsJson = False) -> None:
    """List the data sets of this lab."""
    rows = [
        {"id": run.id, "name": run.config.label, "state": run.state, **(run.result or {}).get("summary", {})}
        for run in all_runs(default_home())
        if run.config.kind == "import"
    ]
    print_rows(rows, as_json, "No data set yet: `anchorlab data add FILE`.")
