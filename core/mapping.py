"""Which columns of a file mean what: from its card, or guessed from the names of its columns.

    path, settings = load_settings(Path("data/samples/rooms.toml"), test=0.2)

A card is a TOML file beside its data file: `file` names that file, every other key is a field of
`ImportSettings`.  Guessing looks at names alone and is usually right; `core.datasets.preview` shows
what comes of it.  Not covered: writing cards.
"""

import re
import tomllib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.errors import BadInput
from core.reading import file_name, read_rows
from core.settings import ImportSettings

QUESTIONS = ("question", "question_stem", "stem", "text", "headline", "sentence", "prompt", "query", "input")
GOLDS = ("gold", "answerkey", "correct", "correct_answer", "label", "answer", "target")
OPTIONS = ("options", "choices")
CONTEXTS = ("context", "passage")
OPTION_COLUMN = re.compile(
    r"(?P<stem>|(?:option|opt|op|choice|ending|answer)[ _-]?)(?P<mark>[a-j]|\d{1,2})", re.IGNORECASE
)


def load_settings(path: Path, **overrides: Any) -> tuple[Path, ImportSettings]:
    """The data file and the mapping of a card (.toml) or of a data file, whose mapping is guessed.

    `overrides` are fields of `ImportSettings` and win over both.  Labels given for a file whose
    options column was guessed take the place of that column.  `BadInput` for anything unusable.
    """
    if path.suffix.lower() == ".toml":
        file, fields = _read_card(path)
    else:
        file, fields = path, guess_mapping(path).model_dump()
        if overrides.get("labels"):
            fields["options"] = None
    try:
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


def guess_mapping(path: Path) -> ImportSettings:
    """The mapping that the names of the first 50 rows' columns suggest; usually right, never sure."""
    rows = list(islice(read_rows(path), 50))
    good = [row.values for row in rows if row.problem is None]
    if not good:
        raise BadInput(f"Row {rows[0].number} of {file_name(path)} cannot be read: {rows[0].problem}")
    names = list(dict.fromkeys(name for values in good for name in values))
    fields: dict[str, Any] = {"name": re.sub(r"[^\w.-]+", "_", Path(file_name(path)).stem)}
    fields |= _guess_question(good, names)
    fields |= {
        "gold": _named(names, GOLDS) or "gold",
        "id": _named(names, ("id", "question_id", "qid")) or "id",
        "context": _named(names, CONTEXTS),
        "split": _named(names, ("split",)),
    }
    return ImportSettings(**fields)


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
