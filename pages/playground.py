"""Playground: one question, two to four variants side by side, live; blind, with a vote and a reveal."""

import streamlit as st

from app.address import held, value
from app.judges.card import believe_runs
from app.navigation import DEMO, LAUNCH, nothing_yet
from app.playground.form import ask_form, refill
from app.playground.round import STYLES, judge_runs, show_round
from app.playground.sessions import current, files, go, rounds_table, session_list
from app.playground.votes import tally_table, verdict_of_the_room, voting
from app.state import Lab, lab
from app.widgets import header, literal
from core.playground.records import TYPED_SPLIT, Round
from core.playground.sessions import contenders, is_revealed, round_at


def one_round(here: Lab, session: str | None, name: str) -> None:
    """A round in the form's place, so that no name of a variant is on the page while it is blind."""
    found = round_at(here.store, name)
    if found is None:
        literal(f"There is no round {name}: its session may have been another lab's.")
        if st.button("Back to the questions", key="play_back"):
            go(session)
        return
    size = "large" if value("play_large", False) else "normal"
    revealed = is_revealed(here.store, found)
    with st.container(key=f"play_round_{size}"):
        show_round(here, found)
        if found.status == "done" and revealed:
            verdict_of_the_room(here, found)
            believe_runs(judge_runs(here, found.wish))
        elif found.status == "done":
            voting(here, found)
    if not found.waiting:
        way_on(found)
    if revealed and found.status == "done":
        tally_table(here, found.wish.session)
        files(here, found.wish.session)


def way_on(found: Round) -> None:
    """To the form, empty or with the same question in it."""
    typed = found.wish.item.split == TYPED_SPLIT
    with st.container(horizontal=True):
        if st.button("Next question", icon=":material/arrow_forward:", shortcut="N", key="play_next"):
            go(found.wish.session)
        if typed and st.button("Ask it again", icon=":material/replay:", key="play_refill"):
            refill(found.wish.item)
            go(found.wish.session)


def questions(here: Lab, session: str | None) -> None:
    """The form, and what this session and all sessions have so far."""
    ask_form(here, session)
    st.divider()
    session_list(here, session)
    if session:
        rounds_table(here, session)
        files(here, session)
    tally_table(here, session)


here = lab()
header("Playground", "One question, several variants side by side, live; the room votes before it knows who is who.")
st.html(STYLES)
if not contenders(here.store):
    nothing_yet(
        "No variants yet",
        "The playground asks the variants of this lab. Run the demo from the Overview, or sample a model from Runs.",
        DEMO,
        LAUNCH,
    )
else:
    st.toggle("Large type, for a room", **held("play_large", False))
    session, round = current(here)
    if round:
        one_round(here, session, round)
    else:
        questions(here, session)
