"""Which columns of a file mean what: from its card, or guessed from the names of its columns and from values.

    path, settings = load_settings(Path("data/samples/rooms.toml"), test=0.2)

A card is a TOML file beside its data file: `file` names that file, every other key is a field of
`ImportSettings`.  Guessing looks at the names of columns, and at values for what names cannot say: what other
columns mean (`core.loading.guessing`), whether gold is a position, and whether a CSV has a header.
`core.data.datasets.preview` shows what comes of it.  Not covered: writing cards.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.errors import BadInput
from core.loading.documents import FIELD
from core.loading.guessing import SPLITS, guess_by_values, guess_contents
from core.loading.headless import guess_places, reads_like_data
from core.loading.items import (
    POSITION,
    RowProblem,
    cell,
    find_gold,
    joined_columns,
    marked,
    named_columns,
    options_of,
    text_of,
)
from core.loading.kinds import EXPLAINS, check_questions
from core.loading.reading import file_name, read_rows
from core.records import Option
from core.settings import ImportSettings

QUESTIONS = ("question", "question_stem", "stem", "text", "headline", "sentence", "prompt", "query",
             "instruction", "input", "q")  # fmt: skip
GOLDS = ("gold", "answerkey", "correct", "correct_answer", "label", "answer", "target",
         "correct_option", "answer_index", "answer_idx", "correct_index", "answer_key", "right",
         "solution", "gold_label")  # fmt: skip
OPTIONS = ("options", "choices")
CONTEXTS = ("context", "passage", "premise", "article")
SECOND_OF_TWO = {"hypothesis": "premise", "sentence2": "sentence1", "sentence_2": "sentence_1", "text_b": "text_a"}
"""Columns of a question that is asked of a text → the column of that text."""
COLUMNS = ("question", "options", "gold", "id", "context", "split")
"""Settings that name columns."""
LOOKED_AT = 200
"""Rows that a guess is made from."""
OPTION_COLUMN = re.compile(
    r"(?P<stem>|(?:option|opt|op|choice|ending|answer|alternative|antwort(?:möglichkeit)?|möglichkeit)[ _-]?)"
    r"(?P<mark>[a-j]|\d{1,2})",
    re.IGNORECASE,
)


def load_settings(path: Path, **overrides: Any) -> tuple[Path, ImportSettings]:
    """The data file and the mapping of a card (.toml) or of a data file, whose mapping is guessed.

    `overrides` are fields of `ImportSettings` and win over both.  Labels given for a file whose
    options column was guessed take the place of that column.  `BadInput` for anything unusable.
    """
    try:
        if path.suffix.lower() == ".toml":
            file, fields = _read_card(path)
        else:
            given = {name: overrides[name] for name in ("header", "field") if name in overrides}
            file, fields = path, guess_mapping(path, **given, given=overrides).model_dump()
            if overrides.get("labels"):
                fields["options"] = None
                fields["gold_base"] = _base_of_labels(path, fields, overrides)
        return file, ImportSettings.model_validate({**fields, **overrides})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise BadInput(f"The settings of {file_name(path)} need a change: {field}: {first['msg']}.") from None


def _base_of_labels(path: Path, fields: Mapping[str, Any], given: Mapping[str, Any]) -> int | None:
    """What gold counts from where labels are given for the numbers of a file."""
    settings = ImportSettings.model_validate({**fields, **given})
    rows = islice(read_rows(path, settings.header, settings.field), LOOKED_AT)
    return guess_base([row.values for row in rows if row.problem is None], settings)


def _read_card(path: Path) -> tuple[Path, dict[str, Any]]:
    name = file_name(path)
    try:
        fields = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise BadInput(f"The card {name} cannot be read ({error.strerror}): check its path.") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The card {name} is not valid TOML ({error}): mend it.") from None
    file = fields.pop("file", None)
    if not isinstance(file, str) or file in ("", ".", "..") or Path(file).name != file:
        raise BadInput(f'The card {name} names no data file beside it: add file = "….jsonl".')
    return path.parent / file, fields


def guess_mapping(
    path: Path, header: bool | None = None, field: str | None = None, given: Mapping[str, Any] | None = None
) -> ImportSettings:
    """The mapping that the first rows suggest; usually right, never sure.

    `header` None: a CSV is taken to have none where its first row names nothing known and reads like data.  `given`
    are settings that a person has made.  None: columns that names do not tell are not guessed by values either; where
    people or models have answered, what they chose would pass for gold.
    """
    if header is None:
        header = not reads_like_data(path, (*QUESTIONS, *GOLDS, *OPTIONS, *CONTEXTS), _option_columns)
    rows = list(islice(read_rows(path, header, field), LOOKED_AT))
    good = [row.values for row in rows if row.problem is None]
    if not good:
        raise BadInput(f"Row {rows[0].number} of {file_name(path)} cannot be read: {rows[0].problem}")
    fields: dict[str, Any] = {"name": re.sub(r"[^\w.-]+", "_", Path(file_name(path)).stem) or "data"}
    fields |= _guess_columns(good) if header else guess_places(good)
    fields |= {name: given[name] for name in COLUMNS if given and name in given}
    if header and given is not None:
        check_questions(path, good, fields.get("options"), given)
    settings = ImportSettings(**fields, header=header, field=field)
    if header and given is not None:
        settings = settings.model_copy(update=_guess_others(good, settings, given))
    return settings.model_copy(update={"gold_base": guess_base(good, settings)})


def _guess_columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Columns by their names; where no name tells of a question, gold or options, by what repeats in a row."""
    there = list(dict.fromkeys(name for values in rows for name in values))
    names = [name for name in there if not all(is_empty(values.get(name)) for values in rows)]
    if column := marked_options(rows, names):
        names = [name for name in names if name != column]
    fields = _guess_question(rows, names) | ({"options": column} if column else {})
    others = [name for name in names if name != fields["question"]]
    in_fields = all(values.get(FIELD) in SPLITS for values in rows)
    fields |= {
        "gold": column or _named(names, GOLDS) or _named(there, GOLDS) or "gold",
        "id": _named(names, ("id", "question_id", "qid")) or "id",
        "context": _guess_context(rows, others, fields),
        "split": _named(names, ("split",)) or (FIELD if in_fields else None),
    }
    free = [name for name in names if name not in fields.values()]
    if free and not _named(names, (*QUESTIONS, *GOLDS, *OPTIONS)):
        return fields | (guess_contents(rows, free) or {})
    if fields["options"] and "," in fields["options"]:
        fields["options"] = _with_others(rows, names, fields)
    return fields


def is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def marked_options(rows: list[dict[str, Any]], names: list[str]) -> str | None:
    """The first column whose objects mark exactly one option as right in every row."""
    return next((name for name in names if all(marked(values.get(name)) for values in rows)), None)


def _guess_context(rows: list[dict[str, Any]], names: list[str], fields: Mapping[str, str | None]) -> str | None:
    """A passage: the text that a hypothesis is asked of, a column of a usual name, an instruction's input.

    One that says what the question says is none.
    """
    question = str(fields["question"])
    asked = SECOND_OF_TWO.get(question.lower())
    usual = (asked,) if asked else (*CONTEXTS, *(("input",) if question.lower() == "instruction" else ()))
    found = _named(names, usual) or (_named(names, ("text",)) if fields["options"] else None)
    again = (str(cell(values, question) or "").strip() for values in rows)
    texts = [(str(values.get(found) or "").strip(), text) for values, text in zip(rows, again, strict=True)]
    return None if all(text == asks for text, asks in texts) else found


def _guess_others(rows: list[dict[str, Any]], settings: ImportSettings, given: Mapping[str, Any]) -> dict[str, str]:
    """Columns by their values, for settings that nobody has made and whose usual names no column has."""
    columns = settings.model_dump(include={*COLUMNS})
    if given.get("labels"):
        columns["options"] = None  # labels take its place
    wanted = [name for name in ("split", "gold", "question", "id") if name not in given]
    wanted = [name for name in wanted if not any(_has(values, columns[name]) for values in rows)]
    return guess_by_values(rows, columns | dict.fromkeys(wanted), wanted)


def _has(values: dict[str, Any], column: str | None) -> bool:
    return column is not None and (column in values or cell(values, column) is not None)


def _with_others(rows: list[dict[str, Any]], names: list[str], fields: dict[str, Any]) -> str:
    """Columns of options that names tell of, and those beside them that hold gold where none of these does.

    Only where gold is a text everywhere, and these columns explain all of it: a letter or a number may stand anywhere.

    >>> rows = [{"option a": "ice", "option b": "fire", "third": "air", "gold": gold} for gold in ("ice", "air")]
    >>> _with_others(rows, list(rows[0]), {"options": "option a,option b", "gold": "gold"})
    'option a,option b,third'
    """
    known, gold = named_columns(fields["options"]), fields["gold"]
    texts = [{name: str(values.get(name) or "").strip() for name in (*names, gold)} for values in rows]
    given = [row for row in texts if row[gold]]
    missed = [row for row in given if row[gold] not in {row[name] for name in known}]
    free = [name for name in names if name not in (*known, *fields.values())]
    others = {name for name in free if any(row[name] == row[gold] for row in missed)}
    told = all(any(row[name] == row[gold] for name in others) for row in missed)
    if not told or any(len(row[gold]) < 2 or POSITION.fullmatch(row[gold]) for row in given):
        return fields["options"]
    return joined_columns([name for name in names if name in known or name in others])


def guess_base(rows: list[dict[str, Any]], settings: ImportSettings) -> int | None:
    """What gold counts from where it is a position and no label or text; None where that cannot be told."""
    if not settings.options and not settings.labels:
        return None
    labels = [Option(label=label, text=label) for label in settings.labels or ()]
    named, places = True, []
    for values in rows:
        try:
            gold = text_of(cell(values, settings.gold), "gold")
            options, own_labels = (labels, True) if labels else options_of(values, str(settings.options))
        except RowProblem:
            continue
        if gold is None:
            continue
        found = POSITION.fullmatch(gold)
        if found is None:
            return None
        named = named and _is_named(gold, options, own_labels)
        places.append((int(found[1]), len(options)))
    marked = [(place, count) for place, count in places if place != -1]
    if named or any(place > count or place < 0 for place, count in marked):
        return None
    if all(place < count for place, count in marked) and min(marked, default=(0, 0))[0] == 0:
        return 0
    reaches_end = any(place == count for place, count in marked)
    return 1 if reaches_end and all(place >= 1 for place, _ in marked) else None


def _is_named(gold: str, options: Sequence[Option], own_labels: bool) -> bool:
    try:
        return find_gold(gold, options, own_labels) is not None
    except RowProblem:
        return False


def _guess_question(rows: list[dict[str, Any]], names: list[str]) -> dict[str, str | None]:
    inner = rows[0].get("question")
    if isinstance(inner, dict) and {"stem", "choices"} <= inner.keys():  # the form of ARC and OpenBookQA
        return {"question": "question.stem", "options": "question.choices"}
    options = _named(names, OPTIONS) or _option_columns(names)
    of_two = _named([name for name in names if SECOND_OF_TWO.get(name.lower()) in map(str.lower, names)], SECOND_OF_TWO)
    named = _named([name for name in names if not EXPLAINS.search(name)], QUESTIONS)
    return {"question": of_two or named or "question", "options": options}


def _named(names: list[str], wanted: Sequence[str]) -> str | None:
    by_lower = {name.lower(): name for name in reversed(names)}
    return next((by_lower[name] for name in wanted if name in by_lower), None)


def _option_columns(names: list[str]) -> str | None:
    """Columns A,B,C,D or option_a,option_b,… as one comma-separated mapping."""
    groups: dict[str, list[str]] = {}
    for name in names:
        if found := OPTION_COLUMN.fullmatch(name):
            groups.setdefault(found["stem"].lower(), []).append(name)
    largest = max(groups.values(), key=len, default=[])
    return ",".join(largest) if len(largest) >= 2 else None
