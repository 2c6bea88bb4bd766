"""How many rows a run computes at once: planned from free memory, kept in its events, taken up again on resume.

room = plan_rows(work, engine, tokens_a_row, 256)
…                                           # a batch
note_halving(work, engine)                  # says so where memory ran out in it
"""

from core.engines import Engine
from core.engines.room import Room
from core.runs.work import Work

EVENT = "batch"


def planned_rows(work: Work) -> int | None:
    """Rows at once that this run's last plan says; None where it has none yet."""
    plans = [event["rows"] for event in work.folder.events() if event["type"] == EVENT]
    return plans[-1] if plans else None


def plan_rows(work: Work, engine: Engine, tokens_a_row: int, most: int) -> None:
    """Let the engine compute as many rows at once as its memory holds, or as this run did before it was cut off.

    tokens_a_row: of the cache; most: rows that a batch has.  An engine without a room of its own (a server) plans none.
    """
    room = room_of(engine)
    if room is None:
        return
    before = planned_rows(work)
    fitting = engine.rows_that_fit(tokens_a_row, most) if before is None else before
    room.most = fitting
    if before is None:
        work.event(EVENT, rows=fitting, of=most, tokens_a_row=tokens_a_row, why="free memory")
    if fitting < most:
        work.note(f"{fitting} of {most} rows are computed at once: that is what the free memory holds.")


def note_halving(work: Work, engine: Engine) -> None:
    """An event and a note where memory ran out since the last plan, so that a resumed run computes as this one."""
    room = room_of(engine)
    planned = planned_rows(work) if room else None
    if room and planned is not None and room.most < planned:
        work.event(EVENT, rows=room.most, of=planned, why="out of memory")
        work.note(f"Memory ran out with {planned} rows at once: it goes on with {room.most}.")


def room_of(engine: Engine) -> Room | None:
    """How much the engine computes at once; None for one that computes elsewhere."""
    return getattr(engine, "room", None)
