"""A model that runs out of memory when it is given too much at once, as a device does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, LlamaModel


class CrowdedBody(LlamaModel):
    """The layers of a Llama whose device holds so many rows and tokens of a pass, and no more."""

    rows = tokens = 10**9

    def forward(self, input_ids: torch.Tensor, *args: Any, **named: Any) -> Any:
        rows, tokens = input_ids.shape
        if rows > CrowdedBody.rows or rows * tokens > CrowdedBody.tokens:
            raise torch.OutOfMemoryError(f"CUDA out of memory: tried to read {rows} × {tokens} tokens")
        return super().forward(input_ids, *args, **named)


class Crowded(LlamaForCausalLM):
    """A Llama with such layers."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__(config)
        self.model = CrowdedBody(config)
        self.post_init()


@contextmanager
def holding(rows: int = 10**9, tokens: int = 10**9) -> Iterator[None]:
    """The device holds so many rows and tokens for as long."""
    before = CrowdedBody.rows, CrowdedBody.tokens
    CrowdedBody.rows, CrowdedBody.tokens = rows, tokens
    try:
        yield
    finally:
        CrowdedBody.rows, CrowdedBody.tokens = before


@contextmanager
def crowded(rows: int = 10**9, tokens: int = 10**9) -> Iterator[None]:
    """Every Llama that is loaded within is one of those."""
    AutoModelForCausalLM.register(LlamaConfig, Crowded, exist_ok=True)
    try:
        with holding(rows, tokens):
            yield
    finally:
        AutoModelForCausalLM._model_mapping._extra_content.pop(LlamaConfig)
