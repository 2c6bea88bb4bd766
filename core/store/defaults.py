"""The model and the judge that forms offer first: chosen by a person, kept in the journal.

    set_defaults(home, Defaults(model="default", judge="my-judge"))
    defaults(home).judge

Pipeline files and the command line name their models themselves and are not touched by this.
"""

from pydantic import BaseModel

from core.home import Home
from core.store import journal


class Defaults(BaseModel):
    """Names as `core.models.finding.resolve_model` takes them."""

    model: str = "default"
    judge: str = "default"


def defaults(home: Home) -> Defaults:
    """What was chosen last; the lab's default model for both where nobody chose."""
    chosen = journal.acts(home, "defaults")
    return Defaults(model=chosen[-1]["model"], judge=chosen[-1]["judge"]) if chosen else Defaults()


def set_defaults(home: Home, chosen: Defaults) -> None:
    """Keep a choice."""
    journal.write(home, "defaults", chosen.model_dump())
