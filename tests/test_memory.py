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
from core.models.memory import (
    GIB,
    LEAST_TOKENS,
    Place,
    needs,
    parameters,
    refuse_if_too_large,
    refuse_long_pass,
    rows_that_fit,
    sizes,
    training_bytes,
)
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
    place = Place(2 * GIB, 4, device=False)
    refuse_if_too_large(model, needs(Path(model.path), place, sampled=100), place)
    with pytest.raises(ModelUnavailable, match=r"tiny needs about \d+\.\d GiB .* 2\.0 GiB of memory are free: "):
        refuse_if_too_large(model, needs(Path(model.path), place, sampled=10**8), place)


def test_a_batch_that_cannot_fit_is_refused_before_weights_are_read(tmp_path):
    model = tiny_model(tmp_path / "tiny")
    shutil.copy(Path(model.path) / "tokenizer.json", tmp_path)
    with pytest.raises(ModelUnavailable, match="GiB of memory are free"):
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
    refuse_long_pass(folder, 2048, Place(GIB, 4, device=False))
    with pytest.raises(
        BadInput, match=r"has 2,048 tokens and needs about 0\.1 GiB, 0\.0 GiB are free: lower max_length"
    ):
        refuse_long_pass(folder, 2048, Place(2**20, 4, device=False))


def header_of(folder: Path, shapes: dict[str, tuple[int, ...]], config: dict) -> Path:
    """A model folder with a configuration and the header of its weights, and no weights: all that is looked at."""
    folder.mkdir()
    header = {name: {"dtype": "BF16", "shape": list(shape), "data_offsets": [0, 0]} for name, shape in shapes.items()}
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + b" ")
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def eight_billion(tmp_path) -> Path:
    """The shapes of Llama 3 8B."""
    layer = {
        **{f"self_attn.{name}_proj.weight": (4096, 4096) for name in "qo"},
        **{f"self_attn.{name}_proj.weight": (1024, 4096) for name in "kv"},
        **{f"mlp.{name}_proj.weight": (14336, 4096) for name in ("gate", "up")},
        "mlp.down_proj.weight": (4096, 14336),
        **{f"{name}_layernorm.weight": (4096,) for name in ("input", "post_attention")},
    }
    shapes = {f"model.layers.{i}.{name}": shape for i in range(32) for name, shape in layer.items()}
    ends = {"model.embed_tokens.weight": (128256, 4096), "lm_head.weight": (128256, 4096), "model.norm.weight": (4096,)}
    sizes = {"num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 8}
    return header_of(tmp_path / "8b", shapes | ends, {**sizes, "intermediate_size": 14336, "vocab_size": 128256})


def test_an_8b_model_in_bf16_trains_and_samples_on_a_card_of_24_gb(eight_billion):
    card = Place(int(23.0 * GIB), 2, device=True)
    assert parameters(eight_billion) == 8_030_261_248
    for rank in (16, 64):
        trained = needs(eight_billion, card, trained=LEAST_TOKENS, rank=rank)
        assert 15.5 * GIB < trained.total < card.free, "weights are 15.0 GiB"
    assert needs(eight_billion, card, trained=1024).total < card.free, "a whole pass too"
    sampled = needs(eight_billion, card, sampled=356)
    rows = rows_that_fit(card.free - sampled.weights - sampled.beside, sampled.least, 256)
    assert rows == 128 and sampled.weights + sampled.beside + 256 * sampled.least > card.free
    small = Place(int(14.0 * GIB), 2, device=True)
    assert needs(eight_billion, small, sampled=356).total > small.free


def test_a_lora_is_counted_by_its_factors(eight_billion):
    """41.9 million numbers at rank 16, as PEFT says of `all-linear` on Llama 3 8B."""
    assert memory.lora_bytes(eight_billion, 16) == 16 * 41_943_040
