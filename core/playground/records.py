"""What a round of the playground is asked, and the state it is in."""

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from core.records import Explanation, Item, Judgement, Option, Record
from core.settings import Example

PLACES = "ABCD"
"""Names of a round's columns while its variants are hidden."""

CHOICES = ("A", "B", "C", "D", "tie", "bad")
"""What a vote can say: a column is best, all are good, all are bad."""

OVERALL = "overall"
"""A vote on the whole explanation stands under this name in a criterion's place."""

TYPED_SPLIT = "playground"
"""Split of a question that somebody typed."""

Status = Literal["queued", "running", "done", "failed", "cancelled", "cut off"]


class Contender(Record):
    """A variant that answers."""

    variant: str
    """Key of its weights, as in the table `variants`."""
    label: str
    run: str
    """A sample run of it: weights, prompt and sampling settings are taken from there."""
    about: str = ""
    """Data set that it was first asked about, for people who must tell two of one label apart."""


class Wish(Record):
    """A round to be played: everything the worker needs to know."""

    round: str
    session: str
    blind: bool
    """Whether the variants stay hidden until the reveal."""
    item: Item
    contenders: list[Contender] = Field(min_length=2, max_length=4)
    """In the order of the columns."""
    judge: str | None
    """A judge run: model, mode and rubric are taken from there; None: nobody judges."""
    examples: list[Example] = Field([])
    """Worked examples before the question, as a data set brings them."""
    temperature: float = Field(ge=0, le=5)
    max_new_tokens: int = Field(ge=1, le=2048)
    seed: int


class Answer(Record):
    """One variant's answer in a round."""

    place: int
    """Column, from 0."""
    row: Explanation
    probabilities: list[float] | None
    """Of each option after the explanation and the answer cue; None without options or where unknown."""
    first: float
    """Seconds from the round's begin, its weights loaded, to the first token."""
    seconds: float
    """Seconds until the last."""
    judgement: Judgement | None = None
    """None until judged, and where nobody judges."""


@dataclass
class Round:
    """A round as it stands now."""

    wish: Wish
    status: Status
    before: int = 0
    """Rounds that come first, while it is queued."""
    phase: str = ""
    """What the worker does now: loading, writing, judging."""
    texts: dict[int, str] = field(default_factory=dict)
    """Column → text so far."""
    answers: dict[int, Answer] = field(default_factory=dict)
    message: str = ""
    """Why it failed, or why nobody judged."""
    shared: bool = False
    """Whether a run was computing on this machine when it began."""
    begun: int = 0
    """How often a worker has begun it."""

    @property
    def waiting(self) -> bool:
        return self.status in ("queued", "running")

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it; a round that was cut off may be begun again, by any viewer."""
        return self.status in ("done", "failed", "cancelled")


def typed_item(question: str, options: list[str], gold: str | None, id: str) -> Item:
    """A question that somebody typed; its options are their own labels."""
    return Item(
        id=id,
        split=TYPED_SPLIT,
        question=question,
        options=[Option(label=text, text=text) for text in options],
        gold=gold,
    )


def answered(body: dict[str, Any]) -> Round:
    """A finished round from its line in the journal."""
    answers = [Answer.model_validate(answer) for answer in body["answers"]]
    texts = {answer.place: answer.row.response for answer in answers}
    by_place = {answer.place: answer for answer in answers}
    return Round(
        Wish.model_validate(body["wish"]), "done", texts=texts, answers=by_place, message=body.get("message", "")
    )
