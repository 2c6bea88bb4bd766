"""The lint of a pair set, and two pair sets against each other."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app.address import given, put
from app.anchors.data import PairSet, criteria
from app.anchors.reading import one_pair, pair_browser
from app.charts.pairs import gap_edges, gap_histogram
from app.figures import chart, download
from app.state import Lab
from app.tables import grid
from app.widgets import choice
from app.working import once
from core.analysis.pair_difference import PLACES, Both, Place, difference
from core.analysis.pair_lint import Check, Driver, drivers, lint, token_gap
from core.records import Pair
from core.settings import CompareSettings
from core.statistics.estimates import Estimate
from core.statistics.words import interval


@once("Checking the pairs …", keep=16, seconds=0.4)
def _checks(_set: PairSet, key: str) -> list[Check]:
    return lint(_set.pairs, _set.material.facts, CompareSettings())


@once("Looking for the criteria behind the choices …", keep=16, seconds=0.1)
def _drivers(_set: PairSet, names: list[str], key: str) -> list[Driver]:
    return drivers(_set.pairs, _set.material.facts, names, CompareSettings())


@once("Comparing lengths …", keep=16, seconds=0.05)
def _gaps(_set: PairSet, key: str) -> list[float]:
    return [token_gap(pair, _set.material.facts) for pair in _set.pairs]


@once("Laying the two sets beside each other …", keep=8, seconds=0.05)
def _difference(_a: PairSet, _b: PairSet, keys: tuple[str, str]) -> dict[Place, list[Both]]:
    return difference(_a.pairs, _b.pairs)


def checked(found: PairSet) -> list[Check]:
    """What there is to look at in a pair set before training on it."""
    return _checks(found, found.key)


def look_at(here: Lab, found: PairSet) -> None:
    """Work out all that `lint_view` shows of a pair set."""
    checked(found)
    if found.pairs:
        _drivers(found, criteria(here, found.material.source), found.key)
        _gaps(found, found.key)


def lint_view(here: Lab, a: PairSet, b: PairSet) -> None:
    """Checks of A beside those of B, the length gap as a picture, the criteria behind the choices, pairs to open."""
    if not a.pairs:
        st.caption("A has no pair to check.")
        return
    names = criteria(here, a.material.source)
    checks = {check.name: check for check in checked(a)}
    others = {check.name: check for check in checked(b)} if b.pairs else {}
    led = {driver.criterion: driver for driver in _drivers(a, names, a.key)}
    st.subheader("What would DPO learn beside good explanations?", anchor=False)
    rows = [_check_row(check, others.get(check.name)) for check in checks.values()]
    for check in checks.values():
        if check.worry:
            st.markdown(f":material/warning: **{check.name}**, {_figure(check.figure, check.unit)}: {check.says}.")
    grid(
        [{name: value for name, value in row.items() if name != "what it means"} for row in rows],
        key="checks",
        first=["check", "A", "B", ""],
    )
    download(lambda: pd.DataFrame(rows), "lint")
    st.caption("95% intervals over pairs, one a question. ⚠ look here before training; – nothing shown.")
    gaps = _gaps(a, a.key)
    binned = _binned(gaps)
    chart(
        "Is the chosen text longer than the rejected one?",
        f"n = {len(a.pairs):,} pairs of A, tokens as sampled. Right of zero chosen is longer. Click a bar to list its "
        "pairs below.",
        gap_histogram([gap for gap in gaps if gap == gap]),
        pd.DataFrame({"id": [pair.item_id for pair in a.pairs], "tokens": gaps}),
        key=f"gaps_{given('check')}",
        on_select=partial(_choose_gap, f"gaps_{given('check')}", list(binned)),
        selection_mode="points",
    )
    behind(led)
    places = {name: check.pairs for name, check in checks.items()}
    places |= {f"driven by {name}": driver.pairs for name, driver in led.items()}
    places |= {name: rows for name, rows in binned.items() if name == given("check")}
    open_some(here, a, places)


def _binned(gaps: list[float]) -> dict[str, list[int]]:
    """Bars of the histogram by what they are called, with the places of their pairs."""
    edges = gap_edges([gap for gap in gaps if gap == gap])
    place = np.clip(np.searchsorted(edges, gaps, side="right") - 1, 0, len(edges) - 2)  # the last bin has both its ends
    place[np.isnan(gaps)] = -1
    names = [f"length gap {low:+.1f} … {high:+.1f}".replace("-", "−") for low, high in pairwise(edges)]
    return {name: np.flatnonzero(place == bar).tolist() for bar, name in enumerate(names)}


def _choose_gap(key: str, names: list[str]) -> None:
    if points := st.session_state[key]["selection"]["points"]:
        put(check=names[points[0]["point_index"]], pair=None)


def _check_row(check: Check, other: Check | None) -> dict[str, Any]:
    worrying = [name for name, one in (("A", check), ("B", other)) if one and one.worry]
    return {
        "": f"⚠ look at {' and '.join(worrying)}" if worrying else "–",
        "check": check.name,
        "A": _figure(check.figure, check.unit),
        "pairs of A": len(check.pairs) if check.unit == "share" else check.figure.n,
        "B": _figure(other.figure, other.unit) if other else "–",
        "what it means": check.says,
    }


def _figure(figure: Estimate, unit: str) -> str:
    if figure.value is None:
        return figure.note or "–"
    return interval(figure, "share") if unit == "share" else f"{interval(figure)} {unit}"


def behind(led: dict[str, Driver]) -> None:
    """Which criterion drove the choices."""
    st.subheader("Which criterion drove the choices?", anchor=False)
    grid(
        [
            {
                "criterion": driver.criterion,
                "leads most in": interval(driver.drives, "share"),
                "pairs": len(driver.pairs),
                "mean lead of chosen, verdict points": _lead(driver.lead),
            }
            for driver in led.values()
        ],
        key="drivers",
        first=["criterion", "leads most in"],
    )
    st.caption("The criterion on which chosen leads rejected most. Where right stands over wrong, the label chose.")


def _lead(lead: Estimate) -> str:
    if lead.value is None:
        return "–"
    return f"{lead.value:+.2f} ({lead.low:+.2f} … {lead.high:+.2f})".replace("-", "−")


def open_some(here: Lab, found: PairSet, places: dict[str, Sequence[int]]) -> None:
    """The pairs behind a check, a criterion or a bar, by its name."""
    known = [name for name, rows in places.items() if rows]
    if not known:
        return
    name = choice("Open the pairs of", known, key="check", format_func=lambda n: f"{n} ({len(places[n])})")
    pair_browser(here, found.material, [found.pairs[row] for row in places[name]], key="lint")


# --- A against B


def difference_view(here: Lab, a: PairSet, b: PairSet) -> None:
    """Which pairs both sets have, and examples of where they part."""
    found = _difference(a, b, (a.key, b.key))
    st.subheader("Where do the two sets part?", anchor=False)
    rows = [{"pairs": place, "questions": len(found[place]), "what it means": PLACES[place]} for place in PLACES]
    grid(rows, key="places")
    download(lambda: pd.DataFrame(_difference_rows(found)), "difference")
    total = sum(len(pairs) for pairs in found.values())
    known = [place for place in PLACES if found[place]]
    if not known:
        st.caption("Neither set has a pair.")
        return
    st.caption(f"{len(found['same pair'])} of {total} questions with a pair in A or in B give the same pair.")
    place = choice("Open", known, key="place", format_func=lambda p: f"{p} ({len(found[p])})")
    pair_browser(here, a.material, [mine or other for mine, other in found[place]], key="difference")
    item = given("pair")
    for mine, other in found[place]:
        if mine and other and mine.item_id == item and place != "same pair":
            st.caption("The pair of B on the same question:")
            one_pair(here, a.material, other)


def _difference_rows(found: dict[Place, list[Both]]) -> list[dict[str, Any]]:
    return [
        {"id": (mine or other).item_id, "place": place} | _sources("A", mine) | _sources("B", other)
        for place, pairs in found.items()
        for mine, other in pairs
    ]


def _sources(name: str, pair: Pair | None) -> dict[str, Any]:
    sides = {"chosen": pair.chosen, "rejected": pair.rejected} if pair else {}
    return {f"{half} of {name}": f"{side.run}, sample {side.sample + 1}" for half, side in sides.items()}
