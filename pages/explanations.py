"""Explanations: find them by filter, read all samples of a question, with every verdict behind its score."""

import pandas as pd
import streamlit as st

from app.explanations.filters import chips, filters, rubric_of
from app.explanations.reading import reading
from app.explanations.table import table
from app.explanations.view import page_number, spot_of, wanted_of
from app.judges.card import believe_runs
from app.navigation import DEMO, LAUNCH, link, nothing_yet
from app.state import Lab, lab
from app.widgets import header
from core.analysis.browsing import ROWS_A_PAGE, Facets, Neighbours, Spot, Wanted, facets, neighbours, page
from core.analysis.catalogue import Catalogue, catalogue

FRESH = {"max_entries": 200, "show_spinner": "Looking through the explanations …"}


@st.cache_data(**FRESH)
def _known(_here: Lab, sealed: str) -> Catalogue:
    return catalogue(_here.store)


@st.cache_data(**FRESH)
def _facets(_here: Lab, state: str, _known: Catalogue, wanted: Wanted) -> Facets:
    return facets(_here.store, _known, wanted)


@st.cache_data(**FRESH)
def _neighbours(_here: Lab, state: str, _known: Catalogue, wanted: Wanted, dataset: str, item_id: str) -> Neighbours:
    return neighbours(_here.store, _known, wanted, dataset, item_id)


@st.cache_data(**FRESH)
def _page(_here: Lab, state: str, _known: Catalogue, wanted: Wanted, number: int) -> pd.DataFrame:
    return page(_here.store, _known, wanted, number)


def state_of(here: Lab, wanted: Wanted) -> str:
    """Changes when what a view shows may change: a run ended, or, where it matters, somebody annotated."""
    if not wanted.annotated:
        return here.sealed
    return f"{here.sealed} {here.store.rows('SELECT count(*) FROM journal')[0][0]}"


def the_list(here: Lab, known: Catalogue, wanted: Wanted) -> None:
    """Filters, the judge's card, chips, and a page of the table."""
    found = _facets(here, state_of(here, wanted), known, wanted)
    filters(here, known, wanted, found)
    believe_runs(known.scored_by(wanted.judge, wanted.datasets, wanted.protocol))
    chips(known, wanted, found, rubric_of(here, known, wanted.judge))
    last = max(0, -(-found.wanted // ROWS_A_PAGE) - 1)
    table(_page(here, state_of(here, wanted), known, wanted, min(page_number(), last)), found, wanted)


def one(here: Lab, known: Catalogue, wanted: Wanted, spot: Spot) -> None:
    """The reading view of an explanation."""
    run = known.run(spot.samples)
    beside = _neighbours(here, state_of(here, wanted), known, wanted, run.dataset if run else "", spot.item_id)
    reading(here, known, wanted, spot, beside)


here = lab()
header("Explanations", "What the variants wrote, and what the judge said of it, criterion by criterion.")
known = _known(here, here.sealed)
if not known.drawn:
    nothing_yet(
        "No explanations yet", "Run the demo from the Overview, or a sample and a judge run from Runs.", DEMO, LAUNCH
    )
else:
    wanted = wanted_of(known)
    spot = spot_of(known, wanted)
    if spot is None:
        the_list(here, known, wanted)
    else:
        one(here, known, wanted, spot)
link("datasets", "Add explanations written elsewhere", icon=":material/upload_file:")
