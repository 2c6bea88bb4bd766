"""Any model: names, templates, end tokens, adapters from elsewhere, memory, other architectures."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)
from typer.testing import CliRunner

from core import memory
from core.cli import cli
from core.engines import Chat, Message, Sampling
from core.engines.decoding import GROUPED
from core.engines.hf import load_engine
from core.engines.templates import FALLBACK_TEMPLATE, render
from core.engines.weights import choose_dtype, dtype_reason, load_weights
from core.errors import BadInput, ModelUnavailable
from core.memory import parameters, refuse_if_too_large, sizes
from core.model_check import check_model
from core.models import ModelRef, reference, resolve_model
from core.plan import run_config
from core.registering import listed, register
from core.runs import RunFolder, create_run
from core.settings import JudgeSettings, SampleSettings, Selection, SftSettings
from core.variants import adapters_of, base_of, use_of
from core.work import Work
from core.worker import run_stage
from tests.lab import toy_dataset
from tests.tiny import TEMPLATE, tiny_model, tiny_tokenizer

GREEDY = Sampling(temperature=0.0, top_p=1.0, max_new_tokens=8)
CHAT = Chat((Message("system", "Be brief."), Message("user", "What is a window made of?")))

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


# --- other architectures


@pytest.mark.parametrize("make", [tiny_model, qwen2, gpt2, gemma2, windowed])
def test_each_architecture_gives_what_the_library_generates(tmp_path, make):
    engine = load_engine(make(tmp_path / "model"))
    (ours,) = engine.generate([CHAT], [[0]], GREEDY)
    fast = engine.path == "fast"
    engine.weights.set_attn_implementation("eager")
    (prompt,) = engine._prompts([CHAT])
    out = engine.weights.generate(torch.tensor([prompt]), do_sample=False, max_new_tokens=8)
    assert ours[0].text == engine.tokenizer.decode(out[0, len(prompt) :], skip_special_tokens=True)
    if fast:
        engine.weights.set_attn_implementation(GROUPED)
    (logs,) = engine.choose([CHAT], [[" glass", " wood"]])
    assert logs.shape == (2,)


def test_full_attention_takes_the_fast_path_soft_capped_and_windowed_attention_the_plain_one(tmp_path):
    made = (tiny_model, qwen2, gemma2, windowed)
    paths = {make.__name__: load_engine(make(tmp_path / make.__name__)).path for make in made}
    assert paths == {"tiny_model": "fast", "qwen2": "fast", "gemma2": "plain", "windowed": "plain"}


# --- names


def test_a_registered_name_is_found_wherever_a_model_is_named(home, tmp_path):
    tiny_model(tmp_path / "tiny")
    added = register(home, str(tmp_path / "tiny"), "mine")
    assert resolve_model("mine", home) == added
    assert added.hash == reference(tmp_path / "tiny", "x", "y").hash
    (row,) = listed(home)
    assert (row["name"], row["architecture"], row["hash"]) == ("mine", "LlamaForCausalLM", added.hash[:12])


def test_a_name_that_is_taken_or_no_name_is_refused(home, tmp_path):
    tiny_model(tmp_path / "tiny")
    qwen2(tmp_path / "qwen")
    register(home, str(tmp_path / "tiny"), "mine")
    register(home, str(tmp_path / "tiny"), "mine")  # the same again is nothing new
    with pytest.raises(BadInput, match="taken by"):
        register(home, str(tmp_path / "qwen"), "mine")
    for name in ("default", "../up", ""):
        with pytest.raises(BadInput, match="cannot be a model's name"):
            register(home, str(tmp_path / "qwen"), name or " ")


def test_the_commands_add_list_and_check(home, tmp_path):
    tiny_model(tmp_path / "tiny")
    runner = CliRunner()
    assert runner.invoke(cli, ["model", "add", str(tmp_path / "tiny"), "--json"]).exit_code == 0
    rows = json.loads(runner.invoke(cli, ["model", "list", "--json"]).stdout)
    assert [row["name"] for row in rows] == ["tiny"]
    checks = json.loads(runner.invoke(cli, ["model", "check", "tiny", "--json"]).stdout)
    by_name = {check["name"]: check for check in checks}
    assert by_name["fast path"]["ok"] and by_name["weights"]["ok"]
    assert "tokens/s" in by_name["generation"]["text"]


def test_a_model_without_a_fast_path_passes_its_check_and_is_told_so(home, tmp_path):
    model = gemma2(tmp_path / "gemma")
    done = CliRunner().invoke(cli, ["model", "check", model.path, "--json"])
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert done.exit_code == 0 and "the plain path, slower, is used" in checks["fast path"]["text"]


def test_a_broken_folder_fails_its_check_in_one_sentence(home, tmp_path):
    model = tiny_model(tmp_path / "tiny")
    weights = Path(model.path) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    *_, last = check_model(home, model.path)
    assert not last.ok
    assert "cut off" in last.text and "\n" not in last.text


# --- templates


def test_without_a_template_the_fallback_is_used_and_recorded(tmp_path):
    engine = load_engine(llama(tmp_path / "base", chat_template=None))
    assert render(engine.tokenizer, CHAT) == "System: Be brief.\n\nUser: What is a window made of?\n\nAssistant: "
    seen = engine.provenance()
    assert seen["template"] == "fallback"
    assert seen["template_hash"] != load_engine(tiny_model(tmp_path / "tiny")).provenance()["template_hash"]


def test_the_fallback_begins_as_the_tokenizer_begins_texts(tmp_path):
    from tokenizers.processors import TemplateProcessing

    model = llama(tmp_path / "base", chat_template=None)
    tokenizer = AutoTokenizer.from_pretrained(model.path)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|start|> $A", special_tokens=[("<|start|>", tokenizer.bos_token_id)]
    )
    tokenizer.save_pretrained(model.path)
    _, loaded = load_weights(model, [])
    assert render(loaded, CHAT).startswith("<|start|>System: ")
    assert loaded.chat_template.endswith(FALLBACK_TEMPLATE)


def test_a_system_turn_that_the_template_refuses_goes_into_the_first_user_turn(tmp_path):
    engine = load_engine(gemma2(tmp_path / "gemma"))
    text = render(engine.tokenizer, CHAT)
    assert text == "<|start|><|start|>user\nBe brief.\n\nWhat is a window made of?<|end|>\n<|start|>model\n"
    assert engine.provenance()["system_text"] == "first user turn"


def test_a_registered_template_overrides_and_makes_another_variant(home, tmp_path):
    plain = use_of(tiny_model(tmp_path / "tiny"))
    file = tmp_path / "mine.jinja"
    file.write_text(TEMPLATE.replace("assistant", "answer"))
    model = register(home, str(tmp_path / "tiny"), "mine", file)
    engine = load_engine(model)
    assert render(engine.tokenizer, CHAT).endswith("<|start|>answer\n")
    assert engine.provenance()["template"] == "registered"
    assert use_of(model).identity != plain.identity


def test_a_template_that_does_not_render_is_refused_before_it_is_registered(home, tmp_path):
    tiny_model(tmp_path / "tiny")
    for text in ("{% for m in %}", "no words of the user"):
        (tmp_path / "bad.jinja").write_text(text)
        with pytest.raises(ModelUnavailable, match="chat template") as raised:
            register(home, str(tmp_path / "tiny"), "mine", tmp_path / "bad.jinja")
        assert "\n" not in str(raised.value)
    assert listed(home) == []


# --- pad and end


def test_the_end_token_serves_as_padding_where_there_is_none(tmp_path):
    _, tokenizer = load_weights(llama(tmp_path / "m", pad_token=None), [])
    assert tokenizer.pad_token == "<|end|>"


def test_several_end_tokens_and_the_templates_own_all_end_a_turn(tmp_path):
    model = llama(tmp_path / "m", eos_token="<|start|>")  # the template ends turns with <|end|>
    config = json.loads((Path(model.path) / "generation_config.json").read_text())
    config["eos_token_id"] = [5, 6]
    (Path(model.path) / "generation_config.json").write_text(json.dumps(config))
    (config_file := Path(model.path) / "config.json").write_text(
        json.dumps(json.loads(config_file.read_text()) | {"eos_token_id": None})
    )
    engine = load_engine(model)
    start, end = engine.tokenizer.convert_tokens_to_ids(["<|start|>", "<|end|>"])
    assert engine.vocabulary.ends == {5, 6, start, end}
    assert engine.tokenizer.eos_token == "<|end|>", "training writes the token that ends a turn"


def test_training_learns_the_end_token_even_where_it_is_the_padding(home, tmp_path):
    model, dataset = llama(tmp_path / "m", pad_token="<|end|>"), toy_dataset(home, tmp_path)
    settings = SftSettings(steps=60, batch_size=4, learning_rate=1e-2)
    folder = done(home, run_config("sft", "sft", settings, {"dataset": dataset.id}, use_of(model)))
    tuned = load_engine(base_of(folder.config.model), [folder.adapter()])
    assert tuned.tokenizer.pad_token_id == tuned.tokenizer.eos_token_id
    from core.datasets import load_items
    from core.prompts import load_prompt, task_chat

    asked = [task_chat(load_prompt(settings.prompt), item) for item in load_items(dataset)[:6]]
    finishes = [group[0].finish for group in tuned.generate(asked, [[0]] * 6, Sampling(0.0, 1.0, 24))]
    assert finishes.count("end") >= 4, "a model that never saw the end token labelled would go on"


def test_a_tokenizer_larger_than_the_weights_is_refused(tmp_path):
    config = LlamaConfig(**common() | {"vocab_size": 64}, **SHAPE)
    model = save(tmp_path / "m", LlamaForCausalLM(config))
    with pytest.raises(ModelUnavailable, match="mixes two models"):
        load_weights(model, [])


# --- adapters from elsewhere


def done(home, config) -> RunFolder:
    folder = create_run(home, config)
    with Work(folder) as work:
        work.started()
        run_stage(work)
    return folder


def test_an_adapter_folder_is_a_variant_of_its_base(home, tmp_path):
    base = tiny_model(tmp_path / "tiny")
    model = register(home, str(adapter(tmp_path / "lora", base)), "tuned")
    use, dataset = use_of(model), toy_dataset(home, tmp_path)
    settings = SampleSettings(n=2, max_new_tokens=8, select=Selection(split="test"))
    parents = {"dataset": dataset.id}
    plain = done(home, run_config("sample", "base", settings, parents, use_of(base)))
    tuned = done(home, run_config("sample", "tuned", settings, parents, use))
    assert tuned.id != plain.id
    assert tuned.config.model.adapters[0].hash == model.adapters[0].hash
    assert tuned.result["summary"]["responses_hash"] != plain.result["summary"]["responses_hash"]
    (loaded,) = [event for event in tuned.events() if event["type"] == "loaded"]
    assert len(loaded["adapters"]) == 1
    assert model.adapters[0].hash[:12] in use.source


def test_a_model_without_adapters_keeps_the_ids_and_files_it_had():
    use = use_of(ModelRef(name="m", path="/here", hash="h", source="s"), "sft-1")
    assert use.identity == ["h", ["sft-1"]]
    assert use.model_dump() == {"name": "m", "hash": "h", "path": "/here", "source": "s", "chain": ["sft-1"]}


def test_an_adapter_that_changed_since_the_run_was_planned_is_refused(home, tmp_path):
    base = tiny_model(tmp_path / "tiny")
    model = register(home, str(adapter(tmp_path / "lora", base)), "tuned")
    adapter(tmp_path / "lora", base, r=2)
    with pytest.raises(ModelUnavailable, match="has changed"):
        adapters_of(home, use_of(model))


@pytest.mark.parametrize("other", [gpt2, lambda folder: wide(folder)], ids=["modules", "shapes"])
def test_an_adapter_of_another_base_is_refused_when_it_is_added(home, tmp_path, other):
    lora = adapter(tmp_path / "lora", tiny_model(tmp_path / "tiny"))
    other(tmp_path / "other")
    with pytest.raises(ModelUnavailable, match="does not fit its base") as raised:
        register(home, str(lora), "tuned", base=str(tmp_path / "other"))
    assert "\n" not in str(raised.value)
    with pytest.raises(ModelUnavailable, match="does not fit its base"):
        load_weights(reference(tmp_path / "other", "o", "s"), [lora])


def wide(folder: Path) -> ModelRef:
    """Layers of the same names as the tiny model's, and other widths."""
    return save(folder, LlamaForCausalLM(LlamaConfig(**common(), **SHAPE | {"hidden_size": 32})))


def test_an_adapter_says_its_base_or_is_told_it(home, tmp_path):
    base = tiny_model(tmp_path / "tiny")
    lora = adapter(tmp_path / "lora", base, named="/no/such/folder")
    with pytest.raises(ModelUnavailable, match="--base"):
        register(home, str(lora), "tuned")
    assert register(home, str(lora), "tuned", base=base.path).hash == base.hash


def test_pickled_adapters_are_refused(home, tmp_path):
    lora = adapter(tmp_path / "lora", tiny_model(tmp_path / "tiny"))
    (lora / "adapter_model.safetensors").rename(lora / "adapter_model.bin")
    with pytest.raises(ModelUnavailable, match="pickled"):
        register(home, str(lora), "tuned")


def test_merging_keeps_tied_heads_tied_and_refuses_a_change_of_one_of_them(tmp_path):
    base = qwen2(tmp_path / "tied")
    merged, _ = load_weights(base, [adapter(tmp_path / "lora", base)])
    assert merged.get_input_embeddings().weight is merged.get_output_embeddings().weight
    with pytest.raises(ModelUnavailable, match="shares between input and output"):
        load_weights(base, [adapter(tmp_path / "head", base, target_modules=["lm_head"])])


# --- dtype and memory


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
    assert sizes(Path(model.path))[:3] == (2, 64, 32)
    refuse_if_too_large(model, 4, 0, free=2 * memory.GIB)
    with pytest.raises(ModelUnavailable, match=r"tiny needs about \d+\.\d GiB .* 2\.0 GiB are free: "):
        refuse_if_too_large(model, 4, 28 * memory.GIB, free=2 * memory.GIB)


def test_a_batch_that_cannot_fit_is_refused_before_weights_are_read(tmp_path):
    model = tiny_model(tmp_path / "tiny")
    shutil.copy(Path(model.path) / "tokenizer.json", tmp_path)
    with pytest.raises(ModelUnavailable, match="GiB are free"):
        load_engine(model, cache_tokens=10**12)


# --- a second real model


@pytest.mark.model
@pytest.mark.timeout(600)
def test_a_second_real_model_samples_and_judges(home, tmp_path):
    folder = os.environ.get("ANCHORLAB_SECOND_MODEL")
    if not folder:
        pytest.skip("ANCHORLAB_SECOND_MODEL names no model folder.")
    use, dataset = use_of(register(home, folder, "second")), toy_dataset(home, tmp_path)
    settings = SampleSettings(n=2, max_new_tokens=24, select=Selection(split="test", limit=3))
    sampled = done(home, run_config("sample", "second", settings, {"dataset": dataset.id}, use))
    parents = {"dataset": dataset.id, "samples": sampled.id}
    judged = done(home, run_config("judge", "second", JudgeSettings(), parents, use))
    (loaded,) = [event for event in judged.events() if event["type"] == "loaded"]
    assert loaded["engine"] == "transformers (fast)"
    assert judged.result["summary"]["judgements"] == sampled.result["summary"]["explanations"] > 0
