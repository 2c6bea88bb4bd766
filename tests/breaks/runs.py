"""Defects of run identities, parents, seals and devices."""

from tests.breaks.planting import Break

BREAKS: list[Break] = [
    Break(
        "a run sees every device",
        "core/runs/worker.py",
        (("            device.take()\n", ""),),
        ("tests/test_devices.py::test_two_runs_see_a_device_each_before_torch_is_imported",),
    ),
    Break(
        "one slot for all devices",
        "core/runs/devices.py",
        (("or str(len(found))", 'or "1"'),),
        (
            "tests/test_devices.py::test_a_slot_is_a_device_by_its_uuid_or_that_of_its_part",
            "tests/test_devices.py::test_two_runs_see_a_device_each_before_torch_is_imported",
        ),
    ),
]
