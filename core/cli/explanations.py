"""Explanations written elsewhere, categories, how they change: `anchorlab explanations · categories · transitions`."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from core.analysis.distribution import Group, share_rows, shares_by_group
from core.analysis.draws import draws, find_draw
from core.analysis.transitions import QuestionTable, question_table, routes, transition_rows
from core.cli.common import DATA, RESULTS, AsJson, RunId, assigned, cli, complete_dataset, console, print_rows
from core.data.foreign import Written, import_responses, read_responses
from core.errors import BadInput
from core.home import default_home
from core.loading.written import load_responses
from core.records import CATEGORIES, RightBy
from core.runs.folders import find_run
from core.settings import CompareSettings, ResponsesSettings
from core.store.database import Store, any_store

explanations = typer.Typer(
    no_args_is_help=True, help="Explanations written elsewhere, by people or other models: look, add."
)
cli.add_typer(explanations, name="explanations", rich_help_panel=DATA)

File = Annotated[Path, typer.Argument(help="A .jsonl, .json, .csv, .tsv or .parquet file.")]
Dataset = Annotated[
    str | None,
    typer.Option(
        help="Data set that they answer; none: the file brings its questions.", autocompletion=complete_dataset
    ),
]
Set = Annotated[list[str] | None, typer.Option("--set", help="Setting, name=value.")]
AsSamples = Annotated[
    bool | None,
    typer.Option("--as-samples/--as-variants", help="Authors as samples of one variant, or each as a variant."),
]


@explanations.command("preview", epilog="Example: anchorlab explanations preview answers.jsonl --dataset import-1f03")
def preview(
    file: File, dataset: Dataset = None, settings: Set = None, as_samples: AsSamples = None, as_json: AsJson = False
) -> None:
    """Show what is guessed of a file and what an import would make of it; nothing is kept."""
    mapping = _mapping(file, settings, as_samples)
    _, items, runs = read_responses(file, mapping, default_home(), dataset)
    rows = [_planned(run) for run in runs]
    rejects = [reject for run in runs for reject in run.rejects]
    if as_json:
        shown = {"mapping": mapping.model_dump(mode="json"), "questions": len(items), "runs": rows}
        print(json.dumps(shown | {"rejects": [reject.model_dump() for reject in rejects]}, ensure_ascii=False))
        return
    console.print("Mapping (change one with --set name=value):", style="bold")
    values = mapping.model_dump(mode="json", exclude={"by"})
    print_rows([{"setting": name, "value": json.dumps(value)} for name, value in values.items()], False, "")
    console.print(f"\nRuns that an import would make, on {len(items)} questions:", style="bold")
    print_rows(rows, False, "")
    if rejects:
        console.print(f"\n{len(rejects)} rows cannot be used:", style="bold")
        print_rows([{"row": reject.row, "reason": reject.reason} for reject in rejects[:5]], False, "")


def _planned(run: Written) -> dict[str, Any]:
    return {
        "label": run.label,
        "explanations": len(run.explanations),
        "questions": len({row.item_id for row in run.explanations}),
        "unparsed": sum(row.parsed is None for row in run.explanations),
        "unread": dict(sorted(Counter(row.unread for row in run.explanations if row.unread).items())),
        "not_options": run.counts["not_options"],
        "empty": sum(not row.explanation for row in run.explanations),
        "rejects": len(run.rejects),
    }


@explanations.command("add", epilog="Example: anchorlab explanations add answers.jsonl --as-variants")
def add(
    file: File, dataset: Dataset = None, settings: Set = None, as_samples: AsSamples = None, as_json: AsJson = False
) -> None:
    """Take in a file of explanations; then `anchorlab categories`, and `anchorlab run judge`."""
    runs = import_responses(default_home(), file, _mapping(file, settings, as_samples), dataset)
    rows = [
        {"id": run.id, "label": run.config.label, "dataset": run.config.parents["dataset"]} | run.result["summary"]
        for run in runs
    ]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        console.print(
            f"{row['id']} ({row['label']}): {row['explanations']} explanations of {row['questions']} questions of "
            f"{row['dataset']}; {row['unparsed']} unparsed ({row['not_options']} name no option), "
            f"{row['empty']} empty, {row['rejects']} rejected.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        if row["marked_otherwise"]:
            console.print(
                f"{row['marked_otherwise']} of {row['marked']} marks of right and wrong in the file differ from "
                "prediction = gold, which counts.",
                style="yellow",
            )


def _mapping(file: Path, settings: list[str] | None, as_samples: bool | None) -> ResponsesSettings:
    given = assigned(settings)
    if as_samples is not None:
        given["authors"] = "samples" if as_samples else "variants"
    return load_responses(file, **given)


@cli.command(rich_help_panel=RESULTS, epilog="Example: anchorlab categories responses-1f03 --by split")
def categories(
    run_id: RunId,
    by: Annotated[Group, typer.Option(help="Groups of questions: split (or task), options, responses, all.")] = "split",
    right_by: Annotated[RightBy, typer.Option(help="Prediction that makes a response right.")] = "parsed",
    as_json: AsJson = False,
) -> None:
    """How a run's questions fall into the three categories, with 95% intervals over questions."""
    home = default_home()
    with any_store(home) as store:
        shares = shares_by_group(store, find_run(home, run_id).id, by, right_by, CompareSettings())
    rows = share_rows(shares)
    if not as_json:
        plain = ({name: value for name, value in row.items() if name not in CATEGORIES} for row in rows)
        cells = ({category.replace("_", " "): _cell(row[category]) for category in CATEGORIES} for row in rows)
        rows = [start | rest for start, rest in zip(plain, cells, strict=True)]
    print_rows(rows, as_json, "")


@cli.command(rich_help_panel=RESULTS, epilog="Example: anchorlab transitions sample-1f03 --variants base,sft,anchor")
def transitions(
    run_id: Annotated[
        str, typer.Argument(help="A sample run, or its beginning: its data set and way of sampling; none: the largest.")
    ] = "",
    variants: Annotated[str, typer.Option(help="Variants to follow, in order, by commas; none: all of them.")] = "",
    right_by: Annotated[RightBy, typer.Option(help="Prediction that makes a response right.")] = "parsed",
    as_json: AsJson = False,
) -> None:
    """Which questions moved between categories from variant to variant; with --json each way and its questions."""
    with any_store(default_home()) as store:
        table = _followed(store, run_id, [name for name in variants.split(",") if name], right_by)
    rows = transition_rows(table, CompareSettings())
    if as_json:
        ways = [
            {"categories": way.categories, "questions": [table.items[row] for row in way.questions]}
            for way in routes(table)
        ]
        print(json.dumps({"variants": table.labels, "steps": rows, "ways": ways}, ensure_ascii=False))
        return
    shown = ("before", "after", "n", "better", "worse", "same")
    print_rows([{name: row[name] for name in shown} | {"net": _net(row)} for row in rows], False, "One variant alone.")


def _followed(store: Store, run_id: str, variants: list[str], right_by: RightBy) -> QuestionTable:
    known = draws(store)
    if not known:
        raise BadInput("No variant has been sampled yet: `anchorlab demo` samples four.")
    draw = find_draw(store, find_run(store.home, run_id).id) if run_id else known[0]
    missing = [name for name in variants if name not in draw.samples]
    if missing:
        raise BadInput(f"{missing[0]} is no variant of {draw.title}: name some of these.")
    return question_table(store, {name: draw.samples[name] for name in variants or draw.samples}, right_by)


def _net(row: dict[str, Any]) -> str:
    """Net change in a cell: points, 95% interval, p of the sign test.

    >>> _net({"net": 0.375, "low": 0.15, "high": 0.56, "p": 0.0014})
    '+37.5 points (+15.0 … +56.0), p = 0.0014'
    """
    if row["net"] is None:
        return "undefined, no question has a category under both"
    net, low, high = (100 * row[name] for name in ("net", "low", "high"))
    p = "no question moved" if row["p"] is None else f"p = {row['p']:.2g}"
    return f"{net:+.1f} points ({low:+.1f} … {high:+.1f}), {p}"


def _cell(found: dict[str, Any]) -> str:
    """A category in a cell: questions, share, 95% interval.

    >>> _cell({"questions": 28, "share": 0.255, "low": 0.182, "high": 0.345})
    '28 (25.5%, 18.2 … 34.5)'
    """
    if found["share"] is None:
        return "undefined, no question has a category"
    share, low, high = (100 * found[name] for name in ("share", "low", "high"))
    return f"{found['questions']} ({share:.1f}%, {low:.1f} … {high:.1f})"
