"""Marking what texts share: nothing of a text becomes an element, and what is marked is shared."""

import html
import re
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from app.highlight import highlighted, merged, shared_spans

TEXTS = st.text(st.sampled_from("ab <>&'\"/!x.\n\u202e\u200b字\ud800"), max_size=60) | st.text(max_size=60)
SPANS = st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=5)


@given(TEXTS, SPANS)
def test_the_only_tags_are_marks_and_the_text_is_all_there(text, spans):
    made = highlighted(text, spans)
    bare = re.sub("</?mark>", "", made)
    assert not re.search("[<>\"']", bare)
    assert html.unescape(made.replace("<mark>", "").replace("</mark>", "")) == re.sub(
        "[\ud800-\udfff\0]", "\ufffd", text
    )
    made.encode()
    assert re.sub("[^<]*(</?mark>)?", r"\1", made) == "<mark></mark>" * made.count("<mark>")


@given(TEXTS, SPANS)
def test_what_is_marked_is_what_the_spans_cover(text, spans):
    marked = "".join(re.findall("<mark>(.*?)</mark>", highlighted(text, spans), re.DOTALL))
    covered = {place for start, end in spans for place in range(max(0, start), min(end, len(text)))}
    expected = "".join(text[place] for place in sorted(covered))
    assert html.unescape(marked) == re.sub("[\ud800-\udfff\0]", "\ufffd", expected)


@given(TEXTS, TEXTS, st.integers(1, 15))
def test_spans_are_whole_words_that_both_have(a, b, least):
    ours, theirs = shared_spans(a, b, least)
    for text, spans in ((a, ours), (b, theirs)):
        assert spans == merged(spans, len(text))
        for start, end in spans:
            assert end - start >= least
            assert start == 0 or not (text[start - 1].isascii() and text[start - 1 : start + 1].isalnum())
    if len(ours) == 1:
        assert a[slice(*ours[0])] in b or len(a[slice(*ours[0])]) > least
    assert bool(ours) == bool(theirs)


@given(st.lists(st.sampled_from(["hard", "metal", "door", "nails"]), min_size=4, max_size=20).map(" ".join))
def test_a_text_shares_all_of_itself(text):
    assert shared_spans(text, text) == ([(0, len(text))], [(0, len(text))])


def test_passages_are_found_in_any_order_and_never_across_half_a_word():
    a = "Nails hold in wood. A door is heavy."
    ours, theirs = shared_spans(a, "A door is heavy, and nails hold in woodwork.", 8)
    assert [a[slice(*span)] for span in ours] == ["A door is heavy"]
    assert theirs == [(0, 15)]
    ours, _ = shared_spans(a, "so Nails hold in wood.", 8)
    assert [a[slice(*span)] for span in ours] == ["Nails hold in wood."]


def test_texts_without_spaces_are_compared_by_the_character():
    ours, _ = shared_spans("门通常由木头制成因为它坚固耐用", "桌子也是通常由木头制成因为便宜", 6)
    assert ours == [(1, 10)]


@settings(deadline=None, max_examples=10)
@given(st.sampled_from(["a ", "a", "spam eggs ", "字", "<b>x</b> ", "ab cd ef gh "]))
def test_long_texts_that_repeat_themselves_take_no_longer(piece):
    text = (piece * 50_000)[:50_000]
    began = time.process_time()
    ours, _ = shared_spans(text, text + " end")
    assert ours
    assert time.process_time() - began < 5
