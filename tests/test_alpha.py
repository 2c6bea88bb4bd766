"""Krippendorff's α against published examples, the krippendorff package and Scott's π."""

import krippendorff as package
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.analysis.agreement import alpha
from core.errors import BadInput
from core.settings import CompareSettings

FEW = CompareSettings(resamples=100)
LEVELS = ["nominal", "ordinal", "interval"]


def table_of(*raters: str) -> pd.DataFrame:
    """A column a rater; a dot is a missing rating."""
    return pd.DataFrame(
        {f"r{i}": [None if x == "." else int(x) for x in row] for i, row in enumerate(raters)}, dtype=object
    )


PUBLISHED = {
    # Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section C: four observers, missing data
    "krippendorff 2011": (
        table_of("123321412...", "1233224125.3", ".3332342251.", "12332441251."),
        0.743,
        0.815,
        0.849,
    ),
    # the three coders of the encyclopedias
    "three coders": (
        table_of(".....34121133.3", "1.213343.......", "..21344.21133.4"),
        0.691,
        0.807,
        0.811,
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_examples_with_missing_ratings(name):
    table, *expected = PUBLISHED[name]
    assert [alpha(table, level, settings=FEW).value for level in LEVELS] == pytest.approx(expected, abs=0.0006)


@pytest.mark.parametrize("level", LEVELS)
@given(
    rows=st.lists(st.lists(st.none() | st.integers(0, 4), min_size=4, max_size=4), min_size=3, max_size=25),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_alpha_is_the_package_s_and_free_of_the_order_of_items_and_raters(level, rows, seed):
    table = pd.DataFrame(rows, columns=list("wxyz"), dtype=object)
    paired = table[table.notna().sum(axis=1) > 1]
    assume(len(set(paired.stack().dropna())) > 1)
    value = alpha(table, level, settings=FEW).value
    expected = package.alpha(table.to_numpy(dtype=float).T, level_of_measurement=level)
    assert value == pytest.approx(expected, abs=1e-9)
    shuffled = table.sample(frac=1, random_state=seed).sample(frac=1, axis=1, random_state=seed)
    assert value == pytest.approx(alpha(shuffled, level, settings=FEW).value, abs=1e-9)


def test_two_raters_without_gaps_come_to_scott_s_pi_in_large_samples():
    rng = np.random.default_rng(0)
    a = rng.integers(3, size=5000)
    b = np.where(rng.random(5000) < 0.6, a, rng.integers(3, size=5000))
    shares = (np.bincount(a) + np.bincount(b)) / 10_000
    pi = ((a == b).mean() - (shares**2).sum()) / (1 - (shares**2).sum())
    assert alpha(pd.DataFrame({"a": a, "b": b}), "nominal", settings=FEW).value == pytest.approx(pi, abs=1e-3)


def test_names_need_an_order_for_ordinal_alpha():
    table = pd.DataFrame({"a": ["bad", "fair", "good"], "b": ["bad", "good", "good"]})
    with pytest.raises(BadInput, match="order"):
        alpha(table, "ordinal")
    assert 0 < alpha(table, "ordinal", order=["bad", "fair", "good"]).value < 1


def test_undefined_says_why():
    alike = alpha(pd.DataFrame({"a": [1, 1], "b": [1, 1]}), "nominal")
    assert alike.value is None and "same label" in alike.note
    apart = alpha(pd.DataFrame({"a": [1, None], "b": [None, 1]}), "nominal")
    assert apart.value is None and apart.note.startswith("undefined, because no item")
    assert alpha(pd.DataFrame({"a": [1, 2]}), "nominal").value is None


def test_the_interval_resamples_questions():
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.integers(3, size=(60, 3)))
    lone = alpha(table, "ordinal")
    copied = alpha(pd.concat([table] * 4), "ordinal", clusters=np.tile(np.arange(60), 4))
    assert copied.n == lone.n == 60
    assert copied.high - copied.low == pytest.approx(lone.high - lone.low, rel=0.1)
