"""Every test has a state folder of its own: nothing touches the lab of whoever runs the tests."""

import os

import pytest

from core.home import Home

os.environ["ANCHORLAB_DTYPE"] = "float32"  # what the fast paths are held to does not hang on the machine


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Home:
    monkeypatch.setenv("ANCHORLAB_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")
