"""Work that pages wait for: done once, with words and time left in sight, and gone on with when nobody waits."""

import threading
import time

import pytest
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from app import working
from app.working import Pace, once
from core.errors import BadInput
from core.progress import tell
from tests.app import released  # noqa: F401
from tests.lab import wait_until

done: list[str] = []
"""What was worked on, since a test began."""


@once("Counting stars …", keep=4, seconds=9.0)
def slow(_place: str, name: str) -> str:
    time.sleep(0.5)
    done.append(name)
    if name == "none":
        raise BadInput("There are no stars.")
    return f"{name} has stars"


PAGE = """
import streamlit as st
from core.errors import LabError
from tests.test_working import slow
try:
    st.text(slow("here", {name!r}))
except LabError as error:
    st.text(str(error))
"""


@pytest.fixture
def lines(monkeypatch) -> list[str]:
    """What is said to whoever waits."""
    done.clear()
    said: list[str] = []
    draw = DeltaGenerator.progress

    def progress(self, value, text):
        said.append(text)
        return draw(self, value, text)

    monkeypatch.setattr(DeltaGenerator, "progress", progress)
    monkeypatch.setattr(working, "STEP", 0.05)
    return said


def test_who_waits_is_told_for_what_and_how_long_and_nothing_of_it_stays(lines):
    app = AppTest.from_string(PAGE.format(name="east")).run()
    assert app.text[0].value == "east has stars" and not app.exception
    assert lines and set(lines) <= {"Counting stars … about 9 s left", "Counting stars … about 8 s left"}
    assert not app.get("progress")
    lines.clear()
    app.run()
    AppTest.from_string(PAGE.format(name="east")).run()
    assert done == ["east"] and not lines  # kept, for other viewers too


def test_a_second_viewer_waits_for_the_work_of_the_first(lines):
    pages = [AppTest.from_string(PAGE.format(name="west")) for _ in range(2)]
    threads = [threading.Thread(target=page.run) for page in pages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [page.text[0].value for page in pages] == ["west has stars"] * 2
    assert done == ["west"]


def test_work_goes_on_when_its_viewer_leaves(lines, monkeypatch):
    def leave(*_, **__):
        raise RuntimeError("the viewer left")

    with monkeypatch.context() as left:
        left.setattr(DeltaGenerator, "progress", leave)
        assert AppTest.from_string(PAGE.format(name="north")).run().exception
    wait_until(lambda: done == ["north"])
    assert AppTest.from_string(PAGE.format(name="north")).run().text[0].value == "north has stars"
    assert done == ["north"]


def test_what_goes_wrong_is_said_where_it_was_asked_for_and_tried_again(lines):
    for _ in range(2):
        assert AppTest.from_string(PAGE.format(name="none")).run().text[0].value == "There are no stars."
    assert done == ["none", "none"]


def test_the_time_left_is_that_of_the_last_time(lines):
    AppTest.from_string(PAGE.format(name="south")).run()
    lines.clear()
    AppTest.from_string(PAGE.format(name="up")).run()
    assert set(lines) == {"Counting stars … about 1 s left"}  # as long as it took, and not the nine assumed


LOADING = Pace("Loading stars …", seconds=4.5)

LOAD = """
import time
import streamlit as st
from tests.test_working import LOADING, done
LOADING.watch(2_000_000, lambda: time.sleep(0.5) or done.append("load"))
st.text("loaded")
"""


def test_what_reads_a_file_takes_as_long_a_megabyte_as_the_last_time(lines):
    app = AppTest.from_string(LOAD).run()
    assert app.text[0].value == "loaded" and not app.get("progress")
    assert lines and set(lines) <= {"Loading stars … about 9 s left", "Loading stars … about 8 s left"}
    lines.clear()
    app.run()
    assert set(lines) == {"Loading stars … about 1 s left"} and done == ["load", "load"]  # each time anew
    assert 0.2 < LOADING.seconds < 2


FETCH = """
import time
import streamlit as st
from app.working import watched
from core.progress import tell

def fetch():
    for part in range(1, 6):
        time.sleep(0.3)
        tell(part * 2**20, 5 * 2**20, "bytes")
    time.sleep(0.3)
    tell(1, 4, "rows")
    time.sleep(0.3)
    return "fetched"

st.text(watched("Fetching stars …", fetch))
"""


def test_work_that_tells_how_far_it_is_is_shown_so(lines):
    app = AppTest.from_string(FETCH).run()
    assert app.text[0].value == "fetched" and not app.get("progress")
    assert "Fetching stars … time left not known yet" in lines
    assert "Fetching stars … 2.0 MiB of 5.0 MiB · about 1 s left" in lines
    assert any(line.startswith("Fetching stars … 1 of 4 rows") for line in lines)
    tell(1, 2, "rows")  # where nobody listens, nothing happens


def test_in_a_thread_of_its_own_nothing_is_shown(lines):
    assert slow("here", "down") == "down has stars" and not lines
