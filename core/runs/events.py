"""Events of a run: lines of events.jsonl, each checked before anybody relies on its fields."""

import json
import math
from typing import Any

NUMBER = (int, float)

FIELDS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "progress": {"done": int, "total": int, "unit": str},
    "cost": {"prompt_tokens": int, "new_tokens": int, "seconds": NUMBER},
    "metric": {"step": int, "values": dict},
    "step": {"run": str},
    "note": {"text": str},
    "ended": {"state": str},
}
"""Type of an event → the fields that are read of it; others may be there, and types of later versions."""


def read_event(line: bytes) -> dict[str, Any]:
    """An event: `t` (seconds since 1970), `type`, and what belongs to it.  `ValueError` says why a line is none.

    >>> read_event(b'{"t": 1.5, "type": "note", "text": "slow"}')["text"]
    'slow'
    >>> read_event(b'{"t": 1.5, "type": "progress", "done": "half"}')
    Traceback (most recent call last):
    ValueError: done of progress is 'half'
    """
    event = json.loads(line)
    if not isinstance(event, dict):
        raise ValueError("it is no object")
    if b"\\u" in line:
        json.dumps(event, ensure_ascii=False).encode()  # half characters are no text
    if not (_is(event.get("t"), NUMBER) and math.isfinite(event["t"]) and isinstance(event.get("type"), str)):
        raise ValueError("it has no time and type")
    for name, kind in FIELDS.get(event["type"], {}).items():
        if not _is(event.get(name), kind):
            raise ValueError(f"{name} of {event['type']} is {event.get(name)!r}")
    if event["type"] == "metric" and not all(_is(v, NUMBER) for v in event["values"].values() if v is not None):
        raise ValueError("a value of metric is no number")
    if event["type"] == "metric" and not 0 <= event["step"] < 2**31:
        raise ValueError(f"step of metric is {event['step']}")
    return event


def _is(value: Any, kind: type | tuple[type, ...]) -> bool:
    """Whether it is of this type; integers no longer than a double holds."""
    if isinstance(value, bool) or not isinstance(value, kind):
        return False
    return not isinstance(value, int) or abs(value) < 2**53


def finite(value: Any) -> Any:
    """A JSON value without NaN and infinities, which JSON does not have: they become null.

    >>> finite({"loss": [float("nan"), 1.0]})
    {'loss': [None, 1.0]}
    """
    if isinstance(value, dict):
        return {name: finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
