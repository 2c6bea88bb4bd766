"""Whether a variant is asked about questions that it was trained on.

    seen = exposure(home, samples.config)       # None where it was not trained, or its sources are gone
    seen.sentence

Questions are compared by their content (`core.data.questions`), across data sets too.  A pipeline refuses such an
evaluation; samples for pairs may be of questions that sft was trained on, and one run alone cannot know what it is for.
"""

import json
from dataclasses import dataclass

from core.data.datasets import select_items
from core.data.questions import questions_in
from core.errors import LabError
from core.home import Home
from core.runs.folders import RunConfig, RunFolder, run_at
from core.settings import Selection


@dataclass(frozen=True)
class Exposure:
    """How many of a sample run's questions its variant was trained on."""

    seen: int
    asked: int

    @property
    def sentence(self) -> str:
        """What that means for its figures."""
        return (
            f"{self.seen:,} of its {self.asked:,} questions were trained on, so its figures say little of new questions"
        )


def exposure(home: Home, config: RunConfig) -> Exposure | None:
    """Of a sample run, planned or done; None where none of its questions was trained on, or nobody can tell."""
    chain = config.model.chain if config.model else []
    dataset = run_at(home, config.parents.get("dataset", ""))
    if config.kind != "sample" or config.settings["role"] != "explainer" or not chain or not _sealed(dataset):
        return None
    try:
        asked = select_items(questions_in(dataset), Selection.model_validate(config.settings["select"]))
        trained = set().union(*(_trained_on(home, run) for run in chain))
    except LabError:  # a selection that gives nothing: the run itself says so
        return None
    seen = sum(question.content in trained for question in asked)
    return Exposure(seen, len(asked)) if seen else None


def _trained_on(home: Home, run: str) -> set[str]:
    """Contents of the questions that a training was trained on; empty where its sources are gone."""
    training = run_at(home, run)
    dataset = run_at(home, training.config.parents.get("dataset", "")) if training else None
    if not _sealed(dataset):
        return set()
    questions = questions_in(dataset)
    if training.config.kind == "sft":
        taken = select_items(questions, Selection.model_validate(training.config.settings["select"]))
        return {question.content for question in taken if question.gold is not None}
    pairs = run_at(home, training.config.parents.get("pairs", ""))
    paired = {json.loads(line)["item_id"] for line in pairs.lines("pairs")} if pairs else set()
    return {question.content for question in questions if question.id in paired}


def _sealed(folder: RunFolder | None) -> bool:
    return folder is not None and (folder.path / "result.json").exists()
