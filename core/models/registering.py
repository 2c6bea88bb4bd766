"""Registering models: a short name for a Hub id, a folder or an adapter, with a chat template if need be.

One JSON file a model in `models/` of the home; nothing is copied but the template's text.
"""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core import durable
from core.errors import BadInput, ModelUnavailable
from core.home import Home
from core.models.finding import (
    DEFAULT,
    ModelRef,
    Registration,
    adapter_reference,
    registered_model,
    registrations,
    resolve_model,
    unread_registrations,
)
from core.models.memory import parameters, text_config
from core.runs.folders import ServerRef

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
"""Names of environment variables; keys look otherwise."""


def register(
    home: Home, source: str, name: str | None = None, template: Path | None = None, base: str | None = None
) -> ModelRef:
    """Register a Hub id, a model folder, or an adapter folder (on `base`, else on the base it names itself).

    Refused before it is registered: a name that is taken, a template that does not render, an adapter that does
    not fit its base, and whatever `resolve_model` refuses.
    """
    entry = _registration(home, source, name, template, base)
    _refuse_taken(home, entry)
    model = _resolved(home, entry, base)
    from core.engines.weights import dry_load  # torch takes seconds to import: what is refused before does not pay

    dry_load(model, [Path(adapter.path) for adapter in model.adapters])
    _write(home, entry)
    return model


def register_server(home: Home, name: str, server: ServerRef) -> ModelRef:
    """Register a model on a server; nothing is sent to it (`anchorlab model check NAME` asks it)."""
    entry = Registration(name=_checked_name(name), base="", server=_checked_server(server))
    _refuse_taken(home, entry)
    _write(home, entry)
    return registered_model(entry, home)


def _checked_server(server: ServerRef) -> ServerRef:
    """The server with a plain address; one with credentials in it is refused, for it is stored and shown."""
    parts = urlsplit(server.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput("The address of a server is written like http://127.0.0.1:8000/v1.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise BadInput(
            "The address of a server is stored and shown, so it must hold no user, password or query: put the key "
            "in an environment variable and name that with --key-env."
        )
    if not VARIABLE.fullmatch(server.key_env):
        raise BadInput("--key-env is the name of an environment variable, never the key itself.")
    return server.model_copy(update={"url": server.url.rstrip("/")})


def _refuse_taken(home: Home, entry: Registration) -> None:
    known = registrations(home).get(entry.name)
    if known not in (None, entry):
        by = known.server.url if known.server else known.adapter or known.base
        raise BadInput(f"The name {entry.name!r} is taken by {by}: choose another with --name.")


def _write(home: Home, entry: Registration) -> None:
    durable.make_folder(home.models)
    durable.write_file(home.models / f"{entry.name}.json", entry.model_dump_json(indent=1))


def _registration(home: Home, source: str, name: str | None, template: Path | None, base: str | None) -> Registration:
    folder = Path(source).expanduser()
    here = str(folder.resolve()) if folder.is_dir() else source
    is_adapter = (folder / "adapter_config.json").exists() and not (folder / "config.json").exists()
    if base and not is_adapter:
        raise BadInput(f"{source} is not an adapter folder (no adapter_config.json), so it has no base to name.")
    return Registration(
        name=_checked_name(name or Path(here).name),
        base=(_local(base) if base else _named_base(folder)) if is_adapter else here,
        adapter=here if is_adapter else None,
        template=_read_template(template) if template else None,
    )


def _local(name: str) -> str:
    """A folder as an absolute path, any other name as it is."""
    folder = Path(name).expanduser()
    return str(folder.resolve()) if folder.is_dir() else name


def _checked_name(name: str) -> str:
    if not NAME.fullmatch(name) or name in ("default", DEFAULT.split("/")[1]):
        raise BadInput(f"{name!r} cannot be a model's name: use letters, digits, dots, dashes; `default` is taken.")
    return name


def _named_base(folder: Path) -> str:
    adapter_reference(folder.resolve())
    named = json.loads((folder / "adapter_config.json").read_text()).get("base_model_name_or_path")
    if not named:
        raise BadInput(f"The adapter in {folder} does not say what it was trained on: name it with --base.")
    return _local(named)


def _read_template(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The chat template {file} cannot be read ({error}): give a Jinja file in UTF-8.") from None


def _resolved(home: Home, entry: Registration, base: str | None) -> ModelRef:
    """The model, so that a registration can be believed; `anchorlab run` asks for it by the same way."""
    if entry.adapter and not base:
        try:
            resolve_model(entry.base, home)
        except ModelUnavailable as error:
            raise ModelUnavailable(
                f"The adapter was trained on {entry.base!r}, which cannot be had here ({error}): name it with --base."
            ) from None
    return registered_model(entry, home)


def listed(home: Home) -> list[dict[str, Any]]:
    """Name, source, parameters, dtype, architecture, hash and adapters of the models this home knows."""
    names = ["default"] if (home.models / DEFAULT.split("/")[1]).is_dir() else []
    return [_described(home, name) for name in [*names, *registrations(home), *unread_registrations(home)]]


def _described(home: Home, name: str) -> dict[str, Any]:
    try:
        model = resolve_model(name, home)
    except ModelUnavailable as error:
        return {"name": name, "source": str(error)} | dict.fromkeys(COLUMNS, "")
    if model.server:
        return {"name": name, "source": model.source} | dict.fromkeys(COLUMNS, "") | {"hash": model.hash[:12]}
    folder = Path(model.path)
    config = json.loads((folder / "config.json").read_text())
    text = text_config(folder)
    return {
        "name": name,
        "source": model.source,
        "parameters": f"{parameters(folder) / 1e6:.0f}M",
        "dtype": text.get("dtype") or text.get("torch_dtype") or "float32",
        "architecture": ", ".join(config.get("architectures") or [config.get("model_type", "")]),
        "hash": model.hash[:12],
        "adapters": " → ".join(adapter.hash[:12] for adapter in model.adapters),
    }


COLUMNS = ("parameters", "dtype", "architecture", "hash", "adapters")
