"""Explanations: find them by filter, read all samples of a question, with every verdict behind its score."""

from app.explanations.filters import chips, filters, rubric_of
from app.explanations.found import facets_of, known_of, neighbours_of, rows_of
from app.explanations.reading import reading
from app.explanations.table import table
from app.explanations.view import page_number, spot_of, wanted_of
from app.judges.card import believe_runs
from app.navigation import DEMO, LAUNCH, link, nothing_yet
from app.state import Lab, lab
from app.widgets import header
from core.analysis.browsing import Spot, Wanted
from core.analysis.catalogue import Catalogue


def the_list(here: Lab, known: Catalogue, wanted: Wanted) -> None:
    """Filters, the judge's card, chips, and a page of the table."""
    found = facets_of(here, wanted)
    filters(here, known, wanted, found)
    believe_runs(known.scored_by(wanted.judge, wanted.datasets, wanted.protocol))
    rubric = rubric_of(here, known, wanted.judge)
    chips(known, wanted, found, rubric)
    table(rows_of(here, wanted, page_number()), known, found, wanted, rubric)


def one(here: Lab, known: Catalogue, wanted: Wanted, spot: Spot) -> None:
    """The reading view of an explanation."""
    run = known.run(spot.samples)
    beside = neighbours_of(here, wanted, run.dataset if run else "", spot.item_id)
    reading(here, known, wanted, spot, beside)


here = lab()
header("Explanations", "What the variants wrote, and what the judge said of it, criterion by criterion.")
known = known_of(here)
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
