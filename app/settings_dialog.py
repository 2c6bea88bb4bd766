"""The settings dialog: where the lab's state lies and how large it is, versions, defaults, backup, rebuild."""

import streamlit as st

from app.state import lab, rebuild_database
from app.widgets import boundary, bytes_words, literal
from app.working import Pace
from core.home import default_home
from core.models.finding import registrations
from core.store.defaults import Defaults, defaults, set_defaults
from core.store.housekeeping import backup, places, versions

REBUILDING = Pace("Reading every run folder anew …", seconds=0.1)


def settings_button() -> None:
    """The button at the foot of the sidebar that opens the dialog."""
    with st.sidebar:
        if st.button("Settings", icon=":material/settings:", key="open_settings", type="tertiary"):
            _dialog()


@st.dialog("Settings", width="large")
def _dialog() -> None:
    with boundary():
        state, models, made_with = st.tabs(["State", "Models", "Versions"])
        with state:
            _state()
        with models:
            _models()
        with made_with:
            st.dataframe(
                [{"package": package, "version": version} for package, version in versions().items()],
                hide_index=True,
                height="content",
            )


def _state() -> None:
    home = default_home()
    st.caption("Everything of this lab lies in one folder: copy it, and the lab is copied.")
    literal(str(home.path))
    st.dataframe(
        [{"part": place.name, "what": place.what, "size": bytes_words(place.bytes)} for place in places(home)],
        hide_index=True,
        height="content",
    )
    left, right = st.columns(2)
    with left, st.container(border=True):
        st.write("**Back up the database**")
        st.caption("A copy of every row under `backups/`, made while the lab goes on.")
        if st.button("Back up", icon=":material/save:", key="backup"):
            file = backup(lab().store)
            st.success("The database is copied:", icon=":material/check:")
            literal(str(file))
    with right, st.container(border=True):
        st.write("**Make the database anew**")
        st.caption("From the run folders and the journal, which stay as they are. Seconds to minutes.")
        if st.button("Rebuild", icon=":material/build:", key="rebuild"):
            written = sum(file.stat().st_size for file in default_home().runs.glob("*/*.jsonl"))
            rows = REBUILDING.watch(written, rebuild_database)
            st.success(f"The database is made anew: {rows:,} runs.", icon=":material/check:")


def _models() -> None:
    home = default_home()
    names = ["default", *registrations(home)]
    now = defaults(home)
    st.caption(
        "What launch forms offer first. Pipeline files and commands name their models themselves; "
        "`anchorlab model add` registers others."
    )
    left, right = st.columns(2)
    with left:
        model = st.selectbox("Base model", names, index=_place(names, now.model), key="default_model")
    with right:
        judge = st.selectbox("Judge", names, index=_place(names, now.judge), key="default_judge")
    if st.button(
        "Keep", icon=":material/check:", key="keep_defaults", disabled=(model, judge) == (now.model, now.judge)
    ):
        set_defaults(home, Defaults(model=model, judge=judge))
        st.success("Forms offer these from now on.", icon=":material/check:")


def _place(names: list[str], name: str) -> int:
    return names.index(name) if name in names else 0
