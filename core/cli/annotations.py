"""What people said in this lab: `anchorlab annotations list · agreement · export`."""

from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from core.annotation.exporting import What, agreement_frame, annotation_rows, counts, export_annotations
from core.cli.common import RESULTS, AsJson, cli, export_rows, open_lab, print_rows
from core.settings import CompareSettings
from core.statistics.estimates import Estimate
from core.statistics.words import interval

annotations = typer.Typer(no_args_is_help=True, help="What people said of explanations here: list, agreement, export.")
cli.add_typer(annotations, name="annotations", rich_help_panel=RESULTS)

UNRATED = "No blind rating of judged explanations yet: `anchorlab app`, page Annotate."
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
    with open_lab() as store:
        rows = counts(store).to_dict("records")
    print_rows(rows, as_json, NONE)


@annotations.command("agreement", epilog="Example: anchorlab annotations agreement --json")
def annotations_agreement(as_json: AsJson = False) -> None:
    """How far each judge agrees with people's blind ratings, and people with each other, by criterion."""
    with open_lab() as store:
        frame = agreement_frame(store, CompareSettings())
    if as_json:
        print(frame.to_json(orient="records", force_ascii=False))
    else:
        print_rows([_words(row) for row in frame.to_dict("records")], False, UNRATED)


def _words(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `agreement_frame` for people."""

    def spread(name: str) -> str:
        value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
        ends = (None, None) if pd.isna(low) else (low, high)
        return "undefined" if pd.isna(value) else interval(Estimate(value, *ends, row["questions"]), "coefficient")

    return {
        "judge": row["judge"],
        "criterion": row["criterion"],
        "κ quadratic": spread("kappa_quadratic"),
        "same": spread("percent"),
        "ratings": row["ratings"],
        "questions": row["questions"],
        "α of people": spread("alpha"),
    }


@annotations.command("export", epilog="Example: anchorlab annotations export annotations.csv")
def annotations_export(
    file: Annotated[Path | None, typer.Argument(help="A .csv, .parquet, .json or .jsonl file.")] = None,
    what: Wanted = "annotations",
    as_json: AsJson = False,
) -> None:
    """Write annotations to a file, or print them as JSON."""
    with open_lab() as store:
        export_rows(
            file, as_json, lambda: annotation_rows(store, what), lambda path: export_annotations(store, path, what)
        )
