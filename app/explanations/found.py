"""What the page Explanations looks up, kept for all viewers until a run ends or somebody annotates."""

from dataclasses import replace

import pandas as pd
import pyarrow as pa

from app.state import Lab
from app.working import once
from core.analysis.browsing import ROWS_A_PAGE, Facets, Neighbours, Walk, Wanted, facets, page, questions
from core.analysis.catalogue import Catalogue, catalogue
from core.analysis.narrow_rows import Lens, NarrowRows, annotated, matching, narrow_rows

LOOKING = "Looking through the explanations …"


@once(LOOKING, keep=8, seconds=0.05)
def _known(_here: Lab, sealed: str) -> Catalogue:
    return catalogue(_here.store)


@once(LOOKING, keep=3, seconds=0.1)
def _narrow(_here: Lab, sealed: str, lens: Lens) -> NarrowRows:
    return narrow_rows(_here.store, known_of(_here), lens)


@once(LOOKING, keep=1, seconds=0.05)
def _annotated(_here: Lab, said: int) -> pa.Table | None:
    return annotated(_here.store)


@once(LOOKING, keep=20, seconds=0.05)
def _matching(_here: Lab, sealed: str, text: str) -> pa.Table:
    return matching(_here.store, text)


@once(LOOKING, keep=200, seconds=0.1)
def _facets(_here: Lab, state: str, wanted: Wanted) -> Facets:
    return facets(_here.store, _narrow_of(_here, wanted), wanted)


@once(LOOKING, keep=200, seconds=0.1)
def _page(_here: Lab, state: str, wanted: Wanted, number: int) -> pd.DataFrame:
    return page(_here.store, _narrow_of(_here, wanted), wanted, number)


@once(LOOKING, keep=20, seconds=0.1)
def _walk(_here: Lab, state: str, wanted: Wanted) -> Walk:
    return questions(_here.store, _narrow_of(_here, wanted), wanted)


def known_of(here: Lab) -> Catalogue:
    """What has been sampled and judged."""
    return _known(here, here.sealed)


def _said(here: Lab) -> int:
    """How many labels people gave: changes when an explanation may have been annotated."""
    return here.store.rows("SELECT count(*) FROM journal WHERE action IN ('rating', 'spot_check')")[0][0]


def _narrow_of(here: Lab, wanted: Wanted) -> NarrowRows:
    read = _narrow(here, here.sealed, wanted.lens)
    held = _matching(here, here.sealed, wanted.text) if wanted.text else None
    return replace(read, annotated=_annotated(here, _said(here)), matching=held)


def _state(here: Lab, wanted: Wanted) -> str:
    """Changes when what a view shows may change."""
    return f"{here.sealed} {_said(here)}" if wanted.annotated else here.sealed


def facets_of(here: Lab, wanted: Wanted) -> Facets:
    """How many explanations are wanted, and would be with one filter more."""
    return _facets(here, f"{here.sealed} {_said(here)}", wanted)


def rows_of(here: Lab, wanted: Wanted, number: int) -> pd.DataFrame:
    """Rows of a page of the list, from 0; of the last one where there are fewer."""
    last = max(0, -(-facets_of(here, wanted).wanted // ROWS_A_PAGE) - 1)
    return _page(here, _state(here, wanted), wanted, min(number, last))


def neighbours_of(here: Lab, wanted: Wanted, dataset: str, item_id: str) -> Neighbours:
    """The questions before and after one of them, among those that are wanted."""
    return _walk(here, _state(here, wanted), wanted).around(dataset, item_id)
