"""The explanation-quality lab without its user interface.

    from core import Lab                        # everything a lab holds, as data frames (docs/python.md)

Read in the order of the method: `datasets` (items) → `training` (SFT) → `sampling` (explanations) →
`judging` (verdicts) → `categories` → `pairs` → `training` (DPO) → `comparison` → `results`.  `runs`, `work`,
`launcher` and `worker` are how anything that costs compute is run; `pipeline` is the whole loop as one
file; `store`, `ingest` and `queries` are the database over the run folders.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.lab import Lab

__all__ = ["Lab"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`Lab`, imported when it is asked for: pandas and the database take their time, and not everyone needs them."""
    if name != "Lab":
        raise AttributeError(f"module 'core' has no attribute {name!r}")
    from core.lab import Lab

    return Lab
