"""What the values of a column of preferences mean: all of them are read before any one is.

    found = codes_in(path, settings)              # Counter({"0": 310, "1": 290})
    meaning_of(found)                             # {"A>B": "first", …}: what is read beyond the documented values
    check_codes(path, settings, found)            # BadInput: 0 and 1, and which is the first output?

A preference that is documented (`core.loading.preferences`) is read as it stands: 1, 2, 0 or 1.5, numbers between,
words, names of variants.  Other words that name a side get a meaning in the settings (`values`).  Numbers of another
code are never guessed: which end is the first output is asked for.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from core.errors import BadInput
from core.loading.items import cell
from core.loading.lines import file_name, quoted
from core.loading.names import tidy
from core.loading.preferences import FIRST, NOTHING, SECOND, TIE, TIES, A, B, code_of, number_in
from core.loading.reading import read_rows
from core.settings import Meaning, PreferenceColumns

MOST_VALUES = 200
"""Different values of a column that are looked at: a code has a few."""
STRAY = 0.05
"""Share of numbers that may lie outside 1 to 2 as mistakes of single rows."""
LISTED = 8
SIDE = re.compile(
    r"[\[(]*(?:response|model|output|answer|system|assistant|option|candidate|completion|text)?[ _-]*"
    r"(?P<side>[ab12]|one|two)(?: wins| is better)?[\])]*",
    re.IGNORECASE,
)
COMPARED = re.compile(r"a *(?P<sign>>+|<+|=+|≻|≺|~) *b|b *(?P<turned>>+|<+|=+|≻|≺|~) *a", re.IGNORECASE)
TIE_MARK = re.compile(r"\[\[c\]\]|tied|neutral|equally good|no preference|about the same", re.IGNORECASE)


def codes_in(path: Path, columns: PreferenceColumns, header: bool, field: str | None) -> Counter[str]:
    """Value → rows, of what the preference columns of a file hold; names of the row's variants are left out."""
    found: Counter[str] = Counter()
    names = columns.annotators or [columns.preference]
    for row in read_rows(path, header, field):
        variants = {tidy(str(cell(row.values, name))) for name in (columns.a_name, columns.b_name) if name}
        pair = str(cell(row.values, columns.pair)) if columns.pair else ""
        for name in names:
            value = code_of(cell(row.values, name))
            if value and value not in variants and value not in pair.split("_"):
                found[value] += 1
        if len(found) > MOST_VALUES:
            break
    return found


def meaning_of(found: Counter[str]) -> dict[str, Meaning]:
    """Value → meaning, for words that name a side in another way than the documented one."""
    meant = {value: _side(value) for value in found if not _is_documented(value)}
    return {value: meaning for value, meaning in meant.items() if meaning}


def _is_documented(value: str) -> bool:
    return number_in(value) is not None or value.casefold() in FIRST | SECOND | TIES | NOTHING


def _side(value: str) -> Meaning | None:
    """
    >>> [_side(value) for value in ("A>B", "B >> A", "A=B", "model_1", "Response B", "[[A]]", "[[C]]", "C", "both bad")]
    ['first', 'second', 'tie', 'first', 'second', 'first', 'tie', None, None]
    """
    if TIE_MARK.fullmatch(value):
        return "tie"
    if found := COMPARED.fullmatch(value):
        sign, turned = found["sign"] or found["turned"], found["turned"] is not None
        if sign[0] in "=~":
            return "tie"
        return "first" if (sign[0] in ">≻") != turned else "second"
    if found := SIDE.fullmatch(value):
        return "first" if found["side"].casefold() in ("a", "1", "one") else "second"
    return None


def undecided(found: Counter[str]) -> list[str]:
    """Values of a code of numbers, or of yes and no, that says nowhere which output is meant; [] where all is said.

    >>> undecided(Counter("0011")), undecided(Counter("1122")), undecided(Counter({"-3": 1, "2": 4}))
    (['0', '1'], [], ['-3', '2'])
    """
    numbers = {value: number for value in found if (number := number_in(value)) is not None}
    flags = sorted(value for value in found if value.casefold() in ("true", "false", "yes", "no"))
    total = sum(found[value] for value in numbers)
    outside = sum(found[value] for value, number in numbers.items() if number != 0 and not A <= number <= B)
    known = set(numbers.values())
    told = bool(known & {B}) or any(A < number < B for number in known) or known == {A}
    if not numbers or (told and outside <= STRAY * total):
        return flags
    return sorted(numbers, key=lambda value: numbers[value]) + flags


def check_codes(path: Path, found: Counter[str], column: str, further: bool = False) -> None:
    """`BadInput` where the values of a file do not say which output they mean."""
    values = undecided(found)
    if not values:
        return
    name = file_name(path)
    said = ", ".join(f"{quoted(value)} ({found[value]:,} rows)" for value in values[:LISTED])
    said += f" and {len(values) - LISTED} more" if len(values) > LISTED else ""
    start = f"{quoted(column)} of {name} holds {said}, and nothing says which output is meant"
    if len(values) > MOST_VALUES / 4:
        raise BadInput(f"{start}: write numbers from 1 (the first output) to 2 (the second).")
    if further:
        raise BadInput(f"{start}: write 1 (the first output), 2 (the second) and 1.5 (a tie) there.")
    raise BadInput(f"{start}: say it with {_suggested(values)}, or the other way round.")


def _suggested(values: Sequence[str]) -> str:
    """Settings that give each value a meaning, the lower ones the first output's."""
    numbers = [number for value in values if (number := number_in(value)) is not None]
    middle = sum((min(numbers), max(numbers))) / 2 if len(set(numbers)) > 1 else TIE
    return " ".join(f"--set 'values.{value}={_likely(value, middle)}'" for value in values)


def _likely(value: str, middle: float) -> Meaning:
    number = number_in(value)
    if number is None:
        return "first" if value.casefold() in ("true", "yes") else "second"
    return "tie" if number == middle else "first" if number < middle else "second"
