"""The seal of a run, `result.json`: how it ended, written last; where it says done, all of it is on the disk.

    reserve(folder)                 # room for the seal, taken before the work begins
    write_seal(folder, result)      # fits even on a disk that has filled up since
    read_seal(folder)               # None where there is none; `Damaged` where it cannot be read

A seal that cannot be read (cut off by a power cut, edited by hand) counts as none: the run is lost, can be resumed,
and gets a new one.
"""

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core import durable
from core.errors import Damaged
from core.settings import problems_of

NAME = "result.json"

ROOM = 16_384
"""Bytes that are kept free for the seal of a run that ends on a full disk."""

LATEST = 253_402_300_800
"""The end of the year 9999, seconds since 1970."""

Count = Annotated[int, Field(ge=0, lt=2**53)]
Moment = Annotated[float, Field(ge=0, lt=LATEST)]


class _Checked(BaseModel):
    model_config = ConfigDict(strict=True)


class FileSeal(_Checked):
    """A record file as it was when the run ended."""

    rows: Count
    bytes: Count
    sha256: str


class Reason(_Checked):
    """Why a run ended early."""

    message: str
    traceback: str = ""


class Summary(_Checked):
    """Headline figures; what is read of them elsewhere is what it should be, where it is there."""

    model_config = ConfigDict(strict=True, extra="allow")

    items: Count = 0
    rejects: Count = 0
    unlabelled: Count = 0
    rows: Count = 0
    nothing: Count = 0
    runs: Count = 0
    pairs: Count = 0
    explanations: Count = 0
    judgements: Count = 0
    unjudged: Count = 0
    splits: dict[str, Count] = {}
    labels: dict[str, dict[str, Count]] = {}
    annotators: dict[str, str] = {}
    adapter_hash: str = ""
    last_loss: float | None = 0.0


class Seal(_Checked):
    """What every result.json says."""

    state: Literal["done", "failed", "stopped"]
    error: Reason | None
    files: dict[str, FileSeal]
    summary: Summary
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    finished: Moment


def read_seal(folder: Path) -> dict[str, Any] | None:
    """State, error, files with rows and hashes, summary, seconds, finished; None where the run is not sealed.

    `Damaged` where there is a file and it says something else.
    """
    try:
        content = (folder / NAME).read_bytes()
        Seal.model_validate_json(content)
        return json.loads(content)
    except FileNotFoundError:
        return None
    except ValidationError as error:
        why = "it is empty" if not content.strip() else problems_of(error).removeprefix(": ")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
    raise Damaged(f"{NAME} of {folder.name} cannot be read ({why})")


def reserve(folder: Path) -> None:
    """Take the room that a seal needs; an error of the disk here is one before anything was done."""
    draft = _draft(folder)
    if not draft.exists() or draft.stat().st_size < ROOM:
        with draft.open("wb") as file:
            file.write(b" " * ROOM)
            durable.flush(file)


def write_seal(folder: Path, result: dict[str, Any]) -> None:
    """Seal a run whose files are on the disk: over the bytes that `reserve` took, then under its name."""
    draft = _draft(folder)
    draft.touch()
    with draft.open("rb+") as file:
        file.write(_fitting(result))
        file.truncate()
        durable.flush(file)
    if (folder / NAME).is_dir():
        unseal(folder)
    durable.move(draft, folder / NAME)


def unseal(folder: Path) -> None:
    """Take a seal away, whatever lies under its name; what is a folder there is kept beside it."""
    path = folder / NAME
    if path.is_dir():
        path.rename(path.with_name(f"{NAME}.damaged"))
    else:
        path.unlink(missing_ok=True)


def _fitting(result: dict[str, Any]) -> bytes:
    """The seal's text; a traceback that leaves no room loses its beginning."""
    content = json.dumps(result, indent=1).encode()
    if len(content) > ROOM and result["error"]:
        over = len(content) - ROOM
        kept = result["error"] | {"traceback": result["error"]["traceback"][2 * over + 100 :]}
        return json.dumps(result | {"error": kept}, indent=1).encode()
    return content


def _draft(folder: Path) -> Path:
    return folder / f"{NAME}.new"


def seal_stamp(folder: Path) -> float | None:
    """When the seal was written, seconds since 1970; None where there is none."""
    try:
        return os.stat(folder / NAME).st_mtime
    except OSError:
        return None
