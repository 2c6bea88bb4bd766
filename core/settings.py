"""Every setting of every stage: its default, its bounds and one line of help.

A run's id is a hash of these values, so each of them changes results; what does not (device, batch
size of sampling, threads) is not here.  In a pipeline file each class is one table.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from core.records import RightBy
from core.settings_base import Settings
from core.settings_base import problems_by_setting as problems_by_setting
from core.settings_base import problems_of as problems_of

Share = Annotated[float, Field(ge=0, le=1)]


def _where_set(values: dict[str, Any], later: tuple[str, ...]) -> dict[str, Any]:
    """Values of settings without those that came later and are empty, so that no older id changes."""
    return {name: value for name, value in values.items() if name not in later or value}


class Example(Settings):
    """A worked example that stands before the question in the explain prompt."""

    question: str = Field(description="The question.")
    explanation: str = Field(description="A good explanation of its answer.")
    answer: str = Field(description="The answer, as the answer line has it.")
    options: list[str] | None = Field(None, description="Texts of its options, where the questions have some.")


class Selection(Settings):
    """Which questions of a data set a stage works on."""

    split: str = Field("train", description="Split of the data set.")
    part: tuple[Share, Share] = Field(
        (0.0, 1.0), description="Slice of the split in the order of a seeded hash of the ids, as shares."
    )
    limit: int | None = Field(None, ge=1, description="At most so many questions of the slice.")
    seed: int = Field(0, description="Seed of the order; slices of one seed never overlap.")
    apart_from: str | None = Field(
        None, description="Leave out, before slicing, questions that stand in this split too, under whatever id."
    )

    @model_serializer(mode="wrap")
    def _without_what_came_later(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Settings added later stand in a configuration only where they are set, so that no older id changes."""
        return {name: value for name, value in dump(self).items() if name != "apart_from" or value is not None}


class ImportSettings(Settings):
    """How a file becomes a data set."""

    name: str = Field(description="Name of the data set.")
    title: str = Field("", description="What the questions ask, for people.")
    licence: str = Field("", description="Licence or origin of the questions.")
    question: str = Field("question", description="Column with the question; dots reach into objects.")
    options: str | None = Field(None, description="Column with the options; none for a fixed set of labels.")
    gold: str = Field("gold", description="Column with the right option: its label or its text.")
    id: str | None = Field("id", description="Column with the id; rows are numbered where it is missing.")
    context: str | None = Field(None, description="Column with a passage that the question is about.")
    split: str | None = Field(None, description="Column with the split, where the file has one.")
    labels: list[str] | None = Field(None, description="Fixed labels that every question chooses among.")
    test: Share = Field(0.33, description="Share of test questions where the file has no split.")
    seed: int = Field(0, description="Seed of the hash that splits.")
    examples: list[Example] = Field([], description="Worked examples for the explain prompt.")
    gold_base: Literal[0, 1] | None = Field(
        None, description="Gold is a position counted from this number; none: it is a label or a text."
    )
    header: bool = Field(True, description="The first row of a CSV names its columns; else column_1, column_2, …")
    field: str | None = Field(None, description="Field of a JSON object that holds the rows; none: all that do.")

    def identity(self) -> dict[str, Any]:
        """What an import's id is made from: settings added later count only where they are set."""
        added = {name for name in ("gold_base", "header", "field") if getattr(self, name) == _default(name)}
        return self.model_dump(mode="json", exclude=added)


def _default(name: str) -> Any:
    return ImportSettings.model_fields[name].default


class ResponsesSettings(Settings):
    """How a file of explanations written elsewhere becomes responses to questions."""

    name: str = Field(description="Name of the set of explanations.")
    authors: Literal["samples", "variants"] = Field(
        "samples", description="All authors are samples of one variant, or each author is a variant."
    )
    by: str | None = Field(None, description="The author whose explanations a run holds; none: all of the file.")
    response: str = Field("response", description="Column with the explanation; dots reach into objects.")
    prediction: str | None = Field(
        None, description="Column with the predicted option; none: it is read from the response."
    )
    author: str | None = Field(None, description="Column with who wrote it: a person or a model.")
    sample: str | None = Field(
        None, description="Column with the number of the response; none: rows of a question and author are counted."
    )
    right: str | None = Field(
        None, description="Column that marks a prediction as right; only compared with gold, differences are counted."
    )
    id: str | None = Field(None, description="Column with the question's id; none: its text says which it is.")
    question: str = Field("question", description="Column with the question.")
    context: str | None = Field(None, description="Column with a passage that the question is about.")
    options: str | None = Field(None, description="Column with the options; none for a fixed set of labels.")
    gold: str = Field("gold", description="Column with the right option: its label or its text.")
    split: str | None = Field(None, description="Column with the split or task; none: all questions are `test`.")
    labels: list[str] | None = Field(None, description="Fixed labels that every question chooses among.")
    gold_base: Literal[0, 1] | None = Field(
        None, description="Gold and prediction are positions counted from this number; none: labels or texts."
    )
    header: bool = Field(True, description="The first row of a CSV names its columns; else column_1, column_2, …")
    field: str | None = Field(None, description="Field of a JSON object that holds the rows; none: all that do.")

    def questions(self) -> ImportSettings:
        """The mapping of the questions, where the file brings them."""
        shared = ("name", "question", "context", "options", "gold", "split", "labels", "gold_base")
        return ImportSettings(**{name: getattr(self, name) for name in shared}, test=1.0)


Meaning = Literal["first", "second", "tie", "nothing"]
"""What a value of a preference says: the first output, the second, neither, or that nothing was given."""


class PreferenceColumns(Settings):
    """Which columns of a file of pairwise judgements mean what."""

    what: Literal["preferences"] = Field("preferences", description="The rows prefer one of two outputs.")
    question: str = Field("question", description="Column with the question or instruction.")
    context: str | None = Field(None, description="Column with a passage or input that belongs to the question.")
    id: str | None = Field(None, description="Column with the question's id; none: a hash of its text.")
    a: str | None = Field(None, description="Column with the text of the first output.")
    b: str | None = Field(None, description="Column with the text of the second output.")
    a_name: str | None = Field(None, description="Column with the variant that made the first output.")
    b_name: str | None = Field(None, description="Column with the variant that made the second output.")
    pair: str | None = Field(None, description="Column with both variants' names, first and second, joined by `_`.")
    preference: str = Field("preference", description="Column that says which output is preferred.")
    annotator: str | None = Field(None, description="Column with the annotator; none: one, named like the set.")
    annotators: list[str] = Field(
        [], description="Columns that hold a preference each, one an annotator, in place of the two above."
    )
    values: dict[str, Meaning] = Field(
        {}, description="What values of the preference mean: first, second, tie or nothing; none: as documented."
    )
    key: str | None = Field(None, description="Column by which files of further verdicts are joined.")
    part: str | None = Field(None, description="Column with the part of the source that a row is from.")
    note: str | None = Field(None, description="Column with the annotator's reason.")

    @model_serializer(mode="wrap")
    def _without_what_came_later(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _where_set(dump(self), ("values",))


class RatingColumns(Settings):
    """Which columns of a file of ratings mean what."""

    what: Literal["ratings"] = Field("ratings", description="The rows rate one explanation on a criterion.")
    shape: Literal["long", "nested", "wide", "by_rater"] = Field(
        "long",
        description="A row is a rating (long), a question with raters, authors and criteria nested in it (nested), "
        "has a column for each criterion (wide), or an object of raters in its column `rater` (by_rater).",
    )
    item: str = Field("item", description="Column with the question's id.")
    variant: str = Field("variant", description="Column with the author of the explanation (long).")
    rater: str = Field("rater", description="Column with who rated it (long).")
    criterion: str = Field("criterion", description="Column with the criterion (long).")
    criteria: list[str] = Field([], description="Columns that hold the labels of a criterion each (wide).")
    label: str = Field("label", description="Column with the label given (long).")
    explanation: str | None = Field(None, description="Column with the text that was rated.")
    kind: str | None = Field(None, description="Column that says `person` or `judge`; none: `judges` decides.")
    blind: str | None = Field(None, description="Column that says whether the author was hidden from the rater.")
    when: str | None = Field(None, description="Column with the time: ISO 8601, or (milli)seconds since 1970.")
    note: str | None = Field(None, description="Column with the rater's remark.")
    part: str | None = Field(None, description="Column with the part of the source that a row is from.")

    @model_serializer(mode="wrap")
    def _without_what_came_later(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _where_set(dump(self), ("criteria",))


class JudgementSettings(Settings):
    """How a file of judgements made elsewhere is read."""

    name: str = Field(description="Name of the set of judgements.")
    title: str = Field("", description="What was judged, for people.")
    licence: str = Field("", description="Licence or origin of the judgements.")
    columns: PreferenceColumns | RatingColumns = Field(
        discriminator="what", description="Which column means what; `what` says which of the two tables below."
    )
    judges: list[str] = Field(
        [], description="Annotators that are programs, not people; `*` stands for any letters, as in `gpt*`."
    )
    header: bool = Field(True, description="The first row of a CSV names its columns; else column_1, column_2, …")
    field: str | None = Field(None, description="Field of a JSON object that holds the rows; none: all that do.")


class LoraSettings(Settings):
    """The adapter that a training adds."""

    r: int = Field(16, ge=1, description="Rank of the adapter.")
    alpha: int = Field(32, ge=1, description="Scale of the adapter (alpha / r multiplies it).")
    dropout: Share = Field(0.0, description="Dropout on the adapter's input.")


class SftSettings(Settings):
    """Supervised fine-tuning on labels alone."""

    select: Selection = Field(Selection(), description="Questions to train on.")
    prompt: str = Field("label", description="Prompt file: question to label, no explanation.")
    steps: int = Field(50, ge=1, description="Optimiser steps.")
    batch_size: int = Field(8, ge=1, description="Questions a step.")
    learning_rate: float = Field(5e-4, gt=0, description="Peak learning rate (linear decay).")
    max_length: int = Field(512, ge=16, description="Longest prompt and answer, in tokens.")
    lora: LoraSettings = Field(LoraSettings(), description="The adapter.")
    seed: int = Field(0, description="Seed of batches and adapter.")


class SampleSettings(Settings):
    """Drawing N responses a question."""

    role: Literal["explainer", "debater", "teacher"] = Field(
        "explainer",
        description="`debater` is shown the right answer and argues for it; `teacher` writes what others learn from.",
    )
    select: Selection = Field(Selection(split="test"), description="Questions to sample.")
    n: int = Field(4, ge=1, le=64, description="Responses a question.")
    temperature: float = Field(0.8, ge=0, le=5, description="Sampling temperature; 0 is greedy.")
    top_p: float = Field(1.0, gt=0, le=1, description="Nucleus mass.")
    max_new_tokens: int = Field(48, ge=1, description="Longest response, in tokens.")
    prompt: str = Field("explain", description="Prompt file: reason first, then the answer line.")
    examples: list[Example] = Field([], description="Worked examples; the data set's own where empty.")
    forced: bool = Field(True, description="Let option probabilities decide where no answer can be read.")
    right_by: RightBy = Field("parsed", description="Debater only: the prediction that makes always-wrong.")
    seed: int = Field(0, description="Changes every draw.")
    only_thought: Literal["refuse", "read"] = Field(
        "refuse", description="A server's reply that is a thought without text: the run fails, or reads the thought."
    )

    @model_serializer(mode="wrap")
    def _without_what_came_later(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Settings added later stand in a configuration only where they are set, so that no older id changes."""
        later = {"only_thought": "refuse"}
        return {name: value for name, value in dump(self).items() if name not in later or value != later[name]}


class JudgeSettings(Settings):
    """Scoring explanations."""

    mode: Literal["probabilities", "written", "reader"] = Field(
        "probabilities", description="How verdicts are read from the judge."
    )
    rubric: str = Field("five_criteria", description="Rubric file: criteria and verdicts.")
    show_gold: bool = Field(False, description="Show the judge the right answer.")
    empty: Literal["rule", "judge"] = Field(
        "rule", description="Empty explanations: worst verdicts by rule, or ask the judge all the same."
    )
    max_new_tokens: int = Field(160, ge=1, description="Longest written reply, in tokens.")
    temperature: float = Field(0.0, ge=0, le=5, description="Written mode: how replies are drawn; 0 is greedy.")
    repeat: int = Field(0, ge=0, description="Number of a further, independent asking of the same judge.")

    no_probabilities: Literal["written", "refuse"] = Field(
        "written", description="Mode `probabilities` on a server that gives none: read written verdicts, or refuse."
    )
    only_thought: Literal["refuse", "read"] = Field(
        "refuse", description="A server's reply that is a thought without text: the run fails, or reads the thought."
    )

    @model_serializer(mode="wrap")
    def _without_what_came_later(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Settings added later stand in a configuration only where they are set, so that no older id changes."""
        later = {"temperature": 0.0, "repeat": 0, "no_probabilities": "written", "only_thought": "refuse"}
        return {name: value for name, value in dump(self).items() if name not in later or value != later[name]}


class HeadToHeadSettings(Settings):
    """Asking a judge which of two explanations is better, in both orders."""

    mode: Literal["probabilities", "written"] = Field(
        "probabilities", description="How the choice is read from the judge."
    )
    rubric: str = Field("five_criteria", description="Rubric file: its criteria are shown to the judge.")
    criterion: str = Field("overall", description="Better `overall`, or on one criterion of the rubric, by its key.")
    tie: bool = Field(False, description="The judge may answer that neither is better.")
    show_gold: bool = Field(False, description="Show the judge the right answer.")
    empty: Literal["rule", "judge"] = Field(
        "rule", description="Empty explanations: lose by rule (two empty ones tie), or ask the judge all the same."
    )
    samples_a_question: int = Field(1, ge=1, description="Sample pairs a question, of all N × N: a seeded draw.")
    max_new_tokens: int = Field(120, ge=1, description="Longest written reply, in tokens.")
    seed: int = Field(0, description="Seed of the draw of sample pairs.")
    only_thought: Literal["refuse", "read"] = Field(
        "refuse", description="A server's reply that is a thought without text: the run fails, or reads the thought."
    )
    no_probabilities: Literal["written", "refuse"] = Field(
        "written", description="Mode `probabilities` on a server that gives none: read written choices, or refuse."
    )

    @model_serializer(mode="wrap")
    def _without_what_came_later(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Settings added later stand in a configuration only where they are set, so that no older id changes."""
        later = {"only_thought": "refuse", "no_probabilities": "written"}
        return {name: value for name, value in dump(self).items() if name not in later or value != later[name]}


Strategy = Literal["rank", "anchor", "correctness", "anchor_without_debater", "anchor_without_correct", "teacher"]


class PairSettings(Settings):
    """Choosing preference pairs."""

    strategy: Strategy = Field("anchor", description="Rule that picks chosen and rejected.")
    score: Literal["expected", "total"] = Field("expected", description="Score that ranks explanations.")
    right_by: RightBy = Field("parsed", description="Prediction that makes a response right.")
    rejected: Literal["lowest", "below_max"] = Field(
        "lowest", description="Rejected of an always-right question: the lowest, or any below the best."
    )
    answer_line: Literal["as_generated", "append"] = Field(
        "as_generated", description="Pair texts as generated, or with a missing answer line appended."
    )
    seed: int = Field(0, description="Seed of ties and random picks.")
    margin: float = Field(
        0.0, ge=0, description="Least score by which chosen must lead where score alone decides, in points."
    )
    target_lambda: Share | None = Field(
        None, description="Share of pairs from wavering or always-wrong questions, by a seeded draw; none: as it comes."
    )
    lambda_total: Literal["constant", "largest"] = Field(
        "constant",
        description="Pairs at a target λ: equally many at every target (those of the scarcer kind of question), or as "
        "many as that target allows.",
    )
    max_pairs: int | None = Field(None, ge=1, description="At most so many pairs, by a seeded draw.")

    @classmethod
    def stored(cls, settings: Mapping[str, Any]) -> Self:
        """The settings of a run that is there: one with a target of before `lambda_total` took as many as could be."""
        before = settings.get("target_lambda") is not None and "lambda_total" not in settings
        return cls.model_validate({**settings, **({"lambda_total": "largest"} if before else {})})

    @property
    def debated(self) -> bool:
        """Whether the strategy takes chosen texts from a debater."""
        return self.strategy in ("anchor", "anchor_without_correct")

    @property
    def taught(self) -> bool:
        """Whether the strategy takes chosen texts from a stronger model."""
        return self.strategy == "teacher"

    @model_serializer(mode="wrap")
    def _without_what_came_later(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Settings added later stand in a configuration only where they are set, so that no older id changes.

        `lambda_total` is written wherever there is a target: a run with a target and without it was drawn otherwise.
        """
        later = {"margin": 0.0, "target_lambda": None, "max_pairs": None}
        if self.target_lambda is None:
            later["lambda_total"] = self.lambda_total
        return {name: value for name, value in dump(self).items() if name not in later or value != later[name]}


class DpoSettings(Settings):
    """Direct preference optimisation (Rafailov et al. 2023, sigmoid loss), reference = SFT."""

    prompt: str = Field(
        "explain", description="That of the pairs' samples, whatever it is; another one named here is refused."
    )
    steps: int = Field(20, ge=1, description="Optimiser steps.")
    batch_size: int = Field(4, ge=1, description="Pairs a step.")
    learning_rate: float = Field(2e-4, gt=0, description="Peak learning rate (linear decay).")
    beta: float = Field(0.1, gt=0, description="Strength of the pull towards the reference policy.")
    max_length: int = Field(512, ge=16, description="Longest prompt and response, in tokens.")
    lora: LoraSettings = Field(LoraSettings(), description="The adapter.")
    seed: int = Field(0, description="Seed of batches and adapter.")


class JudgeCardSettings(Settings):
    """What a judge must hold to pass its card (docs/judge-card.md); applied when numbers are shown."""

    max_unjudged: Share = Field(0.1, description="Share of the explanations it was asked about that have no score.")
    useful_auc: float = Field(
        0.6,
        ge=0.5,
        le=1,
        description="An AUC that cannot be distinguished from 0.5 and is surely below this is at chance.",
    )
    max_length_correlation: Share = Field(
        0.7, description="Correlation of score and log length within a question and variant, either sign."
    )
    min_people_kappa: float = Field(
        0.2, ge=-1, le=1, description="Quadratic κ of its verdicts with those of people, over all criteria."
    )
    min_people_questions: int = Field(
        25, ge=0, description="Questions that people rated from which on their agreement passes or fails a judge."
    )
    max_same_verdict: Share = Field(
        0.9, description="Share of a criterion's most frequent verdict, averaged over criteria."
    )
    max_criterion_correlation: float = Field(
        0.9,
        ge=0,
        le=1,
        description="Mean correlation of two criteria within a question and variant; above it they are one.",
    )
    min_self_agreement: Share = Field(0.5, description="Chance that it gives the same verdict when asked again.")
    max_flips: Share = Field(0.35, description="Share of head-to-head comparisons that flip with the order.")
    max_place_preference: float = Field(
        0.1, ge=0, le=0.5, description="How far its preference for the first place may be from one half."
    )
    min_judge_correlation: float = Field(
        0.3, ge=-1, le=1, description="Rank correlation of its scores with the other judge that is most like it."
    )


class CompareSettings(Settings):
    """Comparing variants; applied when numbers are shown, no run depends on it."""

    score: Literal["expected", "total", "log_probability"] = Field(
        "expected", description="Score that decides a win; a reader's is always its log-probability of gold."
    )
    tie_margin: float | None = Field(
        None, ge=0, description="Scores this close tie; none: 0 for total, 0.2 for expected."
    )
    reader_margin: float = Field(
        0.1,
        ge=0,
        description="A reader's log-probabilities of gold this close tie, in nats; 0.1: a tenth likelier.",
    )
    right_by: RightBy = Field(
        "forced", description="Prediction that makes a response right, for the judge's AUC and the signs of failure."
    )
    accuracy_margin: Share = Field(
        0.03, description="Loss of accuracy, as a share, that still counts as accuracy kept (non-inferiority)."
    )
    form_share: Share = Field(
        0.05, description="Share of responses without a readable answer or explanation that is no sign of failure yet."
    )
    resamples: int = Field(2000, ge=100, description="Bootstrap resamples of questions.")
    permutations: int = Field(10_000, ge=100, description="Random sign flips of the permutation test.")
    seed: int = Field(0, description="Seed of bootstrap and permutations.")
    card: JudgeCardSettings = Field(JudgeCardSettings(), description="What a judge must hold to pass its card.")

    @property
    def margin(self) -> float:
        """The tie margin in force, in the unit of the score."""
        if self.score == "log_probability":
            return self.reader_margin
        defaults = {"total": 0.0, "expected": 0.2}
        return defaults[self.score] if self.tie_margin is None else self.tie_margin

    @property
    def unit(self) -> str:
        """Unit of the score: of a rubric its points, of a reader's log-probability nats."""
        return "nats" if self.score == "log_probability" else "points"

    @property
    def column(self) -> Literal["expected", "total"]:
        """Where the database keeps the score: a reader's log-probability is its `expected`."""
        return "total" if self.score == "total" else "expected"


RUN_SETTINGS: dict[str, type[Settings]] = {
    "import": ImportSettings,
    "judgements": JudgementSettings,
    "sft": SftSettings,
    "responses": ResponsesSettings,
    "sample": SampleSettings,
    "judge": JudgeSettings,
    "head_to_head": HeadToHeadSettings,
    "pairs": PairSettings,
    "dpo": DpoSettings,
}
"""Settings class of each run kind (a pipeline's settings are its plan, see `core.runs.pipeline`)."""
