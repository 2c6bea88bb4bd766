"""The view of the page Explanations: what its URL says, as a `Wanted` and a `Spot`, and how a widget changes it.

    wanted = wanted_of(known)                  # filters, order, judge
    st.button("Right", on_click=change, args=("right", ["right"]))

A parameter may stand there several times.  What it holds is checked here: a link that is too old finds less.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from app.address import all_given, given, put, this_page, view_of
from core.analysis.browsing import FORMS, KINDS_OF_CATEGORY, ORDERS, RIGHT, Spot, Wanted
from core.analysis.catalogue import Catalogue, Drawn
from core.method.reading.reasons import NOT_NOTED, REASONS

FACETS = {
    "dataset": "datasets",
    "split": "splits",
    "variant": "labels",
    "category": "categories",
    "right": "right",
    "form": "forms",
    "unread": "unread",
    "annotated": "annotated",
}
"""Parameter of the URL → field of `Wanted`."""

CLOSED = {
    "category": KINDS_OF_CATEGORY,
    "right": RIGHT,
    "form": FORMS,
    "unread": (*REASONS, NOT_NOTED),
    "annotated": ("annotated", "not annotated"),
}
"""Parameters whose values are the lab's own words."""

FILTERS = (*FACETS, "score", "tokens", "criterion", "verdict", "text", "evaluation")
READING = ("run", "item", "sample", "all")

OLDER = {"best first": "best", "worst first": "worst", "shuffled": "random"}
"""Words for orders in links that were made before."""


def change(name: str, values: Sequence[str]) -> None:
    """Set a parameter, or take it away where there is no value; another filter begins at the first page."""
    put(**{name: values, "page": None})


def clear() -> None:
    """Take every filter away; order and judge stay."""
    put(**dict.fromkeys(FILTERS), page=None)


def show(spot: Spot | None) -> None:
    """Read this explanation; None: back to the list."""
    there = {"run": spot.samples, "item": spot.item_id, "sample": str(spot.sample)} if spot else {}
    put(**(dict.fromkeys(READING) | there))


def wanted_of(known: Catalogue) -> Wanted:
    """The filters of the URL."""
    order, seed = given("order") or "", given("seed") or ""
    order = OLDER.get(order, order)
    protocol, judge = _evaluation(known)
    chosen = {field: tuple(_known(name)) for name, field in FACETS.items()}
    return Wanted(
        **chosen,
        protocol=protocol,
        score_between=_range(given("score") or ""),
        tokens_between=_range(given("tokens") or ""),
        criteria_between=tuple(filter(None, map(_criterion, all_given("criterion")))),
        verdicts=tuple(filter(None, map(_verdict, all_given("verdict")))),
        text=given("text") or "",
        order=order if order in ORDERS else "as sampled",
        seed=int(seed) if re.fullmatch(r"\d{1,9}", seed) else 0,
        judge=judge,
        score="total" if given("scoring") == "total" else "expected",
        by="parsed" if given("by") == "parsed" else "forced",
    )


def _known(name: str) -> list[str]:
    values = all_given(name)
    return [value for value in values if value in CLOSED.get(name, values)]


def _evaluation(known: Catalogue) -> tuple[str | None, str | None]:
    """Protocol and judge: of `evaluation` (its key holds both), and of `judge`, which wins."""
    protocol, _, judge = (given("evaluation") or "").partition("-")
    judge = given("judge") or judge
    protocols = {one.protocol for one in known.drawn}
    return protocol if protocol in protocols else None, judge if judge in known.judges else None


def _range(text: str) -> tuple[float, float] | None:
    """Both ends of a range.

    >>> _range("5~9.5"), _range("nonsense")
    ((5.0, 9.5), None)
    """
    found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)~(\d{1,6}(?:\.\d+)?)", text)
    return (float(found[1]), float(found[2])) if found else None


def _criterion(text: str) -> tuple[int, float, float] | None:
    place, _, between = text.partition(":")
    ends = _range(between)
    return (int(place), *ends) if ends and re.fullmatch(r"\d{1,2}", place) else None


def _verdict(text: str) -> tuple[str, str] | None:
    """A criterion and a verdict.

    >>> _verdict("depth:needs improvement"), _verdict("nonsense")
    (('depth', 'needs improvement'), None)
    """
    criterion, _, verdict = text.partition(":")
    return (criterion, verdict) if criterion and verdict else None


def page_number() -> int:
    """Number of the page, the first is 0."""
    number = given("page") or ""
    return max(0, int(number) - 1) if re.fullmatch(r"\d{1,6}", number) else 0


def spot_of(known: Catalogue, wanted: Wanted) -> Spot | None:
    """The explanation that is read; a link with a question alone means the first sample run that is wanted."""
    item, sample = given("item"), given("sample") or ""
    if item is None:
        return None
    place = int(sample) if re.fullmatch(r"\d{1,6}", sample) else 0
    run = known.run(given("run") or "") or next(iter(_in_scope(known, wanted)), None)
    return Spot(run.samples, item, place) if run else None


def _in_scope(known: Catalogue, wanted: Wanted) -> list[Drawn]:
    def fits(one: Drawn) -> bool:
        return (
            wanted.protocol in (None, one.protocol)
            and (not wanted.datasets or one.dataset in wanted.datasets)
            and (not wanted.labels or one.label in wanted.labels)
        )

    return [one for one in known.drawn if fits(one)]


def address() -> str:
    """A link to exactly this view."""
    pairs = [(name, value) for name, values in view_of(this_page()).items() for value in values]
    return f"{st.context.url or '/explanations'}?{urlencode(pairs)}"
