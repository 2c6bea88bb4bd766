"""Does a judge pass its card for what it sees, and only for that?  Made-up judges whose sight is known.

    .venv/bin/python bench/judge_auc.py                       # three minutes
    .venv/bin/python bench/judge_auc.py --experiments 100     # or faster

Questions differ in difficulty and variants in style; both decide how often a response is right.  A *blind* judge's
score depends on difficulty and style and on nothing of the explanation; a *seeing* one's also on whether it is right,
and difficulty and style may pull its score the other way.  Counted is how often the AUC within questions and variants
passes (its interval lies above 0.5), and how often one over all explanations together would.  `blind, likes answers`
adds a taste of each question for its wrong answers, the same in all responses of the question.  The second table
compares ways to weigh the strata.  docs/judge-card.md has a run of it.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.special import expit
from scipy.stats import rankdata

from core.analysis.agreement import judge_auc
from core.settings import CompareSettings
from core.statistics.estimates import percentile_interval, score_interval
from core.statistics.resampling import Resamples

console = Console(width=150)
SETTINGS = CompareSettings(resamples=500)
STYLES = np.array([-1.0, 0.0, 1.0])
"""Style of each variant; a greater one is right more often."""


@dataclass(frozen=True)
class Made:
    """A judge: what its score depends on, in standard deviations of its own noise."""

    context: float
    """On easiness and style."""
    right: float
    """On whether the explanation is right."""
    taste: float = 0.0
    """Spread of a question's own preference between right and wrong answers, which averages to none."""


JUDGES = {
    "blind": Made(0.0, 0.0),
    "blind, for easy questions and good variants": Made(2.0, 0.0),
    "blind, against them": Made(-2.0, 0.0),
    "blind, likes answers": Made(2.0, 0.0, taste=1.0),
    "seeing": Made(0.0, 1.0),
    "seeing, for easy questions and good variants": Made(2.0, 1.0),
    "seeing, against them": Made(-2.0, 1.0),
    "hardly seeing, against them": Made(-2.0, 0.4),
}

Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Score, right, question and variant of each explanation."""


def drawn(judge: Made, questions: int, samples: int, rng: np.random.Generator) -> Rows:
    """Explanations of three variants as a judge scores them; scores are rounded to halves, so that some tie."""
    shape = (questions, len(STYLES), samples)
    context = rng.normal(size=(questions, 1, 1)) + 0.5 * STYLES[:, None]
    right = rng.random(shape) < expit(2 * context)
    seen = right * (judge.right + judge.taste * rng.normal(size=(questions, 1, 1)))
    score = np.round(2 * (judge.context * context + seen + rng.normal(size=shape))) / 2
    question, variant, _ = np.indices(shape)
    return score.ravel(), right.ravel(), question.ravel(), variant.ravel()


def passes(rows: Rows) -> bool:
    """Whether the card's AUC shows that the judge measures something."""
    auc = judge_auc(*rows, SETTINGS)
    return auc.value is not None and auc.low > 0.5


def pooled_passes(rows: Rows) -> bool:
    """The same of one AUC over all explanations together, which is wrong."""
    score, right, question, _ = rows
    questions = int(question.max()) + 1
    weights = np.concatenate(list(Resamples(questions, 200).weights()))[:, question]
    ranked = rankdata(score)
    values = [_weighted(ranked, right, w) for w in weights]
    return percentile_interval(np.array(values), questions)[0] > 0.5


def _weighted(ranks: np.ndarray, right: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(ranks, kind="stable")
    r, w = (weights * right)[order], (weights * ~right)[order]
    starts = np.flatnonzero(np.r_[True, np.diff(ranks[order]) > 0])
    r, w = np.add.reduceat(r, starts), np.add.reduceat(w, starts)
    below = np.cumsum(w) - w
    return float(((below + w / 2) * r).sum() / (r.sum() * w.sum()))


def rate(judge: Made, questions: int, samples: int, experiments: int, judged=passes) -> float:
    """Share of experiments in which the judge passes."""
    rng = np.random.default_rng(questions + samples)
    return float(np.mean([judged(drawn(judge, questions, samples, rng)) for _ in range(experiments)]))


def confounded(experiments: int) -> None:
    """Print how often each judge passes, within questions and variants and over all together."""
    sizes = ((30, 4), (60, 4), (150, 4), (60, 16))
    heads = [f"{questions} questions, N = {samples}" for questions, samples in sizes]
    table = Table("judge passes, % (pooled over all)", *heads, box=None, pad_edge=False)
    for name, judge in JUDGES.items():
        cells = [
            f"{100 * rate(judge, *size, experiments):.1f} "
            f"({100 * rate(judge, *size, experiments // 5, pooled_passes):.0f})"
            for size in sizes
        ]
        table.add_row(name, *cells)
    console.print(table)


# --- how strata are weighed


def weighings(experiments: int) -> None:
    """Print coverage of 0.5 by a blind judge, power for a weak one and width, by the weights of strata."""
    table = Table("questions, N", "weights", "covers 0.5, %", "weak judge passes, %", "width", box=None, pad_edge=False)
    for questions, samples in ((20, 4), (60, 4), (20, (2, 30)), (60, (2, 30))):
        for name in ("van Elteren", "pairs", "questions alike"):
            rng = np.random.default_rng(1)
            blind, weak = (
                np.array([_interval(_strata(gain, questions, samples, rng), name) for _ in range(experiments)])
                for gain in (0.0, 0.5)
            )
            held = np.mean((blind[:, 0] <= 0.5) & (blind[:, 1] >= 0.5))
            power, width = np.mean(weak[:, 0] > 0.5), np.mean(blind[:, 1] - blind[:, 0])
            n = samples if isinstance(samples, int) else f"{samples[0]} to {samples[1]}"
            table.add_row(f"{questions}, {n}", name, f"{100 * held:.1f}", f"{100 * power:.1f}", f"{width:.3f}")
    console.print(table)


def _strata(gain: float, questions: int, samples: int | tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Right, wrong and won pairs of one variant on each question with both, shape (questions, 3)."""
    found = []
    while len(found) < questions:
        n = samples if isinstance(samples, int) else int(rng.choice(samples))
        right = rng.random(n) < rng.beta(1, 1)
        score = gain * right + rng.normal(size=n) + right * rng.normal()
        if 0 < right.sum() < n:
            won = (score[right][:, None] > score[~right]).sum()
            found.append((right.sum(), n - right.sum(), won))
    return np.array(found, dtype=float)


def _interval(strata: np.ndarray, weights: str) -> tuple[float, float]:
    r, w, won = strata.T
    weight = {"van Elteren": r * w / (r + w + 1), "pairs": r * w, "questions alike": np.ones(len(r))}[weights]
    part = weight * won / (r * w)
    draws = Resamples(len(r), 500).draws(np.stack([part, weight], axis=1))
    se = float((draws[:, 0] / draws[:, 1]).std() * np.sqrt(len(r) / (len(r) - 1)))
    return score_interval(float(part.sum() / weight.sum()), se, len(r))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=400, help="experiments a cell")
    experiments = parser.parse_args().experiments
    confounded(experiments)
    weighings(experiments)


if __name__ == "__main__":
    main()
