"""What a statement of the answer names: one option, or why none can be read."""

import re
from dataclasses import dataclass

from core.method.reading.names import Head, Names
from core.records import Unread

REASON = re.compile(
    r"[\s)\]\"'.,;:(*_-]*\b(?:because|since|as(?!\s+(?:well|much|long|many)\b)|given|due\s+to|owing\s+to|thanks\s+to|"
    r"considering|(?:explanation|reason(?:ing)?|rationale|justification|begründung|explication)\s*:|weil|denn|da|car|"
    r"parce\s+qu\w*|puisqu\w*|porque|ya\s+que|perch[eé]|poiché)(?![\w])",
    re.IGNORECASE,
)
"""What introduces a reason, which may name other options; at the beginning of what follows a name."""
REASON_WITHIN = re.compile(
    r"\b(?:because|since|weil|denn|parce\s+qu\w*|puisqu\w*|porque)\b|,\s*as\b(?!\s+well)|"
    r"\b(?:explanation|reason(?:ing)?|rationale|justification)\s*:",
    re.IGNORECASE,
)
CONFIRMED = re.compile(
    r"[\s)\]\"'.,*_-]*\b(?:is|ist|est)\s+(?:the\s+)?(?:(?:only|correct|right|best|final|true)\s+)*"
    r"(?:answer|option|choice|one|correct|right|richtig|correcte?)\b",
    re.IGNORECASE,
)
FILLER = re.compile(
    r"[\s\"'(*_]*(?:it\s+is|it's|it\s+must\s+be|that\s+is|that's|this\s+is|is|definitely|clearly|certainly|obviously|"
    r"simply|therefore|thus|then|hence|i\s+(?:choose|pick|select|think|believe|say)|es\s+ist|das\s+ist|c'est|"
    r"with|for|to\s+be)[\s,:]+",
    re.IGNORECASE,
)
NEGATION = re.compile(
    r"\b(?:not|no|nor|neither|never|none|nothing|without|except|wrong|incorrect|false|cannot|impossible|excluded|"
    r"ruled\s+out|eliminated|un\w*likely|nicht|kein\w*|weder|falsch|pas|jamais|non|faux|incorrecto)\b|n't\b",
    re.IGNORECASE,
)
WRONG = re.compile(
    r"\b(?:wrong|incorrect|false|impossible|falsch|faux)\b|(?:\bnot|n't)\s+(?:the\s+)?(?:correct|right|answer|it|true)\b",
    re.IGNORECASE,
)
EITHER = re.compile(r"\b(?:or|either|alternatively|oder|entweder|ou|soit|possibly\s+also)\b|/", re.IGNORECASE)
JOINED = re.compile(
    r"[\s)\]\"'*_]*(?:(?:,|;)?\s*(?:and|or|nor|und|oder|et|ou|as\s+well\s+as|plus|to|through|versus|vs\.?)\b|[&/+])",
    re.IGNORECASE,
)
"""Another option, or anything else, put next to a name."""
CHANGED = re.compile(
    r"\b(?:wait|actually|correction|sorry|oops|rather|instead|no,|on\s+second\s+thought|i\s+mean|scratch|at\s+first|"
    r"eigentlich|doch|en\s+fait|plutôt)\b",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"[.!?](?=\s+[^\W\da-z_]|\s+[\"'(]|\s*$)|[\n]")
FEW_WORDS = 5
"""A statement of more words that begins with no option is prose."""


@dataclass(frozen=True)
class Content:
    """What a statement names."""

    label: str | None
    unread: Unread | None
    end: int
    """Where the name ends, in the content."""
    mentioned: frozenset[str] = frozenset()
    """Options that are named anywhere in what could not be read."""
    prose: bool = False
    """Whether it is a sentence that happens to follow the cue, and no attempt to name an option."""
    headed: bool = False
    """Whether what could not be read begins with a name."""


def read_content(text: str, names: Names, end: int | None = None) -> Content:
    """The option that a plain text names as an answer, its first line to say; `end`: where a name before it ends."""
    if text.rstrip().endswith("?"):
        return _unread(text, names, "unsure")
    whole = names.whole(text)
    if len(whole) == 1:
        return Content(next(iter(whole)), None, len(text))
    start = 0
    while filler := FILLER.match(text, start):
        start = filler.end()
    heads = list(names.heads(text[start:]))
    if not heads:
        return _unread(text, names, None)
    if heads[0].label is None and not re.search(r"\w", text[start + heads[0].end :]):
        return _unread(text, names, "contradictory" if heads[0].contradictory else "ambiguous")
    head = next((one for one in heads if one.label and _may_end(text[start + one.end :], one)), heads[0])
    if head.label is None:
        return _unread(text, names, "contradictory" if head.contradictory else "ambiguous")
    longest = heads[0].end if heads[0].label == head.label else head.end
    return after_name(text, start + head.end, head, names, start + longest)


def _may_end(tail: str, head: Head) -> bool:
    """Whether what follows a name lets it end there; `B. Glass lets light through` ends after the letter."""
    return head.delimited or not tail.strip() or bool(REASON.match(tail) or CONFIRMED.match(tail) or JOINED.match(tail))


def after_name(text: str, end: int, head: Head, names: Names, longest: int | None = None) -> Content:
    """The content whose name ends at `end`, by what follows it; `longest`: where a longer name of the option ends."""
    label, tail = str(head.label), text[end:]
    delimited = head.delimited
    if confirmed := CONFIRMED.match(tail):
        end, tail, delimited = end + confirmed.end(), tail[confirmed.end() :], True
    if re.match(r"\s*[-+*/×÷^=<>]+\s*\d", tail) and text[end - 1].isdigit():
        return _unread(text, names, None)
    if not re.search(r"[^\W_]|[&/+]", tail) or REASON.match(tail):
        return Content(label, None, end)
    if joined := JOINED.match(tail):
        return _unread(text, names, "alternatives" if EITHER.search(joined[0]) else "several")
    if not delimited:
        return _unread(text, names, None, prose=True)
    reason = REASON_WITHIN.search(tail)
    free = tail[: reason.start()] if reason else tail
    if names.others(free, label) or names.begins_another(_piece(free), label):
        return _unread(text, names, None, at_least="several")
    denying = WRONG if NEGATION.search(label + " " + text[:end]) else NEGATION  # "no, it is not so" only denies
    clause = _same_clause(free[max(0, (longest or end) - end) :])
    if denying.search(clause) or (denying is NEGATION and _called_wrong(free, label, names)):
        return _unread(text, names, "negated")
    return Content(label, None, end)


def _called_wrong(tail: str, label: str, names: Names) -> bool:
    """Whether a later sentence says of the option itself that it is wrong."""
    sentences = re.split(r"[.!?;]\s", tail)
    return any(WRONG.search(sentence) and label in names.mentioned(sentence) for sentence in sentences)


def _piece(tail: str) -> str:
    """What follows a name up to the next sign."""
    return re.split(r"[.,;:!?\n]", tail.lstrip(" \t.,;:-)]"), maxsplit=1)[0]


def _same_clause(tail: str) -> str:
    """What follows a name up to the end of its sentence; nothing where a new sentence follows."""
    closed = re.match(r"[\s)\]\"'*_]*", tail)
    rest = tail[closed.end() :] if closed else tail
    if re.match(r"[.!;]\s*[^\Wa-z_]", rest):
        return ""
    return re.split(r"[.!?;](?=\s|$)", rest.lstrip(" .!;:,-"), maxsplit=1)[0]


def _unread(
    text: str, names: Names, why: Unread | None, at_least: Unread | None = None, prose: bool = False
) -> Content:
    """Why a content cannot be read, by its words; `prose`: it may be prose though it begins with a name."""
    mentioned = names.mentioned(text)
    if why is None and mentioned:
        about = names.unnamed(text)
        if CHANGED.search(about):
            why = "correction"
        elif NEGATION.search(about):
            why = "negated"
        elif EITHER.search(about):
            why = "alternatives"
        elif len(mentioned) > 1:
            why = "several"
    code: Unread = why or at_least or "unknown_option"
    headed = next(names.heads(text), None) is not None
    may_be = code == "unknown_option" and (prose or not headed) and len(text.split()) > FEW_WORDS
    return Content(None, code, len(text), frozenset(mentioned), may_be, headed)
