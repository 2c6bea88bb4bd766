"""Whether a sealed run still holds what it was sealed with: rows, and the weights of an adapter.

    require_whole(folder)       # BadInput with both hashes where a file has changed since

Asked where later work opens a run (`Work.parent`, `adapters_of`) and where somebody asks for it again.  Events are left
out: nothing is computed from them.
"""

from collections.abc import Iterator
from pathlib import Path

from core.errors import BadInput
from core.hashing import sha256_of
from core.runs.folders import RunFolder

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


def require_whole(folder: RunFolder) -> None:
    """Raise if a file of a sealed run is gone or is not what its seal describes; nothing to do without a seal."""
    for file, was in _sealed_files(folder):
        now = sha256_of(file) if file.is_file() else "nothing: it is gone"
        if now != was:
            raise BadInput(
                f"{file.relative_to(folder.path)} of {folder.id} is not what the run was sealed with (SHA-256 "
                f"{was[:12]}, now {now[:12] if file.is_file() else now}): put the file back as it was, or delete the "
                "run and ask for it again."
            )


def _sealed_files(folder: RunFolder) -> Iterator[tuple[Path, str]]:
    """File → SHA-256 that the seal says."""
    result = folder.result
    if not result:
        return
    for name, seal in result["files"].items():
        if name != "events":
            yield folder.path / f"{name}.jsonl", seal["sha256"]
    weights = result["summary"].get("adapter_hash")  # of before the seal held the adapter's files
    adapter = result.get("adapter") or ({ADAPTER_FILES[1]: weights} if weights else {})
    for name, was in adapter.items():
        yield folder.adapter() / name, was


def adapter_seal(folder: RunFolder) -> dict[str, str]:
    """SHA-256 of each file of the run's adapter; empty where it made none."""
    files = [folder.adapter() / name for name in ADAPTER_FILES]
    return {file.name: sha256_of(file) for file in files if file.is_file()}
