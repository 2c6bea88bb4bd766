"""A variant: a base model, adapters from elsewhere, and the runs whose adapters are on it, in order."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from core.engines import Engine
from core.errors import ModelUnavailable
from core.home import Home
from core.models.finding import ModelRef
from core.runs.folders import AdapterRef, ModelUse, RunConfig, RunFolder, adapter_hash


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
    return [unchanged(adapter) for adapter in use.adapters] + [folder.adapter() for folder in folders]


def unchanged(adapter: AdapterRef) -> Path:
    """Its folder, if it still holds the weights that the run was planned with."""
    if not Path(adapter.path).is_dir() or adapter_hash(Path(adapter.path)) != adapter.hash:
        raise ModelUnavailable(
            f"The adapter in {adapter.path} is gone or has changed since this run was planned: "
            "put it back, or ask for the run again."
        )
    return Path(adapter.path)


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
    if use.server:
        from core.engines.server import open_server

        return open_server(base_of(use))
    from core.engines.hf import load_engine  # torch takes seconds to import: only runs that need it pay

    return load_engine(base_of(use), adapters_of(home, use), cache_tokens, moment)
