"""The view of the page Explanations: what its URL says, as a `Wanted` and a `Spot`, and how a widget changes it.

    restore()                                  # first on the page: an empty URL gets back what was shown last
    wanted = wanted_of(known)                  # filters, order, judge
    st.button("Right", on_click=put, args=("right", ["right"]))

The URL is the truth: widgets are set from it before they are drawn, and change it when they are used.  A
parameter may stand there several times.  What it holds is checked here: a link that is too old finds less.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from core.analysis.browsing import FORMS, KINDS_OF_CATEGORY, ORDERS, RIGHT, Spot, Wanted
from core.analysis.catalogue import Catalogue, Drawn

FACETS = {
    "dataset": "datasets",
    "split": "splits",
    "variant": "labels",
    "category": "categories",
    "right": "right",
    "form": "forms",
    "annotated": "annotated",
}
"""Parameter of the URL → field of `Wanted`."""

CLOSED = {
    "category": KINDS_OF_CATEGORY,
    "right": RIGHT,
    "form": FORMS,
    "annotated": ("annotated", "not annotated"),
}
"""Parameters whose values are the lab's own words."""

FILTERS = (*FACETS, "score", "criterion", "text", "evaluation")
READING = ("run", "item", "sample", "all")
NAMES = (*FILTERS, "order", "seed", "judge", "scoring", "by", "page", *READING)

OLDER = {"best first": "best", "worst first": "worst", "shuffled": "random"}
"""Words for orders in links that were made before."""

_SAVED = "_view_explanations"


def restore() -> None:
    """Bring back the last view of this session where the URL names none; what stands there wins."""
    if not any(name in st.query_params for name in NAMES):
        for name, values in st.session_state.get(_SAVED, {}).items():
            st.query_params[name] = values
    _save()


def _save() -> None:
    st.session_state[_SAVED] = {name: st.query_params.get_all(name) for name in NAMES if name in st.query_params}


def put(name: str, values: Sequence[str], keep_page: bool = False) -> None:
    """Set a parameter, or take it away where there is no value; another filter begins at the first page."""
    if values:
        st.query_params[name] = [str(value).encode("utf-8", "replace").decode() for value in values]
    else:
        st.query_params.pop(name, None)
    if not keep_page:
        st.query_params.pop("page", None)
    _save()


def clear() -> None:
    """Take every filter away; order and judge stay."""
    for name in FILTERS:
        put(name, [])


def show(spot: Spot | None) -> None:
    """Read this explanation; None: back to the list."""
    for name in READING:
        st.query_params.pop(name, None)
    if spot:
        st.query_params.update({"run": spot.samples, "item": spot.item_id, "sample": str(spot.sample)})
    _save()


def wanted_of(known: Catalogue) -> Wanted:
    """The filters of the URL."""
    given = st.query_params
    order = OLDER.get(given.get("order", ""), given.get("order", ""))
    protocol, judge = _evaluation(known)
    chosen = {field: tuple(_known(name)) for name, field in FACETS.items()}
    return Wanted(
        **chosen,
        protocol=protocol,
        score_between=_range(given.get("score", "")),
        criteria_between=tuple(filter(None, map(_criterion, given.get_all("criterion")))),
        text=given.get("text", ""),
        order=order if order in ORDERS else "as sampled",
        seed=int(given["seed"]) if re.fullmatch(r"\d{1,9}", given.get("seed", "")) else 0,
        judge=judge,
        score="total" if given.get("scoring") == "total" else "expected",
        by="parsed" if given.get("by") == "parsed" else "forced",
    )


def _known(name: str) -> list[str]:
    values = st.query_params.get_all(name)
    return [value for value in values if value in CLOSED.get(name, values)]


def _evaluation(known: Catalogue) -> tuple[str | None, str | None]:
    """Protocol and judge: of `evaluation` (its key holds both), and of `judge`, which wins."""
    protocol, _, judge = st.query_params.get("evaluation", "").partition("-")
    judge = st.query_params.get("judge", judge)
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


def page_number() -> int:
    """Number of the page, the first is 0."""
    given = st.query_params.get("page", "")
    return max(0, int(given) - 1) if re.fullmatch(r"\d{1,6}", given) else 0


def spot_of(known: Catalogue, wanted: Wanted) -> Spot | None:
    """The explanation that is read; a link with a question alone means the first sample run that is wanted."""
    given = st.query_params
    if "item" not in given:
        return None
    sample = int(given["sample"]) if re.fullmatch(r"\d{1,6}", given.get("sample", "")) else 0
    run = known.run(given.get("run", "")) or next(iter(_in_scope(known, wanted)), None)
    return Spot(run.samples, given["item"], sample) if run else None


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
    pairs = [(name, value) for name in NAMES for value in st.query_params.get_all(name)]
    return f"{st.context.url or '/explanations'}?{urlencode(pairs)}"
