"""One journey in a real browser: launch a pipeline, watch it through a refresh and a killed app, browse, compare."""

import re

import pytest
import tomli_w
from playwright.sync_api import Page, expect

from core.home import Home
from core.runs.folders import all_runs
from tests.browser import browser_page, served, settle
from tests.lab import toy_dataset, toy_pipeline, wait_until
from tests.tiny import tiny_model

pytestmark = pytest.mark.browser


def pipeline_text(home: Home, folder) -> str:
    """A short pipeline over the toy data set: two variants, one judge, a tiny random model."""
    toy_dataset(home, folder)
    model = str(folder / "tiny")
    tiny_model(folder / "tiny")
    file = toy_pipeline(strategies=["rank"], variants=["base", "rank"]).model_dump(mode="json", exclude_none=True)
    file["models"] = {"base": model, "judge": model, "reader": "off"}
    examples = [{"question": "What is a key made of?", "explanation": "It is hard.", "answer": "metal"}]
    mapping = {"name": "toy", "gold": "label", "labels": ["wood", "metal", "glass"], "examples": examples}
    file["dataset"] = {"source": str(folder / "toy.jsonl"), "mapping": mapping}
    return tomli_w.dumps(file)


def open_page(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/{name}")
    settle(page)
    expect(page.get_by_text("Something went wrong")).to_have_count(0)
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)


@pytest.mark.timeout(600)
def test_launch_watch_browse_compare(home, tmp_path):
    text = pipeline_text(home, tmp_path)
    with browser_page() as page:
        with served(home) as (address, app):
            open_page(page, address, "runs")
            page.get_by_text("Launch", exact=True).click()
            page.get_by_role("tab", name="The file").click()
            page.get_by_label("Pipeline (TOML)").fill(text)
            page.get_by_label("Pipeline (TOML)").blur()
            page.wait_for_timeout(1500)
            page.get_by_role("button", name="Launch pipeline").click()
            expect(page.get_by_test_id("stMain").get_by_role("button", name="Stop")).to_be_visible()
            assert "run=pipeline-" in page.url
            page.reload()
            expect(page.get_by_test_id("stMain").get_by_role("button", name="Stop")).to_be_visible()
            app.kill()  # workers outlive the app
        pipeline = next(run for run in all_runs(home) if run.config.kind == "pipeline")
        wait_until(lambda: pipeline.result and not pipeline.alive, seconds=400)
        assert pipeline.state == "done", pipeline.result

        with served(home) as (address, _):
            open_page(page, address, "")
            expect(page.get_by_text(re.compile("^toy: rank against base"))).to_be_visible()
            open_page(page, address, "explanations")
            expect(page.get_by_text("48 of 48 explanations")).to_be_visible(timeout=30_000)
            open_page(page, address, "explanations?split=test")
            expect(page.get_by_text("32 of 48 explanations")).to_be_visible(timeout=30_000)
            open_page(page, address, "explanations?split=test&item=nobody")
            page.keyboard.press("ArrowRight")
            expect(page.get_by_text(re.compile("question 1 of 8"))).to_be_visible()
            page.keyboard.press("ArrowRight")
            expect(page.get_by_text(re.compile("question 2 of 8"))).to_be_visible()
            assert "item=" in page.url
            expect(page.get_by_text("coherence: ").first).to_be_visible()
            open_page(page, address, "anchors?tab=Pairs")
            expect(page.get_by_text("best_over_random").first).to_be_attached()
            open_page(page, address, "compare")
            expect(page.get_by_text(re.compile("resamples of questions")).first).to_be_visible()
            expect(page.get_by_text(re.compile("cannot be told from chance|better than chance")).first).to_be_visible()


@pytest.mark.timeout(300)
def test_narrow_and_dark_pages_do_not_overflow(home, tmp_path):
    toy_dataset(home, tmp_path)
    with served(home) as (address, _), browser_page(width=800, scheme="dark") as page:
        for name in ("", "datasets", "runs", "explanations", "anchors", "compare"):
            open_page(page, address, name)
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
