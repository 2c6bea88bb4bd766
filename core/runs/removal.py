"""Deleting runs: what would be lost is said first, and nothing that another run rests on goes alone.

    planned = plan_removal(home, ["sample-1f03"])
    planned.refusal            # a sentence, or None
    remove_runs(home, planned)

A run is refused while it is at work, and while runs that were made from it are not deleted with it: what they say
would have no source.  Each deletion is a line of the journal before the folder goes; the database follows on its next
pass.  What people wrote about an explanation stays in the journal.  Data sets go the same way (`core.data.shelf`).
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import BadInput, Damaged
from core.home import Home
from core.runs.folders import RunFolder, all_runs, find_run
from core.runs.launcher import take_lock
from core.runs.lineage import descendants, edges_of_folders
from core.runs.pipeline import steps_of
from core.store import journal

NAMED = 5
"""Runs that a sentence names before it counts the others."""


@dataclass(frozen=True)
class Removal:
    """What deleting runs would do."""

    runs: list[RunFolder]
    """Deleted, those that others of them were made from last."""
    dependents: list[RunFolder]
    """Runs made from them that are not among them, oldest first: the deletion is refused while there are any."""
    at_work: list[RunFolder]
    """Runs among them whose worker lives: refused as well."""
    pipelines: list[RunFolder]
    """Pipelines that have some of them as steps, and make them again when they are resumed."""
    bytes: int
    """What their folders take on the disk."""

    @property
    def refusal(self) -> str | None:
        """Why nothing can be deleted, and what to do; None where it can."""
        if self.at_work:
            return f"{named(self.at_work)} at work: stop first what is to be deleted."
        if self.dependents:
            return self.refused_for(f" ({named(self.dependents)})")
        return None

    def refused_for(self, which: str = "") -> str:
        """Why runs that depend on others refuse the deletion; `which` names them where they are not listed."""
        verb = "runs depend" if len(self.dependents) > 1 else "run depends"
        return (
            f"{len(self.dependents)} {verb} on what is to be deleted{which} and would lose the source: delete these "
            "too, or keep both."
        )


def plan_removal(home: Home, runs: Sequence[str]) -> Removal:
    """What deleting these runs (ids, or their beginnings) would do; nothing is changed."""
    everything = all_runs(home)
    wanted = {find_run(home, run).id for run in runs}
    made_from = edges_of_folders(everything)
    needed = descendants(made_from, wanted) - wanted
    chosen = [folder for folder in everything if folder.id in wanted]
    return Removal(
        runs=sorted(chosen, key=lambda folder: len(descendants(made_from, [folder.id]))),
        dependents=[folder for folder in everything if folder.id in needed],
        at_work=[folder for folder in chosen if folder.alive],
        pipelines=[folder for folder in everything if folder.id not in wanted and _steps(folder) & wanted],
        bytes=sum(_bytes(folder) for folder in chosen),
    )


def remove_runs(home: Home, planned: Removal) -> list[str]:
    """Delete what was planned, a run before those it was made from; the ids that are gone.

    `BadInput` where the plan is refused, or a worker of one of the runs has started since it was made.
    """
    if planned.refusal:
        raise BadInput(planned.refusal)
    gone = [_remove(home, folder) for folder in planned.runs]
    for leftover in home.runs.glob(".removed-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    return gone


def _remove(home: Home, folder: RunFolder) -> str:
    """Its lock is held meanwhile, so that nobody starts what is being deleted."""
    lock = take_lock(folder)
    if lock is None:
        raise BadInput(f"{folder.id} is at work by now: stop it, then delete it.")
    try:
        journal.record(home, "remove", folder.id)
        folder.path.rename(folder.path.with_name(f".removed-{folder.id}"))
    finally:
        os.close(lock)
    return folder.id


def named(runs: Sequence[RunFolder]) -> str:
    """Ids and labels of a few runs, and how many more there are."""
    more = f" and {len(runs) - NAMED} more" if len(runs) > NAMED else ""
    return ", ".join(f"{run.id} ({run.config.label})" for run in runs[:NAMED]) + more


def _steps(folder: RunFolder) -> set[str]:
    """Ids of a pipeline's steps; a plan that cannot be read makes no run again."""
    try:
        return {step.id for step in steps_of(folder.config)} if folder.config.kind == "pipeline" else set()
    except Damaged:
        return set()


def _bytes(folder: RunFolder) -> int:
    return sum(path.stat().st_size for path in folder.path.rglob("*") if path.is_file())
