"""The devices that runs compute on, found without torch, so that each run is given one before torch is imported.

    visible()        # [Device("CUDA_VISIBLE_DEVICES", "GPU-5d5b…"), …]; empty where a processor computes

A trainer takes every device that it sees and this lab's training wants one; two runs that see them all both sit on the
first.  So a slot of the queue is a device (`core.runs.worker`).
"""

import os
import re
import subprocess
from collections.abc import Mapping, MutableMapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from core.errors import BadInput

NVIDIA_GPUS = Path("/proc/driver/nvidia/gpus")
"""A folder a device, whose `information` has its UUID."""

AMD_NODES = Path("/sys/class/kfd/kfd/topology/nodes")
"""A folder a processor or device, whose `properties` say how many vector units it has: a processor has none."""

LISTING = ("nvidia-smi", "-L")

LISTING_SECONDS = 20.0

VARIABLES = {"cuda": ("CUDA_VISIBLE_DEVICES",), "hip": ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")}
"""What torch is built for → environment variables that name what it may see; the first is set for a run."""


class Device(NamedTuple):
    """What a run may compute on."""

    variable: str
    """Environment variable that leaves a process this device alone."""
    name: str
    """Its UUID (of a part of one: MIG-…), or its number."""

    def take(self, environment: MutableMapping[str, str] = os.environ) -> None:
        """Let this process see the device and no other; before torch asks for devices."""
        environment[self.variable] = self.name


def visible() -> list[Device]:
    """The devices that torch could use here, in the order of their names or numbers; none for a build without."""
    built = built_for()
    if built is None:
        return []
    variable, *others = VARIABLES[built]
    given = next((os.environ[name] for name in (variable, *others) if name in os.environ), None)
    if given is not None:
        return [Device(variable, name) for name in named(given)]
    return [Device(variable, name) for name in (nvidia_devices() if built == "cuda" else amd_devices(AMD_NODES))]


def built_for() -> str | None:
    """`cuda` or `hip` as the installed torch is built for, None for a processor; read off its files."""
    found = find_spec("torch")
    if found is None or found.origin is None:
        return None
    version = Path(found.origin).with_name("version.py")
    text = version.read_text(encoding="utf-8") if version.exists() else ""
    return next((kind for kind in VARIABLES if re.search(rf"^{kind}\b[^=\n]*= *['\"]", text, re.MULTILINE)), None)


def named(given: str) -> list[str]:
    """Devices of a variable such as CUDA_VISIBLE_DEVICES; what follows one that is none is hidden, as drivers do it.

    >>> named("0,2"), named("GPU-1a, MIG-2b"), named(""), named("1,-1,0"), named("0,0")
    (['0', '2'], ['GPU-1a', 'MIG-2b'], [], ['1'], ['0'])
    """
    names: list[str] = []
    for name in (part.strip() for part in given.split(",")):
        if not re.fullmatch(r"\d+|(GPU|MIG)-[\w/-]+", name):
            break
        names.append(name)
    return list(dict.fromkeys(names))


def nvidia_devices() -> list[str]:
    """UUIDs by the driver's listing command, else by its files; of a device in parts (MIG) those of its parts."""
    try:
        done = subprocess.run(LISTING, capture_output=True, text=True, timeout=LISTING_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return of_files(NVIDIA_GPUS)
    return of_listing(done.stdout) if done.returncode == 0 else []


def of_listing(text: str) -> list[str]:
    """UUIDs in what `nvidia-smi -L` prints.

    >>> of_listing("GPU 0: A (UUID: GPU-1)\\n  MIG 3g.20gb Device 0: (UUID: MIG-1)\\nGPU 1: B (UUID: GPU-2)")
    ['MIG-1', 'GPU-2']
    """
    found: dict[str, list[str]] = {}
    for kind, uuid in re.findall(r"^\s*(GPU|MIG)\b.*\(UUID: ([\w/-]+)\)", text, re.MULTILINE):
        if kind == "GPU":
            found[uuid] = []
        elif found:
            found[next(reversed(found))].append(uuid)
    return [name for uuid, parts in found.items() for name in parts or [uuid]]


def of_files(folder: Path) -> list[str]:
    """UUIDs in the driver's files, in the order of their places on the bus."""
    texts = [file.read_text() for file in sorted(folder.glob("*/information"))]
    return [found[1] for text in texts if (found := re.search(r"GPU UUID:\s*(GPU-[\w-]+)", text))]


def amd_devices(nodes: Path) -> list[str]:
    """Numbers of the devices among the driver's nodes."""
    properties = [file.read_text() for file in nodes.glob("*/properties")]
    count = sum(bool(re.search(r"^simd_count [1-9]", text, re.MULTILINE)) for text in properties)
    return [str(number) for number in range(count)]


def slots(environment: Mapping[str, str] = os.environ) -> list[Device | None]:
    """What each slot of a home computes on: a slot a device, or one without; `ANCHORLAB_SLOTS` says how many."""
    found: list[Device | None] = [*visible()] or [None]
    given = environment.get("ANCHORLAB_SLOTS") or str(len(found))
    if not given.isdecimal() or int(given) < 1:
        raise BadInput(f"ANCHORLAB_SLOTS is {given!r}: give the number of runs that may compute at once, 1 or more.")
    return [found[number % len(found)] for number in range(int(given))]
