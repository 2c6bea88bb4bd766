"""The text form of LogiQA 1: blocks of 8 lines, read by position.

    (blank)      letter of the right option, or blank      passage      question      four options

An option is the one whose letter its line begins with ("A.", "b)", "C，", "D?"), in whatever order the four stand.
Where fewer than three lines begin so, or two with the same letter, options are those of their places, and lose their
letter where it is that of the place.  After a block that cannot be read, reading goes on at the next blank line.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from core.loading.lines import Line, Row, text_lines

BLOCK = 8
LETTERS = "ABCD"
MARKED = re.compile(r"^\s*[(（]?(?P<letter>[A-Da-d])(?:\s*(?P<mark>[).:,．、，：）。?？])\s*|\s+)(?P<text>\S.*)$")
LATER = "。?？"
"""Marks after a letter that earlier versions of this lab left in the option."""


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
    letter = gold.upper() if gold.upper() in tuple(LETTERS) else gold  # never an option's text
    values = {"context": context, "question": question, "options": [], "gold": letter or None}
    ordered = _by_letter(options)
    values["options"] = [
        {"label": letter, "text": _without_letter(text, letter)} for letter, text in zip(LETTERS, ordered, strict=True)
    ]
    later = ordered != options or any((found["mark"] or "x") in LATER for found in _marks(ordered))
    return Row(number, raw, {} if problem else values, problem, frozenset({"options"} if later else ()))


def _marks(options: list[str]) -> list[re.Match[str]]:
    return [found for text in options if (found := MARKED.match(text)) and not text.startswith("a ")]


def _by_letter(options: list[str]) -> list[str]:
    """The options in the order of the letters that are printed before them, where these say it.

    >>> _by_letter(["A.Ann", "C.Cy", "B.Bo", "nobody"]), _by_letter(["B.S. degree", "none", "an M.A.", "all"])[0]
    (['A.Ann', 'B.Bo', 'C.Cy', 'nobody'], 'B.S. degree')
    """
    printed: dict[str, str] = {}
    for place, text in zip(LETTERS, options, strict=True):
        found = next(iter(_marks([text])), None)
        if found is None or (found["mark"] is None and found["letter"].upper() != place):
            continue
        if found["letter"].upper() in printed:
            return options
        printed[found["letter"].upper()] = text
    if len(printed) < len(LETTERS) - 1:
        return options
    rest = next((text for text in options if text not in printed.values()), "")
    return [printed.get(letter, rest) for letter in LETTERS]


def _without_letter(text: str, letter: str) -> str:
    """An option without the letter that is its own.

    >>> _without_letter("b) oak", "B"), _without_letter("City B.S has a port", "B"), _without_letter("a tree", "A")
    ('oak', 'City B.S has a port', 'a tree')
    """
    found = next(iter(_marks([text])), None)
    return text if found is None or found["letter"].upper() != letter else found["text"]
