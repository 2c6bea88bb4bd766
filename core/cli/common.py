"""What the commands share: the application itself, the console, options, tables."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

cli = typer.Typer(no_args_is_help=True, add_completion=True, help="The explanation-quality lab.")
console = Console()

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def print_rows(rows: list[dict[str, Any]], as_json: bool, empty: str) -> None:
    if as_json:
        print(json.dumps(rows))
    elif not rows:
        console.print(empty)
    else:
        table = Table(*rows[0].keys(), box=None, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        console.print(table)
