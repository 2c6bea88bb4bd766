"""Small cases of reading, in `tests/cases`: what was written, and what must be read from it.

responses.jsonl   options (a set of options.json), response, reads: a label, or `!` and the reason why none is read
verdicts.jsonl    reply, criterion (of `five_criteria`), verdict: a label, or null
choices.jsonl     reply of a head-to-head judge, choice: first, second, tie, or null; ties are allowed
"""

import json
from pathlib import Path
from typing import Any

from core.records import Option

FOLDER = Path(__file__).parent / "cases"
OPTIONS = {
    name: [Option(label=label, text=text) for label, text in pairs]
    for name, pairs in json.loads((FOLDER / "options.json").read_text(encoding="utf-8")).items()
}


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of a file."""
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def expected(reads: str) -> tuple[str | None, str]:
    """(label, reason) that a case asks for; an empty reason: any.

    >>> expected("B"), expected("!negated"), expected("!")
    (('B', ''), (None, 'negated'), (None, ''))
    """
    return (None, reads[1:]) if reads.startswith("!") else (reads, "")
