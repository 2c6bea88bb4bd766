"""What would you like to do?  A row of links on the Overview, each to the page and the view that does it.

    first_steps(here)

Links to what the lab cannot do yet are left out.  Labels are the lab's own words: of variants only the names that the
method itself gives (`TUNED`) stand in them.
"""

import streamlit as st

from app.compare.choices import PAIR, pair_name
from app.navigation import link
from app.overview.headlines import TUNED
from app.state import Lab, results
from core.analysis.results import Evaluation


def first_steps(here: Lab) -> None:
    """The five things that people come for."""
    best = max((e for e in results() if e.results), key=lambda e: (not e.by_reader, len(e.results)), default=None)
    st.subheader("What would you like to do?", anchor=False)
    with st.container(horizontal=True, key="first_steps"):
        link("datasets", "Load my data", icon=":material/upload_file:", load="own")
        if best is not None:
            _worst(best)
            _better(best)
        if here.store.rows("SELECT 1 FROM explanations LIMIT 1"):
            link("annotate", "Annotate", icon=":material/rate_review:")
            link("playground", "Side by side, live", icon=":material/forum:")


def _tuned(evaluation: Evaluation) -> list[str]:
    """Variants of the method, the most tuned first."""
    return [label for label in TUNED if label in evaluation.samples]


def _worst(evaluation: Evaluation) -> None:
    label = next(iter(_tuned(evaluation)), None)
    said = f"Worst explanations of {label}" if label else "Worst explanations"
    link(
        "explanations",
        said,
        icon=":material/thumb_down:",
        evaluation=evaluation.key,
        variant=label,
        order="worst",
    )


def _better(evaluation: Evaluation) -> None:
    """The most tuned variant against the next."""
    tuned = _tuned(evaluation)
    rate = evaluation.rate(*tuned[:2]) if len(tuned) > 1 else None
    if rate is None:
        link("compare", "Which variant is better?", icon=":material/compare_arrows:", evaluation=evaluation.key)
        return
    link(
        "compare",
        f"Does {rate.a} beat {rate.b}?",
        icon=":material/compare_arrows:",
        evaluation=evaluation.key,
        tab=PAIR,
        pair=pair_name(evaluation, rate),
    )
