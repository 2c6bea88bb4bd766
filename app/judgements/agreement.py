"""The Judgements page's agreement: every two raters on one criterion, beginning where κ is defined."""

from typing import Any

import streamlit as st

from app.charts.agreement import confusion_map
from app.figures import chart
from app.state import Lab
from app.tables import grid
from app.widgets import choice, plain
from app.working import once
from core.analysis.consensus import JudgementSet, SetAgreement, criteria, estimate_words, set_agreements
from core.settings import CompareSettings
from core.statistics.words import number


@once("Resampling questions for the intervals …", keep=64, seconds=0.2)
def _agreement(_here: Lab, sealed: str, run: str, criterion: str) -> SetAgreement:
    (found,) = set_agreements(_here.store, run, CompareSettings(), criterion)
    return found


def agreement(here: Lab, chosen: JudgementSet) -> None:
    """Agreement on one criterion; it opens on the first criterion, and the first raters, whose κ is defined."""
    st.subheader("Agreement of raters", anchor=False)
    known = criteria_of(here, chosen)
    criterion = choice("Criterion", known, key="criterion", start=first_defined(here, chosen))
    found = _agreement(here, here.sealed, chosen.id, criterion)
    if not found.pairs:
        st.caption("Agreement is undefined, because there is one rater alone.")
        return
    grid([pair_row(found, i) for i in range(len(found.pairs))], key="rater_pairs")
    plain(f"Krippendorff's α ({found.scale}) of {len(found.kinds)} raters: {estimate_words(found.alpha)}")
    st.caption("κ takes labels for names (nominal), α as it says: numbers and labels in order are ordinal.")
    names = [f"{pair.a} and {pair.b}" for pair in found.pairs]
    start = next((name for name, pair in zip(names, found.pairs, strict=True) if pair.kappa.value is not None), None)
    pair = found.pairs[names.index(choice("Raters", names, key="raters", start=start))]
    plain(pair.sentence)
    if pair.confusion is not None and pair.n:
        chart(
            "Which labels does one give where the other gives which?",
            "",
            confusion_map(pair.confusion, pair.a, pair.b),
            pair.confusion.rename_axis(index=pair.a, columns=pair.b).reset_index(),
            key="confusion",
        )


@st.cache_data(max_entries=16, show_spinner=False)
def _criteria(_here: Lab, sealed: str, chosen: JudgementSet) -> list[str]:
    return criteria(_here.store, chosen)


def criteria_of(here: Lab, chosen: JudgementSet) -> list[str]:
    """What a set was rated on."""
    return _criteria(here, here.sealed, chosen)


def first_defined(here: Lab, chosen: JudgementSet) -> str | None:
    """The first criterion on which some two raters have a κ; None where none has."""
    for name in criteria_of(here, chosen):
        if any(pair.kappa.value is not None for pair in _agreement(here, here.sealed, chosen.id, name).pairs):
            return name
    return None


def pair_row(found: SetAgreement, place: int) -> dict[str, Any]:
    pair = found.pairs[place]
    return {
        "rater": pair.a,
        "and": pair.b,
        "κ (95%)": estimate_words(pair.kappa),
        "n": pair.n,
        "left out": pair.left_out,
        "same label": number(pair.percent.value, "share"),
        "in words": pair.sentence,
    }
