"""A variant: a base model and the runs whose adapters are merged into it, in order."""

from pathlib import Path

from core.engines import Engine
from core.errors import ModelUnavailable
from core.home import Home
from core.models import ModelRef
from core.runs import ModelUse, RunFolder


def use_of(model: ModelRef, *chain: str) -> ModelUse:
    """The variant that `chain` (run ids, in order) makes of a base model."""
    return ModelUse(name=model.name, hash=model.hash, path=model.path, source=model.source, chain=list(chain))


def base_of(use: ModelUse) -> ModelRef:
    """The base model of a variant."""
    return ModelRef(name=use.name, hash=use.hash, path=use.path, source=use.source)


def adapters_of(home: Home, use: ModelUse) -> list[Path]:
    """Adapter folders of the chain; each must come from a training that is done."""
    folders = [RunFolder(home.runs / run_id) for run_id in use.chain]
    for folder in folders:
        if not (folder.path.exists() and folder.state == "done"):
            raise ModelUnavailable(f"The adapter of {folder.id} is needed, and that run is not done: run it first.")
    return [folder.adapter() for folder in folders]


def load_variant(home: Home, use: ModelUse) -> Engine:
    """The variant with its adapters merged, ready to generate."""
    from core.engines.hf import load_engine  # torch takes seconds to import: only runs that need it pay

    return load_engine(base_of(use), adapters_of(home, use))
