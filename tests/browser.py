"""The app in a real browser: a served lab on a free port, and headless Chromium to look at it."""

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from core.home import PROJECT, Home
from tests.lab import wait_until

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(home: Home) -> Iterator[tuple[str, subprocess.Popen]]:
    """The app over a state folder: its address and its process, which is ended at the end."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(PROJECT / "app" / "main.py"), "--server.headless", "true"]
    process = subprocess.Popen(
        [*command, "--server.port", str(port)],
        cwd=PROJECT,
        env=os.environ | {"ANCHORLAB_HOME": str(home.path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(address))
        yield address, process
    finally:
        process.kill()
        process.wait()


def answers(address: str) -> bool:
    try:
        return urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).status == 200
    except OSError:
        return False


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def browser_page(width: int = 1440, scheme: str = "light") -> Iterator[Page]:
    """A page of headless Chromium."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": width, "height": 1000}, color_scheme=scheme)
        page.set_default_timeout(60_000)
        yield page


DRAWN = """() => document.querySelector('.stApp[data-test-script-state=notRunning] h1')
    && !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')"""


def settle(page: Page) -> None:
    """Wait until the page has been drawn, nothing of it is stale, and no further draw has followed."""
    for pause in (400, 150):
        page.wait_for_function(DRAWN)
        page.wait_for_timeout(pause)
    page.wait_for_function(DRAWN)
