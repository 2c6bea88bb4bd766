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
from core.loading.items import POSITION, RowProblem, cell, find_gold, joined_columns, named_columns, options_of, text_of
from core.loading.reading import check_file, file_name, is_table, read_rows
from core.records import Option
from core.settings import ImportSettings

QUESTIONS = ("question", "question_stem", "stem", "text", "headline", "sentence", "prompt", "query", "input", "q")
GOLDS = ("gold", "answerkey", "correct", "correct_answer", "label", "answer", "target",
         "correct_option", "answer_index", "answer_idx", "correct_index", "answer_key", "right",
         "solution")  # fmt: skip
OPTIONS = ("options", "choices")
CONTEXTS = ("context", "passage")
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
        return file, ImportSettings.model_validate({**fields, **overrides})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise BadInput(f"The settings of {file_name(path)} need a change: {field}: {first['msg']}.") from None


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
    header = not _reads_like_data(path) if header is None else header
    rows = list(islice(read_rows(path, header, field), LOOKED_AT))
    good = [row.values for row in rows if row.problem is None]
    if not good:
        raise BadInput(f"Row {rows[0].number} of {file_name(path)} cannot be read: {rows[0].problem}")
    fields: dict[str, Any] = {"name": re.sub(r"[^\w.-]+", "_", Path(file_name(path)).stem) or "data"}
    fields |= _guess_columns(good) if header else _guess_places(good)
    fields |= {name: given[name] for name in COLUMNS if given and name in given}
    settings = ImportSettings(**fields, header=header, field=field)
    if header and given is not None:
        settings = settings.model_copy(update=_guess_others(good, settings, given))
    return settings.model_copy(update={"gold_base": guess_base(good, settings)})


def _guess_columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Columns by their names; where no name tells of a question, gold or options, by what repeats in a row."""
    names = list(dict.fromkeys(name for values in rows for name in values))
    fields = _guess_question(rows, names)
    others = [name for name in names if name != fields["question"]]
    in_fields = all(values.get(FIELD) in SPLITS for values in rows)
    fields |= {
        "gold": _named(names, GOLDS) or "gold",
        "id": _named(names, ("id", "question_id", "qid")) or "id",
        "context": _named(names, CONTEXTS) or (_named(others, ("text",)) if fields["options"] else None),
        "split": _named(names, ("split",)) or (FIELD if in_fields else None),
    }
    free = [name for name in names if name not in fields.values()]
    if free and not _named(names, (*QUESTIONS, *GOLDS, *OPTIONS)):
        return fields | (guess_contents(rows, free) or {})
    if fields["options"] and "," in fields["options"]:
        fields["options"] = _with_others(rows, names, fields)
    return fields


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


def _guess_places(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Columns of a table without a header: the longest is the question, the last gold, options stand between.

    Of two columns the one with more different values is the question.
    """
    names = list(rows[0])
    measure = (lambda texts: len(set(texts))) if len(names) == 2 else (lambda texts: sum(map(len, texts)))
    sizes = [measure([values[name] for values in rows]) for name in names]
    place = sizes.index(max(sizes))
    gold = names[-1] if place < len(names) - 1 else names[0]
    between = names[place + 1 : -1]
    return {
        "question": names[place],
        "gold": gold,
        "options": ",".join(between) if len(between) >= 2 else None,
        "id": None,
    }


def _reads_like_data(path: Path) -> bool:
    """Whether the first row of a CSV is a row: no known name, and a cell that names no column.

    Words above a column of numbers name it.  A cell that asks something is a row's where cells below it ask too, and
    else the name of a column (“correct?”).
    """
    check_file(path)
    if not is_table(path):
        return False
    rows = list(islice(read_rows(path, header=False), LOOKED_AT))
    first = {} if not rows or rows[0].problem else rows[0].values
    below = [row.values for row in rows[1:] if row.problem is None]
    cells = [text.strip() for text in first.values()]
    known = (*QUESTIONS, *GOLDS, *OPTIONS, *CONTEXTS)
    if len(cells) < 2 or _named(cells, known) or _option_columns(cells):
        return False
    numbered = (name for name in first if below and all(POSITION.fullmatch(row[name].strip()) for row in below))
    if any(not POSITION.fullmatch(first[name].strip()) for name in numbered):
        return False
    asking = {name for name in first if not below or any(row[name].strip().endswith("?") for row in below)}
    asks = any(text.strip().endswith("?") for name, text in first.items() if name in asking)
    return asks or any(len(text) > 60 or POSITION.fullmatch(text) for text in cells)


def guess_base(rows: list[dict[str, Any]], settings: ImportSettings) -> int | None:
    """What gold counts from where it is a position and no label or text; None where that cannot be told."""
    if not settings.options:
        return None
    named, places = True, []
    for values in rows:
        try:
            gold = text_of(cell(values, settings.gold), "gold")
            options, own_labels = options_of(values, settings.options)
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
    return {"question": _named(names, QUESTIONS) or "question", "options": options}


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
