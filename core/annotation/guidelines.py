"""What the lab's people agree on beyond a rubric's wording: notes on it, or on one of its criteria.

    add_note(store, "kim", rubric, "clarity", "A term that the question uses need not be explained.")
    for note in notes_of(store, rubric.name): …     # oldest first
    take_back(store, "kim", note)                   # one's own; the journal keeps both lines

A note is a line of the journal (`rubric_note`) with the hash of the rubric that it was written for.
"""

from dataclasses import dataclass

from core.annotation.writing import LONGEST_NOTE
from core.errors import BadInput
from core.rubrics import Rubric
from core.store import journal
from core.store.database import Store


@dataclass(frozen=True)
class RubricNote:
    """What somebody noted on how a rubric is to be read."""

    id: int
    """Its line in the journal."""
    rater: str
    criterion: str | None
    """Key of the criterion; None for the rubric as a whole."""
    note: str
    written: float
    """Seconds since 1970."""
    rubric_hash: str
    """Of the rubric's wording then."""


def add_note(store: Store, rater: str, rubric: Rubric, criterion: str | None, note: str) -> None:
    """Add a note for everybody who annotates by this rubric; `BadInput` for none, too much or no such criterion."""
    text = note.strip()
    if not text:
        raise BadInput("The note is empty: write what others should know.")
    if len(text) > LONGEST_NOTE:
        raise BadInput(f"This note has {len(text):,} characters: use at most {LONGEST_NOTE:,}.")
    known = [one.key for one in rubric.criteria]
    if criterion not in (None, *known):
        raise BadInput(f"The rubric {rubric.name} has no criterion {criterion!r}: use {', '.join(known)}.")
    body = {"rater": rater, "rubric": rubric.name, "rubric_hash": rubric.hash, "criterion": criterion, "note": text}
    journal.write(store.home, "rubric_note", body)
    store.take_in_journal()


def notes_of(store: Store, rubric: str) -> list[RubricNote]:
    """The notes on a rubric, by its name, that nobody has taken back; oldest first."""
    rows = store.rows(
        "SELECT id, rater, criterion, note, written, rubric_hash FROM rubric_notes WHERE rubric = ? ORDER BY id",
        [rubric],
    )
    return [RubricNote(*row) for row in rows]


def take_back(store: Store, rater: str, note: RubricNote) -> None:
    """Withdraw a note of one's own."""
    if note.rater != rater:
        raise BadInput(f"This note is by {note.rater}: it is theirs to take back.")
    journal.write(store.home, "rubric_note_back", {"rater": rater, "note": note.id})
    store.take_in_journal()
