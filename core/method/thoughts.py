"""Thoughts of models that think before they answer: kept apart, never read as an answer or a verdict."""

import re

CLOSED = re.compile(r"<(think|thinking|thought|reasoning)>.*?</\1>", re.IGNORECASE | re.DOTALL)
OPENED_BEFORE = re.compile(r"\A.*</(?:think|thinking|thought|reasoning)>", re.IGNORECASE | re.DOTALL)
"""The template opened the thought, so that the reply has its end alone."""
NEVER_CLOSED = re.compile(r"<(?:think|thinking|thought|reasoning)>.*\Z", re.IGNORECASE | re.DOTALL)


def split_thought(text: str) -> tuple[str, str]:
    """(thought, rest) of a reply; of a lone `</think>` the thought is before it, of a lone `<think>` all that follows.

    >>> split_thought("<think>Wood?</think>Clear.\\nAnswer: glass")
    ('<think>Wood?</think>', 'Clear.\\nAnswer: glass')
    >>> split_thought("Wood?</think>Answer: glass"), split_thought("<think>Answer: wood")
    (('Wood?</think>', 'Answer: glass'), ('<think>Answer: wood', ''))
    >>> split_thought("Clear.")
    ('', 'Clear.')
    """
    thoughts: list[str] = []

    def keep(found: re.Match[str]) -> str:
        thoughts.append(found[0])
        return ""

    rest = text
    for pattern in (CLOSED, OPENED_BEFORE, NEVER_CLOSED):
        rest = pattern.sub(keep, rest)
    return "".join(thoughts), rest
