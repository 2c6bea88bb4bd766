"""The hostile lab is whole, what looks for rendered text finds it, and no page renders any."""

import shutil
from typing import get_args

import pytest
from streamlit.testing.v1 import AppTest

from app.compare.choices import TABS
from app.navigation import PAGES
from core.analysis.results import evaluations
from core.annotation.guidelines import add_note
from core.annotation.queues import open_queue
from core.annotation.records import Draft, Kind, Queue, QueueSettings, allowed_labels
from core.annotation.sources import sources
from core.annotation.writing import note_in_place, rate, reveal
from core.home import Home
from core.rubrics import load_rubric
from core.settings import CompareSettings
from core.store.database import open_store
from tests.adversarial import HOST, HOSTILE, NAME, SURROGATE, adversarial_lab, rendered
from tests.app import opened, released, store_of, turned, words  # noqa: F401


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Home:
    """A state folder with the hostile lab, made once; its pages only read it."""
    home = Home(tmp_path_factory.mktemp("hostile") / "home")
    adversarial_lab(home)
    return home


def test_the_lab_is_whole_and_holds_every_text(hostile):
    with open_store(hostile) as store:
        store.ingest()
        assert store.problems == []
        questions = [row[0] for row in store.rows("SELECT question FROM items ORDER BY seq")]
        assert all(text[:200] in question for text, question in zip(HOSTILE.values(), questions, strict=True))
        assert store.rows("SELECT count(*) FROM rejects")[0][0] >= 1  # the lone surrogate
        for table in ("explanations", "verdicts", "pairs", "head_to_head", "preferences", "ratings"):
            assert store.rows(f"SELECT count(*) FROM {table}")[0][0] > 10, table
        found = {row[0] for row in store.rows("SELECT DISTINCT unjudged IS NULL FROM scores WHERE reply IS NOT NULL")}
        assert found == {True, False}


@pytest.mark.parametrize(
    "line",
    ["st.markdown(NAME)", "st.button(NAME)", "st.badge('x', help=NAME)", "st.tabs(['a', NAME])", "st.expander(NAME)",
     "st.radio('x', [NAME])", "st.pills('x', [NAME])", "st.metric('x', NAME)", "st.warning(NAME)", "st.html(NAME)"],
)  # fmt: skip
def test_what_is_rendered_is_found(line):
    app = AppTest.from_string(f"import streamlit as st\nNAME = {NAME!r}\n{line}").run()
    assert not app.exception
    assert rendered(app), line


@pytest.mark.parametrize("call", ["text(NAME)", "code(NAME)", "dataframe([NAME])", "selectbox('x', [NAME])"])
def test_what_is_shown_as_it_is_is_no_finding(call):
    assert not rendered(AppTest.from_string(f"import streamlit as st\nNAME = {NAME!r}\nst.{call}").run())


MORE = {
    "compare": TABS[1:],
    "anchors": ["Pairs", "One run"],
    "datasets": ["Splits and labels", "Rejected rows", "Put away"],
}
"""Page → its tabs beside the first."""


@pytest.mark.parametrize(("name", "tab"), [(name, tab) for name in PAGES for tab in ("", *MORE.get(name, ()))])
def test_no_page_renders_or_breaks(name, tab, hostile, monkeypatch):
    monkeypatch.setenv("ANCHORLAB_HOME", str(hostile.path))
    app = opened(name, **({"tab": tab} if tab else {}))
    assert not app.exception
    assert "Something went wrong" not in words(app)
    assert rendered(app) == []


# --- annotating them

RATER = f"![n](http://{HOST}/n.png)<b class='injected'>x</b>"
RUBRIC = load_rubric("five_criteria")
NOTES = [*HOSTILE.values(), SURROGATE]


def annotated(home: Home) -> dict[str, Queue]:
    """A queue of each kind in a hostile lab, in which `RATER` has handed in with hostile notes."""
    with open_store(home) as store:
        store.ingest()
        source = sources(store, evaluations(store, CompareSettings(resamples=100)))[0]
        shared = {"dataset": source.dataset, "samples": source.samples, "judges": source.judges}
        queues = {kind: open_queue(store, QueueSettings(kind=kind, **shared)) for kind in get_args(Kind)}
        labels = {criterion: known[0] for criterion, known in allowed_labels(RUBRIC).items()}
        for task, note in zip(queues["rate"].tasks, NOTES, strict=False):
            rate(store, RATER, queues["rate"], task, Draft(labels=labels, note=note[:4000]))
        reveal(store, RATER, queues["rate"], queues["rate"].tasks[0])
        add_note(store, RATER, RUBRIC, RUBRIC.criteria[0].key, HOSTILE["frame"])
        for note in NOTES:
            note_in_place(store, RATER, queues["rate"].tasks[0].shown[0], RUBRIC, {"clarity": "excellent"}, note[:4000])
    return queues


def checked(app: AppTest) -> str:
    """The texts of a page as they are, once nothing of it is rendered or broken."""
    assert not app.exception and rendered(app) == [] and "Something went wrong" not in words(app)
    return "\n".join(text.value for kind in ("text", "code") for text in app.get(kind))


def test_every_text_is_whole_and_none_rendered_where_people_annotate(hostile, home):
    shutil.copytree(hostile.path, home.path)
    queues = annotated(home)
    with store_of(home) as store:
        asked = {i: [q, c] for i, q, c in store.rows("SELECT id, question, context FROM items")}
        rows = store.rows("SELECT run, item_id, sample, explanation FROM explanations")
    texts = {(run, item_id, sample): text for run, item_id, sample, text in rows}
    app = opened("annotate", rater=RATER)
    for tab, kind, count in (("Rate", "rate", 15), ("Spot-check", "spot-check", 3), ("Pairwise", "pairwise", 3)):
        tasks = list({task.item_id: task for task in queues[kind].tasks}.values())[:count]
        for task in tasks:
            shown = checked(turned(app, tab=tab, **{f"{kind}_task": task.key}))
            assert all(part.strip() in shown for part in filter(None, asked[task.item_id]))
            assert all(texts[one.samples, one.item_id, one.sample].strip() in shown for one in task.shown)
        assert len(tasks) >= min(count, 12)
        assert (HOSTILE["frame"] in shown) == (kind == "rate")  # the guideline's note
    checked(turned(app, tab="Agreement"))
    notes = {note for frame in app.dataframe if "note" in frame.value for note in frame.value["note"]}
    assert len(notes) > 5 and notes <= {kept(note) for note in NOTES}
    assert any(RATER in frame.value.to_string() for frame in app.dataframe)
    one = queues["rate"].tasks[0].shown[0]
    app = opened("explanations", run=one.samples, item=one.item_id, sample=str(one.sample), rater=RATER)
    next(button for button in app.button if button.label == "Annotate").click().run()
    assert f"{RATER}: clarity excellent; {kept(SURROGATE)}" in checked(app)


def kept(note: str) -> str:
    """A note as the journal keeps it."""
    return note[:4000].strip().replace("\ud800", "?")
