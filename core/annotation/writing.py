"""What people enter: each act is a line of the journal, then a row at once.

    keep_draft(store, "kim", queue, task, Draft(labels={"clarity": "excellent"}))
    rate(store, "kim", queue, task, draft)      # a whole rating: every criterion, one line
    reveal(store, "kim", queue, task)           # from now on this rating stands

An act that may not be done (a label the rubric lacks, a criterion left open, a rating that was revealed) is
refused with a `BadInput` and nothing is written.  Whether a rating is locked is looked up when it is the writer's
turn at the journal, so that two windows cannot slip past each other.
"""

import json
from collections.abc import Callable
from typing import Any

from core.annotation.records import ANSWER, VOTES, Draft, Explained, Queue, Task, Vote, allowed_labels
from core.errors import BadInput
from core.rubrics import Rubric, load_rubric
from core.store import journal
from core.store.database import Store

LONGEST_NOTE = 4000


def keep_draft(store: Store, rater: str, queue: Queue, task: Task, draft: Draft) -> None:
    """Keep what is entered so far; nothing is written where it is what was kept last, or the task is locked."""
    kept = draft_of(store, rater, task) or handed_in(store, rater, task) or Draft()
    if (kept.labels, kept.note) == (draft.labels, draft.note) or is_revealed(store, rater, task):
        return
    _write(store, "draft", rater, queue, task, draft.model_dump())


def draft_of(store: Store, rater: str, task: Task) -> Draft | None:
    """What was entered for a task since it was handed in last; None if nothing was."""
    query = "SELECT body->'labels', body->>'note', (body->>'seconds')::DOUBLE FROM drafts WHERE rater = ? AND task = ?"
    return _as_draft(store.rows(query, [rater, task.key]))


def handed_in(store: Store, rater: str, task: Task) -> Draft | None:
    """What was handed in for a task last; None if nothing was."""
    query = """
        SELECT coalesce(body->'entered', '{}'), body->>'note', (body->>'seconds')::DOUBLE FROM journal
        WHERE action IN ('rating', 'spot_check', 'pair_vote') AND body->>'rater' = ? AND body->>'task' = ?
        ORDER BY seq DESC LIMIT 1
    """
    return _as_draft(store.rows(query, [rater, task.key]))


def _as_draft(found: list[tuple[Any, ...]]) -> Draft | None:
    if not found:
        return None
    labels, note, seconds = found[0]
    return Draft(labels=json.loads(labels), note=note or "", seconds=seconds or 0.0)


def skip(store: Store, rater: str, queue: Queue, task: Task) -> None:
    """Leave a task for later: it comes again when all others are done."""
    _write(store, "skip", rater, queue, task, {})


def rate(store: Store, rater: str, queue: Queue, task: Task, draft: Draft) -> None:
    """Hand in a rating of every criterion of the queue's rubric and of the answer."""
    rubric = load_rubric(queue.settings.rubric)
    _check(draft.labels, rubric, whole=True)
    told = {"mode": "rate", "blind": True, "gold_shown": queue.settings.gold}
    _hand_in(store, "rating", rater, queue, task, draft, told | _where(task.shown[0]) | _labels(draft.labels))


def spot_check(store: Store, rater: str, queue: Queue, task: Task, draft: Draft, judge: str, judged: str) -> None:
    """Hand in one's own verdict beside the judge's, which was shown; `judge` is the judge run."""
    rubric = load_rubric(queue.settings.rubric)
    _check(draft.labels, rubric, whole=False)
    if set(draft.labels) != {task.criterion}:
        raise BadInput(f"A verdict on {task.criterion} is missing: agree, or give your own.")
    told = {"mode": "spot-check", "blind": False, "gold_shown": True, "judge": judge, "judged": judged}
    told["agreed"] = draft.labels[task.criterion] == judged
    _hand_in(store, "spot_check", rater, queue, task, draft, told | _where(task.shown[0]) | _labels(draft.labels))


def vote(store: Store, rater: str, queue: Queue, task: Task, draft: Draft) -> None:
    """Hand in a choice between two: `left`, `right`, `both good` or `both bad`, under the key `vote`."""
    left, right = task.shown
    a, b = sorted(task.shown, key=lambda one: list(queue.settings.samples).index(one.variant))
    sides: dict[str, Vote] = {"left": "a" if left == a else "b", "right": "a" if right == a else "b"}
    said = draft.labels.get("vote", "")
    chosen = sides.get(said, said)
    if chosen not in VOTES:
        raise BadInput("No side is chosen: choose one, both good, or both bad.")
    told = {"item_id": task.item_id, "a": a.model_dump(), "b": b.model_dump(), "left": sides["left"], "vote": chosen}
    told |= {"blind": True, "gold_shown": queue.settings.gold}
    _hand_in(store, "pair_vote", rater, queue, task, draft, told)


def reveal(store: Store, rater: str, queue: Queue, task: Task) -> None:
    """Note that the rater saw what was hidden; only of what was handed in.  A second time changes nothing."""
    if handed_in(store, rater, task) is None:
        raise BadInput("This is not handed in yet: rate it before looking at what the judge says.")
    if not is_revealed(store, rater, task):
        _write(store, "reveal", rater, queue, task, {})


def is_revealed(store: Store, rater: str, task: Task) -> bool:
    query = "SELECT count(*) FROM journal WHERE action = 'reveal' AND body->>'rater' = ? AND body->>'task' = ?"
    return store.rows(query, [rater, task.key])[0][0] > 0


def note_in_place(store: Store, rater: str, one: Explained, rubric: Rubric, labels: dict[str, str], note: str) -> None:
    """Rate where one reads, with everything in sight: any number of criteria, kept apart from blind ratings."""
    _check(labels, rubric, whole=False)
    if not labels and not note.strip():
        raise BadInput("Nothing is entered: choose a verdict, or write a note.")
    body = {"mode": "in place", "blind": False, "gold_shown": True, "note": _note(note), "rater": rater}
    given = labels or {"note": None}
    journal.write(store.home, "rating", body | _where(one) | _labels(given))
    store.take_in_journal()


def in_place(store: Store, rater: str, one: Explained) -> tuple[dict[str, str], str]:
    """What a rater said in place of an explanation: criterion → label, and the last note."""
    rows = store.rows(
        "SELECT criterion, label, note FROM annotations WHERE mode = 'in place' AND rater = ? AND samples = ? AND "
        "item_id = ? AND sample = ? ORDER BY seq",
        [rater, one.samples, one.item_id, one.sample],
    )
    return {name: label for name, label, _ in rows if label}, rows[-1][2] or "" if rows else ""


# --- how acts are written


def _hand_in(
    store: Store, action: str, rater: str, queue: Queue, task: Task, draft: Draft, told: dict[str, Any]
) -> None:
    entered = {"entered": draft.labels, "note": _note(draft.note), "seconds": round(draft.seconds, 1)}

    def allowed() -> None:
        store.take_in_journal()
        if is_revealed(store, rater, task):
            raise BadInput("This was revealed to you and stands as you handed it in: go on to the next.")

    _write(store, action, rater, queue, task, entered | told, allowed)


def _write(
    store: Store,
    action: str,
    rater: str,
    queue: Queue,
    task: Task,
    body: dict[str, Any],
    allowed: Callable[[], None] = lambda: None,
) -> None:
    named = {"rater": rater, "queue": queue.id, "task": task.key}
    journal.write(store.home, action, named | body, allowed)
    store.take_in_journal()


def _check(labels: dict[str, str], rubric: Rubric, whole: bool) -> None:
    """`BadInput` for a label that cannot be given, or where `whole` a criterion without one."""
    known = allowed_labels(rubric)
    for criterion, label in labels.items():
        if label not in known.get(criterion, ()):
            raise BadInput(f"{label!r} is no label of {criterion!r}: use {', '.join(known.get(criterion, known))}.")
    if whole and (missing := ["the answer" if name == ANSWER else name for name in known if name not in labels]):
        raise BadInput(f"Not everything is rated; still open: {', '.join(missing)}.")


def _where(one: Explained) -> dict[str, Any]:
    return one.model_dump()


def _labels(labels: dict[str, str | None]) -> dict[str, Any]:
    return {"labels": [{"criterion": criterion, "label": label} for criterion, label in labels.items()]}


def _note(text: str) -> str | None:
    if len(text) > LONGEST_NOTE:
        raise BadInput(f"This note has {len(text):,} characters: use at most {LONGEST_NOTE:,}.")
    return text.strip() or None
