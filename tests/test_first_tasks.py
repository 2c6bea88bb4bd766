"""The five first tasks of somebody new, in a real browser: from the Overview, with what is on screen alone.

Each is done with at most `MOST_CLICKS` clicks in under `MOST_SECONDS`; both are printed (`pytest -s`).  Typing and keys
that the page prints are counted apart.  A file that is uploaded counts as the click that opens the chooser.
"""

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.home import Home
from core.store.database import open_store
from tests.browser import browser_page, served, settle

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

MOST_CLICKS = 8
MOST_SECONDS = 120

ODD = """Nr.;Aufgabe (Text);Möglichkeit 1;Möglichkeit 2;Möglichkeit 3;Lösung
17;What is a spoon made of?;metal;wood;glass;metal
18;What is a bottle made of?;paper;glass;cloth;glass
19;What is a shelf made of?;wood;cloth;paper;wood
20;What is a curtain made of?;metal;wood;cloth;cloth
"""


class Journey:
    """A person at a page, whose clicks and keys are counted."""

    def __init__(self, page: Page, name: str):
        self.page, self.name = page, name
        self.clicks, self.keys = 0, 0
        self.begun = time.monotonic()

    def click(self, place: Locator, **where) -> None:
        place.click(**where)
        self.clicks += 1

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.keys += len(text)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.keys += 1

    def follow(self, link: str | re.Pattern, heading: str) -> None:
        """Click a link of the page; `heading` is the title of where it leads."""
        self.click(self.page.get_by_test_id("stMain").get_by_role("link", name=link).first)
        expect(self.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        settle(self.page)

    def ended(self) -> None:
        seconds = time.monotonic() - self.begun
        print(f"\n{self.name}: {self.clicks} clicks, {self.keys} keys, {seconds:.0f} s")
        assert self.clicks <= MOST_CLICKS
        assert seconds < MOST_SECONDS
        expect(self.page.get_by_text("Something went wrong")).to_have_count(0)


@pytest.fixture(scope="module")
def shared(filled, tmp_path_factory) -> tuple[str, Home]:
    """One served app over a copy of the filled lab, for all five."""
    home = Home(tmp_path_factory.mktemp("first") / "home")
    shutil.copytree(filled, home.path)
    with pytest.MonkeyPatch.context() as patch, served_with_idle(patch, home) as (address, _):
        yield address, home


def served_with_idle(patch: pytest.MonkeyPatch, home: Home):
    """The app, whose playground worker ends soon after the last round."""
    patch.setenv("ANCHORLAB_PLAYGROUND_IDLE", "20")
    return served(home)


@pytest.fixture(scope="module")
def window() -> Iterator[Page]:
    with browser_page() as page:
        yield page


@pytest.fixture
def page(shared, window) -> Page:
    """The Overview, opened by somebody new."""
    window.goto(shared[0])
    settle(window)
    return window


def test_load_own_data(page, tmp_path):
    file = tmp_path / "Umfrage 3.csv"
    file.write_text(ODD)
    task = Journey(page, "load own data")
    task.follow("Load my data", "Datasets")
    with page.expect_file_chooser() as chooser:
        task.click(page.get_by_test_id("stFileUploaderDropzone").first)
    chooser.value.set_files(file)
    load = page.get_by_role("button", name="Load this data set")
    expect(load).to_be_visible()
    task.click(load)
    expect(page.get_by_text(re.compile("^4 questions loaded, 0 rows rejected"))).to_be_visible()
    task.ended()


def test_find_the_worst_explanation_of_anchor(page, shared):
    task = Journey(page, "find the worst explanation of anchor")
    task.follow("Worst explanations of anchor", "Explanations")
    expect(page.get_by_text("variant: anchor")).to_be_visible()
    task.click(page.get_by_test_id("stDataFrameResizable").first, position={"x": 18, "y": 55})
    expect(page.get_by_text(re.compile("question 1 of"))).to_be_visible()
    task.ended()
    samples, item, sample = (re.search(rf"[?&]{name}=([^&]+)", page.url)[1] for name in ("run", "item", "sample"))
    assert (item, int(sample)) in worst_of(shared[1].path, samples, page)


def worst_of(home: Path, samples: str, page: Page) -> list[tuple[str, int]]:
    """Explanations of a sample run with its lowest score, from a copy of the lab."""
    copy = home.parent / f"{home.name}-copy"
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns("lab.duckdb*"))
    with open_store(Home(copy)) as store:
        store.ingest()
        return store.rows(
            "SELECT item_id, sample FROM scores s JOIN runs r ON r.id = s.run AND r.settings->>'mode' <> 'reader' "
            "WHERE samples = ? QUALIFY expected = min(expected) OVER ()",
            [samples],
        )


def test_say_whether_anchor_beats_rank_and_how_sure(page):
    task = Journey(page, "does anchor beat rank, and how sure")
    task.follow("Does anchor beat rank?", "Compare")
    said = page.get_by_text(re.compile("^anchor against rank: ")).first
    expect(said).to_be_visible()
    assert re.search(
        r"Δ\(W−L\) [+−]?[\d.]+ points \(95% [+−]?[\d.]+ … [+−]?[\d.]+, n = \d+ questions", said.inner_text()
    )
    task.ended()


def test_annotate_ten(page):
    task = Journey(page, "annotate ten")
    task.follow("Annotate", "Annotate")
    task.click(page.get_by_label("Your name"))
    task.type("robin")
    task.press("Enter")
    expect(page.get_by_role("button", name="Draw and begin")).to_be_visible()
    settle(page)  # the name draws the page once more, and a click amid that is lost
    task.click(page.get_by_role("button", name="Draw and begin"))
    for done in range(1, 11):
        expect(page.get_by_role("button", name="Submit", exact=True)).to_be_visible()
        task.type("33241y")
        task.press("Enter")
        expect(page.get_by_text(re.compile(rf"^{done} of \d+ done"))).to_be_visible()
        expect(page.get_by_text("Submitted and revealed")).to_be_visible()
        task.press("Enter")
    task.ended()


def sent_to_eyes(page: Page) -> str:
    """Every text and every title, label and address in the page's document, shown or not."""
    return page.evaluate(
        """() => [document.querySelector('[data-testid="stMain"]').textContent,
            ...[...document.querySelectorAll('[title], [aria-label], [alt], [href]')].flatMap(
                e => ['title', 'aria-label', 'alt', 'href'].map(name => e.getAttribute(name)))].join('\\n')"""
    )


def test_two_variants_side_by_side_live(page):
    task = Journey(page, "two variants side by side, live")
    task.follow("Side by side, live", "Playground")
    task.click(page.get_by_label("Question", exact=True).last)
    task.type("What is a spoon made of?")
    task.click(page.get_by_role("button", name="Generate"))
    vote = page.get_by_role("button", name="A is best")
    expect(vote).to_be_visible(timeout=90_000)
    expect(page.get_by_role("heading", name="B", exact=True)).to_be_visible()
    assert not re.search(r"\b(base|anchor)\b|sample-|judge: |excellent|unsatisfactory", sent_to_eyes(page))
    task.click(vote)
    reveal = page.get_by_role("button", name="Reveal the names")
    expect(reveal).to_be_visible()
    task.click(reveal)
    expect(page.get_by_text(re.compile(r"^The room: A, .+, is best"))).to_be_visible()
    assert re.search(r"\bbase\b", sent_to_eyes(page)) and re.search(r"\banchor\b", sent_to_eyes(page))
    task.ended()
    with page.expect_download() as export:
        page.get_by_role("button", name="Session as JSON").first.click()
    session = json.loads(Path(export.value.path()).read_text())
    (kept,) = session["rounds"]
    assert (kept["question"], kept["votes"]) == ("What is a spoon made of?", {"overall": "A"})
    page.get_by_role("button", name="Next question").click()
    expect(page.get_by_label(re.compile("^Blind"))).to_be_checked()
