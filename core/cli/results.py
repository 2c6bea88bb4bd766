"""What came out: `anchorlab compare · export · rebuild`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from core.cli.common import AsJson, cli, console
from core.diagnostics import diagnose, show_diagnostics
from core.home import default_home
from core.report import show_evaluation
from core.results import evaluations
from core.settings import CompareSettings
from core.store import any_store
from core.store import rebuild as remade


@cli.command()
def compare(as_json: AsJson = False) -> None:
    """Accuracy and win rates of all variants that can be compared, with 95% intervals over questions."""
    with any_store(default_home()) as store:
        found = evaluations(store, CompareSettings())
        signs = {evaluation.key: diagnose(store, evaluation) for evaluation in found}
    if as_json:
        rows = [asdict(e) | {"diagnostics": [asdict(sign) for sign in signs[e.key]]} for e in found]
        print(json.dumps(rows, default=lambda value: value.model_dump()))
        return
    if not found:
        console.print("Nothing to compare yet: `anchorlab demo` samples and judges four variants.")
    several = [evaluation for evaluation in found if len(evaluation.results) > 1]
    for evaluation in several or found:
        show_evaluation(evaluation, console)
        show_diagnostics(signs[evaluation.key], console)


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
