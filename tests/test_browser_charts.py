"""Charts in a real browser: a click on what is drawn leads to the rows behind it."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from app.compare.choices import pair_name
from core.analysis.results import Evaluation, evaluations
from core.annotation.queues import open_queue
from core.annotation.writing import rate
from core.home import Home
from core.store.database import open_store
from core.store.queries import label_counts
from tests.browser import browser_page, served, settle
from tests.test_annotation import SETTINGS, settings_of, whole
from tests.test_views import open_row

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium on this machine"),
]


def chart(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key}")


def click(page: Page, place: Locator) -> None:
    """Click the middle of something drawn once it stands still; plotly's own layer would take an ordinary click."""
    place.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    box = place.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


@dataclass(frozen=True)
class Shown:
    """A filled lab in a browser, where somebody rated its explanations, and what of it the tests here look for."""

    address: str
    page: Page
    dataset: str
    label: dict[str, Any]
    """Split, gold and items of the first bar of labels."""
    evaluation: Evaluation
    trained: list[str]
    """Runs of trainings."""


@pytest.fixture(scope="module")
def shown(filled, tmp_path_factory) -> Iterator[Shown]:
    home = Home(tmp_path_factory.mktemp("charts") / "home")
    shutil.copytree(filled, home.path)
    with open_store(home) as store:
        store.ingest()
        queue = open_queue(store, settings_of(store, "rate", size=16))
        for place, task in enumerate(queue.tasks):
            rate(store, "kim", queue, task, whole("unsatisfactory" if place % 2 else "excellent"))
        dataset = queue.settings.dataset
        label = label_counts(store, dataset).iloc[0].to_dict()
        evaluation = evaluations(store, SETTINGS)[0]
    with served(home) as (address, _), browser_page() as page:
        trained = sorted(path.name for path in home.runs.glob("dpo-*"))
        yield Shown(address, page, dataset, label, evaluation, trained)


@pytest.mark.timeout(180)
def test_bars_and_cells_lead_to_what_is_behind_them(shown):
    page, address, first = shown.page, shown.address, shown.label
    criteria = shown.evaluation.card.criteria
    parts = [n for of_all in zip(*(c.counts for c in criteria), strict=True) for n in of_all]
    drawn = next(place for place, n in enumerate(parts) if n)  # plotly draws parts without width too
    page.goto(f"{address}/datasets?dataset={shown.dataset}&tab=Splits%20and%20labels")
    settle(page)
    click(page, chart(page, "balance").locator(".barlayer .point path").first)
    expect(page.get_by_text(f"1 to {first['items']} of {first['items']} questions")).to_be_visible()
    assert f"label={first['gold']}" in page.url and f"split={first['split']}" in page.url

    page.goto(f"{address}/judges")
    settle(page)
    click(page, chart(page, "verdicts").locator(".barlayer .point path").nth(drawn))
    page.wait_for_url(re.compile("/explanations.*verdict="))
    expect(page.get_by_text(re.compile(rf"^{parts[drawn]} of \d+ explanations"))).to_be_visible()
    page.go_back()
    page.wait_for_url(re.compile("/judges$"))  # one step back, to the page as it was left
    expect(page.get_by_text("Which verdicts does it give?")).to_be_visible()

    page.goto(f"{address}/anchors")
    settle(page)
    click(page, chart(page, "categories").locator(".barlayer .point path").last)
    page.wait_for_url(re.compile("/explanations.*category=consistently_incorrect"))
    expect(page.get_by_text(re.compile(r"^category: consistently incorrect"))).to_be_visible()

    page.go_back()
    page.wait_for_url(re.compile("/anchors$"))
    settle(page)
    click(page, chart(page, "dots").locator(".scatterlayer .point").first)
    page.wait_for_url(re.compile("/explanations.*category=consistently_correct"))

    page.goto(f"{address}/anchors?part=Scores")
    settle(page)
    click(page, chart(page, "scores").locator(".scatterlayer .point").last)
    page.wait_for_url(re.compile("/explanations.*category=consistently_incorrect"))

    page.goto(f"{address}/anchors?tab=Pairs")
    settle(page)
    click(page, page.locator("[class*=st-key-over_lambda] .barlayer .point path").last)
    page.wait_for_url(re.compile("a_target_lambda=1"))
    expect(page.get_by_role("spinbutton", name="Target λ").first).to_have_value("1.00")

    page.goto(f"{address}/compare")
    settle(page)
    click(page, chart(page, "plane").locator(".scatterlayer .point").first)
    page.wait_for_url(re.compile("/explanations.*variant=base"))

    page.goto(f"{address}/annotate?rater=kim&tab=Agreement")
    settle(page)
    cells = chart(page, "confusion").locator(".heatmaplayer")
    cells.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    box = cells.bounding_box()
    corner = {"x": box["x"] + box["width"] / 8, "y": box["y"] + 7 * box["height"] / 8}
    page.mouse.click(corner["x"], corner["y"])
    expect(page.get_by_text(re.compile(r"^\d+ of them: \w+: excellent, not unsatisfactory"))).to_be_visible()
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.get_by_text(re.compile(r"^\d+ of them"))).to_have_count(0)


@pytest.mark.timeout(180)
def test_clicks_go_from_the_win_matrix_to_a_pair_and_from_a_criterion_to_its_questions(shown):
    page, evaluation = shown.page, shown.evaluation
    labels = list(evaluation.samples)
    cells = [(a, b) for a in labels for b in labels if a != b]
    wanted = (labels[0], labels[2])
    pair = pair_name(evaluation, evaluation.rate(*wanted))
    page.goto(f"{shown.address}/compare")
    settle(page)
    click(page, chart(page, "matrix").locator(".scatterlayer .point").nth(cells.index(wanted)))
    page.wait_for_url(re.compile("tab=One(\\+|%20)pair"))
    expect(page.get_by_text(re.compile(f"^{pair}: ")).last).to_be_visible()
    settle(page)
    click(page, chart(page, "chart_scored_by").locator(".scatterlayer .point").nth(1))
    page.wait_for_url(re.compile("tab=Questions"))
    criterion = evaluation.card.criteria[1].criterion
    assert f"scored_by={criterion}" in page.url
    expect(page.get_by_text(re.compile(r"^8 of 8 questions; A: "))).to_be_visible()
    page.go_back()
    expect(page.get_by_text(re.compile(f"^{pair}: ")).last).to_be_visible()


@pytest.mark.timeout(180)
def test_bands_questions_bins_and_curves_lead_to_what_is_behind_them(shown):
    page, address = shown.page, shown.address
    page.goto(f"{address}/anchors?part=What%20moved")
    settle(page)
    band = page.locator("[class*=st-key-flow_] .scatterlayer .point").first
    click(page, band)
    page.wait_for_url(re.compile("step=.*move="))
    before, after = re.search("step=(.*?)%E2%86%92(.*?)&", page.url).groups()
    moves = page.locator("[class*=st-key-matrix_]")
    expect(moves.get_by_text(before, exact=True)).to_be_visible()  # the step of the band that was clicked
    expect(moves.get_by_text(after, exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile(r"^\d+ questions?\.")).first).to_be_visible()

    page.goto(f"{address}/anchors?part=Map")
    settle(page)
    click(page, chart(page, "map").locator(".scatterlayer .point").nth(2))
    page.wait_for_url(re.compile("/explanations.*item="))
    expect(page.get_by_text(re.compile(r"question \d of 8")).first).to_be_visible()

    page.goto(f"{address}/anchors?part=Fewer%20responses")
    settle(page)
    click(page, chart(page, "fewer").locator(".scatterlayer .point").last)
    page.wait_for_url(re.compile("/explanations.*category=consistently_incorrect"))

    page.goto(f"{address}/judges")
    settle(page)
    click(page, chart(page, "lengths").locator(".scatterlayer .point").first)
    page.wait_for_url(re.compile("/explanations.*tokens="))
    expect(page.get_by_text(re.compile(r"^\d+ to \d+ tokens$"))).to_be_visible()

    page.goto(f"{address}/anchors?tab=Pairs&show=Lint")
    settle(page)
    bars = page.locator("[class*=st-key-gaps_] .barlayer .point path")
    heights = [box["height"] for box in (bars.nth(bar).bounding_box() for bar in range(bars.count()))]
    click(page, bars.nth(heights.index(max(heights))))
    page.wait_for_url(re.compile("check=length"))
    expect(
        page.get_by_role("combobox", name=re.compile("^Open the pairs of"))
        .or_(page.get_by_text(re.compile(r"^length gap .* \(\d+\)$")))
        .first
    ).to_be_visible()

    page.goto(f"{address}/runs?run={','.join(shown.trained)}")
    settle(page)
    click(page, page.locator("[class*=st-key-curves_] .scatterlayer .point").last)
    page.wait_for_url(re.compile(f"run={shown.trained[-1]}$"))
    settle(page)
    click(page, page.locator("[class*=st-key-curves_] .scatterlayer .point").first)
    page.wait_for_url(re.compile(r"step=1\b"))
    expect(page.get_by_role("heading", name=re.compile(r"^Step 1 was trained on \d+ pairs$"))).to_be_visible()
    open_row("trained", 1)(page)
    page.wait_for_url(re.compile("/anchors.*pair="))
    expect(page.get_by_text("choose a row to read it")).to_be_visible()
