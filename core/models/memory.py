"""How much memory a model needs, from the headers of its files, before anything is loaded.

An estimate for a refusal in one sentence instead of a killed process: weights exactly, the cache of a batch
by its tokens, training roughly (calibrated on a 135M model's DPO, 5.8 GiB).
"""

import json
import math
from pathlib import Path
from typing import Any

import psutil

from core.errors import ModelUnavailable
from core.models.finding import ModelRef

GIB = 2**30

RUNTIME_BYTES = 0.7 * GIB
"""Interpreter and libraries of a worker."""

TOKENS_A_PASS = 1024
"""A training step's batch is read in parts of at most so many tokens (or one row): activations fill the memory."""

FLOATS_A_LAYER = 40
"""Activations kept for the backward pass, a token and layer, in widths of the hidden state."""

LOGIT_COPIES = 8
"""Rows of the vocabulary kept a token: logits, log-probabilities, gradients, policy and reference."""


def tensor_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Name → shape of the tensors in a safetensors file, from its header alone."""
    with file.open("rb") as opened:
        size = int.from_bytes(opened.read(8), "little")
        try:
            header = json.loads(opened.read(size) if size < file.stat().st_size else b"")
        except ValueError:
            raise ModelUnavailable(f"{file} is not a safetensors file, or was cut off: fetch it again.") from None
    return {name: tuple(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__"}


def parameters(folder: Path) -> int:
    """Parameters in a model folder's safetensors files."""
    shapes = [shape for file in sorted(folder.glob("*.safetensors")) for shape in tensor_shapes(file).values()]
    return sum(math.prod(shape) for shape in shapes)


def text_config(folder: Path) -> dict[str, Any]:
    config = json.loads((folder / "config.json").read_text())
    return config.get("text_config", config)


def sizes(folder: Path) -> tuple[int, int, int, int]:
    """Layers, hidden width, width of all keys of a token, vocabulary; zeros where the configuration names none."""
    config = text_config(folder)
    layers = config.get("num_hidden_layers") or config.get("n_layer") or 0
    hidden = config.get("hidden_size") or config.get("n_embd") or 0
    heads = config.get("num_attention_heads") or config.get("n_head") or 1
    groups = config.get("num_key_value_heads") or heads
    return layers, hidden, groups * (config.get("head_dim") or hidden // heads), config.get("vocab_size", 0)


def cache_bytes(folder: Path, tokens: int, itemsize: int) -> int:
    """Keys and values of so many tokens."""
    layers, _, keys, _ = sizes(folder)
    return 2 * layers * keys * tokens * itemsize


def training_bytes(folder: Path, tokens: int, itemsize: int = 4) -> int:
    """Activations of a pass over so many tokens, roughly; adapters and their optimiser are small beside them."""
    layers, hidden, _, vocabulary = sizes(folder)
    return tokens * (FLOATS_A_LAYER * layers * hidden + LOGIT_COPIES * vocabulary) * itemsize


def refuse_if_too_large(model: ModelRef, itemsize: int, beside: int, free: int | None = None) -> None:
    """Raise ModelUnavailable if weights, `beside` (bytes) and the worker need more than is free (None: main memory)."""
    weights = parameters(Path(model.path)) * itemsize
    needed = weights + beside + RUNTIME_BYTES
    available = psutil.virtual_memory().available if free is None else free
    if needed > available:
        raise ModelUnavailable(
            f"{model.name} needs about {needed / GIB:.1f} GiB ({weights / GIB:.1f} for weights), "
            f"{available / GIB:.1f} GiB are free: take a smaller model, smaller n or fewer max_new_tokens, "
            "or free memory."
        )
