"""Numbers as answers: `21.0` is `21`, `1,000` is `1000`, and `22 km` may name the option `22`."""

import re
from dataclasses import dataclass
from decimal import Decimal

NUMBER = r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|[-+]?\.\d+"
NO_UNIT = re.compile(
    r"or|and|not|nor|is|are|was|but|because|since|as|so|to|than|if|when|with|would|could|should|may|might|minus|plus|"
    r"times|divided|wrong|incorrect|false|right|correct|both|either|neither|then|the|a|an|of|in|on|for|from|oder|und|"
    r"nicht|ist|ou|et|pas|est|o|y|no"
)
"""Words that may follow a number and are no unit of it."""

SAME_UNIT = {
    "percent": "%",
    "per cent": "%",
    "prozent": "%",
    "dollar": "$",
    "dollars": "$",
    "usd": "$",
    "euro": "€",
    "euros": "€",
    "eur": "€",
    "pounds": "£",
    "degrees": "°",
}
UNIT = r"(?!(?:st|nd|rd|th)\b|[²³¹⁰-⁹¼-¾⅐-⅞])(?:(?:square|cubic|per)\s+)?(?:[^\W\d_]|[%°$€£])[^\s,;:!?()\[\]=<>+|\"]*"
QUANTITY = re.compile(
    rf"(?:[a-z]{{1,2}}\s*=\s*|=\s*)?(?P<before>[$€£¥])?\s*(?P<number>{NUMBER})\s*(?P<unit>{UNIT}(?:\s+per\s+\w+)?)?\.?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Quantity:
    """A number and its unit; the unit is empty where there is none."""

    value: Decimal
    unit: str

    def is_like(self, other: "Quantity") -> bool:
        """Whether both may be the same quantity: one value, and no two different units."""
        return self.value == other.value and (self.unit == other.unit or not (self.unit and other.unit))


def quantity(text: str) -> Quantity | None:
    """The quantity that a plain text is, None where it is none.

    >>> [quantity(t) for t in ("21.0", "$5", "5 km/h", "22 or 23", "21)22", "x")] [:2]
    [Quantity(value=Decimal('21.0'), unit=''), Quantity(value=Decimal('5'), unit='$')]
    >>> quantity("22 or"), quantity("22 km and"), quantity("1.75").value, quantity("x = 1,000 %").unit
    (None, None, Decimal('1.75'), '%')
    """
    found = QUANTITY.fullmatch(text.strip())
    if not found:
        return None
    unit = " ".join((found["unit"] or "").casefold().split())
    if NO_UNIT.fullmatch(unit) or (unit and found["before"]):
        return None
    unit = found["before"] or unit
    return Quantity(Decimal(found["number"].replace(",", "")), SAME_UNIT.get(unit, unit))
