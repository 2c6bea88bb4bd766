"""Where a response states its answer: lines, sentences, boxes, tags and JSON keys, in English and a few neighbours.

A statement is *firm* where it is made for that alone (`Answer: B`, `\\boxed{B}`, `<answer>B</answer>`), else a sentence
that may be part of the reasoning (`the answer is B`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.method.reading.names import Names

NOUN = r"(?:answer|ans|antwort|lösung|réponse|reponse|respuesta|risposta|resposta)"
ADJECTIVE = (
    r"(?:final|correct|right|best|true|actual|selected|chosen|only|overall|likely|likeliest|most|richtige|korrekte|"
    r"endgültige|bonne|finale)"
)
DETERMINER = r"(?:the|my|our|a|die|meine|la|ma|mi|il)"
LATER = (
    r"(?:\s+(?:choice|option|letter|correcte|correcta|corretta|finale?))?(?:\s+(?:to|for)\s+(?:the|this|your)\s+"
    r"(?:\w+\s+)?(?:question|problem|riddle|puzzle))?"
)
SUBJECT = (
    rf"(?:{DETERMINER}\s+)?(?:{ADJECTIVE}\s+)*{NOUN}{LATER}"
    rf"|(?:(?:{DETERMINER}|{ADJECTIVE})\s+)+(?:option|choice|solution|prediction)"
)
VERB = (
    r"(?:,?\s+(?:therefore|thus|then|hence),?)?\s+(?:is|(?:would|should|must|has\s+to)\s+be|ist|lautet|"
    r"wäre|est|es|è)\b(?:\s*[:=])?"
)
SIGN = r"[\"')\]*_ \t]*(?::|=|\||->|\s-+(?=\s)|\s*$)"
CHOOSING = (
    r"\bI(?:'d|'ll|\s+would|\s+will|\s+must|\s+am|'m)?\s+(?:choose|pick|select|chose|picked|selected|answer|"
    r"(?:go|going|went)\s+with|opt\s+for|settle\s+on)\b"
)
CUE = re.compile(
    rf"(?P<firm>(?<![\w-])(?:{SUBJECT})(?P<sign>{SIGN}))|(?P<soft>(?<![\w-])(?:{SUBJECT}){VERB}|{CHOOSING})",
    re.IGNORECASE | re.MULTILINE,
)
BARE = re.compile(rf"^[^\w\n]*(?P<cue>(?:{ADJECTIVE}\s+)*{NOUN})[ \t]+(?=\S)", re.IGNORECASE | re.MULTILINE)
"""`Answer B`, `Answer (B)`: counts where nothing but an option follows, or an option and a colon."""

QUALITY = r"(?:the\s+)?(?:only\s+)?(?:(?:correct|right|best|final|true)\s+)?(?:answer|option|choice)|(?:correct|right)"
BEING = re.compile(
    rf"(?<!\s)\s+(?:is|must\s+be|would\s+be|has\s+to\s+be|ist|est)\s+(?:(?:\w+ly|also|thus|therefore|then|hence)\s+)?"
    rf"(?:{QUALITY})(?:\s+one)?(?=\s*(?:$|[.,;!)\]:-]|(?:because|since|as|here|given|due|for|to)\b))",
    re.IGNORECASE | re.MULTILINE,
)
"""`B is the answer`, `B is correct`: what stands before it in its clause must be a name."""

BOX = re.compile(r"\\f?box(?:ed)?\s*\{\s*(?P<inside>[^{}]*)\}")
TAGGED = re.compile(r"<(?P<tag>(?:final_)?answer)>\s*(?P<inside>.*?)\s*</(?P=tag)>", re.IGNORECASE | re.DOTALL)
KEYED = re.compile(
    r"""(?P<quote>["'])(?:final[_ ]?|correct[_ ]?|predicted[_ ]?|my[_ ]?)?(?:answer|choice|option|prediction)"""
    r"""(?:[_ ]?(?:letter|choice|label|option|text|key))?(?P=quote)\s*:\s*"""
    r"""(?:(?P<mark>["'])(?P<inside>[^"\n]*?)(?P=mark)|(?P<bare>[\w.+-]+))""",
    re.IGNORECASE,
)

CLAUSE_LENGTH = 300
"""Characters before a statement that are looked at."""

JOINERS = r"\b(?:so|thus|therefore|hence|but|then|and|because|since|also|und|et|donc)\b"
CLAUSE = re.compile(rf"[.!?;:,\n()\"]|{JOINERS}", re.IGNORECASE)
SUBJECT_ENDS = re.compile(r"[.!?;:,\n](?=\s)|\b(?:so|thus|therefore|hence|but|then)\b", re.IGNORECASE)
"""As `CLAUSE`, but `(B)` and `A and C` may be the name of an option."""
OPENING = re.compile(
    r"^[\W\d_]*(?:(?:so|thus|therefore|hence|then|and|also|but|now|finally|in conclusion|clearly|i(?: would|'d) say|"
    r"(?:i|we) (?:think|believe|conclude|know|see|find|am (?:sure|certain|confident))(?: that)?|"
    r"(?:this|which|it) (?:means|shows|implies|follows|is clear)(?: that)?)\W*)*$",
    re.IGNORECASE,
)
"""What may stand before a statement in its clause and leave it a plain one."""

DISTANCED = re.compile(
    r"\b(?:not|never|no|wrong|incorrect|mistaken|false|might|may|could|if|whether|unless|suppose|supposing|assume|"
    r"assuming|imagine|thought|first|initially|originally|doubt|claim|claims|say|says|people|some|unclear|unsure|wenn|"
    r"falls|si|nicht|pas|what|which|why|how|that|is|was|as|be|than|like|select|choose|give|write|begin|state)\b|n't\b",
    re.IGNORECASE,
)
"""Words before `the answer is` that make the sentence say something else."""


@dataclass(frozen=True)
class Statement:
    """Where an answer is stated, as places in the plain text."""

    start: int
    """Where the statement begins."""
    content: int
    """Where what it names begins."""
    end: int
    """Where that ends: the end of the line, the next statement, the closing brace or tag."""
    firm: bool
    closed: bool = False
    """Whether it has an end of its own, so that the rest of the line is not part of it."""
    label: str | None = None
    """The option, where it stands before the cue (`B is correct`)."""


def statements(text: str, names: Names) -> list[Statement]:
    """Statements of the answer in a plain text, in order; none lies within another.

    >>> from core.records import Option
    >>> names = Names([Option(label=m, text=m) for m in ("wood", "glass")])
    >>> found = statements("If the answer is wood, it burns. The answer is glass.\\nAnswer: glass", names)
    >>> [(one.firm, one.start) for one in found]
    [(False, 33), (True, 54)]
    """
    found = sorted([*_closed(text), *_cued(text), *_bare(text, names), *_being(text, names)], key=_place)
    kept: list[Statement] = []
    for one in found:
        if kept and kept[-1].closed and one.start < kept[-1].end:
            continue  # within a box, a tag or a value
        if kept and kept[-1].label is not None and one.start < kept[-1].content:
            continue  # `B is the answer: …`
        kept.append(one)
    return [_ended(one, following, text, names) for one, following in zip(kept, [*kept[1:], None], strict=False)]


def _place(one: Statement) -> tuple[int, int]:
    return one.start, -one.end


def _ended(one: Statement, following: Statement | None, text: str, names: Names) -> Statement:
    """With its end: the next statement's start, unless the whole line is a name that holds a cue itself."""
    if one.closed or following is None or following.start >= one.end:
        return one
    whole = len(names.whole(text[one.content : one.end])) == 1
    return one if whole else Statement(one.start, one.content, following.start, one.firm, False, one.label)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _closed(text: str) -> Iterator[Statement]:
    for pattern in (BOX, TAGGED, KEYED):
        for found in pattern.finditer(text):
            group = "bare" if pattern is KEYED and found["bare"] is not None else "inside"
            yield Statement(found.start(), found.start(group), found.end(group), firm=True, closed=True)


def _cued(text: str) -> Iterator[Statement]:
    for found in CUE.finditer(text):
        before, firm = _clause_before(text, found.start()), found["firm"] is not None
        if not OPENING.match(before) and (firm or DISTANCED.search(before)):
            continue  # "a student's answer: B", "if the answer is B"
        if firm and not found["sign"].strip() and not _alone(text, found):
            continue  # "… the answer" at the end of a line of prose
        start, content = found.start(), found.end()
        if firm and OPENING.match(text[_line_start(text, start) : start]):
            start = _line_start(text, start)
        if not text[content : _line_end(text, content)].strip(" \t\r*_#|\"'`>"):
            content += len(re.match(r"[\s*_#|\"'`>]*", text[content:])[0])
        yield Statement(start, content, max(content, _line_end(text, content)), firm)


def _alone(text: str, found: re.Match[str]) -> bool:
    """Whether a cue without a sign is a heading: nothing else is in its line."""
    line = text[_line_start(text, found.start()) : found.start()]
    return not re.search(r"\w", line) and not text[found.end() : _line_end(text, found.end())].strip()


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _clause_before(text: str, at: int, ends: re.Pattern[str] = CLAUSE) -> str:
    """What stands before a place in its clause."""
    line = text[max(_line_start(text, at), at - CLAUSE_LENGTH) : at]
    places = [found.end() for found in ends.finditer(line)]
    return line[places[-1] :] if places else line


def _bare(text: str, names: Names) -> Iterator[Statement]:
    for found in BARE.finditer(text):
        end = _line_end(text, found.end())
        content = text[found.end() : end]
        if CUE.match(text, found.start("cue")):
            continue
        if any(_ends_line(content[head.end :]) for head in names.heads(content)):
            yield Statement(found.start(), found.end(), end, firm=True)


def _ends_line(tail: str) -> bool:
    """Whether nothing follows, or a colon or full stop."""
    return not tail.strip(" \t\r.)]*_") or bool(re.match(r"\s*[)\]]?\s*[:.]", tail))


def _being(text: str, names: Names) -> Iterator[Statement]:
    for found in BEING.finditer(text):
        before = _clause_before(text, found.start(), SUBJECT_ENDS)
        subject = re.sub(r"^\W*(?:i think|i believe|clearly|only)\s+", "", before, flags=re.IGNORECASE)
        named = names.whole(subject)
        if len(named) == 1:
            start = found.start() - len(subject.lstrip())
            yield Statement(start, found.end(), _line_end(text, found.end()), firm=False, label=next(iter(named)))
