"""What all settings share: checked, defaults that belong to their field, and what is wrong with them in words."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator


class Settings(BaseModel):
    """Checked settings of one stage; an unknown name is an error.

    A default belongs to its field: a table that gives some settings of a nested class changes these and leaves the
    others as the field has them, whatever the class has by itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _over_the_defaults_of_fields(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        fields = {name: field.default for name, field in cls.model_fields.items()}
        return {name: _laid_over(fields.get(name), value) for name, value in given.items()}


def _laid_over(default: Any, given: Any) -> Any:
    """A table over the settings that stand where it is put; anything else as it is given."""
    if not (isinstance(default, Settings) and isinstance(given, Mapping)):
        return given
    own = {name: getattr(default, name) for name in type(default).model_fields}
    return own | {name: _laid_over(own.get(name), value) for name, value in given.items()}


def problems_of(error: ValidationError, names: Mapping[str, str] | None = None) -> str:
    """What is wrong with settings, in words: `where: what`, joined.  names: what a page calls a setting."""
    return "; ".join(f"{(names or {}).get(where, where)}: {what}" for where, what in problems_by_setting(error).items())


def problems_by_setting(error: ValidationError) -> dict[str, str]:
    """Dotted name of a setting → what is wrong with it."""
    return {".".join(map(str, e["loc"])): e["msg"] for e in error.errors()}
