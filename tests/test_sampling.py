"""Responses into explanations and predictions, with a scripted model."""

import pytest

from core.engines.scripted import ScriptedEngine
from core.method.sampling import Sampler, summarise
from core.prompts import load_prompt
from core.records import Item, Option
from core.settings import Example, SampleSettings

OPTIONS = [Option(label=m, text=m) for m in ("wood", "glass")]
ITEMS = [
    Item(id=f"q{i}", split="test", question=f"Question {i}?", options=OPTIONS, gold=gold)
    for i, gold in enumerate(["glass", "wood"])
]
EXAMPLES = [Example(question="Example?", explanation="Because.", answer="wood")]


def sampler(reply, weigh=lambda chat, option: 1.0, **settings) -> Sampler:
    chosen = SampleSettings(**({"n": 2} | settings))
    return Sampler(ScriptedEngine(reply, weigh), load_prompt(chosen.prompt), EXAMPLES, chosen)


def test_a_readable_answer_is_the_prediction_and_is_not_forced():
    rows, _ = sampler(lambda chat, seed: "It is clear.\nAnswer: glass").sample(ITEMS)
    assert [(r.item_id, r.sample) for r in rows] == [("q0", 0), ("q0", 1), ("q1", 0), ("q1", 1)]
    assert {(r.explanation, r.parsed, r.forced) for r in rows} == {("It is clear.", "glass", "glass")}
    assert all(r.forced_probabilities is None for r in rows)


def test_an_unreadable_answer_is_forced_after_the_explanation_and_marked():
    asked = []

    def weigh(chat, option):
        asked.append(chat.opening)
        return {" wood": 3.0, " glass": 1.0}[option]

    rows, _ = sampler(lambda chat, seed: "It is clear.", weigh).sample(ITEMS[:1])
    assert {(r.parsed, r.forced) for r in rows} == {(None, "wood")}
    assert rows[0].forced_probabilities == pytest.approx([0.75, 0.25])
    assert set(asked) == {"It is clear.\nAnswer:"}


def test_without_forcing_an_unreadable_answer_stays_null():
    rows, _ = sampler(lambda chat, seed: "It is clear.", forced=False).sample(ITEMS)
    assert {(r.parsed, r.forced) for r in rows} == {(None, None)}


def test_the_debater_is_shown_the_right_answer_and_the_explainer_is_not():
    explainer = sampler(lambda chat, seed: "")
    debater = sampler(lambda chat, seed: "", role="debater", prompt="debater")
    assert "right answer" not in explainer.chat(ITEMS[0]).messages[-1].content
    assert "The right answer is: glass" in debater.chat(ITEMS[0]).messages[-1].content


def test_worked_examples_stand_before_the_question_as_turns():
    roles = [message.role for message in sampler(lambda chat, seed: "").chat(ITEMS[0]).messages]
    assert roles == ["system", "user", "assistant", "user"]


def test_a_draw_depends_on_question_sample_and_seed_alone():
    seen = {}

    def reply(chat, seed):
        seen.setdefault(chat.messages[-1].content, []).append(seed)
        return "x"

    sampler(reply).sample(ITEMS)
    both = dict(seen)
    seen.clear()
    sampler(reply).sample(ITEMS[1:])
    (content,) = seen
    assert seen[content] == both[content]
    seen.clear()
    sampler(reply, seed=1).sample(ITEMS[1:])
    assert seen[content] != both[content]


def test_the_summary_counts_unparsed_as_incorrect():
    rows, _ = sampler(lambda chat, seed: "Answer: glass" if seed % 2 else "hm").sample(ITEMS)
    summary = summarise(rows, ITEMS)
    assert summary["explanations"] == 4
    assert summary["unparsed"] == sum(r.parsed is None for r in rows)
    assert summary["right_parsed"] == sum(r.parsed == "glass" for r in rows if r.item_id == "q0")


def test_rows_say_why_no_answer_was_read_and_the_summary_counts_it():
    rows, _ = sampler(lambda chat, seed: "Answer: glass or wood\n").sample(ITEMS)
    assert {(row.parsed, row.unread, row.reading) for row in rows} == {(None, "alternatives", 2)}
    summary = summarise(rows, ITEMS)
    assert (summary["unread"], summary["readings"]) == ({"alternatives": 4}, {"2": 4})
