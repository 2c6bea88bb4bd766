"""Do 95% intervals cover 95%, and what does a large comparison cost?

    .venv/bin/python bench/intervals.py            # the coverage grid and the cost of 28 pairs on 25,000 questions

Coverage: questions are drawn from a known truth again and again, and it is counted how often the interval of
their mean holds it.  docs/statistics/intervals.md has a run of it.
"""

import argparse
import resource
import time

import numpy as np
from rich.console import Console
from rich.table import Table

from core.statistics.resampling import Resamples

QUESTIONS = (20, 50, 100, 200, 500)
RATES = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)

DESIGNS = {
    "one answer a question": (0.0, 1, 0.0),
    "4 samples, correlation 0.5": (0.5, 4, 0.0),
    "4 samples, correlation 0.3, 30% ties": (0.3, 4, 0.3),
    "16 samples, independent, 10% ties": (0.0, 16, 0.1),
}
"""Name → correlation within a question, samples a question, share of ties (a tie counts half)."""

console = Console(width=100)


def drawn(n: int, rate: float, design: str, experiments: int, seed: int) -> tuple[np.ndarray, float]:
    """Question means of shape (n, experiments), and the true mean."""
    rng = np.random.default_rng(seed)
    correlation, samples, ties = DESIGNS[design]
    chance = np.full((n, experiments), rate)
    if correlation:
        strength = (1 - correlation) / correlation
        chance = rng.beta(rate * strength, (1 - rate) * strength, size=(n, experiments))
    total = np.zeros((n, experiments))
    for _ in range(samples):
        won = rng.random((n, experiments)) < chance
        total += np.where(rng.random((n, experiments)) < ties, 0.5, won)
    return total / samples, rate * (1 - ties) + ties / 2


def coverage(n: int, rate: float, design: str, experiments: int, bounded: bool) -> float:
    """Share of intervals that hold the truth."""
    values, truth = drawn(n, rate, design, experiments, seed=n)
    estimates = Resamples(n).means(values, (0.0, 1.0) if bounded else None)
    return float(np.mean([estimate.low <= truth <= estimate.high for estimate in estimates]))


def grid(experiments: int) -> None:
    """Print coverage in percent, score interval / percentile interval."""
    for design in DESIGNS:
        table = Table("questions", *(f"rate {rate:g}" for rate in RATES), title=design, title_justify="left", box=None)
        for n in QUESTIONS:
            cells = [
                " / ".join(f"{100 * coverage(n, rate, design, experiments, bounded):.1f}" for bounded in (True, False))
                for rate in RATES
            ]
            table.add_row(str(n), *cells)
        console.print(table)


def cost() -> None:
    """Print seconds and peak memory of 1,000 resamples of 25,000 questions for 28 pairs of variants."""
    deltas = np.random.default_rng(0).normal(size=(25_000, 28))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    Resamples(25_000, 1000).means(deltas)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    console.print(f"1,000 resamples, 25,000 questions, 28 pairs: {seconds:.2f} s, peak {peak / 1024:.0f} MiB of memory")
    console.print(f"(of which {before / 1024:.0f} MiB before)")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--experiments", type=int, default=2000, help="simulated comparisons a cell")
    chosen = options.parse_args()
    cost()
    grid(chosen.experiments)
