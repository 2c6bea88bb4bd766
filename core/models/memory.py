"""How much memory a model needs, from the headers of its files, before anything is loaded.

One estimate for the page and the worker (`needs`): weights exactly, in the dtype of the place that computes; a row's
cache or what a training pass keeps, by tokens and the model's sizes; a LoRA with its optimiser by its factors.  How
much is computed at once is planned from what is free (`rows_that_fit`).  `docs/models.md` has what was measured.
"""

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from core.errors import BadInput, ModelUnavailable
from core.machine import free_memory

if TYPE_CHECKING:
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


TILES_ON_A_DEVICE = 6
"""The same where the allocator gives back what is freed: those that its code has alive."""

COPIES_OF_LOGITS = 4
"""Rows of the vocabulary in fp32 that drawing a token holds: logits, probabilities, ordered, summed."""

BYTES_A_TRAINED = 16
"""Of a trained number: itself, its gradient and two moments of the optimiser, in fp32."""

LEAST_TOKENS = 256
"""Tokens of the shortest training pass that is planned for before rows are known: their length then decides."""


class Place(NamedTuple):
    """What computes."""

    free: int
    """Bytes of memory that are free: of the device if there is one, else of the machine."""
    itemsize: int
    """Bytes of a number of the weights."""
    device: bool
    """Whether a GPU computes; layers are then computed again in a training's backward pass."""


class Needs(NamedTuple):
    """Bytes that a run needs."""

    weights: int
    beside: int
    """Libraries, and for a training the adapter with its optimiser."""
    least: int
    """The least that can be computed at once: a row, or a short pass."""

    @property
    def total(self) -> int:
        return self.weights + self.beside + self.least


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


def sampling_bytes(folder: Path, tokens: int, itemsize: int) -> int:
    """A row of so many tokens that is sampled: its cache, and what drawing from the vocabulary holds."""
    return cache_bytes(folder, tokens, itemsize) + COPIES_OF_LOGITS * 4 * sizes(folder).vocabulary


def training_bytes(folder: Path, tokens: int, itemsize: int = 4, again: bool = False) -> int:
    """What a pass of a LoRA training over so many tokens keeps for its backward pass, and the head's log-probabilities.

    A layer keeps of each token the input and output of both norms, the queries, the mixed values (6 widths of the
    hidden state with the residual), its keys and values, and four widths of the feed-forward part: gate, its
    activation, up, and their product.  Where layers are computed `again` (checkpointing, on a GPU), all but one keep
    their input alone.
    """
    size = sizes(folder)
    layer = 6 * size.hidden + 2 * size.keys + 4 * size.inner
    kept = size.layers * size.hidden + layer if again else size.layers * layer
    tiles = (TILES_ON_A_DEVICE if again else TILES_A_TOKEN) * min(size.vocabulary, HEAD_TILE)
    return tokens * (kept * itemsize + tiles * 4)


def lora_bytes(folder: Path, rank: int) -> int:
    """A LoRA on all linear layers but the head, with gradients and optimiser: its factors are rank × (in + out)."""
    shapes = {k: v for file in sorted(folder.glob("*.safetensors")) for k, v in tensor_shapes(file).items()}
    linear = [shape for name, shape in shapes.items() if len(shape) == 2 and not re.search(r"emb|wte|wpe|head", name)]
    return BYTES_A_TRAINED * rank * sum(map(sum, linear))


def needs(folder: Path, place: Place, sampled: int = 0, trained: int = 0, rank: int = 16) -> Needs:
    """Bytes of a run: `sampled` tokens of a row, or `trained` tokens of a pass."""
    beside = int(RUNTIME_BYTES) + (lora_bytes(folder, rank) if trained else 0)
    least = sampling_bytes(folder, sampled, place.itemsize) if sampled else 0
    if trained:
        least += training_bytes(folder, trained, place.itemsize, again=place.device)
    return Needs(parameters(folder) * place.itemsize, beside, least)


def rows_that_fit(free: int, each: int, most: int) -> int:
    """The largest of most, most / 2, most / 4 … of which so many bytes each are free; 1 at least.

    >>> [rows_that_fit(free, 10, 256) for free in (5000, 2000, 700, 0)]
    [256, 128, 64, 1]
    """
    while most > 1 and most * each > free:
        most //= 2
    return most


def available_bytes() -> int:
    """Memory of this machine, or of the container it runs in, that is free."""
    return free_memory()


def refuse_if_too_large(model: "ModelRef", needed: Needs, place: Place) -> None:
    """Raise ModelUnavailable if a run that computes as little as can be at once needs more than is free."""
    if needed.total > place.free:
        raise ModelUnavailable(
            f"{model.name} needs about {needed.total / GIB:.1f} GiB ({needed.weights / GIB:.1f} for weights, "
            f"{needed.least / GIB:.1f} for the least that is computed at once), {place.free / GIB:.1f} GiB "
            f"{'of the device' if place.device else 'of memory'} are free: take a smaller model or fewer "
            "max_new_tokens, or free memory."
        )


def refuse_long_pass(folder: Path, tokens: int, place: Place) -> None:
    """Raise BadInput if one row of a training, which a pass cannot be shorter than, needs more than is free."""
    needed = training_bytes(folder, tokens, place.itemsize, place.device)
    if needed > place.free:
        raise BadInput(
            f"The longest row to train on has {tokens:,} tokens and needs about {needed / GIB:.1f} GiB, "
            f"{place.free / GIB:.1f} GiB are free: lower max_length, or free memory."
        )
