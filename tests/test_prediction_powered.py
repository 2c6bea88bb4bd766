"""Corrected means: formula by hand, what λ does, width by labels, coverage in a seeded simulation."""

import numpy as np
import pytest

from core.errors import BadInput
from core.settings import CompareSettings
from core.statistics.prediction_powered import corrected_mean

FEW = CompareSettings(resamples=100)
SHARE = 0.6


def drawn(rng: np.random.Generator, labelled: int, questions: int = 1500, right: float = 0.85):
    """A judge that repeats people's yes or no in `right` of the questions; the first `labelled` have labels."""
    people = (rng.random(questions) < SHARE).astype(float)
    judge = np.where(rng.random(questions) < right, people, 1 - people)
    return judge, judge[:labelled], people[:labelled]


def test_the_formula_by_hand():
    judge, judged, people = drawn(np.random.default_rng(0), 100)
    found = corrected_mean(judge, judged, people, (0, 1), FEW)
    n, rest = 100, judge[100:]
    tuning = np.cov(people, judged)[0, 1] / ((1 + n / len(rest)) * judge.var(ddof=1))
    se = np.sqrt((people - tuning * judged).var(ddof=1) / n + tuning**2 * rest.var(ddof=1) / len(rest))
    assert found.tuning == pytest.approx(tuning)
    assert found.corrected.value == pytest.approx((people - tuning * judged).mean() + tuning * rest.mean())
    assert found.corrected.se == pytest.approx(se)
    assert found.people.value == pytest.approx(people.mean()) and found.judge.value == pytest.approx(judge.mean())
    assert (found.labelled, found.questions, found.corrected.n) == (100, 1500, 100)


def test_a_biased_judge_is_corrected():
    rng = np.random.default_rng(3)
    people = (rng.random(4000) < 0.4).astype(float)
    judge = np.maximum(people, (rng.random(4000) < 0.3).astype(float))
    found = corrected_mean(judge, judge[:400], people[:400], (0, 1), FEW)
    assert found.judge.low > 0.5
    assert found.corrected.low < 0.4 < found.corrected.high
    assert found.corrected.high - found.corrected.low < found.people.high - found.people.low


def test_fewer_labels_make_a_wider_interval():
    judge, judged, people = drawn(np.random.default_rng(1), 800)
    widths = []
    for n in (20, 50, 200, 800):
        estimate = corrected_mean(judge, judged[:n], people[:n], (0, 1), FEW).corrected
        widths.append(estimate.high - estimate.low)
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 2.5 * widths[2]


def test_a_judge_of_no_use_leaves_people_alone():
    judge, judged, people = drawn(np.random.default_rng(2), 100, right=0.1)
    found = corrected_mean(judge, judged, people, (0, 1), FEW)
    assert found.tuning == 0
    assert found.corrected.value == pytest.approx(found.people.value)
    assert "do not rise" in found.note


def test_a_judge_never_seen_wrong_is_not_taken_for_perfect():
    judge, judged, people = drawn(np.random.default_rng(4), 20, questions=5000, right=1.0)
    found = corrected_mean(judge, judged, people, (0, 1), FEW)
    assert found.corrected.high - found.corrected.low > 0.1
    assert "agree on all 20" in found.note


def test_few_labels_are_refused_with_a_sentence():
    judge, judged, people = drawn(np.random.default_rng(0), 9)
    found = corrected_mean(judge, judged, people, (0, 1), FEW)
    assert found.corrected.value is None and found.tuning is None
    assert found.note == "undefined, because 9 labelled questions are too few to correct a judge (10 do)"
    assert found.judge.value is not None


def test_all_labelled_is_people_alone():
    judge, judged, people = drawn(np.random.default_rng(0), 60, questions=60)
    found = corrected_mean(judge, judged, people, (0, 1), FEW)
    assert found.corrected.value == pytest.approx(people.mean())
    assert "every question" in found.note


def test_values_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match="do not fit"):
        corrected_mean(np.ones(20), np.ones(12), np.ones(11), (0, 1))
    with pytest.raises(BadInput, match="from 0 to 1"):
        corrected_mean(np.ones(20), np.ones(12), np.full(12, np.nan), (0, 1))


@pytest.mark.parametrize("labelled", [50, 100, 200])
@pytest.mark.parametrize("right", [0.6, 0.9])
def test_the_interval_covers_the_truth(labelled, right):
    rng = np.random.default_rng(labelled)
    covered = []
    for _ in range(300):
        estimate = corrected_mean(*drawn(rng, labelled, 1000, right), (0, 1), FEW).corrected
        covered.append(estimate.low <= SHARE <= estimate.high)
    assert np.mean(covered) >= 0.92


def test_differences_of_wins_and_losses_keep_their_bounds():
    rng = np.random.default_rng(0)
    people = rng.choice([-1.0, 0.0, 1.0], size=300, p=[0.2, 0.3, 0.5])
    judge = np.where(rng.random(300) < 0.7, people, 0.0)
    found = corrected_mean(judge, judge[:60], people[:60], (-1, 1), FEW)
    assert -1 <= found.corrected.low < people.mean() < found.corrected.high <= 1
