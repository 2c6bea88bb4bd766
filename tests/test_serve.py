"""The process in front of the app: small, and no ended worker stays a zombie under it."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager

import psutil
import pytest

from core.home import PROJECT
from tests.browser import answers, free_port
from tests.lab import wait_until

LAUNCHED = """
import subprocess, sys
import core.cli
from core.serve import become
subprocess.Popen(["sleep", "1"], start_new_session=True)
become(int(sys.argv[1]))
"""
"""A command that has loaded all that the command line needs, launches a worker that ends soon, and serves the app."""

SMALL = 40e6
"""Bytes.  Python with the standard library takes 15 million, the command line alone 150 million."""


@contextmanager
def front(home):
    port = free_port()
    command = [sys.executable, "-c", LAUNCHED, str(port)]
    env = os.environ | {"ANCHORLAB_HOME": str(home.path), "PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}"))
        yield process
    finally:
        for child in psutil.Process(process.pid).children() if process.poll() is None else ():
            child.kill()
        process.kill()
        process.wait()


def test_the_process_in_front_of_the_app_is_small_and_reaps_what_was_launched_before_it(home):
    with front(home) as process:
        seen = psutil.Process(process.pid)
        assert seen.memory_info().rss < SMALL
        wait_until(lambda: not any("sleep" in child.name() for child in seen.children()), seconds=20)
        (server,) = seen.children()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) in (0, 128 + signal.SIGTERM)
        assert not server.is_running()


@pytest.mark.parametrize(("ends", "status"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)])
def test_it_ends_as_the_app_ends(ends, status):
    code = f"import sys; from core.serve import wait_for; sys.exit(wait_for(['sh', '-c', {ends!r}]))"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == status


def test_a_worker_started_by_a_long_lived_process_is_reaped(tmp_path):
    code = (
        "import os, sys, time; from pathlib import Path; import psutil\n"
        "from core.runs.detached import hold, reap, spawn\n"
        "folder = Path(sys.argv[1]); lock = hold(folder / 'lock', 1.0)\n"
        "spawn('this', [], lock, folder / 'log'); os.close(lock)\n"
        "me, deadline = psutil.Process(), time.monotonic() + 30\n"
        "while me.children()[0].status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline: time.sleep(0.05)\n"
        "reap(); print(len(me.children()))"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=PROJECT, capture_output=True, text=True)
    assert done.stdout.strip() == "0", done.stderr


def test_a_lab_without_its_sample_sets_says_so(tmp_path):
    for name in ("core", "app", "pages"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    code = "from core.cli import main; main()"
    command = [sys.executable, "-c", code, "data", "preview", "material"]
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    said = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True).stderr
    assert "There is no file material" in said
    assert "a sample set ()" not in said
    assert "run it from a checkout" in said
