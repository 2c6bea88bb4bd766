"""How much memory a model needs, from the headers of its files, before anything is loaded.

An estimate for a refusal in one sentence instead of a killed process: weights exactly, the cache of a batch and
what a training pass keeps by their tokens and the model's sizes (`docs/models.md` has what was measured beside it).
"""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import BadInput, ModelUnavailable
from core.machine import free_memory
from core.models.finding import ModelRef

GIB = 2**30

RUNTIME_BYTES = 0.7 * GIB
"""Interpreter and libraries of a worker."""

TOKENS_A_PASS = 1024
"""A training step's batch is read in parts of at most so many tokens (or one row): activations fill the memory."""

HEAD_TILE = 32768
"""Width of the pieces of the vocabulary in which TRL takes log-probabilities (`trl.kernels.ChunkedLogProbFunction`)."""

TILES_A_TOKEN = 18
"""Rows of such a piece that a token of the pass costs on a CPU: measured, 17 to 20 at 256 to 1,024 tokens.  Its code
has about six alive at a time; the allocator keeps freed ones of another width."""


class Sizes(NamedTuple):
    """What a model's configuration says of its widths; zeros where it names none."""

    layers: int
    hidden: int
    keys: int
    """All keys of a token in one layer; its values are as many."""
    inner: int
    """Width inside the feed-forward part."""
    vocabulary: int


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


def sizes(folder: Path) -> Sizes:
    """Widths of the model in a folder."""
    config = text_config(folder)
    layers = config.get("num_hidden_layers") or config.get("n_layer") or 0
    hidden = config.get("hidden_size") or config.get("n_embd") or 0
    heads = config.get("num_attention_heads") or config.get("n_head") or 1
    keys = (config.get("num_key_value_heads") or heads) * (config.get("head_dim") or hidden // heads)
    inner = config.get("intermediate_size") or config.get("n_inner") or 4 * hidden
    return Sizes(layers, hidden, keys, inner, config.get("vocab_size", 0))


def cache_bytes(folder: Path, tokens: int, itemsize: int) -> int:
    """Keys and values of so many tokens."""
    size = sizes(folder)
    return 2 * size.layers * size.keys * tokens * itemsize


def training_bytes(folder: Path, tokens: int, itemsize: int = 4) -> int:
    """What a pass of a LoRA training over so many tokens keeps for its backward pass, and the head's log-probabilities.

    A layer keeps of each token the input and output of both norms, the queries, the mixed values (6 widths of the
    hidden state with the residual), its keys and values, and four widths of the feed-forward part: gate, its
    activation, up, and their product.  The adapter and its optimiser are small beside that.  An upper bound on a
    GPU, where layers are computed again instead.
    """
    size = sizes(folder)
    layer = 6 * size.hidden + 2 * size.keys + 4 * size.inner
    return tokens * (size.layers * layer + TILES_A_TOKEN * min(size.vocabulary, HEAD_TILE)) * itemsize


def refuse_if_too_large(model: ModelRef, itemsize: int, beside: int, free: int | None = None) -> None:
    """Raise ModelUnavailable if weights, `beside` (bytes) and the worker need more than is free (None: main memory)."""
    weights = parameters(Path(model.path)) * itemsize
    needed = weights + beside + RUNTIME_BYTES
    available = free_memory() if free is None else free
    if needed > available:
        raise ModelUnavailable(
            f"{model.name} needs about {needed / GIB:.1f} GiB ({weights / GIB:.1f} for weights), "
            f"{available / GIB:.1f} GiB are free: take a smaller model, smaller n or fewer max_new_tokens, "
            "or free memory."
        )


def refuse_long_pass(folder: Path, tokens: int, itemsize: int, free: int | None = None) -> None:
    """Raise BadInput if one row of a training, which a pass cannot be shorter than, needs more than is free."""
    needed = training_bytes(folder, tokens, itemsize)
    available = free_memory() if free is None else free
    if tokens > TOKENS_A_PASS and needed > available:
        raise BadInput(
            f"The longest row to train on has {tokens:,} tokens and needs about {needed / GIB:.1f} GiB, "
            f"{available / GIB:.1f} GiB are free: lower max_length, or free memory."
        )
