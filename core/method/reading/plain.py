"""Text without its dress: one form of each letter, blank, quote and dash, no markup, and where each character was.

plain = plain_text("**Ａｎｓｗｅｒ：** \\\\text{B}")
plain.text                  # "Answer: B"
plain.place(8)              # where that character was in the original
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

QUOTES = dict.fromkeys("“”„‟«»″〝〞", '"') | dict.fromkeys("‘’‚‛‹›′`´", "'")
DASHES = dict.fromkeys("‐‑‒–—―−﹣", "-")
STOPS = {"。": ".", "…": "...", "、": ",", "【": "[", "】": "]", "「": '"', "」": '"', "→": "->", "⇒": "->"}
CHARACTERS = QUOTES | DASHES | STOPS
UNSEEN = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\ufe0e\ufe0f\u20e3"
PICTURES = "\u2190"
"""From here on a symbol of no other use (an emoji, a tick) only decorates; before are °, © and their like."""

SAME_LETTER = ("<wide>", "<narrow>", "<font>", "<noBreak>")
"""Compatibility forms that are the same character in another dress; `²` or `½` are no digits and stay."""

NEGATIVE_SIGNS = "❌✗✘🚫⛔"
"""Signs that a thing is not so; they are read as `not`."""

MACRO = re.compile(r"\\(?:text|textbf|textit|textrm|texttt|mathrm|mathbf|mathit|mathsf|mbox|bf|rm)\s*\{([^{}]*)\}")
DOLLARS = re.compile(r"\$\$([^$\n]+)\$\$|\$([^$\s](?:[^$\n]*[^$\s])?)\$(?!\d)")
BRACKETS = re.compile(r"\\[()\[\]]")
TAG = re.compile(r"</?(?:b|i|u|em|strong|p|br|span|code|sub|mark)\s*/?>", re.IGNORECASE)
LINK = re.compile(r"!?\[([^\[\]\n]+)\]\([^()\s]*://[^()\s]*\)")
EMPHASIS = re.compile(r"(?<![\w*_])[*_]+(?=[^\s*_])|(?<=[^\s*_])[*_]+(?![\w*_])|\*\*+")


@dataclass(frozen=True)
class Plain:
    """A plain text, and the place in the original of each of its characters and of its end."""

    text: str
    places: Sequence[int]

    def place(self, at: int) -> int:
        return self.places[at]

    def inside(self, pattern: re.Pattern[str]) -> "Plain":
        """With nothing left of each match but its first group that is there; where all are missing, nothing."""
        parts, places, end = [], [], 0
        for found in pattern.finditer(self.text):
            kept = next((i for i, group in enumerate(found.groups(), 1) if group is not None), None)
            start, stop = found.span(kept) if kept else (found.end(), found.end())
            parts += [self.text[end : found.start()], self.text[start:stop]]
            places += [*self.places[end : found.start()], *self.places[start:stop]]
            end = found.end()
        return Plain("".join([*parts, self.text[end:]]), [*places, *self.places[end:]]) if end else self


@lru_cache(maxsize=4096)
def plain_text(text: str) -> Plain:
    """One form of each character, then without markup; line breaks stay.

    >>> [plain_text(t).text for t in ("Ａｎｓｗｅｒ：\\u00a0Ｂ", "**Answer:** $\\\\text{B}$", "2*3 and _so_")]
    ['Answer: B', 'Answer: B', '2*3 and so']
    """
    plain = _characters(text)
    for pattern in (TAG, MACRO, MACRO, LINK, BRACKETS, DOLLARS, EMPHASIS):
        plain = plain.inside(pattern)
    return plain


def _characters(text: str) -> Plain:
    """Clusters (a letter and its accents) one after another, each in its one form."""
    if text.isascii() and "`" not in text and "\r" not in text:
        return Plain(text, range(len(text) + 1))
    letters: list[str] = []
    places: list[int] = []
    for found in re.finditer(r"\r\n|.", text, re.DOTALL):
        character = found[0]
        if character in ("\r\n", "\r"):
            character = "\n"
        if letters and unicodedata.combining(character):
            letters[-1:] = unicodedata.normalize("NFC", letters[-1] + character)
            places += [places[-1]] * (len(letters) - len(places))
            continue
        forms = _one_form(character)
        letters += forms
        places += [found.start()] * len(forms)
    return Plain("".join(letters), [*places, len(text)])


@lru_cache(maxsize=4096)
def _one_form(character: str) -> str:
    if character in UNSEEN:
        return ""
    if character in CHARACTERS:
        return CHARACTERS[character]
    if character in NEGATIVE_SIGNS:
        return "not "
    decomposition = unicodedata.decomposition(character)
    if decomposition.startswith(SAME_LETTER) or (decomposition and not decomposition.startswith("<")):
        changed = unicodedata.normalize("NFKC" if decomposition.startswith("<") else "NFC", character)
        return CHARACTERS.get(changed, changed)
    match unicodedata.category(character):
        case "Zs":
            return " "
        case "Zl" | "Zp":
            return "\n"
        case "So" if character >= PICTURES:
            return " "
    return character
