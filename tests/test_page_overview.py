"""The Overview and the settings dialog: counts that the database holds, findings, defaults, backup, rebuild."""

import duckdb
import pytest

from app.navigation import PAGES
from app.overview.picture import PAGES as LED_TO
from core.analysis.stages import category_counts, stages
from core.errors import BadInput
from core.store import journal
from core.store.database import open_store
from core.store.defaults import Defaults, defaults, set_defaults
from core.store.housekeeping import backup, places, versions
from tests.app import opened, released, store_of, words  # noqa: F401
from tests.browser import browser_page, served, settle

NO_DEBATER = "SELECT id FROM runs WHERE kind = 'sample' AND settings->>'role' = 'explainer'"
"""Runs whose samples are explanations of variants, as the page Explanations shows them."""


def test_the_picture_counts_what_the_database_holds_and_every_stage_leads_somewhere(lab_home):
    app = opened("overview")
    shown = {metric.label: metric.value for metric in app.metric}
    with store_of(lab_home) as store:
        held = {
            "Questions": "SELECT sum(items) FROM datasets",
            "Explanations": f"SELECT count(*) FROM explanations WHERE run IN ({NO_DEBATER})",
            "Judged": f"SELECT count(DISTINCT (samples, item_id, sample)) FROM scores WHERE samples IN ({NO_DEBATER})",
            "Pairs": "SELECT count(*) FROM pairs",
        }
        counts = {title: f"{store.rows(query)[0][0]:,}" for title, query in held.items()}
        found = category_counts(store)
    assert {title: shown[title] for title in held} == counts
    assert shown["Categories"] == f"{sum(found.values()):,}" and sum(found.values()) > 0
    assert shown["Trained"] == "3" and shown["Compared"] == "6"


def test_the_stages_are_in_the_papers_order_and_name_pages(home):
    titles = ["Questions", "Explanations", "Judged", "Categories", "Pairs", "Trained", "Compared"]
    with open_store(home) as store:
        assert [stage.title for stage in stages(store, {}, 0)] == titles
        assert {stage.count for stage in stages(store, {}, 0)} == {0}
    assert {page for page, _ in LED_TO.values()} <= PAGES.keys()


def test_a_finding_is_one_sentence_with_interval_n_and_verdict(lab_home):
    text = words(opened("overview"))
    assert "toy: anchor against base: " in text
    line = next(line for line in text.splitlines() if line.startswith("toy: anchor against base"))
    assert "points, 95% " in line and "n = 8 questions: " in line
    assert line.endswith(("better", "worse", "not shown", "judge unreliable here"))


def test_what_ended_last_is_listed_with_its_state(lab_home):
    text = words(opened("overview"))
    assert "pipeline toy" in text and "took" in text


def test_defaults_are_kept_in_the_journal_and_the_last_choice_counts(home):
    assert defaults(home) == Defaults(model="default", judge="default")
    set_defaults(home, Defaults(model="mine", judge="strict"))
    set_defaults(home, Defaults(model="mine", judge="lenient"))
    assert defaults(home).judge == "lenient"
    assert journal.archived(home) == set()


def test_a_backup_is_a_whole_database_while_the_lab_goes_on(lab_home):
    with store_of(lab_home) as store:
        file = backup(store)
        held = store.rows("SELECT count(*) FROM explanations")[0][0]
        categories = store.rows("SELECT count(*) FROM categories")[0][0]
        with pytest.raises(BadInput, match="is there already"):
            store.copy_to(file)
    with duckdb.connect(str(file), read_only=True) as copy:
        assert copy.execute("SELECT count(*) FROM explanations").fetchone() == (held,)
        assert copy.execute("SELECT count(*) FROM categories").fetchone() == (categories,)
    assert {place.name for place in places(lab_home)} >= {"runs", "database", "backups"}
    assert all(place.bytes > 0 for place in places(lab_home))


def test_versions_name_what_results_depend_on():
    found = versions()
    assert found["duckdb"].startswith("2.") and {"torch", "trl", "peft", "python"} <= found.keys()


@pytest.mark.browser
def test_the_dialog_shows_the_folder_backs_up_and_rebuilds(lab_home):
    with served(lab_home) as (address, _), browser_page() as page:
        page.goto(address)
        settle(page)
        page.get_by_role("button", name="Settings").click()
        page.get_by_text(str(lab_home.path), exact=True).wait_for()
        page.get_by_role("button", name="Back up").click()
        page.get_by_text("The database is copied").wait_for()
        page.get_by_role("button", name="Rebuild").click()
        page.get_by_text("The database is made anew").wait_for()
    assert len(list(lab_home.backups.glob("*.duckdb"))) == 1
