"""The records of annotating: what is laid before a person, and what the person makes of it."""

from typing import Literal

from pydantic import Field

from core.errors import BadInput
from core.records import Record
from core.rubrics import Rubric
from core.runs.folders import content_hash

Kind = Literal["rate", "spot-check", "pairwise"]
"""What is asked of each task of a queue."""

Vote = Literal["a", "b", "both good", "both bad"]
VOTES: tuple[Vote, ...] = ("a", "b", "both good", "both bad")

ANSWER = "answer"
"""The criterion beside the rubric's: is the answer right?"""
ANSWER_LABELS = ("right", "wrong", "cannot tell")

LONGEST_NAME = 60


class Explained(Record):
    """One explanation, by where it lies."""

    samples: str
    """Run that holds it (sample or responses)."""
    item_id: str
    sample: int
    variant: str
    """Label of its variant when the queue was drawn."""


class Task(Record):
    """One thing to decide."""

    shown: list[Explained] = Field(min_length=1, max_length=2)
    """The explanation; for `pairwise` the left and the right one."""
    criterion: str | None = None
    """Whose verdict is checked; None but for `spot-check`."""

    @property
    def key(self) -> str:
        """What identifies it, whatever queue it is in and whichever side stands left."""
        places = sorted([one.samples, one.item_id, one.sample] for one in self.shown)
        return content_hash([places, self.criterion])[:16]

    @property
    def item_id(self) -> str:
        return self.shown[0].item_id


class QueueSettings(Record):
    """What a queue is drawn from and how; the queue is a function of this and of the runs named."""

    kind: Kind
    dataset: str
    """Import run of the questions."""
    samples: dict[str, str]
    """Variant label → run of its explanations; two of them for `pairwise`."""
    judges: dict[str, str] = Field(default_factory=dict)
    """Variant label → judge run of those; empty where nothing has been judged."""
    rubric: str = "five_criteria"
    size: int = Field(40, ge=1, le=5000)
    """Tasks at most; fewer where there are no more."""
    overlap: int = Field(20, ge=0)
    """Tasks that come first for every annotator; each other one is for whoever comes to it first."""
    seed: int = 0
    gold: bool = False
    """Whether the gold answer is shown while rating."""


class Queue(Record):
    """Tasks in the order drawn, as the journal keeps them."""

    id: str
    settings: QueueSettings
    tasks: list[Task]

    def task(self, key: str) -> Task | None:
        return next((task for task in self.tasks if task.key == key), None)


class Draft(Record):
    """What a person has entered for a task and not handed in."""

    labels: dict[str, str] = Field(default_factory=dict)
    note: str = ""
    seconds: float = 0.0
    """Time in front of the task."""

    def differs_from(self, other: "Draft") -> bool:
        """Whether something else is entered, however long it took."""
        return (self.labels, self.note.strip()) != (other.labels, other.note.strip())


def rater_name(typed: str) -> str:
    """A name as it is stored: blanks trimmed, control characters gone; `BadInput` if nothing is left or too much.

    >>> rater_name("  kim\\u200b lee ")
    'kim lee'
    """
    name = " ".join("".join(c for c in typed if c.isprintable()).split())
    if not name:
        raise BadInput("An annotator needs a name: type one.")
    if len(name) > LONGEST_NAME:
        raise BadInput(f"This name has {len(name)} characters: use at most {LONGEST_NAME}.")
    return name


def allowed_labels(rubric: Rubric) -> dict[str, tuple[str, ...]]:
    """Criterion → labels that can be given, worst first; the rubric's criteria, then the answer."""
    return {c.key: tuple(rubric.labels) for c in rubric.criteria} | {ANSWER: ANSWER_LABELS}
