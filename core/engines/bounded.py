"""Rendering a chat template that came with a model: bounded in steps, seconds and text, in any thread.

A template is a program, and the sandbox that it runs in bounds no nested loops.  Its lines are counted as they run,
which a thread can do for itself alone; signals would need the main thread.  Not covered: a single expression that makes
a very long text at once.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from core.errors import ModelUnavailable

STEPS = 200_000
"""Lines of a template that may run; a chat of the method takes some hundreds."""

SECONDS = 20.0
LOOKED_AT = 256
"""Steps between two looks at the clock and at the texts that the template holds."""

CHARACTERS = 20_000_000
"""Of the text that comes out, and of each text that the template holds meanwhile."""

ENDLESS = "The chat template comes to no end: give another (`model add --template`)."

TEMPLATE = "<template>"
"""The file name that Jinja gives the code of a template that is no file."""


@contextmanager
def bounded_rendering() -> Iterator[None]:
    """`ModelUnavailable` where the templates that are rendered inside come to no end."""
    steps, began, before = 0, time.monotonic(), sys.gettrace()

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal steps
        if frame.f_code.co_filename != TEMPLATE:
            return None
        steps += 1
        if steps > STEPS or (steps % LOOKED_AT == 0 and time.monotonic() - began > SECONDS):
            raise ModelUnavailable(ENDLESS)
        if any(type(held) is str and len(held) > CHARACTERS for held in frame.f_locals.values()):
            raise too_long()
        return count

    sys.settrace(count)
    try:
        yield
    except RecursionError:
        raise ModelUnavailable(ENDLESS) from None
    finally:
        sys.settrace(before)


def too_long() -> ModelUnavailable:
    return ModelUnavailable(
        f"The chat template makes a text of more than {CHARACTERS:,} characters: give another (`model add --template`)."
    )


def checked_length(text: str) -> str:
    """The text, if a template may make one as long."""
    if len(text) > CHARACTERS:
        raise too_long()
    return text
