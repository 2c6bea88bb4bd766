"""Taking data sets out of sight or away: archived is hidden and kept, removed is gone.

Each act is a line in the journal before it happens.  A data set that runs depend on cannot be removed:
what they say would have no source.  Runs that only name other runs depend on it through those.
"""

from core.errors import BadInput
from core.home import Home
from core.runs.folders import RunFolder, all_runs, find_run
from core.runs.lineage import descendants, edges_of_folders
from core.runs.removal import plan_removal, remove_runs
from core.store import journal


def archive(home: Home, run: str) -> RunFolder:
    """Hide a data set from choices; its rows and every run that used it stay as they are."""
    folder = _dataset(home, run)
    journal.record(home, "archive", folder.id)
    return folder


def restore(home: Home, run: str) -> RunFolder:
    """Offer an archived data set again."""
    folder = _dataset(home, run)
    journal.record(home, "restore", folder.id)
    return folder


def remove(home: Home, run: str) -> RunFolder:
    """Delete a data set that no run depends on; `BadInput` names the runs that do."""
    folder = _dataset(home, run)
    if folder.alive:
        raise BadInput(f"{folder.id} is being imported: wait for it, or stop it first.")
    if users := dependents(home, folder.id):
        named = ", ".join(f"{user.id} ({user.config.label})" for user in users[:5])
        more = f" and {len(users) - 5} more" if len(users) > 5 else ""
        depend = "1 run depends" if len(users) == 1 else f"{len(users)} runs depend"
        raise BadInput(
            f"{folder.id} cannot be removed, for {depend} on it ({named}{more}): "
            f"`anchorlab data archive {folder.id}` hides it and keeps them."
        )
    remove_runs(home, plan_removal(home, [folder.id]))
    return folder


def dependents(home: Home, run: str) -> list[RunFolder]:
    """Runs that were made from this one, directly or through others, oldest first."""
    runs = all_runs(home)
    found = descendants(edges_of_folders(runs), [run])
    return [user for user in runs if user.id in found]


def _dataset(home: Home, run: str) -> RunFolder:
    folder = find_run(home, run)
    if folder.config.kind != "import":
        raise BadInput(f"{folder.id} is no data set: `anchorlab data list` shows them.")
    return folder
