"""What pages open on, worked out before anybody opens them: in a large lab that takes seconds.

`app.state.Lab` calls each of `OPENINGS` in a thread whenever results may have changed.  They ask for what the pages ask
for, with what stands in their widgets at first, and `app.working` keeps the answers.  What is chosen later is worked
out then, with time left in sight.
"""

import gc
import inspect
from collections.abc import Callable
from importlib import import_module
from pkgutil import walk_packages

import plotly.graph_objects as go

import app
from app.anchors.data import (
    RIGHT_BY,
    beside,
    evaluation_with,
    expected,
    known_draws,
    pair_set,
    samples_of,
    scores,
    shares,
    starts,
)
from app.anchors.lint import look_at
from app.anchors.over_lambda import counts_over_lambda
from app.anchors.settings import STRATEGIES
from app.annotate.agreement import annotated_sources
from app.annotate.figures import EVERYBODY, Figures
from app.charts.style import styled
from app.compare.choices import SCORES
from app.compare.duels import duels_of
from app.compare.questions import counts_of
from app.explanations.found import known_of, neighbours_of, rows_of
from app.judgements.agreement import first_defined
from app.judgements.rates import UNITS, figures_of, lengths_of
from app.overview.picture import sorted_questions
from app.state import Lab, details, diagnostics, results, scores_by_length
from core.analysis.browsing import ORDERS, Wanted
from core.analysis.consensus import judgement_sets
from core.settings import CompareSettings


def modules(here: Lab) -> None:
    """What pages import when first drawn, what plotly loads for a chart, what launch forms find models with."""
    for found in walk_packages(app.__path__, "app."):
        if found.name != "app.main":  # the script itself
            import_module(found.name)
    for mark in (go.Scatter, go.Bar, go.Heatmap, go.Box):
        styled(go.Figure(mark()), height=100).to_json()
    import_module("PIL.Image")  # of the page's icon
    import_module("huggingface_hub").snapshot_download  # noqa: B018  (loaded by its name)
    inspect.stack()  # Streamlit asks for it once a process, and it finds out then where every module lies


def compared(here: Lab) -> None:
    """Overview, Judges and Compare: every evaluation, and the first of them taken apart."""
    sorted_questions(here)
    for evaluation in results(here=here)[:1]:
        diagnostics(evaluation, here)
        details(evaluation, here)
        scores_by_length(evaluation, here)
        duels_of(here, evaluation)
        for rate in evaluation.win_rates[-1:]:
            for criterion in (None, *(one.criterion for one in evaluation.card.criteria)):
                counts_of(here, evaluation, rate, criterion)
    for score in SCORES[1:]:
        results(CompareSettings(score=score), here)


def explanations(here: Lab) -> None:
    """Explanations: the first page of all and the way through their questions, in each order."""
    if known_of(here).drawn:
        for order in ORDERS:
            rows_of(here, Wanted(order=order), 0)
            neighbours_of(here, Wanted(order=order), "", "")


def categories(here: Lab) -> None:
    """Anchors, tab Categories: shares of every draw, and all views of the first."""
    for draw in known_draws(here):
        shares(here, samples_of(draw), RIGHT_BY[0])
    for draw in known_draws(here)[:1]:
        shares(here, samples_of(draw), RIGHT_BY[1])
        for run in draw.samples.values():
            expected(here, run, RIGHT_BY[0])
        evaluation = evaluation_with(next(iter(draw.samples.values())), here)
        for judge in evaluation.judges.values() if evaluation else ():
            scores(here, judge, RIGHT_BY[0], "expected")


def pairs(here: Lab) -> None:
    """Anchors, tab Pairs: the newest pair set, or the first judged samples, beside the other strategies on them."""
    for start in list(starts(here).values())[:1]:
        for name, settings in (("A", start.settings), ("B", beside(start.settings))):
            look_at(here, pair_set(here, name, start.source, settings))
        counts_over_lambda(here, start.source, start.settings)
        for strategy in STRATEGIES:
            pair_set(here, "A", start.source, start.settings.model_copy(update={"strategy": strategy}))


def agreement(here: Lab) -> None:
    """Annotate, tab Agreement: the first explanations that somebody rated."""
    figures = Figures.now(here)
    figures.annotated()
    for source in annotated_sources(figures)[:1]:
        figures.annotator_table(source)
        figures.people_agreement(source)
        figures.answer_agreement(source)
        if source.judges:
            for who in (EVERYBODY, *sorted(figures.pairs_by(source, EVERYBODY)["rater"].unique())):
                figures.judge_agreement(source, who)
                figures.disagreements(source, who)
            figures.spot_checks(source)
        figures.votes(source)


def judgements(here: Lab) -> None:
    """Judgements: the newest set."""
    for chosen in judgement_sets(here.store)[-1:]:
        first_defined(here, chosen)
        if chosen.what == "preferences":
            figures_of(here, chosen)
            lengths_of(here, chosen, UNITS[0])


def out_of_the_way(here: Lab) -> None:
    """Have Python look for garbage among what comes from now on alone: half a million rows and pairs stay as they are.

    Looking through them all, now and again, held up a page for 0.4 s (bench/README.md).
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


OPENINGS: list[Callable[[Lab], None]] = [
    modules,
    compared,
    explanations,
    pairs,
    categories,
    agreement,
    judgements,
    out_of_the_way,
]
"""In the order in which people get to the pages."""
