"""What the commands share: the application itself, the console, options, completions, tables."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from core.errors import BadInput
from core.home import default_home
from core.runs.folders import all_runs
from core.runs.plan import read_assignment
from core.store.database import Store, any_store

if TYPE_CHECKING:
    import pandas as pd

EXIT_CODES = "Exit codes: 0 done, 1 a sentence on stderr says what to do, 2 the command is not written so, 130 Ctrl-C."

START, DATA, RUNS, RESULTS = PANELS = ("Start", "Data and models", "Runs", "Results")
"""Headings of the commands in `anchorlab --help`."""


class InOrder(TyperGroup):
    """Commands in the order of their headings."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the commands; those without a heading of ours last."""
        places = {panel: place for place, panel in enumerate(PANELS)}
        return sorted(super().list_commands(ctx), key=lambda n: places.get(self.commands[n].rich_help_panel, 9))


cli = typer.Typer(
    cls=InOrder,
    no_args_is_help=True,
    add_completion=True,
    help="The explanation-quality lab: sample, judge, pair, align, compare. Begin with `anchorlab demo`.",
    epilog=EXIT_CODES,
)

WIDE = 10_000
"""Columns where nobody looks (a pipe, a file): no line is broken, so that a line stays a row for other programs."""

console = Console(width=None if sys.stdout.isatty() else WIDE)

if not sys.stderr.isatty():
    os.environ.setdefault("TQDM_DISABLE", "1")  # libraries draw their bars on stderr; tqdm reads this when imported

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def complete_run(incomplete: str) -> list[tuple[str, str]]:
    """Run ids that begin so, each with its label."""
    return [(run.id, run.config.label) for run in all_runs(default_home()) if run.id.startswith(incomplete)]


RunId = Annotated[str, typer.Argument(help="Run id, or its beginning.", autocompletion=complete_run)]


def complete_dataset(incomplete: str) -> list[tuple[str, str]]:
    """Import runs that begin so, each with the data set's name."""
    return [(run, name) for run, name in complete_run(incomplete) if run.startswith("import-")]


def say(text: str, style: str | None = None) -> None:
    """Print a sentence as it stands: brackets of files and names are no markup."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def assigned(settings: list[str] | None) -> dict[str, Any]:
    """`name=value` words as settings; in `values.X=meaning` X may hold an equals sign."""
    found: dict[str, Any] = {}
    for word in settings or []:
        if word.startswith("values.") and "=" in word:
            name, _, meaning = word.rpartition("=")
            found[name] = meaning
        else:
            name, value = read_assignment(word)
            found[name] = value
    return found


def open_lab() -> Store:
    """The lab's database, up to date; what cannot be read of the lab is said on stderr, and the rest is there."""
    store = any_store(default_home())
    say_problems(store.problems)
    return store


def say_problems(problems: Iterable[str]) -> None:
    """What cannot be read, a line each, where it is in nobody's way who reads the output."""
    for problem in problems:
        print(f"anchorlab: {problem}", file=sys.stderr)


def print_rows(rows: list[dict[str, Any]], as_json: bool, empty: str) -> None:
    if as_json:
        print(json.dumps(rows))
    elif not rows:
        say(empty)
    else:
        table = Table(*rows[0].keys(), box=None, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*(Text(str(value)) for value in row.values()))  # text of files is never markup
        console.print(table)


def export_rows(
    file: Path | None, as_json: bool, rows: "Callable[[], pd.DataFrame]", write: Callable[[Path], int]
) -> None:
    """Write rows to a file and say how many, or print them as JSON where none is named."""
    if file is None:
        if not as_json:
            raise BadInput("Name the file to write, or print JSON with --json.")
        print(rows().to_json(orient="records"))
        return
    count = write(file)
    if as_json:
        print(json.dumps({"file": str(file), "rows": count}))
    else:
        console.print(f"{count} rows in {file}.", markup=False, highlight=False, soft_wrap=True)
