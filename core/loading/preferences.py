"""Rows of pairwise judgements as preferences: which of two outputs an annotator chose, and by how much.

    for found in preferences_of(row, settings, further):    # a Preference, or a sentence that says why not
        …

A row is one annotator's choice (AlpacaEval's form), or holds a column an annotator (PandaLM's form).  Files of
further verdicts on the same rows, such as a judge's, are joined by a key (`further_verdicts`).  Which file is
of which form is `core.loading.judgement_mapping`.  Not covered: choices among more than two, "both are bad".
"""

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import BadInput
from core.loading.items import RowProblem, cell, text_of
from core.loading.names import tidy
from core.loading.reading import Row, file_name, quoted, read_rows
from core.records import Preference, RaterKind
from core.runs.folders import content_hash
from core.settings import JudgementSettings, Meaning, PreferenceColumns

A, TIE, B = 1.0, 1.5, 2.0

FIRST = {"a", "first", "left", "model_a", "output_1", "output_a", "response1", "response_1", "response_a"}
SECOND = {"b", "second", "right", "model_b", "output_2", "output_b", "response2", "response_2", "response_b"}
TIES = {"tie", "draw", "equal", "same", "both"}
NOTHING = {"null", "none", "nan", "garbage", "unparsed"}
"""Words for a reply that could not be read: they are counted, and never a tie."""

RESULT, REASON = "_result", "_reason"
"""How the columns of a file of further verdicts end: `gpt_result` holds the choices of `gpt`."""


class Verdict(NamedTuple):
    """One annotator's choice as the source has it."""

    annotator: str
    value: Any
    note: Any
    place: str
    """The column it stands in, for sentences."""
    file: str = ""
    """The file it stands in; empty for the one that holds the outputs."""
    row: int = 0


Further = dict[str, list[Verdict]]
"""Key of a row → verdicts on it from other files; what has been joined is taken out."""


def number_in(value: str) -> float | None:
    """The number that a value is, a decimal comma taken as a point; None for a word."""
    try:
        number = float(value.replace(",", ".") if value.count(",") == 1 and "." not in value else value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def code_of(value: Any) -> str | None:
    """A value of a preference as the key of its meaning: a number in its shortest form, a word as it stands.

    >>> code_of(1.0), code_of(" 0,50 "), code_of("A>B"), code_of(True), code_of(None), code_of([1])
    ('1', '0.5', 'A>B', 'true', None, None)
    """
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float) or value != value:
        return None
    text = tidy(str(value))
    number = number_in(text)
    return (text or None) if number is None else f"{number:g}"


def meaning_in(value: Any, values: Mapping[str, Meaning]) -> Meaning | None:
    """The meaning that settings give a value, whatever its case and however its number is written."""
    code = code_of(value)
    if code is None or not values:
        return None
    by_code = {(code_of(key) or key).casefold(): meaning for key, meaning in values.items()}
    return by_code.get(code.casefold())


def parse_preference(value: Any, a: str = "", b: str = "", values: Mapping[str, Meaning] | None = None) -> float | None:
    """The preference in a cell: 1 (first wins) to 2 (second wins), 1.5 for a tie, None where nothing was given.

    `values` gives values a meaning of their own, before any other is thought of but the names of the variants.
    A number is 0 or 1.5 (a tie), or lies between 1 and 2.  A word is one of those above, or the name of the
    variant that made the first (`a`) or the second output (`b`), which wins over them.  Anything else is a
    `RowProblem`: a choice is never guessed.

    >>> [parse_preference(v) for v in (1, "2.0", 0, 1.5, "Tie", "model_a", None, "garbage", 1.25)]
    [1.0, 2.0, 1.5, 1.5, 1.5, 1.0, None, None, 1.25]
    >>> parse_preference("gpt-4", a="llama", b="gpt-4")
    2.0
    """
    a, b = tidy(a), tidy(b)
    is_name = isinstance(value, str) and tidy(value) in {a, b} - {""}
    if values and not is_name and (meaning := meaning_in(value, values)):
        return {"first": A, "tie": TIE, "second": B, "nothing": None}[meaning]
    if isinstance(value, bool):
        raise _malformed(value)
    if isinstance(value, str):
        return _parse_text(tidy(value), a, b)
    if value is None:
        return None
    if isinstance(value, int | float):
        return None if math.isnan(value) else _parse_number(value)
    raise _malformed(value)


def _parse_text(text: str, a: str, b: str) -> float | None:
    named = {name: side for name, side in ((a, A), (b, B)) if name}
    if text in named:
        return named[text]
    word = text.casefold()
    if not word or word in NOTHING:
        return None
    for words, side in ((FIRST, A), (SECOND, B), (TIES, TIE)):
        if word in words:
            return side
    number = number_in(text)
    if number is None:
        raise _malformed(text)
    return _parse_number(number)


def _parse_number(number: float) -> float:
    if number == 0:
        return TIE
    if A <= number <= B:
        return float(number)
    raise _malformed(number)


def _malformed(value: Any) -> RowProblem:
    return RowProblem(
        f"Its preference {quoted(value)} is none: write 1 (first), 2 (second), 0 or 1.5 (tie), a number between 1 "
        "and 2, a word such as model_a, model_b or tie, or the name of the variant; or say what it means with "
        f"--set {shlex.quote(f'values.{value}=first')}."
    )


# --- a row


def preferences_of(row: Row, settings: JudgementSettings, further: Further) -> Iterator[Preference | str]:
    """Every choice of a row, as a preference or as the sentence that says why it is none."""
    try:
        shared = _shared(row, settings.columns)
        verdicts = _verdicts(row, settings, further)
    except RowProblem as problem:
        yield str(problem)
        return
    for verdict in verdicts:
        try:
            yield _preference(shared, verdict, settings)
        except RowProblem as problem:
            yield f"{verdict.annotator} ({verdict.place}): {problem}" if len(verdicts) > 1 else str(problem)


def _shared(row: Row, columns: PreferenceColumns) -> dict[str, Any]:
    """What the choices of a row have in common."""
    if row.problem is not None:
        raise RowProblem(row.problem)
    values = row.values
    question = _text(values, columns.question, "question")
    context = _text(values, columns.context, "context")
    if question is None and context is None:
        raise RowProblem(f"It has no question in column {quoted(columns.question)}: fill it, or map another column.")
    a, b = _names(values, columns)
    if a == b:
        how = "pair=null" if columns.pair else "a_name=null --set b_name=null"
        raise RowProblem(
            f"Both outputs are by {quoted(a)}: a comparison is of two variants. To compare first and second outputs "
            f"instead, leave the names out with --set {how}."
        )
    outputs = {side: _text(values, getattr(columns, side), f"output {side}", blank="") for side in ("a", "b")}
    return {
        "item_id": tidy(_text(values, columns.id, "id") or "") or content_hash([question, context])[:12],
        "question": question or "",
        "context": context,
        "a": a,
        "b": b,
        "part": _text(values, columns.part, "part"),
        **{f"output_{side}": text for side, text in outputs.items()},
        **{f"chars_{side}": None if text is None else len(text) for side, text in outputs.items()},
        **{f"words_{side}": None if text is None else len(text.split()) for side, text in outputs.items()},
    }


def _text(values: dict[str, Any], column: str | None, what: str, blank: str | None = None) -> str | None:
    """A cell as text; `blank` stands for one that is there and empty."""
    if column is None:
        return None
    value = cell(values, column)
    return text_of(value, what) or (None if value is None else blank)


def _names(values: dict[str, Any], columns: PreferenceColumns) -> tuple[str, str]:
    """The two variants; named after the columns of their outputs where no column names them."""
    if columns.pair:
        both = _text(values, columns.pair, "pair") or ""
        first, _, second = both.partition("_")
        if not (first and second) or "_" in second:
            raise RowProblem(
                f"Its pair {quoted(both)} is not two names joined by one `_`: map a column for each (a_name, b_name)."
            )
        return tidy(first), tidy(second)
    names = []
    for side, column, output in (("first", columns.a_name, columns.a), ("second", columns.b_name, columns.b)):
        name = _text(values, column, "variant") if column else output or side
        if name is None:
            raise RowProblem(f"Column {quoted(column)} does not name the variant of the {side} output: fill it.")
        names.append(tidy(name))
    return names[0], names[1]


def _verdicts(row: Row, settings: JudgementSettings, further: Further) -> list[Verdict]:
    columns, values = settings.columns, row.values
    if columns.annotators:
        own = [Verdict(name, cell(values, name), None, name) for name in columns.annotators]
    else:
        name = _text(values, columns.annotator, "annotator") if columns.annotator else settings.name
        if name is None:
            raise RowProblem(f"Column {quoted(columns.annotator)} names no annotator: fill it.")
        note = cell(values, columns.note) if columns.note else None
        own = [Verdict(tidy(name), cell(values, columns.preference), note, columns.preference)]
    key = _text(values, columns.key, "key") if columns.key else None
    return own + further.pop(key or "", [])


def _preference(shared: dict[str, Any], verdict: Verdict, settings: JudgementSettings) -> Preference:
    return Preference(
        **shared,
        annotator=verdict.annotator,
        annotator_kind=kind_of(verdict.annotator, settings.judges),
        preference=parse_preference(verdict.value, shared["a"], shared["b"], settings.columns.values),
        note=text_of(verdict.note, "note"),
    )


def kind_of(name: str, judges: list[str]) -> RaterKind:
    """Whether a rater is a judge, by the patterns of the settings.

    >>> kind_of("gpt-4o", ["gpt*"]), kind_of("ann1", ["gpt*"])
    ('judge', 'person')
    """
    return "judge" if any(fnmatchcase(name, pattern) for pattern in judges) else "person"


# --- further verdicts


def further_verdicts(files: Sequence[Path], key: str | None) -> Further:
    """Verdicts of other files on the rows of the first, by the key that both have.

    Each column whose name ends in `_result` is an annotator; the column of that name that ends in `_reason` is
    its note.  `BadInput` for a file that cannot be joined.
    """
    found: Further = {}
    for path in files:
        if key is None:
            raise BadInput(f"{file_name(path)} cannot be joined: name the column that both files have, key=….")
        for row in read_rows(path):
            verdicts = _of_verdict_row(row, path)
            place = text_of(cell(row.values, key), "key")
            if place is None:
                raise BadInput(f"Row {row.number} of {file_name(path)} has no {quoted(key)} to join it by: mend it.")
            found.setdefault(place, []).extend(verdicts)
    return found


def _of_verdict_row(row: Row, path: Path) -> list[Verdict]:
    if row.problem is not None:
        raise BadInput(f"Row {row.number} of {file_name(path)} cannot be read: {row.problem}")
    names = [name.removesuffix(RESULT) for name in row.values if name.endswith(RESULT)]
    if not names:
        there = ", ".join(row.values)
        raise BadInput(f"{file_name(path)} has no column that ends in {RESULT} (there are {there}): rename one so.")
    values, file = row.values, file_name(path)
    return [
        Verdict(name, values[name + RESULT], values.get(name + REASON), f"{file} {name}{RESULT}", file, row.number)
        for name in names
    ]
