"""Generated responses and replies whose truth is known: nothing is read but the one thing that they state.

A response is put together from sentences about options and statements of an answer; what it states is noted while it is
made.  10,000 of each are read: 200 seeds, 50 responses a seed.
"""

import random
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from core.method.parsing import read_response
from core.method.reading.verdicts import read_verdicts
from core.records import Option
from core.rubrics import load_rubric

SEEDS, A_SEED = 200, 50

WORDS = (
    "wood",
    "glass",
    "iron",
    "wet sand",
    "sand",
    "a net",
    "Dr. Ames",
    "not known",
    "fish or meat",
    "fish",
    "salt",
    "21",
    "21.5",
    "-3",
    "4 km/h",
    "$5.00",
    "40%",
    "x_1",
    "Größe",
    "thé glacé",
    "none of the above",
    "all of them",
    "O'Neill",
    "maybe later",
)
FIXED = (("yes", "no", "maybe"), ("true", "false"), ("entailment", "neutral", "contradiction"))

CUES = (
    "Answer: ",
    "answer: ",
    "**Answer:** ",
    "Final answer: ",
    "**Final Answer:** ",
    "The answer is ",
    "The answer is: ",
    "So the answer is ",
    "Therefore, the correct answer is ",
    "My answer: ",
    "Answer:\n",
    "### Answer\n",
    "- Answer: ",
    "The correct option is ",
    "Antwort: ",
    "Answer - ",
    "Answer = ",
    "Correct answer: ",
    "I choose ",
)
REASONS = (" because {other} is wrong", ", since {other} is worse", ", as {other} does not fit", " because it fits")
ENDS = ("", ".", "", "\nI hope that this helps.", "\n\nIt fits best.")
BETWEEN = ("{a} or {b}", "{a} and {b}", "{a}, {b}", "{a}/{b}", "either {a} or {b}", "both {a} and {b}", "{a}; {b}")
PROSE = (
    "It is clear.",
    "Let us look at each option.",
    "{a} is heavy.",
    "I looked at {a} and {b}.",
    "If the answer is {a}, it burns.",
    "{a} is not the answer.",
    "I first thought {a}.",
    "Is it {a} or {b}?",
    "Some say the answer is {a}.",
    "(1) Read. (2) Think.",
)
TAKEN_BACK = (
    "\nWait, it is {b}.",
    ". Wait, no.",
    "\nNo, {b}.",
    "\nActually, {b}.",
    "\nSorry, that is wrong.",
    "\nOr {b}.",
)


@dataclass
class Written:
    """A response and what it states."""

    options: list[Option]
    parts: list[str] = field(default_factory=list)
    stated: set[str] = field(default_factory=set)
    """Labels that are stated as the answer, without a doubt."""
    doubtful: bool = False
    """Whether a statement denies, takes back or leaves open."""


def options_of(rng: random.Random) -> list[Option]:
    kind = rng.choice(("letters", "numbers", "texts", "fixed"))
    texts = list(rng.choice(FIXED)) if kind == "fixed" else rng.sample(WORDS, rng.randint(2, 5))
    labels = {"letters": "ABCDE", "numbers": "12345"}.get(kind, texts)
    return [Option(label=label, text=text) for label, text in zip(labels, texts, strict=False)]


def named(rng: random.Random, option: Option) -> str:
    """One of the ways to name an option that cannot be misunderstood, whatever the others are."""
    label, text = option.label, option.text
    if label == text:
        return rng.choice((text, f"**{text}**", f'"{text}"'))
    return rng.choice(
        (f"({label})", f"{label}) {text}", f"({label}) {text}", f"**{label}) {text}**", f"{text} ({label})")
    )


def response(rng: random.Random) -> Written:
    made = Written(options_of(rng))
    for _ in range(rng.randint(0, 2)):
        made.parts.append(told(rng, made, rng.choice(PROSE)))
    for _ in range(rng.choice((0, 1, 1, 1, 2))):
        rng.choice((plain, plain, plain, denied, left_open, taken_back))(rng, made)
        if rng.random() < 0.3:
            made.parts.append(told(rng, made, rng.choice(PROSE[:2])))
    return made


def told(rng: random.Random, made: Written, text: str) -> str:
    a, b = rng.sample(made.options, 2)
    return text.format(a=named(rng, a), b=named(rng, b), other=named(rng, b))


def plain(rng: random.Random, made: Written) -> None:
    option = rng.choice(made.options)
    ending = told(rng, made, rng.choice(REASONS)) if rng.random() < 0.3 else rng.choice(ENDS)
    made.parts.append(rng.choice(CUES) + named(rng, option) + ending)
    made.stated.add(option.label)


def denied(rng: random.Random, made: Written) -> None:
    made.doubtful = True
    option = named(rng, rng.choice(made.options))
    made.parts.append(
        rng.choice(("Answer: not {}", "Answer: {} is wrong", "Answer: neither {}", "Final answer: not {}.")).format(
            option
        )
    )


def left_open(rng: random.Random, made: Written) -> None:
    made.doubtful = True
    made.parts.append(rng.choice(CUES) + told(rng, made, rng.choice(BETWEEN)))


def taken_back(rng: random.Random, made: Written) -> None:
    made.doubtful = True
    a, b = rng.sample(made.options, 2)
    made.parts.append(rng.choice(CUES) + named(rng, a) + rng.choice(TAKEN_BACK).format(b=named(rng, b)))


@settings(max_examples=SEEDS, derandomize=True, deadline=None)
@given(st.integers(0, 2**32))
def test_no_answer_is_read_but_the_one_option_that_a_response_states(seed):
    rng = random.Random(seed)
    for _ in range(A_SEED):
        made = response(rng)
        text = "\n".join(made.parts)
        reading = read_response(text, made.options)
        if reading.label is not None:
            assert made.stated == {reading.label} and not made.doubtful, (text, made.options)
        else:
            assert reading.unread is not None
            assert made.doubtful or len(made.stated) != 1, ("not read", reading.unread, text, made.options)


# --- verdicts

RUBRIC = load_rubric("five_criteria")
VERDICT_LINES = (
    "{name}: {v}",
    "- {name}: {v}",
    "**{name}:** {v}",
    "{name} - {v}",
    "{name} = {v}.",
    "| {name} | {v} |",
    "{name}：{v}",
    "{name}:\n{v}",
    '"{key}": "{v}",',
    "{name} verdict: {v}",
    "{name}: {v} ({n}/4)",
    "{name}: {n} - {v}",
    "{name}: {v}, because it is so",
    "{name}: {v} (plain words)",
    "1. {name}: {v}",
    "### {name}\n{v}",
    "{name}: verdict: {v}",
)
OPEN_LINES = (
    "{name}: {v} or {w}",
    "{name}: {v} to {w}",
    "{name}: not {v}",
    "{name}: {v}/{w}",
    "{name}: very {v}",
    "{name}: {v}, {w}",
    "{name}: {v}\n{name}: {w}",
    "{name}: {v}?",
    "{name}: almost {v}",
    "{name}: between {v} and {w}",
)
NO_LINES: tuple[str, ...] = (
    "",
    "{name}: good",
    "{name}: 3",
    "The {name} is hard to judge.",
    "{name}:",
    "<think>{name}: {v}</think>",
)


def reply(rng: random.Random) -> tuple[str, dict[str, str | None]]:
    """A judge's reply, and the verdict that it states on each criterion."""
    parts, truth = [], {}
    for criterion in RUBRIC.criteria:
        v, w = rng.sample(RUBRIC.labels, 2)
        lines, stated = rng.choice(((VERDICT_LINES, v), (VERDICT_LINES, v), (OPEN_LINES, None), (NO_LINES, None)))
        name = rng.choice((criterion.name, criterion.key, criterion.name.upper()))
        n = RUBRIC.values[RUBRIC.labels.index(v)]
        shown = v if rng.random() < 0.7 else v.title()
        parts.append(rng.choice(lines).format(name=name, key=criterion.key, v=shown, w=w, n=n))
        truth[criterion.key] = stated
    return "\n".join(parts), truth


@settings(max_examples=SEEDS, derandomize=True, deadline=None)
@given(st.integers(0, 2**32))
def test_no_verdict_is_read_but_the_one_that_a_reply_states(seed):
    rng = random.Random(seed)
    for _ in range(A_SEED):
        text, truth = reply(rng)
        assert read_verdicts(text, RUBRIC) == truth, text
