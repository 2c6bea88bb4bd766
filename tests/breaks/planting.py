"""A defect that can be planted in a copy of the lab, and the tests that must fail there."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
ASSERTS = r"(assert |AssertionError|Failed: DID NOT RAISE)"
"""How pytest begins the reason of a test whose assertion does not hold."""
HERE = "tests/test_known_defects.py"
COPIED = ("app", "bench", "core", "pages", "tests", "pyproject.toml", "data/samples")


@dataclass(frozen=True)
class Break:
    """A defect, and how to have it."""

    defect: str
    file: str
    edits: tuple[tuple[str, str], ...]
    """Exact texts of the file, each there once, and what stands in their place."""
    tests: tuple[str, ...]
    """Tests that must fail, as `file::name`."""


def copied(folder: Path) -> Path:
    """The lab without its state and its history."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


@contextmanager
def planted(copy: Path, b: Break) -> Iterator[None]:
    """The copy with a defect in it."""
    path = copy / b.file
    whole = path.read_text(encoding="utf-8")
    text = whole
    for old, new in b.edits:
        if text.count(old) != 1:
            raise SystemExit(f"{b.file} has {text.count(old)} times, not once: {old!r}")
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(whole, encoding="utf-8")


def failing(copy: Path, tests: Collection[str]) -> set[str]:
    """Those of the tests of which an assertion fails in the copy, with any of its parameters."""
    command = [sys.executable, "-m", "pytest", "-q", "-rf", "--tb=no", "-p", "no:cacheprovider", *sorted(tests)]
    whole_lines = {"COLUMNS": "1000"}
    env = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"} | whole_lines
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"pytest ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return {test for test in tests if re.search(rf"^FAILED {re.escape(test)}(\[.*\])? - {ASSERTS}", done.stdout, re.M)}
