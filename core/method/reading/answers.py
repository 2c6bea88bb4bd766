"""The answer of a response: the one option that it states as final, or why none is read (docs/reading.md)."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.method.reading.contents import Content, after_name, read_content
from core.method.reading.names import Head, Names, folded
from core.method.reading.plain import Plain, plain_text
from core.method.reading.statements import Statement, statements
from core.method.thoughts import split_thought
from core.records import Option, Unread

RETRACTED = re.compile(
    r"(?:^|(?<=[.!?\n;]))[\s*_\"'()\]-]*(?:(?:but|oh|hmm+|well)[,.!\s]+)*(?:wait(?=\s*(?:[,.!:;-]|$|\n)|\s+(?:no|that|this|it|"
    r"i|a|actually|let)\b)|(?:no|nope|nein|non)(?=\s*[,!:;-]|\s*\.)|sorry|oops|apologies|correction|(?:edit|update|revision)\s*:|i(?:'ve|\s+have)?\s+changed\s+my\s+mind|scratch\s+that|"
    r"on\s+(?:second\s+thought|reflection)|my\s+mistake|i\s+was\s+wrong|i\s+made\s+a(?:n\s+error|\s+mistake)|"
    r"(?:that|this|it)(?:'s|\s+is|\s+was|\s+seems|\s+cannot\s+be)\s+(?:wrong|incorrect|false|not\s+(?:right|correct|true)|"
    r"a\s+mistake|right\b(?<!right))|let\s+me\s+(?:re\w+|correct|check|think\s+again|try\s+again)|moment(?=[,.!]))",
    re.IGNORECASE,
)
"""What takes an answer back, at the beginning of a sentence after it."""
TURNED = re.compile(
    r"(?:^|(?<=[.!?\n;]))[\s*_\"'()\]-]*(?:(?:but|oh|hmm+|well)[,.!\s]+)*(?:actually|rather|instead|or|alternatively|"
    r"hmm+|but|i\s+mean|however|maybe|perhaps|eigentlich|oder|ou)\b[^\n]*",
    re.IGNORECASE,
)
"""A sentence that turns to something else: it counts where it names another option."""
DENIALS = {"no", "false", "nein", "non", "falsch", "faux"}
"""Options of which `No, …` or `that is wrong` may be a reason."""
AS_WELL = re.compile(r"\b(?:also|equally|too|as\s+well)\b", re.IGNORECASE)
RIGHT = re.compile(r"\b(?:correct|right|possible|plausible|valid|true|fits?|works?|acceptable|answer)\b", re.IGNORECASE)
NEAR = 80
"""Characters before a statement in which its markup and the words that lead to it are looked for."""
OPENED = re.compile(r"(?:<\w+>|```\w*\s*|[*_#>\"'`(\[{$\\~|])+$")
"""Markup that opens what is cut out after it."""
LED_IN = re.compile(
    r"(?:(?<![\w'])(?:so|thus|therefore|hence|then|and|but|finally|in\s+conclusion|clearly|i\s+(?:think|believe)|"
    r"(?:i|we)\s+conclude\s+that|it\s+follows\s+that|this\s+means\s+that|also|donc)[\s,:]*)+$",
    re.IGNORECASE,
)
"""Words that lead to an answer and say nothing without it."""
CLOSED = re.compile(r"(?:\s*</\w+>|[ \t]*(?:[)\]}*_|\"'`$.,;:!?-]|—|–))*[ \t]*")
"""Signs that close what is cut out before them."""
ANSWER_KEY = re.compile(r"answer|choice|option|predict", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """A response as it is read."""

    explanation: str
    """The response without its thought and its statements of the answer."""
    label: str | None
    unread: Unread | None
    """Why there is no label; None where there is one, and for a question without options."""
    said: str = ""
    """What was written as the answer, where it could not be read."""


@dataclass(frozen=True)
class _Said:
    """A statement and what it names."""

    statement: Statement
    content: Content

    @property
    def end(self) -> int:
        """Where the name ends, in the plain text; of what could not be read, the whole statement."""
        return self.statement.end if self.content.label is None else self.statement.content + self.content.end

    @property
    def vetoes(self) -> bool:
        """Whether it is an answer that cannot be read, so that no other one counts."""
        content = self.content
        if content.label is not None or content.prose or content.unread == "empty":
            return False
        if self.statement.firm:
            return True
        meant = content.headed or content.unread not in ("unknown_option", "negated", "unsure", "correction")
        return meant and bool(content.mentioned)


def read_response(response: str, options: Sequence[Option], *, cut: bool = False) -> Reading:
    """Explanation and answer of a response; `cut`: it ended at the token limit.

    To a question without options all that was written is the explanation.
    """
    _, rest = split_thought(response)
    if not options:
        return Reading(rest.strip(), None, None)
    names, plain = Names(options), plain_text(rest)
    whole = names.whole(plain.text)
    if len(whole) == 1:
        label = next(iter(whole))
        if cut and _goes_on(plain.text, label, names):
            return Reading("", None, "cut_off", rest.strip())
        return Reading("", label, None)
    said = [_said(one, plain.text, names) for one in statements(plain.text, names)]
    label, unread = _decide(said, plain.text, names, cut)
    if label is None and unread == "none" and (len(whole) > 1):
        return Reading("", None, "ambiguous", rest.strip())
    words = (
        next(filter(None, (_words(one, plain, rest) for one in said if one.content.label is None)), "")
        if label is None
        else ""
    )
    return Reading(_without(said, plain, rest), label, unread, words)


def _said(one: Statement, text: str, names: Names) -> _Said:
    line = text[one.content : one.end]
    if one.label is not None:
        return _Said(one, after_name(line, 0, Head(one.label, 0, True), names))
    if not re.search(r"[^\W_]", line):
        return _Said(one, Content(None, "empty", 0))
    return _Said(one, read_content(line, names))


def _decide(said: Sequence[_Said], text: str, names: Names, cut: bool) -> tuple[str | None, Unread | None]:
    labels = {one.content.label for one in said if one.content.label is not None}
    if len(labels) > 1:
        return None, "differing"
    vetoes = [one.content.unread for one in said if one.vetoes]
    if vetoes:
        ended = cut and said[-1].vetoes and said[-1].statement.end == len(text)
        return None, "cut_off" if ended and vetoes[-1] == "unknown_option" else vetoes[0]
    if not labels:
        return None, "cut_off" if cut else next((one.content.unread for one in said), "none")
    label = next(iter(labels))
    if any(label in one.content.mentioned for one in said if one.content.unread == "negated" and not one.content.prose):
        return None, "differing"
    stated = [one for one in said if one.content.label]
    for one, following in pairwise(stated):
        if changed := _changed(text[one.end : following.statement.start], label, names):
            return None, changed
    last = stated[-1]
    if cut and not text[last.end :] and _goes_on(text[last.statement.content :], label, names):
        return None, "cut_off"
    changed = _changed(text[last.end :], label, names)
    return (None, changed) if changed else (label, None)


def _goes_on(content: str, label: str, names: Names) -> bool:
    """Whether a name at the end of a cut response may be the beginning of another option's."""
    begun = folded(content)
    others = [folded(name) for o in names.options if o.label != label for name in (o.label, o.text)]
    return not content.endswith("\n") and any(name != begun and name.startswith(begun) for name in others)


def _changed(after: str, label: str, names: Names) -> Unread | None:
    """How what follows the answer takes it back or puts another one next to it; None where it does neither."""
    after = "\n".join(filter(None, (line.strip() for line in after.split("\n"))))
    own = {folded(option.text) for option in names.options if option.label == label}
    for found in RETRACTED.finditer(after):
        denies = own & DENIALS and re.match(r"\W*(?:no|nein|non|that|this|it)\b", found[0], re.IGNORECASE)
        sentence = re.split(r"[.!?\n]", after[found.end() :], maxsplit=1)[0]
        if not denies or names.others(sentence, label):
            return "correction"
    for found in TURNED.finditer(after):
        if names.others(found[0], label):
            return (
                "alternatives"
                if re.match(r"\W*(?:or|alternatively|maybe|perhaps|oder|ou)\b", found[0], re.I)
                else "correction"
            )
    for sentence in re.split(r"[.!?\n]", after):
        if AS_WELL.search(sentence) and RIGHT.search(sentence) and names.others(sentence, label):
            return "alternatives"
    for line in after.split("\n"):
        if names.whole(line) - {label}:
            return "several"
    return None


# --- what is left when the statements are cut out


def _words(one: _Said, plain: Plain, rest: str) -> str:
    return rest[plain.place(one.statement.content) : plain.place(one.statement.end)].strip()


def _without(said: Sequence[_Said], plain: Plain, rest: str) -> str:
    if (inside := _of_json(rest)) is not None:
        return inside
    left = rest
    for one in reversed([one for one in said if _is_cut(one)]):
        left = _joined(left[: plain.place(one.statement.start)], left[plain.place(one.end) :])
    return left.strip()


def _is_cut(one: _Said) -> bool:
    """What names an answer, or was made to; a sentence of the reasoning stays."""
    return (
        one.content.label is not None or one.content.unread == "empty" or (one.statement.firm and not one.content.prose)
    )


def _joined(before: str, after: str) -> str:
    """Both parts, without the signs and small words that belonged to what was between them."""
    before = before[:-NEAR] + OPENED.sub("", before[-NEAR:])
    line = before.rstrip(" \t")
    if not line.endswith("\n"):
        line = (line[:-NEAR] + LED_IN.sub("", line[-NEAR:])).rstrip(" \t,;:")
    rest = after[CLOSED.match(after).end() :]
    gap = "\n" if line.endswith("\n") or rest.startswith("\n") else " "
    return f"{line.rstrip()}{gap}{rest.lstrip()}" if rest.strip() else line.rstrip()


def _of_json(rest: str) -> str | None:
    """The texts of a response that is one JSON object, but for its answer; None for another response."""
    bare = rest.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    if not bare.startswith("{"):
        return None
    try:
        found = json.loads(bare)
    except (ValueError, RecursionError):
        return None
    return "\n".join(v for key, v in found.items() if isinstance(v, str) and not ANSWER_KEY.search(key)).strip()
