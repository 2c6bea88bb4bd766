"""The annotator in a real browser: twenty by keys alone, a refresh, a killed server, a second annotator."""

import os
import re
import shutil

import pytest
from playwright.sync_api import Page, expect

from core.store.database import open_store
from tests.browser import browser_page, served, settle

pytestmark = pytest.mark.browser

if shutil.which("chromium") is None:
    if os.environ.get("ANCHORLAB_REQUIRE_BROWSER"):
        pytest.fail("Chromium is required here (ANCHORLAB_REQUIRE_BROWSER) and is not installed.", pytrace=False)
    pytestmark = [pytestmark, pytest.mark.skip(reason="no Chromium on this machine: browser tests are SKIPPED")]

KEYS = "33241y"


def begin(page: Page, address: str, name: str) -> None:
    """Name and queue, by keys."""
    page.goto(f"{address}/annotate")
    settle(page)
    page.get_by_label("Your name").focus()
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    draw = page.get_by_role("button", name="Draw and begin")
    expect(draw.or_(page.get_by_text("that everybody does")).first).to_be_visible()
    if draw.count():
        draw.press("Enter")
    expect(page.get_by_text("that everybody does")).to_be_visible()
    settle(page)


def rate(page: Page, numbers: range) -> None:
    """Tasks by keys as fast as they are taken; `numbers` counts those done after each."""
    for done in numbers:
        expect(page.get_by_role("button", name="Submit", exact=True)).to_be_visible()
        page.keyboard.type(KEYS)
        page.keyboard.press("Enter")
        expect(page.get_by_text(re.compile(rf"^{done} of \d+ done"))).to_be_visible()
        expect(page.get_by_text("Submitted and revealed")).to_be_visible()
        page.keyboard.press("Enter")


def chosen(page: Page) -> list[str]:
    return page.locator("button.chosen").evaluate_all("nodes => nodes.map(node => node.title)")


@pytest.mark.timeout(180)
def test_twenty_by_keys_a_refresh_a_killed_server_and_a_second_annotator(lab_home):
    half = ["satisfactory", "satisfactory", "needs improvement"]
    with browser_page() as page:
        with served(lab_home) as (address, app):
            begin(page, address, "kim")
            rate(page, range(1, 11))
            expect(page.get_by_role("button", name="Submit", exact=True)).to_be_visible()
            page.keyboard.type("332")
            expect(page.get_by_text("Draft kept.")).to_be_visible()
            page.keyboard.type("t")
            page.keyboard.type("half a thought")
            page.wait_for_timeout(2500)  # the field is not left
            page.reload()
            settle(page)
            assert chosen(page) == half
            expect(page.get_by_role("textbox", name="Note")).to_have_value("half a thought")
            app.kill()
        with served(lab_home) as (address, _):
            page.goto(f"{address}/annotate?rater=kim")
            settle(page)
            expect(page.get_by_text(re.compile("^10 of"))).to_be_visible()
            assert chosen(page) == half
            page.keyboard.type("41y")
            page.keyboard.press("Enter")
            expect(page.get_by_text("Submitted and revealed")).to_be_visible()
            page.get_by_text("What the judge was asked and said").click()  # what was clicked does not keep Enter
            page.keyboard.press("Enter")
            rate(page, range(12, 21))
            begin(page, address, "lee")
            rate(page, range(1, 4))
            page.goto(f"{address}/annotate?rater=lee&tab=Agreement")
            settle(page)
            expect(page.get_by_text(re.compile("Blind ratings: 23, annotators: 2"))).to_be_visible()
            expect(page.get_by_text("Do annotators agree with each other?")).to_be_visible()
    with open_store(lab_home) as store:
        store.ingest()
        given = store.rows(
            "SELECT rater, count(*), count(DISTINCT task), bool_and(label = CASE criterion WHEN 'coherence' THEN "
            "'satisfactory' WHEN 'depth' THEN 'excellent' ELSE label END) FROM annotation_history GROUP BY rater "
            "ORDER BY rater"
        )
    assert given == [("kim", 120, 20, True), ("lee", 18, 3, True)]
