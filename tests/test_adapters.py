"""Adapters from elsewhere: variants of their base, refused where they do not fit it."""

import pytest

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
