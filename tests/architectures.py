"""Tiny random models of several architectures, with the tests' tokenizer: made in milliseconds, no download."""

from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from core.models.finding import ModelRef, reference
from tests.tiny import tiny_tokenizer

GEMMA_LIKE = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}{% for m in messages %}<|start|>{{ m['role'] }}\n{{ m['content'] | trim }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>model\n{% endif %}"
)


def save(folder: Path, model: torch.nn.Module, **changes) -> ModelRef:
    """A random model with the tests' tokenizer, some of its attributes changed."""
    tokenizer = tiny_tokenizer()
    for name, value in changes.items():
        setattr(tokenizer, name, value)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return reference(folder, folder.name, "made for a test")


def common() -> dict:
    tokenizer = tiny_tokenizer()
    return {
        "vocab_size": len(tokenizer) + 8,
        "initializer_range": 0.2,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


def qwen2(folder: Path, **changes) -> ModelRef:
    torch.manual_seed(1)
    return save(folder, Qwen2ForCausalLM(Qwen2Config(**common(), **SHAPE, tie_word_embeddings=True)), **changes)


def llama(folder: Path, **changes) -> ModelRef:
    torch.manual_seed(1)
    return save(folder, LlamaForCausalLM(LlamaConfig(**common(), **SHAPE)), **changes)


def windowed(folder: Path) -> ModelRef:
    """Attends to the last 16 tokens: more than the probes have, fewer than a prompt."""
    torch.manual_seed(1)
    window = {"use_sliding_window": True, "sliding_window": 16, "max_window_layers": 0}
    return save(folder, Qwen2ForCausalLM(Qwen2Config(**common(), **SHAPE, **window)))


def gpt2(folder: Path) -> ModelRef:
    torch.manual_seed(1)
    return save(folder, GPT2LMHeadModel(GPT2Config(**common(), n_embd=64, n_layer=2, n_head=4, n_positions=512)))


def gemma2(folder: Path) -> ModelRef:
    torch.manual_seed(1)
    return save(folder, Gemma2ForCausalLM(Gemma2Config(**common(), **SHAPE, head_dim=16)), chat_template=GEMMA_LIKE)


def adapter(folder: Path, base: ModelRef, named: str | None = None, **changes) -> Path:
    """A LoRA that some other program trained on `base`: random, and not nothing."""
    torch.manual_seed(2)
    model = AutoModelForCausalLM.from_pretrained(base.path)
    lora = get_peft_model(
        model, LoraConfig(**{"r": 4, "target_modules": "all-linear", "task_type": "CAUSAL_LM"} | changes)
    )
    with torch.no_grad():
        for name, weight in lora.named_parameters():
            if "lora_" in name:
                weight.normal_(std=0.3)
    lora.peft_config["default"].base_model_name_or_path = named or base.path
    lora.save_pretrained(folder, save_embedding_layers=False)
    return folder


def wide(folder: Path) -> ModelRef:
    """Layers of the same names as the tiny model's, and other widths."""
    return save(folder, LlamaForCausalLM(LlamaConfig(**common(), **SHAPE | {"hidden_size": 32})))
