"""The rows that the stages of the method hand to each other, one class a record kind.

A record is checked when it is made (unknown or missing fields, wrong types and text that is not
valid Unicode are errors), so that a line in a run folder can be believed when it is read.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

Category = Literal["consistently_correct", "variable", "consistently_incorrect"]
CATEGORIES: tuple[Category, ...] = ("consistently_correct", "variable", "consistently_incorrect")

RightBy = Literal["parsed", "forced"]


class Record(BaseModel):
    """A checked, immutable row."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Option(Record):
    """One answer option as the source gives it; for a set of text labels, label and text are the same."""

    label: str
    text: str


class Item(Record):
    """One question."""

    id: str
    split: str
    question: str
    context: str | None = None
    """A passage the question is about; None where the source has none."""
    options: list[Option]
    gold: str | None = None
    """Label of the right option; None for an unlabelled row, which can be sampled but not scored."""


class Reject(Record):
    """A source row that did not become an item."""

    file: str
    row: int
    """Line (JSON Lines) or data row (CSV), counted from 1."""
    reason: str
    raw: str
    """The row as read, cut to 500 characters."""


Unread = Literal[
    "none",
    "empty",
    "cut_off",
    "unknown_option",
    "ambiguous",
    "contradictory",
    "several",
    "alternatives",
    "negated",
    "unsure",
    "correction",
    "differing",
]
"""Why no answer is read from a response (docs/reading.md has each with examples)."""


class Explanation(Record):
    """One sampled response of a variant to an item."""

    item_id: str
    sample: int
    """0-based index among the N responses to this item."""
    response: str
    """The text as generated."""
    explanation: str
    """The response without its answer; empty if there is nothing else."""
    parsed: str | None
    """Option label read from the answer; None if it cannot be read."""
    forced: str | None
    """`parsed`, or where that is None the likeliest option after the answer cue; None if not asked for."""
    forced_probabilities: list[float] | None
    """Probability of each option, in the item's order, where the cue decided; else None."""
    tokens: int
    """Generated tokens; words where the response was written elsewhere."""
    finish: Literal["end", "stop", "length"]
    """Why generation ended: the model's end token, a complete answer line, or the token limit."""
    seed: int
    thought: str | None = None
    """What the model thought before the response, which holds nothing of it; None where it did not."""
    unread: Unread | None = None
    """Why `parsed` is None; None where an answer was read, was not asked for, or the row is of before 2."""
    reading: int = 1
    """Version of the rule by which it was read (`core.method.parsing.READING`)."""

    @property
    def only_thought(self) -> bool:
        """Whether there is a thought and nothing after it: cut off, it is no empty explanation."""
        return bool(self.thought) and not self.response.strip()


class CriterionVerdict(Record):
    """A judge's verdict on one criterion; the criterion `reader` holds the reader's option choice."""

    criterion: str
    verdict: str | None
    """Verdict label; None if the reply gives none that can be read."""
    value: float | None
    """Written: the verdict's number.  Probabilities: its expectation.  Reader: log-probability of gold."""
    probabilities: list[float] | None
    """Over the rubric's verdicts in order (reader: over the item's options); None for written verdicts."""


class Judgement(Record):
    """All a judge says of one explanation, in one row: never half-written."""

    item_id: str
    sample: int
    origin: Literal["model", "rule"]
    """`rule`: an empty explanation, unsatisfactory on every criterion without asking the judge."""
    verdicts: list[CriterionVerdict]
    total: int | None
    """Sum of integer verdicts; None if any is missing (unjudged) and for the reader."""
    expected: float | None
    """Sum of expected verdicts, or the reader's log-probability of gold; None if unjudged or written."""
    reply: str | None
    """The judge's own words (written mode); None where nothing is generated."""
    unjudged: str | None
    """Why there is no score; None where there is one."""
    thought: str | None = None
    """What the judge thought before its reply, which holds nothing of it; None where it did not."""


def _without_numbers(choice: Any) -> bool:
    """Whether a choice was stored from probabilities that are no numbers."""
    return isinstance(choice, dict) and None in (choice.get("probabilities") or ())


class Choice(Record):
    """What a judge answers when two explanations are shown in one order."""

    verdict: Literal["first", "second", "tie"] | None
    """The better one by its place; None if the reply gives none that can be read."""
    probabilities: list[float] | None
    """Of first, second and, where it may be answered, tie; None for written replies."""
    reply: str | None
    """The judge's own words (written mode); None where nothing is generated."""
    thought: str | None = None
    """What the judge thought before its reply; None where it did not."""


class HeadToHead(Record):
    """An explanation of variant A against one of variant B on the same item, asked in both orders."""

    item_id: str
    sample_a: int
    sample_b: int
    origin: Literal["model", "rule"]
    """`rule`: one or both explanations are empty, and the judge was not asked."""
    a_first: Choice | None
    """The answer where A stands first; None by rule."""
    b_first: Choice | None
    """The answer where B stands first; None by rule."""
    outcome: Literal["a", "b", "tie", "unjudged"]
    """Which is better in both orders; `tie` where the orders disagree or both answers are a tie."""
    flipped: bool | None
    """Whether the two orders disagree; None where the judge was not asked or a reply cannot be read."""
    unjudged: str | None
    """Why there is no outcome; None where there is one."""

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, row: Any) -> Any:
        """Rows of before 0.4 may hold a choice among probabilities that were no numbers: it was none."""
        if not isinstance(row, dict):
            return row
        orders = [name for name in ("a_first", "b_first") if _without_numbers(row.get(name))]
        if not orders:
            return row
        choices = {name: {"verdict": None, "probabilities": None, "reply": None} for name in orders}
        why = "The judge's likeliest words told no choice."
        return row | choices | {"outcome": "unjudged", "flipped": None, "unjudged": why}


RaterKind = Literal["person", "judge"]


class Preference(Record):
    """One annotator's choice between two outputs for a question, made elsewhere."""

    item_id: str
    """Id of the question in the source, or a hash of question and context where it has none."""
    question: str
    """Empty where the source has a context alone."""
    context: str | None
    a: str
    """Variant that made the first output."""
    b: str
    """Variant that made the second output."""
    output_a: str | None
    """Text of the first output; None where the source does not hold it."""
    output_b: str | None
    annotator: str
    annotator_kind: RaterKind
    preference: float | None
    """1: the first output wins, 2: the second, 1.5: a tie, between: how likely; None: the annotator gave nothing."""
    chars_a: int | None
    """Characters of the first output; None without its text."""
    chars_b: int | None
    words_a: int | None
    """Words of the first output, between white space; None without its text."""
    words_b: int | None
    part: str | None
    """Part of the source that the row is from."""
    note: str | None
    """The annotator's reason, in its own words."""


class Rating(Record):
    """One rater's label for one explanation on one criterion, made elsewhere."""

    item_id: str
    """Id of the question in the source."""
    variant: str
    """Author of the explanation: a variant, or a person."""
    explanation: str | None
    """The text that was rated; None where the source does not hold it."""
    rater: str
    rater_kind: RaterKind
    criterion: str
    label: str | None
    """None: the rater gave nothing."""
    blind: bool | None
    """Whether the author was hidden from the rater; None where the source does not say."""
    mode: str
    """How the rating came about; `imported` for a file's."""
    rated_at: float | None
    """Seconds since 1970; None where the source does not say."""
    note: str | None
    """The rater's remark."""
    part: str | None
    """Part of the source that the row is from; ids of questions are unique within it."""


class Side(Record):
    """The chosen or rejected half of a pair, with what is known of it."""

    run: str
    """Sample run the response comes from (the debater's own run for debater responses)."""
    sample: int
    text: str
    """What DPO sees."""
    score: float
    prediction: str | None
    correct: bool


class Pair(Record):
    """A preference pair and the rule that made it."""

    item_id: str
    category: Category
    reason: str
    """Reason code of the rule (see `core.method.pairs.REASONS`)."""
    chosen: Side
    rejected: Side
    answer_line_added: bool


class Dropped(Record):
    """An item that gave no pair, and why."""

    item_id: str
    category: Category | None
    """None for an item with fewer than N responses (uncategorised)."""
    reason: str
