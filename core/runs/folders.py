"""Runs on disk: a folder a run, its id a hash of what it computes, its state read from the folder.

    config.json      what is computed: kind, settings, model, parents (all hashed into the id)
    <records>.jsonl  append-only output        events.jsonl   progress, metrics, cost
    lock             held by flock while a worker lives       stop   somebody asked it to stop
    log.txt          everything the worker printed            result.json   written last: the seal

State is never stored: a sealed folder says how it ended, a held lock means alive, and anything else
was cut off and can be resumed.  Writing is `core.runs.work`; starting a worker is `core.runs.launcher`.

Whatever was done to a folder, reading it here gives what can be read: a seal or an event that is none is left out and
named by `RunFolder.damage`, a configuration that is none is `Damaged` and named by `unreadable_runs`.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, ValidationError, model_serializer

from core import durable
from core.errors import BadInput, Damaged
from core.home import Home
from core.records import Record
from core.runs.events import read_event
from core.runs.seals import Moment, read_seal, reserve
from core.settings import problems_of

Kind = Literal[
    "import", "judgements", "sft", "responses", "sample", "judge", "head_to_head", "pairs", "dpo", "pipeline"
]
State = Literal["queued", "running", "done", "failed", "stopped", "lost"]

R = TypeVar("R", bound=Record)

FROM_BEFORE = (
    "from before chat template, tokenizer and configuration of a model were part of a run's id: those may have been "
    "others than the folder holds now"
)
"""What runs say of themselves whose id leaves these out, after their number or name."""
DRAFT = ".new-"
"""How the name of a run folder begins that is being made."""

NO_HOLDER = " " * 32
"""What a lock holds while nobody does: as long as a pid, which then fits on a disk that is full."""

VERSIONED = ("torch", "transformers", "trl", "peft", "datasets", "duckdb", "streamlit")


class AdapterRef(Record):
    """A LoRA adapter that no run of this lab made."""

    path: str
    """Folder on this machine; not part of a run's identity."""
    hash: str
    """SHA-256 of its configuration and weights."""


class ServerRef(Record):
    """A model behind an OpenAI-compatible server; a run's identity holds the hash of `url` and `model` alone."""

    url: str
    """Base address, as clients take it (mostly ending in /v1), without credentials."""
    model: str
    """The model's id there."""
    key_env: str = "OPENAI_API_KEY"
    """Name of the environment variable with the key; the key itself is stored nowhere."""
    concurrency: int = 8
    """Requests at once."""
    timeout: float = 120.0
    """Seconds that an answer may take."""


class ModelUse(BaseModel):
    """The weights a run computes with: a base, adapters from elsewhere, then those of runs, merged in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    hash: str
    path: str
    """Folder on this machine; not part of the run's identity."""
    source: str = ""
    adapters: list[AdapterRef] = []
    template: str | None = None
    """Chat template (Jinja) in place of the model's own."""
    server: ServerRef | None = None
    """Where the model is, if not on this machine; `hash` is then that of its address and id."""
    chain: list[str] = []
    files: str = ""
    """What is loaded beside the weights, as a hash or a commit; empty in runs from before that was part of an id."""
    parameters: int | None = None
    """Parameters in the base's weights: a note, not part of the run's identity."""

    @property
    def identity(self) -> list[Any]:
        """What makes it this variant: weights, chain, adapters and template given to it, and what is loaded beside."""
        given = [[adapter.hash for adapter in self.adapters], self.template]
        beside = [{"files": self.files}] if self.files else []
        return [self.hash, self.chain, *(given if any(given) else []), *beside]

    def moved(self, move: Callable[[str], str]) -> Self:
        """The same with each folder of this machine put through `move`."""
        adapters = [adapter.model_copy(update={"path": move(adapter.path)}) for adapter in self.adapters]
        return self.model_copy(update={"path": move(self.path), "adapters": adapters})

    @property
    def from_before(self) -> bool:
        """Whether what was loaded beside the weights is no part of this variant's identity."""
        return bool(self.path) and not self.files

    @model_serializer(mode="wrap")
    def _without_the_unused(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What not every model has stands in a configuration only where it is so."""
        optional = ("adapters", "template", "server", "files", "parameters")
        return {name: value for name, value in dump(self).items() if name not in optional or value}


class RunConfig(BaseModel):
    """What a run computes.  `label`, `path`s, versions and time are notes, not identity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    label: str
    """Name of the variant (sft, dpo, sample, judge) or data set, for people."""
    settings: dict[str, Any]
    model: ModelUse | None = None
    parents: dict[str, str] = {}
    """Role → run id: dataset, samples, judgements, debates, debate_judgements, pairs, sft, samples_a, samples_b,
    reread (the run whose responses are read again)."""
    inputs: dict[str, str] = {}
    """Role → content hash of what is read beside the parents: source file, prompt, rubric."""
    versions: dict[str, str] = {}
    created: Moment = 0.0
    """Seconds since 1970."""

    @property
    def from_before(self) -> bool:
        """Whether its model's template, tokenizer and configuration are no part of its id (`FROM_BEFORE` says so)."""
        return self.model is not None and self.model.from_before

    @property
    def what(self) -> str:
        """What it is in words, see `in_words`."""
        return in_words(self.kind, self.settings.get("mode"))

    def moved(self, move: Callable[[str], str]) -> Self:
        """The same with each folder of this machine put through `move`.

        Pipelines of before their runs were their identity stay as they are: their id holds the folders of their steps.
        """
        changes: dict[str, Any] = {"model": self.model.moved(move)} if self.model else {}
        if self.by_runs:
            steps = [RunConfig.model_validate(step).moved(move) for step in self.settings["steps"]]
            changes["settings"] = self.settings | {"steps": [step.as_step() for step in steps]}
        return self.model_copy(update=changes)

    def as_step(self) -> dict[str, Any]:
        """As JSON, as a step of a pipeline."""
        return self.model_dump(mode="json", exclude={"created", "versions"})

    @property
    def by_runs(self) -> bool:
        """Whether it is a pipeline that its runs identify, whatever its file says and wherever models lie."""
        return self.kind == "pipeline" and self.settings.get("identity") == "runs"

    @property
    def _computed(self) -> dict[str, Any]:
        """The settings as far as they are identity."""
        if self.by_runs:
            return {"runs": [RunConfig.model_validate(step).id for step in self.settings["steps"]]}
        return self.settings

    @property
    def id(self) -> str:
        """Kind and 12 hex digits of the content hash: the same work asked for twice has one id."""
        identity = {
            "kind": self.kind,
            "settings": self._computed,
            "model": self.model.identity if self.model else None,
            "parents": self.parents,
            "inputs": self.inputs,
        }
        return f"{self.kind}-{content_hash(identity)[:12]}"


def in_words(kind: str, mode: str | None) -> str:
    """The kind of a run in words; a judge that only reads and chooses is told apart.

    >>> in_words("judge", "reader"), in_words("head_to_head", "probabilities")
    ('reader', 'head to head')
    """
    return "reader" if (kind, mode) == ("judge", "reader") else kind.replace("_", " ")


def content_hash(value: Any) -> str:
    """SHA-256 of a JSON value in canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def adapter_hash(folder: Path) -> str:
    """SHA-256 over an adapter's configuration (its scale is there) and weights."""
    return content_hash([file_hash(folder / name) for name in ("adapter_config.json", "adapter_model.safetensors")])


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class RunFolder:
    """A run as it lies on disk; reading it never changes it."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @cached_property
    def config(self) -> RunConfig:
        """What it computes, its models found from the state folder it lies in; `Damaged` where it does not say."""
        try:
            written = RunConfig.model_validate_json((self.path / "config.json").read_bytes())
            return written.moved(Home(self.path.parent.parent).found)
        except ValidationError as error:
            why = problems_of(error).removeprefix(": ")
        except OSError as error:
            why = error.strerror or str(error)
        way = "put it back from a copy, or move the folder away"
        raise Damaged(f"config.json of {self.id} cannot be read ({why}): {way}.")

    @property
    def result(self) -> dict[str, Any] | None:
        """The seal: state, error, files with rows and hashes, summary, seconds; None if not sealed.

        A seal that cannot be read counts as none (`damage` names it): the run can be resumed.
        """
        try:
            return read_seal(self.path)
        except Damaged:
            return None

    @property
    def log(self) -> Path:
        """What the worker printed."""
        return self.path / "log.txt"

    @property
    def alive(self) -> bool:
        """Whether a process holds the run's lock; nobody holds one that is not there."""
        try:
            with (self.path / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    @property
    def state(self) -> State:
        if self.alive:
            return "running" if self._last_phase() == "started" else "queued"
        result = self.result
        return result["state"] if result else "lost"

    def _last_phase(self) -> str | None:
        phases = [e["type"] for e in self.events() if e["type"] in ("queued", "started")]
        return phases[-1] if phases else None

    def lines(self, name: str) -> Iterator[bytes]:
        """Whole lines of an output file; a torn last line is not one."""
        path = self.path / f"{name}.jsonl"
        if path.is_dir():
            raise Damaged(f"{path.name} of {self.id} is a folder: move it away, then {self.mend}")
        if path.exists():
            with path.open("rb") as file:
                yield from (line for line in file if line.endswith(b"\n"))

    def events(self) -> list[dict[str, Any]]:
        """Its events in order; lines that are none are left out (`damage` counts them)."""
        return self._events()[0]

    def _events(self) -> tuple[list[dict[str, Any]], list[str]]:
        """(events, why each other line is none)."""
        events, unread = [], []
        try:
            for place, line in enumerate(self.lines("events"), 1):
                try:
                    events.append(read_event(line))
                except ValueError as error:
                    unread.append(f"line {place}: {error}")
        except (Damaged, OSError) as error:
            unread.append(str(error))
        return events, unread

    @property
    def moment(self) -> datetime:
        """The date that its chats are rendered with where a template writes today's: noted when it first loaded.

        Before that, and for runs whose template writes none, when it was made.
        """
        noted = [event["date"] for event in self.events() if event["type"] == "loaded" and "date" in event]
        return datetime.fromisoformat(noted[0]) if noted else datetime.fromtimestamp(self.config.created)

    def read(self, name: str, record: type[R]) -> list[R]:
        """All rows of an output file, checked; `Damaged` names the first line that is none."""
        rows = []
        for place, line in enumerate(self.lines(name), 1):
            try:
                rows.append(record.model_validate_json(line))
            except ValidationError as error:
                why = problems_of(error).removeprefix(": ")
                raise Damaged(f"Line {place} of {name}.jsonl of {self.id} is no row ({why}): {self.mend}") from None
        return rows

    @property
    def mend(self) -> str:
        """What to do where a file of it is damaged, as the end of a sentence."""
        if self.id.startswith(("import-", "judgements-", "responses-")):
            return "load its file again."
        return f"`anchorlab resume {self.id}` makes what is missing again."

    @property
    def damage(self) -> list[str]:
        """Sentences on what cannot be read of its seal and its events, each with what to do."""
        found = []
        try:
            read_seal(self.path)
        except Damaged as error:
            found.append(f"{error}: the run counts as not ended; {self.mend}")
        if unread := self._events()[1]:
            found.append(unread_events(self.id, len(unread), unread[0]))
        return found

    def adapter(self) -> Path:
        return self.path / "adapter"


def create_run(home: Home, config: RunConfig) -> RunFolder:
    """The run's folder, made in one step if it is not there yet (a double click makes one run)."""
    folder = RunFolder(home.runs / config.id)
    if folder.path.exists():
        if isinstance(run_or_why(folder.path), str):  # what it was is known again
            _write_config(folder.path, config)
        return folder
    durable.make_folder(home.runs)
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=home.runs))
    try:
        _write_config(draft, config)
        (draft / "lock").write_text(NO_HOLDER)
        reserve(draft)
        draft.chmod(0o755)
        durable.move(draft, folder.path)
    except OSError:
        shutil.rmtree(draft)
        if not folder.path.exists():  # else another process made the same run in the meantime
            raise
    return folder


def note_model(folder: RunFolder, use: ModelUse) -> RunFolder:
    """The run with another note of where its model lies, which is no part of its id; its lock must be held."""
    home = Home(folder.path.parent.parent)
    noted = folder.config.model_copy(update={"model": use}).moved(home.kept)
    durable.write_file(folder.path / "config.json", noted.model_dump_json(indent=1))
    return RunFolder(folder.path)


def _write_config(folder: Path, config: RunConfig) -> None:
    kept = Home(folder.parent.parent).kept
    noted = config.moved(kept).model_copy(update={"created": time.time(), "versions": _versions()})
    durable.write_file(folder / "config.json", noted.model_dump_json(indent=1))


def unread_events(run: str, count: int, first: str = "") -> str:
    """A sentence on lines of a run's events.jsonl that are no events."""
    what = "1 line of events.jsonl is no event and is" if count == 1 else f"{count} lines are no events and are"
    of = f"Of events.jsonl of {run} " if count > 1 else f"Of {run} "
    return f"{of}{what} left out{f' ({first})' if first else ''}: its progress and cost may be incomplete."


@cache
def _versions() -> dict[str, str]:
    return {name: version(name) for name in VERSIONED}


def find_run(home: Home, run_id: str) -> RunFolder:
    """The run with this id, or with the only id that starts so; what people give is never a pattern or a path."""
    if not run_id.strip():
        raise BadInput("Name a run by its id, or the beginning of it; `anchorlab runs` lists them.")
    everything = os.listdir(home.runs) if home.runs.is_dir() else []
    names = sorted(name for name in everything if name.startswith(run_id) and not name.startswith("."))
    exact = [name for name in names if name == run_id] or names
    if len(exact) != 1:
        found = "none does" if not names else f"{len(names)} do: {', '.join(names)}"
        raise BadInput(f"No single run's id starts with {run_id!r} ({found}); `anchorlab runs` lists them.")
    return RunFolder(home.runs / exact[0])


def run_at(home: Home, run_id: str) -> RunFolder | None:
    """The run with exactly this id; None where there is none, or where the id is no name of a folder."""
    if run_id.startswith(".") or Path(run_id).name != run_id:
        return None
    found = run_or_why(home.runs / run_id)
    return found if isinstance(found, RunFolder) else None


def all_runs(home: Home) -> list[RunFolder]:
    """Every run of this home, oldest first; folders that cannot be read as runs are left out (`unreadable_runs`)."""
    readable = [run for path in run_paths(home) if isinstance(run := run_or_why(path), RunFolder)]
    return sorted(readable, key=lambda folder: (folder.config.created, folder.id))


def unreadable_runs(home: Home) -> list[str]:
    """A sentence for each thing among the runs that is none, with what to do."""
    if home.runs.exists() and not home.runs.is_dir():
        return [f"{home.runs} is a file where the folder of runs should be: move it away, and put the folder back."]
    return [why for path in run_paths(home) if isinstance(why := run_or_why(path), str)]


def run_paths(home: Home) -> list[Path]:
    """What is named as a run among the runs, by name."""
    return sorted(path for path in home.runs.glob("*-*") if not path.name.startswith("."))


def run_or_why(path: Path) -> RunFolder | str:
    """The run in a folder, or a sentence on why it is none."""
    return _run_at(path, _written(path))


def _written(path: Path) -> int:
    """When a run's configuration was written, nanoseconds; 0 where there is none."""
    try:
        return (path / "config.json").stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=16_384)
def _run_at(path: Path, written: int) -> RunFolder | str:
    """As `run_or_why`; a configuration is read once, for it never changes."""
    folder = RunFolder(path)
    try:
        if folder.config.id == folder.id:
            return folder
        why = f"its config.json is that of {folder.config.id}: put its own back from a copy, or move the folder away."
    except Damaged as error:
        why = str(error)
    return f"The folder {folder.id} among the runs is left out: {why}"
