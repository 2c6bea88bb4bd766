"""What a model folder is made of, as hashes: its weights, and all else that is loaded with them.

Chat template, tokenizer, generation configuration and configuration change what a model writes as weights do.  Keys
that only say where a file lay or what wrote it are left aside, so that a copy of a folder is the same model.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.hashing import is_known, sha256_of
from core.progress import tell
from core.runs.folders import content_hash

LOADED = {".json", ".jinja", ".model", ".tiktoken", ".spm", ".codes", ".vocab"}
"""Suffixes of files that a model or its tokenizer is loaded from, beside weights."""

NAMED = ("tokenizer", "vocab", "merges")
"""How files begin that are loaded whatever their suffix is."""

NEVER_LOADED = {"weights_hash.json", "trainer_state.json", "training_args.json"}
"""Files that are only written beside a model."""

NOTES = {
    "_name_or_path",
    "name_or_path",
    "transformers_version",
    "tokenizer_file",
    "special_tokens_map_file",
    "is_local",
    "local_files_only",
    "_commit_hash",
}
"""Keys of configurations that say where they lay or what wrote them."""


def weights_hash(folder: Path) -> str:
    """SHA-256 over the hashes of a folder's safetensors files, in order of name."""
    files = sorted(folder.glob("*.safetensors"))
    hashes, read, total = [], 0, sum(file.stat().st_size for file in files)
    for file in files:
        takes_time = not is_known(file)
        hashes.append(sha256_of(file))
        read += file.stat().st_size
        if takes_time:
            tell(read, total, "bytes checked")
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def files_hash(folder: Path) -> str:
    """SHA-256 over all that is loaded beside the weights."""
    return content_hash({str(file.relative_to(folder)): _digest(file) for file in _loaded(folder)})


def _loaded(folder: Path) -> Iterator[Path]:
    named = [*folder.iterdir(), *(folder / "additional_chat_templates").glob("*")]
    for file in sorted(file for file in named if file.is_file() and not file.name.startswith(".")):
        beside = file.name in NEVER_LOADED or file.name.endswith("_results.json")
        if (file.suffix in LOADED or file.name.startswith(NAMED)) and not beside:
            yield file


def _digest(file: Path) -> str:
    """Of a configuration by what it says, of any other file by its bytes."""
    if file.name.endswith("config.json"):
        try:
            return content_hash(_without_notes(json.loads(file.read_bytes())))
        except ValueError:
            return sha256_of(file)
    return sha256_of(file)


def _without_notes(value: Any) -> Any:
    return {key: inner for key, inner in value.items() if key not in NOTES} if isinstance(value, dict) else value
