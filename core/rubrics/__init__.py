"""Rubrics: criteria and verdicts as data.  A judgement names its rubric by content hash."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import BadInput
from core.runs.folders import content_hash

FOLDER = Path(__file__).parent

PLAIN_NAME = r"^\w[\w ,'-]*$"
"""Names stand in prompts and on pages: letters, digits and blanks of any script, no markup."""


class VerdictLabel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str = Field(pattern=PLAIN_NAME)
    value: int


class Criterion(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(pattern=r"^[a-z_]+$")
    """What a judge calls it: one short word, for it is read once a criterion of every explanation."""
    name: str = Field(pattern=PLAIN_NAME)
    question: str


class Rubric(BaseModel):
    """What a judge is asked: each criterion gets one of the verdicts, worst first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    verdicts: list[VerdictLabel] = Field(min_length=2)
    criteria: list[Criterion] = Field(min_length=1)

    @property
    def hash(self) -> str:
        return content_hash(self.model_dump())

    @property
    def values(self) -> list[int]:
        return [verdict.value for verdict in self.verdicts]

    @property
    def labels(self) -> list[str]:
        return [verdict.label for verdict in self.verdicts]

    @property
    def highest(self) -> int:
        """The score of an explanation that is best on every criterion."""
        return max(self.values) * len(self.criteria)

    def as_text(self) -> str:
        """The rubric as a judge reads it."""
        lines = [f"- {c.key}: {c.name}. {c.question}" for c in self.criteria]
        return "\n".join(["Criteria:", *lines, f"Verdicts, worst to best: {', '.join(self.labels)}."])


def load_rubric(name: str) -> Rubric:
    """A rubric that comes with the lab, by name, or any rubric file, by path."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        return Rubric.model_validate(tomllib.loads(path.read_text()))
    except FileNotFoundError:
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.toml")))
        raise BadInput(f"There is no rubric {name!r}: use {known}, or the path of a .toml file.") from None
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise BadInput(f"{path} is not a rubric: {error}") from error
