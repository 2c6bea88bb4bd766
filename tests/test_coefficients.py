"""Coefficients against scikit-learn and scipy, published tables, and resamples written out row by row."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr
from sklearn.metrics import cohen_kappa_score

from core.statistics.coefficients import (
    Cells,
    bootstrap,
    kappa,
    kappa_linear,
    kappa_quadratic,
    kendall,
    percent_agreement,
    spearman,
)
from core.statistics.resampling import Resamples

ALL = [kappa, kappa_linear, kappa_quadratic, spearman, kendall]
REFERENCE = {
    kappa: cohen_kappa_score,
    kappa_linear: lambda a, b: cohen_kappa_score(a, b, weights="linear", labels=range(4)),
    kappa_quadratic: lambda a, b: cohen_kappa_score(a, b, weights="quadratic", labels=range(4)),
    spearman: lambda a, b: spearmanr(a, b).statistic,
    kendall: lambda a, b: kendalltau(a, b).statistic,
}
ratings = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=60)


def cells_of(a, b, clusters=None):
    a, b = np.asarray(a), np.asarray(b)
    return Cells.of(a, b, np.arange(len(a)) if clusters is None else clusters, np.arange(max(a.max(), b.max()) + 1))


def one(coefficient, a, b) -> float:
    cells = cells_of(a, b)
    return float(coefficient(cells, cells.whole)[0])


def from_table(table):
    rows, columns = np.indices(np.shape(table))
    counts = np.ravel(table)
    return np.repeat(rows.ravel(), counts), np.repeat(columns.ravel(), counts)


@pytest.mark.parametrize("coefficient", ALL)
@given(pairs=ratings)
@settings(max_examples=60, deadline=None)
def test_every_coefficient_is_the_library_s_symmetric_and_free_of_the_items_order(coefficient, pairs):
    a, b = np.array(pairs).T
    assume(len(set(a)) > 1 and len(set(b)) > 1)
    value = one(coefficient, a, b)
    assert value == pytest.approx(REFERENCE[coefficient](a, b), abs=1e-9)
    assert value == pytest.approx(one(coefficient, b, a), abs=1e-9)
    assert value == pytest.approx(one(coefficient, a[::-1], b[::-1]), abs=1e-9)


@given(pairs=ratings, renamed=st.permutations(range(4)))
@settings(max_examples=60, deadline=None)
def test_kappa_knows_no_names_of_labels_and_ranks_only_their_order(pairs, renamed):
    a, b = np.array(pairs).T
    assume(len(set(a)) > 1 and len(set(b)) > 1)
    names = np.array(renamed)
    assert one(kappa, a, b) == pytest.approx(one(kappa, names[a], names[b]), abs=1e-9)
    for ranked in (spearman, kendall):
        assert one(ranked, a, b) == pytest.approx(one(ranked, a**2, b**2 + b), abs=1e-9)
        assert one(ranked, a, b) == pytest.approx(-one(ranked, a, 3 - b), abs=1e-9)


@pytest.mark.parametrize("coefficient", ALL)
def test_a_resample_is_what_its_questions_written_out_give(coefficient):
    rng = np.random.default_rng(5)
    a, b, question = rng.integers(4, size=90), rng.integers(4, size=90), np.repeat(np.arange(30), 3)
    cells = cells_of(a, b, question)
    drawn = Resamples(30, resamples=5, seed=1)
    values = np.concatenate([coefficient(cells, block) for block in cells.blocks(drawn)])
    for value, weights in zip(values, np.concatenate(list(drawn.weights())).astype(int), strict=True):
        copies = np.repeat(np.arange(90), weights[question])
        assert value == pytest.approx(REFERENCE[coefficient](a[copies], b[copies]))


@pytest.mark.parametrize(
    ("table", "agreement", "expected"),
    [
        ([[88, 14, 18], [10, 40, 10], [2, 6, 12]], 0.70, 0.492),  # Cohen 1960, table 1
        ([[40, 9], [6, 45]], 0.85, 0.70),  # Feinstein & Cicchetti 1990: the same agreement …
        ([[80, 10], [5, 5]], 0.85, 0.32),  # … with unlike prevalence
        ([[45, 15], [25, 15]], 0.60, 0.13),  # … and with unlike bias
        ([[25, 35], [5, 35]], 0.60, 0.26),
    ],
)
def test_published_tables(table, agreement, expected):
    a, b = from_table(table)
    assert one(percent_agreement, a, b) == pytest.approx(agreement)
    assert one(kappa, a, b) == pytest.approx(expected, abs=0.005)
    assert cells_of(a, b).table().tolist() == table


def test_rank_correlations_by_hand_with_ties():
    a, b = [0, 1, 1, 2], [0, 0, 1, 1]
    # of 6 pairs 3 are concordant, none discordant; 1 is tied in a and 2 in b: 3 / √(5 · 4)
    assert one(kendall, a, b) == pytest.approx(3 / np.sqrt(20))
    # mid-ranks 1, 2.5, 2.5, 4 and 1.5, 1.5, 3.5, 3.5: 3 / √(4.5 · 4)
    assert one(spearman, a, b) == pytest.approx(3 / np.sqrt(18))


def test_a_rater_with_one_label_has_no_coefficient():
    for coefficient in ALL:
        assert np.isnan(one(coefficient, [1, 1, 1], [0, 1, 2]))


def test_kendall_s_linear_terms_follow_the_exact_resamples():
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    a, b = (np.unique(v, return_inverse=True)[1] for v in (x.round(2), x + rng.normal(size=400)))
    cells = cells_of(a, b)
    value, slope = cells.kendall_terms
    assert value == pytest.approx(kendalltau(a, b).statistic)
    blocks = list(cells.blocks(Resamples(400, resamples=300)))
    exact = np.concatenate([kendall(cells, block) for block in blocks])
    linear = np.concatenate([value + block @ slope for block in blocks])
    assert np.corrcoef(exact, linear)[0, 1] > 0.99
    assert linear.std() == pytest.approx(exact.std(), rel=0.05)


def asymptotic_se(table) -> float:
    """Standard error of κ in large samples (Fleiss, Cohen & Everitt 1969)."""
    n, p = np.sum(table), np.array(table) / np.sum(table)
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    chance = rows @ columns
    k = (np.trace(p) - chance) / (1 - chance)
    same = (np.diag(p) * (1 - (rows + columns) * (1 - k)) ** 2).sum()
    apart = ((p - np.diag(np.diag(p))) * (columns[:, None] + rows[None, :]) ** 2).sum()
    return float(np.sqrt(same + (1 - k) ** 2 * apart - (k - chance * (1 - k)) ** 2) / (1 - chance) / np.sqrt(n))


def test_the_standard_error_of_kappa_is_the_asymptotic_one():
    table = [[40, 9], [6, 45]]
    a, b = from_table(table)
    found = bootstrap(cells_of(a, b), {"kappa": kappa}, Resamples(100))["kappa"]
    assert found.se == pytest.approx(asymptotic_se(table), rel=0.05)
    assert found.low < 0.70 - 0.12 < 0.70 + 0.12 < found.high


def test_copies_of_a_question_add_nothing():
    rng = np.random.default_rng(3)
    a, b = rng.integers(3, size=40), rng.integers(3, size=40)
    wanted = {"percent": percent_agreement, "kappa": kappa, "kendall": kendall}
    lone = bootstrap(cells_of(a, b), wanted, Resamples(40))
    copied = bootstrap(cells_of(np.tile(a, 5), np.tile(b, 5), np.tile(np.arange(40), 5)), wanted, Resamples(40))
    for name in wanted:
        assert (copied[name].low, copied[name].high) == pytest.approx((lone[name].low, lone[name].high), abs=0.02)
        assert copied[name].n == 40


def test_of_few_questions_there_is_no_interval_that_could_look_sure():
    a, b = [0, 1, 2, 0, 1, 2, 0, 1, 2], [0, 1, 1, 0, 2, 2, 1, 1, 2]
    few, enough = (
        bootstrap(cells_of(a * times, b * times), {"κ": kappa_quadratic}, Resamples(9 * times, 300))["κ"]
        for times in (1, 2)
    )
    assert (few.low, few.high, few.n) == (None, None, 9) and "too little" in few.note
    assert enough.value == pytest.approx(few.value) and enough.low < enough.value < enough.high
