"""What may import what, seen from fresh processes."""

import subprocess
import sys

import pytest

from core.home import PROJECT

LIGHT = sorted(
    f"core.{path.stem}"
    for path in (PROJECT / "core").glob("*.py")
    if path.stem not in ("__init__", "training", "worker")
)


def imported(module: str) -> set[str]:
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["core.cli", "core.sampling", "core.judging", "core.engines.scripted"])
def test_nothing_but_the_engine_and_training_pulls_in_torch(module):
    assert not imported(module) & {"torch", "transformers", "trl", "peft"}


def test_core_never_imports_streamlit_or_the_database():
    assert not imported(", ".join(LIGHT)) & {"streamlit", "duckdb", "torch"}
