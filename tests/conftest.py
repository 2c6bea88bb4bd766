"""Every test has a state folder of its own: nothing touches the lab of whoever runs the tests."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # several torch processes at full threads are ten times slower than one
    os.environ["OMP_NUM_THREADS"] = "1"

import shutil
from pathlib import Path

import pytest

from core.home import Home
from tests.lab import filled_lab

os.environ["ANCHORLAB_DTYPE"] = "float32"  # what the fast paths are held to does not hang on the machine

LONGEST = ("test_worker", "test_views", "test_browser", "test_browser_annotate", "test_model", "test_first_tasks")
"""Test files of a minute and more."""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Home:
    monkeypatch.setenv("ANCHORLAB_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def filled(tmp_path_factory) -> Path:
    """A state folder with a finished toy pipeline in it, made once."""
    folder = tmp_path_factory.mktemp("filled")
    filled_lab(Home(folder / "home"), folder)
    return folder / "home"


@pytest.fixture
def lab_home(filled, home) -> Home:
    """This test's own copy of the filled state folder."""
    shutil.copytree(filled, home.path)
    return home


def pytest_collection_modifyitems(items):
    """The files that take longest come first: with `--no-loadscope-reorder` none is left for one process at the end."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


def pytest_runtest_setup(item):
    """Tests marked `browser` need Chromium; where ANCHORLAB_REQUIRE_BROWSER is set, a missing one is a failure."""
    if item.get_closest_marker("browser") and shutil.which("chromium") is None:
        if os.environ.get("ANCHORLAB_REQUIRE_BROWSER"):
            pytest.fail("Chromium is required here (ANCHORLAB_REQUIRE_BROWSER) and is not installed.", pytrace=False)
        pytest.skip("no Chromium on this machine: browser tests are SKIPPED")


@pytest.fixture(scope="module")
def judge_model(tmp_path_factory):
    """A tiny model that has learnt to write verdicts."""
    from tests.wire_server import tiny_judge

    return tiny_judge(tmp_path_factory.mktemp("judge") / "tiny")


@pytest.fixture(scope="module")
def here(judge_model):
    """The engine of that model."""
    from core.engines.hf import load_engine

    return load_engine(judge_model)


@pytest.fixture(scope="module")
def running(here):
    """A server over that engine."""
    from tests.wire_server import WireServer

    with WireServer(here) as server:
        yield server


@pytest.fixture
def wire_server(running):
    """The server as new."""
    running.clear()
    return running


@pytest.fixture
def samples(home, tmp_path):
    """Six sampled explanations of the tiny random model, in a run that is done."""
    from tests.serving import six_samples

    return six_samples(home, tmp_path)
