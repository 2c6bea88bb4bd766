"""Runs on disk: a folder a run, its id a hash of what it computes, its state read from the folder.

    config.json      what is computed: kind, settings, model, parents (all hashed into the id)
    <records>.jsonl  append-only output        events.jsonl   progress, metrics, cost
    lock             held by flock while a worker lives       stop   somebody asked it to stop
    log.txt          everything the worker printed            result.json   written last: the seal

State is never stored: a sealed folder says how it ended, a held lock means alive, and anything else
was cut off and can be resumed.  Writing is `core.runs.work`; starting a worker is `core.runs.launcher`.
"""

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, ValidationError, model_serializer

from core.errors import BadInput
from core.home import Home
from core.records import Record

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
    created: float = 0.0

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
        """As it is written, folders of models found from the state folder that it lies in."""
        written = RunConfig.model_validate_json((self.path / "config.json").read_bytes())
        return written.moved(Home(self.path.parent.parent).found)

    @property
    def result(self) -> dict[str, Any] | None:
        """The seal: state, error, files with rows and hashes, summary, seconds; None if not sealed."""
        try:
            return json.loads((self.path / "result.json").read_bytes())
        except FileNotFoundError:
            return None

    @property
    def log(self) -> Path:
        """What the worker printed."""
        return self.path / "log.txt"

    @property
    def alive(self) -> bool:
        """Whether a process holds the run's lock."""
        with (self.path / "lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
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
        if path.exists():
            with path.open("rb") as file:
                yield from (line for line in file if line.endswith(b"\n"))

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines("events")]

    @property
    def moment(self) -> datetime:
        """The date that its chats are rendered with where a template writes today's: noted when it first loaded.

        Before that, and for runs whose template writes none, when it was made.
        """
        noted = [event["date"] for event in self.events() if event["type"] == "loaded" and "date" in event]
        return datetime.fromisoformat(noted[0]) if noted else datetime.fromtimestamp(self.config.created)

    def read(self, name: str, record: type[R]) -> list[R]:
        """All rows of an output file, checked."""
        return [record.model_validate_json(line) for line in self.lines(name)]

    def adapter(self) -> Path:
        return self.path / "adapter"


def create_run(home: Home, config: RunConfig) -> RunFolder:
    """The run's folder, made in one step if it is not there yet (a double click makes one run)."""
    folder = RunFolder(home.runs / config.id)
    if folder.path.exists():
        return folder
    home.runs.mkdir(parents=True, exist_ok=True)
    draft = home.runs / f".new-{config.id}-{os.getpid()}-{time.monotonic_ns()}"
    draft.mkdir()
    noted = config.moved(home.kept).model_copy(update={"created": time.time(), "versions": _versions()})
    (draft / "config.json").write_text(noted.model_dump_json(indent=1))
    (draft / "lock").touch()
    try:
        draft.rename(folder.path)
    except OSError:  # another process made the same run in the meantime
        shutil.rmtree(draft)
    return folder


def note_model(folder: RunFolder, use: ModelUse) -> RunFolder:
    """The run with another note of where its model lies, which is no part of its id; its lock must be held."""
    home = Home(folder.path.parent.parent)
    draft = folder.path / "config.json.new"
    draft.write_text(folder.config.model_copy(update={"model": use}).moved(home.kept).model_dump_json(indent=1))
    draft.replace(folder.path / "config.json")
    return RunFolder(folder.path)


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
    path = home.runs / run_id
    return _run_at(path, _written(path))


def all_runs(home: Home) -> list[RunFolder]:
    """Every run of this home, oldest first; folders that cannot be read as runs are left out (the store names them)."""
    paths = [path for path in home.runs.glob("*-*") if not path.name.startswith(".")]
    readable = [folder for path in paths if (folder := _run_at(path, _written(path)))]
    return sorted(readable, key=lambda folder: (folder.config.created, folder.id))


def _written(path: Path) -> int:
    """When a run's configuration was written, nanoseconds; 0 where there is none."""
    try:
        return (path / "config.json").stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=16_384)
def _run_at(path: Path, written: int) -> RunFolder | None:
    """The run in a folder, None where it is none; its configuration is read once, for it never changes."""
    folder = RunFolder(path)
    try:
        return folder if folder.config.id == folder.id else None
    except (OSError, ValidationError):
        return None
