"""The URL holds the view: after a reload, from a pasted link, and when one comes Back to it."""

import shutil
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from app.navigation import PAGES
from core.home import Home
from tests.browser import browser_page, served, settle

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

VIEWS = {
    "anchors": "tab=Pairs",
    "annotate": "rater=kim&tab=Agreement",
    "compare": "score=total&baseline=rank",
    "explanations": "order=worst&variant=anchor",
    "playground": "play_source=Pick+one+from+a+data+set",
}
"""Page → a view that is not its default."""


@pytest.fixture(scope="module")
def address(filled, tmp_path_factory) -> str:
    home = Home(tmp_path_factory.mktemp("links") / "home")
    shutil.copytree(filled, home.path)
    with served(home) as (address, _):
        yield address


def holds(page: Page, name: str) -> None:
    """The page is drawn, and its URL says the view."""
    expect(page.get_by_role("heading", name=PAGES[name][0], exact=True)).to_be_visible(timeout=60_000)
    settle(page)
    given = parse_qs(urlsplit(page.url).query)
    assert parse_qs(VIEWS[name]).items() <= given.items(), (name, page.url)
    assert urlsplit(page.url).path == f"/{name}"


def shown(page: Page) -> list[str]:
    """What the page's widgets show as chosen: selected tabs, pressed buttons, checked radios, select boxes."""
    return page.get_by_test_id("stMain").evaluate(
        """main => [...main.querySelectorAll('[aria-selected="true"], [aria-checked="true"], [data-selected="true"], [role=combobox], input[type=radio]:checked')]
        .filter(node => node.offsetParent).map(node => node.value || node.textContent)"""  # noqa: E501
    )


def test_a_view_is_restored_after_reload_from_a_link_and_on_back(address):
    with browser_page() as page:
        for name, query in VIEWS.items():
            page.goto(f"{address}/{name}?{query}")
            holds(page, name)
            first = shown(page)
            page.reload()
            holds(page, name)
            assert shown(page) == first, name
            page.get_by_test_id("stSidebar").get_by_role("link", name="Overview").click()
            expect(page.get_by_role("heading", name="Overview", exact=True)).to_be_visible(timeout=60_000)
            page.go_back()
            holds(page, name)
            assert shown(page) == first, name
