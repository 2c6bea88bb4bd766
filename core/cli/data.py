"""Data sets: `anchorlab data add · preview · check · list · archive · restore · remove`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from core.cli.common import DATA, AsJson, assigned, cli, complete_dataset, console, print_rows, say
from core.data import shelf
from core.data.datasets import import_dataset, preview
from core.home import default_home
from core.loading.data_check import check_folder
from core.loading.fetching import find_source
from core.loading.remarks import remarks
from core.runs.folders import all_runs
from core.store.journal import archived

data = typer.Typer(no_args_is_help=True, help="Data sets: look, add, list, put away.")
cli.add_typer(data, name="data", rich_help_panel=DATA)

Source = Annotated[
    str,
    typer.Argument(help="A .jsonl, .json, .txt, .csv, .tsv or .parquet file, a folder, a card (.toml), a sample set, "
                   "a set of the paper, or a Hub id."),
]  # fmt: skip
Set = Annotated[list[str] | None, typer.Option("--set", help="Import setting, name=value.")]
DatasetId = Annotated[str, typer.Argument(help="Data set id, or its beginning.", autocompletion=complete_dataset)]


@data.command("add", epilog="Example: anchorlab data add questions.jsonl --set gold=answer")
def data_add(source: Source, settings: Set = None, as_json: AsJson = False) -> None:
    """Load a file as a data set; bad rows are counted and kept with their reasons."""
    home = default_home()
    file, mapping = find_source(source, home, **assigned(settings))
    folder = import_dataset(home, file, mapping)
    summary = folder.result["summary"]
    if as_json:
        print(json.dumps({"id": folder.id, **summary}))
        return
    say(
        f"{folder.id}: {summary['items']} items, {summary['rejects']} rejected, "
        f"{summary['unlabelled']} unlabelled; splits {summary['splits']}."
    )
    for warning, count in summary.get("warnings", {}).items():
        say(f"{count} items: {warning}.", "yellow")
    for remark in remarks(file, mapping, folder.id):
        say(remark, "yellow")


@data.command("preview", epilog="Example: anchorlab data preview questions.csv")
def data_preview(
    source: Source,
    settings: Set = None,
    rows: Annotated[int, typer.Option(help="Rows to look at.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show what is guessed of a file and what becomes of its first rows; nothing is imported."""
    file, mapping = find_source(source, default_home(), **assigned(settings))
    items, rejects = preview(file, mapping, rows)
    guessed = mapping.model_dump(mode="json", exclude={"title", "licence", "examples"})
    if as_json:
        shown = [item.model_dump() for item in items], [reject.model_dump() for reject in rejects]
        print(json.dumps({"mapping": guessed, "items": shown[0], "rejects": shown[1]}, ensure_ascii=False))
        return
    console.print("Mapping (change one with --set name=value):", style="bold")
    print_rows([{"setting": name, "value": json.dumps(value)} for name, value in guessed.items()], False, "")
    console.print(f"\nOf the first {len(items) + len(rejects)} rows {len(items)} load:", style="bold")
    print_rows([_item_row(item) for item in items[:5]], False, "none.")
    if rejects:
        console.print(f"\n{len(rejects)} do not:", style="bold")
        print_rows([{"row": r.row, "reason": r.reason} for r in rejects[:5]], False, "")
    for remark in remarks(file, mapping):
        say(remark, "yellow")


def _item_row(item: Any) -> dict[str, Any]:
    options = " · ".join(f"{option.label}: {option.text}" for option in item.options)
    return {"id": item.id, "split": item.split, "question": item.question, "options": options, "gold": item.gold}


@data.command("check", epilog="Example: anchorlab data check downloads")
def data_check(
    folder: Annotated[Path, typer.Argument(help="A folder with data files.", exists=True, file_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Read every data file below a folder with its guessed mapping and print what loads, as a Markdown table."""
    found = list(check_folder(folder))
    if as_json:
        print(json.dumps([row._asdict() for row in found], ensure_ascii=False))
        return
    print("| file | loaded | rejected | unlabelled | options | warnings |\n|---|---|---|---|---|---|")
    for row in (row for row in found if row.problem is None):
        warnings = "; ".join(f"{count}: {what}" for what, count in (row.warnings or {}).items())
        print(f"| {row.file} | {row.loaded} | {row.rejected} | {row.unlabelled} | {row.options} | {warnings} |")
    print()
    for row in (row for row in found if row.problem is not None):
        print(f"- {row.file}: {row.problem}")


@data.command("list", epilog="Example: anchorlab data list --json")
def data_list(
    archived_too: Annotated[bool, typer.Option("--archived", help="Those that are archived as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the data sets of this lab, with the labels of each split."""
    home = default_home()
    hidden = archived(home)
    rows = [
        _dataset_row(run, run.id in hidden)
        for run in all_runs(home)
        if run.config.kind == "import" and (archived_too or run.id not in hidden)
    ]
    if not as_json:
        rows = [row | {"splits": _balance(row)} for row in rows]
        rows = [{key: value for key, value in row.items() if key not in ("labels", "warnings")} for row in rows]
    print_rows(rows, as_json, "No data set yet: `anchorlab data add FILE`.")


def _dataset_row(run: Any, hidden: bool) -> dict[str, Any]:
    state = "archived" if hidden else run.state
    counts = {"items": 0, "rejects": 0, "unlabelled": 0, "splits": {}, "labels": {}, "warnings": {}}
    return {"id": run.id, "name": run.config.label, "state": state} | counts | (run.result or {}).get("summary", {})


def _balance(row: dict[str, Any]) -> str:
    """Each split with its size and its labels.

    >>> _balance({"splits": {"test": 3}, "labels": {"test": {"A": 1, "B": 2}}})
    'test 3 (A 1, B 2)'
    """
    parts = []
    for split, size in row["splits"].items():
        labels = ", ".join(f"{label} {count}" for label, count in row["labels"].get(split, {}).items())
        parts.append(f"{split} {size} ({labels})" if labels else f"{split} {size}")
    return "; ".join(parts)


@data.command("archive", epilog="Example: anchorlab data archive import-0c1")
def data_archive(run: DatasetId) -> None:
    """Hide a data set from choices; it and all that was made from it stay."""
    say(f"{shelf.archive(default_home(), run).id} is archived; `data restore` brings it back.")


@data.command("restore", epilog="Example: anchorlab data restore import-0c1")
def data_restore(run: DatasetId) -> None:
    """Offer an archived data set again."""
    say(f"{shelf.restore(default_home(), run).id} is offered again.")


@data.command("remove", epilog="Example: anchorlab data remove import-0c1")
def data_remove(run: DatasetId) -> None:
    """Delete a data set that no run depends on."""
    say(f"{shelf.remove(default_home(), run).id} is removed.")
