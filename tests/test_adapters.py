"""Adapters: variants of their base, refused where they do not fit it, and in effect whole whatever the dtype."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, PreTrainedModel

from core.engines.adapters import merge
from core.engines.weights import load_weights
from core.errors import ModelUnavailable
from core.models.finding import ModelRef, reference
from core.models.registering import register
from core.models.variants import adapters_of, use_of
from core.runs.plan import run_config
from core.settings import SampleSettings, Selection
from tests.architectures import adapter, gpt2, qwen2, wide
from tests.lab import done, toy_dataset
from tests.tiny import tiny_model


def test_an_adapter_folder_is_a_variant_of_its_base(home, tmp_path):
    base = tiny_model(tmp_path / "tiny")
    model = register(home, str(adapter(tmp_path / "lora", base)), "tuned")
    use, dataset = use_of(model), toy_dataset(home, tmp_path)
    settings = SampleSettings(n=2, max_new_tokens=8, select=Selection(split="test"))
    parents = {"dataset": dataset.id}
    plain = done(home, run_config("sample", "base", settings, parents, use_of(base)))
    tuned = done(home, run_config("sample", "tuned", settings, parents, use))
    assert tuned.id != plain.id
    assert tuned.config.model.adapters[0].hash == model.adapters[0].hash
    assert tuned.result["summary"]["responses_hash"] != plain.result["summary"]["responses_hash"]
    (loaded,) = [event for event in tuned.events() if event["type"] == "loaded"]
    assert len(loaded["adapters"]) == 1
    assert model.adapters[0].hash[:12] in use.source


def test_a_model_without_adapters_keeps_the_ids_and_files_it_had():
    use = use_of(ModelRef(name="m", path="/here", hash="h", source="s"), "sft-1")
    assert use.identity == ["h", ["sft-1"]]
    assert use.model_dump() == {"name": "m", "hash": "h", "path": "/here", "source": "s", "chain": ["sft-1"]}


def test_an_adapter_that_changed_since_the_run_was_planned_is_refused(home, tmp_path):
    base = tiny_model(tmp_path / "tiny")
    model = register(home, str(adapter(tmp_path / "lora", base)), "tuned")
    adapter(tmp_path / "lora", base, r=2)
    with pytest.raises(ModelUnavailable, match="has changed"):
        adapters_of(home, use_of(model))


@pytest.mark.parametrize("other", [gpt2, wide], ids=["modules", "shapes"])
def test_an_adapter_of_another_base_is_refused_when_it_is_added(home, tmp_path, other):
    lora = adapter(tmp_path / "lora", tiny_model(tmp_path / "tiny"))
    other(tmp_path / "other")
    with pytest.raises(ModelUnavailable, match="does not fit its base") as raised:
        register(home, str(lora), "tuned", base=str(tmp_path / "other"))
    assert "\n" not in str(raised.value)
    with pytest.raises(ModelUnavailable, match="does not fit its base"):
        load_weights(reference(tmp_path / "other", "o", "s"), [lora])


def test_an_adapter_says_its_base_or_is_told_it(home, tmp_path):
    base = tiny_model(tmp_path / "tiny")
    lora = adapter(tmp_path / "lora", base, named="/no/such/folder")
    with pytest.raises(ModelUnavailable, match="--base"):
        register(home, str(lora), "tuned")
    assert register(home, str(lora), "tuned", base=base.path).hash == base.hash


def test_pickled_adapters_are_refused(home, tmp_path):
    lora = adapter(tmp_path / "lora", tiny_model(tmp_path / "tiny"))
    (lora / "adapter_model.safetensors").rename(lora / "adapter_model.bin")
    with pytest.raises(ModelUnavailable, match="pickled"):
        register(home, str(lora), "tuned")


def test_merging_keeps_tied_heads_tied_and_refuses_a_change_of_one_of_them(tmp_path):
    base = qwen2(tmp_path / "tied")
    merged, _ = load_weights(base, [adapter(tmp_path / "lora", base)])
    assert merged.get_input_embeddings().weight is merged.get_output_embeddings().weight
    with pytest.raises(ModelUnavailable, match="shares between input and output"):
        load_weights(base, [adapter(tmp_path / "head", base, target_modules=["lm_head"])])


# --- in bf16


IDS = torch.arange(300).reshape(5, 60)


@torch.no_grad()
def log_probabilities(model: PreTrainedModel) -> torch.Tensor:
    return model(IDS).logits.float().log_softmax(-1)


def small(base: ModelRef, folder: Path, **changes) -> Path:
    """An adapter whose change is far smaller than the weights, as that of a training is."""
    lora = adapter(folder, base, **changes)
    weights = load_file(lora / "adapter_model.safetensors")
    save_file({name: weight / 30 for name, weight in weights.items()}, lora / "adapter_model.safetensors")
    return lora


def by_the_library(base: ModelRef, loras: Sequence[Path], dtype: torch.dtype) -> PreTrainedModel:
    """The base in `dtype` with adapters that PEFT keeps apart from its weights, all active."""
    model = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.bfloat16)
    model = model if dtype == torch.bfloat16 else model.to(dtype)
    tuned = PeftModel.from_pretrained(model, loras[0], adapter_name="0")
    for i, lora in enumerate(loras[1:], start=1):
        tuned.load_adapter(lora, adapter_name=str(i))
    tuned.base_model.set_adapter([str(i) for i in range(len(loras))])
    return tuned


@pytest.mark.parametrize("make", [tiny_model, qwen2, gpt2])
def test_what_is_served_in_bf16_has_the_adapters_whole(tmp_path, monkeypatch, make):
    """Merged into bf16 weights, log-probabilities are as far off as all other rounding of the model together."""
    monkeypatch.setenv("ANCHORLAB_DTYPE", "bfloat16")
    base = make(tmp_path / "base")
    loras = [small(base, tmp_path / "sft"), small(base, tmp_path / "dpo", r=2, use_rslora=True)]
    served, _ = load_weights(base, loras)
    assert served.dtype == torch.bfloat16
    truth = log_probabilities(by_the_library(base, loras, torch.float32))
    rounding = (log_probabilities(by_the_library(base, loras, torch.bfloat16)) - truth).abs().mean()
    apart = (log_probabilities(served) - log_probabilities(by_the_library(base, loras, torch.bfloat16))).abs().mean()
    assert apart < 0.1 * rounding
    assert (log_probabilities(served) - truth).abs().mean() < 1.1 * rounding
    alone, _ = load_weights(base, loras[:1])
    assert (log_probabilities(served) - log_probabilities(alone)).abs().mean() > rounding, "the second has its effect"


def test_a_merge_that_loses_the_adapter_is_refused(tmp_path):
    base = tiny_model(tmp_path / "tiny")
    lora = small(base, tmp_path / "lora")
    rounded = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.bfloat16)
    with pytest.raises(ModelUnavailable, match=r"\d\d% is lost when it is merged into weights of bfloat16"):
        merge(rounded, lora)


def test_an_adapter_that_changes_nothing_is_refused_in_bf16_too(tmp_path, monkeypatch):
    monkeypatch.setenv("ANCHORLAB_DTYPE", "bfloat16")
    base = tiny_model(tmp_path / "tiny")
    lora = adapter(tmp_path / "lora", base)
    weights = load_file(lora / "adapter_model.safetensors")
    save_file({name: torch.zeros_like(weight) for name, weight in weights.items()}, lora / "adapter_model.safetensors")
    with pytest.raises(ModelUnavailable, match="changes no weight"):
        load_weights(base, [lora])


@pytest.mark.parametrize("changes", [{"use_dora": True}, {"modules_to_save": ["lm_head"]}], ids=["DoRA", "head"])
def test_an_adapter_that_is_more_than_factors_is_merged_in_fp32(tmp_path, monkeypatch, changes):
    monkeypatch.setenv("ANCHORLAB_DTYPE", "bfloat16")
    base = tiny_model(tmp_path / "tiny")
    lora = adapter(tmp_path / "lora", base, **changes)
    served, _ = load_weights(base, [lora])
    assert served.dtype == torch.float32
    theirs = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base.path), lora)
    assert torch.allclose(log_probabilities(served), log_probabilities(theirs), atol=1e-3)
