"""What two texts share, marked: the one place where untrusted text becomes HTML.

    ours, theirs = shared_spans(a, b)           # the passages of each that the other has too
    show_highlighted(a, ours)                   # as it is, with those passages in <mark>

All text passes `html.escape`; the only tags are the fixed ones of this module, so nothing in a text can
become an element, and nothing is ever fetched.  Passages are found wherever they stand, in any order.
Not covered: texts that say the same in other words.
"""

import html
import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

import streamlit as st

Span = tuple[int, int]
"""Where a passage begins, and the place after its last character."""

PLACES_TRIED = 8
"""Places of the other text at which a passage is tried; the first ones, where a text repeats itself."""

CHARACTER_IS_A_WORD = "\u2e80"
"""From this character on (Chinese, Japanese, …) no spaces part words: each character may begin one."""

NOT_TEXT = re.compile("[\ud800-\udfff\0]")
"""Characters that no page can hold: halves of surrogate pairs, and NUL."""


def shared_spans(a: str, b: str, least: int = 12) -> tuple[list[Span], list[Span]]:
    """Passages of `a` that `b` has too, and of `b` that `a` has: whole words, at least `least` characters.

    Spans are in order and do not overlap; letter for letter the same, wherever they stand.  Takes time in
    proportion to the lengths, whatever the texts are.

    >>> shared_spans("Ice melts because it is warm.", "It is warm: ice melts because it is so.", least=8)
    ([(4, 23)], [(16, 35)])
    """
    places = _places(b, least)
    ours, theirs, at = [], [], 0
    while at + least <= len(a):
        length, place = _longest(a, at, b, places.get(a[at : at + least], ()), least)
        if length:
            ours.append((at, at + length))
            theirs.append((place, place + length))
        at = _next_word(a, at + max(1, length))
    return merged(ours, len(a)), merged(theirs, len(b))


def _places(text: str, least: int) -> dict[str, list[int]]:
    """Beginnings of words → where they stand, by the `least` characters from there on."""
    found: dict[str, list[int]] = {}
    at = 0
    while at + least <= len(text):
        places = found.setdefault(text[at : at + least], [])
        if len(places) < PLACES_TRIED:
            places.append(at)
        at = _next_word(text, at + 1)
    return found


def _longest(a: str, at: int, b: str, places: Sequence[int], least: int) -> Span:
    """Length of the longest passage at `at` that stands at one of the places, and which; (0, 0) for none."""
    best = (0, 0)
    for place in places:
        length = _same(a, at, b, place)
        while length >= least and not (_parted(a, at + length) and _parted(b, place + length)):
            length -= 1
        length = len(a[at : at + length].rstrip())
        if length >= least and length > best[0]:
            best = (length, place)
    return best


def _same(a: str, at: int, b: str, place: int) -> int:
    """How many characters from there on are the same."""
    length, step = 0, 64
    while a[at + length : at + length + step] == b[place + length : place + length + step]:
        length += step
        if at + length >= len(a) or place + length >= len(b):
            return min(len(a) - at, len(b) - place)
        step *= 2
    rest = zip(a[at + length : at + length + step], b[place + length : place + length + step], strict=False)
    return length + sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], rest))


def _next_word(text: str, at: int) -> int:
    """The first beginning of a word from `at` on; the end of the text if there is none."""
    while at < len(text) and (text[at].isspace() or not _parted(text, at)):
        at += 1
    return at


def _parted(text: str, at: int) -> bool:
    """Whether a word may begin or end before the character at `at`."""
    if not 0 < at < len(text):
        return True
    before, after = text[at - 1], text[at]
    return not (before.isalnum() and after.isalnum()) or max(before, after) >= CHARACTER_IS_A_WORD


def merged(spans: Sequence[Span], length: int) -> list[Span]:
    """Spans in order, cut to a text of `length` characters, those that touch or overlap as one.

    >>> merged([(5, 9), (-2, 3), (8, 12), (20, 30)], 10)
    [(0, 3), (5, 10)]
    """
    found: list[Span] = []
    for start, end in sorted((max(0, start), min(end, length)) for start, end in spans):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def highlighted(text: str, shared: Sequence[Span]) -> str:
    """HTML of the text: escaped, with `<mark>` around the spans; a character that no page can hold is "\ufffd".

    >>> highlighted("a <b> c", [(2, 5)])
    'a <mark>&lt;b&gt;</mark> c'
    """
    return "".join(_pieces(NOT_TEXT.sub("\ufffd", text), merged(shared, len(text))))


def _pieces(text: str, spans: Sequence[Span]) -> Iterator[str]:
    at = 0
    for start, end in spans:
        yield html.escape(text[at:start])
        yield f"<mark>{html.escape(text[start:end])}</mark>"
        at = end
    yield html.escape(text[at:])


STYLE = """
<style>
.shared-text { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.5; }
.shared-text mark { background: rgba(64, 140, 220, 0.22); color: inherit; border-radius: 3px; padding: 0 1px; }
</style>
"""


def show_highlighted(text: str, spans: Sequence[Span]) -> None:
    """The text in the page's own type, with the spans marked."""
    st.html(f'{STYLE}<div class="shared-text" dir="auto">{highlighted(text, spans)}</div>')
