"""The researcher in a real browser: a CSV with odd columns, a pipeline on it that outlives a refresh and a killed app,
and from a win rate down to a training pair.
"""

import re
from pathlib import Path

import pytest
import tomli_w
from playwright.sync_api import Page, expect

from core.records import Pair
from core.runs.folders import all_runs
from tests.browser import browser_page, served, settle
from tests.lab import MATERIALS, THINGS, toy_pipeline, wait_until
from tests.test_views import open_row, write
from tests.tiny import tiny_model

pytestmark = pytest.mark.browser

PATH = "Path of a data file, a folder that `datasets` wrote, or a card (.toml)"


def odd_table(path: Path) -> Path:
    """24 questions as a spreadsheet of another language writes them."""
    rows = [
        f"{7 * i};What is a {thing} {copy} made of?;wood;metal;glass;{MATERIALS[i % 3]};"
        for copy in range(2)
        for i, thing in enumerate(THINGS)
    ]
    path.write_text("\n".join(["Nr.;Aufgabe (Text);Antwort A;Antwort B;Antwort C;Lösung;Notiz", *rows]) + "\n")
    return path


def pipeline_text(folder: Path) -> str:
    """A short pipeline: two variants, one judge, a tiny random model; the page chooses the data set."""
    model = str(folder / "tiny")
    tiny_model(folder / "tiny")
    file = toy_pipeline(strategies=["rank"], variants=["base", "rank"]).model_dump(mode="json", exclude_none=True)
    return tomli_w.dumps(file | {"models": {"base": model, "judge": model, "reader": "off"}})


def open_page(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/{name}")
    settle(page)
    expect(page.get_by_text("Something went wrong")).to_have_count(0)
    expect(page.get_by_text("Page not found")).to_have_count(0)
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)


@pytest.mark.timeout(600)
def test_from_a_table_to_a_pipeline_and_from_a_win_rate_to_a_training_pair(home, tmp_path):
    text = pipeline_text(tmp_path)
    with browser_page() as page:
        with served(home) as (address, app):
            open_page(page, address, "datasets")
            page.get_by_text("A file on this machine", exact=True).click()
            write(PATH, str(odd_table(tmp_path / "Fragen 2.csv")))(page)
            page.get_by_role("button", name="Load this data set").click()
            expect(page.get_by_text(re.compile("^24 questions loaded, 0 rows rejected"))).to_be_visible()
            page.get_by_role("link", name="Run the method on it").click()
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
            expect(page.get_by_text(re.compile("^Fragen_2: rank against base"))).to_be_visible()
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
            expect(page.get_by_text(re.compile("Judge card: ")).first).to_be_visible()
            page.get_by_role("tab", name="Questions").click()
            open_row("questions", 3)(page)
            page.wait_for_url(re.compile("item="))
            rank = "A" if page.get_by_text(re.compile("A: rank")).count() else "B"
            page.get_by_role("link", name=f"{rank}, verdict by verdict").click()
            page.get_by_role("link", name="Pairs its variant was trained on").click()
            expect(page.get_by_text("choose a row to read it")).to_be_visible()
            trained = next(run for run in all_runs(home) if run.config.kind == "pairs")
            chosen = trained.read("pairs", Pair)[0].chosen
            assert f"pairs={trained.id}" in page.url
            expect(page.get_by_text(chosen.text.splitlines()[0][:30]).first).to_be_visible()
