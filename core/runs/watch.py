"""Watching a run in the terminal: progress bars that read the run's folder, and nothing else."""

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from core.home import Home
from core.runs.folders import RunFolder
from core.runs.pipeline import steps_of


def describe_step(folder: RunFolder) -> str:
    """A run in a few words: what is done to which variant."""
    config = folder.config
    verbs = {
        "sft": "train",
        "dpo": "align",
        "sample": "sample",
        "judge": "judge",
        "pairs": "choose pairs",
        "head_to_head": "head to head",
    }
    if config.kind == "judge":
        return f"{'read' if config.what == 'reader' else 'judge'} {config.label}"
    if config.kind == "sample":
        return f"sample {config.label} on {config.settings['select']['split']}"
    return f"{verbs.get(config.kind, config.kind)} {config.label}"


def progress_of(folder: RunFolder) -> tuple[int, int, str]:
    """(done, total, unit) of a run's newest progress event; zeros before there is one."""
    events = [event for event in folder.events() if event["type"] == "progress"]
    return (events[-1]["done"], events[-1]["total"], events[-1]["unit"]) if events else (0, 0, "")


def watch(home: Home, folder: RunFolder, console: Console) -> None:
    """Show a run, and for a pipeline its current step, until its worker has ended."""
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        tasks = {folder.id: bars.add_task(folder.config.label, total=None)}
        while folder.alive:
            _refresh(bars, tasks, folder)
            if folder.config.kind == "pipeline":
                _refresh_steps(bars, tasks, home, folder)
            time.sleep(0.5)
        _refresh(bars, tasks, folder)


def _refresh(bars: Progress, tasks: dict, folder: RunFolder) -> None:
    done, total, _ = progress_of(folder)
    bars.update(tasks[folder.id], completed=done, total=total or None)


def _refresh_steps(bars: Progress, tasks: dict, home: Home, pipeline: RunFolder) -> None:
    for step in steps_of(pipeline.config):
        folder = RunFolder(home.runs / step.id)
        if not folder.path.exists() or (folder.result and step.id not in tasks):
            continue
        if step.id not in tasks:
            tasks[step.id] = bars.add_task(f"  {describe_step(folder)}", total=None)
        _refresh(bars, tasks, folder)
        if folder.result:
            bars.stop_task(tasks[step.id])
