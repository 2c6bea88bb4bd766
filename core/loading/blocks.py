"""The text form of LogiQA 1: blocks of 8 lines, read by position.

    (blank)      letter of the right option, or blank      passage      question      four options

Each option loses its letter where the line begins with the one of its place ("A.", "b)", "C，"); a line
that does not is an option as it stands.  After a block that cannot be read, reading goes on at the next
blank line.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from core.loading.lines import Line, Row, text_lines

BLOCK = 8
MARKED = re.compile(r"^\s*[(（]?(?P<letter>[A-Da-d])(?:\s*[).:,．、，：）]\s*|\s+)(?P<text>\S.*)$")


def begins_as_blocks(lines: list[str]) -> bool:
    """Whether the first eight lines of a file look like a block."""
    return (
        len(lines) >= BLOCK
        and not lines[0].strip()
        and len(lines[1].strip()) <= 3
        and all(line.strip() for line in lines[2:BLOCK])
    )


def block_rows(path: Path) -> Iterator[Row]:
    """Blocks as rows with context, question, options and gold."""
    block: list[Line] = []
    number = 0
    for line in text_lines(path):
        if block or number == 0 or not line.text.strip():
            block.append(line)
        if len(block) == BLOCK:
            number += 1
            row = _row(number, block)
            block = _from_next_blank(block) if row.problem else []
            yield row
    if any(line.text.strip() for line in block):
        yield _row(number + 1, block)


def _from_next_blank(block: list[Line]) -> list[Line]:
    """What may be the next block's beginning inside a broken one."""
    first = 1 if block[0].text.strip() else 2  # the second line is blank where gold is missing
    places = [place for place in range(first, BLOCK) if not block[place].text.strip()]
    return block[places[0] :] if places else []


def _row(number: int, block: list[Line]) -> Row:
    blank, gold, context, question, *options = [line.text.strip() for line in block] + [""] * (BLOCK - len(block))
    raw = "".join(line.text for line in block).strip()
    problem = next((line.problem for line in block if line.problem), None)
    if problem is None and (blank or not all((context, question, *options))):
        problem = (
            f"The block that begins in line {block[0].number} is not one blank line, a letter, a passage, a question "
            "and four options: give it these eight lines."
        )
    letter = gold.upper() if gold.upper() in ("A", "B", "C", "D") else gold  # never an option's text
    values = {"context": context, "question": question, "options": [], "gold": letter or None}
    values["options"] = [
        {"label": letter, "text": _without_letter(text, letter)} for letter, text in zip("ABCD", options, strict=True)
    ]
    return Row(number, raw, {} if problem else values, problem)


def _without_letter(text: str, letter: str) -> str:
    """An option without the letter of its place.

    >>> _without_letter("b) oak", "B"), _without_letter("City B.S has a port", "B"), _without_letter("a tree", "A")
    ('oak', 'City B.S has a port', 'a tree')
    """
    found = MARKED.match(text)
    if found is None or found["letter"].upper() != letter or text.startswith("a "):
        return text
    return found["text"]
