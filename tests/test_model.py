"""The default model, for real: equal to the library's own generation, and once through sample, judge and pairs."""

import math

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from core.data.datasets import import_dataset, load_items, load_settings, select_items
from core.engines import Sampling
from core.engines.hf import PlainReader, load_engine
from core.engines.weights import load_weights
from core.errors import ModelUnavailable
from core.home import SAMPLES
from core.models.variants import use_of
from core.prompts import load_prompt, task_chat
from core.records import CATEGORIES, Dropped, Explanation, Judgement, Pair
from core.runs.folders import RunFolder, create_run
from core.runs.plan import run_config
from core.runs.work import Work
from core.runs.worker import run_stage
from core.settings import Example, JudgeSettings, PairSettings, SampleSettings, Selection
from core.store.database import open_store
from tests.model import fetched
from tests.test_adapters import small

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]

QUESTIONS = Selection(split="test", limit=4)


@pytest.fixture(scope="module")
def model():
    try:
        return fetched()
    except ModelUnavailable as error:
        pytest.skip(f"the default model cannot be had: {error}")


@pytest.fixture
def dataset(home) -> RunFolder:
    return import_dataset(home, *load_settings(SAMPLES / "material.toml"))


def chats(dataset: RunFolder):
    examples = [Example.model_validate(example) for example in dataset.config.settings["examples"]]
    asked = select_items(load_items(dataset), QUESTIONS)
    return [task_chat(load_prompt("explain"), item, examples) for item in asked]


def test_greedy_responses_and_log_probabilities_are_the_librarys_own(model, dataset):
    engine = load_engine(model)
    assert engine.path == "fast"
    asked = chats(dataset)[:3]
    greedy = Sampling(temperature=0.0, top_p=1.0, max_new_tokens=24)
    ours = [group[0].text for group in engine.generate(asked, [[0]] * len(asked), greedy)]
    prompts = engine._prompts(asked)
    packed = engine._reader.logits(prompts)

    engine.weights.set_attn_implementation("sdpa")
    for text, prompt in zip(ours, prompts, strict=True):
        out = engine.weights.generate(torch.tensor([prompt]), do_sample=False, max_new_tokens=24)
        assert text == engine.tokenizer.decode(out[0, len(prompt) :], skip_special_tokens=True)
    separate = PlainReader(engine.weights).logits(prompts)
    for prompt in prompts:
        difference = packed[prompt].log_softmax(-1) - separate[prompt].log_softmax(-1)
        assert difference.abs().max() < 1e-3


def test_adapters_of_the_real_model_are_whole_in_bf16(model, tmp_path, monkeypatch):
    """What is served is what the library computes with the adapter beside the weights, to the last bit of rounding."""
    monkeypatch.setenv("ANCHORLAB_DTYPE", "bfloat16")
    lora = small(model, tmp_path / "lora")
    served, tokenizer = load_weights(model, [lora])
    ids = torch.tensor(
        [tokenizer("A window is made of glass, since light has to come in. A door is not.")["input_ids"]]
    )
    theirs = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(model.path, dtype=torch.bfloat16), lora)
    with torch.no_grad():
        ours, expected, bare = served(ids).logits, theirs(ids).logits, load_weights(model, [])[0](ids).logits
    assert torch.equal(ours, expected)
    assert (ours - bare).abs().mean() > 0.01, "the adapter has an effect"


def done(home, config) -> RunFolder:
    folder = create_run(home, config)
    with Work(folder) as work:
        work.started()
        run_stage(work)
    return folder


def test_sample_judge_and_pairs_on_the_real_model(home, model, dataset):
    parents = {"dataset": dataset.id}
    use = use_of(model)
    sampled = done(
        home, run_config("sample", "base", SampleSettings(select=QUESTIONS, max_new_tokens=32), parents, use)
    )
    rows = sampled.read("explanations", Explanation)
    assert len(rows) == 4 * 4
    assert len({row.response for row in rows}) > 8, "samples of a question differ"
    assert sum(row.parsed is not None for row in rows) >= 4, "two worked examples bring the answer line"
    assert all(row.forced for row in rows)

    judged = done(home, run_config("judge", "base", JudgeSettings(), {**parents, "samples": sampled.id}, use))
    for row in judged.read("judgements", Judgement):
        assert len(row.verdicts) == 5
        assert 5 <= row.expected <= 20
        assert all(math.isclose(sum(verdict.probabilities), 1, abs_tol=1e-4) for verdict in row.verdicts)

    roles = {**parents, "samples": sampled.id, "judgements": judged.id}
    paired = done(home, run_config("pairs", "rank", PairSettings(strategy="rank", right_by="forced"), roles))
    pairs, dropped = paired.read("pairs", Pair), paired.read("dropped", Dropped)
    assert len(pairs) + len(dropped) == 4
    assert all(pair.chosen.score > pair.rejected.score for pair in pairs)

    with open_store(home) as store:
        store.ingest()
        assert store.rows("SELECT count(*) FROM verdicts")[0][0] == 4 * 4 * 5
        assert {row[0] for row in store.rows("SELECT forced FROM categories")} <= set(CATEGORIES)
        assert store.rows("SELECT count(*) FROM pairs")[0][0] == len(pairs)
