"""What is kept of the playground: sessions, rounds, votes and reveals, each a line of the journal.

    session = begin(store)                                   # play_session
    …the worker adds a play_answer a round…
    vote(store, round, {"overall": "B", "clarity": "tie"})   # play_vote; the last one before the reveal counts
    reveal(store, round)                                     # play_reveal; no vote is taken after it

The views `play_sessions`, `play_rounds`, `play_answers` and `votes` give them columns.  They are read here and
nowhere in the statistics of judges or annotators.
"""

import fcntl
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.errors import BadInput
from core.playground import rounds
from core.playground.records import CHOICES, Contender, Round, answered
from core.store import journal
from core.store.database import Store


@dataclass(frozen=True)
class Judging:
    """A judge that can be asked live: the newest run of its kind."""

    run: str
    name: str
    """Model, mode and rubric, for people."""


def begin(store: Store) -> str:
    """A new session; returns its id."""
    session = secrets.token_hex(6)
    journal.write(store.home, "play_session", {"session": session})
    store.take_in_journal()
    return session


def sessions(store: Store) -> pd.DataFrame:
    """Every session with a round, newest first: id, started, rounds, revealed, voted, question (its first)."""
    return store.frame("SELECT * FROM play_sessions WHERE rounds > 0 ORDER BY started DESC")


def session_exists(store: Store, session: str) -> bool:
    return bool(store.rows("SELECT 1 FROM play_sessions WHERE id = ?", [session]))


def find_session(store: Store, wanted: str) -> str:
    """The session whose id is `wanted` or begins so; `BadInput` where none does, or several."""
    found = store.rows("SELECT id FROM play_sessions WHERE starts_with(id, ?) AND rounds > 0 ORDER BY id", [wanted])
    if not found:
        raise BadInput(f"There is no session {wanted}: `anchorlab votes list` shows them.")
    if len(found) > 1:
        raise BadInput(f"{wanted} could be {' or '.join(row[0] for row in found)}: give more of the id.")
    return found[0][0]


def rounds_of(store: Store, session: str) -> pd.DataFrame:
    """Rounds of a session, oldest first: round, t, blind, question, revealed (None: names are hidden), vote."""
    return store.frame(
        "SELECT p.round, p.t, p.blind, p.question, p.revealed, v.choice AS vote FROM play_rounds p "
        "LEFT JOIN votes v ON v.round = p.round AND v.criterion = 'overall' WHERE p.session = ? ORDER BY p.seq",
        [session],
    )


def round_at(store: Store, round: str) -> Round | None:
    """A round, live from its files or, where these are gone, from the journal; None if there is no such round."""
    return (rounds.look(store.home, round) if rounds.NAME.fullmatch(round) else None) or kept_round(store, round)


def kept_round(store: Store, round: str) -> Round | None:
    """A finished round from the journal; None if it has none."""
    query = "SELECT j.body FROM play_rounds p JOIN journal j USING (seq) WHERE p.round = ?"
    found = store.rows(query, [round])
    return answered(json.loads(found[0][0])) if found else None


def is_revealed(store: Store, found: Round) -> bool:
    """Whether the names of a round's variants may be shown."""
    if not found.wish.blind:
        return True
    query = "SELECT 1 FROM journal WHERE action = 'play_reveal' AND body->>'round' = ?"
    return bool(store.rows(query, [found.wish.round]))


def vote_of(store: Store, round: str) -> dict[str, str]:
    """Criterion → choice of the vote that stands; empty where nobody has voted."""
    return dict(store.rows("SELECT criterion, choice FROM votes WHERE round = ?", [round]))


def vote(store: Store, round: str, choices: Mapping[str, str]) -> None:
    """The room's vote on a round, in place of an earlier one.

    choices: criterion or `overall` → A to D, tie (all good) or bad (all bad).  Raises BadInput for a round whose
    names are known, one that is not finished, and a choice that it does not have.
    """
    with _one_at_a_time(store):
        _vote(store, _finished(store, round), choices)


def choose(store: Store, round: str, criterion: str, choice: str | None) -> None:
    """The room's vote on one criterion (or `overall`), the others as they stand, whoever chose them; None: no vote.

    Raises BadInput as `vote` does.
    """
    with _one_at_a_time(store):
        found = _finished(store, round)
        others = {name: kept for name, kept in vote_of(store, round).items() if name != criterion}
        _vote(store, found, others | ({criterion: choice} if choice else {}))


def _vote(store: Store, found: Round, choices: Mapping[str, str]) -> None:
    if not found.wish.blind:
        raise BadInput("The names of this round were shown from the beginning: only blind rounds are voted on.")
    if is_revealed(store, found):
        raise BadInput("The names of this round have been revealed: votes are locked. Ask another question.")
    allowed = (*CHOICES[: len(found.wish.contenders)], "tie", "bad")
    for choice in choices.values():
        if choice not in allowed:
            raise BadInput(f"A vote on this round is one of {', '.join(allowed)}, not {choice!r}.")
    _write(store, "play_vote", found, {"choices": dict(choices)})


def reveal(store: Store, round: str) -> None:
    """Show the names of a round; from now on its vote is locked."""
    with _one_at_a_time(store):
        found = _finished(store, round)
        if not is_revealed(store, found):
            _write(store, "play_reveal", found, {})


def _finished(store: Store, round: str) -> Round:
    store.take_in_journal()
    found = kept_round(store, round)
    if found is None:
        raise BadInput("This round is not finished: votes and the reveal come after all have answered.")
    return found


def _write(store: Store, action: str, found: Round, body: dict[str, Any]) -> None:
    journal.write(store.home, action, {"session": found.wish.session, "round": found.wish.round} | body)
    store.take_in_journal()


@contextmanager
def _one_at_a_time(store: Store) -> Iterator[None]:
    """No vote slips in between another viewer's look at the round and the reveal."""
    store.home.playground.mkdir(parents=True, exist_ok=True)
    with (store.home.playground / "votes.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- what can be chosen


def contenders(store: Store) -> list[Contender]:
    """Variants that can answer: those with a finished sample run.

    The newest says how to ask them, the oldest what they are called.  Those of the data set with most variants come
    last: the last is what they were tuned for.
    """
    found = store.rows(
        """
        WITH asked AS (
            SELECT r.variant, arg_min(r.label, r.created) AS label, arg_max(r.id, r.created) AS run,
                arg_min(d.label, r.created) AS about, len(any_value(r.chain)) AS tuned, min(r.created) AS first
            FROM runs r JOIN runs d ON d.id = r.dataset
            WHERE r.kind = 'sample' AND r.settings->>'role' = 'explainer' AND r.state = 'done' GROUP BY r.variant
        )
        SELECT variant, label, run, about FROM asked
        ORDER BY tuned > 0, count(*) OVER (PARTITION BY about), min(first) OVER (PARTITION BY about), tuned, first
        """
    )
    return [Contender(variant=variant, label=label, run=run, about=about) for variant, label, run, about in found]


def judges(store: Store) -> list[Judging]:
    """Judges with a finished run, newest first; the reader, who knows no criteria, is left out."""
    found = store.rows(
        """
        SELECT arg_max(id, created), any_value(model), settings->>'mode' AS mode, settings->>'rubric' AS rubric
        FROM runs WHERE kind = 'judge' AND state = 'done' AND settings->>'mode' <> 'reader'
        GROUP BY variant, mode, rubric, settings->>'show_gold' ORDER BY max(created) DESC
        """
    )
    return [Judging(run, f"{model} · {mode} · {rubric}") for run, model, mode, rubric in found]


def dataset_of(store: Store, run: str) -> str:
    """The data set of a run."""
    return store.rows("SELECT dataset FROM runs WHERE id = ?", [run])[0][0]


def found_items(store: Store, dataset: str, text: str, limit: int = 50) -> pd.DataFrame:
    """Questions that contain `text`: id, question; at most `limit`, and `found` in all."""
    return store.frame(
        "SELECT id, question, count(*) OVER () AS found FROM items WHERE run = ? "
        "AND contains(lower(question), lower(?)) ORDER BY seq LIMIT ?",
        [dataset, text, limit],
    )


def random_item(store: Store, dataset: str, text: str) -> str | None:
    """Id of any one question that contains `text`."""
    query = "SELECT id FROM items WHERE run = ? AND contains(lower(question), lower(?)) ORDER BY random() LIMIT 1"
    found = store.rows(query, [dataset, text])
    return found[0][0] if found else None
