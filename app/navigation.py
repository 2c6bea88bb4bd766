"""The pages of the app in the order of the method, and the one place where their errors are shown."""

from pathlib import Path
from typing import Any

import streamlit as st

from app.address import View, arrive, for_url, given, link_to, put, this_page, view_of
from app.settings_dialog import settings_button
from app.tables import watch_window
from app.widgets import boundary, styles

ROOT = Path(__file__).resolve().parent.parent
LOGO = str(Path(__file__).with_name("logo.svg"))

PAGES = {
    "overview": ("Overview", ":material/home:"),
    "datasets": ("Datasets", ":material/dataset:"),
    "runs": ("Runs", ":material/play_circle:"),
    "explanations": ("Explanations", ":material/article:"),
    "anchors": ("Anchors", ":material/anchor:"),
    "annotate": ("Annotate", ":material/rate_review:"),
    "judgements": ("Judgements", ":material/how_to_vote:"),
    "judges": ("Judges", ":material/gavel:"),
    "compare": ("Compare", ":material/compare_arrows:"),
    "playground": ("Playground", ":material/forum:"),
}
"""Page (a script in pages/) → title and icon."""


WHOLE = {
    "datasets": ("load",),
    "explanations": ("item", "page"),
    "anchors": ("tab",),
    "annotate": ("tab",),
    "compare": ("tab",),
    "runs": ("show",),
    "playground": ("round",),
}
"""Page → parameters that show another page as a whole, which begins at its top or where it was left."""


def page_path(name: str) -> str:
    """The script of a page, as `st.switch_page` and `st.page_link` know it."""
    return str(ROOT / "pages" / f"{name}.py")


def run(first: str = "overview") -> None:
    """Draw the page that the URL names, `first` where it names none."""
    st.set_page_config(page_title="anchorlab", page_icon=LOGO, layout="wide", initial_sidebar_state=212)
    st.logo(LOGO, size="large")
    known = {"home" if name == first else name: name for name in PAGES} | {first: first}  # the first by its name too
    pages = [
        st.Page(page_path(name), title=PAGES[name][0], icon=PAGES[name][1], default=url == "home", url_path=url)
        for url, name in known.items()
    ]
    page = st.navigation(pages, position="hidden")
    arrive(page.url_path or first)
    sidebar()
    styles()
    settings_button()
    with st.container(key="window"):
        watch_window(_whole())
    with boundary():
        page.run()


def _whole() -> str:
    """The view as far as it shows another page as a whole."""
    return " ".join([this_page(), *(given(name) or "" for name in WHOLE.get(this_page(), ()))])


def sidebar() -> None:
    """A link to each page as it was left."""
    with st.sidebar:
        for name, (title, icon) in PAGES.items():
            st.page_link(page_path(name), label=title, icon=icon, query_params=link_to(name))


def link(name: str, label: str, icon: str | None = None, **query: Any) -> None:
    """A link to a page of the lab with a view in its URL, or as it was left; `label` is the lab's own text.

    A link to the page that is open is a button that changes its view: Streamlit follows no link to where one is.
    """
    given: View = {key: [str(value)] for key, value in query.items() if value is not None}
    if name == this_page():
        if st.button(label, icon=icon, type="tertiary", key=f"to_{given}", on_click=_turn_to, args=(given,)):
            st.rerun()  # all of the page, though the link may stand in a part that redraws itself
    else:
        st.page_link(page_path(name), label=label, icon=icon, query_params=given or link_to(name))


def nothing_yet(title: str, what_to_do: str, *ways: tuple[str, str, dict[str, str]], key: str = "nothing") -> None:
    """An empty place that says what to do, with links to where it is done: (page, label, its view)."""
    with st.container(border=True, key=f"empty_{key}"):
        st.subheader(title, anchor=False)
        st.write(what_to_do)
        with st.container(horizontal=True):
            for page, label, view in ways:
                link(page, label, icon=PAGES[page][1], **view)


DEMO = ("overview", "To the Overview", {})
LAUNCH = ("runs", "Launch a run", {"show": "Launch"})
FILES = ("datasets", "To the data sets", {})
"""Ways on from where there is nothing yet."""


def open_page(name: str, **query: str) -> None:
    """Open another page with a view, now; what was clicked to get there is left behind."""
    st.switch_page(page_path(name), query_params=for_url({name: [value] for name, value in query.items()}))


def _turn_to(view: View) -> None:
    put(**(dict.fromkeys(view_of(this_page())) | view))
