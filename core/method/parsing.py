"""Reading a response: the explanation, and the option its answer names.  Nothing is guessed (docs/reading.md).

A response is right only by its answer.  An explicit statement of the final answer that names exactly one option is
read, and so is a response that is nothing but an option; all else is unread, with the reason.  An answer is no part of
the explanation, which judges and readers see without it.
"""

import re
from collections.abc import Sequence

from core.method.reading.answers import Reading, read_response
from core.method.reading.names import Names
from core.method.reading.plain import plain_text
from core.records import Option

__all__ = ["READING", "Reading", "answer_is_complete", "parse_response", "read_option", "read_response"]

READING = 2
"""Version of the rule; rows that were read by an older one say so, and keep what was read."""

ANSWER_LINE = re.compile(r"^[ \t>*_#]*answer[*_]*[ \t]*[:：][ \t]*(?P<answer>[^\n]*)", re.IGNORECASE | re.MULTILINE)
"""The line that the prompt asks for."""


def read_option(answer: str, options: Sequence[Option]) -> str | None:
    """Label of the one option that an answer, as a whole, names, or None.

    >>> letters = [Option(label="A", text="a net"), Option(label="B", text="a rod")]
    >>> [read_option(a, letters) for a in ("B", "(b)", "B. a rod", "A rod.", "B. a net", "rod")]
    ['B', 'B', 'B', 'B', None, None]
    >>> twins = [Option(label="A", text="21"), Option(label="B", text="21")]
    >>> read_option("21", twins) is None
    True
    """
    named = Names(options).whole(plain_text(answer).text)
    return next(iter(named)) if len(named) == 1 else None


def parse_response(response: str, options: Sequence[Option]) -> tuple[str, str | None]:
    """(explanation, predicted label or None) of a response, see `read_response`.

    >>> materials = [Option(label=m, text=m) for m in ("wood", "glass")]
    >>> [parse_response(r, materials) for r in ("Clear.\\nAnswer: glass", "Clear. Answer: glass", "Clear, so glass.")]
    [('Clear.', 'glass'), ('Clear.', 'glass'), ('Clear, so glass.', None)]
    >>> parse_response("Glass.", materials)
    ('', 'glass')
    >>> parse_response("Answer: light is scattered.", [])
    ('Answer: light is scattered.', None)
    """
    reading = read_response(response, options)
    return reading.explanation, reading.label


def answer_is_complete(text: str) -> bool:
    """Whether a response's answer line has ended: generation stops there, and what would have followed is not made.

    >>> answer_is_complete("Because.\\nAnswer: wood"), answer_is_complete("Because.\\nAnswer: wood\\n")
    (False, True)
    """
    line = ANSWER_LINE.search(text)
    return line is not None and bool(line["answer"].strip()) and "\n" in text[line.end() :]
