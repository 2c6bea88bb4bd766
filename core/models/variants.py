"""A variant: a base model, adapters from elsewhere, and the runs whose adapters are on it, in order."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from core.engines import Engine
from core.errors import LabError, ModelUnavailable
from core.home import Home
from core.models.files import files_hash, weights_hash
from core.models.finding import COMMIT, ModelRef, model_at_hand
from core.models.memory import parameters
from core.runs.folders import AdapterRef, ModelUse, RunConfig, RunFolder, adapter_hash
from core.runs.sealed import require_whole


def use_of(model: ModelRef, *chain: str) -> ModelUse:
    """The variant that `chain` (run ids, in order) makes of a base model."""
    return ModelUse(**model.model_dump(), chain=list(chain))


def base_of(use: ModelUse) -> ModelRef:
    """The base model of a variant."""
    return ModelRef.model_validate(use.model_dump(exclude={"chain"}))


def adapters_of(home: Home, use: ModelUse) -> list[Path]:
    """Adapter folders in order: those from elsewhere, unchanged since, then those of trainings that are done."""
    folders = [RunFolder(home.runs / run_id) for run_id in use.chain]
    for folder in folders:
        if not (folder.path.exists() and folder.state == "done"):
            raise ModelUnavailable(f"The adapter of {folder.id} is needed, and that run is not done: run it first.")
        require_whole(folder)
    return [unchanged(adapter) for adapter in use.adapters] + [folder.adapter() for folder in folders]


def unchanged(adapter: AdapterRef) -> Path:
    """Its folder, if it still holds the weights that the run was planned with."""
    folder = Path(adapter.path)
    now = adapter_hash(folder) if (folder / "adapter_model.safetensors").is_file() else "it is gone"
    if now != adapter.hash:
        raise ModelUnavailable(
            f"The adapter in {adapter.path} is gone or has changed since this run was planned (SHA-256 "
            f"{adapter.hash[:12]}, now {now[:12]}): put it back, or ask for the run again."
        )
    return folder


def require_unchanged(use: ModelUse) -> None:
    """Raise if the base's folder does not hold the weights, or what is loaded beside them, of this variant."""
    if use.server:
        return
    folder = Path(use.path)
    if not any(folder.glob("*.safetensors")):
        raise ModelUnavailable(
            f"The folder of {use.name}, {use.path or 'unknown'}, holds no weights now: put the model back there, or "
            f"register where it is now (`anchorlab model add FOLDER --name {use.name}`)."
        )
    if (now := weights_hash(folder)) != use.hash:
        raise ModelUnavailable(_changed("weights", use, use.hash, now))
    if not use.files or use.files == f"{COMMIT}{folder.name}":
        return
    if (now := files_hash(folder)) != use.files:
        raise ModelUnavailable(_changed("chat template, tokenizer or configuration", use, use.files, now))


def _changed(what: str, use: ModelUse, was: str, now: str) -> str:
    return (
        f"The {what} of {use.name} in {use.path} {'are' if what == 'weights' else 'is'} not what this run was planned "
        f"with (SHA-256 {was[:12]}, now {now[:12]}): put the files back as they were, or ask for the run again, which "
        "makes another run."
    )


def located(home: Home, use: ModelUse) -> ModelUse:
    """The variant where its base lies now: as noted, else where its name or Hub id leads, if that has its weights."""
    if use.server or any(Path(use.path).glob("*.safetensors")):
        return use
    hub = use.source.removeprefix("Hub ").split("@")[0] if use.source.startswith("Hub ") else use.name
    for name in (use.name, hub):
        with suppress(LabError):  # nothing under this name: what is said is that the noted folder is gone
            found = model_at_hand(name, home)
            if found and found.hash == use.hash:
                return use.model_copy(update={"path": found.path})
    return use


def completed(use: ModelUse) -> ModelUse:
    """The variant as a new run names it: with what its folder holds beside the weights, where an older run left that
    out."""
    if not (use.from_before and (Path(use.path) / "config.json").is_file()):
        return use
    folder = Path(use.path)
    files = f"{COMMIT}{folder.name}" if use.source.startswith("Hub ") else files_hash(folder)
    return use.model_copy(update={"files": files, "parameters": parameters(folder)})


def require_reachable(home: Home, runs: Sequence[RunConfig]) -> None:
    """Raise in a sentence if a run that is yet to be done needs a server that does not answer."""
    on_servers = [config for config in runs if config.model and config.model.server]
    waiting = {config.model.hash: config.model for config in on_servers if not _is_done(home, config)}
    for use in waiting.values():
        from core.engines.server import require_answer

        require_answer(base_of(use))


def _is_done(home: Home, config: RunConfig) -> bool:
    folder = RunFolder(home.runs / config.id)
    return folder.path.exists() and folder.state == "done"


def load_variant(home: Home, use: ModelUse, cache_tokens: int = 0, moment: datetime | None = None) -> Engine:
    """The variant with its adapters, ready to generate; `cache_tokens`: of its largest batch.

    moment: what a chat template writes where it writes today's date; None: now.
    """
    require_unchanged(use)
    if use.server:
        from core.engines.server import open_server

        return open_server(base_of(use))
    from core.engines.hf import load_engine  # torch takes seconds to import: only runs that need it pay

    return load_engine(base_of(use), adapters_of(home, use), cache_tokens, moment)
