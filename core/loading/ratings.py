"""Rows of ratings as records: what a rater said of one explanation on one criterion.

    for found in ratings_of(row, settings):     # a Rating, or a sentence that says why not
        …

A row of the long shape is one rating.  A row of the nested shape is one question with everything said of it:

    {"id": 7, "RATER": {"AUTHOR": {"GROUP": {"CRITERION": "LABEL"}, "CRITERION": "LABEL"}}}

Every value that is an object is a rater, its keys are authors, and below an author each value that is no object is
a label, named by its own key.  Which file has which shape is `core.loading.judgement_mapping`.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args

from core.loading.items import RowProblem, cell, text_of
from core.loading.names import tidy
from core.loading.preferences import kind_of
from core.loading.reading import Row, quoted
from core.records import RaterKind, Rating
from core.settings import JudgementSettings, RatingColumns

YES = {"true", "yes", "1", "blind"}
NO = {"false", "no", "0", "open"}
SECONDS = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
LATEST = 1e11
"""Seconds since 1970 that lie 3,000 years ahead."""
KINDS: dict[str, RaterKind] = {kind: kind for kind in get_args(RaterKind)} | {"human": "person", "model": "judge"}


def ratings_of(row: Row, settings: JudgementSettings) -> Iterator[Rating | str]:
    """Every rating of a row, as a record or as the sentence that says why it is none."""
    if row.problem is not None:
        yield row.problem
        return
    columns = settings.columns
    try:
        for values in spread(row.values, columns):
            yield _rating_or_problem(values, settings)
    except RowProblem as problem:
        yield str(problem)


def _rating_or_problem(values: dict[str, Any], settings: JudgementSettings) -> Rating | str:
    try:
        return _rating(values, settings)
    except RowProblem as problem:
        return str(problem)


def spread(values: dict[str, Any], columns: RatingColumns) -> Iterator[dict[str, Any]]:
    """A row of any shape as rows of the long one."""
    if columns.shape == "long":
        yield values
    elif columns.shape == "nested":
        yield from flattened(values, columns)
    elif columns.shape == "wide":
        for criterion in columns.criteria:
            yield values | {columns.criterion: criterion, columns.label: values.get(criterion)}
    else:
        yield from _by_rater(values, columns)


def _by_rater(values: dict[str, Any], columns: RatingColumns) -> Iterator[dict[str, Any]]:
    """A row of one explanation, whose column of raters holds {rater: {criterion: label}}, or {rater: label}.

    >>> columns = RatingColumns(shape="by_rater", rater="by", variant="who")
    >>> [row["label"] for row in _by_rater({"item": 1, "who": "x", "by": {"w1": {"clear": 4, "deep": 2}}}, columns)]
    [4, 2]
    """
    given = cell(values, columns.rater)
    if not isinstance(given, dict) or not given:
        raise RowProblem(f"It has no object of raters in column {quoted(columns.rater)}: fill it, or name another.")
    for rater, said in given.items():
        for criterion, label in _labels(said, columns.rater):
            yield values | {columns.rater: rater, columns.criterion: criterion, columns.label: label}


def flattened(values: dict[str, Any], columns: RatingColumns) -> Iterator[dict[str, Any]]:
    """A nested row as rows of the long shape, under the names that the mapping gives their columns.

    >>> list(flattened({"id": 7, "ann": {"gpt": {"form": {"clear": "yes"}, "good": "no"}}}, RatingColumns(item="id")))
    ... # doctest: +NORMALIZE_WHITESPACE
    [{'id': 7, 'rater': 'ann', 'variant': 'gpt', 'criterion': 'clear', 'label': 'yes'},
     {'id': 7, 'rater': 'ann', 'variant': 'gpt', 'criterion': 'good', 'label': 'no'}]
    """
    raters = {name: value for name, value in values.items() if isinstance(value, dict)}
    shared = {name: value for name, value in values.items() if name not in raters}
    for rater, authors in raters.items():
        for author, said in authors.items():
            for criterion, label in _labels(said, columns.label):
                named = {columns.rater: rater, columns.variant: author}
                yield shared | named | {columns.criterion: criterion, columns.label: label}


def _labels(said: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Criteria and labels below an author; a label that stands there alone is named by `name`."""
    if not isinstance(said, dict):
        yield name, said
        return
    for criterion, value in said.items():
        if isinstance(value, dict):
            yield from _labels(value, name)
        else:
            yield criterion, value


def _rating(values: dict[str, Any], settings: JudgementSettings) -> Rating:
    columns = settings.columns
    roles = ("item", "variant", "rater", "criterion")
    named = {what: tidy(_needed(values, getattr(columns, what), what)) for what in roles}
    label = _text(values, columns.label, "label")
    return Rating(
        item_id=named["item"],
        variant=named["variant"],
        explanation=_text(values, columns.explanation, "explanation"),
        rater=named["rater"],
        rater_kind=_kind(_text(values, columns.kind, "kind"), named["rater"], settings),
        criterion=named["criterion"],
        label=None if label is None else tidy(label),
        blind=_blind(_text(values, columns.blind, "blind")),
        mode="imported",
        rated_at=_seconds(_text(values, columns.when, "when")),
        note=_text(values, columns.note, "note"),
        part=_text(values, columns.part, "part"),
    )


def _text(values: dict[str, Any], column: str | None, what: str) -> str | None:
    return None if column is None else text_of(cell(values, column), what)


def _needed(values: dict[str, Any], column: str, what: str) -> str:
    text = _text(values, column, what)
    if text is None:
        raise RowProblem(f"It has no {what} in column {quoted(column)}: fill it, or map another column.")
    return text


def _kind(text: str | None, rater: str, settings: JudgementSettings) -> RaterKind:
    if text is None:
        return kind_of(rater, settings.judges)
    try:
        return KINDS[text.strip().lower()]
    except KeyError:
        raise RowProblem(f"Its kind of rater is {quoted(text)}: write {' or '.join(get_args(RaterKind))}.") from None


def _blind(text: str | None) -> bool | None:
    word = (text or "").strip().lower()
    if word in YES | NO:
        return word in YES
    if word:
        raise RowProblem(f"Whether it is blind is {quoted(text)}: write yes or no.")
    return None


def in_parts_of_seconds(value: Any) -> bool:
    """Whether a time is a number of milliseconds or smaller parts."""
    text = str(value).strip()
    return bool(SECONDS.fullmatch(text)) and abs(float(text)) >= LATEST


def _seconds(text: str | None) -> float | None:
    """Seconds since 1970 of a number or an ISO time, which is UTC where it names no zone.

    A number too large for seconds of this age is in thousandths, in millionths, or smaller.

    >>> _seconds("1970-01-02"), _seconds("60.5"), _seconds(None), _seconds("1714521600000")
    (86400.0, 60.5, None, 1714521600.0)
    """
    if text is None:
        return None
    if SECONDS.fullmatch(text.strip()):
        seconds = float(text)
        while abs(seconds) >= LATEST:
            seconds /= 1000
        return seconds
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise RowProblem(f"Its time {quoted(text)} is neither ISO 8601 nor seconds since 1970: mend it.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
