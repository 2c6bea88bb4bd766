"""Sessions of the playground: their rounds, opening them again, and files of them."""

from datetime import datetime

import streamlit as st

from app.address import given, put
from app.state import Lab
from app.widgets import clock, told_apart
from core.playground.exporting import MIME, export
from core.playground.sessions import rounds_of, session_exists, sessions


def current(here: Lab) -> tuple[str | None, str | None]:
    """Session and round of the URL; a session that is unknown is dropped."""
    session, round = given("session"), given("round")
    if session and not session_exists(here.store, session):
        here.store.take_in_journal()
        if not session_exists(here.store, session):
            put(session=None)
            session = None
    return session, round


def go(session: str | None, round: str | None = None) -> None:
    """Show another session or round."""
    put(session=session, round=round)
    st.rerun()


def rounds_table(here: Lab, session: str) -> None:
    """Rounds of this session; choosing one opens it."""
    found = rounds_of(here.store, session)
    st.subheader("This session", anchor=False)
    if found.empty:
        st.caption("No finished round yet.")
        return
    states = [
        "open" if not row.blind else "hidden" if row.revealed != row.revealed or row.revealed is None else "revealed"
        for row in found.itertuples()
    ]
    picked = st.dataframe(
        {
            "asked": [clock(t) for t in found["t"]],
            "question": found["question"],
            "names": states,
            "vote": [vote or "–" for vote in found["vote"]],
        },
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"play_rounds_{session}_{len(found)}_{st.session_state.get('_play_opened', 0)}",
    )
    if rows := picked["selection"]["rows"]:
        st.session_state["_play_opened"] = st.session_state.get("_play_opened", 0) + 1
        go(session, found["round"].iloc[rows[0]])


def files(here: Lab, session: str) -> None:
    """The session for other programs; hidden rounds are left out of it."""
    with st.container(horizontal=True):
        for form, words in (("json", "Session as JSON"), ("csv", "Session as CSV"), ("md", "Session as Markdown")):
            st.download_button(
                words,
                data=export(here.store, session, form),
                file_name=f"playground-{session}.{form}",
                mime=MIME[form],
                icon=":material/download:",
                key=f"play_export_{form}",
                on_click="ignore",
            )
    st.caption("Questions, answers, verdicts and votes; blind rounds not revealed yet are left out.")


def session_list(here: Lab, session: str | None) -> None:
    """Every session, to open one again, or a new one."""
    found = sessions(here.store)
    names = {
        row.id: f"{datetime.fromtimestamp(row.started):%d %b %H:%M} · {row.rounds} rounds · {row.question[:80]}"
        for row in found.itertuples()
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = told_apart(names)
        options = ["", *names]
        place = options.index(session) if session in options else 0
        wanted = st.selectbox(
            "Session",
            options,
            index=place,
            format_func=lambda id: names.get(id, "a new session"),
            key=f"play_session_{session}_{len(options)}",
        )
    if (wanted or None) != (session if session in names else None):
        go(wanted or None)
