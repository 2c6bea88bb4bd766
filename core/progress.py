"""How far long work has come, from whoever does it to whoever waits for it.

    with told_to(lambda done, total, unit: ...):      # who waits, in the thread that works
        resolve_model("owner/model", home)

    tell(done, total, "bytes")                        # inside the work; where nobody listens, nothing happens

Not covered: runs of workers, which note their progress in their folders (`core.runs.work`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[int, int, str], None]
"""Takes what is done, the total, and their unit; may be called from any thread."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def told_to(listener: Listener) -> Iterator[None]:
    """Have everything that this thread does in the block told to a listener."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def listener() -> Listener | None:
    """Who listens to this thread: for work that goes on in threads of its own, which know nobody."""
    return _listener.get()


def tell(done: int, total: int, unit: str) -> None:
    """Say how far work has come."""
    if heard := listener():
        heard(done, total, unit)
