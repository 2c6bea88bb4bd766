"""The writing side of a run: append whole lines, say how far it is, stop when asked, seal.

Only the process that holds the run's lock makes a `Work`.  What a crash leaves behind is a folder
whose last line may be torn; `Work` cuts it and the stage goes on after the rows that are there.
"""

import hashlib
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Iterable, Mapping
from multiprocessing import parent_process
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.errors import BadInput, LabError, RunStopped
from core.home import Home
from core.records import Record
from core.runs.folders import RunConfig, RunFolder
from core.runs.sealed import adapter_seal, require_whole

OUTPUTS = {
    "import": ("items", "rejects"),
    "judgements": ("preferences", "ratings", "rejects"),
    "sft": (),
    "responses": ("explanations", "rejects"),
    "sample": ("explanations",),
    "judge": ("judgements",),
    "head_to_head": ("head_to_head",),
    "pairs": ("pairs", "dropped"),
    "dpo": (),
    "pipeline": (),
}
"""Record files of each run kind."""


RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in the unit in which the system reports the most memory a process has held."""


class Work:
    """An open run.  As a context manager it seals the run: done, stopped, or failed with the reason."""

    def __init__(self, folder: RunFolder, lock: int | None = None) -> None:
        self.folder = folder
        self.lock = lock
        """The run's lock as an open file descriptor, where this process is the run's worker."""
        self.home = Home(folder.path.parent.parent)
        self.summary: dict[str, Any] = {}
        """Headline figures of the run, kept in its seal."""
        self._began = time.monotonic()

    @property
    def config(self) -> RunConfig:
        return self.folder.config

    @property
    def path(self) -> Path:
        return self.folder.path

    def parent(self, role: str) -> RunFolder:
        """The sealed run in this role; a run whose parent is not done, or not what it was sealed as, does not start."""
        folder = RunFolder(self.home.runs / self.config.parents[role])
        result = folder.result
        if not result or result["state"] != "done":
            raise BadInput(f"{self.folder.id} needs {folder.id} ({role}), which is not done: run that first.")
        require_whole(folder)
        return folder

    # --- writing

    def append(self, name: str, records: Iterable[Record]) -> None:
        """Add rows to an output file as whole lines, in one write."""
        self._write(name, "".join(record.model_dump_json() + "\n" for record in records))

    def event(self, type: str, **values: Any) -> None:
        """Add a line to the run's events."""
        self._write("events", json.dumps({"t": time.time(), "type": type, **values}) + "\n")

    def progress(self, done: int, total: int, unit: str) -> None:
        self.event("progress", done=done, total=total, unit=unit)

    def cost(self, prompt_tokens: int, new_tokens: int, seconds: float, unshared_tokens: int | None = None) -> None:
        """What a batch took: prompt tokens that the model read (what prompts share once) and tokens it generated.

        unshared_tokens: the prompt tokens if each reply had read its whole prompt; None where nothing is shared.
        """
        unshared = {} if unshared_tokens is None else {"unshared_tokens": unshared_tokens}
        spent = {"prompt_tokens": prompt_tokens, "new_tokens": new_tokens, "seconds": round(seconds, 3)}
        self.event("cost", **spent, **unshared, **peak_memory())

    def loaded(self, seen: Mapping[str, Any]) -> None:
        """What the run computes with (see `core.engines.Engine.provenance`), and a note on each of its fallbacks."""
        self.event("loaded", **seen)
        for text in seen.get("fallbacks", ()):
            self.note(text)

    def note(self, text: str) -> None:
        """Something a person should know about this run."""
        self.event("note", text=text)

    def _write(self, name: str, text: str) -> None:
        with (self.path / f"{name}.jsonl").open("ab") as file:
            file.write(text.encode())

    # --- stopping

    def raise_if_stopped(self) -> None:
        """Call between batches: ends the run here if somebody asked for it."""
        if (self.path / "stop").exists():
            raise RunStopped("Stopped on request: what was produced is kept, and resuming it goes on from here.")

    # --- opening and sealing

    def __enter__(self) -> Self:
        (self.path / "result.json").unlink(missing_ok=True)
        for name in (*OUTPUTS[self.config.kind], "events"):
            cut_torn_line(self.path / f"{name}.jsonl")
        self.event("queued")
        return self

    def started(self) -> None:
        """The wait for a slot is over: work begins, and the clock with it; a fork has loaded what it needs before."""
        self._began = time.monotonic()
        self.event("started", forked=parent_process() is not None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        state = "done" if error is None else "stopped" if isinstance(error, RunStopped) else "failed"
        self.event("ended", state=state)
        self._seal(state, error)
        return error is None or isinstance(error, RunStopped)

    def _seal(self, state: str, error: BaseException | None) -> None:
        names = (*OUTPUTS[self.config.kind], "events")
        result = {
            "state": state,
            "error": _describe(error),
            "files": {name: _seal_of(self.path / f"{name}.jsonl") for name in names},
            **({"adapter": adapter} if (adapter := adapter_seal(self.folder)) else {}),
            "summary": self.summary,
            "seconds": round(time.monotonic() - self._began, 2),
            "finished": time.time(),
        }
        draft = self.path / "result.json.new"
        draft.write_text(json.dumps(result, indent=1))
        draft.rename(self.path / "result.json")


def peak_memory() -> dict[str, Any]:
    """The most memory that this process has held: bytes, and whether of a GPU (torch's own count) or of the host."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        return {"peak_bytes": torch.cuda.max_memory_allocated(), "memory": "cuda"}
    return {"peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT, "memory": "host"}


def cut_torn_line(path: Path) -> None:
    """Cut what follows the last line end: the half line of a worker that was killed while writing."""
    if not path.exists():
        path.touch()
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        file.truncate(end)


def _seal_of(path: Path) -> dict[str, Any]:
    digest, rows = hashlib.sha256(), 0
    with path.open("rb") as file:
        for line in file:
            digest.update(line)
            rows += 1
    return {"rows": rows, "bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def _describe(error: BaseException | None) -> dict[str, str] | None:
    if error is None:
        return None
    known = isinstance(error, LabError)
    message = str(error) if known else f"{type(error).__name__}: {error}"
    return {"message": message, "traceback": "" if known else "".join(traceback.format_exception(error))}
