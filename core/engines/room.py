"""How much is computed at once, and what happens where that is more than the memory holds."""

import gc
from collections.abc import Callable, Sequence
from typing import TypeVar

from core.errors import LabError

Thing = TypeVar("Thing")
Made = TypeVar("Made")


class OutOfMemory(LabError):
    """The device, or the machine, has no memory left for what was asked for."""


class Room:
    """At most so many things are computed at once; halved for good each time that memory runs out."""

    def __init__(self, most: int) -> None:
        self.most = most

    def each(self, things: Sequence[Thing], do: Callable[[Sequence[Thing]], Sequence[Made]]) -> list[Made]:
        """What `do` makes of all things, in order, in parts; OutOfMemory if one alone is too much."""
        made: list[Made] = []
        while len(made) < len(things):
            part = things[len(made) : len(made) + self.most]
            try:
                made += do(part)
            except OutOfMemory:
                if len(part) == 1:
                    raise
                self.most = len(part) // 2
            gc.collect() if len(part) > self.most else None  # what the failed part held, before it is tried again
        return made
