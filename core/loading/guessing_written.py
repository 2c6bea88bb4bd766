"""What columns of explanations written elsewhere mean, from their values, where their names do not say.

    guess_written(rows, {"options": "choices"})
    # {"question": "Task", "gold": "Key", "id": "No", "response": "Why", "prediction": "Said", "author": "Who"}

What is the same in all rows of a question is the question's, what changes is its writer's.  So nothing is guessed where
each question has one row.  Two columns that fit alike are left to the person who sees the guess.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from core.loading.guessing import LONGER, NEARLY, Texts, guess_contents, is_id, like_gold, only, options_in, texts_of
from core.loading.items import named_columns


def guess_written(rows: Sequence[dict[str, Any]], known: Mapping[str, str | None]) -> dict[str, str]:
    """Setting of `ResponsesSettings` → column, for those that are not `known` and that values tell."""
    texts = texts_of(rows)
    asked = known.get("question") or _asked(texts)
    if asked not in texts:
        return {}
    same, changing = _apart(texts, texts[asked])
    firsts = list({question: row for question, row in reversed([*zip(texts[asked], rows, strict=True)])}.values())
    of_questions = _of_questions(firsts, asked, [name for name in same if name not in known.values()], known)
    options = known.get("options") or of_questions.get("options")
    free = {name: column for name, column in changing.items() if name not in known.values()}
    response = known.get("response") or _longest(free)
    said = {name: column for name, column in free.items() if name != response}
    chosen = like_gold(said, [options_in(values, options) for values in rows])
    authors = [name for name in said if name not in chosen and _is_author(said[name], texts[asked])]
    guesses = of_questions | {"response": response, "prediction": only(chosen), "author": only(authors)}
    return {setting: name for setting, name in guesses.items() if name is not None and not known.get(setting)}


def _of_questions(
    firsts: Sequence[dict[str, Any]], asked: str, free: Sequence[str], known: Mapping[str, str | None]
) -> dict[str, str | None]:
    """Columns of the questions, from one row of each."""
    found: dict[str, str | None] = {"question": asked}
    if not known.get("gold") and not known.get("options"):
        found |= guess_contents(firsts, [name for name in firsts[0] if name == asked or name in free]) or {}
    elif not known.get("gold"):
        texts = {name: column for name, column in texts_of(firsts).items() if name in free}
        found["gold"] = only(like_gold(texts, [options_in(values, known["options"]) for values in firsts]))
    used = {*found.values(), *named_columns(found.get("options") or "")}
    ids = [name for name, texts in texts_of(firsts).items() if name in free and name not in used and is_id(texts)]
    return found | {"id": only(ids)}


def _asked(texts: Texts) -> str | None:
    """Of the columns of texts that stand in several rows each, the one that goes with most others; the longest."""
    repeated = [name for name, column in texts.items() if len(set(column)) * LONGER <= len(column) and all(column)]
    fits = {name: (len(_apart(texts, texts[name])[0]), sum(map(len, texts[name]))) for name in repeated}
    return max(fits, key=fits.__getitem__, default=None)


def _apart(texts: Texts, asked: Sequence[str]) -> tuple[Texts, Texts]:
    """The columns that are the same in all rows of a question, but for a few questions, and those that are not."""
    same: Texts = {}
    changing: Texts = {}
    for name, column in texts.items():
        values: dict[str, set[str]] = {}
        for question, text in zip(asked, column, strict=True):
            values.setdefault(question, set()).add(text)
        alike = sum(len(found) == 1 for found in values.values()) >= NEARLY * len(values)
        (same if alike else changing)[name] = column
    return same, changing


def _longest(texts: Texts) -> str | None:
    """The column that is clearly the longest."""
    sizes = {name: sum(map(len, column)) for name, column in texts.items()}
    best, *others = sorted(sizes, key=sizes.__getitem__, reverse=True) or [None]
    return best if all(sizes[best] >= LONGER * sizes[other] for other in others[:1]) else None


def _is_author(column: Sequence[str], asked: Sequence[str]) -> bool:
    """Whether names stand there, each at several questions and once at each."""
    if not all(column) or any(text.isdecimal() for text in column):
        return False
    return min(Counter(column).values()) > 1 and len(set(zip(asked, column, strict=True))) == len(column)
