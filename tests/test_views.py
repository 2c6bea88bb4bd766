"""Views in a real browser: a page comes back as it was left, by refresh, sidebar and Back."""

import re
import shutil
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from app.navigation import PAGES
from core.home import Home
from tests.browser import DRAWN, browser_page, served, settle
from tests.test_page_judgements import choice_of, loaded

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Step = Callable[[Page], None]
"""A click, or a text and Enter, that changes the view."""


def box(page: Page, label: str) -> Locator:
    """The first box with this label that is in sight."""
    return page.get_by_label(label, exact=True).filter(visible=True).first


def pick(label: str, option: str | re.Pattern) -> Step:
    """Choose an option of a select box."""

    def step(page: Page) -> None:
        box(page, label).click()
        page.get_by_role("option", name=option).first.click()

    return step


def press(text: str) -> Step:
    """Click a tab, a part of a control, a toggle or a button."""
    return lambda page: page.get_by_test_id("stMain").get_by_text(text, exact=True).first.click()


def write(label: str, text: str) -> Step:
    def step(page: Page) -> None:
        box(page, label).fill(text)
        page.keyboard.press("Enter")

    return step


def open_row(table: str, number: int) -> Step:
    """Choose a row, from 1, of a table whose key begins so."""
    place = {"x": 18, "y": 20 + 35 * number}
    return lambda page: page.locator(f"[class*=st-key-{table}_] [data-testid=stDataFrameResizable]").click(
        position=place
    )


VIEWS: dict[str, tuple[list[Step], str]] = {
    "overview": ([], "toy: anchor against base: "),
    "datasets": ([pick("Split", "test"), write("Questions that contain", "nail")], "1 to 1 of 1 questions"),
    "runs": (
        [pick("Kind", "judge"), open_row("runs", 2), press("Settings")],
        "The command that asks for the same run",
    ),
    "explanations": ([press("worst"), open_row("rows", 2)], r"question \d of 16"),
    "anchors": ([press("Pairs"), press("The pairs"), open_row("pairs", 2)], "choose a row to read it"),
    "annotate": (
        [write("Your name", "kim"), press("Draw and begin"), press("Show what is hidden after each")],
        "0 of 40 done",
    ),
    "judgements": ([pick("Length in", "words")], "Win rate at equal length"),
    "judges": ([pick("Explanations", re.compile("train"))], "in 1 runs"),
    "compare": (
        [pick("Baseline", "rank"), press("Questions"), open_row("questions", 3)],
        r"\d+ of \d+ questions; A: ",
    ),
    "playground": ([press("Pick one from a data set"), write("Contains", "nail")], "2 of 2 that match are listed"),
}
"""Page → what leads to a view that it does not open on, and words that are seen in it."""


STATE = """() => {
    const main = document.querySelector('[data-testid="stMain"]');
    if (!main) return null;
    const marked = main.querySelectorAll('input:not([type=file]), textarea, [role=tab], [role=radio], [role=checkbox]');
    const values = [...marked].map(e => [e.value, e.checked, e.ariaSelected, e.ariaChecked].join(' '));
    return [main.innerText, ...values];
}"""
"""What is read on a page, and what its widgets hold."""

STILL = 4
"""Looks, 0.15 s apart, that must show the same."""


def seen(page: Page) -> list[str]:
    """What is seen once the page stands still, for more than a moment: a draw may follow another."""
    page.wait_for_function(DRAWN)
    views = [page.evaluate(STATE)]
    while len(views) < STILL or any(view != views[-1] for view in views[-STILL:]):
        page.wait_for_timeout(150)
        page.wait_for_function(DRAWN)
        views.append(page.evaluate(STATE))
    return views[-1]


def shows(page: Page, view: list[str], after: str) -> None:
    """The page comes to show this view."""
    deadline = time.monotonic() + 60
    while (now := page.evaluate(STATE)) != view and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    assert now == view, after


def follow(page: Page, name: str) -> None:
    """A link of the sidebar."""
    title = PAGES[name][0]
    page.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True).click()
    expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()


@pytest.fixture(scope="module")
def address(filled, tmp_path_factory) -> Iterator[str]:
    """A served app over a copy of the filled lab, with judgements of three people beside it."""
    home = Home(tmp_path_factory.mktemp("views") / "home")
    shutil.copytree(filled, home.path)
    people = {"ann": 2, "bo": 3, "cy": 4}
    loaded(home, [choice_of(q, who, 1 + (q % every == 0)) for q in range(6) for who, every in people.items()])
    with served(home) as (address, _):
        yield address


@pytest.fixture(scope="module")
def window() -> Iterator[Page]:
    """One window for all: what the app consists of is loaded once, each link is a session of its own."""
    with browser_page() as page:
        yield page


def opened(window: Page, link: str) -> Page:
    window.set_viewport_size({"width": 1440, "height": 1000})
    window.goto(link)
    return window


def changed(page: Page, view: list[str]) -> list[str]:
    """What is seen once it is another view than this one."""
    deadline = time.monotonic() + 60
    while (now := seen(page)) == view and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    assert now != view
    return now


def led_to(page: Page, steps: list[Step]) -> list[list[str]]:
    """What is seen at first and after each step, which the URL follows."""
    views = [seen(page)]
    for step in steps:
        before = page.url
        step(page)
        page.wait_for_url(lambda now, before=before: now != before)
        views.append(changed(page, views[-1]))
    return views


@pytest.mark.parametrize("name", PAGES)
def test_a_page_comes_back_as_it_was_left(address, window, name):
    steps, words = VIEWS[name]
    other = "judgements" if name != "judgements" else "datasets"
    page = opened(window, f"{address}/{name}")
    views = led_to(page, steps)
    link = page.url
    assert re.search(words, views[-1][0]) and "Something went wrong" not in views[-1][0]

    page.reload()  # a new session of the server's, as for a pasted link
    shows(page, views[-1], "refresh")
    follow(page, other)
    page.go_back()
    shows(page, views[-1], "Back")
    assert page.url == link
    if steps:
        page.go_back()
        shows(page, views[-2], "Back on the page")
        page.go_forward()
        shows(page, views[-1], "Forward on the page")
    follow(page, other)
    follow(page, name)
    shows(page, views[-1], "sidebar")
    page.set_viewport_size({"width": 800, "height": 1000})
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "wider than a narrow window"


DOWN = "document.querySelector('[data-testid=\"stMain\"]').scrollTop"


def test_what_is_opened_begins_at_its_top_and_the_list_comes_back_where_it_was_left(address, window):
    page = opened(window, f"{address}/explanations")
    seen(page)
    page.evaluate(f"{DOWN} = 250")
    seen(page)
    down = page.evaluate(DOWN)
    rows = page.get_by_test_id("stDataFrameResizable").first.bounding_box()
    page.mouse.click(rows["x"] + 300, max(rows["y"], 0) + 150)  # in the words of a row, not on its box
    page.wait_for_url(re.compile("item="))
    seen(page)
    assert page.evaluate(DOWN) == 0 < down
    page.keyboard.press("Escape")
    page.wait_for_url(lambda now: "item=" not in now)
    seen(page)
    page.wait_for_function(f"Math.abs({DOWN} - {down}) < 60")  # browsers move it where something above grows late
