"""Runs in a real browser: a pairs run launched from the form by mouse, done, and there after a refresh."""

import shutil

import pytest
from playwright.sync_api import expect

from core.runs.folders import all_runs
from tests.browser import browser_page, served, settle
from tests.lab import wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium on this machine"),
]


@pytest.mark.timeout(180)
def test_a_pairs_run_is_launched_and_deleted_by_mouse(lab_home):
    with served(lab_home) as (address, _), browser_page() as page:
        page.goto(f"{address}/runs")
        settle(page)
        page.get_by_text("Launch", exact=True).click()
        page.get_by_label("What to run").click()
        page.get_by_role("option", name="pairs: choose what to prefer").click()
        expect(page.get_by_text("it is a new one").or_(page.get_by_text("Nothing to do"))).to_be_visible()
        seed = page.get_by_test_id("stNumberInput").filter(has=page.get_by_label("seed", exact=True))
        seed.get_by_test_id("stNumberInputStepUp").click()
        button = page.get_by_role("button", name="Launch run")
        expect(button).to_be_enabled()
        button.click()
        expect(page.get_by_text("choose pairs mine")).to_be_visible()
        made = [run for run in all_runs(lab_home) if run.config.label == "mine"]
        assert [run.config.settings["seed"] for run in made] == [1]
        wait_until(lambda: made[0].result and not made[0].alive)
        assert f"run={made[0].id}" in page.url
        page.reload()
        settle(page)
        expect(page.get_by_text("choose pairs mine")).to_be_visible()
        expect(page.get_by_test_id("stMain").get_by_text("check_circle")).to_be_visible()
        assert made[0].state == "done"
        page.get_by_text("Lineage", exact=True).click()
        parent = made[0].config.parents["judgements"]
        page.get_by_role("button", name=parent).click()
        expect(page.get_by_text(f"{parent} · asked for")).to_be_visible()
        page.goto(f"{address}/runs?run={made[0].id}")
        settle(page)
        page.get_by_role("button", name="Delete", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="Delete 1 run").click()
        expect(page.get_by_text("1 run deleted.")).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)
        settle(page)
        assert not made[0].path.exists() and "run=" not in page.url
        expect(page.get_by_test_id("stMain").get_by_role("button", name="Clone")).to_have_count(0)
