"""A tiny random model of every causal language model that transformers knows, built from its configuration alone.

built("stablelm")       # an engine over it, or a string: why none can be built here
"""

import copy
import re
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, PretrainedConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from core.engines.hf import HFEngine
from core.models.finding import ModelRef
from tests.tiny import tiny_tokenizer

ALL = sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)

LAYERS = dict.fromkeys(
    ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "decoder_layers", "encoder_layers"), 2
)

HEADS = dict.fromkeys(
    (
        "num_attention_heads",
        "n_head",
        "n_heads",
        "attention_heads",
        "decoder_attention_heads",
        "encoder_attention_heads",
    ),
    4,
)

WIDTHS = dict.fromkeys(("hidden_size", "n_embd", "d_model", "emb_dim", "embedding_size"), 64) | dict.fromkeys(
    ("intermediate_size", "ffn_dim", "n_inner", "decoder_ffn_dim", "encoder_ffn_dim", "dim_ff"), 128
)

EXPERTS = {
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts"), 4),
    **dict.fromkeys(("moe_intermediate_size", "shared_expert_intermediate_size"), 32),
    **{"num_experts_per_tok": 2, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1},
}

LATENT = {"q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 16}

OTHERS = {
    **{"vocab_size": 416, "num_key_value_heads": 2, "head_dim": 16, "rotary_dim": 8, "expansion_ratio": 2},
    **dict.fromkeys(("max_position_embeddings", "n_positions", "max_seq_len"), 512),
    **dict.fromkeys(("initializer_range", "init_std"), 0.2),
    **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), 0) | {"bos_token_id": 1, "eos_token_id": 2},
    **{"mamba_n_heads": 8, "mamba_d_head": 16, "mamba_d_ssm": 128, "mamba_d_state": 16, "mamba_n_groups": 1},
    **{"vocab_size_per_layer_input": 416, "hidden_size_per_layer_input": 16},
    **{"is_decoder": True, "state_size": 8, "ssm_state_size": 8},
}

WINDOWS = ("sliding_window", "attention_chunk_size", "keep_window_size", "window_size", "index_topk")
"""Made short where a configuration has one: longer than the lab's probes, shorter than the prompts of the tests."""

SMALL = LAYERS | HEADS | WIDTHS | EXPERTS | LATENT | OTHERS

LATENT_HEADS = {"head_dim": 8, "num_key_value_heads": 4}

OWN: dict[str, dict[str, Any]] = {
    **dict.fromkeys(
        ("axk1", "axk2", "deepseek_v3", "deepseek_v32", "glm4_moe_lite", "glm_moe_dsa", "longcat_flash", "youtu"),
        LATENT_HEADS,
    ),
    "bamba": {"attn_layer_indices": [1]},
    "cohere_compass_text": {"rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 1e4}}},
    "dots1": {"n_routed_experts": 4, "num_experts_per_tok": 2, "n_shared_experts": 1},
    "gemma3n_text": {"num_kv_shared_layers": 0, "intermediate_size": 128, "activation_sparsity_pattern": None},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "num_heads": 4},
    "granitemoehybrid": {"layer_types": ["linear_attention", "full_attention"] * 4},
    "lfm2": {"layer_types": ["conv", "full_attention"] * 4},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 4},
    "mamba2": {"num_heads": 8, "n_groups": 2},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
}
"""What a configuration needs beside `SMALL`, or otherwise."""

MOST_PARAMETERS = 20_000_000


def built(name: str, **changes: Any) -> HFEngine | str:
    """An engine over a tiny random model of an architecture, its configuration changed, or why there is none."""
    own, why = OWN.get(name, {}) | changes, ""
    for layers in (2, 4, 8):
        try:
            return _engine(name, small(CONFIG_MAPPING[name], {**own, **dict.fromkeys(LAYERS, layers)}))
        except Exception as error:
            why = f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}"
    return why


def _engine(name: str, config: PretrainedConfig) -> HFEngine:
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with torch.device("meta"):
            bare = AutoModelForCausalLM.from_config(copy.deepcopy(config))
        if sum(weight.numel() for weight in bare.parameters()) > MOST_PARAMETERS:
            raise ValueError("some of its widths cannot be made small")
        weights = AutoModelForCausalLM.from_config(config).eval()
    with torch.inference_mode():
        weights(input_ids=torch.arange(5, 25).unsqueeze(0))
    return HFEngine(ModelRef(name=name, path="", hash=name, source="made for a test"), [], weights, tiny_tokenizer())


def small(kind: type[PretrainedConfig], changes: dict[str, Any], depth: int = 0) -> PretrainedConfig:
    """The default configuration with its sizes made small, those of the parts in it too."""
    whole = kind()
    values = {name: value for name, value in (SMALL | changes).items() if _has(whole, name)}
    values |= {name: 96 for name in WINDOWS if vars(whole).get(name) and name not in changes}
    layers = next((values[name] for name in LAYERS if name in values), 2)
    values |= {name: cut for name, cut in _by_layer(whole, layers) if name not in changes}
    for name, part in vars(whole).items():
        if isinstance(part, PretrainedConfig) and depth < 2:
            values[name] = small(type(part), changes, depth + 1).to_dict()
    return _made(kind, values)


def _has(whole: PretrainedConfig, name: str) -> bool:
    """Whether a configuration knows the name, as its own or as another's."""
    return name in vars(whole) or name in type(whole).attribute_map


def _by_layer(whole: PretrainedConfig, layers: int) -> Iterator[tuple[str, list]]:
    """Lists that have an entry a layer, cut to as many."""
    for name, value in vars(whole).items():
        if isinstance(value, list) and name.endswith(("_types", "layers_type", "layers_block_type")) and value:
            yield name, value[:layers]


def _made(kind: type[PretrainedConfig], values: dict[str, Any]) -> PretrainedConfig:
    """The configuration with these values, but for those that it lets nobody set."""
    try:
        return kind(**values)
    except AttributeError as error:
        name = re.search(r"property '(\w+)' of .* has no setter", str(error))
        if name is None or name[1] not in values:
            raise
        return _made(kind, {key: value for key, value in values.items() if key != name[1]})
