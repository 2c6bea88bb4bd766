"""Servers that refuse, leave out or add what others do not: found by the probe, a fallback each, said on the run."""

import json

import numpy as np
import pytest

from core.engines import Sampling
from core.engines.hf import beyond_thoughts
from core.engines.probing import alternatives
from core.engines.server import open_server
from core.engines.wire import Wire
from core.errors import LabError
from core.method.parsing import answer_is_complete
from core.models.checking import check_model
from core.models.registering import register_server
from core.models.variants import use_of
from core.records import Explanation, Judgement
from core.runs.plan import run_config
from core.settings import SampleSettings, Selection
from core.store.database import open_store
from core.store.queries import notes
from tests.lab import toy_dataset
from tests.serving import CHATS, GREEDY, QUESTIONS, VERDICTS, done, judging, model_on
from tests.wire_server import KEYS

DRAWN = Sampling(temperature=0.8, top_p=0.9, max_new_tokens=6)
REFUSED = (400, 404, 422, 500, 501)


def message(**fields):
    """A reshaping of all answers: their messages are these."""

    def reshape(answer):
        for choice in answer["choices"]:
            choice["message"] = {"role": "assistant", **fields}

    return reshape


def reply(server, chat=QUESTIONS[0], sampling=GREEDY, stop=None):
    """One reply of the server."""
    ((said,),) = open_server(model_on(server.url)).generate([chat], [[1]], sampling, stop)
    return said


# --- requests that are refused


@pytest.mark.parametrize(
    ("quirk", "said"),
    [
        ("one token", None),
        ("max_tokens", None),
        ("temperature", "refuses temperature: it is not sent"),
        ("top_p", "refuses top_p: it is not sent"),
        ("both", "top_p alone is sent where the temperature is 1"),
        ("system", "its text stands at the beginning of the first user turn"),
        ("seed", "replies are drawn without one"),
        ("n", None),
        ("begun", None),
    ],
)
def test_what_a_server_refuses_is_done_otherwise_and_said(wire_server, quirk, said):
    for status in (400, 500) if said else (400,):
        wire_server.clear()
        wire_server.quirks = {quirk: status}
        engine = open_server(model_on(wire_server.url))
        before = len(wire_server.requests)
        assert len(engine.generate(QUESTIONS, [[1, 2], [3, 4]], DRAWN)[1]) == 2
        sent = wire_server.requests[before:]
        assert all("Is it" in body["messages"][-1]["content"] for body in sent)
        assert not said or any(said in text for text in engine.found.fallbacks)
    assert said or not engine.found.fallbacks


@pytest.mark.parametrize("status", REFUSED)
@pytest.mark.parametrize("quirk", ["logprobs", "n", "begun", "seed"])
def test_an_optional_probe_may_fail_with_any_status(wire_server, quirk, status):
    wire_server.quirks = {quirk: status}
    found = open_server(model_on(wire_server.url)).found
    assert {"logprobs": found.listed == 0, "n": not found.many, "begun": not found.goes_on}.get(quirk, True)
    assert (found.seeds == "are refused") == (quirk == "seed")


def test_of_two_that_are_refused_together_the_one_that_draws_is_sent(wire_server):
    wire_server.quirks = {"both": 400}
    engine = open_server(model_on(wire_server.url))
    for asked, sent in (((0.8, 0.9), "temperature"), ((1.0, 0.9), "top_p"), ((0.0, 1.0), "temperature")):
        engine.generate(QUESTIONS[:1], [[1]], Sampling(*asked, 4))
        assert {"temperature", "top_p"} & set(wire_server.requests[-1]) == {sent}


def test_the_system_text_moves_into_the_first_user_turn(wire_server):
    wire_server.quirks = {"system": 400}
    open_server(model_on(wire_server.url)).generate(QUESTIONS[:1], [[1]], GREEDY)
    (turn,) = wire_server.requests[-1]["messages"]
    assert turn["role"] == "user" and turn["content"].startswith("You judge.\n\nIs it wood?")


def test_a_server_that_refuses_one_token_still_gives_probabilities(wire_server, here):
    wire_server.quirks = {"one token": 400}
    engine = open_server(model_on(wire_server.url))
    assert engine.found.least == 16
    ours, its = engine.choose(CHATS[:1], VERDICTS[:1])[0], here.choose(CHATS[:1], VERDICTS[:1])[0]
    assert np.exp(ours) == pytest.approx(np.exp(its), abs=1e-4)


@pytest.mark.parametrize("content", ["", "\n", "  \n "])
def test_a_reply_that_ended_with_nothing_but_blanks_is_an_empty_one(wire_server, content):
    wire_server.reshape = message(content=content)
    assert reply(wire_server).text == content


def never_silent(answer: dict) -> None:
    for choice in answer["choices"]:
        if not choice["message"]["content"].strip():
            choice["message"]["content"] = "It is clear."


def test_all_refusals_at_once_sample_and_judge_and_stand_on_the_page_and_in_the_check(wire_server, home, tmp_path):
    wire_server.quirks = dict.fromkeys(("temperature", "top_p", "system", "seed", "n", "logprobs", "max_tokens"), 400)
    wire_server.reshape = never_silent  # without seeds the tiny model may end at once
    model = model_on(wire_server.url)
    settings = SampleSettings(n=2, max_new_tokens=6, forced=False, select=Selection(split="test", limit=2))
    config = run_config("sample", "strong", settings, {"dataset": toy_dataset(home, tmp_path).id}, use_of(model))
    drawn = done(home, config)
    done(home, judging(drawn, model))
    with open_store(home) as store:
        store.ingest()
        said = " ".join(notes(store, drawn.id))
    for what in ("refuses temperature", "refuses top_p", "refuses the system role", "refuses seeds"):
        assert said.count(what) == 1
    register_server(home, "strong", model.server)
    lines = " ".join(check.text for check in check_model(home, "strong") if check.name == "fallback")
    assert "refuses temperature" in lines and "refuses seeds" in lines


# --- answers of other shapes


@pytest.mark.parametrize(
    "usage", [None, {}, {"prompt_tokens": None}, {"completion_tokens": "many"}, {"total_tokens": 9}]
)
def test_tokens_that_are_not_reported_are_estimated(wire_server, usage):
    wire_server.reshape = lambda answer: answer.update(usage=usage)
    engine = open_server(model_on(wire_server.url))
    ((said,),) = engine.generate(QUESTIONS[:1], [[1]], GREEDY)
    assert (said.tokens, said.prompt_tokens) == (-(-len(said.text.encode()) // 4), 0)
    assert any("does not report tokens" in text for text in engine.found.fallbacks)


def test_a_content_of_parts_is_their_text_and_their_thoughts(wire_server):
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Wood? "}]},
        {"type": "reasoning", "reasoning": "No."},
        {"type": "text", "text": "It is clear.\n"},
        {"type": "text", "text": "Answer: glass"},
    ]
    wire_server.reshape = message(content=parts)
    said = reply(wire_server)
    assert (said.text, said.thought) == ("It is clear.\nAnswer: glass", "Wood? No.")


@pytest.mark.parametrize("top", [{"logprob": None}, {"token": None}, {"logprob": "low"}])
def test_a_logarithm_that_is_missing_is_no_probability(wire_server, top):
    def reshape(answer):
        for choice in answer["choices"]:
            if logs := choice.get("logprobs"):
                logs["content"][0]["top_logprobs"][0].update(top)

    wire_server.reshape = reshape
    engine = open_server(model_on(wire_server.url))
    assert engine.found.listed == 19
    engine.choose(CHATS[:1], VERDICTS[:1])


@pytest.mark.parametrize("logs", [None, {}, {"content": None}, {"content": []}, {"content": [{"token": "a"}]}])
def test_logarithms_that_are_not_there_are_none(wire_server, logs):
    wire_server.reshape = lambda answer: [choice.update(logprobs=logs) for choice in answer["choices"]]
    answer = Wire(model_on(wire_server.url).server).ask(
        {"messages": [{"role": "user", "content": "?"}], "max_tokens": 1}
    )
    assert alternatives(answer) == []
    assert "no log-probabilities" in open_server(model_on(wire_server.url)).cannot_choose(())


# --- thoughts


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize("content", ["", None, "  "])
def test_a_thought_without_text_fails_or_is_read_by_the_setting_and_is_never_an_empty_explanation(
    wire_server, home, tmp_path, field, content
):
    wire_server.reshape = message(content=content, **{field: "It is clear.\nAnswer: glass"})
    dataset, use = toy_dataset(home, tmp_path), use_of(model_on(wire_server.url))
    asked = {"n": 1, "max_new_tokens": 6, "forced": False, "select": Selection(split="test", limit=2)}
    with pytest.raises(LabError, match=r"a thought without any text.*only_thought"):
        done(home, run_config("sample", "strong", SampleSettings(**asked), {"dataset": dataset.id}, use))
    reading = SampleSettings(**asked, only_thought="read")
    rows = done(home, run_config("sample", "strong", reading, {"dataset": dataset.id}, use)).read(
        "explanations", Explanation
    )
    assert [(row.explanation, row.thought) for row in rows] == [("It is clear.", None)] * 2
    assert "only_thought" not in SampleSettings().model_dump(mode="json")


THOUGHT = [
    ("<think>Answer: wood\n</think>\n\nIt is clear.\nAnswer: glass", "It is clear.\nAnswer: glass"),
    ("Answer: wood\n</think>It is clear.\nAnswer: glass", "It is clear.\nAnswer: glass"),
    ("<think>Answer: wood\nIs it?", ""),
]


@pytest.mark.parametrize(("written", "text"), THOUGHT)
def test_a_thought_in_the_text_is_cut_off_and_kept(wire_server, written, text):
    wire_server.reshape = message(content=written)
    said = reply(wire_server, stop=answer_is_complete)
    assert said.text == text and said.thought.startswith(written.partition("</think>")[0])


def test_thoughts_of_a_model_here_are_cut_off_by_the_same_function_and_stop_nothing(here):
    ids = [here.tokenizer(written, add_special_tokens=False)["input_ids"] for written, _ in THOUGHT]
    for tokens, (_, text) in zip(ids, THOUGHT, strict=True):
        row = type("Row", (), {"tokens": tokens, "finish": "end"})
        said = here._generation(row, 3)
        assert said.text == text and said.thought.startswith(("<think>Answer: wood", "Answer: wood"))
    stop = beyond_thoughts(answer_is_complete)
    assert not stop("<think>Answer: wood\n") and stop("<think>Answer: wood\n</think>Clear.\nAnswer: glass\n")


def test_tags_that_are_special_tokens_are_seen(here):
    """Skipped as special tokens are, they would leave the thought to be read as the reply."""
    here.tokenizer.add_special_tokens({"additional_special_tokens": ["<think>", "</think>"]})
    try:
        here.__dict__.pop("vocabulary", None)
        tokens = here.tokenizer("<think>wood?</think>glass<|end|>", add_special_tokens=False)["input_ids"]
        said = here._generation(type("Row", (), {"tokens": tokens, "finish": "end"}), 3)
        assert (said.text, said.thought) == ("glass", "<think>wood?</think>")
    finally:
        here.__dict__.pop("vocabulary", None)


def test_a_cut_off_thought_is_no_empty_explanation_and_is_unjudged(wire_server, home, tmp_path, judge_model):
    wire_server.reshape = message(content="<think>It is glass.\nAnswer: glass\nOr is it")
    dataset = toy_dataset(home, tmp_path)
    settings = SampleSettings(n=1, max_new_tokens=6, forced=False, select=Selection(split="test", limit=2))
    config = run_config("sample", "strong", settings, {"dataset": dataset.id}, use_of(model_on(wire_server.url)))
    drawn = done(home, config)
    rows = drawn.read("explanations", Explanation)
    assert [(row.response, row.parsed, row.thought[:7]) for row in rows] == [("", None, "<think>")] * 2
    assert drawn.result["summary"]["only_thought"] == 2
    for mode in ("probabilities", "written", "reader"):
        judged = done(home, judging(drawn, judge_model, empty="rule", mode=mode, max_new_tokens=4)).read(
            "judgements", Judgement
        )
        assert [(row.origin, row.total, row.expected) for row in judged] == [("model", None, None)] * 2
        assert all("cut off" in row.unjudged for row in judged)
    with open_store(home) as store:
        store.ingest()
        assert [row[0][:7] for row in store.rows("SELECT thought FROM explanations WHERE run = ?", [drawn.id])] == [
            "<think>"
        ] * 2


def test_a_verdict_tried_in_a_thought_is_not_the_verdict(wire_server, samples, home):
    lines = "\n".join(f"- {key}: unsatisfactory" for key in KEYS)
    wire_server.reshape = message(content=f"<think>{lines}</think>{lines.replace('unsatisfactory', 'excellent')}")
    model = model_on(wire_server.url)
    assert "thinks before it answers" in str(open_server(model).cannot_choose(()))
    folder = done(home, judging(samples, model, max_new_tokens=24))
    rows = folder.read("judgements", Judgement)
    assert [row.total for row in rows] == [20] * 6 and all("unsatisfactory" in row.thought for row in rows)
    wire_server.reshape = message(content=f"<think>{lines}")
    cut = done(home, judging(samples, model, max_new_tokens=25)).read("judgements", Judgement)
    assert [row.total for row in cut] == [None] * 6 and all(row.unjudged for row in cut)
    assert json.loads(cut[0].model_dump_json())["reply"] == ""
