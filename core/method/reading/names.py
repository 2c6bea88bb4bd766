"""What names an option: its label, its text, both together, or its number with or without the unit.

names = Names(options)
names.whole("(B) glass")        # {"B"}: all that this text, as a whole, may name
names.heads("B because …")      # beginnings that are names, the longest first
names.mentioned("wood, not B")  # options that are named anywhere in it
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from core.method.reading.numbers import quantity
from core.method.reading.plain import plain_text
from core.records import Option

AROUND = " \t\r\n\"'`*_|.,;:!{}<>#"
"""What may stand around a name without being part of it; brackets are looked at in pairs."""

DRESS = 100
"""Characters that a name may be longer than label and text: brackets, quotes, `the correct option is`."""

ARTICLES = re.compile(r"(?:the|an?)\s+", re.IGNORECASE)
LETTERS_THAT_ARE_WORDS = frozenset("aeiouyà")
"""Labels of one letter that are words of some language too: bare and small they name nothing within a sentence."""

VERBS = (
    "is|was|are|were|isn't|wasn't|aren't|would|could|can|cannot|can't|should|might|may|must|will|won't|has|had|does|"
    "doesn't|and|or|nor|but|because|since|as|seems|looks|also|too|instead|if|then|so|than|not|ist|wäre|und|oder|est|"
    "serait|et|ou"
)
NOUN_AFTER = re.compile(rf"[ \t]+(?!(?:{VERBS})\b)[^\W\d_]", re.IGNORECASE)
"""A word that makes a determiner of the word before it: `A glass`, `no reason`, `3 apples`."""

DELIMITER = re.compile(r"[\s\"'*_]*(?:[()\[\]}>.,;:!|]|->|-\s)")
"""What closes a name off, so that anything may follow."""

DETERMINERS = frozenset(("a", "i", "no", "y"))

CALLED = r"(?:(?:answer\s+)?(?:option|choice|answer|letter)|answer\s+is)\s*[:#]?\s*"
"""What may stand before a label or a text, as in `option B`."""


def folded(text: str) -> str:
    """Text for comparing: plain, case and run of blanks apart, nothing around it."""
    return " ".join(plain_text(text).text.casefold().split()).strip(AROUND)


@dataclass(frozen=True)
class Head:
    """A name at the beginning of a text."""

    label: str | None
    """The option; None where the name may be that of several."""
    end: int
    delimited: bool
    """Whether the name was closed off (a bracket, a full stop, a comma), so that anything may follow."""
    contradictory: bool = False
    """Label and text are those of two options."""


class Names:
    """All names of a question's options."""

    def __init__(self, options: Sequence[Option]) -> None:
        self.options = options
        self._labels = [(folded(option.label), option.label) for option in options]
        self._texts = [(alias, option.label) for option in options for alias in _aliases(option)]
        self._amounts = [
            (amount, option.label) for option in options if (amount := quantity(plain_text(option.text).text.strip()))
        ]
        longest = max((len(name) for pairs in (self._labels, self._texts) for name, _ in pairs), default=0)
        self._longest = 2 * longest + DRESS

    # --- a text as a whole

    def whole(self, text: str) -> set[str]:
        """Labels of the options that a plain text, nothing left out, may name; of two that contradict each other both.

        >>> letters = Names([Option(label="A", text="21"), Option(label="B", text="22 km")])
        >>> [sorted(letters.whole(t)) for t in ("b", "(B) 22 km", "21.0", "22", "A) 22", "-21", "AB")]
        [['B'], ['B'], ['A'], ['B'], ['A', 'B'], [], []]
        """
        bare = _bare(text) if len(text.strip()) <= self._longest else ""
        if not bare:
            return set()
        found = self._by_text(bare) | self._by_label(_unbracketed(bare))
        called = re.match(CALLED, bare, re.IGNORECASE)
        if not found and called:
            found = self.whole(bare[called.end() :])
        return found or self._by_both(bare) or self._by_amount(bare)

    def _by_label(self, bare: str) -> set[str]:
        key = " ".join(bare.casefold().split())
        return {label for name, label in self._labels if name == key}

    def _by_text(self, bare: str) -> set[str]:
        keys = {folded(bare), folded(_unbracketed(bare))}
        if article := ARTICLES.match(bare):
            keys.add(folded(bare[article.end() :]))
        found = {label for alias, label in self._texts if alias in keys}
        if len(found) == 1 and article and bare[:1] == "A" and not self._exactly(bare):
            found |= self._by_label("a")  # "A glass": an article, or the label of another option
        return found

    def _exactly(self, bare: str) -> bool:
        key = folded(bare)
        return any(alias == key for alias, _ in self._texts)

    def _by_amount(self, bare: str) -> set[str]:
        """Options whose text is this number; a unit that one of the two lacks is no difference."""
        amount = quantity(_unbracketed(bare))
        if amount is None or self._by_label(amount.unit):
            return set()
        alike = {label for other, label in self._amounts if other.is_like(amount)}
        same = {label for other, label in self._amounts if other == amount}
        return same or alike

    def _by_both(self, bare: str) -> set[str]:
        """Label and text, or text and label; where they are of two options, both."""
        found: set[str] = set()
        for label, text, marked in _label_first(bare, self._label_pattern):
            found |= self._pair(label, text)
            if marked and len(found) == 1:
                return found
        for text, label in _label_last(bare, self._label_pattern):
            found |= self._pair(label, text)
        return found

    def _pair(self, label: str, text: str) -> set[str]:
        by_label = self._by_label(label)
        by_text = self._by_text(_bare(text)) or self._by_amount(_bare(text))
        if not (by_label and by_text):
            return set()
        return by_label & by_text or by_label | by_text

    @cached_property
    def _label_pattern(self) -> str:
        names = sorted({re.escape(name) for name, _ in self._labels if name}, key=len, reverse=True)
        return "|".join(names) or r"(?!)"

    # --- a text that begins with a name

    def heads(self, text: str) -> Iterator[Head]:
        """Beginnings of a plain text that are names, the longest first.

        >>> letters = Names([Option(label="A", text="water"), Option(label="B", text="salt water")])
        >>> [[head.label for head in letters.heads(t)] for t in ("salt water, because", "B. Salt water", "waters")]
        [['B'], ['B', 'B'], []]
        """
        opened = len(text) - len(text.lstrip(AROUND))
        for end in _ends(text[: opened + self._longest], opened):
            found = self.whole(text[opened:end])
            if not found:
                continue
            after = DELIMITER.match(text, end)
            closed = text[opened:end].rstrip()[-1:] in (")", "]")
            label = next(iter(found)) if len(found) == 1 else None
            contradictory = label is None and bool(self._by_both(_bare(text[opened:end])))
            yield Head(label, end, bool(after) or closed, contradictory)

    # --- a text that names options somewhere

    def mentioned(self, text: str) -> set[str]:
        """Labels of the options that a plain text names anywhere, the longest name at each place.

        A letter, `no` or number that goes with a noun (`A glass`, `no reason`) names nothing.
        """
        found: set[str] = set()
        for piece in re.split(r"[,;/&+|]|\b(?:and|or|und|oder|et|ou)\b", text, flags=re.IGNORECASE):
            found |= self.whole(piece)
        return found | {label for match in self._mention.finditer(text) for label in self._meant(match)}

    def others(self, text: str, label: str) -> set[str]:
        """Options that are named next to this one; a text that is a part of its text speaks of it, not of another.

        >>> names = Names([Option(label="A", text="wet sand"), Option(label="B", text="sand")])
        >>> names.others("The sand is dark", "A"), names.others("or (B) sand", "A")
        (set(), {'B'})
        """
        named = self.mentioned(text) - {label}
        parts = named & self._parts_of(label)
        for alias in (alias for alias, of in self._texts if of in parts):
            text = re.sub(rf"\b{re.escape(alias)}\b", " ", text, flags=re.IGNORECASE)
        return named - (parts - self.mentioned(text)) if parts else named

    def unnamed(self, text: str) -> str:
        """The text without the names in it, so that no word of a name is taken for a word about it."""
        return self._mention.sub(" ", text)

    @cached_property
    def _mention(self) -> re.Pattern[str]:
        texts = sorted({alias for alias, _ in self._texts if alias}, key=len, reverse=True)
        words = "|".join(re.escape(text).replace(r"\ ", r"\s+") for text in texts) or "(?!)"
        label = self._label_pattern
        return re.compile(
            rf"(?<![\w.,-])(?P<text>{words})(?![\w]|[.,]\d)|\((?P<round>{label})\)|(?<![\w.,-])(?P<closed>{label})\)"
            rf"|\b(?:option|choice|answer)s?\s+\(?(?P<called>{label})\b|(?<![\w'.,-])(?P<bare>{label})(?![\w']|[.,]\d)",
            re.IGNORECASE,
        )

    def _meant(self, match: re.Match[str]) -> set[str]:
        kind, said = match.lastgroup or "", match[match.lastgroup or 0]
        small = said.casefold()
        determines = (small in DETERMINERS or small.isdigit()) and NOUN_AFTER.match(match.string, match.end())
        if kind == "text":
            return set() if determines else {label for alias, label in self._texts if alias == folded(said)}
        if kind == "bare" and (determines or (said.islower() and small in LETTERS_THAT_ARE_WORDS)):
            return set()
        return self._by_label(small)

    def begins_another(self, text: str, label: str) -> bool:
        """Whether a text, which names no option, is part of the text of another option than this."""
        part = folded(text)
        others = (alias for alias, of in self._texts if of != label)
        return bool(part) and any(re.search(rf"\b{re.escape(part)}\b", alias) for alias in others)

    def _parts_of(self, label: str) -> set[str]:
        """Options whose text is a part of this option's text."""
        whole = {alias for alias, of in self._texts if of == label}
        return {of for alias, of in self._texts if any(re.search(rf"\b{re.escape(alias)}\b", text) for text in whole)}


def _aliases(option: Option) -> Iterator[str]:
    """The text for comparing, and the text without the label that it repeats."""
    text, label = folded(option.text), folded(option.label)
    if text:
        yield text
    rest = re.match(rf"\(?{re.escape(label)}[).:]\s*(?P<rest>.+)", text)
    if rest:
        yield rest["rest"]


def _bare(text: str) -> str:
    """Without what stands around a name; a bracket goes with its other half, a sign stays with its number."""
    bare = re.sub(r"^(?:[-=>]\s+)+", "", text.strip(AROUND)).strip(AROUND)
    while bare[-1:] in (")", "]") and not _is_closed(bare, bare[-1]):
        bare = bare[:-1].rstrip(AROUND)
    while bare[:1] in ("(", "[") and not _is_closed(bare[::-1], bare[0]):
        bare = bare[1:].lstrip(AROUND)
    return bare


def _is_closed(text: str, last: str) -> bool:
    """Whether the bracket at the end of a text has its other half in it (read backwards: that at the beginning)."""
    other = {")": "(", "]": "[", "(": ")", "[": "]"}[last]
    depth, closed = 0, False
    for character in text:
        if character == other:
            depth += 1
        elif character == last:
            closed = depth > 0
            depth = max(0, depth - 1)
    return closed


def _unbracketed(bare: str) -> str:
    pairs = {"(": ")", "[": "]"}
    if len(bare) > 2 and pairs.get(bare[0]) == bare[-1] and bare[-1] not in bare[1:-1]:
        return bare[1:-1].strip(AROUND)
    return bare


def _label_first(bare: str, label: str) -> Iterator[tuple[str, str, bool]]:
    """Label, text, and whether a sign marks the first as a label.

    `B) glass`, `(B) glass`, `B. glass`, `B, glass`, `B: glass`, `B - glass`, `B (glass)`, `B glass`.
    """
    pattern = (
        rf"[(\[]?(?P<label>{label})(?P<gap>[)\]]?\s*[).,:=/]\s*|[)\]]?\s+-+(?:\s+|(?=\D))|[)\]]\s*|\s+)(?P<text>.+)"
    )
    found = re.fullmatch(pattern, bare, re.IGNORECASE | re.DOTALL)
    if not found or (found["gap"].isspace() and found["label"].islower() and len(found["label"]) == 1):
        return  # "a net": an article
    if found["gap"] in (".", ",") and found["text"][:1].isdigit():
        return  # "1.75": one number
    yield found["label"], found["text"], bool(re.search(r"[).:]", found["gap"]))


def _label_last(bare: str, label: str) -> Iterator[tuple[str, str]]:
    """`glass (B)`, `glass, option B`, `glass - B`, `glass B`."""
    pattern = rf"(?P<text>.+?)(?:\s*[(\[]|\s*[,;:=]\s*|\s+-+\s*|\s+)(?:{CALLED})?(?P<label>{label})[)\]]?"
    found = re.fullmatch(pattern, bare, re.IGNORECASE | re.DOTALL)
    if found:
        yield found["text"], found["label"]


def _ends(text: str, start: int) -> list[int]:
    """Places where a name may end, the last first: before a blank, a sign or the end; never within a number."""
    boundary = re.compile(r"(?<=[\w)\]%°$€£\"'])(?=$|[^\w%°$€£^~])")
    places = [found.start() for found in boundary.finditer(text, start) if found.start() > start]
    inside = re.compile(r"[.,:/-]\d")
    return [at for at in reversed(places) if not (text[at - 1].isdigit() and inside.match(text, at))]
