"""A run takes one device, chosen before torch is imported; slots are devices."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import BadInput
from core.home import PROJECT
from core.models.variants import use_of
from core.runs.devices import Device, amd_devices, nvidia_devices, of_files, slots, visible
from core.runs.launcher import launch
from core.runs.plan import run_config
from core.settings import SampleSettings, Selection
from tests.lab import toy_dataset, wait_until
from tests.tiny import tiny_model

TWO = "GPU 0: NVIDIA A100 (UUID: GPU-aa-1)\nGPU 1: NVIDIA A100 (UUID: GPU-bb-2)\n"
IN_PARTS = (
    "GPU 0: NVIDIA A100 (UUID: GPU-aa-1)\n"
    "  MIG 3g.20gb     Device  0: (UUID: MIG-cc-3)\n"
    "  MIG 3g.20gb     Device  1: (UUID: MIG-dd-4)\n"
    "GPU 1: NVIDIA A100 (UUID: GPU-bb-2)\n"
)
FREE = 'case "$*" in *GPU-aa-1*) echo "23552, 8.6";; *) exit 6;; esac; exit 0'
"""Of a card of 24 GB, as the driver's command says it; of a part of a device it says nothing."""

FAKE_TORCH = (
    "import json, os, time\n"
    "with open(os.environ['SEEN'], 'a') as file:\n"
    "    file.write(json.dumps(os.environ.get('CUDA_VISIBLE_DEVICES')) + '\\n')\n"
    "time.sleep(4)\n"
    "raise ImportError('no torch but a file that looks like one')\n"
)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with devices: a listing command on PATH, and a torch whose files say what it is built for."""
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ANCHORLAB_SLOTS"):
        monkeypatch.delenv(name, raising=False)

    def make(listing: str, kind: str = "cuda", code: int = 0) -> dict[str, str]:
        programs, torch = tmp_path / "programs", tmp_path / "packages" / "torch"
        programs.mkdir(exist_ok=True)
        torch.mkdir(parents=True, exist_ok=True)
        command = programs / "nvidia-smi"
        command.write_text(f"#!/bin/sh\nif [ \"$1\" != -L ]; then {FREE}; fi\ncat <<'END'\n{listing}END\nexit {code}\n")
        command.chmod(0o755)
        (torch / "version.py").write_text(
            f"cuda: str | None = {'12.6' if kind == 'cuda' else None!r}\n"
            f"hip: str | None = {'6.4' if kind == 'hip' else None!r}\n"
        )
        (torch / "__init__.py").write_text(FAKE_TORCH)
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
        return dict(os.environ) | {"PYTHONPATH": str(torch.parent)}

    return make


def seen_from(env: dict[str, str], **changes: str) -> list:
    """The slots' devices as a fresh process of such a machine has them; torch must not have been imported."""
    code = "import json, sys; from core.runs.devices import slots; print(json.dumps([slots(), 'torch' in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=env | changes, capture_output=True, text=True, cwd=PROJECT, check=True
    )
    found, imported = json.loads(done.stdout)
    assert not imported
    return [device and device[1] for device in found]


def test_a_slot_is_a_device_by_its_uuid_or_that_of_its_part(machine):
    assert seen_from(machine(TWO)) == ["GPU-aa-1", "GPU-bb-2"]
    assert seen_from(machine(IN_PARTS)) == ["MIG-cc-3", "MIG-dd-4", "GPU-bb-2"]
    assert seen_from(machine("", code=9)) == [None], "a driver that is not running has no device"


@pytest.mark.parametrize(
    ("given", "found"),
    [("1", ["1"]), ("GPU-bb-2,MIG-cc-3", ["GPU-bb-2", "MIG-cc-3"]), ("", [None]), ("-1", [None]), ("1,-1,0", ["1"])],
)
def test_what_the_environment_hides_is_not_used(machine, given, found):
    assert seen_from(machine(TWO), CUDA_VISIBLE_DEVICES=given) == found


def test_the_number_of_slots_can_be_given_and_devices_take_turns(machine):
    assert seen_from(machine(TWO), ANCHORLAB_SLOTS="3") == ["GPU-aa-1", "GPU-bb-2", "GPU-aa-1"]
    assert seen_from(machine(TWO), ANCHORLAB_SLOTS="1") == ["GPU-aa-1"]


def test_a_processor_has_one_slot_as_before_whatever_the_driver_lists(machine, monkeypatch):
    env = machine(TWO, kind="none")
    assert seen_from(env) == [None]
    assert seen_from(env, ANCHORLAB_SLOTS="2") == [None, None]
    monkeypatch.setenv("ANCHORLAB_SLOTS", "none")
    with pytest.raises(BadInput, match="ANCHORLAB_SLOTS is 'none'"):
        slots()


def test_devices_are_found_in_the_drivers_files_too(machine, tmp_path, monkeypatch):
    for place, uuid in (("0000:01", "GPU-aa-1"), ("0000:02", "GPU-bb-2")):
        (tmp_path / "gpus" / place).mkdir(parents=True)
        (tmp_path / "gpus" / place / "information").write_text(f"Model: \t A100\nGPU UUID:   \t {uuid}\n")
    assert of_files(tmp_path / "gpus") == ["GPU-aa-1", "GPU-bb-2"]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert nvidia_devices() == of_files(Path("/proc/driver/nvidia/gpus"))
    for number, units in enumerate((0, 304, 304)):
        (tmp_path / "nodes" / str(number)).mkdir(parents=True)
        (tmp_path / "nodes" / str(number) / "properties").write_text(f"cpu_cores_count 8\nsimd_count {units}\n")
    assert amd_devices(tmp_path / "nodes") == ["0", "1"]


def test_a_page_counts_the_devices_memory_in_the_devices_dtype(machine):
    """As the worker will: 23 GiB of the device at two bytes a number, and not the machine's at four."""
    assert place_from(machine(TWO)) == [23 * 2**30, 2, True]
    assert place_from(machine(TWO), ANCHORLAB_DTYPE="float32") == [23 * 2**30, 4, True]
    assert place_from(machine(IN_PARTS)) is None, "not told: nothing is refused for it"
    free, itemsize, device = place_from(machine(TWO, kind="none"), ANCHORLAB_DTYPE="bfloat16")
    assert (itemsize, device) == (2, False) and free > 2**28


def place_from(env: dict[str, str], **changes: str) -> list | None:
    """What a page of a fresh process takes the machine for."""
    code = "from core.home import default_home; from core.models.place import place_here; import json, sys\n"
    code += "print(json.dumps([place_here(default_home()), 'torch' in sys.modules]))"
    bare = {name: value for name, value in env.items() if name != "ANCHORLAB_DTYPE"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=bare | changes, capture_output=True, text=True, cwd=PROJECT, check=True
    )
    found, imported = json.loads(done.stdout)
    assert not imported
    return found


def test_rocm_has_a_variable_of_its_own(machine):
    env = machine("", kind="hip")
    assert seen_from(env, ROCR_VISIBLE_DEVICES="0,1") == ["0", "1"]
    taken: dict[str, str] = {}
    Device("HIP_VISIBLE_DEVICES", "1").take(taken)
    assert taken == {"HIP_VISIBLE_DEVICES": "1"}


def test_two_runs_see_a_device_each_before_torch_is_imported(machine, home, tmp_path, monkeypatch):
    model, dataset = use_of(tiny_model(tmp_path / "tiny")), toy_dataset(home, tmp_path)
    env = machine(TWO)
    monkeypatch.setenv("PYTHONPATH", env["PYTHONPATH"])
    settings = SampleSettings(n=1, max_new_tokens=4, select=Selection(split="test", limit=1))
    runs = [
        launch(
            home, run_config("sample", "base", settings.model_copy(update={"seed": s}), {"dataset": dataset.id}, model)
        )
        for s in (1, 2)
    ]
    wait_until(lambda: all(run.state == "failed" for run in runs), 60)
    assert sorted((tmp_path / "seen").read_text().split()) == ['"GPU-aa-1"', '"GPU-bb-2"']
    said = [event for run in runs for event in run.events() if event["type"] == "device"]
    assert sorted((event["slot"], event["name"]) for event in said) == [(0, "GPU-aa-1"), (1, "GPU-bb-2")]


def test_this_machine_has_devices_only_where_its_torch_is_built_for_them():
    import torch

    assert visible() == [] or torch.version.cuda or torch.version.hip
