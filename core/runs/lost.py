"""Why a run has neither a worker nor a seal, as far as that can be known."""

from core.machine import kills_for_memory
from core.runs.folders import RunFolder


def why_lost(folder: RunFolder, kills: int | None = None) -> str:
    """A phrase: killed for want of memory where the system has counted such an end since it started.

    kills: processes ended for memory so far, counted now where it is not given.
    """
    counts = [event.get("kills_for_memory") for event in folder.events() if event["type"] == "started"]
    now = kills_for_memory() if kills is None else kills
    if counts and isinstance(counts[-1], int) and now is not None and now > counts[-1]:
        return (
            "its worker was killed, and the machine or its container ran out of memory meanwhile: free memory, raise "
            "the container's limit, or take a smaller model, smaller n or fewer max_new_tokens"
        )
    return "its worker was killed"
