"""The fast paths give what the library gives, row by row and bit by token."""

import numpy as np
import pytest
import torch

from core.engines import Chat, Message, Sampling
from core.engines.choosing import PrefixReader
from core.engines.decoding import GROUPED
from core.engines.hf import PlainReader, load_engine, plain_rows
from tests.tiny import tiny_model

GREEDY = Sampling(temperature=0.0, top_p=1.0, max_new_tokens=12)
WARM = Sampling(temperature=0.8, top_p=0.9, max_new_tokens=12)


def chat(question: str, opening: str = "") -> Chat:
    return Chat((Message("system", "Answer."), Message("user", question)), opening)


CHATS = [chat("What is a window made of?"), chat("What is a log?"), chat("What is a coin made of, do you think?")]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    engine = load_engine(tiny_model(tmp_path_factory.mktemp("tiny")))
    assert engine.path == "fast"
    return engine


def texts(groups) -> list[list[str]]:
    return [[g.text for g in group] for group in groups]


def test_greedy_equals_the_librarys_generate(engine):
    ours = engine.generate(CHATS, [[0]] * 3, GREEDY)
    engine.weights.set_attn_implementation("sdpa")
    for mine, prompt in zip(ours, engine._prompts(CHATS), strict=True):
        out = engine.weights.generate(
            torch.tensor([prompt]), do_sample=False, max_new_tokens=12, pad_token_id=engine.tokenizer.pad_token_id
        )
        text = engine.tokenizer.decode(out[0, len(prompt) :], skip_special_tokens=True)
        assert mine[0].text == text
    engine.weights.set_attn_implementation(GROUPED)


def test_a_row_depends_on_its_chat_and_seed_alone(engine):
    together = texts(engine.generate(CHATS, [[1, 2, 3], [4], [5, 6]], WARM))
    alone = texts(engine.generate(CHATS[2:], [[5, 6]], WARM))
    assert together[2] == alone[0]
    assert [len(group) for group in together] == [3, 1, 2]
    assert together == texts(engine.generate(CHATS, [[1, 2, 3], [4], [5, 6]], WARM))
    assert len({text for group in together for text in group}) > 1


def test_the_plain_path_draws_the_same_rows(engine):
    prompts, seeds = engine._prompts(CHATS), [[1, 2], [3], [4]]
    fast = texts(engine.generate(CHATS, seeds, WARM))
    engine.weights.set_attn_implementation("sdpa")
    rows = plain_rows(engine.weights, engine.vocabulary, prompts, seeds, WARM, None)
    engine.weights.set_attn_implementation(GROUPED)
    assert [engine.vocabulary.decode(row.tokens) for row in rows] == [text for group in fast for text in group]


def test_stop_ends_a_row_when_a_line_break_completes_it(engine):
    long = Sampling(temperature=1.5, top_p=1.0, max_new_tokens=200)
    free = engine.generate(CHATS[:1], [list(range(8))], long)[0]
    stopped = engine.generate(CHATS[:1], [list(range(8))], long, lambda text: True)[0]
    assert any(g.finish == "stop" for g in stopped)
    for whole, cut in zip(free, stopped, strict=True):
        assert whole.text.startswith(cut.text)
        assert cut.finish != "stop" or cut.text.count("\n") >= 1


def test_packed_prompts_give_the_logits_of_separate_ones(engine):
    openings = ["Clarity:", "Depth:", "It is clear.\nAnswer:", ""]
    prompts = engine._prompts([chat(f"What is {thing} made of?", o) for thing in ("a", "it") for o in openings])
    packed = PrefixReader(engine.weights).logits(prompts)
    engine.weights.set_attn_implementation("sdpa")
    separate = PlainReader(engine.weights).logits(prompts)
    engine.weights.set_attn_implementation(GROUPED)
    for prompt in prompts:
        difference = packed[prompt].log_softmax(-1) - separate[prompt].log_softmax(-1)
        assert difference.abs().max() < 1e-4


def test_choice_is_decoding_restricted_to_the_options(engine):
    options = [" glass", " wood", " wooden", " metal"]
    (logs,) = engine.choose(CHATS[:1], [options])
    assert np.exp(logs).sum() == pytest.approx(1.0)
    (reordered,) = engine.choose(CHATS[:1], [options[::-1]])
    assert reordered[::-1] == pytest.approx(logs)


def test_a_kept_prefix_serves_other_prompts_and_a_foreign_one_is_dropped(engine):
    for question in ("What is a window made of?", "Is it?", "What is a window made of?"):
        asked = [chat(question, "Clarity:"), chat(question, "Depth:")]
        again = engine.choose(asked, [[" glass", " wood"]] * 2)
        fresh = load_engine(engine.model).choose(asked, [[" glass", " wood"]] * 2)
        assert np.array(again) == pytest.approx(np.array(fresh), abs=1e-5)
