"""Do 95% intervals cover 95%, and what does a large comparison cost?

    .venv/bin/python bench/intervals.py                    # all of it
    .venv/bin/python bench/intervals.py --only deltas      # or one of: cost, means, deltas, strengths

Coverage: questions are drawn from a known truth again and again, and it is counted how often the interval holds
it.  `means`: of a share.  `deltas`: of Δ(W−L) between two variants that answer the same questions.  `strengths`: of
the Bradley–Terry strengths of four variants.  docs/statistics/intervals.md has a run of it.
"""

import argparse
import resource
import time

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.optimize import brentq
from scipy.special import ndtr

from core.analysis.comparison import outcomes
from core.statistics.bradley_terry import bradley_terry
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


# --- variants that answer the same questions

PAIRED = {
    "4 × 4 sample pairs, alike within a question, few ties": (4, 0.5, 0.1),
    "4 × 4 sample pairs, very alike within a question, many ties": (4, 0.9, 1.0),
    "16 × 16 sample pairs, hardly alike within a question": (16, 0.1, 0.3),
}
"""Name → samples a variant, correlation of a variant's scores within a question, tie margin in score units."""

SPREAD = float(np.sqrt(2))
"""Standard deviation of the difference of two scores; what question and variant share cancels in it."""


def chances(shift: float, margin: float) -> np.ndarray:
    """True chances that a sample of A wins, ties, loses when A's scores lie `shift` above B's."""
    won, lost = ndtr((shift - margin) / SPREAD), ndtr((-shift - margin) / SPREAD)
    return np.array([won, 1 - won - lost, lost])


def shift_for(rate: float, margin: float) -> float:
    """How far A must lie above B to win `rate` of the sample pairs, a tie counting half."""
    return brentq(lambda shift: chances(shift, margin) @ (1.0, 0.5, 0.0) - rate, -20, 20)


def scores_of(rng: np.random.Generator, shape: tuple[int, int], shifts: np.ndarray, alike: float) -> list[np.ndarray]:
    """Scores of each variant on the same questions, arrays of `shape` (questions, samples), variance 1 a variant."""
    difficulty = rng.normal(size=(shape[0], 1))
    noise, own = np.sqrt(1 - alike), np.sqrt(alike)
    return [
        difficulty + shift + own * rng.normal(size=(shape[0], 1)) + noise * rng.normal(size=shape) for shift in shifts
    ]


def shares_of(a: np.ndarray, b: np.ndarray, margin: float) -> np.ndarray:
    """Shares of sample pairs won, tied, lost on each question."""
    return outcomes(a, b, margin) / (a.shape[1] * b.shape[1])


def coverage_of_delta(n: int, rate: float, design: str, experiments: int) -> float:
    """Share of intervals of Δ(W−L) that hold the truth."""
    samples, alike, margin = PAIRED[design]
    shift, rng = shift_for(rate, margin), np.random.default_rng(n)
    drawn_deltas = []
    for _ in range(experiments):
        a, b = scores_of(rng, (n, samples), np.array([shift, 0.0]), alike)
        shares = shares_of(a, b, margin)
        drawn_deltas.append(shares[:, 0] - shares[:, 2])
    true = chances(shift, margin) @ (1.0, 0.0, -1.0)
    estimates = Resamples(n).means(np.stack(drawn_deltas, axis=1), (-1.0, 1.0))
    return float(np.mean([estimate.low <= true <= estimate.high for estimate in estimates]))


LADDER = ("a", "b", "c", "d")
RUNGS = [("b", "a"), ("c", "a"), ("d", "a"), ("c", "b"), ("d", "b"), ("d", "c")]


def coverage_of_strengths(n: int, rate: float, design: str, experiments: int, resamples: int) -> float:
    """Share of intervals of four strengths that hold the truth; the last variant beats the first at `rate`.

    The truth is the strengths that the true chances of all pairs come to.
    """
    samples, alike, margin = PAIRED[design]
    shifts = np.linspace(0.0, shift_for(rate, margin), len(LADDER))
    places = [(LADDER.index(a), LADDER.index(b)) for a, b in RUNGS]
    exact = np.stack([chances(shifts[i] - shifts[j], margin) for i, j in places])
    truth = bradley_terry(LADDER, RUNGS, np.tile(exact, (10_000, 1, 1)), Resamples(10_000, 2)).strengths
    rng, held = np.random.default_rng(n), []
    for seed in range(experiments):
        scores = scores_of(rng, (n, samples), shifts, alike)
        shares = np.stack([shares_of(scores[i], scores[j], margin) for i, j in places], axis=1)
        found = bradley_terry(LADDER, RUNGS, shares, Resamples(n, resamples, seed)).strengths
        held += [estimate.low <= true.value <= estimate.high for estimate, true in zip(found, truth, strict=True)]
    return float(np.mean(held))


def deltas(experiments: int) -> None:
    """Print coverage of Δ(W−L) in percent."""
    for design in PAIRED:
        table = Table("questions", *(f"rate {rate:g}" for rate in RATES), title=design, title_justify="left", box=None)
        for n in QUESTIONS:
            cells = [f"{100 * coverage_of_delta(n, rate, design, experiments):.1f}" for rate in RATES]
            table.add_row(str(n), *cells)
        console.print(table)


def strengths(experiments: int, resamples: int = 1000) -> None:
    """Print coverage of strengths in percent; a rate below one half is its mirror image."""
    rates = [rate for rate in RATES if rate >= 0.5]
    for design in list(PAIRED)[:2]:
        table = Table("questions", *(f"rate {rate:g}" for rate in rates), title=design, title_justify="left", box=None)
        for n in QUESTIONS:
            cells = [f"{100 * coverage_of_strengths(n, rate, design, experiments, resamples):.1f}" for rate in rates]
            table.add_row(str(n), *cells)
            console.print(f"strengths, {design}, {n} questions: {' '.join(cells)}", style="dim")
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
    options.add_argument("--only", choices=("cost", "means", "deltas", "strengths"), help="one part of it")
    chosen = options.parse_args()
    if chosen.only in (None, "cost"):
        cost()
    if chosen.only in (None, "means"):
        grid(chosen.experiments)
    if chosen.only in (None, "deltas"):
        deltas(chosen.experiments)
    if chosen.only in (None, "strengths"):
        strengths(max(1, chosen.experiments // 2))
