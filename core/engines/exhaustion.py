"""What torch raises where memory runs out, as one error of this lab."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from core.engines.room import OutOfMemory

TOO_MUCH = (
    "Memory ran out, also with one row at a time: take a smaller model, shorter texts (max_length, max_new_tokens), or "
    "free memory."
)


@contextmanager
def memory_errors() -> Iterator[None]:
    """Raise `OutOfMemory` for what is raised within where a device or the machine has no memory left."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemory(TOO_MUCH) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        raise OutOfMemory(TOO_MUCH) from error
