"""The size dial: how many questions, draws and steps a pipeline takes.

The dial wins: what stands in this table replaces what the file says of it, and every other setting stays as the
file has it.  Without a size the file's own figures stand.  `full` takes every question of the file's splits and the
paper's draws, N = 4 for pairs and N = 16 for evaluation; its numbers of steps, and the other two sizes, are this
lab's own.
"""

from dataclasses import dataclass
from typing import Literal

from core.runs.pipeline import PipelineFile
from core.settings import Settings

Size = Literal["tiny", "small", "full"]


@dataclass(frozen=True)
class Scale:
    """What one size sets; questions are limits of the file's slices, None for all of them."""

    sft_questions: int | None
    sft_steps: int
    pair_questions: int | None
    pair_n: int
    dpo_steps: int
    test_questions: int | None
    test_n: int


SIZES: dict[Size, Scale] = {
    "tiny": Scale(sft_questions=16, sft_steps=4, pair_questions=12, pair_n=2, dpo_steps=2, test_questions=12, test_n=4),
    "small": Scale(
        sft_questions=None, sft_steps=40, pair_questions=60, pair_n=4, dpo_steps=8, test_questions=56, test_n=4
    ),
    "full": Scale(
        sft_questions=None, sft_steps=500, pair_questions=None, pair_n=4, dpo_steps=250, test_questions=None, test_n=16
    ),
}


def sized(file: PipelineFile, size: Size) -> PipelineFile:
    """The pipeline at a size; it is another pipeline, with runs of its own."""
    scale = SIZES[size]
    changes = {
        "sft": _limited(file.sft, scale.sft_questions, steps=scale.sft_steps),
        "align": _limited(file.align, scale.pair_questions, n=scale.pair_n),
        "dpo": file.dpo.model_copy(update={"steps": scale.dpo_steps}),
        "test": _limited(file.test, scale.test_questions, n=scale.test_n),
    }
    return file.model_copy(update=changes)


def sized_run(kind: str, settings: Settings, size: Size) -> Settings:
    """Settings of one run at a size; kinds whose work follows from their sources stay as they are."""
    scale = SIZES[size]
    match kind:
        case "sft":
            return _limited(settings, scale.sft_questions, steps=scale.sft_steps)
        case "sample" if settings.select.split == "test":
            return _limited(settings, scale.test_questions, n=scale.test_n)
        case "sample":
            return _limited(settings, scale.pair_questions, n=scale.pair_n)
        case "dpo":
            return settings.model_copy(update={"steps": scale.dpo_steps})
    return settings


def _limited(settings: Settings, questions: int | None, **changes: int) -> Settings:
    select = settings.select.model_copy(update={"limit": questions})
    return settings.model_copy(update={"select": select, **changes})
