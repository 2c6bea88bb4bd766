"""Reading responses: what counts as an answer, what is left as the explanation, and what is never guessed."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.method.parsing import answer_is_complete, parse_response, read_option, read_response
from core.records import Option, Unread
from tests.reading import OPTIONS, cases, expected

MATERIALS = [Option(label=m, text=m) for m in ("wood", "metal", "glass")]
LETTERS = [Option(label=letter, text=text) for letter, text in zip("ABCD", ("21", "a net", "None", "21"), strict=True)]


@pytest.mark.parametrize("options", OPTIONS)
def test_every_form_of_an_answer_is_read_or_left_unread_with_its_reason(options):
    wrong = []
    for case in (case for case in cases("responses") if case["options"] == options):
        reading = read_response(case["response"], OPTIONS[options])
        label, reason = expected(case["reads"])
        if reading.label != label or (label is None and reason not in ("", reading.unread)):
            wrong.append((case["response"], case["reads"], reading.label or reading.unread))
    assert not wrong


def test_every_reason_has_a_case():
    reasons = {expected(case["reads"])[1] for case in cases("responses")}
    assert reasons - {""} == set(get_args(Unread)) - {"cut_off"}


@pytest.mark.parametrize(
    ("response", "explanation", "label"),
    [
        ("It is clear.\nAnswer: glass", "It is clear.", "glass"),
        ("It is clear.\nanswer:  **Glass**.", "It is clear.", "glass"),
        ("It is clear.\n**Answer:** glass\n\nmore", "It is clear.\nmore", "glass"),
        ("Answer: wood", "", "wood"),
        ("", "", None),
        ("The answer is glass.", "", "glass"),
        ("It is clear.\nAnswer: marble", "It is clear.", None),
        ("It is clear.\nAnswer: glass or metal", "It is clear.", None),
        ("It is clear.\nAnswer:", "It is clear.", None),
        ("One.\nAnswer: wood\nTwo.\nAnswer: metal", "One.\nTwo.", None),
        ("It can be turned. Answer: glass", "It can be turned.", "glass"),
        ("Turned.\nAnd *clear.* **Answer:** Glass.\n", "Turned.\nAnd *clear.*", "glass"),
        ("It can be turned. Answer: glass\nAnswer: wood", "It can be turned.", None),
        ("It can be turned. Answer: marble", "It can be turned.", None),
        ("Turned. Answer: glass, as it is clear.", "Turned. as it is clear.", "glass"),
        ("It can be turned. Answer: glass\nor so.", "It can be turned.\nor so.", "glass"),
        ("It can be turned. Answer: wood. Answer: glass", "It can be turned.", None),
        ("So the answer: glass", "", "glass"),
        ("Answer: glass because it is clear", "because it is clear", "glass"),
        ("Answer: glass\nIt lets light in.", "It lets light in.", "glass"),
        ("Clear, so the answer is $\\boxed{\\text{glass}}$.", "Clear", "glass"),
        ("Clear.\n<answer>\nglass\n</answer>", "Clear.", "glass"),
        ("Clear.\nThe answer is glass.\nIt is sand.\nFinal answer: glass", "Clear.\nIt is sand.", "glass"),
        ('{"reason": "It is clear.", "answer": "glass"}', "It is clear.", "glass"),
        ("No wood. The wood says otherwise.", "No wood. The wood says otherwise.", None),
        ("The answer is not wood, as it burns.\nAnswer: glass", "The answer is not wood, as it burns.", "glass"),
        ("Answer: The metal is heavy, so it would sink at once.", None, None),
        ("<think>Answer: wood</think>It is clear.\nAnswer: glass", "It is clear.", "glass"),
    ],
)
def test_the_explanation_is_the_response_without_its_answers(response, explanation, label):
    whole = response if explanation is None else explanation
    assert parse_response(response, MATERIALS) == (whole, label)


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("B", "B"),
        ("(b)", "B"),
        ("B) a net", "B"),
        ("A net", "B"),
        ("None", "C"),
        ("21", None),  # two options have this text
        ("A. 21", "A"),
        ("D) 21", "D"),
        ("B. 21 nets", None),  # the number is another option's
        ("B. None", None),  # label and text name two options
        ("E", None),
    ],
)
def test_lettered_options(answer, label):
    assert read_option(answer, LETTERS) == label


def test_a_label_that_is_another_options_text_cannot_be_told():
    swapped = [Option(label="1", text="2"), Option(label="2", text="1")]
    assert read_option("1", swapped) is None


def test_an_answer_that_the_token_limit_may_have_cut_is_not_read():
    numbers = [Option(label=n, text=n) for n in ("2", "22", "7")]
    reasons = {
        text: read_response(text, numbers, cut=True).unread
        for text in ("Add.\nAnswer: 2", "2", "Add.\nAnswer:", "Add them", "Add.\nAnswer: 5")
    }
    assert set(reasons.values()) == {"cut_off"}
    assert read_response("Add.\nAnswer: 7", numbers, cut=True).label == "7"
    assert read_response("Add.\nAnswer: 2\n", numbers, cut=True).label == "2"
    assert read_response("Add.\nAnswer: 2", numbers).label == "2"


def test_what_was_written_in_place_of_an_answer_is_kept():
    assert read_response("Clear.\nAnswer: **marble**, maybe", MATERIALS).said == "**marble**, maybe"
    assert read_response("Clear.\nAnswer: glass", MATERIALS).said == ""


def test_generation_stops_only_after_the_answer_line_has_ended():
    assert not answer_is_complete("Because\n")
    assert not answer_is_complete("Because\nAnswer:\n")
    assert not answer_is_complete("Because\nAnswer: gl")
    assert answer_is_complete("Because\nAnswer: glass\n")


@given(st.text())
def test_any_text_can_be_read_without_error_and_only_to_a_known_label(text):
    reading = read_response(text, MATERIALS)
    assert reading.label in (None, "wood", "metal", "glass")
    assert (reading.label is None) == (reading.unread is not None)
    assert all(piece in text for piece in reading.explanation.split())
