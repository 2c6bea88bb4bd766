"""The Anchors page's pairs: two strategies on the same samples, counted, read, checked and compared live."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.address import held
from app.anchors.data import PairSet, Start, beside, evaluation_with, pair_set, starts
from app.anchors.lint import difference_view, lint_view
from app.anchors.over_lambda import over_lambda
from app.anchors.reading import pair_browser
from app.anchors.settings import keys_of, settings_form
from app.anchors.train import take_along
from app.charts.style import CATEGORY_NAMES
from app.figures import download
from app.judges.card import believe
from app.navigation import DEMO, LAUNCH, nothing_yet
from app.state import Lab
from app.tables import grid
from app.widgets import choice
from core.method.pair_draw import anchor_lambda
from core.method.pairs import DROPPED, REASONS, not_in_gold, rules_of
from core.records import CATEGORIES, Category
from core.statistics.words import number

VIEWS = {
    "rules": "Rules and counts",
    "pairs": "The pairs",
    "left_out": "Left out",
    "lint": "Lint",
    "difference": "A against B",
    "take": "Train and export",
}


def pairs_tab(here: Lab) -> None:
    """Where the pairs come from, the settings of A and B, and one of six views."""
    known = starts(here)
    if not known:
        nothing_yet(
            "No pairs yet",
            "A pipeline builds them from the judged samples of its SFT variant: run the demo from the Overview, or "
            "sample and judge a variant from Runs.",
            DEMO,
            LAUNCH,
            key="pairs",
        )
        return
    start = chosen_start(known)
    source = start.source
    left, right = st.columns(2)
    with left, st.container(border=True):
        st.markdown("**A**")
        of_a = settings_form("a", start.settings)
    with right, st.container(border=True):
        st.markdown("**B**, on the same samples: another strategy, else as A")
        of_b = settings_form("b", beside(of_a or start.settings))
    if of_a is None or of_b is None:
        st.caption("Pairs are chosen again once both sets of settings can be used.")
        return
    a, b = pair_set(here, "A", source, of_a), pair_set(here, "B", source, of_b)
    if a.settings.debated and source.debates is None:
        st.info(
            "No debater argued about these samples, so always-wrong questions give no pair under this strategy.",
            icon=":material/record_voice_over:",
        )
    if a.settings.taught and source.teacher is None:
        st.info(
            "No teacher has answered these questions, so no question gives a pair under this strategy.",
            icon=":material/school:",
        )
    summary([a, b])
    view = chosen_view()
    match view:
        case "rules":
            rules(a, b)
            over_lambda(here, source, a.settings, a.pairs)
            ledger_counts(a, b)
        case "pairs":
            pairs_view(here, a)
        case "left_out":
            ledger(a)
        case "lint":
            lint_view(here, a, b)
        case "difference":
            difference_view(here, a, b)
        case "take":
            take_along(here, source, a.settings, a.pairs)
    if evaluation := evaluation_with(source.samples):
        believe(evaluation)


def chosen_start(known: dict[str, Start]) -> Start:
    """What the widgets start from."""
    key = choice(
        "Start from a pair set, or from judged samples",
        list(known),
        key="pairs",
        what="pair set",
        format_func=lambda key: known[key].title,
        drops=[*keys_of("a"), *keys_of("b"), "pair"],
    )
    return known[key]


def chosen_view() -> str:
    names = {name: key for key, name in VIEWS.items()}
    how = held("show", VIEWS["rules"], names.__contains__, opens="default")
    return names.get(st.segmented_control("View", list(names), label_visibility="collapsed", **how), "rules")


# --- counts


def summary(sets: Sequence[PairSet]) -> None:
    """What came out, A and B side by side."""
    rows = [_summary(found, found.name, found.key) for found in sets]
    grid(rows, key="summary", first=["set", "pairs", "λ", "no pair"])
    st.caption("λ: share of pairs from variable or consistently incorrect questions. No pair: questions left out.")


@st.cache_data(max_entries=24, show_spinner=False)
def _summary(_found: PairSet, name: str, key: str) -> dict[str, str]:
    share = anchor_lambda(_found.pairs)
    gaps = [pair.chosen.score - pair.rejected.score for pair in _found.pairs]
    unjudged = len(_found.material.own.explanations) - len(_found.material.own.scores)
    debates = _found.material.debates if _found.settings.debated else None
    teacher = _found.material.teacher if _found.settings.taught else None
    return {
        "set": f"{name}: {_found.settings.strategy.replace('_', ' ')}",
        "pairs": f"{len(_found.pairs):,}",
        "λ": "undefined, because there is no pair" if share is None else number(share, "share"),
        "no pair": f"{len(_found.dropped):,}",
        "mean lead of chosen, score points": number(sum(gaps) / len(gaps)) if gaps else "–",
        "unjudged responses": f"{unjudged:,}",
        "teacher's responses discarded": f"{not_in_gold(_found.material.items, teacher):,}" if teacher else "–",
        "debater responses discarded": f"{not_in_gold(_found.material.items, debates):,}" if debates else "–",
    }


def rules(a: PairSet, b: PairSet) -> None:
    """The rule of each category, with what it made in both sets."""
    st.subheader("Which rule made how many pairs?", anchor=False)
    rows = [row for category in CATEGORIES for row in (_rule(found, category) for found in (a, b))]
    grid(
        rows,
        key="rules",
        first=["category", "set", "pairs", "no pair", "rule"],
    )
    download(lambda: pd.DataFrame(rows), "rules")


def _rule(found: PairSet, category: Category) -> dict[str, Any]:
    code = rules_of(found.settings)[category]
    return {
        "category": CATEGORY_NAMES[category],
        "set": found.name,
        "pairs": sum(pair.category == category for pair in found.pairs),
        "no pair": sum(row.category == category for row in found.dropped),
        "rule": REASONS[code] if code else "No pair of this category.",
        "code": code or "–",
    }


def ledger_counts(a: PairSet, b: PairSet) -> None:
    """Why questions gave no pair, with counts of both sets."""
    with st.expander(f"Questions that gave no pair ({len(a.dropped)} of A, {len(b.dropped)} of B)", expanded=True):
        counts = [Counter(row.reason for row in found.dropped) for found in (a, b)]
        grid(
            [
                {"of A": counts[0][reason], "of B": counts[1][reason], "why": DROPPED[reason], "code": reason}
                for reason in DROPPED
                if counts[0][reason] or counts[1][reason]
            ],
            key="ledger_counts",
        )


# --- the pairs, and what gave none


def pairs_view(here: Lab, found: PairSet) -> None:
    """Every pair of A, by its rule, and one of them to read."""
    counts = Counter(pair.reason for pair in found.pairs)
    reason = choice(
        "Rule",
        ["any", *counts],
        key="reason",
        format_func=lambda code: f"any rule ({len(found.pairs)})" if code == "any" else f"{code} ({counts[code]})",
    )
    wanted = [pair for pair in found.pairs if reason in ("any", pair.reason)]
    pair_browser(here, found.material, wanted, key="pairs")


def ledger(found: PairSet) -> None:
    """Questions of A without a pair."""
    if not found.dropped:
        st.caption("Every question gave a pair.")
        return
    counts = Counter(row.reason for row in found.dropped)
    reason = choice(
        "Why",
        ["any", *counts],
        key="why",
        format_func=lambda code: f"any reason ({len(found.dropped)})" if code == "any" else DROPPED[code],
    )
    rows = pd.DataFrame(
        [
            {
                "question": found.material.items[row.item_id].question,
                "category": CATEGORY_NAMES.get(row.category, "none"),
                "why": DROPPED[row.reason],
                "id": row.item_id,
            }
            for row in found.dropped
            if reason in ("any", row.reason)
        ]
    )
    st.caption(f"{len(rows):,} questions of A gave no pair.")
    grid(rows.head(500), key="ledger", first=["question", "why", "category"])
    download(lambda: rows, "left_out")
