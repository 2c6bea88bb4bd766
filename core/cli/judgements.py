"""Judgements made elsewhere: `anchorlab judgements preview · add · list`, `winrates`, `agreement`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from core.analysis.agreement import PairAgreement
from core.analysis.consensus import (
    NO_CARD,
    SetAgreement,
    agreement_rows,
    agreements,
    estimate_words,
    find_set,
    judgement_sets,
    majority_counts,
    preference_rates,
    rate_row,
)
from core.cli.common import DATA, RESULTS, AsJson, assigned, cli, complete_run, console, print_rows, say
from core.data.judgements import import_judgements, judgement_settings, preview_judgements, short_row
from core.errors import BadInput
from core.home import default_home
from core.runs.folders import all_runs
from core.settings import CompareSettings
from core.store.database import any_store

judgements = typer.Typer(no_args_is_help=True, help="Judgements made elsewhere: look, add, list.")
cli.add_typer(judgements, name="judgements", rich_help_panel=DATA)


def complete_set(incomplete: str) -> list[tuple[str, str]]:
    """Sets of judgements whose id begins so, each with its name."""
    return [(run, name) for run, name in complete_run(incomplete) if run.startswith("judgements-")]


Source = Annotated[Path, typer.Argument(help="A .json, .jsonl, .csv, .tsv or .parquet file of judgements.")]
With = Annotated[
    list[Path] | None, typer.Option("--with", help="A file of further verdicts (NAME_result) on the same rows; repeat.")
]
Set = Annotated[list[str] | None, typer.Option("--set", help="Setting or column, name=value.")]
SetId = Annotated[
    str | None, typer.Argument(help="Id of a set, its beginning, or its name.", autocompletion=complete_set)
]


@judgements.command("preview", epilog="Example: anchorlab judgements preview ratings.csv")
def judgements_preview(
    file: Source,
    further: With = None,
    settings: Set = None,
    rows: Annotated[int, typer.Option(help="Judgements to look at.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show what is guessed of a file and what becomes of its first rows; nothing is imported."""
    mapping = judgement_settings(file, further or [], assigned(settings))
    good, bad = preview_judgements(file, mapping, further or [], rows)
    guessed = mapping.model_dump(mode="json", exclude={"title", "licence"})
    if as_json:
        shown = {"judgements": [row.model_dump() for row in good], "rejects": [row.model_dump() for row in bad]}
        print(json.dumps({"mapping": guessed} | shown, ensure_ascii=False))
        return
    flat = {name: value for name, value in guessed.items() if name != "columns"} | guessed["columns"]
    console.print("Mapping (change one with --set name=value):", style="bold")
    print_rows([{"setting": name, "value": json.dumps(value)} for name, value in flat.items()], False, "")
    console.print(f"\nOf the first {len(good) + len(bad)} judgements {len(good)} load:", style="bold")
    print_rows([short_row(row) for row in good[:5]], False, "none.")
    if bad:
        console.print(f"\n{len(bad)} do not:", style="bold")
        print_rows([{"row": r.row, "reason": r.reason} for r in bad[:5]], False, "")


@judgements.command("add", epilog="Example: anchorlab judgements add annotations.json --set name=alpaca-7b")
def judgements_add(file: Source, further: With = None, settings: Set = None, as_json: AsJson = False) -> None:
    """Load a file of judgements; rows that cannot be used are counted and kept with their reasons."""
    mapping = judgement_settings(file, further or [], assigned(settings))
    folder = import_judgements(default_home(), file, mapping, further or [])
    summary = folder.result["summary"]
    if as_json:
        print(json.dumps({"id": folder.id, **summary}))
        return
    annotators = ", ".join(f"{name} ({kind})" for name, kind in summary["annotators"].items())
    say(
        f"{folder.id}: {summary['rows']} {mapping.columns.what} on {summary['items']} questions "
        f"({summary['nothing']} without a choice or label), {summary['rejects']} rejected; by {annotators}."
    )


@judgements.command("list", epilog="Example: anchorlab judgements list --json")
def judgements_list(as_json: AsJson = False) -> None:
    """List the sets of judgements of this lab."""
    rows = []
    for run in all_runs(default_home()):
        if run.config.kind != "judgements":
            continue
        summary = (run.result or {}).get("summary", {})
        counts = {name: summary.get(name, 0) for name in ("rows", "nothing", "rejects", "items")}
        what = run.config.settings["columns"]["what"]
        rows.append({"id": run.id, "name": run.config.label, "what": what, "state": run.state} | counts)
    print_rows(rows, as_json, "No judgements yet: `anchorlab judgements add FILE`.")


@cli.command(rich_help_panel=RESULTS, epilog="Example: anchorlab winrates alpaca-7b --json")
def winrates(wanted: SetId = None, as_json: AsJson = False) -> None:
    """Win rates that pairwise judgements made elsewhere give, with standard errors and 95% intervals."""
    with any_store(default_home()) as store:
        sets = [find_set(store, wanted)] if wanted else judgement_sets(store)
        chosen = [s for s in sets if s.what == "preferences"]
        if wanted and not chosen:
            raise BadInput(f"{wanted} holds ratings, which have no win rates: ask for `anchorlab agreement {wanted}`.")
        found = [(s, preference_rates(store, s.id, CompareSettings()), majority_counts(store, s.id)) for s in chosen]
    if as_json:
        rows = [
            {"set": s.id, "name": s.name, "majority": majority, "rates": [rate_row(rate) for rate in rates]}
            for s, rates, majority in found
        ]
        print(json.dumps(rows))
        return
    if not found:
        console.print("No pairwise judgements yet: `anchorlab judgements add FILE`.")
    for s, rates, majority in found:
        say(f"{s.name} ({s.id})")
        print_rows([_rate_words(rate_row(rate)) for rate in rates], False, "")
        if majority:
            say(f"Majority of people: {', '.join(f'{name} {count}' for name, count in majority.items())}.")
    if found:
        say("Win rate: mean of preference − 1 in %, a tie one half; ± standard error, (95% over questions).")
    if any(rate.kind == "judge" for _, rates, _ in found for rate in rates):
        say(NO_CARD)


def _rate_words(row: dict[str, Any]) -> dict[str, Any]:
    known = row["rate"] is not None
    error = "" if row["se"] is None else f" ± {row['se']:.4f}"
    return {
        "variant": row["b"],
        "against": row["a"],
        "annotator": f"{row['annotator']} ({row['kind']})",
        "win": row["wins"],
        "tie": row["ties"],
        "loss": row["losses"],
        "nothing": row["nothing"],
        "n": row["n"],
        "win rate %": f"{row['rate']:.4f}{error} ({row['low']:.2f} … {row['high']:.2f})" if known else row["note"],
    }


@cli.command(rich_help_panel=RESULTS, epilog="Example: anchorlab agreement ratings --criterion quality")
def agreement(
    wanted: SetId = None,
    criterion: Annotated[str | None, typer.Option(help="One criterion alone.")] = None,
    order: Annotated[str | None, typer.Option(help="Its labels from worst to best, with commas.")] = None,
    as_json: AsJson = False,
) -> None:
    """How far every two raters of imported judgements agree, with 95% intervals over questions."""
    labels = [label.strip() for label in order.split(",")] if order else None
    with any_store(default_home()) as store:
        found = agreements(store, CompareSettings(), wanted or "", criterion, labels)
    if as_json:
        print(json.dumps([_agreement_json(f) for f in found]))
        return
    if not found:
        console.print("No judgements yet: `anchorlab judgements add FILE`.")
    for f in found:
        _show_agreement(f)


def _agreement_json(found: SetAgreement) -> dict[str, Any]:
    names = {"set": found.set.id, "name": found.set.name, "criterion": found.criterion, "raters": found.kinds}
    return names | {"alpha": vars(found.alpha), "scale": found.scale, "pairs": agreement_rows(found)}


def _show_agreement(found: SetAgreement) -> None:
    say(f"{found.set.name} ({found.set.id}), {found.criterion}")
    print_rows([_pair_words(pair) for pair in found.pairs], False, "One rater alone agrees with nobody.")
    for pair in found.pairs:
        say(f"  {pair.a} and {pair.b}: {pair.sentence}")
    if len(found.kinds) > 1:
        alpha = f"{estimate_words(found.alpha)} ({found.alpha.n} questions)"
        say(f"Krippendorff's α ({found.scale}) of {len(found.kinds)} raters: {alpha}. κ is of labels as names.\n")


def _pair_words(pair: PairAgreement) -> dict[str, Any]:
    return {
        "rater": pair.a,
        "and": pair.b,
        "n": pair.n,
        "left out": pair.left_out,
        "same label": "–" if pair.percent.value is None else f"{pair.percent.value:.1%}",
        "κ (95%)": estimate_words(pair.kappa),
    }
