"""The app's pages as Streamlit runs them without a browser, for the tests of pages.

from tests.app import opened, released, words      # `released` is a fixture that every such module needs

app = opened("compare", evaluation=key)
assert "Δ(W−L)" in words(app)
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from app.navigation import ROOT
from core.home import Home
from core.store.database import Store, open_store

manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
"""Looks through every installed package for components, a tenth of a second in each session: once is enough here."""


@pytest.fixture(autouse=True)
def released():
    """Let go of the database after each test: it has one owner at a time."""
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


def opened(name: str, **query: str) -> AppTest:
    """A session that follows a link to a page with a view in it."""
    app = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60)
    app.switch_page(f"../pages/{name}.py")
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def turned(app: AppTest, **query: str) -> AppTest:
    """The same page by a link that changes these parameters, as if it were entered anew."""
    for key, value in query.items():
        app.query_params[key] = value
    app.session_state["_page"] = ""
    return app.run()


def held_in(widgets: Iterable[Any], name: str) -> Any:
    """The widget of a parameter, whose key is another once it was set otherwise: `held_in(app.selectbox, "pair")`."""
    return next(widget for widget in widgets if (widget.key or "").split("~")[0] == name)


def words(app: AppTest) -> str:
    """All text of a page, tables included."""
    texts = [e.value for kind in ("title", "subheader", "caption", "markdown", "text", "code") for e in app.get(kind)]
    frames = [frame.value.to_string() for frame in app.dataframe]
    return "\n".join(str(text) for text in texts + frames)


def store_of(home: Home) -> Store:
    """The database of a filled lab, once the app has let go of it."""
    st.cache_resource.clear()
    store = open_store(home)
    store.ingest()
    return store
