"""What will compute a run, as far as it can be known without torch: for a page that says what a launch would take."""

import json
import os
import subprocess

from core.home import Home
from core.models.memory import Place, available_bytes
from core.runs.devices import LISTING_SECONDS, Device, visible

QUERY = ("nvidia-smi", "--query-gpu=memory.free,compute_cap", "--format=csv,noheader,nounits")

BF16_FROM = 8.0
"""Compute capability from which on a device computes in bf16."""

BYTES = {"float32": 4, "bfloat16": 2}


def place_here(home: Home, trains: bool = False) -> Place | None:
    """The first device, else this machine, as the worker will find it (`core.engines.weights.choose_dtype`).

    None where there is a device and the driver does not say what it has free (a part of one, say).
    """
    if devices := visible():
        asked = device_memory(devices[0])
        if asked is None:
            return None
        free, capability = asked
        return Place(free, given_bytes() or (2 if capability >= BF16_FROM else 4), True)
    kept = home.path / "dtype.json"
    decided = json.loads(kept.read_text())["dtype"] if kept.exists() else "float32"
    return Place(available_bytes(), 4 if trains else given_bytes() or BYTES[decided], False)


def given_bytes() -> int | None:
    """Bytes of a number where `ANCHORLAB_DTYPE` says in which it is computed."""
    return BYTES.get(os.environ.get("ANCHORLAB_DTYPE", ""))


def device_memory(device: Device) -> tuple[int, float] | None:
    """(free bytes, compute capability) by the driver's command; None where it does not tell."""
    try:
        done = subprocess.run(
            [*QUERY, f"--id={device.name}"], capture_output=True, text=True, timeout=LISTING_SECONDS, check=False
        )
        mebibytes, capability = done.stdout.strip().split(",")
        return int(mebibytes) * 2**20, float(capability)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
