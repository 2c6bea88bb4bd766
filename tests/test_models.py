"""Any model: names, checks, templates, end tokens."""

import json
from pathlib import Path

import pytest
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
from typer.testing import CliRunner

from core.cli import cli
from core.data.datasets import load_items
from core.engines import Chat, Message, Sampling
from core.engines.chats import ChatTokenizer
from core.engines.hf import load_engine
from core.engines.templates import FALLBACK_TEMPLATE
from core.engines.weights import load_weights
from core.errors import BadInput, ModelUnavailable
from core.models.checking import check_model
from core.models.finding import reference, resolve_model
from core.models.registering import listed, register
from core.models.variants import base_of, use_of
from core.prompts import load_prompt, task_chat
from core.runs.plan import run_config
from core.settings import SftSettings
from tests.architectures import SHAPE, common, gemma2, llama, qwen2, save
from tests.lab import done, toy_dataset
from tests.tiny import TEMPLATE, tiny_model

GREEDY = Sampling(temperature=0.0, top_p=1.0, max_new_tokens=8)
CHAT = Chat((Message("system", "Be brief."), Message("user", "What is a window made of?")))

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
    assert (
        ChatTokenizer(engine.tokenizer).text(CHAT)
        == "System: Be brief.\n\nUser: What is a window made of?\n\nAssistant: "
    )
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
    assert ChatTokenizer(loaded).text(CHAT).startswith("<|start|>System: ")
    assert loaded.chat_template.endswith(FALLBACK_TEMPLATE)


def test_a_system_turn_that_the_template_refuses_goes_into_the_first_user_turn(tmp_path):
    engine = load_engine(gemma2(tmp_path / "gemma"))
    text = ChatTokenizer(engine.tokenizer).text(CHAT)
    assert text == "<|start|><|start|>user\nBe brief.\n\nWhat is a window made of?<|end|>\n<|start|>model\n"
    assert engine.provenance()["system_text"] == "first user turn"


def test_a_registered_template_overrides_and_makes_another_variant(home, tmp_path):
    plain = use_of(tiny_model(tmp_path / "tiny"))
    file = tmp_path / "mine.jinja"
    file.write_text(TEMPLATE.replace("assistant", "answer"))
    model = register(home, str(tmp_path / "tiny"), "mine", file)
    engine = load_engine(model)
    assert ChatTokenizer(engine.tokenizer).text(CHAT).endswith("<|start|>answer\n")
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
    asked = [task_chat(load_prompt(settings.prompt), item) for item in load_items(dataset)[:6]]
    finishes = [group[0].finish for group in tuned.generate(asked, [[0]] * 6, Sampling(0.0, 1.0, 24))]
    assert finishes.count("end") >= 4, "a model that never saw the end token labelled would go on"


def test_a_tokenizer_larger_than_the_weights_is_refused(tmp_path):
    config = LlamaConfig(**common() | {"vocab_size": 64}, **SHAPE)
    model = save(tmp_path / "m", LlamaForCausalLM(config))
    with pytest.raises(ModelUnavailable, match="mixes two models"):
        load_weights(model, [])
