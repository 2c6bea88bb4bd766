"""Names, as files spell them, made one: outer blanks and the two ways to write an accented letter.

tidy(" Andre\\u0301 ") == tidy("André")
"""

import unicodedata


def tidy(text: str) -> str:
    """A name or label without outer blanks, its letters composed (NFC).

    >>> tidy(" e\\u0301 ") == "é"
    True
    """
    return unicodedata.normalize("NFC", text).strip()


def is_tidy(text: str) -> bool:
    return tidy(text) == text
