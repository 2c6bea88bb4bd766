"""Reading responses: what counts as an answer, and what is never guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.method.parsing import answer_is_complete, parse_response, read_option
from core.records import Option

MATERIALS = [Option(label=m, text=m) for m in ("wood", "metal", "glass")]
LETTERS = [Option(label=letter, text=text) for letter, text in zip("ABCD", ("21", "a net", "None", "21"), strict=True)]


@pytest.mark.parametrize(
    ("response", "explanation", "label"),
    [
        ("It is clear.\nAnswer: glass", "It is clear.", "glass"),
        ("It is clear.\nanswer:  **Glass**.", "It is clear.", "glass"),
        ("It is clear.\n**Answer:** glass\n\nmore", "It is clear.", "glass"),
        ("Answer: wood", "", "wood"),
        ("", "", None),
        ("The answer is glass.", "The answer is glass.", None),
        ("It is clear.\nAnswer: marble", "It is clear.", None),
        ("It is clear.\nAnswer: glass or metal", "It is clear.", None),
        ("It is clear.\nAnswer:", "It is clear.", None),
        ("One.\nAnswer: wood\nTwo.\nAnswer: metal", "One.", "wood"),
        ("It can be turned. Answer: glass", "It can be turned.", "glass"),
        ("Turned.\nAnd *clear.* **Answer:** Glass.\n", "Turned.\nAnd *clear.*", "glass"),
        ("It can be turned. Answer: glass\nAnswer: wood", "It can be turned. Answer: glass", "wood"),
        ("It can be turned. Answer: marble", "It can be turned. Answer: marble", None),
        ("Turned. Answer: glass, as it is clear.", "Turned. Answer: glass, as it is clear.", None),
        ("It can be turned. Answer: glass\nor so.", "It can be turned. Answer: glass\nor so.", None),
        ("It can be turned. Answer: wood. Answer: glass", "It can be turned. Answer: wood. Answer: glass", None),
        ("So the answer: glass", "So the answer: glass", None),
    ],
)
def test_text_labels(response, explanation, label):
    assert parse_response(response, MATERIALS) == (explanation, label)


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
        ("B. 21 nets", "B"),
        ("B. None", None),  # label and text name two options
        ("E", None),
    ],
)
def test_lettered_options(answer, label):
    assert read_option(answer, LETTERS) == label


def test_a_label_that_is_another_options_text_cannot_be_told():
    swapped = [Option(label="1", text="2"), Option(label="2", text="1")]
    assert read_option("1", swapped) is None


def test_generation_stops_only_after_the_answer_line_has_ended():
    assert not answer_is_complete("Because\n")
    assert not answer_is_complete("Because\nAnswer:\n")
    assert not answer_is_complete("Because\nAnswer: gl")
    assert answer_is_complete("Because\nAnswer: glass\n")


@given(st.text())
def test_any_text_can_be_read_without_error_and_only_to_a_known_label(text):
    explanation, label = parse_response(text, MATERIALS)
    assert label in (None, "wood", "metal", "glass")
    assert explanation in text
