"""Questions with the explanations of many authors nested in them, as one row an explanation.

The form is that of the public CUBE annotation set (RubriksCube): an object of task → list of questions, each
{id, text, question, options: [[text, letter], …], correct_answer, explanations: {author: {answer, explanation,
is_correct}}}.  A list of such questions without tasks is read too.  Not covered: ratings of explanations.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from core.loading.documents import FIELD
from core.loading.lines import SHOWN, Row

EXPLANATIONS = "explanations"

NONE_INSIDE = 'It has no explanations: write them as {"author": {"explanation": …, "answer": …}}.'

COLUMNS = {
    "id": "id",
    "question": "question",
    "context": "text",
    "options": "options",
    "gold": "correct_answer",
    "split": FIELD,
    "author": "author",
    "response": "explanation",
    "prediction": "answer",
    "right": "is_correct",
}
"""Setting of `ResponsesSettings` → column of a row that `explanation_rows` gives."""


def is_nested(values: dict[str, Any]) -> bool:
    """Whether a row is a question with its explanations inside."""
    given = values.get(EXPLANATIONS)
    return isinstance(given, dict) and bool(given) and all(isinstance(entry, dict) for entry in given.values())


def explanation_rows(rows: Iterable[Row]) -> Iterator[Row]:
    """A row an author of each question, numbered from 1; one without explanations is a row with a problem."""
    numbers = count(1)
    for row in rows:
        if row.problem or not is_nested(row.values):
            yield Row(next(numbers), row.raw, {}, row.problem or NONE_INSIDE)
            continue
        asked = {name: value for name, value in row.values.items() if name != EXPLANATIONS}
        for author, entry in row.values[EXPLANATIONS].items():
            raw = json.dumps({"id": asked.get("id"), "author": author} | entry, ensure_ascii=False)
            yield Row(next(numbers), raw[:SHOWN], asked | entry | {"author": author})
