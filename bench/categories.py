"""Does Δ(W−L) by category of B hold 0 for two identical models?

    .venv/bin/python bench/categories.py                      # two minutes
    .venv/bin/python bench/categories.py --experiments 100    # or faster

A and B are the same model: questions differ in how often they are answered rightly, right explanations score higher,
and both draw N responses.  `shared draws`: as with two trainings of one base under the same seeds, half of A's
responses are B's to the letter.  Printed are the mean Δ(W−L) in points and the share of 95% intervals that hold 0, by
the category of B: sorted by halves that are not compared (`core.analysis.category_parts`), and sorted by all of the
draws that are compared, which is wrong.  docs/statistics/categories.md has a run of it.
"""

import argparse
from collections.abc import Callable

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from core.analysis.category_parts import categories_of, category_parts
from core.analysis.comparison import DIFFERENCE, ScoreTable, outcomes_of
from core.records import CATEGORIES
from core.settings import CompareSettings
from core.statistics.estimates import Estimate

console = Console(width=130)
SETTINGS = CompareSettings(resamples=500)

Found = dict[str, Estimate]
"""Category → Δ(W−L) in points."""


def identical(questions: int, samples: int, shared: float, rng: np.random.Generator) -> ScoreTable:
    """Two variants that are one model; shared: chance that a response of A is B's to the letter."""
    shape = (2, questions, samples)
    chance = rng.beta(0.8, 0.8, size=(1, questions, 1))
    right = rng.random(shape) < chance
    score = 12 + 3 * right + 2 * rng.normal(size=shape)
    same = rng.random(shape[1:]) < shared
    for values in (right, score):
        values[1][same] = values[0][same]
    variant, question, _ = np.indices(shape)
    rows = {
        "label": np.where(variant.ravel() == 0, "b", "a"),
        "item_id": [f"q{number:05}" for number in question.ravel()],
        "correct_parsed": right.ravel(),
        "correct_forced": right.ravel(),
        "parsed": "A",
        "empty": False,
        "tokens": 20,
        "expected": score.ravel(),
    }
    return ScoreTable.of(pd.DataFrame(rows), SETTINGS)


def by_halves(table: ScoreTable) -> Found:
    """As the lab does."""
    return {part.part: part.delta for part in category_parts(table, [(1, 0)])}


def by_compared_draws(table: ScoreTable) -> Found:
    """Sorted by the very draws that are compared."""
    delta, category = outcomes_of(table).delta[:, 0], categories_of(table.values["correct_forced"][0])
    columns = np.stack([np.where(category == place, delta, np.nan) for place in range(len(CATEGORIES))], axis=1)
    found = table.resamples.means(columns, DIFFERENCE)
    return {name: estimate.scaled(100) for name, estimate in zip(CATEGORIES, found, strict=True)}


def coverage(
    way: Callable[[ScoreTable], Found], questions: int, samples: int, shared: float, experiments: int
) -> dict[str, tuple[float, float]]:
    """Category → mean Δ(W−L) in points and the share of intervals that hold 0, over many evaluations."""
    rng = np.random.default_rng(questions + samples)
    found = [way(identical(questions, samples, shared, rng)) for _ in range(experiments)]
    known = {name: [one[name] for one in found if one[name].value is not None] for name in CATEGORIES}
    return {
        name: (float(np.mean([e.value for e in each])), float(np.mean([e.low <= 0 <= e.high for e in each])))
        for name, each in known.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=400, help="evaluations a cell")
    experiments = parser.parse_args().experiments
    for name, way in (("halves that are not compared", by_halves), ("the draws compared", by_compared_draws)):
        heads = (f"sorted by {name}", *(category.replace("_", " ") for category in CATEGORIES))
        table = Table(*heads, box=None, pad_edge=False)
        for questions, samples, shared in ((60, 4, 0.0), (250, 4, 0.0), (60, 16, 0.0), (60, 4, 0.5), (250, 4, 0.5)):
            cells = coverage(way, questions, samples, shared, experiments).values()
            what = f"{questions} questions, N = {samples}{', shared draws' if shared else ''}"
            table.add_row(what, *(f"{mean:+.1f} points, {100 * held:.1f}%" for mean, held in cells))
        console.print(table)


if __name__ == "__main__":
    main()
