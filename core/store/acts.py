"""What a line of the journal must hold to be taken in: when, what was done, and what is read of each kind of act.

    read_act(b'{"t": 1.5, "action": "archive", "run": "import-1f03"}')      # a dict, or `ValueError`: why it is none

The views over table `journal` give these fields types, and one that does not fit would fail every question about all of
them.  A line may hold more, and acts that this version does not know are kept as they are: a later one reads them.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.annotation.records import QueueSettings, Task
from core.playground.records import Answer, Wish
from core.runs.seals import LATEST
from core.settings import problems_of

Place = Annotated[int, Field(ge=-(2**31), lt=2**31)]
"""An integer of the database."""


class _Act(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class OnRun(_Act):
    run: str


class Defaults(_Act):
    model: str
    judge: str


class DrawnQueue(_Act):
    queue: str
    settings: QueueSettings
    tasks: list[Task]


class OnTask(_Act):
    """An act of an annotator; `task` is missing where it was done in place."""

    rater: str
    task: str | None = None
    queue: str | None = None
    note: str | None = None
    seconds: float | None = None


class Draft(OnTask):
    labels: dict[str, str]


class Label(_Act):
    criterion: str
    label: str | None


class Rated(OnTask):
    labels: list[Label]
    samples: str
    item_id: str
    sample: Place
    mode: str | None = None
    blind: bool | None = None
    gold_shown: bool | None = None
    entered: dict[str, str] = {}


class Side(_Act):
    variant: str
    samples: str
    sample: Place


class PairVote(OnTask):
    item_id: str
    a: Side
    b: Side
    vote: str
    blind: bool | None = None
    gold_shown: bool | None = None
    entered: dict[str, str] = {}


class Note(_Act):
    rater: str
    rubric: str
    rubric_hash: str
    criterion: str | None
    note: str


class NoteBack(_Act):
    note: Annotated[int, Field(ge=0, lt=2**63)]


class Session(_Act):
    session: str


class OnRound(_Act):
    round: str
    session: str | None = None


class Played(OnRound):
    wish: Wish
    answers: list[Answer]

    @model_validator(mode="after")
    def _whole(self) -> "Played":
        if not all(0 <= answer.place < len(self.wish.contenders) for answer in self.answers):
            raise ValueError("an answer is of no variant of the round")
        return self


class RoundVote(OnRound):
    choices: dict[str, Literal["A", "B", "C", "D", "tie", "bad"]]


ACTS: dict[str, type[_Act]] = {
    "archive": OnRun,
    "restore": OnRun,
    "remove": OnRun,
    "defaults": Defaults,
    "queue": DrawnQueue,
    "draft": Draft,
    "skip": OnTask,
    "reveal": OnTask,
    "rating": Rated,
    "spot_check": Rated,
    "pair_vote": PairVote,
    "rubric_note": Note,
    "rubric_note_back": NoteBack,
    "play_session": Session,
    "play_answer": Played,
    "play_vote": RoundVote,
    "play_reveal": OnRound,
}
"""Action → what its line holds, of what is read."""


def read_act(line: bytes) -> dict[str, Any]:
    """A line of the journal as it is; `ValueError` says in a phrase why it cannot be taken in."""
    act = json.loads(line)
    if not isinstance(act, dict):
        raise ValueError("it is no object")
    json.dumps(act, ensure_ascii=False, allow_nan=False).encode()  # infinities and half characters are no JSON
    moment, action = act.get("t"), act.get("action")
    if isinstance(moment, bool) or not isinstance(moment, int | float) or not 0 <= moment < LATEST:
        raise ValueError("it has no time `t`")
    if not isinstance(action, str):
        raise ValueError("it has no action")
    if action in ACTS:
        try:
            ACTS[action].model_validate_json(line)
        except ValidationError as error:
            raise ValueError(f"{action}: {problems_of(error).removeprefix(': ')}") from None
    return act
