"""When two rows ask the same question, and what sets of questions share.

    asked = questions_in(folder)                    # of a finished import, as selections look at them
    sets = QuestionSets(sft=…, align=…, test=…)
    sets.refusal                                    # why they must not be used together, or None

Rows are the same question by their content: question, context and option texts, whatever their ids, the order of
options, letter case, blanks, and the ways Unicode has to write one text.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from core.loading.reading import quoted
from core.records import Item
from core.runs.folders import RunFolder

QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "−": "-"})


INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
"""Soft hyphens, joiners and direction marks."""


class Question(NamedTuple):
    """What selections and comparisons of sets ask of an item."""

    id: str
    split: str
    gold: str | None
    content: str
    """Equal for rows that ask the same question."""


def question_of(item: Item) -> Question:
    """An item as a question."""
    texts = [option.text for option in item.options]
    return Question(item.id, item.split, item.gold, content_of(item.question, item.context, texts))


def content_of(question: str, context: str | None, options: Iterable[str]) -> str:
    """Key of what a row asks.

    >>> content_of("Why?", None, ["a", "b"]) == content_of(" WHY ", "", ["B", "a"])
    True
    >>> content_of("Is 2+2 four?", None, []) == content_of("Is 2-2 four?", None, [])
    False
    """
    parts = [_normal(question), _normal(context or ""), *sorted(map(_normal, options))]
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=16).hexdigest()


def _normal(text: str) -> str:
    """Letter case, blanks, invisible characters, quotes and end marks aside."""
    if not text.isascii():
        text = INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(QUOTES)
    return " ".join(text.casefold().split()).strip(" .?!:;")


def questions_in(dataset: RunFolder) -> list[Question]:
    """Every question of a finished import, in order; read once a seal.

    Not `load_items`: its rows were checked when they were written, and a form that is drawn at each change cannot wait
    for all of their texts to be checked again.
    """
    return _read(dataset.path, (dataset.path / "result.json").stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _read(dataset: Path, sealed: int) -> list[Question]:
    """`sealed` dates the seal."""
    return [_of_row(json.loads(line)) for line in RunFolder(dataset).lines("items")]


def _of_row(row: dict) -> Question:
    texts = [option["text"] for option in row["options"]]
    return Question(row["id"], row["split"], row["gold"], content_of(row["question"], row.get("context"), texts))


# --- sets of them


@dataclass(frozen=True)
class Shared:
    """What the first of two sets has in common with the second, in questions of the first."""

    same: list[tuple[str, str]]
    """The same rows: their id twice."""
    repeated: list[tuple[str, str]]
    """The same question in another row: its id, and that of the first such row."""

    def __bool__(self) -> bool:
        return bool(self.same or self.repeated)

    def __len__(self) -> int:
        return len(self.same) + len(self.repeated)


def shared(first: Sequence[Question], second: Sequence[Question]) -> Shared:
    """Questions of the first set that the second has too, by id or by content; both are of one data set."""
    ids = {question.id for question in second}
    contents: dict[str, str] = {}
    for question in second:
        contents.setdefault(question.content, question.id)
    return Shared(
        [(question.id, question.id) for question in first if question.id in ids],
        [(q.id, contents[q.content]) for q in first if q.id not in ids and q.content in contents],
    )


@dataclass(frozen=True)
class QuestionSets:
    """The three sets of a pipeline, of one data set; empty where it makes no such runs."""

    sft: list[Question]
    """Fine-tuned on."""
    align: list[Question]
    """Sampled for pairs."""
    test: list[Question]
    """Sampled for the evaluation."""

    @property
    def sizes(self) -> str:
        """How many each holds, in words."""
        named = ((self.sft, "to fine-tune on"), (self.align, "for pairs"), (self.test, "to evaluate on"))
        return "Questions: " + ", ".join(f"{len(chosen):,} {what}" for chosen, what in named if chosen) + "."

    @property
    def refusal(self) -> str | None:
        """Why the evaluation would be on what was trained on, and what to do; None where it is not."""
        trained = (("sft", shared(self.test, self.sft)), ("align", shared(self.test, self.align)))
        hit = [(table, found) for table, found in trained if found]
        if not hit:
            return None
        ids = {one for _, found in hit for one, _ in [*found.same, *found.repeated]}
        where = " and ".join(f"{len(found):,} in `{table}`" for table, found in hit)
        return (
            f"{len(ids):,} of the {len(self.test):,} questions to evaluate on would be trained on ({where}), so the "
            f"figures would say nothing of new questions. {' '.join(_remedies(hit, self))}"
        )

    @property
    def said(self) -> str | None:
        """What sft and align share, which is allowed: a sentence, or None."""
        both = shared(self.align, self.sft)
        if not both:
            return None
        return (
            f"{len(both):,} of the {len(self.align):,} questions for pairs are fine-tuned on as well: sft knows their "
            "labels, and is seldom consistently incorrect there."
        )


def _remedies(hit: Sequence[tuple[str, Shared]], sets: QuestionSets) -> list[str]:
    """What to do about rows that are chosen twice, and about repeats of a question under other ids."""
    said = []
    if tables := [f"`[{table}.select]`" for table, found in hit if found.same]:
        said.append(f"Choose another split or part in {' and '.join(tables)}, or in `[test.select]`.")
    for table, found in [(table, found) for table, found in hit if found.repeated]:
        one, other = (quoted(id) for id in found.repeated[0])
        splits = {question.id: question.split for question in [*sets.sft, *sets.align, *sets.test]}
        held_out = splits[found.repeated[0][0]]
        apart = splits[found.repeated[0][1]] != held_out
        remedy = (
            f'`apart_from = "{held_out}"` in `[{table}.select]` leaves them out there.'
            if apart
            else "Take the repeats out of the file and load it again."
        )
        said.append(
            f"{len(found.repeated):,} of them stand in the data set more than once, under other ids ({one} and "
            f"{other}): {remedy}"
        )
    return said
