"""Figures for people: one way to write a number and its 95% interval, on pages, in the terminal and in files."""

from collections.abc import Sequence
from typing import Literal

from core.statistics.estimates import Estimate

Unit = Literal["share", "points", "number", "coefficient"]
"""share: of 1, in per cent.  points: of a percentage, signed.  coefficient: such as κ, between −1 and 1."""


def number(value: float | None, unit: Unit = "number") -> str:
    """A figure; an en dash where there is none, and no sign of a zero.

    >>> number(0.614, "share"), number(-3.21, "points"), number(41.26), number(-0.408, "coefficient"), number(None)
    ('61.4%', '−3.2', '41.3', '−0.41', '–')
    >>> number(-0.04), number(-0.04, "points"), number(0.04, "points")
    ('0.0', '0.0', '0.0')
    """
    if value is None:
        return "–"
    text = {
        "share": f"{100 * value:z.1f}%",
        "points": f"{value:+z.1f}",
        "number": f"{value:z,.1f}",
        "coefficient": f"{value:z.2f}",
    }[unit]
    return text.removeprefix("+") if text == "+0.0" else text.replace("-", "−")


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> plural(1, "row"), plural(1200, "row"), plural(0, "pass", "passes")
    ('1 row', '1,200 rows', '0 passes')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(names: Sequence[str]) -> str:
    """
    >>> listed(["Question"]), listed(["Question", "Variant", "Label"])
    ('Question', 'Question, Variant and Label')
    """
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def interval(estimate: Estimate, unit: Unit = "number") -> str:
    """An estimate with its 95% interval, where it has one, as a cell of a table has it.

    >>> interval(Estimate(0.614, 0.521, 0.703, 88), "share"), interval(Estimate(0.41, None, None, 1), "coefficient")
    ('61.4% (52.1 … 70.3)', '0.41')
    """
    return _with(estimate, unit, ends(estimate, unit).removeprefix("95% "))


def in_a_sentence(estimate: Estimate, unit: Unit = "number") -> str:
    """The same as a sentence has it, which says what the brackets hold.

    >>> in_a_sentence(Estimate(0.614, 0.521, 0.703, 88), "share")
    '61.4% (95% 52.1 … 70.3)'
    """
    return _with(estimate, unit, ends(estimate, unit))


def with_n(estimate: Estimate, unit: Unit = "number") -> str:
    """The same with the number of questions behind it.

    >>> with_n(Estimate(0.25, 0.1, 0.4, 60), "share"), with_n(Estimate(3.2, None, None, 1), "points")
    ('25.0% (95% 10.0 … 40.0, n = 60 questions)', '+3.2 points (n = 1 questions)')
    """
    behind = ", ".join(filter(None, [ends(estimate, unit), f"n = {estimate.n} questions"]))
    return f"{number(estimate.value, unit)}{' points' if unit == 'points' else ''} ({behind})"


def _with(estimate: Estimate, unit: Unit, ends: str) -> str:
    return number(estimate.value, unit) + (f" ({ends})" if ends else "")


def ends(estimate: Estimate, unit: Unit = "number") -> str:
    """The 95% interval alone; empty where there is none.

    >>> ends(Estimate(-3.2, -5.06, 1.0, 88), "points")
    '95% −5.1 … +1.0'
    """
    if estimate.low is None or estimate.high is None:
        return ""
    low, high = (number(end, unit).removesuffix("%") for end in (estimate.low, estimate.high))
    return f"95% {low} … {high}"
