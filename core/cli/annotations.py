"""What people said in this lab: `anchorlab annotations list · export`."""

from pathlib import Path
from typing import Annotated

import typer

from core.annotation.exporting import What, annotation_rows, counts, export_annotations
from core.cli.common import RESULTS, AsJson, cli, export_rows, print_rows
from core.home import default_home
from core.store.database import any_store

annotations = typer.Typer(no_args_is_help=True, help="What people said of explanations here: list, export.")
cli.add_typer(annotations, name="annotations", rich_help_panel=RESULTS)

NONE = "Nobody has annotated yet: `anchorlab app`, page Annotate."
Wanted = Annotated[
    What,
    typer.Option(
        help="annotations: last labels; history: all ever given; votes: choices between two; notes: on rubrics."
    ),
]


@annotations.command("list", epilog="Example: anchorlab annotations list --json")
def annotations_list(as_json: AsJson = False) -> None:
    """Who has annotated how much, and how: blind, spot-check, pairwise, in place."""
    with any_store(default_home()) as store:
        rows = counts(store).to_dict("records")
    print_rows(rows, as_json, NONE)


@annotations.command("export", epilog="Example: anchorlab annotations export annotations.csv")
def annotations_export(
    file: Annotated[Path | None, typer.Argument(help="A .csv, .parquet, .json or .jsonl file.")] = None,
    what: Wanted = "annotations",
    as_json: AsJson = False,
) -> None:
    """Write annotations to a file, or print them as JSON."""
    with any_store(default_home()) as store:
        export_rows(
            file, as_json, lambda: annotation_rows(store, what), lambda path: export_annotations(store, path, what)
        )
