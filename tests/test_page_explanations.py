"""The page Explanations: filters in the URL, chips, pages, the reading view, and hostile texts in both."""

import os
import shutil

import pandas as pd
import pytest

from core.analysis.browsing import Wanted, page
from core.analysis.catalogue import catalogue
from core.analysis.narrow_rows import narrow_rows
from core.analysis.results import evaluations
from core.home import Home
from core.runs.folders import RunFolder
from core.settings import CompareSettings
from core.store.database import open_store
from tests.adversarial import HOSTILE, adversarial_lab, injected, rendered, watched
from tests.app import held_in, opened, released, store_of, words  # noqa: F401
from tests.browser import browser_page, served, settle
from tests.test_foreign import add, lines, rows_of

needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None and not os.environ.get("ANCHORLAB_REQUIRE_BROWSER"),
    reason="no Chromium on this machine: browser tests are SKIPPED",
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Home:
    home = Home(tmp_path_factory.mktemp("hostile") / "home")
    adversarial_lab(home)
    return home


def ids(home: Home, count: int = 3) -> list[str]:
    with open_store(home) as store:
        store.ingest()
        return [row[0] for row in store.rows("SELECT DISTINCT item_id FROM scores ORDER BY item_id LIMIT ?", [count])]


def test_filters_narrow_are_in_the_url_and_go_away_as_chips(lab_home):
    app = opened("explanations")
    assert "80 of 80 explanations" in words(app)
    app.multiselect(key="wanted_variant").select("sft").run()
    assert "32 of 80 explanations" in words(app)
    assert app.query_params["variant"] in ("sft", ["sft"])
    app.text_input(key="wanted_text").input("no such words anywhere").run()
    assert "0 of 80 explanations" in words(app)
    assert not app.exception
    held_in(app.multiselect, "wanted_chips").set_value([("variant", "sft")]).run()
    assert "32 of 80 explanations" in words(app)
    app.button(key="clear").click().run()
    assert "80 of 80 explanations" in words(app)
    assert not app.query_params


def test_worst_first_begins_with_the_lowest_score_and_older_links_mean_the_same(lab_home):
    for order in ("worst", "worst first"):
        shown = opened("explanations", order=order).dataframe[0].value["score"].tolist()
        assert shown == sorted(shown) and len(shown) == 50
    with store_of(lab_home) as store:
        lowest = store.rows(
            "SELECT min(expected) FROM scores s JOIN runs r ON r.id = s.samples WHERE list_contains(?, s.run)",
            [[run for one in catalogue(store).drawn for run in one.judges.values()]],
        )[0][0]
    assert shown[0] == pytest.approx(lowest)


def test_pages_turn_and_a_filter_begins_at_the_first(lab_home):
    app = opened("explanations")
    app.button(key="turn_Next page").click().run()
    assert "page 2 of 2" in words(app) and len(app.dataframe[0].value) == 30
    app.multiselect(key="wanted_variant").select("base").run()
    assert "page 1 of 1" in words(app)


def test_the_reading_view_shows_samples_verdicts_prompt_and_lineage(lab_home):
    (first, *_) = ids(lab_home)
    text = words(opened("explanations", item=first))
    for word in ("coherence", "What the judge was given", "[system]", "★", "sample 1", "sample 2", "a link to exactly"):
        assert word.lower() in text.lower(), word


def test_next_goes_on_in_the_order_of_the_view_and_back_to_the_list(lab_home):
    with store_of(lab_home) as store:
        narrow, wanted = narrow_rows(store, catalogue(store)), Wanted(order="worst")
        order = list(dict.fromkeys(page(store, narrow, wanted, 0)["item_id"]))
    app = opened("explanations", order="worst", item=order[0])
    assert "question 1 of" in words(app)
    app.button(key="step_Next").click().run()
    assert order[1] in app.query_params["item"]
    app.button(key="back").click().run()
    assert "item" not in app.query_params and "page 1 of" in words(app)


def test_a_link_with_an_evaluation_means_its_samples_and_judge(lab_home):
    with store_of(lab_home) as store:
        found = evaluations(store, CompareSettings(resamples=100))
        keys = {one.key for one in found if not one.by_reader}
        known = catalogue(store)
        assert keys <= {f"{one.protocol}-{judge}" for one in known.drawn for judge in one.judges}
        assert {(label, run) for one in found for label, run in one.samples.items()} <= {
            (one.label, one.samples) for one in known.drawn
        }
    total = sum(result.explanations for result in found[0].results)
    assert f"of {total} explanations" in words(opened("explanations", evaluation=found[0].key))


def test_nonsense_in_the_url_is_no_error(lab_home):
    app = opened("explanations", order="upside down", score="a~b", page="-3", seed="x", category="nothing", judge="?")
    assert not app.exception and "80 of 80 explanations" in words(app)
    assert "no question" in words(opened("explanations", item="nobody"))


def test_the_worst_that_has_a_text_is_one_click_from_the_worst(hostile, monkeypatch):
    monkeypatch.setenv("ANCHORLAB_HOME", str(hostile.path))
    app = opened("explanations", order="worst")
    assert app.dataframe[0].value["explanation"].iloc[0] == "(no explanation)"
    app.button(key="no_empty").click().run()
    assert app.query_params["form"] in ("not empty", ["not empty"])
    assert "(no explanation)" not in set(app.dataframe[0].value["explanation"])
    assert not [button for button in app.button if button.key == "no_empty"]


def test_hostile_texts_in_list_filters_and_reading_view(hostile, monkeypatch):
    shown = ids(hostile, 20)
    monkeypatch.setenv("ANCHORLAB_HOME", str(hostile.path))
    app = opened("explanations")
    variant = app.multiselect(key="wanted_variant").options[0]
    app.multiselect(key="wanted_variant").select(variant).run()
    app.text_input(key="wanted_text").input(HOSTILE["script"]).run()
    assert not app.exception and rendered(app) == []
    for item in shown:
        app = opened("explanations", item=item)
        assert not app.exception and "Something went wrong" not in words(app)
        assert rendered(app) == []


@needs_chromium
@pytest.mark.browser
def test_in_a_browser_no_hostile_text_becomes_an_element_or_a_request(hostile):
    shown = ids(hostile, 20)
    with served(hostile) as (address, _), browser_page(width=800) as page, watched(page) as left:
        page.goto(f"{address}/explanations")
        settle(page)
        assert injected(page) == 0
        for item in (shown[0], shown[7]):
            page.evaluate("item => location.assign('/explanations?' + new URLSearchParams({item}))", item)
            settle(page)
            assert page.get_by_text("Where it comes from").count() == 1
            assert injected(page) == 0
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.title() != "injected"
    assert left == []


def test_data_sets_are_named_where_there_are_several(lab_home, tmp_path):
    """A name may stand for another variant in each."""
    (run, *_) = add(lab_home, lines(tmp_path, rows_of()), authors="variants")
    name = RunFolder(lab_home.runs / run.config.parents["dataset"]).config.label
    pages = [opened("explanations", page=number).dataframe[0].value for number in "12"]
    assert set(pd.concat(pages)["data set"]) == {"toy", name}
    assert "data set" not in opened("explanations", dataset=run.config.parents["dataset"]).dataframe[0].value
