"""Seeds from content: the same question draws the same numbers in any order, subset or rerun."""

import hashlib
import json
from collections.abc import Iterable
from json.encoder import encode_basestring_ascii as quoted


def seed_of(*parts: str | int) -> int:
    """A 63-bit seed that depends on every part.

    >>> seed_of("explain", 0, "q1") == seed_of("explain", 0, "q1") != seed_of("explain", 1, "q1")
    True
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def seeds_of(parts: tuple[str | int, ...], names: Iterable[str]) -> list[int]:
    """The seeds of many names after the same parts, each as `seed_of` gives it, in a fraction of the time.

    >>> seeds_of(("draw", 0), ["ä", "b"]) == [seed_of("draw", 0, "ä"), seed_of("draw", 0, "b")]
    True
    """
    opening = json.dumps(parts)[:-1] + ", "
    digests = (hashlib.sha256(f"{opening}{quoted(name)}]".encode()).digest() for name in names)
    return [int.from_bytes(digest[:8], "big") >> 1 for digest in digests]
