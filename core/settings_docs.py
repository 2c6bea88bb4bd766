"""docs/settings.md from the settings themselves: `make docs`, or `python -m core.settings_docs`.

The page is made of the classes in `core.settings`, `core.runs.pipeline` and `core.runs.sizes`; a test fails when the
file on disk is another.
"""

import json
from dataclasses import fields
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from core.home import PROJECT
from core.runs.pipeline import PipelineFile
from core.runs.sizes import SIZES, Scale
from core.settings import (
    CompareSettings,
    Example,
    ImportSettings,
    JudgeCardSettings,
    JudgementSettings,
    LoraSettings,
    PreferenceColumns,
    RatingColumns,
    ResponsesSettings,
    Selection,
    Settings,
)

PAGE = PROJECT / "docs" / "settings.md"

INTRODUCTION = """# Settings

Made by `make docs` from the settings themselves; do not edit. A pipeline file is TOML: what has no table stands on
top, the rest in its table. `anchorlab run KIND --set name=value` takes the same names (`select.limit=64`).

A default belongs to its setting: a table that gives some settings leaves the others as they stand here for its stage.
`[align] n = 8` still samples the second half of the training questions, and `[test.select] limit = 64` the test split.
"""

LONG = 5
"""Settings of a nested table from which on its own table below says what they are."""

SIZES_NOTE = """## Sizes

`anchorlab pipeline FILE --size SIZE`: these figures win over those of the file, and every other setting stays as the
file has it. Without `--size` the file's figures stand. N = 4 and N = 16 of `full` are the paper's; its steps, and the
other sizes, are this lab's own.
"""


def settings_page() -> str:
    """The whole page as Markdown."""
    on_top = {name: field for name, field in PipelineFile.model_fields.items() if not _is_table(field.annotation)}
    parts = [INTRODUCTION, _table("On top", on_top)]
    tables = {name: field for name, field in PipelineFile.model_fields.items() if name not in on_top}
    parts += [_table(f"`[{name}]`: {_lower(field.description)}", *_inside(field)) for name, field in tables.items()]
    parts += [
        _table("`[dataset.mapping]`: how a file becomes a data set", ImportSettings.model_fields),
        _table("`select`: which questions a stage works on", Selection.model_fields),
        _table("`lora`: the adapter that a training adds", LoraSettings.model_fields),
        _table("`examples`: worked examples, a table each", Example.model_fields),
        _table("Comparing: applied when numbers are shown, in no pipeline file", CompareSettings.model_fields),
        _table("`card`: what a judge must hold (docs/judge-card.md)", JudgeCardSettings.model_fields),
        _table("Explanations written elsewhere (docs/explanations.md)", ResponsesSettings.model_fields),
        _table("Judgements made elsewhere: `anchorlab judgements add FILE --set …`", JudgementSettings.model_fields),
        _table("`columns` of pairwise judgements", PreferenceColumns.model_fields),
        _table("`columns` of ratings", RatingColumns.model_fields),
        SIZES_NOTE,
        _sizes(),
    ]
    return "\n".join(parts)


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Settings)


def _lower(sentence: str | None) -> str:
    """A description as the end of a heading."""
    return sentence[0].lower() + sentence[1:].rstrip(".") if sentence else ""


def _inside(field: FieldInfo) -> tuple[dict[str, FieldInfo], Settings | None]:
    given = None if field.is_required() else field.default
    return field.annotation.model_fields, given


def _table(title: str, listed: dict[str, FieldInfo], given: Settings | None = None) -> str:
    """A Markdown table of settings; `given` holds the defaults where they differ from the class's own."""
    rows = ["| setting | default | values | what it does |", "|---|---|---|---|"]
    for name, field in listed.items():
        value = getattr(given, name) if given else field.default
        default = "required" if field.is_required() else f"`{_written(value)}`"
        rows.append(f"| `{name}` | {default} | {_values(field)} | {field.description or ''} |")
    return "\n".join([f"## {title}", "", *rows, ""])


def _written(value: Any) -> str:
    """A default as a pipeline file would have it, whole; none where the setting is left out."""
    if value is None or value is PydanticUndefined:
        return "none"
    if isinstance(value, Settings):
        if len(type(value).model_fields) > LONG and value == type(value)():
            return "{}"
        whole = value.model_dump(mode="json", exclude_none=True)
        return "{ " + ", ".join(f"{n} = {json.dumps(v)}" for n, v in whole.items()) + " }"
    return json.dumps(to_jsonable_python(value))


def _values(field: FieldInfo) -> str:
    """The words that a setting allows, or its kind and bounds."""
    kinds = [kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not NoneType]
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{kind}`" for kind in kinds)
    if get_origin(field.annotation) in (list, tuple, dict):
        return {list: "list", tuple: "two shares, 0 to 1", dict: "table"}[get_origin(field.annotation)]
    words = ["list" if get_origin(kinds[0]) is list else "table" if _is_table(kinds[0]) else kinds[0].__name__]
    signs = {Ge: ("≥", "ge"), Gt: (">", "gt"), Le: ("≤", "le"), Lt: ("<", "lt")}
    words += [f"{signs[type(m)][0]} {getattr(m, signs[type(m)][1])}" for m in field.metadata if type(m) in signs]
    return " ".join(words)


def _sizes() -> str:
    names = {
        "sft_questions": "`sft.select.limit`",
        "sft_steps": "`sft.steps`",
        "pair_questions": "`align.select.limit`",
        "pair_n": "`align.n`",
        "dpo_steps": "`dpo.steps`",
        "test_questions": "`test.select.limit`",
        "test_n": "`test.n`",
    }
    rows = [f"| setting | {' | '.join(SIZES)} |", "|---|" + "---|" * len(SIZES)]
    for field in fields(Scale):
        values = [getattr(scale, field.name) for scale in SIZES.values()]
        rows.append(f"| {names[field.name]} | {' | '.join('all' if v is None else str(v) for v in values)} |")
    return "\n".join([*rows, ""])


if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8")
