"""Chat templates that come to no end, in the main thread and in others."""

import sys
import threading
import time

import pytest

from core.engines.templates import apply_template
from core.errors import ModelUnavailable
from tests.tiny import tiny_tokenizer

ASKED = [{"role": "user", "content": "Why?"}]

ENDLESS = {
    "nested loops": "{% for i in range(99999) %}{% for j in range(99999) %}{% for k in range(99999) %}{% endfor %}"
    "{% endfor %}{% endfor %}",
    "long output": "{% for i in range(90000) %}{{ 'It is so. ' * 1000 }}{% endfor %}",
    "doubling": "{% set t = 'aaaaaaaa' %}" + "{% set t = t ~ t %}" * 40 + "{{ t }}",
    "a macro": "{% macro again(n) %}{{ again(n) }}{{ again(n) }}{% endmacro %}{{ again(1) }}",
}


@pytest.mark.parametrize("template", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("thread", [False, True])
def test_a_template_without_an_end_is_refused_in_seconds(template, thread):
    tokenizer, raised = tiny_tokenizer(), []
    tokenizer.chat_template = template

    def render() -> None:
        try:
            apply_template(tokenizer, ASKED)
        except ModelUnavailable as error:
            raised.append(error)

    began = time.monotonic()
    if thread:
        worker = threading.Thread(target=render)
        worker.start()
        worker.join()
    else:
        render()
    assert len(raised) == 1 and time.monotonic() - began < 60
    assert sys.gettrace() is None or "bounded" not in repr(sys.gettrace())


def test_a_template_that_ends_is_rendered_as_before():
    tokenizer = tiny_tokenizer()
    expected = tokenizer.apply_chat_template(ASKED, tokenize=False, add_generation_prompt=True)
    assert apply_template(tokenizer, ASKED) == expected and "Why?" in expected
