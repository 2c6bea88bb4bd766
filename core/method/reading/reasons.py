"""Why answers are not read, in words for people."""

from collections.abc import Mapping

from core.records import Unread

REASONS: dict[Unread, str] = {
    "none": "states no answer",
    "empty": "nothing follows the answer's beginning",
    "cut_off": "was cut at the token limit before its answer was whole",
    "unknown_option": "names no option",
    "ambiguous": "states what may be one option or another",
    "contradictory": "gives the label of one option with the text of another",
    "several": "names several options",
    "alternatives": "leaves the choice open (or)",
    "negated": "says what the answer is not",
    "unsure": "asks instead of answering",
    "correction": "takes its answer back",
    "differing": "states different answers",
}

NOT_NOTED = "not noted"
"""Stands for the reason of rows that were read before reasons were kept."""


def reason_words(code: str | None) -> str:
    """A reason as the rest of a sentence on the response, or on what it states.

    >>> reason_words("negated"), reason_words(None)
    ('says what the answer is not', 'has no readable answer')
    """
    return REASONS.get(code, "has no readable answer")


def counted(counts: Mapping[str, int]) -> str:
    """Counts by reason in words, the most frequent first; empty where there are none.

    >>> counted({"none": 2, "several": 5})
    'names several options: 5; states no answer: 2'
    """
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return "; ".join(f"{REASONS.get(code, code)}: {count:,}" for code, count in ordered)
