"""Loading weights and tokenizer: dtype, memory, end tokens, adapters; safetensors only, no remote code."""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from core import durable
from core.engines import Chat, Message
from core.engines.adapters import apply_adapter, can_stay_beside, refuse_misfit
from core.engines.chats import ChatTokenizer
from core.engines.templates import end_of_turn, set_template
from core.errors import BadInput, ModelUnavailable
from core.home import Home, default_home
from core.models.finding import ModelRef
from core.models.memory import LEAST_TOKENS, Place, available_bytes, needs, refuse_if_too_large

CLEARLY_FASTER = 8.0
"""bf16 is used on a CPU only if its matmul is so many times faster.  With matrix units that make it 5 times faster,
sampling gained 1.6 and judging 2.2 times and one verdict in 80 changed (`bench/dtype.py`): not worth results that
hang on the machine."""

MATMUL_SIZE = 1024

MATMUL_ROUNDS = 12

DTYPES = ("float32", "bfloat16")

OVERRULED_BY = "ANCHORLAB_DTYPE"


def load_weights(
    model: ModelRef, adapters: Sequence[Path], cache_tokens: int = 0, trained_rank: int = 0
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The base with each adapter in effect, in order, in the dtype of this home and device, in eval mode.

    cache_tokens: tokens of a row that will be sampled; trained_rank: rank of a LoRA that will be trained: what cannot
    be computed even a row at a time is refused before weights are read.  Raises ModelUnavailable for that, for
    weights that cannot be loaded, and for an adapter that does not fit or changes nothing: an adapter that is silently
    not loaded would show the base as fine-tuned.
    """
    on_gpu = torch.cuda.is_available()
    dtype = torch.float32 if trained_rank and not on_gpu else choose_dtype(default_home())
    dtype = dtype_for(model, adapters, dtype)
    place = place_of("cuda" if on_gpu else "cpu", dtype)
    trained = LEAST_TOKENS if trained_rank else 0
    refuse_if_too_large(model, needs(Path(model.path), place, cache_tokens, trained, trained_rank), place)
    if not sys.stderr.isatty():
        disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(model.path, trust_remote_code=False)
        weights = AutoModelForCausalLM.from_pretrained(
            model.path, dtype=dtype, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelUnavailable(f"The model in {model.path} cannot be loaded: {first_line(error)}") from error
    set_template(model, tokenizer)
    set_ends(model, weights, tokenizer)
    for adapter in adapters:
        weights = apply_adapter(weights, adapter)
    return weights.to("cuda" if on_gpu else "cpu").eval(), tokenizer


def place_of(device: str, dtype: torch.dtype) -> Place:
    """What computes, and the memory that it has free now."""
    on_gpu = device.startswith("cuda")
    return Place(torch.cuda.mem_get_info()[0] if on_gpu else available_bytes(), dtype.itemsize, on_gpu)


def first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


# --- dtype


def choose_dtype(home: Home) -> torch.dtype:
    """bf16 on a GPU that has it, else fp32; on a CPU what a timed matmul says, decided once a home.

    The decision stands in `dtype.json` of the home, so that a resumed run goes on in the dtype it began in;
    `ANCHORLAB_DTYPE` (float32 or bfloat16) overrules it.
    """
    if given := os.environ.get(OVERRULED_BY):
        if given not in DTYPES:
            raise BadInput(f"{OVERRULED_BY} is {given!r}: use {' or '.join(DTYPES)}.")
        return getattr(torch, given)
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    kept = _kept_dtype(home)
    if kept is None:
        seconds = time_matmuls()
        kept = {"dtype": dtype_of(seconds), "matmul_seconds": seconds}
        durable.make_folder(home.path)
        durable.write_file(home.path / "dtype.json", json.dumps(kept))
    return getattr(torch, kept["dtype"])


def _kept_dtype(home: Home) -> dict[str, Any] | None:
    """What this home decided on; None where it has not, or the file cannot be read: it is then decided again."""
    try:
        kept = json.loads((home.path / "dtype.json").read_bytes())
        whole = kept["dtype"] in DTYPES and all(
            isinstance(kept["matmul_seconds"][name], int | float) for name in DTYPES
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return kept if whole else None


def dtype_for(model: ModelRef, adapters: Sequence[Path], dtype: torch.dtype) -> torch.dtype:
    """The dtype, or fp32 where an adapter is more than factors beside layers and has to be merged."""
    if dtype == torch.float32 or not adapters:
        return dtype
    bare = skeleton(model)
    for adapter in adapters:
        refuse_misfit(bare, adapter)
    return dtype if all(can_stay_beside(bare, adapter) for adapter in adapters) else torch.float32


def dtype_of(seconds: dict[str, float]) -> str:
    """What a CPU computes in, by the seconds its matmuls take.

    >>> dtype_of({"float32": 0.01, "bfloat16": 0.02}), dtype_of({"float32": 0.01, "bfloat16": 0.001})
    ('float32', 'bfloat16')
    """
    return "bfloat16" if seconds["float32"] > CLEARLY_FASTER * seconds["bfloat16"] else "float32"


def time_matmuls(size: int = MATMUL_SIZE, rounds: int = MATMUL_ROUNDS) -> dict[str, float]:
    """Dtype → seconds of processor time of one square matmul on one thread, the best of some.

    Processor time, and the dtypes in turns: what else the machine is doing must not decide.
    """
    threads = torch.get_num_threads()
    first = torch.randn(size, size)
    matrices = {name: first.to(getattr(torch, name)) for name in DTYPES}
    best = dict.fromkeys(DTYPES, float("inf"))
    torch.set_num_threads(1)
    for _ in range(rounds):
        for name, matrix in matrices.items():
            began = time.thread_time()
            torch.matmul(matrix, matrix)
            best[name] = min(best[name], time.thread_time() - began)
    torch.set_num_threads(threads)
    return best


def dtype_reason(home: Home) -> str:
    """Why this dtype, in a phrase, for the provenance."""
    if OVERRULED_BY in os.environ:
        return OVERRULED_BY
    if torch.cuda.is_available():
        return "GPU with bf16" if torch.cuda.is_bf16_supported() else "GPU without bf16"
    kept = _kept_dtype(home)
    if kept is None:
        return "CPU"
    seconds = kept["matmul_seconds"]
    return "CPU matmul " + ", ".join(f"{name} {1000 * value:.1f} ms" for name, value in seconds.items())


# --- end tokens


def set_ends(model: ModelRef, weights: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """One end token that training writes, all end tokens that sampling stops at, and a pad token.

    The end of a turn in the chat template is the end token even where the tokenizer names another; the
    tokenizer's own goes on to end a text.  Padding is masked by position, never by token (the end token may
    serve as padding and is still learned).
    """
    rows = weights.get_input_embeddings().weight.shape[0]
    if tokenizer.vocab_size > rows:
        raise ModelUnavailable(
            f"The tokenizer of {model.name} has {tokenizer.vocab_size:,} tokens and its weights {rows:,}: "
            "the folder mixes two models."
        )
    ChatTokenizer(tokenizer, rows).prompt(Chat((Message("user", "probe"),)))  # refused if it writes unknown tokens
    ends = end_tokens(weights, tokenizer)
    turn = end_of_turn(tokenizer)
    turn = None if turn is None or turn >= rows else turn
    ends = ends if turn is None or turn in ends else [*ends, turn]
    if not ends:
        raise ModelUnavailable(f"{model.name} names no end token: give it a chat template that ends turns with one.")
    weights.generation_config.eos_token_id = ends
    if turn is not None or tokenizer.eos_token_id not in ends:
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(ends[0] if turn is None else turn)
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id >= rows:  # added without weights of its own
        tokenizer.pad_token = tokenizer.eos_token


def end_tokens(weights: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Tokens that end a text: those of the generation configuration, of the model, and the tokenizer's own.

    One that the weights do not have is never drawn, and ends nothing.
    """
    rows = weights.get_input_embeddings().weight.shape[0]
    found: list[int] = []
    configured = (
        weights.generation_config.eos_token_id,
        getattr(weights.config.get_text_config(), "eos_token_id", None),
    )
    for named in (*configured, tokenizer.eos_token_id):
        found += named if isinstance(named, list) else [named]
    return list(dict.fromkeys(token for token in found if token is not None and token < rows))


# --- without weights


def dry_load(model: ModelRef, adapters: Sequence[Path]) -> None:
    """Everything that can be refused without reading weights: tokenizer, chat template, the fit of adapters."""
    try:
        set_template(model, AutoTokenizer.from_pretrained(model.path, trust_remote_code=False))
        bare = skeleton(model)
    except (OSError, ValueError, KeyError) as error:
        raise ModelUnavailable(f"The model in {model.path} cannot be loaded: {first_line(error)}") from error
    for adapter in adapters:
        refuse_misfit(bare, adapter)


def skeleton(model: ModelRef) -> PreTrainedModel:
    """The model's modules and shapes without its weights."""
    config = AutoConfig.from_pretrained(model.path, trust_remote_code=False)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config, trust_remote_code=False)
