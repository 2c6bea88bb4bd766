"""The model card of an exported adapter: what it is, what it was trained on, what is known of it, how to load it."""

import json
from collections.abc import Sequence

import tomli_w

from core.analysis.report import percent, plain, signed
from core.analysis.results import Evaluation
from core.home import Home
from core.runs.folders import ModelUse, RunFolder
from core.runs.plan import changed_settings

CARD = """---
library_name: peft
base_model: {base}
tags: [lora, {kind}]
---

# {title}

A LoRA adapter, trained by {method}. Run `{run}`.

- Base model: {base}, {source}; SHA-256 over its safetensors `{hash}`.
- Adapters below it, in effect together with it: {chain}.
- Data set: {dataset}; {rows} in {steps} steps.
- Loss: {first:.4f} at the first step, {last:.4f} at the last.
- SHA-256 of `adapter_model.safetensors`: `{adapter}`.

## How to load it

{note}

```python
from peft import PeftModel
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained({base_code})
{adapters}
```

`adapter` is this folder.

## Settings

Those that differ from the defaults:

```toml
{settings}```

## Results

{results}
"""

METHODS = {
    "sft": "supervised fine-tuning on labels alone",
    "dpo": "direct preference optimisation on explanation pairs",
}


def model_card(home: Home, run: RunFolder, chain: Sequence[RunFolder], evaluations: Sequence[Evaluation]) -> str:
    """README.md of an adapter; no path of this machine stands in it."""
    config, summary = run.config, run.result["summary"]
    dataset = RunFolder(home.runs / config.parents["dataset"])
    questions = summary.get("questions")
    return CARD.format(
        title=f"{config.label} ({config.kind})",
        kind=config.kind,
        method=METHODS[config.kind],
        run=run.id,
        base=json.dumps(base_name(config.model)),
        base_code=json.dumps(base_name(config.model)),
        source=config.model.source,
        hash=config.model.hash,
        chain=", ".join(f"`{below.id}` ({below.config.label})" for below in chain) or "none",
        dataset=f"{json.dumps(dataset.config.label, ensure_ascii=False)} (`{dataset.id}`)",
        rows=f"{summary['pairs']} pairs" if questions is None else f"{questions} questions",
        steps=summary["steps"],
        first=summary["first_loss"],
        last=summary["last_loss"],
        adapter=summary["adapter_hash"],
        note=_note(chain),
        adapters=_loading(run, chain),
        settings=tomli_w.dumps({k: v for k, v in changed_settings(config).items() if v is not None}),
        results=_results(home, config.model.model_copy(update={"chain": [*config.model.chain, run.id]}), evaluations),
    )


def base_name(model: ModelUse) -> str:
    """The Hub id of a base model that came from the Hub, else its name.

    >>> base_name(ModelUse(name="a", hash="", path="", source="Hub owner/a@0123456789ab"))
    'owner/a'
    """
    return model.source.removeprefix("Hub ").split("@")[0] if model.source.startswith("Hub ") else model.name


def _loading(run: RunFolder, chain: Sequence[RunFolder]) -> str:
    """Code that puts the adapters on `model`; several stay beside its weights and add up, in any dtype."""
    if not chain:
        return 'model = PeftModel.from_pretrained(model, "adapter")'
    first, *others = [(f"adapter/chain/{below.id}", below.id) for below in chain] + [("adapter", run.id)]
    lines = [f'model = PeftModel.from_pretrained(model, "{first[0]}", adapter_name="{first[1]}")']
    lines += [f'model.load_adapter("{folder}", adapter_name="{name}")' for folder, name in others]
    return "\n".join([*lines, f"model.base_model.set_adapter({json.dumps([first[1], *(name for _, name in others)])})"])


def _note(chain: Sequence[RunFolder]) -> str:
    if not chain:
        return "It is valid on this base model alone."
    return (
        "**It is valid only on the base model with the adapters of `chain/` in effect as well**: it was trained "
        "against that model as the reference policy. Put on the bare base model it loads without an error and gives "
        "another, untrained-for model. Do not merge adapters into weights in bfloat16, which lose most of a small "
        "change: leave them beside the weights, as here, or merge in float32."
    )


def _results(home: Home, use: ModelUse, evaluations: Sequence[Evaluation]) -> str:
    found = [
        _evaluated(evaluation, label)
        for evaluation in evaluations
        for label, samples in evaluation.samples.items()
        if _same_weights(RunFolder(home.runs / samples).config.model, use)
    ]
    return "\n\n".join(found) or "This variant has not been evaluated."


def _same_weights(one: ModelUse | None, other: ModelUse) -> bool:
    return one is not None and (one.hash, one.chain) == (other.hash, other.chain)


def _evaluated(evaluation: Evaluation, label: str) -> str:
    """One evaluation in sentences: accuracy, score and win rates, each with n and its 95% interval."""
    (result,) = [result for result in evaluation.results if result.label == label]
    parsed, forced, score = result.accuracy_parsed, result.accuracy_forced, result.score
    lines = [
        f"{evaluation.title}. 95% intervals resample questions; one training run a variant.\n",
        f"- Accuracy as parsed {percent(parsed)}, n = {parsed.n} questions.",
        f"- Accuracy, forced where unparsed {percent(forced)}, n = {forced.n} questions.",
        f"- Score {plain(score)}, n = {score.n} questions.",
    ]
    lines += [
        f"- Δ(W−L) of {rate.a} against {rate.b}: {signed(rate.delta)} percentage points, n = {rate.n} questions, "
        f"tie margin {evaluation.settings.margin:g} {evaluation.settings.unit}."
        for rate in evaluation.win_rates
        if label in (rate.a, rate.b)
    ]
    if not evaluation.reliable:
        lines.append("- This judge is unreliable here: do not believe rankings by its score.")
    lines.append(f"- {evaluation.card.line}")
    lines += [f"- {caution}" for caution in evaluation.cautions]
    return "\n".join(lines)
