"""A run's own process: `python -m core.runs.worker FOLDER LOCK_FD`, started by `core.runs.launcher`; a pipeline's
worker calls `do_run` in forks of itself.

It holds the run's lock as long as it lives, waits its turn in the machine-wide queue, and then does
the one stage that the run's kind names.
"""

import fcntl
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from core.errors import BadInput, RunStopped
from core.home import Home
from core.models.variants import require_unchanged
from core.runs.belonging import configs_of, require_belonging
from core.runs.devices import Device, built_for, slots
from core.runs.folders import RunConfig, RunFolder
from core.runs.work import Work

COMPUTES = {"sft", "sample", "judge", "head_to_head", "dpo"}
"""Kinds that load a model and so wait for a slot."""


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    do_run(RunFolder(Path(sys.argv[1])), int(sys.argv[2]))


def do_run(folder: RunFolder, lock: int) -> None:
    """Do a run in this process, which leads its process group and is handed the run's lock as an open file."""
    os.set_inheritable(lock, False)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    signal.signal(signal.SIGTERM, _stop)
    with Work(folder, lock) as work, slot(work) if computes_here(folder.config) else nullcontext():
        work.started()
        run_stage(work)


def computes_here(config: RunConfig) -> bool:
    """Whether a run needs a slot: a model on a server takes nothing of this machine."""
    return config.kind in COMPUTES and not (config.model and config.model.server) and "reread" not in config.parents


def prepared_to_fork(config: RunConfig) -> bool:
    """Whether a process that has not computed yet can do such a run in a fork of itself.

    Loads what the run computes with, which a fork then need not load: 4 s.  A GPU's driver does not live through a
    fork, and builds of torch for one may have woken it.
    """
    if sys.platform != "linux":
        return False
    if built_for():
        return False
    import torch  # noqa: F401

    if config.kind in {"sft", "dpo"}:
        import core.method.training
    elif computes_here(config):
        import core.engines.hf  # noqa: F401
    return True


def run_stage(work: Work) -> None:
    """The stage of the run's kind; imported only now, for some of them bring torch along.

    However it came here, its sources belong together and its base is the one that it was planned with.
    """
    require_belonging(work.config, configs_of(work.home))
    if work.config.model:
        require_unchanged(work.config.model)
    match work.config.kind:
        case "sample" | "responses" if "reread" in work.config.parents:
            from core.method.rereading import run_reread as stage
        case "sft":
            from core.method.training import run_sft as stage
        case "sample":
            from core.method.sampling import run_sample as stage
        case "judge":
            from core.method.judging import run_judge as stage
        case "head_to_head":
            from core.method.head_to_head import run_head_to_head as stage
        case "pairs":
            from core.method.pairs import run_pairs as stage
        case "dpo":
            from core.method.training import run_dpo as stage
        case "pipeline":
            from core.runs.pipeline import run_pipeline as stage
        case kind:
            raise BadInput(f"A run of kind {kind} is no work for a process of its own: add its file again.")
    stage(work)


@contextmanager
def slot(work: Work) -> Iterator[None]:
    """Hold one of this home's compute slots and see its device alone (`core.runs.devices`); wait until one is free."""
    devices = slots()
    files = [_slot_file(work.home, number) for number in range(len(devices))]
    try:
        while (held := _first_free(files)) is None:
            work.raise_if_stopped()
            time.sleep(0.2)
        if device := devices[held]:
            device.take()
            work.event("device", slot=held, **device._asdict())
        yield
    finally:
        for file in files:
            os.close(file)


def _first_free(files: Sequence[int]) -> int | None:
    """The first slot that could be locked, by its number."""
    return next((number for number, file in enumerate(files) if _try_lock(file)), None)


def own_device() -> Device | None:
    """The device of the last slot: what a process computes on that stays and takes turns with runs (`free_slot`)."""
    return slots()[-1]


def free_slot(home: Home) -> int | None:
    """A compute slot of `own_device` that is free now, held until the file is closed; None where runs have them all."""
    devices = slots()
    for number in (number for number, device in enumerate(devices) if device == devices[-1]):
        file = _slot_file(home, number)
        if _try_lock(file):
            return file
        os.close(file)
    return None


def _slot_file(home: Home, number: int) -> int:
    home.slots.mkdir(parents=True, exist_ok=True)
    return os.open(home.slots / f"{number}.lock", os.O_RDWR | os.O_CREAT)


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def _stop(signum: int, frame: object) -> None:
    raise RunStopped("Stopped on request: what was produced is kept, and resuming it goes on from here.")


if __name__ == "__main__":
    main()
