"""Other architectures: what the fast paths give is what the library gives, and a second real model for real."""

import os

import pytest
import torch
from transformers import AttentionInterface

from core.engines import Chat, Message, Sampling
from core.engines.decoding import GROUPED
from core.engines.hf import load_engine
from core.models.registering import register
from core.models.variants import use_of
from core.runs.plan import run_config
from core.settings import JudgeSettings, SampleSettings, Selection
from tests.architectures import gemma2, gpt2, qwen2, windowed
from tests.lab import done, toy_dataset
from tests.tiny import tiny_model

GREEDY = Sampling(temperature=0.0, top_p=1.0, max_new_tokens=8)
CHAT = Chat((Message("system", "Be brief."), Message("user", "What is a window made of?")))


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


def test_in_bf16_a_fast_path_may_differ_by_rounding_and_by_no_more(tmp_path, monkeypatch):
    monkeypatch.setenv("ANCHORLAB_DTYPE", "bfloat16")
    model = tiny_model(tmp_path / "model")
    assert load_engine(model).path == "fast"
    real = AttentionInterface()[GROUPED]
    monkeypatch.setitem(
        AttentionInterface._global_mapping, GROUPED, lambda *a, scaling, **k: real(*a, scaling=0.5 * scaling, **k)
    )
    assert load_engine(model).path == "plain", "attention at half its scale is no rounding"


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
