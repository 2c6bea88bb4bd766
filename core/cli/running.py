"""Runs and pipelines: `anchorlab run · pipeline · runs · runs compare · stop · resume · remove`."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from core.analysis.costs import strategy_costs
from core.cli.common import (
    RUNS,
    AsJson,
    RunId,
    cli,
    complete_dataset,
    complete_run,
    console,
    print_rows,
    say,
    say_problems,
)
from core.errors import BadInput, LabError
from core.home import Home, default_home
from core.models.finding import resolve_model
from core.models.variants import completed, require_reachable, use_of
from core.runs import launcher
from core.runs.belonging import configs_of, usual_variant, whole_chain
from core.runs.dryrun import DryRun, dry_run
from core.runs.folders import FROM_BEFORE, ModelUse, RunConfig, RunFolder, all_runs, find_run, unreadable_runs
from core.runs.lost import why_lost
from core.runs.pipeline import PipelineFile, find_pipeline, prepare, preset_names, read_pipeline
from core.runs.plan import run_config, settings_from, settings_on
from core.runs.removal import plan_removal, remove_runs
from core.runs.side_by_side import compared
from core.runs.sizes import Size, sized
from core.runs.watch import progress_of, watch
from core.settings import Settings, problems_of
from core.statistics.words import plural
from core.store.database import any_store

RunIds = Annotated[list[str], typer.Argument(help="Run ids, or their beginnings.", autocompletion=complete_run)]


def complete_preset(incomplete: str) -> list[str]:
    """Presets that begin so."""
    return [name for name in preset_names() if name.startswith(incomplete)]


@cli.command(
    rich_help_panel=RUNS,
    epilog="Example: anchorlab run sample --label base --dataset import-1f03 --set n=4 --set select.limit=64",
)
def run(
    kind: Annotated[str, typer.Argument(help="sft, sample, judge, head_to_head, pairs or dpo.")],
    label: Annotated[str, typer.Option(help="Name of the variant or pair set.")],
    dataset: Annotated[str, typer.Option(help="Data set (import run).", autocompletion=complete_dataset)],
    samples: Annotated[str | None, typer.Option(help="Sample run.", autocompletion=complete_run)] = None,
    judgements: Annotated[
        str | None, typer.Option(help="Judge run of the samples.", autocompletion=complete_run)
    ] = None,
    debates: Annotated[str | None, typer.Option(help="Debater's sample run.", autocompletion=complete_run)] = None,
    debate_judgements: Annotated[
        str | None, typer.Option(help="Judge run of the debates.", autocompletion=complete_run)
    ] = None,
    teacher: Annotated[str | None, typer.Option(help="Teacher's sample run.", autocompletion=complete_run)] = None,
    teacher_judgements: Annotated[
        str | None, typer.Option(help="Judge run of the teacher's samples.", autocompletion=complete_run)
    ] = None,
    sft: Annotated[str | None, typer.Option(help="SFT run that DPO starts from.", autocompletion=complete_run)] = None,
    pairs: Annotated[
        str | None, typer.Option(help="Pairs run that DPO trains on.", autocompletion=complete_run)
    ] = None,
    samples_a: Annotated[
        str | None, typer.Option(help="Head-to-head: sample run of A.", autocompletion=complete_run)
    ] = None,
    samples_b: Annotated[
        str | None, typer.Option(help="Head-to-head: sample run of B.", autocompletion=complete_run)
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "--judge",
            help="Base model or judge: default, a name, a folder, a Hub id. None: what the sources say, else default.",
        ),
    ] = None,
    adapter: Annotated[
        list[str] | None,
        typer.Option(help="Run whose adapter is merged; repeat. DPO takes those of its SFT run by itself."),
    ] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="Setting, name=value.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once.")] = False,
) -> None:
    """Run one stage; asked for twice it is the same run, and finished work is not repeated."""
    home = default_home()
    named = {
        "dataset": dataset,
        "samples": samples,
        "judgements": judgements,
        "debates": debates,
        "debate_judgements": debate_judgements,
        "teacher": teacher,
        "teacher_judgements": teacher_judgements,
        "sft": sft,
        "pairs": pairs,
        "samples_a": samples_a,
        "samples_b": samples_b,
    }
    parents = {role: find_run(home, run_id).id for role, run_id in named.items() if run_id}
    chain = [find_run(home, run_id).id for run_id in adapter or []]
    config = _config(home, kind, label, parents, model, chain, settings or [])
    require_reachable(home, [config])
    follow(home, launcher.launch(home, config), detach)


def _config(
    home: Home,
    kind: str,
    label: str,
    parents: dict[str, str],
    model: str | None,
    chain: list[str],
    settings: list[str],
) -> RunConfig:
    chosen = settings_on(home, chosen_settings(kind, settings), parents)
    variant = None if kind == "pairs" else _variant(home, kind, parents, model, chain)
    return run_config(kind, label, chosen, parents, variant)


def _variant(home: Home, kind: str, parents: dict[str, str], model: str | None, chain: list[str]) -> ModelUse:
    """What the run computes with: as named, else as its sources say, else the lab's default model."""
    known = configs_of(home)
    found = None
    if model is None:
        found = whole_chain(chain, known) if chain else usual_variant(kind, parents, known)
    return completed(found) if found else use_of(resolve_model(model or "default", home), *chain)


def chosen_settings(kind: str, assignments: list[str]) -> Settings:
    """Settings of a run kind from `name=value`; one sentence for whatever is wrong with them."""
    try:
        return settings_from(kind, assignments)
    except ValidationError as error:
        raise BadInput(f"A {kind} run cannot use these settings: {problems_of(error)}.") from None


@cli.command(rich_help_panel=RUNS, epilog="Example: anchorlab pipeline demo --data questions.jsonl")
def pipeline(
    file: Annotated[
        str,
        typer.Argument(
            help=f"A pipeline file (.toml), or a preset: {', '.join(preset_names())}.", autocompletion=complete_preset
        ),
    ],
    source: Annotated[str | None, typer.Option("--data", help="Load this instead of the file's data set.")] = None,
    size: Annotated[Size | None, typer.Option(help="Questions, draws and steps; wins over the file.")] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and start nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --dry-run: print JSON for a script.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once.")] = False,
) -> None:
    """Run every stage of a pipeline file that has not been run yet."""
    home = default_home()
    if as_json and not dry:
        raise BadInput("--json goes with --dry-run: `anchorlab runs --json` lists runs for a script.")
    chosen = _pipeline_file(find_pipeline(file), source, size)
    if dry:
        _show_dry_run(dry_run(home, chosen), as_json)
    else:
        follow(home, start_pipeline(home, chosen), detach)


def _pipeline_file(path: Path, source: str | None, size: Size | None) -> PipelineFile:
    file = read_pipeline(path)
    if source:
        file = file.model_copy(update={"dataset": file.dataset.model_copy(update={"source": source})})
    return sized(file, size) if size else file


def _show_dry_run(planned: DryRun, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_dry_run_json(planned)))
        return
    rows = [
        {
            "kind": run.kind,
            "label": run.label,
            "id": run.id or "not known yet",
            "state": run.standing,
            "seconds": "" if run.standing == "done" else f"{run.seconds:.0f}",
            "rate": "" if run.standing == "done" else run.rate,
        }
        for run in planned.runs
    ]
    print_rows(rows, as_json=False, empty="")
    done = sum(run.standing == "done" for run in planned.runs)
    minutes = planned.seconds / 60
    for sentence in filter(None, [planned.sets.sizes, planned.sets.said]):
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    console.print(f"{len(rows)} runs, {done} of them done and reused; about {minutes:.0f} min for the rest.")
    if planned.missing:
        names = ", ".join(planned.missing)
        say(f"Ids are hashes of the weights: those of {names} are not on this machine yet.")
    if planned.sets.refusal:
        raise BadInput(planned.sets.refusal)


def _dry_run_json(planned: DryRun) -> dict[str, Any]:
    sets = planned.sets
    sizes = {name: len(getattr(sets, name)) for name in ("sft", "align", "test")}
    return {
        "runs": [asdict(run) for run in planned.runs],
        "missing": planned.missing,
        "seconds": planned.seconds,
        "questions": sizes | {"said": sets.said, "refusal": sets.refusal},
    }


runs_group = typer.Typer(help="Runs: list them all, compare some.", invoke_without_command=True)
cli.add_typer(runs_group, name="runs", rich_help_panel=RUNS)


@runs_group.callback(epilog="Example: anchorlab runs --json")
def runs(context: typer.Context, as_json: AsJson = False) -> None:
    """List all runs with their state and progress."""
    if context.invoked_subcommand:
        return
    rows = []
    home = default_home()
    say_problems(unreadable_runs(home))
    for folder in all_runs(home):
        say_problems(folder.damage)
        done, total, unit = progress_of(folder)
        progress = f"{done}/{total} {unit}" if total else ""
        rows.append({"id": folder.id, "label": folder.config.label, "state": folder.state, "progress": progress})
        if as_json:
            rows[-1]["template_in_id"] = None if folder.config.model is None else not folder.config.from_before
    print_rows(rows, as_json, "No run yet: `anchorlab demo` makes some.")
    before = sum(folder.config.from_before for folder in all_runs(default_home()))
    if before and not as_json:
        said = f"{plural(before, 'run is', 'runs are')} {FROM_BEFORE}."
        console.print(said, style="dim", highlight=False, markup=False, soft_wrap=True)


@runs_group.command("costs", epilog="Example: anchorlab runs costs --json")
def runs_costs(as_json: AsJson = False) -> None:
    """Show what each strategy of pairs cost, stage by stage: tokens, seconds in the model, the most memory."""
    with any_store(default_home()) as store:
        rows = strategy_costs(store).to_json(orient="records")
    shown = json.loads(rows)
    if not as_json:
        shown = [{name.replace("_", " "): value for name, value in row.items() if name != "pairs"} for row in shown]
    print_rows(shown, as_json, "No pair set yet: `anchorlab demo` makes two.")


@runs_group.command("compare", epilog="Example: anchorlab runs compare dpo-1f03 dpo-2e4a")
def runs_compare(
    run_ids: RunIds,
    everything: Annotated[bool, typer.Option("--all", help="What is the same, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what differs between runs: settings, model, sources, versions, outcome."""
    home = default_home()
    folders = [find_run(home, run_id) for run_id in run_ids]
    rows = [row for row in compared(folders) if everything or row.differs]
    if as_json:
        print(json.dumps({"runs": [folder.id for folder in folders], "rows": [asdict(row) for row in rows]}))
        return
    shown = [
        {"part": row.part, "name": row.name, **dict(zip(run_ids, (v or "–" for v in row.values), strict=True))}
        for row in rows
    ]
    print_rows(shown, as_json=False, empty="These runs differ in nothing that is known of them.")


@cli.command(rich_help_panel=RUNS, epilog="Example: anchorlab remove judge-1f03 sample-2e4a")
def remove(
    run_ids: RunIds,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete runs for good; refused while a run that is kept was made from one of them."""
    home = default_home()
    planned = plan_removal(home, run_ids)
    if planned.refusal:
        raise BadInput(planned.refusal)
    if not (yes or as_json):
        for folder in planned.runs:
            console.print(f"{folder.id}  {folder.config.label}", highlight=False, markup=False)
        typer.confirm(f"Delete these {len(planned.runs)} runs, {planned.bytes / 1e6:.1f} MB, for good?", abort=True)
    gone = remove_runs(home, planned)
    print(json.dumps({"removed": gone})) if as_json else console.print(f"{len(gone)} removed.", highlight=False)


@cli.command(rich_help_panel=RUNS, epilog="Example: anchorlab stop sample-1f03")
def stop(run_id: RunId, as_json: AsJson = False) -> None:
    """Stop a run; what it produced is kept."""
    folder = find_run(default_home(), run_id)
    launcher.stop(folder)
    if as_json:
        print(json.dumps({"id": folder.id, "state": folder.state}))
        return
    console.print(f"{folder.id} {folder.state}; `anchorlab resume {folder.id}` goes on.", highlight=False)


@cli.command(rich_help_panel=RUNS, epilog="Example: anchorlab resume sample-1f03 --detach")
def resume(
    run_id: RunId,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Go on with a stopped, failed or lost run."""
    home = default_home()
    folder = launcher.launch(home, find_run(home, run_id).config)
    if not as_json:
        follow(home, folder, detach)
        return
    while folder.alive and not detach:
        time.sleep(0.2)
    print(json.dumps({"id": folder.id, "state": folder.state}))
    if not detach and folder.state != "done":
        raise typer.Exit(1)


def start_pipeline(home: Home, file: PipelineFile) -> RunFolder:
    with console.status("Looking for the models and loading the data set …"):
        config = prepare(home, file)
    return launcher.launch(home, config)


def follow(home: Home, folder: RunFolder, detach: bool) -> None:
    if detach:
        console.print(f"{folder.id} is {folder.state}; `anchorlab runs` shows it, `anchorlab stop` stops it.")
        return
    watch(home, folder, console)
    report_end(folder)


def report_end(folder: RunFolder) -> None:
    """How a run ended; anything but done is an error with what to do."""
    result = folder.result
    if result is None:
        raise LabError(f"{folder.id}: {why_lost(folder)}; `anchorlab resume {folder.id}` goes on.")
    if result["state"] != "done":
        why = result["error"]["message"] if result["error"] else ""
        raise LabError(f"{folder.id} {result['state']}: {why} (log: {folder.log})")
    console.print(f"[green]{folder.id} done[/] in {result['seconds']:.0f} s", highlight=False)
