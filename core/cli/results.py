"""What came out: `anchorlab compare · rebuild · export table|pairs|settings|adapter`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from core import sharing
from core.analysis.diagnostics import Diagnostic, diagnose, show_diagnostics
from core.analysis.duels import Duels, head_to_heads
from core.analysis.figures import cards_frame, comparisons_frame, details_frame, duels_frame, write_frame
from core.analysis.report import show_evaluation, show_head_to_heads, show_parts
from core.analysis.results import Details, Evaluation, details, duel_doubts, evaluations
from core.annotation.exporting import agreement_frame
from core.cli.common import RESULTS, AsJson, cli, complete_run, console, open_lab, say_problems
from core.home import default_home
from core.runs.folders import find_run
from core.settings import CompareSettings
from core.store.database import Store
from core.store.database import rebuild as remade
from core.store.files import refuse_existing


@cli.command(rich_help_panel=RESULTS, epilog="Example: anchorlab compare --json")
def compare(
    as_json: AsJson = False,
    with_parts: Annotated[bool, typer.Option("--parts", help="Also Δ(W−L) by criterion and by category.")] = False,
) -> None:
    """Accuracy and win rates of all variants that can be compared, with 95% intervals over questions."""
    with open_lab() as store:
        found = evaluations(store, CompareSettings())
        duels = head_to_heads(store, CompareSettings())
        signs = {evaluation.key: diagnose(store, evaluation) for evaluation in found}
        taken_apart = {evaluation.key: details(store, evaluation) for evaluation in found}
    if as_json:
        marked = [(d, duel_doubts(d.run, found)) for d in duels]
        rows = [_as_json(e, taken_apart[e.key], signs[e.key], marked) for e in found]
        print(json.dumps(rows, default=_plain))
        return
    if not found:
        console.print("Nothing to compare yet: `anchorlab demo` samples and judges four variants.")
    several = [evaluation for evaluation in found if len(evaluation.results) > 1]
    for evaluation in several or found:
        show_evaluation(evaluation, taken_apart[evaluation.key], console)
        if with_parts:
            show_parts(taken_apart[evaluation.key], console)
        show_diagnostics(signs[evaluation.key], console)
    show_head_to_heads(duels, found, console)


def _as_json(
    evaluation: Evaluation, found: Details, signs: list[Diagnostic], duels: list[tuple[Duels, list[str]]]
) -> dict[str, Any]:
    apart = asdict(found) | {"lengths": [{"a": a, "b": b} | asdict(x) for (a, b), x in found.lengths.items()]}
    findings = [asdict(evaluation.finding(rate)) for rate in evaluation.win_rates]
    own = [
        asdict(d) | {"judge_reliable": not doubts, "judge_doubts": doubts}
        for d, doubts in duels
        if {d.samples_a, d.samples_b} <= set(evaluation.samples.values())
    ]
    more = {"findings": findings, "diagnostics": [asdict(sign) for sign in signs], "head_to_head": own}
    return asdict(evaluation) | apart | more


def _plain(value: BaseModel) -> dict[str, Any]:
    return value.model_dump()


@cli.command(rich_help_panel=RESULTS, epilog="Example: anchorlab rebuild")
def rebuild() -> None:
    """Make the database anew from the run folders; close the app first."""
    with remade(default_home()) as store:
        counts = [f"{store.rows(f'SELECT count(*) FROM {table}')[0][0]:,} {table}" for table in COUNTED]
        problems = store.problems
    console.print(f"Rebuilt: {', '.join(counts)}.", highlight=False)
    say_problems(problems)


COUNTED = ("runs", "items", "explanations", "verdicts", "pairs")


# --- export

export = typer.Typer(
    no_args_is_help=True,
    help="Files for other tools: tables, preference pairs, settings, adapters.",
    epilog="Example: anchorlab export table explanations explanations.parquet",
)
cli.add_typer(export, name="export", rich_help_panel=RESULTS)


FRAMES = {
    "comparisons": comparisons_frame,
    "comparison_details": details_frame,
    "duels": duels_frame,
    "judge_cards": cards_frame,
    "annotated_agreement": agreement_frame,
}
"""Name under which figures are exported → how they are made."""


def complete_table(incomplete: str) -> list[str]:
    """Tables and views of the database that begin so."""
    with Store(default_home(), None) as store:
        return [name for name in (*store.tables(), *FRAMES) if name.startswith(incomplete)]


Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
RunId = Annotated[str, typer.Argument(help="Run id, or its beginning.", autocompletion=complete_run)]


@export.command("table", epilog="Example: anchorlab export table verdicts verdicts.csv")
def export_table(
    what: Annotated[
        str,
        typer.Argument(
            help=f"A table or view of the database, a SELECT, or figures: {', '.join(FRAMES)}.",
            autocompletion=complete_table,
        ),
    ],
    file: Annotated[Path, typer.Argument(help="Where to: .parquet, .csv, .json or .jsonl (JSON Lines).")],
    force: Force = False,
) -> None:
    """Write a table (explanations, verdicts, scores, …), a query's result or figures to a file."""
    _free(file, force)
    with open_lab() as store:
        figures = FRAMES.get(what)
        rows = write_frame(figures(store, CompareSettings()), file) if figures else store.export(what, file)
    _say(f"{rows:,} rows written to {file}.")


@export.command("pairs", epilog="Example: anchorlab export pairs pairs-1f03 pairs.jsonl")
def export_pairs(
    run: RunId,
    file: Annotated[Path, typer.Argument(help="Where to: .jsonl or .parquet.")],
    force: Force = False,
) -> None:
    """Write the pairs of a pairs run for TRL's DPOTrainer: prompt, chosen, rejected as messages."""
    _free(file, force)
    home = default_home()
    rows = sharing.export_pairs(home, find_run(home, run), file)
    _say(f"{rows:,} pairs written to {file}.")


@export.command("settings", epilog="Example: anchorlab export settings pipeline-1f03 mine.toml")
def export_settings(
    run: RunId,
    file: Annotated[Path, typer.Argument(help="Where to: .toml.")],
    force: Force = False,
) -> None:
    """Write a run's settings; those of a pipeline are a file that `anchorlab pipeline` reads."""
    _free(file, force)
    sharing.export_settings(find_run(default_home(), run), file)
    _say(f"Settings written to {file}.")


@export.command("adapter", epilog="Example: anchorlab export adapter dpo-1f03 my-adapter")
def export_adapter(
    run: RunId,
    folder: Annotated[Path, typer.Argument(help="Folder to make.")],
    force: Force = False,
) -> None:
    """Write the adapter of an sft or dpo run as a folder for PEFT, with a model card."""
    _free(folder, force)
    home = default_home()
    with open_lab() as store:
        found = evaluations(store, CompareSettings())
    sharing.export_adapter(home, find_run(home, run), folder, found)
    _say(f"Adapter and model card written to {folder}.")


def _free(target: Path, force: bool) -> None:
    if not force:
        refuse_existing(target)


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
