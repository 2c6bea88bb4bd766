"""Figures of head-to-head runs: win, tie and loss, Δ(W−L), and how much the place decided.

    figures(rows, settings)                 # of a frame of comparisons, pure
    head_to_heads(store, settings)          # of every complete run, with what was compared

Intervals are 95% and resample *questions*; they exclude training variance.  Making the comparisons is
`core.method.head_to_head`; win rates by score are `core.analysis.comparison`.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd

from core.analysis.cautions import smaller_referee
from core.settings import CompareSettings
from core.statistics.estimates import Estimate
from core.statistics.resampling import Resamples
from core.statistics.words import in_a_sentence
from core.store.database import Store
from core.store.queries import head_to_head_rows, head_to_head_runs

PLACES = {"first": 1.0, "tie": 0.5, "second": 0.0}
"""How much an answer prefers the first place."""


@dataclass(frozen=True)
class DuelFigures:
    """What the comparisons of A and B say; shares are averaged over a question's pairs, then over questions."""

    wins: int
    """Comparisons in which both orders name A's explanation, or B's is empty and A's is not (rule)."""
    ties: int
    losses: int
    flips: int
    """Comparisons whose two orders disagree; all of them are ties."""
    by_rule: int
    """Comparisons with an empty explanation that the judge was not asked about."""
    unjudged: int
    """Comparisons with a reply that cannot be read; they take no part."""
    win: Estimate
    tie: Estimate
    loss: Estimate
    delta: Estimate
    """Δ(W−L) in percentage points."""
    flip_rate: Estimate
    """Position-bias rate: share of the comparisons the judge was asked whose orders disagree."""
    with_a_first: dict[str, int]
    """Answers with A in the first place: for `a`, `tie`, for `b`."""
    with_b_first: dict[str, int]
    """The same with B in the first place."""
    first_preferred: Estimate
    """How often the first place is preferred over both orders, a tie counting half; one half is no preference."""

    @property
    def n(self) -> int:
        """Questions with a judged comparison."""
        return self.delta.n

    @property
    def judged(self) -> int:
        return self.wins + self.ties + self.losses


@dataclass(frozen=True)
class Duels:
    """A complete head-to-head run: who against whom, under which judge, and the figures."""

    run: str
    dataset: str
    """Import run of the data set."""
    dataset_name: str
    a: str
    b: str
    samples_a: str
    samples_b: str
    judge_name: str
    mode: str
    criterion: str
    tie_allowed: bool
    empty: str
    """Setting `empty`: `rule` or `judge`."""
    pairs_a_question: int
    figures: DuelFigures
    smaller: str | None = None
    """A sentence where the judge has fewer parameters than what it compares."""

    @property
    def tie_rule(self) -> str:
        """When two explanations tie, in a sentence."""
        rule = "A pair is won where both orders name the same explanation; a verdict that flips with the order is a tie"
        also = ", and so is an answer of neither in both orders" if self.tie_allowed else ""
        empties = "; an empty explanation loses by rule, two tie" if self.empty == "rule" else ""
        return f"{rule}{also}{empties}."


def figures(rows: pd.DataFrame, settings: CompareSettings) -> DuelFigures:
    """Figures of comparisons with columns item_id, origin, outcome, flipped, a_first and b_first (answers)."""
    judged = rows[rows["outcome"] != "unjudged"]
    asked = judged[judged["origin"] == "model"]
    per_question = pd.DataFrame(
        {
            **{name: judged["outcome"] == outcome for name, outcome in (("win", "a"), ("tie", "tie"), ("loss", "b"))},
            "flip": asked["flipped"].astype(bool),
            "first": (asked["a_first"].map(PLACES) + asked["b_first"].map(PLACES)) / 2,
        },
        index=judged.index,
        dtype=float,
    )
    means = per_question.groupby(judged["item_id"], sort=True).mean()
    drawn = Resamples(len(means), settings.resamples, settings.seed)
    win, tie, loss, flip, first = drawn.means(means.to_numpy(dtype=float), bounds=(0, 1))
    counts = judged["outcome"].value_counts()
    return DuelFigures(
        wins=int(counts.get("a", 0)),
        ties=int(counts.get("tie", 0)),
        losses=int(counts.get("b", 0)),
        flips=int(asked["flipped"].sum()),
        by_rule=len(judged) - len(asked),
        unjudged=len(rows) - len(judged),
        win=win,
        tie=tie,
        loss=loss,
        delta=drawn.mean((means["win"] - means["loss"]).to_numpy(dtype=float), bounds=(-1, 1)).scaled(100),
        flip_rate=flip,
        with_a_first=_answers(asked["a_first"], "a", "b"),
        with_b_first=_answers(asked["b_first"], "b", "a"),
        first_preferred=first,
    )


def _answers(given: pd.Series, first: str, second: str) -> dict[str, int]:
    """How often an order of the two was answered for each; `first` is who stood in the first place."""
    counts = given.map({"first": first, "second": second, "tie": "tie"}).value_counts()
    return {name: int(counts.get(name, 0)) for name in ("a", "tie", "b")}


def head_to_heads(store: Store, settings: CompareSettings, samples: Collection[str] | None = None) -> list[Duels]:
    """Every complete head-to-head run, newest first; with `samples`, those between two of these sample runs."""
    runs = head_to_head_runs(store).to_dict("records")
    wanted = [run for run in runs if samples is None or {run["samples_a"], run["samples_b"]} <= set(samples)]
    return [
        replace(
            _duels(run, head_to_head_rows(store, run["run"]), settings), smaller=smaller_referee(store.home, run["run"])
        )
        for run in wanted
    ]


def _duels(run: dict[str, Any], rows: pd.DataFrame, settings: CompareSettings) -> Duels:
    asked = json.loads(run["settings"])
    same = run["a"] == run["b"]
    return Duels(
        **{name: run[name] for name in ("run", "dataset", "dataset_name", "samples_a", "samples_b", "judge_name")},
        a=f"{run['a']} ({run['samples_a']})" if same else run["a"],
        b=f"{run['b']} ({run['samples_b']})" if same else run["b"],
        mode=asked["mode"],
        criterion=asked["criterion"],
        tie_allowed=asked["tie"],
        empty=asked["empty"],
        pairs_a_question=asked["samples_a_question"],
        figures=figures(rows, settings),
    )


def position_sentence(found: DuelFigures) -> str:
    """How much the place decided: the flips, and whether the judge prefers the first or the second place."""
    rate, first = found.flip_rate, found.first_preferred
    if rate.value is None:
        return "The judge was asked about no pair in both orders: position bias is undefined."
    share = partial(in_a_sentence, unit="share")
    flips = (
        f"{found.flips} of {found.judged - found.by_rule} comparisons flip with the order: position-bias rate "
        f"{share(rate)}, n = {rate.n} questions; the first place is preferred in {share(first)}"
    )
    if first.low > 0.5 or first.high < 0.5:
        return f"This judge prefers the {'first' if first.low > 0.5 else 'second'} place: {flips}."
    return f"{flips}, which cannot be distinguished from no preference (50%)."
