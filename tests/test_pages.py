"""Every page, empty and filled, as Streamlit runs it: no exception, the right words, nothing untrusted rendered."""

import sys

import pytest

from app import state
from app.navigation import PAGES
from core.annotation.queues import open_queue
from core.annotation.writing import rate
from core.runs.folders import RunFolder
from core.store.database import open_store
from tests.app import opened, released, store_of, words  # noqa: F401
from tests.lab import toy_dataset, wait_until
from tests.test_annotation import settings_of, whole
from tests.test_page_judgements import choice_of, loaded


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_an_empty_lab_says_what_to_do(name):
    app = opened(name)
    assert not app.exception
    assert app.title[0].value == PAGES[name][0]
    hints = {"overview": "Run the demo", "datasets": "Load", "runs": "Launch", "anchors": "pipeline"}
    assert hints.get(name, "demo") in words(app) + " ".join(button.label for button in app.button)
    ways = [way.proto.label for kind in ("page_link", "button", "file_uploader") for way in app.main.get(kind)]
    assert ways, "an empty page leads on"


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_a_filled_lab_draws_without_an_exception(lab_home, name):
    app = opened(name)
    assert not app.exception
    assert "Something went wrong" not in words(app)
    assert "Traceback" not in words(app)


@pytest.mark.parametrize(
    ("page", "view", "what"),
    [
        ("compare", {"evaluation": "gone"}, "evaluation"),
        ("datasets", {"dataset": "gone"}, "data set"),
        ("judges", {"responses": "gone"}, "set of explanations"),
        ("judges", {"judge": "gone"}, "judge"),
        ("anchors", {"tab": "Pairs", "pairs": "gone"}, "pair set"),
        ("runs", {"run": "gone"}, ""),
    ],
)
def test_a_link_to_what_is_gone_never_passes_for_it(lab_home, page, view, what):
    assert f"No {what or 'run'} here has the id gone: it was deleted" in words(opened(page, **view))
    assert "has the id" not in words(opened(page, **{key: value for key, value in view.items() if key == "tab"}))


def test_overview_counts_what_the_database_holds(lab_home):
    app = opened("overview")
    counts = {metric.label: metric.value for metric in app.metric}
    with store_of(lab_home) as store:
        expected = store.rows(
            "SELECT count(*) FROM explanations e JOIN runs r ON r.id = e.run WHERE r.settings->>'role' = 'explainer'"
        )[0][0]
    assert counts["Explanations"] == f"{expected:,}"


def test_compare_shows_n_tie_rule_interval_and_whether_the_judge_can_be_believed(lab_home):
    text = words(opened("compare"))
    for word in ("n questions", "Δ(W−L)", "within 0.2 points tie", "resamples of questions", "anchor against base"):
        assert word in text, word
    app = opened("compare")
    assert "chance" in " ".join(w.value for w in app.warning) + words(app)


def test_what_pages_open_on_is_worked_out_in_a_large_lab_before_they_are_opened(lab_home, monkeypatch, caplog):
    loaded(lab_home, [choice_of(q, who, 1 + q % 2) for q in range(6) for who in ("ann", "bo")])
    with store_of(lab_home) as store:
        queue = open_queue(store, settings_of(store, "rate", size=8))
        for task in queue.tasks:
            rate(store, "kim", queue, task, whole("satisfactory"))
    monkeypatch.setattr(state, "INGEST_SECONDS", 0.05)
    monkeypatch.setattr(state, "WARM_FROM", 1)
    here = state.lab()
    wait_until(lambda: here._warmer and not here._warmer.is_alive())
    caplog.set_level("DEBUG", "app.working")
    for page, view in OPEN_ON:
        assert "went wrong" not in words(opened(page, **view)) and worked_on(caplog) == [], (page, view)
    opened("anchors", tab="Pairs", a_margin="1.25")
    assert set(worked_on(caplog)) == {"_built", "_counts"}


def worked_on(caplog) -> list[str]:
    """What was worked on since lines of it were caught."""
    return [record.args[0] for record in caplog.records if record.name == "app.working"]


OPEN_ON: list[tuple[str, dict[str, str]]] = [
    ("overview", {}),
    ("explanations", {}),
    ("anchors", {}),
    ("anchors", {"part": "Fewer responses"}),
    ("anchors", {"part": "Scores"}),
    ("anchors", {"tab": "Pairs"}),
    ("annotate", {"tab": "Agreement"}),
    ("judgements", {}),
    ("judges", {}),
    ("compare", {}),
    ("compare", {"tab": "One pair"}),
    ("compare", {"tab": "Questions"}),
    ("compare", {"tab": "Questions", "scored_by": "clarity"}),
    ("compare", {"score": "total"}),
]
"""Views that need nothing once the lab has worked ahead."""


def test_a_small_lab_computes_nothing_before_it_is_asked(lab_home, monkeypatch):
    monkeypatch.setattr(state, "INGEST_SECONDS", 0.05)
    here = state.lab()
    here._warm_up()
    assert here._warmer is None and here.store.rows("SELECT count(*) FROM scores")[0][0] < state.WARM_FROM


def test_another_score_gives_another_tie_rule(lab_home):
    app = opened("compare")
    app.selectbox(key="score").select("total").run()
    assert "within 0 points tie" in words(app)
    app.query_params.clear()  # a click that was made before the browser knew of the other score
    app.run()
    assert "within 0 points tie" in words(app) and app.query_params["score"] == "total"


def test_anchors_show_categories_and_pairs_with_reasons(lab_home):
    text = words(opened("anchors"))
    for word in ("consistently correct", "uncategorised", "95%"):
        assert word in text, word
    pairs = words(opened("anchors", tab="Pairs"))
    assert "rule" in pairs and "How many pairs would each λ leave?" in pairs
    assert "Questions that gave no pair" in " ".join(e.label for e in opened("anchors", tab="Pairs").expander)


def test_a_run_opened_by_its_link_shows_settings_command_log_and_lineage(lab_home):
    dpo = next(path.name for path in lab_home.runs.glob("dpo-*"))
    tabs = ("Progress", "Settings", "Log", "Lineage")
    text = "\n".join(words(opened("runs", run=dpo, tab=tab)) for tab in tabs)
    for word in ("anchorlab run dpo", "learning_rate", "ln 2", "log.txt", "Made from"):
        assert word in text, word


def test_text_of_a_data_set_is_never_rendered(home, tmp_path):
    hostile = "![x](http://example.org/x.png) <b>bold</b> $x$ [link](http://example.org)"
    path = tmp_path / "hostile.jsonl"
    path.write_text(f'{{"question": "{hostile}", "options": ["a", "b"], "gold": "a"}}\n' * 2)
    from core.data.datasets import import_dataset, load_settings

    import_dataset(home, *load_settings(path, name=hostile))
    for name in PAGES:
        app = opened(name)
        assert not app.exception
        rendered = [e.value for kind in ("markdown", "caption", "title", "subheader") for e in app.get(kind)]
        assert not any("example.org" in str(text) for text in rendered), name


def test_a_page_says_who_holds_the_database(home):
    with open_store(home):
        app = opened("overview")
        assert not app.exception
        assert "in use" in words(app)


def test_stop_and_resume_are_offered_by_state(home, tmp_path):
    folder = toy_dataset(home, tmp_path)
    result = folder.path / "result.json"
    result.write_text(result.read_text().replace('"state": "done"', '"state": "stopped"'))
    labels = [button.label for button in opened("runs", run=folder.id).button]
    assert "Resume" in labels
    assert "Stop" not in labels


def test_a_launched_run_shows_on_the_page(lab_home):
    app = opened("runs", show="Launch", launch_kind="pairs")
    app.segmented_control(key="launch_as").set_value("As text (TOML)").run()
    app.text_area(key="launch_text").input('strategy = "rank"\nseed = 7').run()
    app.button(key="launch_run").click().run()
    assert not app.exception
    made = [RunFolder(p) for p in lab_home.runs.glob("pairs-*") if RunFolder(p).config.settings["seed"] == 7]
    assert len(made) == 1
    wait_until(lambda: made[0].result and not made[0].alive)
    assert made[0].state == "done"


def test_a_page_that_is_drawn_again_leaves_nothing_behind_on_the_import_path(lab_home):
    app = opened("overview")
    before = list(sys.path)
    app.run()
    assert sys.path == before
