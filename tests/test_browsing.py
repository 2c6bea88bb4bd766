"""Browsing: what is found, counted, ordered and beside each other, held to a plain computation over all rows."""

from dataclasses import replace

import pandas as pd
import pytest

from core.analysis.browsing import FACETS, FORMS, ORDERS, RIGHT, UNCATEGORISED, Wanted, facets, page, questions
from core.analysis.catalogue import catalogue
from core.analysis.narrow_rows import NarrowRows, narrow_rows
from core.home import Home
from core.store.database import Store, open_store
from tests.adversarial import SURROGATE, adversarial_lab


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Home:
    home = Home(tmp_path_factory.mktemp("hostile") / "home")
    adversarial_lab(home)
    return home


@pytest.fixture
def store(hostile):
    with open_store(hostile) as store:
        store.ingest()
        yield store


def narrow_of(store: Store) -> NarrowRows:
    return narrow_rows(store, catalogue(store))


def everything(store: Store) -> pd.DataFrame:
    return page(store, narrow_of(store), Wanted(), 0, size=10_000)


def test_pages_hold_every_explanation_once(store):
    narrow = narrow_of(store)
    expected = store.rows("SELECT count(*) FROM explanations")[0][0]
    for order in ORDERS:
        rows = [page(store, narrow, Wanted(order=order), number, size=7) for number in range(expected // 7 + 1)]
        keys = pd.concat(rows)[["samples", "item_id", "sample"]]
        assert len(keys) == expected and not keys.duplicated().any(), order


def test_counts_beside_a_choice_are_what_it_would_find(store):
    narrow = narrow_of(store)
    base = Wanted(right=("wrong",), forms=("unparsed",), score_between=(6, 14))
    found = facets(store, narrow, base)
    for name in FACETS:
        for value, count in found.counts[name].items():
            narrowed = replace(base, **{name: (value,)})
            assert facets(store, narrow, narrowed).wanted == count, (name, value)
            assert len(page(store, narrow, narrowed, 0, size=10_000)) == count, (name, value)


def test_filters_agree_with_the_rows(store):
    narrow, rows = narrow_of(store), everything(store)
    right = {"right": rows["right"].eq(True), "wrong": rows["right"].eq(False), "no gold": rows["right"].isna()}
    for value in RIGHT:
        assert facets(store, narrow, Wanted(right=(value,))).wanted == int(right[value].sum())
    label = rows["label"].iloc[0]
    assert facets(store, narrow, Wanted(labels=(label,))).wanted == int((rows["label"] == label).sum())
    uncategorised = facets(store, narrow, Wanted(categories=(UNCATEGORISED,))).wanted
    assert uncategorised == int(rows["category"].isna().sum())
    low, high = rows["score"].quantile([0.2, 0.6])
    between = facets(store, narrow, Wanted(score_between=(low, high)))
    inside = rows[rows["score"].between(low, high)]
    assert (between.wanted, between.questions) == (len(inside), inside["item_id"].nunique())
    fewest, most = rows["tokens"].quantile([0.2, 0.6])
    of_length = facets(store, narrow, Wanted(tokens_between=(fewest, most))).wanted
    assert 0 < of_length == int(rows["tokens"].between(fewest, most).sum()) < len(rows)
    assert catalogue(store).longest == rows["tokens"].max()
    assert sum(facets(store, narrow, Wanted(forms=(form,))).wanted for form in FORMS) > 0


def test_criteria_text_and_what_no_column_can_hold(store):
    narrow = narrow_of(store)
    judged = store.rows("SELECT count(*) FROM scores WHERE reply IS NULL AND by_criterion[2] BETWEEN 2.4 AND 4")[0][0]
    assert facets(store, narrow, Wanted(criteria_between=((1, 2.4, 4.0),))).wanted == judged
    query = (
        "SELECT count(*) FROM explanations e JOIN items i ON i.id = e.item_id "
        "WHERE e.explanation ILIKE '%hyperlink%' OR i.question ILIKE '%hyperlink%'"
    )
    assert facets(store, narrow, Wanted(text="HyperLink")).wanted == store.rows(query)[0][0] > 0
    assert facets(store, narrow, Wanted(text=SURROGATE + "\0")).wanted == 0


def test_orders(store):
    narrow = narrow_of(store)
    first = {order: page(store, narrow, Wanted(order=order), 0, size=10_000) for order in ORDERS}
    assert first["best"]["score"].dropna().is_monotonic_decreasing
    assert first["worst"]["score"].dropna().is_monotonic_increasing
    spread = first["most disputed"]["spread"].dropna()
    assert spread.is_monotonic_decreasing and spread.iloc[0] > 0
    again, other = (page(store, narrow, Wanted(order="random", seed=seed), 0, size=10_000) for seed in (0, 1))
    assert first["random"].equals(again) and not first["random"].equals(other)


def test_most_disputed_is_where_judges_are_furthest_apart(store):
    rows = page(store, narrow_of(store), Wanted(order="most disputed"), 0, size=1)
    expected = store.rows(
        "SELECT max(s) FROM (SELECT max(coalesce(expected, total)) - min(coalesce(expected, total)) AS s FROM scores "
        "GROUP BY samples, item_id, sample)"
    )[0][0]
    assert rows["spread"].iloc[0] == pytest.approx(expected)


def test_neighbours_walk_every_question_in_order_and_back(store):
    narrow, wanted = narrow_of(store), Wanted(order="worst", right=("wrong",))
    rows = page(store, narrow, wanted, 0, size=10_000)
    order = list(dict.fromkeys(rows["item_id"]))
    dataset, walk = rows["dataset"].iloc[0], questions(store, narrow, wanted)
    for place, item in enumerate(order):
        beside = walk.around(dataset, item)
        assert (beside.place, beside.questions) == (place + 1, len(order))
        assert (beside.next and beside.next.item_id) == (order[place + 1] if place + 1 < len(order) else None)
        assert (beside.previous and beside.previous.item_id) == (order[place - 1] if place else None)
    outside = walk.around(dataset, "nobody")
    assert outside.place is None and outside.next.item_id == order[0]


def test_a_verdict_finds_what_the_judge_gave_it_to(store):
    known = catalogue(store)
    key = next(iter(known.judges))
    given = store.rows(
        "SELECT v.criterion, v.verdict, count(*) FROM verdicts v JOIN scores s ON s.run = v.run "
        "AND s.item_id = v.item_id AND s.sample = v.sample AND NOT s.empty "
        "WHERE list_contains(?, v.run) AND v.verdict IS NOT NULL GROUP BY ALL",
        [[one.judges[key] for one in known.drawn if key in one.judges]],
    )
    assert given
    narrow = narrow_rows(store, known)
    for criterion, verdict, count in given:
        assert facets(store, narrow, Wanted(verdicts=((criterion, verdict),))).wanted == count
