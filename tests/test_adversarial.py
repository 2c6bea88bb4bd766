"""The hostile lab is whole, what looks for rendered text finds it, and no page renders any."""

import pytest
from streamlit.testing.v1 import AppTest

from app.navigation import PAGES
from core.home import Home
from core.store.database import open_store
from tests.adversarial import HOSTILE, NAME, adversarial_lab, rendered
from tests.app import opened, released, words  # noqa: F401


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


@pytest.mark.parametrize("name", PAGES)
def test_no_page_renders_or_breaks(name, hostile, monkeypatch):
    monkeypatch.setenv("ANCHORLAB_HOME", str(hostile.path))
    app = opened(name)
    assert not app.exception
    assert "Something went wrong" not in words(app)
    assert rendered(app) == []
