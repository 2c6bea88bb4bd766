"""What the room said so far: how often each variant was best, over blind rounds that have been revealed.

Ties ("all good") and "all bad" are counted apart: one says that the choice is hard, the other that there is
nothing to choose.  A round is one question and one vote, so a share is a mean over questions and Wilson's score
interval resamples them.  Rounds with different sets of variants are counted together only where a variant was in.
"""

from dataclasses import dataclass

import numpy as np

from core.playground.records import OVERALL
from core.statistics.estimates import Estimate, score_interval
from core.store.database import Store

FEW = 2
"""Below so many votes a share has no interval."""


@dataclass(frozen=True)
class Tally:
    """One variant on one criterion."""

    label: str
    criterion: str
    best: int
    """Votes for it."""
    tie: int
    """Votes that all were good."""
    bad: int
    """Votes that all were bad."""
    other: int
    """Votes for another variant."""
    share: Estimate
    """best / all votes on rounds it was in."""

    @property
    def n(self) -> int:
        return self.best + self.tie + self.bad + self.other


def tally(store: Store, session: str | None = None, criterion: str = OVERALL) -> list[Tally]:
    """A row a variant, most often best first; all sessions where none is named.  Hidden rounds do not count."""
    found = store.rows(
        """
        SELECT any_value(a.label), v.criterion, count_if(v.choice = chr(ascii('A') + a.place)),
            count_if(v.choice = 'tie'), count_if(v.choice = 'bad'), count(*)
        FROM votes v JOIN play_answers a USING (round)
        WHERE v.revealed AND v.criterion = $1 AND ($2 IS NULL OR v.session = $2)
        GROUP BY a.variant, v.criterion ORDER BY 3 / 6 DESC, 1
        """,
        [criterion, session],
    )
    rows = [
        Tally(label, name, best, tie, bad, n - best - tie - bad, _share(best, n))
        for label, name, best, tie, bad, n in found
    ]
    return sorted(rows, key=lambda row: (-row.best / row.n, row.label))


def voted_criteria(store: Store, session: str | None = None) -> list[str]:
    """Criteria with a vote on a revealed round, `overall` first."""
    query = "SELECT DISTINCT criterion FROM votes WHERE revealed AND ($1 IS NULL OR session = $1) ORDER BY 1"
    return sorted((row[0] for row in store.rows(query, [session])), key=lambda name: name != OVERALL)


def _share(best: int, n: int) -> Estimate:
    if n < FEW:
        return Estimate.undefined(n, f"a share needs {FEW} votes")
    value = best / n
    error = float(np.sqrt(value * (1 - value) / (n - 1)))
    return Estimate(value, *score_interval(value, error, n), n, error)
