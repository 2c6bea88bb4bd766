"""What a judge says in its own words: a verdict on each criterion; nothing is guessed.

A criterion's name or key, a sign (`:`, `=`, a dash, a cell's border, a line of its own), and then a verdict: alone,
with its number, or with a remark that names no other verdict.  Two different verdicts on one criterion are none.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from core.method.reading.plain import plain_text
from core.method.thoughts import split_thought
from core.rubrics import Criterion, Rubric

DRESS = r"[\s\"'*_`(\[{}>|#-]*"
ASKED = r"(?:verdict|rating|score|grade|label|assessment)"
SIGN = re.compile(
    rf"[\"'*_)\]]*(?:[ \t]*\([^()\n]*\))?(?:\s+{ASKED})?[\"'*_)\] \t]*"
    rf"(?::=|:|=|->|\||-+(?=[ \t])|[\"'],\s*[\"']{ASKED}[\"']\s*:)[ \t]*",
    re.IGNORECASE,
)
"""What stands between a criterion and its verdict."""
ALONE = re.compile(r"[\"'*_)\]#. \t]*\n")
SIGNED = re.compile(
    rf"{DRESS}(?:the\s+)?(?:final\s+)?{ASKED}\b[\"'*_ \t]*(?::|=|-+(?=\s)|\s+is\b){DRESS}", re.IGNORECASE
)
"""`Verdict: …`, where the criterion is the heading of a section."""
NUMBER = re.compile(r"(?P<given>\d+(?:\.\d+)?)(?:\s*(?:/|of|out\s+of)\s*(?P<most>\d+))?(?![\w.])", re.IGNORECASE)
NUMBERED = re.compile(rf"{NUMBER.pattern}[\s:=,(|\[-]*", re.IGNORECASE)
REASON = re.compile(r"[\s\"'*_)\]},.;:(|-]*\b(?:because|since|as(?!\s+well))\b", re.IGNORECASE)
DOUBT = re.compile(
    r"[\s\"'*_)\]}]*(?:(?:,|;|\()?\s*(?:or|to|and|not|nearly|almost|but|rather|maybe|perhaps|actually|no,|wait|at\s+"
    r"best|at\s+most|bordering|leaning|minus|plus|if|unless|vs)\b|[/&+?]|->|[^\s\w\"'*_)\]}.,;:!(|[-])",
    re.IGNORECASE,
)
"""What takes a verdict back, or leaves it open."""
CLOSED = re.compile(r"[\"'*_)\]}`]*(?:\s*$|\s*[.,;:!(|[]|\s*\n|\s+-+\s)")


@dataclass(frozen=True)
class _Words:
    """A rubric as patterns: how criteria and verdicts may be written."""

    rubric: Rubric
    criteria: dict[str, str]
    """Folded name → key of the criterion."""

    @cached_property
    def names(self) -> re.Pattern[str]:
        ordered = sorted(self.criteria, key=len, reverse=True)
        joined = "|".join(re.escape(name).replace(r"\ ", r"[\s_-]+") for name in ordered)
        return re.compile(rf"(?<![\w-])(?P<name>{joined})(?:\s+of\s+(?!the\b|its\b)\w+)?(?![\w-])", re.IGNORECASE)

    @cached_property
    def verdicts(self) -> re.Pattern[str]:
        ordered = sorted(self.rubric.labels, key=len, reverse=True)
        joined = "|".join(re.escape(label).replace(r"\ ", r"[\s_-]+") for label in ordered)
        return re.compile(rf"(?<![\w-])(?P<verdict>{joined})(?![\w]|-\w)", re.IGNORECASE)

    def label(self, said: str) -> str:
        return next(label for label in self.rubric.labels if _folded(label) == _folded(said))

    def value(self, label: str) -> int:
        return self.rubric.values[self.rubric.labels.index(label)]


def read_verdicts(reply: str, rubric: Rubric) -> dict[str, str | None]:
    """Criterion key → verdict label of a judge's own reply; None if absent, unknown or contradictory.

    Give it the generated text alone, never the prompt: a prompt names every verdict.  Thoughts are not read.

    >>> from core.rubrics import load_rubric
    >>> rubric = load_rubric("five_criteria")
    >>> reply = "Good.\\nClarity: excellent\\n- **Relevance** - Needs improvement, as it is short.\\nDepth: so-so"
    >>> [read_verdicts(reply, rubric)[key] for key in ("clarity", "relevance", "depth")]
    ['excellent', 'needs improvement', None]
    >>> read_verdicts("Clarity: excellent\\nClarity: unsatisfactory", rubric)["clarity"] is None
    True
    """
    text = plain_text(split_thought(reply)[1]).text
    words = _Words(rubric, _names(rubric))
    found: dict[str, set[str | None]] = {c.key: set() for c in rubric.criteria}
    for key, segment in _segments(text, words):
        found[key] |= _said(segment, words)
    return {key: next(iter(said)) if len(said) == 1 else None for key, said in found.items()}


def _names(rubric: Rubric) -> dict[str, str]:
    """Folded name → key: names and keys, and first and last words of names where they are one criterion's alone."""
    full = {_folded(name): c.key for c in rubric.criteria for name in (c.name, c.key)}
    short = [(_folded(word), c.key) for c in rubric.criteria for word in _short(c)]
    unique = {name: key for name, key in short if {k for n, k in short if n == name} == {key}}
    return unique | full


def _short(criterion: Criterion) -> Iterator[str]:
    words = criterion.name.split()
    if len(words) > 1:
        yield words[0] if words[1].casefold() == "of" else words[-1]


def _folded(text: str) -> str:
    return " ".join(re.split(r"[\s_-]+", text.casefold()))


def _segments(text: str, words: _Words) -> Iterator[tuple[str, str]]:
    """Key of each criterion that is named, and what follows up to the next one that is."""
    found = list(words.names.finditer(text))
    for match, following in zip(found, [*found[1:], None], strict=False):
        yield words.criteria[_folded(match["name"])], text[match.end() : following.start() if following else len(text)]


def _said(segment: str, words: _Words) -> set[str | None]:
    """The verdict of a segment; None among it where one is named in a way that cannot be read; empty where none is."""
    sign = SIGN.match(segment)
    if sign:
        return _valued(segment[sign.end() :], words, in_table=sign[0].rstrip().endswith("|"))
    if not ALONE.match(segment):
        return set()
    lines = [line for line in segment.split("\n")[1:] if line.strip()]
    signed = [line[match.end() :] for line in lines if (match := SIGNED.match(line))]
    if signed:
        return set().union(*(_verdict(line, words) for line in signed))
    return _verdict(lines[0], words) if lines and words.verdicts.match(re.sub(rf"^{DRESS}", "", lines[0])) else set()


def _valued(text: str, words: _Words, *, in_table: bool) -> set[str | None]:
    """What follows a sign: the line's verdict, or that of the next line where the sign ends its own."""
    first, _, rest = text.partition("\n")
    if in_table:
        cells = [cell for cell in first.split("|") if words.verdicts.fullmatch(cell.strip(" \"'*_()"))]
        return set().union(*(_verdict(cell, words) for cell in cells)) if cells else _verdict(first, words)
    if re.fullmatch(DRESS, first):
        first = next((line for line in rest.split("\n") if line.strip()), "")
    return _verdict(first, words)


def _verdict(text: str, words: _Words) -> set[str | None]:
    """The verdict that a line begins with."""
    start = re.match(DRESS, text).end()
    if signed := SIGNED.match(text):
        start = signed.end()
    number = NUMBERED.match(text, start)
    named = words.verdicts.match(text, number.end() if number else start)
    if named is None:
        return {None} if words.verdicts.search(text) else set()
    label, tail = words.label(named["verdict"]), text[named.end() :]
    fits = _fits(number, label, words) and _fits(NUMBER.match(tail.lstrip(" \t(,:-[")), label, words)
    return {label if fits and _ends(tail, words) else None}


def _ends(tail: str, words: _Words) -> bool:
    """Whether a verdict may end before this: nothing, a number, a reason, or a remark without another verdict."""
    if REASON.match(tail):
        return True
    if DOUBT.match(tail) or words.verdicts.search(tail):
        return False
    return bool(CLOSED.match(tail) or NUMBER.match(tail.strip(" ()[]")))


def _fits(number: re.Match[str] | None, label: str, words: _Words) -> bool:
    """Whether a number next to a verdict is that verdict's, or of another scale."""
    values = words.rubric.values
    if number is None or (number["most"] and int(number["most"]) != max(values)):
        return True
    given = float(number["given"])
    return given not in values or given == words.value(label)


# --- the better of two


def read_choice(reply: str, choices: Sequence[str]) -> str | None:
    """The choice of a judge's own reply; None if absent, not allowed or contradictory.

    Give it the generated text alone, never the prompt: a prompt names every choice.  Thoughts are not read.

    >>> both = ["first", "second"]
    >>> [read_choice(r, both) for r in ("Clear.\\nBetter: first", "**Better**: the second one.", "First, I think")]
    ['first', 'second', None]
    >>> [read_choice(r, both) for r in ("Better: first\\nBetter: second", "Better: first or second", "Better: tie")]
    [None, None, None]
    """
    text = plain_text(split_thought(reply)[1]).text
    found = {_chosen(text[match.end() :], choices) for match in BETTER.finditer(text)}
    return found.pop() if len(found) == 1 else None


BETTER = re.compile(
    rf"^{DRESS}(?:(?:the|my|which|final)\s+)*(?:better|verdict|choice)(?:\s+(?:one|explanation))?[\"'*_)\] \t]*"
    r"(?::|=|->|\||\s-+(?=\s)|\s+is\b)\s*",
    re.IGNORECASE | re.MULTILINE,
)
PLACE = "(?P<place>first|second|tied?)"
CHOSEN = re.compile(
    rf"{DRESS}(?:an?\s+|the\s+)?(?:explanation\s+)?{PLACE}(?:\s+(?:one|explanation))?(?![\w-])", re.IGNORECASE
)


def _chosen(text: str, choices: Sequence[str]) -> str | None:
    """The choice that a line begins with; None where it names none of those allowed, or more than one."""
    line = text.partition("\n")[0]
    named = CHOSEN.match(line)
    if named is None:
        return None
    place, tail = named["place"].casefold().replace("tied", "tie"), line[named.end() :]
    others = {match[0].casefold() for match in re.finditer(rf"(?<![\w/])(?:{PLACE}|both|neither)(?![\w/])", tail, re.I)}
    read = REASON.match(tail) or (CLOSED.match(tail) and not DOUBT.match(tail) and not others - {place})
    return place if read and place in choices else None
