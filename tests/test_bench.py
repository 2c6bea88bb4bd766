"""Every benchmark runs through at a size of seconds, on the tiny model where it needs one."""

import os
import subprocess
import sys

import pytest

from core.home import PROJECT
from tests.tiny import tiny_model

SMALLEST = {
    "sampling": ("--questions", 2, "--n", 2, "--max-new-tokens", 4),
    "judging": ("--questions", 1, "--n", 2),
    "dtype": ("--questions", 1, "--n", 2, "--max-new-tokens", 4, "--rounds", 1),
    "store": ("--explanations", 64),
    "judge_auc": ("--experiments", 2),
    "categories": ("--experiments", 2),
    "judge_card": ("--questions", 20),
    "intervals": ("--experiments", 2),
    "pages": ("--explanations", 64, "--only", "overview"),
    "playground": ("--rounds", 1, "--tokens", 4),
}
"""Arguments that make a benchmark small."""

ON_A_MODEL = {"sampling", "judging", "dtype"}
SLOWER = {"judging", "dtype", "pages", "playground"}
"""Those that take more than a few seconds even so."""
NO_BENCHMARKS = {"harness", "made_up"}
"""What the benchmarks share."""


def test_every_benchmark_is_tried():
    assert {path.stem for path in (PROJECT / "bench").glob("*.py")} - NO_BENCHMARKS == set(SMALLEST)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOWER else []) for name in SMALLEST]
)
def test_it_runs_through(name, tmp_path, request):
    words = list(SMALLEST[name])
    if name == "playground":
        request.getfixturevalue("lab_home")
    if name in ON_A_MODEL:
        words += ["--model", tiny_model(tmp_path / "tiny").path]
    env = {name: value for name, value in os.environ.items() if name != "ANCHORLAB_DTYPE"}
    command = [sys.executable, f"bench/{name}.py", *map(str, words)]
    done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stdout.strip()
