"""Reading responses again by the rule of today, without sampling: a run of its own, made from the old one.

    folder = reread(home, "sample-1f03…")       # sealed when this returns; asked for twice it is the same run

The old run keeps its reading, and so do pairs, trainings and judgements made from it.  The new run has the same
variant, settings and responses, the old run as parent `reread` and the version of the rule among its inputs, so it is
compared with runs that were read by the same rule, and judged anew.  No model is loaded: where an answer was forced
for the same explanation it is kept, and a response that has lost its answer has no forced one (`without_forced`).
"""

from core.data.datasets import is_done, load_items, locked
from core.errors import BadInput
from core.home import Home
from core.method.parsing import READING, read_response
from core.method.sampling import summarise
from core.records import Explanation, Item
from core.runs.folders import RunConfig, RunFolder, create_run, find_run
from core.runs.work import Work

PARENT = "reread"
"""Role of the run whose responses are read again."""


def reread(home: Home, run: str) -> RunFolder:
    """The sealed run with the new reading; `BadInput` where nothing can be read again."""
    old = find_run(home, run)
    if reason := cannot_reread(old):
        raise BadInput(f"{old.id} {reason}")
    folder = create_run(home, reread_config(old))
    with locked(folder):
        if not is_done(folder):
            (folder.path / "explanations.jsonl").unlink(missing_ok=True)
            with Work(folder) as work:
                work.started()
                run_reread(work)
    return folder


def cannot_reread(old: RunFolder) -> str | None:
    """Why a run cannot be read again, as the rest of a sentence; None where it can."""
    if old.config.kind not in ("sample", "responses"):
        return "holds no responses: name a sample run, or a set of explanations written elsewhere."
    if not is_done(old):
        return f"is not done ({old.state}): resume it first."
    if old.config.settings.get("prediction"):
        return "has its predictions from a column of the file: there is nothing to read."
    if list(readings_of(old)) == [str(READING)]:
        return "was read by the rule of today: it would not change."
    return None


def readings_of(run: RunFolder) -> dict[str, int]:
    """Version of the rule → responses of a sealed run that were read by it; 1 is that of before reasons were kept."""
    summary = (run.result or {}).get("summary", {})
    return summary.get("readings") or {"1": summary.get("explanations", 0)}


def reread_config(old: RunConfig | RunFolder) -> RunConfig:
    """The run to be: what the old one is, made from it."""
    config = old.config if isinstance(old, RunFolder) else old
    return config.model_copy(
        update={
            "parents": {**config.parents, PARENT: config.id},
            "inputs": {**config.inputs, "reading": str(READING)},
        }
    )


def run_reread(work: Work) -> None:
    """Read the parent's responses again and count what changed."""
    items = {item.id: item for item in load_items(work.parent("dataset"))}
    old = work.parent(PARENT).read("explanations", Explanation)
    forced = bool(work.config.settings.get("forced", True))  # explanations written elsewhere: the prediction
    new = [read_again(row, items[row.item_id], forced) for row in old]
    done = len(work.folder.read("explanations", Explanation))
    work.append("explanations", new[done:])
    work.progress(len(new), len(new), "explanations")
    answered = {row.item_id for row in new}
    work.summary |= summarise(new, [item for item in items.values() if item.id in answered])
    pairs = list(zip(old, new, strict=True))
    work.summary |= {
        "newly_read": sum(a.parsed is None and b.parsed is not None for a, b in pairs),
        "newly_unread": sum(a.parsed is not None and b.parsed is None for a, b in pairs),
        "read_otherwise": sum(None not in (a.parsed, b.parsed) and a.parsed != b.parsed for a, b in pairs),
        "other_explanation": sum(a.explanation != b.explanation for a, b in pairs),
        "without_forced": sum(a.forced is not None and b.forced is None for a, b in pairs),
    }
    source = work.config.parents[PARENT]
    work.note(f"Read again from {source} by rule {READING}, without sampling: that run keeps its reading.")


def read_again(row: Explanation, item: Item, forced: bool) -> Explanation:
    """The row as the rule of today reads it; `forced`: whether the run has forced answers."""
    found = read_response(row.response, item.options, cut=row.finish == "length")
    same = row.parsed is None and row.explanation == found.explanation
    return row.model_copy(
        update={
            "explanation": found.explanation,
            "parsed": found.label,
            "forced": (found.label or (row.forced if same else None)) if forced else None,
            "forced_probabilities": row.forced_probabilities if found.label is None and same else None,
            "unread": found.unread,
            "reading": READING,
        }
    )
