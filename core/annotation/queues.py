"""Queues and who is where in them.

    queue = open_queue(store, QueueSettings(kind="rate", dataset=…, samples={…}, judges={…}))
    desk = Desk.of(store, queue, "kim")
    desk.next_open, desk.progress

A queue is drawn once and kept in the journal, so that the tasks stay the same whatever runs are added later; the
same settings asked for twice are the same queue.  The part that all share comes first; each task of the rest goes
to whoever hands it in first, and an annotator meets the rest in an order of their own, so that two who work at
the same time seldom meet.  What was skipped comes again at the end, longest ago first.
"""

import json
from dataclasses import dataclass
from functools import cached_property

from core.annotation.drawing import order_for
from core.annotation.pool import draw
from core.annotation.records import Explained, Kind, Queue, QueueSettings, Task
from core.errors import BadInput
from core.runs.folders import content_hash
from core.store import journal
from core.store.database import Store

HANDED_IN = "action IN ('rating', 'spot_check', 'pair_vote')"


def open_queue(store: Store, settings: QueueSettings) -> Queue:
    """The queue of these settings, drawn and noted if it is new; `BadInput` if there is nothing to draw from."""
    found = queue_id(settings)
    if (known := find_queue(store, found)) is not None:
        return known
    if settings.kind == "pairwise" and len(settings.samples) != 2:
        raise BadInput(f"Pairs are of two variants, and {len(settings.samples)} are chosen: choose two.")
    tasks = draw(store, settings)
    if not tasks:
        raise BadInput(f"There is nothing to {settings.kind} in these runs: choose others.")
    body = {"queue": found, "settings": settings.model_dump(), "tasks": [task.model_dump() for task in tasks]}
    journal.write(store.home, "queue", body)
    store.take_in_journal()
    return Queue(id=found, settings=settings, tasks=tasks)


def queue_id(settings: QueueSettings) -> str:
    return f"queue-{content_hash(settings.model_dump())[:12]}"


def find_queue(store: Store, wanted: str) -> Queue | None:
    """A queue by its id; None if there is none."""
    found = store.rows("SELECT id, settings, tasks FROM queues WHERE id = ?", [wanted])
    if not found:
        return None
    name, settings, tasks = found[0]
    return Queue(
        id=name,
        settings=QueueSettings.model_validate_json(settings),
        tasks=[Task.model_validate_json(json.dumps(task)) for task in json.loads(tasks)],
    )


def queues_of(store: Store, kind: Kind) -> dict[str, QueueSettings]:
    """Queues of one kind, newest first: id → settings."""
    found = store.rows("SELECT id, settings FROM queues WHERE kind = ? ORDER BY seq DESC", [kind])
    return {name: QueueSettings.model_validate_json(settings) for name, settings in found}


def annotators(store: Store) -> list[str]:
    """Names that have entered anything, by name."""
    query = "SELECT DISTINCT body->>'rater' AS rater FROM journal WHERE rater IS NOT NULL ORDER BY lower(rater), rater"
    return [name for (name,) in store.rows(query)]


@dataclass(frozen=True)
class Progress:
    """How far an annotator is in a queue."""

    done: int
    total: int
    """Tasks that are this annotator's: the shared part, those handed in, and those that nobody has handed in."""
    shared_done: int
    shared: int
    skipped: int
    seconds: float | None
    """Median time a task; None while nothing is known."""

    @property
    def seconds_left(self) -> float | None:
        return None if self.seconds is None else self.seconds * (self.total - self.done)


@dataclass(frozen=True)
class Desk:
    """A queue as one annotator meets it."""

    queue: Queue
    rater: str
    order: list[str]
    """Keys of the tasks, in this annotator's order."""
    done: set[str]
    skipped: list[str]
    """Skipped and not handed in, longest ago first."""
    seconds: float | None

    @classmethod
    def of(cls, store: Store, queue: Queue, rater: str) -> "Desk":
        mine, theirs, seconds = _acts(store, queue, rater)
        settings = queue.settings
        keys = [task.key for task in queue.tasks]
        shared = set(keys[: settings.overlap])
        done = {key for key, (handed_in, _) in mine.items() if handed_in is not None}
        order = [
            key
            for key in order_for(keys, settings.overlap, settings.seed, rater)
            if key in shared or key in done or key not in theirs
        ]
        skips = {key: skipped for key, (_, skipped) in mine.items() if skipped is not None and key not in done}
        skipped = [key for key in sorted(skips, key=skips.__getitem__) if key in set(order)]
        return cls(queue, rater, order, done, skipped, seconds)

    @cached_property
    def open(self) -> list[str]:
        """What is still to do, in order."""
        fresh = [key for key in self.order if key not in self.done and key not in set(self.skipped)]
        return fresh + self.skipped

    @property
    def next_open(self) -> Task | None:
        return self.task(self.open[0]) if self.open else None

    def task(self, key: str) -> Task | None:
        return self.queue.task(key) if key in self.order else None

    def before(self, key: str) -> str | None:
        """The task that stands before this one in the annotator's order; the last one where `key` is no task."""
        place = self.order.index(key) if key in self.order else len(self.order)
        return self.order[place - 1] if place else None

    @property
    def progress(self) -> Progress:
        shared = self.order[: min(self.queue.settings.overlap, len(self.queue.tasks))]
        return Progress(
            done=len(self.done),
            total=len(self.order),
            shared_done=len(self.done & set(shared)),
            shared=len(shared),
            skipped=len(self.skipped),
            seconds=self.seconds,
        )


def _acts(
    store: Store, queue: Queue, rater: str
) -> tuple[dict[str, tuple[int | None, int | None]], set[str], float | None]:
    """Task → when this rater handed it in and skipped it; tasks that others handed in; median seconds of a task.

    A task that is in several queues is done in all of them.
    """
    rows = store.rows(
        f"""
        SELECT body->>'task' AS task, body->>'rater' = $rater AS mine, max(seq) FILTER ({HANDED_IN}) AS handed_in,
            max(seq) FILTER (action = 'skip') AS skipped,
            arg_max((body->>'seconds')::DOUBLE, seq) FILTER ({HANDED_IN}) AS seconds
        FROM journal WHERE ({HANDED_IN} OR action = 'skip') AND list_contains($tasks, body->>'task') GROUP BY ALL
        """,
        {"rater": rater, "tasks": [task.key for task in queue.tasks]},
    )
    mine = {task: (given, skipped) for task, own, given, skipped, _ in rows if own}
    theirs = {task for task, own, given, _, _ in rows if not own and given is not None}
    times = sorted(seconds for _, own, given, _, seconds in rows if own and given is not None and seconds)
    return mine, theirs, times[len(times) // 2] if times else None


def notes_in_place(store: Store, one: Explained) -> list[tuple[str, str]]:
    """Who noted what in place about an explanation: rater, labels and note in one line."""
    return store.rows(
        """
        SELECT rater,
            concat_ws('; ', string_agg(criterion || ' ' || label, ', ' ORDER BY seq, criterion), arg_max(note, seq))
        FROM annotations WHERE mode = 'in place' AND samples = ? AND item_id = ? AND sample = ?
        GROUP BY rater ORDER BY min(seq)
        """,
        [one.samples, one.item_id, one.sample],
    )
