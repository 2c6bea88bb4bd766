"""What may import what, seen from fresh processes."""

import re
import subprocess
import sys

import pytest

from core.home import PROJECT

HEAVY = {
    "core/engines/adapters.py",
    "core/engines/chats.py",
    "core/engines/choosing.py",
    "core/engines/decoding.py",
    "core/engines/exhaustion.py",
    "core/engines/fidelity.py",
    "core/engines/hf.py",
    "core/engines/templates.py",
    "core/engines/weights.py",
    "core/method/training.py",
    "core/method/training_rows.py",
}
"""What computes with weights."""

LIGHT = sorted(
    name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    for name in (path.relative_to(PROJECT).as_posix() for path in (PROJECT / "core").rglob("*.py"))
    if name not in HEAVY
)


def imported(module: str) -> set[str]:
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["core.cli", "core.method.sampling", "core.method.judging", "core.engines.scripted"])
def test_nothing_but_the_engine_and_training_pulls_in_torch(module):
    assert not imported(module) & {"torch", "transformers", "trl", "peft"}


def test_core_never_imports_streamlit_and_light_modules_no_torch():
    assert not imported(", ".join(LIGHT)) & {"streamlit", "torch"}


def test_the_store_alone_imports_duckdb():
    importing = [
        path.relative_to(PROJECT).as_posix()
        for folder in ("app", "core", "pages")
        for path in (PROJECT / folder).rglob("*.py")
        if re.search(r"^(import|from) duckdb", path.read_text(), re.MULTILINE)
    ]
    assert importing == ["core/store/database.py"]
