"""Every test has a state folder of its own: nothing touches the lab of whoever runs the tests."""

import pytest

from core.home import Home


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Home:
    monkeypatch.setenv("ANCHORLAB_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")
