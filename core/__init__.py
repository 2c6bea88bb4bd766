"""The explanation-quality lab without its user interface.

    from core import Lab                        # everything a lab holds, as data frames (docs/python.md)

Read `method` in the order of the paper: `training` (SFT) → `sampling` (explanations) → `judging` (verdicts) →
`categories` → `pairs` → `training` (DPO); items come from `data`, and `analysis` says what came of it.  `runs` is how
anything that costs compute is run, and the whole loop as one file; `store` is the database over the run folders.
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
