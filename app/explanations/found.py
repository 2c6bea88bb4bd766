"""What the page Explanations looks up, kept for all viewers until a run ends or somebody annotates."""

import pandas as pd

from app.state import Lab
from app.working import once
from core.analysis.browsing import ROWS_A_PAGE, Facets, Neighbours, Wanted, facets, neighbours, page
from core.analysis.catalogue import Catalogue, catalogue

LOOKING = "Looking through the explanations …"


@once(LOOKING, keep=8, seconds=0.05)
def _known(_here: Lab, sealed: str) -> Catalogue:
    return catalogue(_here.store)


@once(LOOKING, keep=200, seconds=0.1)
def _facets(_here: Lab, state: str, _known: Catalogue, wanted: Wanted) -> Facets:
    return facets(_here.store, _known, wanted)


@once(LOOKING, keep=200, seconds=0.1)
def _neighbours(_here: Lab, state: str, _known: Catalogue, wanted: Wanted, dataset: str, item_id: str) -> Neighbours:
    return neighbours(_here.store, _known, wanted, dataset, item_id)


@once(LOOKING, keep=200, seconds=0.1)
def _page(_here: Lab, state: str, _known: Catalogue, wanted: Wanted, number: int) -> pd.DataFrame:
    return page(_here.store, _known, wanted, number)


def known_of(here: Lab) -> Catalogue:
    """What has been sampled and judged."""
    return _known(here, here.sealed)


def _state(here: Lab, wanted: Wanted) -> str:
    """Changes when what a view shows may change."""
    if not wanted.annotated:
        return here.sealed
    return f"{here.sealed} {here.store.rows('SELECT count(*) FROM journal')[0][0]}"


def facets_of(here: Lab, wanted: Wanted) -> Facets:
    """How many explanations are wanted, and would be with one filter more."""
    return _facets(here, _state(here, wanted), known_of(here), wanted)


def rows_of(here: Lab, wanted: Wanted, number: int) -> pd.DataFrame:
    """Rows of a page of the list, from 0; of the last one where there are fewer."""
    last = max(0, -(-facets_of(here, wanted).wanted // ROWS_A_PAGE) - 1)
    return _page(here, _state(here, wanted), known_of(here), wanted, min(number, last))


def neighbours_of(here: Lab, wanted: Wanted, dataset: str, item_id: str) -> Neighbours:
    """The questions before and after one of them, among those that are wanted."""
    return _neighbours(here, _state(here, wanted), known_of(here), wanted, dataset, item_id)
