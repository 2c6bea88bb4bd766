"""The Hub: whether it answers, its library without its noise, and files of it with word on how much is here.

    folder = downloaded("owner/model", ["*.json", "*.safetensors"])      # who waits is told (`core.progress`)

Not covered: what a repository holds and how it is refused; that is said by who asks for a model
(`core.models.finding`) or a data set (`core.loading.fetching`).
"""

import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlparse

from core.progress import listener

PROBE_SECONDS = 3.0


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


def downloaded(
    name: str, wanted: list[str], kind: Literal["model", "dataset"] = "model", revision: str | None = None
) -> Path:
    """The folder of a repository with the wanted files in it, from the library's cache where they are there.

    wanted: patterns of paths.  Raises what the library raises where the Hub refuses, or where it cannot be reached
    and the cache has nothing.
    """
    from huggingface_hub import snapshot_download

    with quiet_hub():
        if not hub_reachable():
            asked = {"local_files_only": True}
        else:
            asked = {"tqdm_class": _told_bars(name, wanted, kind, revision)}
        return Path(snapshot_download(name, repo_type=kind, revision=revision, allow_patterns=wanted, **asked))


def _told_bars(name: str, wanted: list[str], kind: str, revision: str | None) -> type | None:
    """Progress bars that draw nothing and tell who listens how many bytes are here, of all that have to come."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import tqdm

    heard = listener()
    if heard is None:
        return None
    planned = snapshot_download(name, repo_type=kind, revision=revision, allow_patterns=wanted, dry_run=True)
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
