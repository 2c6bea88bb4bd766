"""What the columns of a file of judgements mean: guessed from their names, changed by `name=value` settings.

    settings = judgement_settings(Path("annotations.json"), files, {"annotator": "rater", "judges": ["gpt*"]})

Known forms: AlpacaEval's annotations, PandaLM's test set (a column an annotator), ratings nested by rater and
author, and long tables whose columns have the usual names.  The settings that come back have been held against
the file: a mapped column that no row has is `BadInput`.  A form asks in parts: `first_rows`, `guessed_settings`,
`column_names` to choose among, and `missing_columns`.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.errors import BadInput
from core.loading.codes import check_codes, codes_in, meaning_of
from core.loading.documents import FIELD
from core.loading.items import cell
from core.loading.kinds import CHOICE, kind_of, listed_names, question_marks
from core.loading.mapping import is_empty
from core.loading.names import tidy
from core.loading.preferences import RESULT, meaning_in, number_in
from core.loading.reading import Row, file_name, read_rows
from core.settings import JudgementSettings, PreferenceColumns, RatingColumns, problems_of

LOOKED_AT = 200
"""Rows that a guess is made from."""

PREFERENCES: dict[str, Sequence[str]] = {
    "question": ("instruction", "question", "prompt", "query"),
    "context": ("input", "context", "passage"),
    "id": ("question_id", "item_id", "item", "id", "qid", "q_id"),
    "a": ("output_1", "output_a", "response1", "response_1", "response_a", "answer_a", "a"),
    "b": ("output_2", "output_b", "response2", "response_2", "response_b", "answer_b", "b"),
    "a_name": ("generator_1", "model_a", "variant_a", "name_a", "model_1"),
    "b_name": ("generator_2", "model_b", "variant_b", "name_b", "model_2"),
    "pair": ("cmp_key",),
    "preference": ("preference", "winner", "choice", "verdict", "label"),
    "annotator": ("annotator", "judge", "rater", "evaluator", "user", "person", "worker", "workerid", "worker_id"),
    "key": ("idx",),
    "part": ("dataset", "part", "task", "turn"),
    "note": ("reason", "note", "comment"),
}
"""What a column means → names it usually has, the likeliest first."""

RATINGS: dict[str, Sequence[str]] = {
    "item": ("item", "item_id", "question_id", "q_id", "qid", "id", "question"),
    "variant": ("variant", "author", "model", "generator", "system", "source", "e_source", "explanation_source"),
    "rater": ("rater", "annotator", "evaluator", "judge", "user", "person", "worker", "workerid", "worker_id"),
    "criterion": ("criterion", "dimension", "aspect"),
    "label": ("label", "rating", "verdict", "score", "value"),
    "explanation": ("explanation", "response", "output", "text"),
    "kind": ("kind", "rater_kind"),
    "blind": ("blind",),
    "when": ("when", "rated_at", "time", "timestamp", "date"),
    "note": ("note", "comment", "remark", "reason"),
    "part": ("part", "task", "dataset"),
}

RATINGS_INSIDE = re.compile(
    r"(ratings|scores|annotations|labels|judge?ments|votes|workers|raters|annotators|judges)$", re.IGNORECASE
)
"""How a column is called that holds the ratings of many raters."""
ANNOTATOR = re.compile(r"annotator[ _-]?\d+", re.IGNORECASE)
PROGRAM = re.compile(r"gpt|llm|judge|claude|llama|gemini|eval_", re.IGNORECASE)
"""What the names of judges hold."""


def judgement_settings(
    path: Path, further: Sequence[Path] = (), overrides: Mapping[str, Any] | None = None
) -> JudgementSettings:
    """The guess with `overrides` on it: fields of the settings, or of their columns (with or without `columns.`).

    `further` are files of more verdicts on the same rows; the annotators in them are taken for judges.
    """
    given = _with_values({name.removeprefix("columns."): value for name, value in (overrides or {}).items()})
    rows = first_rows(path, **{name: given[name] for name in ("header", "field") if name in given})
    settings = guessed_settings(path, rows, further, given)
    if not {"what", "preference", "annotators", "label", "criteria"} & given.keys():
        check_judgements(path, [row.values for row in rows], settings.columns)
    _check_columns(path, rows, settings)
    return with_codes(path, settings, further)


def _with_values(given: dict[str, Any]) -> dict[str, Any]:
    """Settings with those called `values.X` put together.

    >>> _with_values({"name": "x", "values.0": "first", "values.1": "second"})
    {'name': 'x', 'values': {'0': 'first', '1': 'second'}}
    """
    single = {name.removeprefix("values."): str(value) for name, value in given.items() if name.startswith("values.")}
    rest = {name: value for name, value in given.items() if not name.startswith("values.")}
    return rest | ({"values": {**rest.get("values", {}), **single}} if single else {})


def with_codes(path: Path, settings: JudgementSettings, further: Sequence[Path] = ()) -> JudgementSettings:
    """Settings that say what the values of the whole preference column mean; `BadInput` where that has to be asked."""
    columns = settings.columns
    if not isinstance(columns, PreferenceColumns):
        return settings
    left = unsaid_codes(path, settings)
    check_codes(path, left, ", ".join(columns.annotators) or columns.preference)
    for file in further:
        for name in _result_columns(file):
            check_codes(file, codes_in(file, PreferenceColumns(preference=name), True, None), name, further=True)
    values = meaning_of(left) | columns.values
    return settings.model_copy(update={"columns": columns.model_copy(update={"values": values})})


def unsaid_codes(path: Path, settings: JudgementSettings) -> Counter[str]:
    """Value → rows, of what the preference columns of a file hold and the settings give no meaning."""
    columns = settings.columns
    if not isinstance(columns, PreferenceColumns):
        return Counter()
    found = codes_in(path, columns, settings.header, settings.field)
    return Counter({value: count for value, count in found.items() if meaning_in(value, columns.values) is None})


def check_judgements(path: Path, rows: Sequence[Mapping[str, Any]], columns: PreferenceColumns | RatingColumns) -> None:
    """`BadInput` for a file that holds something else than judgements."""
    if isinstance(columns, RatingColumns):
        return
    kind = kind_of(rows)
    name = file_name(path)
    if kind and kind.name != "judgements":
        raise BadInput(f"{name} holds {kind.found}, and no judgements. {kind.then.format(file=name)}")
    sides = (columns.a and columns.b) or (columns.a_name and columns.b_name) or columns.pair
    if sides or kind:
        return
    there = list(dict.fromkeys(column for row in rows for column in row))
    asks = question_marks(rows)
    then = f"`anchorlab data preview {name}` reads questions." if asks else _how_to_map(name)
    holds = asks or f"the columns {listed_names(there)}"
    raise BadInput(
        f"{name} holds {holds}, and no judgements: neither two outputs, nor names of two variants, nor a rater with a "
        f"criterion. {then}"
    )


def _how_to_map(name: str) -> str:
    return (
        f"Name its columns: anchorlab judgements preview {name} --set what=preferences --set question=COLUMN --set "
        "a=COLUMN --set b=COLUMN --set preference=COLUMN, or --set what=ratings; of a table without a header, --set "
        "header=false first."
    )


def first_rows(path: Path, header: bool = True, field: str | None = None) -> list[Row]:
    """Rows that a guess is made from; `BadInput` where none of them can be read."""
    rows = list(islice(read_rows(path, header, field), LOOKED_AT))
    good = [row for row in rows if row.problem is None]
    if not good:
        raise BadInput(f"Row {rows[0].number} of {file_name(path)} cannot be read: {rows[0].problem}")
    return good


def guessed_settings(
    path: Path, rows: list[Row], further: Sequence[Path] = (), given: Mapping[str, Any] | None = None
) -> JudgementSettings:
    """Settings as the names of columns suggest them, with what is given in its place; not held against the file.

    Judges are guessed from the raters of the columns that come of it.
    """
    given = given or {}
    own = {name: value for name, value in given.items() if name in JudgementSettings.model_fields}
    columns = {name: value for name, value in given.items() if name not in own}
    guessed = _guessed_columns(rows, given)
    if "annotator" in columns:
        guessed.pop("annotators", None)
    name = re.sub(r"[^\w.-]+", "_", Path(file_name(path)).stem) or "judgements"
    try:
        settings = JudgementSettings.model_validate({"name": name} | own | {"columns": guessed | columns})
    except ValidationError as error:
        raise BadInput(f"The mapping of {file_name(path)} needs a change: {problems_of(error)}.") from None
    if "judges" in given:
        return settings
    judges = {rater for rater in raters_of(rows, settings.columns) if PROGRAM.search(rater)}
    joined = {name.removesuffix(RESULT) for file in further for name in _result_columns(file)}
    return settings.model_copy(update={"judges": sorted(judges | joined)})


def raters_of(rows: list[Row], columns: PreferenceColumns | RatingColumns) -> list[str]:
    """Who judged in these rows, as far as the mapping says."""
    if isinstance(columns, RatingColumns) and columns.shape == "nested":
        return list(filter(_is_unicode, (key for key, value in rows[0].values.items() if isinstance(value, dict))))
    if isinstance(columns, RatingColumns) and columns.shape == "by_rater":
        inside = (cell(row.values, columns.rater) for row in rows)
        return sorted(
            {tidy(name) for given in inside if isinstance(given, dict) for name in given if _is_unicode(name)}
        )
    if isinstance(columns, RatingColumns):
        return _values(rows, columns.rater)
    return columns.annotators or _values(rows, columns.annotator)


def _guessed_columns(rows: list[Row], given: Mapping[str, Any]) -> dict[str, Any]:
    names = _names(rows)
    what, shape = given.get("what"), given.get("shape")
    inside = _ratings_inside(rows, names) if shape in (None, "by_rater") else None
    if what != "preferences" and inside:
        return _columns_by_rater(names, inside)
    if what != "preferences" and shape in (None, "nested") and is_nested(rows):
        return _nested_columns(names)
    criteria = given.get("criteria") or (_criteria(rows, names) if shape in (None, "wide") else [])
    if what != "preferences" and criteria and not _named(names, RATINGS["criterion"]):
        return {"what": "ratings", "shape": "wide", "criteria": criteria} | _without_labels(names, criteria)
    if what == "ratings" or (what is None and _named(names, RATINGS["criterion"])):
        return {"what": "ratings"} | _guessed(names, RATINGS)
    return _preference_columns(rows, names)


def _ratings_inside(rows: list[Row], names: list[str]) -> str | None:
    """The one column whose objects are {rater: {criterion: label}} of the row's explanation; None where none is.

    Nested ratings have raters of authors in the same form: they are told by a name, or by an author in the row.
    """
    holds = [name for name in names if any(_is_ratings(row.values.get(name)) for row in rows)]
    if len(holds) != 1:
        return None
    told = RATINGS_INSIDE.search(holds[0]) or _named(names, (*RATINGS["explanation"], *RATINGS["variant"]))
    return holds[0] if told else None


def _is_ratings(value: Any) -> bool:
    """Whether an object holds objects whose values are all labels."""
    inner = list(value.values()) if isinstance(value, dict) else []
    flat = (one for said in inner if isinstance(said, dict) for one in said.values())
    return (
        bool(inner)
        and all(isinstance(said, dict) and said for said in inner)
        and not any(isinstance(one, dict | list) for one in flat)
    )


def _columns_by_rater(names: list[str], inside: str) -> dict[str, Any]:
    guessed = _guessed([name for name in names if name != inside], RATINGS)
    known = {name: guessed[name] for name in ("item", "variant", "explanation", "part") if name in guessed}
    if "variant" not in known and "id" in names:
        known["variant"] = "id"
    return known | {"what": "ratings", "shape": "by_rater", "rater": inside}


def _without_labels(names: list[str], criteria: Sequence[str]) -> dict[str, str]:
    guessed = _guessed([name for name in names if name not in criteria], RATINGS)
    return {role: name for role, name in guessed.items() if role not in ("label", "criterion")}


def _criteria(rows: list[Row], names: list[str]) -> list[str]:
    """Columns of labels in a table with an item, a rater and no column of criteria; [] for any other table."""
    known = _guessed(names, RATINGS)
    sides = _guessed(names, PREFERENCES)
    taken = set(known.values()) - {known.get("label")}
    if not {"item", "rater"} <= known.keys() or {"a", "b"} <= sides.keys() or _named(names, PREFERENCES["preference"]):
        return []
    free = [name for name in names if name not in taken and name not in ("", "index", "nr", "no")]
    return [name for name in free if _is_label(rows, name)]


def _is_label(rows: list[Row], name: str) -> bool:
    """Whether all that stands in a column is short, and few different things."""
    found = [str(value).strip() for row in rows if (value := row.values.get(name)) not in (None, "")]
    return (
        bool(found)
        and all(len(text) <= 24 for text in found)
        and (all(number_in(text) is not None for text in found) or len(set(found)) <= max(2, len(found) // 2))
    )


def _names(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(column for row in rows for column in row.values))


def _preference_columns(rows: list[Row], names: list[str]) -> dict[str, Any]:
    columns = {"what": "preferences"} | _guessed(names, PREFERENCES)
    if "preference" not in columns:
        choices = [name for name in names if CHOICE.search(name) and not ANNOTATOR.fullmatch(name)]
        choices = [name for name in choices if name.lower() not in PREFERENCES["pair"]]
        columns |= {"preference": choices[0]} if choices else {}
    if "question" not in columns and "id" in columns:
        columns["question"] = columns["id"]
    if (context := columns.get("context")) and all(is_empty(row.values.get(context)) for row in rows):
        del columns["context"]
    if columns.get("question") == columns.get("context"):
        columns.pop("context", None)
    several = [name for name in names if ANNOTATOR.fullmatch(name)]
    if several:
        columns["annotators"] = several
        columns.pop("annotator", None)
    return columns


def _nested_columns(names: list[str]) -> dict[str, Any]:
    columns = {"what": "ratings", "shape": "nested", "item": _named(names, RATINGS["item"]) or "id"}
    return columns | ({"part": FIELD} if FIELD in names else {})


def is_nested(rows: list[Row]) -> bool:
    """Whether a row holds objects (raters) of objects (authors) that hold objects or labels."""
    raters = [value for value in rows[0].values.values() if isinstance(value, dict) and value]
    return bool(raters) and all(isinstance(said, dict) for authors in raters for said in authors.values())


def _guessed(names: list[str], known: Mapping[str, Sequence[str]]) -> dict[str, str]:
    found = {what: _named(names, usual) for what, usual in known.items()}
    return {what: name for what, name in found.items() if name is not None}


def _named(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """The first of the wanted names that is there, however it is spelled: "Output one" is `output_1`."""
    by_lower = {_spelled(name): name for name in reversed(names)}
    return next((by_lower[_spelled(name)] for name in wanted if _spelled(name) in by_lower), None)


def _spelled(name: str) -> str:
    """
    >>> _spelled("Output one"), _spelled("output_1"), _spelled("ModelB"), _spelled("model-b")
    ('output1', 'output1', 'modelb', 'modelb')
    """
    words = re.split(r"[\s_-]+", re.sub(r"^(input|answer)\.", "", name.strip().lower()))
    return "".join({"one": "1", "two": "2", "first": "1", "second": "2"}.get(word, word) for word in words)


def _values(rows: list[Row], column: str | None) -> list[str]:
    found = {tidy(value) for row in rows if column and isinstance(value := cell(row.values, column), str)}
    return sorted(filter(_is_unicode, found))


def _is_unicode(text: str) -> bool:
    """Whether a text from JSON can be stored, or shown; half a surrogate pair cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _result_columns(path: Path) -> list[str]:
    row = next((row for row in read_rows(path) if row.problem is None), None)
    return [name for name in (row.values if row else {}) if name.endswith(RESULT)]


# --- held against the file


def column_names(rows: list[Row]) -> list[str]:
    """Names of columns that can be mapped, then of what is inside the objects of the first row, as `column.field`."""
    inner = [name for column, value in rows[0].values.items() for name in _inside(column, value)]
    filled = [name for name in inner if cell(rows[0].values, name) is not None]
    return list(filter(_is_unicode, dict.fromkeys([*_names(rows), *filled])))


def _inside(column: str, value: Any) -> list[str]:
    return [f"{column}.{name}" for name in value] if isinstance(value, dict) else []


def missing_columns(rows: list[Row], settings: JudgementSettings) -> list[tuple[str, str]]:
    """What is mapped to a column that none of these rows has, each with that column."""
    return [
        (what, column)
        for what, column in _mapped(settings.columns)
        if not any(cell(row.values, column) is not None or column in row.values for row in rows)
    ]


def _check_columns(path: Path, rows: list[Row], settings: JudgementSettings) -> None:
    """`BadInput` for a mapped column that none of the first rows has."""
    for what, column in missing_columns(rows, settings):
        raise BadInput(
            f"{file_name(path)} has no column {column!r} for {what} (there are {', '.join(_names(rows)[:30])}): "
            f"name another with --set {what}=COLUMN."
        )


def _mapped(columns: PreferenceColumns | RatingColumns) -> list[tuple[str, str]]:
    """What each column is mapped to, in the order of the settings."""
    given = columns.model_dump(include=set(roles(columns)))
    listed = [(what, value if isinstance(value, list) else [value]) for what, value in given.items() if value]
    return [(what, name) for what, names in listed for name in names]


def roles(columns: PreferenceColumns | RatingColumns) -> list[str]:
    """What a column can be named for in a file of this form, in the order of the settings."""
    unused = {"what", "shape", "values", "criteria"}
    if isinstance(columns, RatingColumns) and columns.shape in ("by_rater", "wide"):
        unused |= {"criterion", "label"}
    if isinstance(columns, RatingColumns) and columns.shape == "nested":
        unused |= {"variant", "rater", "criterion", "label"}
    if isinstance(columns, PreferenceColumns) and columns.annotators:
        unused |= {"preference", "annotator"}
    return [name for name in type(columns).model_fields if name not in unused]


def needed_roles(columns: PreferenceColumns | RatingColumns) -> list[str]:
    """Those of them without which nothing can be read."""
    return [name for name in roles(columns) if isinstance(type(columns).model_fields[name].default, str)]
