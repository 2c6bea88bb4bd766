"""Whether the runs that a run is to be made from belong together.  Every way to a run passes this.

    require_belonging(config, configs_of(home))     # BadInput: which does not belong to which, and what to do

Judgements belong to the samples that they are of, a debate to the samples that it argues about, an adapter to the
weights and adapters that it was trained on, pairs to the variant that drew their samples; and all of a run's sources
to one data set.
"""

from collections.abc import Callable, Mapping, Sequence

from core.errors import BadInput
from core.home import Home
from core.runs.folders import ModelUse, RunConfig, run_at

Known = Callable[[str], RunConfig | None]
"""Run id → what it computes; None where nothing is known of it."""

TAKEN_BY = {
    "dataset": ("import",),
    "samples": ("sample", "responses"),
    "samples_a": ("sample",),
    "samples_b": ("sample",),
    "judgements": ("judge",),
    "debates": ("sample",),
    "debate_judgements": ("judge",),
    "teacher": ("sample",),
    "teacher_judgements": ("judge",),
    "pairs": ("pairs",),
    "sft": ("sft", "dpo"),
}
"""Role → kinds of run that may take it.  A second round of DPO starts from the first."""

JUDGED = (
    ("judgements", "samples"),
    ("debates", "samples"),
    ("debate_judgements", "debates"),
    ("teacher_judgements", "teacher"),
)
"""Role → the role whose samples it is made from."""


def configs_of(home: Home) -> Known:
    """What is known of the runs of a home."""

    def known(run: str) -> RunConfig | None:
        folder = run_at(home, run)
        return folder.config if folder else None

    return known


def require_there(config: RunConfig, known: Known) -> None:
    """Raise if a run that it is to be made from is not there."""
    for role, run in config.parents.items():
        if known(run) is None:
            raise BadInput(f"There is no run {run!r} to be its {_words(role)}: `anchorlab runs` lists the runs.")


def require_belonging(config: RunConfig, known: Known) -> None:
    """Raise `BadInput` if two of its sources do not belong together; what nothing is known of is not looked at."""
    found = {role: parent for role, run in config.parents.items() if (parent := known(run))}
    for role, parent in found.items():
        _require_kind(config, role, parent)
        _require_dataset(config, role, parent)
    match config.kind:
        case "sample":
            _require_explainer(config, found, "samples")
        case "head_to_head":
            _require_two(config)
        case "pairs":
            _require_judged(config, found)
        case "dpo":
            _require_one_variant(config, found, known)
    if config.model:
        require_chain(config.model, known)


def _require_kind(config: RunConfig, role: str, parent: RunConfig) -> None:
    kinds = TAKEN_BY.get(role, (parent.kind,))
    if parent.kind not in kinds:
        raise BadInput(
            f"{parent.id} is {_a(parent.what)} run and cannot be the {_words(role)} of a {config.what} run: name one "
            f"that is {' or '.join(kinds)}."
        )


def _require_dataset(config: RunConfig, role: str, parent: RunConfig) -> None:
    own, theirs = config.parents.get("dataset"), parent.parents.get("dataset")
    if role != "dataset" and own and theirs and own != theirs:
        raise BadInput(
            f"{parent.id} ({_words(role)}) is about the data set {theirs}, and this run about {own}: name runs of one "
            "data set."
        )


def _require_explainer(config: RunConfig, found: Mapping[str, RunConfig], role: str) -> None:
    """A debater argues about a variant's own samples, and pairs are made of these."""
    parent = found.get(role)
    if parent and (of := parent.settings.get("role", "explainer")) != "explainer":
        raise BadInput(f"{parent.id} is a {of}'s: name the samples of a variant as the {_words(role)}.")


def _require_two(config: RunConfig) -> None:
    if config.parents.get("samples_a") == config.parents.get("samples_b"):
        raise BadInput("A comparison head to head needs two sample runs, and these are one: name another as B.")


def _require_judged(config: RunConfig, found: Mapping[str, RunConfig]) -> None:
    """Scores of these samples; a debate about them, a teacher's samples, and scores of those."""
    _require_explainer(config, found, "samples")
    for role, of in JUDGED:
        parent, wanted = found.get(role), config.parents.get(of)
        if parent is None or wanted is None:
            continue
        theirs = parent.parents.get("samples")
        if theirs != wanted:
            raise BadInput(
                f"{parent.id} ({_words(role)}) belongs to {theirs or 'no samples'}, not to {wanted} ({_words(of)}): "
                f"name the {_words(role)} of {wanted}."
            )
        if parent.kind == "judge" and parent.settings["mode"] == "reader":
            raise BadInput(f"{parent.id} is a reader's: it gives no verdicts. Name a judge run of {wanted}.")
        if role == "debates" and parent.settings["role"] != "debater":
            raise BadInput(f"{parent.id} is no debater's: name a sample run with role debater about {wanted}.")
    teacher = found.get("teacher")
    if teacher and teacher.settings["role"] != "teacher":
        raise BadInput(f"{teacher.id} is no teacher's: name a sample run with role teacher.")


def _require_one_variant(config: RunConfig, found: Mapping[str, RunConfig], known: Known) -> None:
    """DPO starts from the variant that its SFT run made, and from the one that drew the samples of its pairs."""
    sft, pairs = found.get("sft"), found.get("pairs")
    if sft and sft.model:
        after = variant_after(config.parents["sft"], sft)
        if not same_variant(after, config.model):
            raise BadInput(
                f"DPO on {config.parents['sft']} starts from {_chain(after)}, not from {_chain(config.model)}: leave "
                "out model and adapters, which follow from the SFT run, or name another SFT run."
            )
    samples = known(pairs.parents["samples"]) if pairs else None
    if samples and samples.model and not same_variant(samples.model, config.model):
        raise BadInput(
            f"The pairs of {config.parents['pairs']} are of samples ({pairs.parents['samples']}) by "
            f"{_chain(samples.model)}, and DPO would start from {_chain(config.model)}: name pairs of its own samples, "
            "or the SFT run that drew them."
        )


def drawn_after(samples: str, training: str, known: Known) -> bool:
    """Whether a sample run was drawn by the variant that a training makes."""
    drawn, made = known(samples), known(training)
    if not (drawn and drawn.model and made and made.model):
        return False
    return same_variant(drawn.model, variant_after(training, made))


def require_chain(use: ModelUse, known: Known) -> None:
    """Raise if an adapter of a chain was not trained on the weights and the adapters before it."""
    for place, run in enumerate(use.chain):
        trained = known(run)
        if trained is None:
            continue
        if trained.kind not in ("sft", "dpo"):
            raise BadInput(f"{run} is {_a(trained.what)} run, which makes no adapter: name an sft or dpo run.")
        before = use.model_copy(update={"chain": use.chain[:place]})
        if not same_variant(trained.model, before, weights_only=True):
            raise BadInput(
                f"The adapter of {run} was trained on {_chain(trained.model)}, and is valid there alone, not on "
                f"{_chain(before)}: choose that base and those adapters."
            )


def same_variant(one: ModelUse, other: ModelUse, weights_only: bool = False) -> bool:
    """Whether two uses are one variant: weights, adapters, chain, template and what else is loaded.

    A run from before the last was part of an id is one with any.  weights_only: whatever the template is.
    """
    weights = [(use.hash, use.chain, [adapter.hash for adapter in use.adapters]) for use in (one, other)]
    if weights[0] != weights[1] or weights_only:
        return weights[0] == weights[1]
    files = {use.files for use in (one, other) if use.files}
    return one.template == other.template and len(files) < 2


def variant_after(run: str, config: RunConfig) -> ModelUse:
    """The variant that a training makes: its own chain, then its adapter."""
    return config.model.model_copy(update={"chain": [*config.model.chain, run]})


def _chain(use: ModelUse | None) -> str:
    """A variant in a phrase, for people.

    >>> _chain(ModelUse(name="m", hash="0123456789abcdef", path="", chain=["sft-1"]))
    'm (weights 0123456789ab) → sft-1'
    """
    return " → ".join([f"{use.name} (weights {use.hash[:12]})", *use.chain]) if use else "no model"


def _words(role: str) -> str:
    return "SFT run" if role == "sft" else "data set" if role == "dataset" else role.replace("_", " ")


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def usual_variant(kind: str, parents: Mapping[str, str], known: Known) -> ModelUse | None:
    """The variant that a run computes with where none is named, as its sources say; None where they do not.

    DPO goes on from its SFT run; judges and debaters are the base of the samples, as in the paper.
    """
    role = {"dpo": "sft", "judge": "samples", "head_to_head": "samples_a", "sample": "samples"}.get(kind)
    config = known(parents[role]) if role in parents else None
    if config is None or config.model is None:
        return None
    return variant_after(parents[role], config) if kind == "dpo" else config.model.model_copy(update={"chain": []})


def whole_chain(adapters: Sequence[str], known: Known) -> ModelUse | None:
    """The variant that the last of these adapters makes, if they are all of its chain or that one alone."""
    last = known(adapters[-1]) if adapters else None
    if last is None or last.model is None:
        return None
    use = variant_after(adapters[-1], last)
    return use if list(adapters) in (use.chain, use.chain[-1:]) else None
