"""Files of explanations written elsewhere: rows of one explanation each, and which column means what.

    settings = load_responses(Path("answers.jsonl"), authors="variants")     # guessed, with one setting changed
    for row in response_rows(Path("answers.jsonl"), settings): ...

Read are all the forms of `core.loading.reading`, and questions with explanations nested in them
(`core.loading.nested`).  What the values mean is `core.data.foreign`.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.errors import BadInput
from core.loading.guessing_written import guess_written
from core.loading.items import cell
from core.loading.kinds import kind_of, listed_names
from core.loading.mapping import GOLDS, LOOKED_AT, OPTIONS, QUESTIONS, guess_base, guess_mapping
from core.loading.nested import COLUMNS, explanation_rows, is_nested
from core.loading.reading import Row, file_name, quoted, read_rows
from core.settings import ImportSettings, ResponsesSettings, problems_of

RESPONSES = ("response", "explanation", "rationale", "reasoning", "completion", "output", "text")
PREDICTIONS = ("prediction", "predicted", "predicted_answer", "model_answer", "chosen_option", "answer")
AUTHORS = ("author", "annotator", "variant", "model", "writer")
SAMPLES = ("sample", "sample_number", "sample_id", "draw")
MARKS = ("is_correct", "is_right", "right")
IDS = ("item_id", "item", "question_id", "qid", "id")


def load_responses(path: Path, **overrides: Any) -> ResponsesSettings:
    """The mapping that the first rows suggest, with what is given in place of the guess."""
    given = {name: overrides[name] for name in ("header", "field") if name in overrides}
    try:
        return ResponsesSettings.model_validate({**guess_responses(path, **given).model_dump(), **overrides})
    except ValidationError as error:
        raise BadInput(f"The settings of {file_name(path)} need a change: {problems_of(error)}.") from None


def guess_responses(path: Path, header: bool = True, field: str | None = None) -> ResponsesSettings:
    """Columns by their names; a gold column is one that cannot be the prediction."""
    rows = islice(read_rows(path, header, field), LOOKED_AT)
    good = [row.values for row in rows if row.problem is None]
    name = re.sub(r"[^\w.-]+", "_", Path(file_name(path)).stem) or "explanations"
    shape = {"name": name, "header": header, "field": field}
    if good and is_nested(good[0]):
        there = {setting: column for setting, column in COLUMNS.items() if setting != "split" or column in good[0]}
        return ResponsesSettings(**shape, **there)
    guessed = guess_mapping(path, header, field)
    names = list(dict.fromkeys(column for values in good for column in values))
    if _named(names, RESPONSES) is None:
        return _guess_by_values(good, names, guessed, shape)
    response, prediction = _named(names, RESPONSES), _named(names, PREDICTIONS)
    return ResponsesSettings(
        **shape,
        response=response,
        prediction=prediction,
        author=_named(names, AUTHORS),
        sample=_named(names, SAMPLES),
        right=_named(names, MARKS),
        id=_named(names, IDS),
        question="question" if guessed.question == response else guessed.question,
        context=None if guessed.context == response else guessed.context,
        options=guessed.options,
        gold="gold" if guessed.gold == prediction else guessed.gold,
        split=guessed.split,
        gold_base=guessed.gold_base if guessed.gold != prediction else None,
    )


def _guess_by_values(
    rows: list[dict[str, Any]], names: list[str], guessed: ImportSettings, shape: dict[str, Any]
) -> ResponsesSettings:
    """What names tell, and values for the rest."""
    named = {"prediction": PREDICTIONS, "author": AUTHORS, "sample": SAMPLES, "right": MARKS, "id": IDS}
    told = {setting: _named(names, wanted) for setting, wanted in named.items()}
    told |= {"context": guessed.context, "split": guessed.split}
    if _named(names, (*QUESTIONS, *GOLDS, *OPTIONS)):  # else these were guessed by values, of all rows
        told |= {"question": guessed.question, "options": guessed.options, "gold": guessed.gold}
    told = {setting: name for setting, name in told.items() if name in names or setting == "options"}
    if told.get("gold") == told.get("prediction"):
        told.pop("gold", None)
    columns = {name: column for name, column in (told | guess_written(rows, told)).items() if column}
    settings = ResponsesSettings(**shape, **columns)
    return settings.model_copy(update={"gold_base": guess_base(rows, settings.questions())})


def _named(names: list[str], wanted: Sequence[str]) -> str | None:
    by_lower = {name.lower(): name for name in reversed(names)}
    return next((by_lower[name] for name in wanted if name in by_lower), None)


def holds_explanations(path: Path, settings: ResponsesSettings) -> bool:
    """Whether the rows are questions with their explanations inside, whose columns are known."""
    first = next((row for row in read_rows(path, settings.header, settings.field) if row.problem is None), None)
    return first is not None and is_nested(first.values)


def response_rows(path: Path, settings: ResponsesSettings) -> Iterator[Row]:
    """One row an explanation, in order; `BadInput` where the file cannot be read."""
    rows = read_rows(path, settings.header, settings.field)
    looked = list(islice(rows, LOOKED_AT))
    first = next((row for row in looked if row.problem is None), None)
    rows = chain(looked, rows)
    return explanation_rows(rows) if first and is_nested(first.values) else rows


def needed_columns(settings: ResponsesSettings, brings_questions: bool) -> dict[str, str | None]:
    """Settings without whose column nothing can be read → that column."""
    needed: dict[str, str | None] = {"response": settings.response}
    if brings_questions or settings.id is None:
        needed["question"] = settings.question
    if settings.authors == "variants":
        needed["author"] = settings.author
    return needed


def absent_columns(columns: Sequence[str], settings: ResponsesSettings, brings_questions: bool) -> list[str]:
    """Those of the needed settings that name none of these columns, nor something inside one."""
    needed = needed_columns(settings, brings_questions)
    return [role for role, column in needed.items() if not {column, (column or "").partition(".")[0]} & set(columns)]


def check_columns(path: Path, rows: Sequence[Row], settings: ResponsesSettings, brings_questions: bool) -> None:
    """`BadInput` where a column that is needed, or named, is in no row at all."""
    good = [row.values for row in rows if row.problem is None]
    optional = {name: getattr(settings, name) for name in ("prediction", "author", "sample", "right", "id")}
    named = {name: column for name, column in optional.items() if column}
    for role, column in (needed_columns(settings, brings_questions) | named).items():
        if column is None or not any(has(values, column) for values in good):
            if role == "response" and (kind := kind_of(good)):
                then = kind.then.format(file=file_name(path))
                raise BadInput(f"{file_name(path)} holds {kind.found}, and no column of explanations. {then}")
            names = listed_names(good[0] if good else ())
            said = f"column {quoted(column)}" if column else "column"
            raise BadInput(
                f"No row of {file_name(path)} has a {said} for the {role} (there are: {names}): name another one "
                f"with --set {role}=COLUMN."
            )


def has(values: dict[str, Any], column: str) -> bool:
    """Whether a row has the column, be its cell empty."""
    return column in values or cell(values, column) is not None
