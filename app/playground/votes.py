"""The room's vote on a blind round, its reveal, and the tally of the rounds that have been revealed."""

from contextlib import suppress
from functools import partial

import streamlit as st

from app.address import shown
from app.playground.round import rubric_of
from app.state import Lab
from app.tables import grid
from app.widgets import choice, live, plain, sentence
from core.errors import BadInput
from core.playground.records import OVERALL, PLACES, Round
from core.playground.sessions import choose, is_revealed, reveal, vote_of
from core.playground.tally import tally, voted_criteria
from core.statistics.words import interval

FOLLOW_SECONDS = 1.5
"""Between two looks at what other viewers did."""


def words_of(found: Round, said: str) -> str:
    """A choice as its button says it."""
    every = "Both" if len(found.wish.contenders) == 2 else "All"
    return {"tie": f"{every} good: a tie", "bad": f"{every} bad"}.get(said, f"{said} is best")


def voting(here: Lab, found: Round) -> None:
    """Buttons for the vote overall, a row a criterion below, and the reveal; the last choice stands."""
    standing = vote_of(here.store, found.wish.round)
    st.subheader("The room's vote", anchor=False)
    keys = dict(zip(PLACES, "1234", strict=True)) | {"tie": "G", "bad": "X"}  # Streamlit keeps C to itself
    with st.container(horizontal=True):
        for said in (*PLACES[: len(found.wish.contenders)], "tie", "bad"):
            chosen = "primary" if standing.get(OVERALL) == said else "secondary"
            if st.button(words_of(found, said), key=f"play_vote_{said}", shortcut=keys[said], type=chosen):
                choose(here.store, found.wish.round, OVERALL, said)
                st.rerun()
    _by_criterion(here, found, standing)
    label = "Reveal the names" if standing else "Reveal without a vote"
    if st.button(label, icon=":material/visibility:", key="play_reveal", shortcut="V"):
        reveal(here.store, found.wish.round)
        st.rerun()
    st.caption("One vote for the room: the last choice stands, whoever made it. After the reveal it is locked.")
    _follow(here, found, standing)


def _follow(here: Lab, found: Round, standing: dict[str, str]) -> None:
    """Draw the page anew once another viewer has voted or has had the names shown."""

    def look() -> None:
        if is_revealed(here.store, found) or vote_of(here.store, found.wish.round) != standing:
            st.rerun()

    live(look, alive=True, seconds=FOLLOW_SECONDS)


def _by_criterion(here: Lab, found: Round, standing: dict[str, str]) -> None:
    rubric = rubric_of(here, found)
    if rubric is None:
        return
    options = [*PLACES[: len(found.wish.contenders)], "tie", "bad"]
    with st.expander("Vote by criterion", expanded=any(name != OVERALL for name in standing)):
        for criterion in rubric.criteria:
            standing_now = standing.get(criterion.key)  # whoever chose it
            vote = partial(_choose, here, found.wish.round, criterion.key)
            st.segmented_control(
                criterion.key.replace("_", " "),
                options,
                format_func=lambda said: words_of(found, said),
                **shown(f"play_vote_{found.wish.round}_{criterion.key}", standing_now, vote, opens="default"),
            )


def _choose(here: Lab, round: str, criterion: str, said: str | None) -> None:
    """Vote on a criterion as its buttons say, unless the names have been shown meanwhile."""
    with suppress(BadInput):  # the page that is drawn next shows the names, and what the room said
        choose(here.store, round, criterion, said)


def verdict_of_the_room(here: Lab, found: Round) -> None:
    """After the reveal: what the room said and what the judge said, by name."""
    said = vote_of(here.store, found.wish.round)
    if found.wish.blind:
        room = _named(found, said.get(OVERALL)) if said else "nobody voted"
        sentence(f"The room: {room}.", key="play_room")
        criteria = [f"{name}: {_named(found, one)}" for name, one in said.items() if name != OVERALL]
        if criteria:
            plain(" · ".join(criteria))
    if judged := _judge_words(found):
        plain(judged)


def _named(found: Round, said: str | None) -> str:
    if said is None:
        return "no vote overall"
    if said in PLACES:
        return f"{said}, {found.wish.contenders[PLACES.index(said)].label}, is best"
    return words_of(found, said).lower()


def _judge_words(found: Round) -> str:
    judgements = {place: answer.judgement for place, answer in found.answers.items() if answer.judgement}
    scores = {
        place: one.expected if one.expected is not None else one.total
        for place, one in judgements.items()
        if one.unjudged is None
    }
    if len(scores) < 2:
        return ""
    ranked = sorted(scores, key=lambda place: -scores[place])
    listed = ", ".join(f"{found.wish.contenders[place].label} {scores[place]:.1f}" for place in ranked)
    return f"The judge's scores: {listed}."


def tally_table(here: Lab, session: str | None) -> None:
    """How often each variant was best so far, with what was a tie and what was bad beside it."""
    st.subheader("Tally", anchor=False)
    scopes = {"all": "all sessions"} | ({"session": "this session"} if session else {})
    with st.container(horizontal=True):
        scope = choice("Over", list(scopes)[::-1], key="play_scope", format_func=scopes.get)
        within = session if scope == "session" else None
        criterion = choice("Criterion", voted_criteria(here.store, within) or [OVERALL], key="play_criterion")
    rows = tally(here.store, within, criterion)
    if not rows:
        st.caption("No votes on revealed rounds yet: vote on a blind round, then reveal it.")
        return
    grid(
        [
            {
                "variant": row.label,
                "best": row.best,
                "another is best": row.other,
                "tie (all good)": row.tie,
                "all bad": row.bad,
                "n votes": row.n,
                "share best (95%)": interval(row.share, "share"),
            }
            for row in rows
        ],
        key="tally",
        first=["variant", "share best (95%)", "best", "tie (all good)", "all bad", "n votes"],
    )
    st.caption(
        "Blind rounds that were revealed, one vote a round; rounds still hidden do not count. Share: best / n votes, "
        "Wilson's interval over rounds with Student's t, as everywhere here (undefined below 2). Ties and `all bad` "
        "are no half wins. What a room says enters no judge statistic."
    )
