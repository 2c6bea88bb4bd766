"""A judge that gives no probabilities is asked in writing; one run never mixes the two."""

from collections.abc import Sequence
from typing import TypeVar

from core.engines import Engine
from core.errors import BadInput
from core.runs.work import Work
from core.settings import HeadToHeadSettings, JudgeSettings

S = TypeVar("S", JudgeSettings, HeadToHeadSettings)


def settings_at_hand(work: Work, engine: Engine, settings: S, asked: Sequence[str], begun: set[bool]) -> S:
    """The settings, with mode `written` where the judge cannot choose among what is asked; the run says so.

    begun: for the rows that a resumed run holds, whether they were read from written replies.  `BadInput` where the
    judge cannot do it and may not write, or where the rows were read in the other way.
    """
    if settings.mode == "probabilities" and (reason := engine.cannot_choose(asked)):
        if settings.no_probabilities == "refuse":
            raise BadInput(f"Probabilities were asked for, but {reason}: choose another judge, or mode = written.")
        lost = " They have a total and no expected score." if isinstance(settings, JudgeSettings) else ""
        work.note(f"Probabilities were asked for, but {reason}: the judge's written verdicts are read instead.{lost}")
        work.summary["read_as"] = "written"
        settings = settings.model_copy(update={"mode": "written"})
    if begun - {settings.mode == "written"}:
        raise BadInput(
            f"{work.folder.id} began with {'written verdicts' if True in begun else 'probabilities'}, and its judge "
            "no longer gives the same: ask for a run with another mode."
        )
    return settings
