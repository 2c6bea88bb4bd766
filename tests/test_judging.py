"""Verdicts, scores and what is never scored, with a scripted judge."""

import math

import pytest

from core.engines.scripted import ScriptedEngine
from core.method.judging import PROMPTS, Judge, from_reply, read_verdicts
from core.prompts import load_prompt
from core.records import Explanation, Item, Option
from core.rubrics import load_rubric
from core.settings import JudgeSettings
from tests.reading import cases

RUBRIC = load_rubric("five_criteria")
ITEM = Item(
    id="q1",
    split="test",
    question="What is a window made of?",
    options=[Option(label=m, text=m) for m in ("wood", "glass")],
    gold="glass",
)


def response(explanation: str, parsed: str | None = "glass", sample: int = 0) -> Explanation:
    return Explanation(
        item_id="q1",
        sample=sample,
        response=explanation,
        explanation=explanation,
        parsed=parsed,
        forced=parsed,
        forced_probabilities=None,
        tokens=9,
        finish="end",
        seed=1,
    )


def judge(mode: str, reply=lambda chat, seed: "", weigh=lambda chat, option: 1.0, **settings) -> Judge:
    engine = ScriptedEngine(reply, weigh)
    return Judge(engine, load_prompt(PROMPTS[mode]), RUBRIC, JudgeSettings(mode=mode, **settings))


def test_probabilities_give_most_likely_verdicts_and_expected_score():
    weights = {" unsatisfactory": 0.1, " needs improvement": 0.2, " satisfactory": 0.3, " excellent": 0.4}
    row = judge("probabilities", weigh=lambda chat, option: weights[option]).judge([(ITEM, response("Clear."))])[0]
    assert row.total == 20
    assert row.expected == pytest.approx(5 * (0.1 + 0.4 + 0.9 + 1.6))
    assert [v.criterion for v in row.verdicts] == ["coherence", "clarity", "relevance", "depth", "accuracy"]
    assert row.verdicts[0].probabilities == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_each_criterion_is_asked_by_its_key_after_the_same_prompt():
    asked = []
    judge("probabilities", weigh=lambda chat, option: asked.append(chat) or 1.0).judge([(ITEM, response("Clear."))])
    assert {chat.opening for chat in asked} == {f"- {c.key}:" for c in RUBRIC.criteria}
    assert len({chat.messages for chat in asked}) == 1


def test_an_empty_explanation_is_unsatisfactory_by_rule_and_says_so():
    row = judge("probabilities").judge([(ITEM, response(""))])[0]
    assert (row.origin, row.total, row.expected) == ("rule", 5, 5.0)
    by_model = judge("probabilities", empty="judge").judge([(ITEM, response(""))])[0]
    assert by_model.origin == "model"


def test_order_is_kept_when_some_are_judged_by_rule():
    rows = judge("probabilities").judge([(ITEM, response(text, sample=k)) for k, text in enumerate(["a", "", "b"])])
    assert [(row.sample, row.origin) for row in rows] == [(0, "model"), (1, "rule"), (2, "model")]


def test_gold_is_hidden_from_the_judge_unless_asked_for():
    hidden = judge("probabilities").chat(ITEM, response("It is clear.", parsed="wood"))
    shown = judge("probabilities", show_gold=True).chat(ITEM, response("It is clear.", parsed="wood"))
    assert "Right answer" not in hidden.messages[-1].content
    assert "Right answer: glass" in shown.messages[-1].content


def test_the_reader_never_sees_the_answer_line_and_scores_the_gold_option():
    reader = judge("reader", weigh=lambda chat, option: {" wood": 1.0, " glass": 3.0}[option])
    row = reader.judge([(ITEM, response("It lets light in.", parsed="wood"))])[0]
    assert row.expected == pytest.approx(math.log(0.75))
    assert row.total is None
    assert (row.verdicts[0].criterion, row.verdicts[0].verdict) == ("reader", "glass")
    chat = reader.chat(ITEM, response("It lets light in.", parsed="wood"))
    assert "Answer: wood" not in chat.messages[-1].content


def test_the_reader_has_no_score_without_gold():
    row = judge("reader").judge([(ITEM.model_copy(update={"gold": None}), response("Clear."))])[0]
    assert row.expected is None
    assert row.unjudged


ALL_GOOD = "\n".join(f"{c.name}: satisfactory" for c in RUBRIC.criteria)


def test_a_written_reply_gives_a_total_and_keeps_its_words():
    row = judge("written", reply=lambda chat, seed: f"It is fine.\n{ALL_GOOD}").judge([(ITEM, response("Clear."))])[0]
    assert (row.total, row.expected) == (15, None)
    assert row.reply.startswith("It is fine.")


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "It is all excellent.",
        ALL_GOOD.replace("Clarity: satisfactory", "Clarity: 3"),
        ALL_GOOD + "\nClarity: excellent",
        ALL_GOOD.replace("Clarity: satisfactory", "Clarity: unsatisfactory or satisfactory"),
    ],
)
def test_a_reply_that_cannot_be_read_has_no_score_and_is_never_a_middling_one(reply):
    row = from_reply(response("Clear."), RUBRIC, reply)
    assert row.total is None
    assert row.expected is None
    assert row.reply == reply
    assert "Clarity" in row.unjudged


def test_the_prompts_own_words_are_never_read_as_a_verdict():
    asked = judge("written").chat(ITEM, response("Clear."))
    assert "excellent" in asked.messages[0].content
    row = judge("written", reply=lambda chat, seed: "I cannot judge this.").judge([(ITEM, response("Clear."))])[0]
    assert row.total is None


@pytest.mark.parametrize("criterion", [c.key for c in RUBRIC.criteria])
def test_every_form_of_a_written_verdict_is_read_or_left_unread(criterion):
    asked = [case for case in cases("verdicts") if case["criterion"] == criterion]
    found = [(case["reply"], read_verdicts(case["reply"], RUBRIC)[criterion]) for case in asked]
    assert found == [(case["reply"], case["verdict"]) for case in asked]


def test_a_draft_in_a_thought_is_no_verdict():
    drafted = f"<think>\n{ALL_GOOD}\n</think>\nI cannot say."
    assert from_reply(response("Clear."), RUBRIC, drafted).total is None
    decided = drafted.replace("I cannot say.", ALL_GOOD.replace("satisfactory", "excellent"))
    row = from_reply(response("Clear."), RUBRIC, decided)
    assert (row.total, row.reply) == (20, decided)
