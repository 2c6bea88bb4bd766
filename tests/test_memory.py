"""The type of numbers, and memory that is refused before weights are read."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from core.engines.hf import load_engine
from core.engines.weights import choose_dtype, dtype_reason
from core.errors import BadInput, ModelUnavailable
from core.models import memory
from core.models.memory import parameters, refuse_if_too_large, refuse_long_pass, sizes, training_bytes
from tests.tiny import tiny_model


def test_the_dtype_is_measured_once_and_kept(home, monkeypatch):
    monkeypatch.delenv("ANCHORLAB_DTYPE")
    first = choose_dtype(home)
    if torch.cuda.is_available():
        pytest.skip("a GPU decides by what it supports")
    kept = home.path / "dtype.json"
    assert set(json.loads(kept.read_text())["matmul_seconds"]) == {"float32", "bfloat16"}
    kept.write_text(kept.read_text().replace(str(first).removeprefix("torch."), "bfloat16", 1))
    assert choose_dtype(home) == torch.bfloat16, "what was decided for a home stands"
    assert "ms" in dtype_reason(home)


def test_memory_is_read_from_headers_and_a_model_too_large_is_refused_with_the_figures(tmp_path):
    model = tiny_model(tmp_path / "tiny")
    weights = AutoModelForCausalLM.from_pretrained(model.path)
    assert parameters(Path(model.path)) == sum(weight.numel() for weight in weights.parameters())
    assert sizes(Path(model.path))[:4] == (2, 64, 32, 128)
    refuse_if_too_large(model, 4, 0, free=2 * memory.GIB)
    with pytest.raises(ModelUnavailable, match=r"tiny needs about \d+\.\d GiB .* 2\.0 GiB are free: "):
        refuse_if_too_large(model, 4, 28 * memory.GIB, free=2 * memory.GIB)


def test_a_batch_that_cannot_fit_is_refused_before_weights_are_read(tmp_path):
    model = tiny_model(tmp_path / "tiny")
    shutil.copy(Path(model.path) / "tokenizer.json", tmp_path)
    with pytest.raises(ModelUnavailable, match="GiB are free"):
        load_engine(model, cache_tokens=10**12)


def test_a_training_pass_is_estimated_by_what_its_layers_keep(tmp_path, monkeypatch):
    """The estimate without the head, beside the bytes that autograd really saves in a LoRA pass of the body."""
    monkeypatch.setattr(memory, "TILES_A_TOKEN", 0)
    folder, tokens = Path(tiny_model(tmp_path / "tiny").path), 256
    weights = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="sdpa")
    body = get_peft_model(weights, LoraConfig(r=1, target_modules="all-linear")).get_base_model().model
    own = {weight.untyped_storage().data_ptr() for weight in weights.parameters()}
    saved: dict[int, int] = {}

    def count(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        body(input_ids=torch.zeros(1, tokens, dtype=torch.long), use_cache=False)
    assert training_bytes(folder, tokens) == pytest.approx(sum(saved.values()), rel=0.1)


def test_a_row_too_long_to_train_on_is_refused_with_the_figures(tmp_path):
    folder = Path(tiny_model(tmp_path / "tiny").path)
    refuse_long_pass(folder, 2048, 4, free=memory.GIB)
    with pytest.raises(
        BadInput, match=r"has 2,048 tokens and needs about 0\.1 GiB, 0\.0 GiB are free: lower max_length"
    ):
        refuse_long_pass(folder, 2048, 4, free=2**20)
