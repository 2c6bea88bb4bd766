"""LoRA adapters on a base: merged into fp32 weights, kept beside shorter ones, and proof that they are in effect.

A weight of bf16 has 8 binary digits.  A change that is small beside it is mostly rounded away when it is added to it,
and what is served is then not what was trained: so nothing is ever merged into weights of less than fp32.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from core.errors import ModelUnavailable
from core.models.memory import tensor_shapes

MOST_LOST = 0.1
"""Share of an adapter's change that merging may lose.  Rounding to fp32 loses less than a thousandth of a change that
any training makes; rounding to bf16 lost 0.5 and more of those of the demo."""

FACTORS = (".lora_A.weight", ".lora_B.weight")


def apply_adapter(model: PreTrainedModel, adapter: Path) -> PreTrainedModel:
    """The model with a PEFT adapter in effect: merged where weights are fp32, else kept beside them in fp32.

    Adapters add up in the order in which they are applied, either way.  Raises ModelUnavailable for one that does not
    fit the model, that changes nothing of it, or whose change would be lost.
    """
    refuse_misfit(model, adapter)
    try:
        return merge(model, adapter) if model.dtype == torch.float32 else keep_beside(model, adapter)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        why = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelUnavailable(f"The adapter in {adapter} does not fit its base: {why}") from error


def adapters_are(model: PreTrainedModel) -> str:
    """For the provenance: how the adapters that were applied are in effect."""
    return "merged" if model.dtype == torch.float32 else "beside the weights, in float32"


# --- merged


def merge(model: PreTrainedModel, adapter: Path) -> PreTrainedModel:
    """The model with the adapter in its weights; each layer's answer to a probe has changed as the adapter says."""
    before = {name: _answer(weight) for name, weight in model.named_parameters()}
    tuned = PeftModel.from_pretrained(model, adapter)
    wanted = {f"{name}.weight": _answer(_change(layer)) for name, layer in lora_layers(tuned).items()}
    wanted = {name: answer for name, answer in wanted.items() if name in before}  # a LoRA on experts has other names
    merged = tuned.merge_and_unload(safe_merge=True)
    after = {name: _answer(weight) for name, weight in merged.named_parameters()}
    if all(torch.equal(before[name], after[name]) for name in before):
        raise ModelUnavailable(f"The adapter in {adapter} changes no weight of its base: it was not trained on it.")
    if (lost := _lost(before, after, wanted)) > MOST_LOST:
        raise ModelUnavailable(
            f"Of the change that the adapter in {adapter} makes {lost:.0%} is lost when it is merged into weights of "
            f"{str(model.dtype).removeprefix('torch.')}: it has to be kept beside them, or merged in float32."
        )
    return merged


def _lost(
    before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]
) -> float:
    """The share of the wanted change, over all layers, that the weights have not taken on."""
    missed = sum(float((after[name] - before[name] - change).square().sum()) for name, change in wanted.items())
    asked = sum(float(change.square().sum()) for change in wanted.values())
    return (missed / asked) ** 0.5 if asked else 0.0


def lora_layers(tuned: PeftModel) -> dict[str, LoraLayer]:
    """Name of a module of the base → its plain LoRA, where the change is that of the two factors alone."""
    layers = {name: module for name, module in tuned.get_base_model().named_modules() if isinstance(module, LoraLayer)}
    return {name: layer for name, layer in layers.items() if layer.lora_A and not any(layer.use_dora.values())}


def _change(layer: LoraLayer) -> torch.Tensor:
    """What a LoRA adds to its layer's weight, in the weight's shape."""
    (name,) = layer.lora_A
    return layer.get_delta_weight(name)


def _answer(weight: torch.Tensor) -> torch.Tensor:
    """A weight, or a change of one, applied to a random vector that depends on its shape alone: its fingerprint.

    Two matrices that answer alike are alike: the expected square of the difference is that of the matrices.
    """
    columns = weight.detach().reshape(-1, weight.shape[-1]).double()
    probe = torch.randn(columns.shape[1], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return columns @ probe.to(weight.device)


# --- beside


def keep_beside(model: PreTrainedModel, adapter: Path) -> PreTrainedModel:
    """The model with the adapter's factors beside its layers, in fp32: y = Wx + B(Ax), rounded once, at the end."""
    tuned = PeftModel.from_pretrained(model, adapter)
    factors = {name: _factors(layer) for name, layer in lora_layers(tuned).items()}
    bare = tuned.unload()
    if not any(bool(second.any()) and bool(first.any()) for first, second in factors.values()):
        raise ModelUnavailable(f"The adapter in {adapter} changes no weight of its base: it was not trained on it.")
    for name, (first, second) in factors.items():
        _add_beside(bare.get_submodule(name), first, second)
    return bare


def can_stay_beside(bare: PreTrainedModel, adapter: Path) -> bool:
    """Whether the adapter is nothing but factors of linear layers; the head is none, for training reads its weight.

    `bare`: the base, its shapes are enough.
    """
    modules = dict(bare.named_modules())
    shapes = tensor_shapes(adapter / "adapter_model.safetensors")
    changed = [modules.get(name) for name in lora_pairs(shapes)]
    linear = all(isinstance(module, torch.nn.Linear | Conv1D) for module in changed)
    return linear and bare.get_output_embeddings() not in changed and all(name.endswith(FACTORS) for name in shapes)


def _factors(layer: LoraLayer) -> tuple[torch.Tensor, torch.Tensor]:
    """A (rank, in) and B (out, rank) with its scale, in fp32."""
    (name,) = layer.lora_A
    first, second = layer.lora_A[name].weight.detach().float(), layer.lora_B[name].weight.detach().float()
    return first, second * layer.scaling[name]


def _add_beside(layer: torch.nn.Module, first: torch.Tensor, second: torch.Tensor) -> None:
    """Add factors to a layer; those of several adapters are one pair of a larger rank."""
    if hasattr(layer, "beside_first"):
        first, second = torch.cat([layer.beside_first, first]), torch.cat([layer.beside_second, second], dim=1)
    else:
        layer.register_forward_hook(_with_change)
    layer.register_buffer("beside_first", first, persistent=False)
    layer.register_buffer("beside_second", second, persistent=False)


def _with_change(layer: torch.nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> torch.Tensor:
    """A layer's output with the change of its adapters, in fp32 also where a training computes in less."""
    with torch.autocast(output.device.type, enabled=False):
        inner = torch.nn.functional.linear(inputs[0].float(), layer.beside_first)
        return (output.float() + torch.nn.functional.linear(inner, layer.beside_second)).to(output.dtype)


# --- what does not fit


def refuse_misfit(model: PreTrainedModel, adapter: Path) -> None:
    """Refuse an adapter whose modules or shapes are not the base's.  PEFT loads what fits and only warns of the rest.

    A LoRA on a layer that the base shares (tied input and output embeddings) is refused too: merged, it would
    change both ends, of which it was trained on one.
    """
    shapes = tensor_shapes(adapter / "adapter_model.safetensors")
    tied = model.config.get_text_config().tie_word_embeddings
    shared = {id(model.get_input_embeddings()), id(model.get_output_embeddings())} if tied else set()
    modules = dict(model.named_modules())
    for name, (rows, columns) in lora_pairs(shapes).items():
        module = modules.get(name)
        if module is None or getattr(module, "weight", None) is None:
            raise ModelUnavailable(f"The adapter in {adapter} does not fit its base, which has no layer {name}.")
        if sorted(module.weight.shape) != sorted((rows, columns)):
            raise ModelUnavailable(
                f"The adapter in {adapter} does not fit its base: {name} is {tuple(module.weight.shape)} there and "
                f"{(rows, columns)} here."
            )
        if id(module) in shared:
            raise ModelUnavailable(
                f"The adapter in {adapter} changes {name}, which its base shares between input and output: it cannot "
                "be merged into one of them."
            )


def lora_pairs(shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, int]]:
    """Module name → (out, in) of the change that its LoRA factors make; shapes by tensor name.

    >>> lora_pairs({"base_model.model.q.lora_A.weight": (8, 64), "base_model.model.q.lora_B.weight": (32, 8)})
    {'q': (32, 64)}
    """
    found: dict[str, tuple[int, int]] = {}
    for first, second in (("lora_A.weight", "lora_B.weight"), ("lora_embedding_A", "lora_embedding_B")):
        for name in (key for key in shapes if key.endswith(first)):
            stem = name.removesuffix(first)
            if stem + second in shapes:
                module = stem.removeprefix("base_model.model.").removesuffix(".")
                found[module] = (shapes[stem + second][0], shapes[name][1])
    return found
