"""What a file holds, by the names of its columns, before any of them is mapped.

    found = kind_of(rows)               # Kind("judgements", "…", "anchorlab judgements add {file}"), or None

A file of one kind that is given to the command of another is refused: with what was found in it, and with the
command that reads it.  Names of columns that a person has set are believed, and the kind is not asked.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import BadInput
from core.loading.lines import file_name, quoted

LISTED = 12
"""Names of columns that a sentence lists."""

TOOLS: Sequence[tuple[str, frozenset[str]]] = (
    ("promptfoo", frozenset({"evalid", "results"})),
    ("Argilla", frozenset({"fields", "responses"})),
    ("Label Studio", frozenset({"data", "annotations"})),
    ("lm-evaluation-harness", frozenset({"doc", "resps"})),
    ("OpenAI fine-tuning", frozenset({"messages"})),
    ("ShareGPT", frozenset({"conversations"})),
)
"""Exports of other tools → columns that each of their rows has."""

TEXTS = {
    "question", "question_stem", "stem", "prompt", "query", "instruction", "input", "text", "sentence", "premise",
    "headline", "context", "hypothesis",
}  # fmt: skip
FIRST = ("output_1", "output_a", "response1", "response_1", "response_a", "completion_a", "assistant_a")
SECOND = (
    "output_2",
    "output_b",
    "response2",
    "response_2",
    "response_b",
    "completion_b",
    "completion_2",
    "assistant_b",
)
FIRST_NAME = ("generator_1", "model_a", "variant_a", "name_a", "model_1", "system_a", "system_1")
SECOND_NAME = ("generator_2", "model_b", "variant_b", "name_b", "model_2", "system_b", "system_2")
CHOICE = re.compile(r"(^|[._ ])(preference|winner|preferred|better|cmp_key)$|^annotator[ _-]?\d+$", re.IGNORECASE)
WEAK_CHOICE = ("label", "choice", "verdict", "annotation")
RATER = ("rater", "annotator", "evaluator", "worker", "workerid", "worker_id", "judge")
CRITERION = ("criterion", "dimension", "aspect")
EXPLAINS = re.compile(
    r"expl(?:a[in]|[_ .-]|$)|rational|reasoning|justif|begründ|erklär|chain.of.thought|^cot$", re.IGNORECASE
)
"""Names of columns that hold explanations, which no question is."""


class Kind(NamedTuple):
    """What a file holds."""

    name: str
    found: str
    """What tells it, as the end of a sentence."""
    then: str
    """What to do with it: a sentence, `{file}` in the place of its name."""


def kind_of(rows: Sequence[Mapping[str, Any]]) -> Kind | None:
    """What rows hold that are no questions; None where nothing tells it."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    by_lower = {_spelled(name): name for name in reversed(names)}
    return _export(by_lower) or _pairs(by_lower) or _preferences(names, by_lower) or _ratings(rows, names, by_lower)


def _spelled(name: str) -> str:
    """How names of columns are compared: without case, and without the form that a survey put before them."""
    return re.sub(r"^(input|answer)\.", "", name.strip().lower()).replace(" ", "_")


def _export(known: Mapping[str, str]) -> Kind | None:
    for tool, wanted in TOOLS:
        if wanted <= known.keys() and not known.keys() & {"options", "choices"}:
            found = f"an export of {tool} ({listed_names(known[name] for name in sorted(wanted))})"
            return Kind("export", found, "Write its rows as JSON Lines or CSV with a column for each thing.")
    return None


def _pairs(known: Mapping[str, str]) -> Kind | None:
    if not {"chosen", "rejected"} <= known.keys():
        return None
    return Kind(
        "pairs",
        f"preference pairs ({known['chosen']}, {known['rejected']})",
        "No command takes pairs that were made elsewhere: `anchorlab run pairs` makes them from judged samples.",
    )


def _preferences(names: Sequence[str], known: Mapping[str, str]) -> Kind | None:
    two = [[known[name] for name in wanted if name in known] for wanted in (FIRST, SECOND)]
    by = [[known[name] for name in wanted if name in known] for wanted in (FIRST_NAME, SECOND_NAME)]
    sides = [side[0] for side in (two if all(two) else by if all(by) else [])]
    strong = [name for name in names if CHOICE.search(name)]
    choices = strong or ([known[name] for name in WEAK_CHOICE if name in known] if sides else [])
    if not choices or known.keys() & {"options", "choices"}:
        return None
    outputs = f"two outputs or their variants ({listed_names(sides)}) and " if sides else ""
    found = f"{outputs}a choice between two ({listed_names(choices)})"
    return Kind("judgements", found, "`anchorlab judgements preview {file}` reads it.")


def _ratings(rows: Sequence[Mapping[str, Any]], names: Sequence[str], known: Mapping[str, str]) -> Kind | None:
    raters = [known[name] for name in RATER if name in known]
    nested = [name for name in names if any(_is_nested(row.get(name)) for row in rows)]
    questions = known.keys() & {"options", "choices", "explanations"}
    criteria = [known[name] for name in CRITERION if name in known]
    if questions or not (nested or (raters and (criteria or not known.keys() & TEXTS))):
        return None
    found = f"ratings ({listed_names([*raters, *criteria, *nested])})"
    return Kind("judgements", found, "`anchorlab judgements preview {file}` reads it.")


def _is_nested(value: Any) -> bool:
    """Whether a cell holds ratings: an object of objects that hold labels or more objects."""
    return (
        isinstance(value, dict) and bool(value) and all(isinstance(inner, dict) and inner for inner in value.values())
    )


def check_questions(path: Path, rows: Sequence[Mapping[str, Any]], options: str | None, given: Collection[str]) -> None:
    """`BadInput` for a file that holds something else than questions; not where a person named their columns."""
    named = {"question", "options", "gold", "labels"} & set(given)
    if named or (options is not None and "," in options):
        return
    if kind := kind_of(rows):
        then = kind.then.format(file=file_name(path))
        raise BadInput(f"{file_name(path)} holds {kind.found}, and no questions with options and gold. {then}")


def question_marks(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """What says that a file holds questions with gold, as the end of a sentence; None where nothing does."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    texts = [name for name in names if _spelled(name) in TEXTS]
    golds = [name for name in names if _spelled(name) in GOLD]
    return f"questions ({listed_names([*texts[:2], *golds[:1]])})" if texts and golds else None


GOLD = ("gold", "answerkey", "answer_key", "correct", "correct_answer", "answer", "label", "target", "options",
        "choices", "gold_label", "mc1_targets", "solution", "output")  # fmt: skip


def listed_names(names: Iterable[str]) -> str:
    """Names of columns inside a sentence, at most `LISTED`.

    >>> listed_names(["a", "b"]), listed_names([])
    ("'a', 'b'", 'none')
    """
    known = list(names)
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    return ", ".join(quoted(name) for name in known[:LISTED]) + more if known else "none"
