"""Which run was made from which: parents by role, and the adapters that a run's model carries.

    made_from = edges(store)                 # run → runs it was made from
    ancestors(made_from, {"dpo-0f3a…"})      # everything that it rests on
    descendants(made_from, {"import-…"})     # everything that would lose its source

Works on ids alone, so that database and folders are asked in one way (`edges_of_folders`).  A pipeline's steps are
not made from the pipeline: it only launched them.
"""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from core.runs.folders import RunConfig, RunFolder

if TYPE_CHECKING:
    from core.store.database import Store

Edges = Mapping[str, frozenset[str]]
"""Run → the runs it was made from; runs made from nothing but a file have none."""


def edges(store: "Store") -> Edges:
    """Of every run that the database knows."""
    rows = store.rows("SELECT id, parents, chain FROM runs ORDER BY created, id")
    return {run: frozenset([*json.loads(parents).values(), *(chain or [])]) for run, parents, chain in rows}


def edges_of_folders(folders: Iterable[RunFolder]) -> Edges:
    """Of run folders, which are the truth; as `edges`."""
    return {folder.id: frozenset(sources_of(folder.config)) for folder in folders}


def sources_of(config: RunConfig) -> list[str]:
    """The runs that a run is made from: its parents, then the trainings whose adapters it loads."""
    return [*config.parents.values(), *(config.model.chain if config.model else [])]


def ancestors(made_from: Edges, runs: Iterable[str]) -> set[str]:
    """Everything that these runs were made from, directly or through others; ids of deleted runs included."""
    found: set[str] = set()
    waiting = list(runs)
    while waiting:
        new = made_from.get(waiting.pop(), frozenset()) - found
        found |= new
        waiting += new
    return found


def descendants(made_from: Edges, runs: Iterable[str]) -> set[str]:
    """Everything that was made from these runs, directly or through others, without the runs themselves."""
    return ancestors(turned(made_from), runs) - set(runs)


def turned(made_from: Edges) -> Edges:
    """The same graph downwards: run → runs that were made from it.

    >>> turned({"a": frozenset(), "b": frozenset({"a"})})
    {'a': frozenset({'b'})}
    """
    users: dict[str, set[str]] = {}
    for run, sources in made_from.items():
        for source in sources:
            users.setdefault(source, set()).add(run)
    return {run: frozenset(found) for run, found in users.items()}


def family(made_from: Edges, run: str) -> set[str]:
    """A run, what it was made from and what was made from it."""
    return {run} | ancestors(made_from, [run]) | descendants(made_from, [run])


def reduced(made_from: Edges, runs: set[str]) -> dict[str, set[str]]:
    """The graph of `runs` without the edges that a longer way says already.

    >>> reduced({"c": frozenset({"a", "b"}), "b": frozenset({"a"}), "a": frozenset()}, {"a", "b", "c"})["c"]
    {'b'}
    """
    direct = {run: set(made_from.get(run, frozenset())) & runs for run in runs}
    above = {run: ancestors(made_from, [run]) for run in runs}
    return {run: sources - {far for near in sources for far in above[near]} for run, sources in direct.items()}


def generations(made_from: Edges, runs: set[str]) -> dict[str, int]:
    """How many steps each run is from the first ones of `runs`, by its longest way.

    >>> generations({"c": frozenset({"a", "b"}), "b": frozenset({"a"}), "a": frozenset()}, {"a", "b", "c"})
    {'a': 0, 'b': 1, 'c': 2}
    """
    order = sorted(runs, key=lambda run: (len(ancestors(made_from, [run])), run))
    depth: dict[str, int] = {}
    for run in order:
        depth[run] = max((depth[source] + 1 for source in made_from.get(run, frozenset()) & depth.keys()), default=0)
    return depth
