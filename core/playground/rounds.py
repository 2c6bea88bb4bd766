"""The folder `playground/` of a home, through which pages ask and the worker answers.

    <round>.json      the wish, written whole            <round>.waiting   it is not ended yet: the queue
    <round>.jsonl     what the worker says, a line each   <round>.cancel    somebody called it off
    lock              held by the worker while it lives   log.txt           what it printed

Rounds are named by the time they were asked at, so the order of names is the queue.  A page that is
refreshed, a second viewer and a worker started anew all read the same files: nothing lives in a process.
"""

import json
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.errors import BadInput, Damaged
from core.home import Home
from core.playground.records import Answer, Round, Status, Wish
from core.runs.folders import RunFolder

NAME = re.compile(r"[0-9a-f]{22}")

TRIES = 3
"""Workers that may end in the middle of a round before it is given up."""

KEPT_SECONDS = 24 * 3600.0
"""How long the files of ended rounds stay; what they say is in the journal."""


def new_round() -> str:
    """A name for a round that is asked now."""
    return f"{time.time_ns():016x}{secrets.token_hex(3)}"


def ask(home: Home, wish: Wish) -> None:
    """Put a wish at the end of the queue; `core.playground.serving.start` wakes the worker."""
    home.playground.mkdir(parents=True, exist_ok=True)
    _write(home, f"{wish.round}.json", wish.model_dump_json())
    _file(home, wish.round, "waiting").touch()


def cancel(home: Home, round: str) -> None:
    """Call a round off: the worker lets go of it at its next token."""
    _file(home, round, "cancel").touch()


def look(home: Home, round: str) -> Round | None:
    """The round as it stands now; None where there are no files of it."""
    try:
        wish = Wish.model_validate_json(_file(home, round, "json").read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise Damaged(f"The round {round} of the Playground cannot be read: ask the question again.") from None
    found = Round(wish, "queued")
    for said in events(home, round):
        with suppress(KeyError, TypeError, ValueError, AttributeError):  # a line that is none: the others are shown
            _hear(found, said)
    if found.waiting:
        found.status = _status(home, found)
        found.before = len([other for other in queue(home) if other < round]) if found.status == "queued" else 0
    return found


def _status(home: Home, found: Round) -> Status:
    """Of a round that has not ended."""
    living = alive(home)
    if _file(home, found.wish.round, "cancel").exists() and not (living and found.begun):
        return "cancelled"
    if not living:
        return "cut off"
    return "running" if found.begun else "queued"


def _hear(found: Round, said: dict[str, Any]) -> None:
    """What one line changes."""
    match said["type"]:
        case "begun":
            found.status, found.shared, found.begun = "running", said["shared"], found.begun + 1
            found.texts, found.answers, found.phase = {}, {}, "starting"
        case "phase":
            found.phase = said["what"]
        case "text":
            found.texts[said["place"]] = found.texts.get(said["place"], "")[: said["at"]] + said["add"]
        case "answer":
            answer = Answer.model_validate(said["answer"])
            found.answers[answer.place] = answer
            found.texts[answer.place] = answer.row.response
        case "note":
            found.message = said["text"]
        case "ended":
            found.status, found.message = said["state"], said["message"] or found.message


# --- the worker's side


def events(home: Home, round: str) -> list[dict[str, Any]]:
    """Whole lines that the worker wrote of a round."""
    path = _file(home, round, "jsonl")
    if not path.exists():
        return []
    lines = [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return [said for said in map(_said, lines) if said]


def _said(line: bytes) -> dict[str, Any] | None:
    """What a line says; None where it says nothing that can be read."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return said if isinstance(said, dict) and isinstance(said.get("type"), str) else None


def say(home: Home, round: str, type: str, **values: Any) -> None:
    """Add a line to what is said of a round."""
    with _file(home, round, "jsonl").open("ab") as file:
        file.write(json.dumps({"type": type, **values}).encode() + b"\n")


def ended(home: Home, round: str, state: Status, message: str = "") -> None:
    """The round is over: nothing is said of it after this."""
    say(home, round, "ended", state=state, message=message)
    _file(home, round, "waiting").unlink(missing_ok=True)


def queue(home: Home) -> list[str]:
    """Rounds that are not ended, the oldest first; those that were called off are left out."""
    waiting = sorted(path.stem for path in home.playground.glob("*.waiting") if NAME.fullmatch(path.stem))
    return [round for round in waiting if not cancelled(home, round)]


def cancelled(home: Home, round: str) -> bool:
    return _file(home, round, "cancel").exists()


def wish_of(home: Home, round: str) -> Wish:
    return Wish.model_validate_json(_file(home, round, "json").read_bytes())


def tidy(home: Home) -> None:
    """Close rounds that were called off while no worker lived, and drop files of rounds that ended long ago."""
    for path in home.playground.glob("*.waiting"):
        if not NAME.fullmatch(path.stem):
            continue
        if cancelled(home, path.stem):
            ended(home, path.stem, "cancelled")
        elif any(said["type"] == "ended" for said in events(home, path.stem)):
            path.unlink()
    for path in home.playground.glob("*.json"):
        old = time.time() - path.stat().st_mtime > KEPT_SECONDS
        if old and not path.with_suffix(".waiting").exists():
            for suffix in (".jsonl", ".cancel", ".json"):
                path.with_suffix(suffix).unlink(missing_ok=True)


def alive(home: Home) -> bool:
    """Whether a worker lives, that is, holds the lock."""
    return lock_path(home).exists() and RunFolder(home.playground).alive


def lock_path(home: Home) -> Path:
    return home.playground / "lock"


def _file(home: Home, round: str, suffix: str) -> Path:
    if not NAME.fullmatch(round):
        raise BadInput("This is not the name of a round: go back to the Playground and start from there.")
    return home.playground / f"{round}.{suffix}"


def _write(home: Home, name: str, text: str) -> None:
    draft = home.playground / f".{name}.new"
    draft.write_text(text)
    draft.rename(home.playground / name)
