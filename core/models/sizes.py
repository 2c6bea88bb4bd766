"""Whether a judge is smaller than what it judges, in parameters of the weights."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from core.errors import LabError
from core.models.memory import parameters
from core.runs.folders import ModelUse


def parameters_of(use: ModelUse | None) -> int | None:
    """Parameters of a variant's base: as noted with its run, else counted in its folder.

    None where nobody can say: explanations written elsewhere, a model on a server, a folder that is gone.
    """
    if use is None:
        return None
    return use.parameters or _counted(use.path)


@lru_cache(maxsize=64)
def _counted(path: str) -> int | None:
    try:
        return (parameters(Path(path)) if path else 0) or None
    except (OSError, LabError):
        return None


def smaller_judge(judge: ModelUse | None, judged: Iterable[ModelUse | None]) -> str | None:
    """A sentence where a judge has fewer parameters than the largest model that it judges; holds no names."""
    own, sizes = parameters_of(judge), [size for use in judged if (size := parameters_of(use))]
    if own is None or not sizes or own >= max(sizes):
        return None
    return (
        f"The judge is smaller than what it judges: {count_words(own)} parameters against {count_words(max(sizes))}. "
        "Name a stronger one."
    )


def count_words(count: int) -> str:
    """A number of parameters as people say it.

    >>> count_words(134_515_008), count_words(8_030_261_248), count_words(111_000)
    ('135M', '8.0B', '111K')
    """
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if count >= size:
            value = count / size
            return f"{value:.1f}{unit}" if value < 10 else f"{value:.0f}{unit}"
    return str(count)
