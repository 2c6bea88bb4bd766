"""How long every page takes on the server, on a lab that is made up: figures, no claim.

    .venv/bin/python bench/pages.py [--explanations 100000] [--home FOLDER] [--only anchors] [--runs 2000] [--cold]

The lab is that of `store.py` (four variants, five verdicts an explanation) with what `made_up.py` adds: two annotators
at work, and judgements made elsewhere.  Each view is opened as a link is, in a session of its own, by Streamlit's own
test runner, which runs the page as the server does and has no browser; what the runner itself takes is left out.  What
the app works ahead (`app.ahead`) is there before the first view, unless `--cold` leaves it out.  Beside the time of the
first drawing since the process began stand the shortest of some more drawings of the open page, and the least time that
all processors spent on one, which other work on the machine changes less.  `--runs` adds so many finished runs.

Not covered: the browser, the network, several viewers.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from harness import console, processor, show
from made_up import add_people, add_runs
from store import make_lab

from core.home import Home

AGAIN = 4
"""Drawings of the open page; the shortest counts."""

Query = dict[str, str]

VIEWS: dict[str, dict[str, Query]] = {
    "overview": {"all": {}},
    "datasets": {
        "questions": {},
        "questions that contain": {"text": "thing 62"},
        "labels": {"tab": "Splits and labels"},
    },
    "runs": {
        "table": {},
        "table, filtered": {"kind": "judge"},
        "a sample run": {"run": "{sample}"},
        "its samples": {"run": "{sample}", "tab": "Samples"},
        "a judge run": {"run": "{judge}"},
        "two runs compared": {"run": "{sample},{judge}"},
        "launch a pipeline": {"show": "Launch"},
        "launch sft": {"show": "Launch", "launch_kind": "sft"},
        "launch sample": {"show": "Launch", "launch_kind": "sample"},
        "launch judge": {"show": "Launch", "launch_kind": "judge"},
        "launch pairs": {"show": "Launch", "launch_kind": "pairs"},
        "launch head to head": {"show": "Launch", "launch_kind": "head_to_head"},
        "launch dpo": {"show": "Launch", "launch_kind": "dpo"},
    },
    "explanations": {
        "list": {},
        "worst first": {"order": "worst"},
        "most disputed": {"order": "most disputed"},
        "random": {"order": "random"},
        "variant and category": {"variant": "sft", "category": "variable"},
        "criterion between": {"criterion": "0:2.5~4"},
        "text": {"text": "light can"},
        "annotated": {"annotated": "annotated"},
        "page 900": {"page": "900"},
        "reading view": {"item": "thing-12", "order": "worst"},
        "reading view, another": {"item": "thing-13", "order": "worst"},
    },
    "anchors": {
        "shares": {},
        "shares, parsed": {"by": "parsed"},
        "what moved": {"part": "What moved"},
        "what moved, another step": {"part": "What moved", "step": "base→sft"},
        "map": {"part": "Map"},
        "map, other variants": {"part": "Map", "map_b": "rank"},
        "fewer responses": {"part": "Fewer responses"},
        "scores": {"part": "Scores"},
        "pairs, rules": {"tab": "Pairs"},
        "pairs, other margin": {"tab": "Pairs", "a_margin": "1.5"},
        "pairs, a target for λ": {"tab": "Pairs", "a_target_lambda": "0.5"},
        "pairs, other strategy": {"tab": "Pairs", "a_strategy": "correctness"},
        "pairs, other seed": {"tab": "Pairs", "a_seed": "5"},
        "pairs, list": {"tab": "Pairs", "show": "The pairs"},
        "pairs, left out": {"tab": "Pairs", "show": "Left out"},
        "pairs, lint": {"tab": "Pairs", "show": "Lint"},
        "pairs, A against B": {"tab": "Pairs", "show": "A against B"},
        "pairs, train": {"tab": "Pairs", "show": "Train and export"},
        "one run": {"tab": "One run"},
    },
    "annotate": {
        "rate": {"tab": "Rate", "rater": "ada"},
        "spot-check": {"tab": "Spot-check", "rater": "ada"},
        "pairwise": {"tab": "Pairwise", "rater": "ada"},
        "agreement": {"tab": "Agreement"},
        "agreement, one annotator": {"tab": "Agreement", "of_rater": "ada"},
    },
    "judgements": {
        "preferences": {"set": "{judgements}"},
        "preferences, other raters": {"set": "{judgements}", "raters": "ben and cat"},
    },
    "judges": {"all": {}},
    "compare": {
        "variants": {},
        "other baseline": {"baseline": "sft"},
        "score total": {"score": "total"},
        "one pair": {"tab": "One pair", "pair": "rank against base"},
        "its questions": {"tab": "Questions", "pair": "rank against base"},
        "one criterion": {"tab": "Questions", "scored_by": "clarity"},
        "another category": {"tab": "Questions", "of_category": "variable"},
        "another question": {"tab": "Questions", "item": "thing-12"},
        "head to head": {"tab": "Head to head"},
        "whether it holds": {"tab": "Does it hold?"},
    },
    "playground": {"form": {}},
}
"""Page → view → its parameters in the URL; {kind} stands for the newest run of a kind."""


def measure(home: Home, only: str, cold: bool = False) -> list[list[str]]:
    """A row a view: milliseconds of the first drawing, of the quickest of the next, and processor time of that."""
    newest = {path.name.partition("-")[0]: path.name for path in sorted(home.runs.glob("*-*"))}
    warm_up(cold)
    return [
        [f"{page}: {view}", *_figures(page, {name: value.format_map(newest) for name, value in query.items()})]
        for page, views in VIEWS.items()
        if page.startswith(only)
        for view, query in views.items()
    ]


def warm_up(cold: bool) -> None:
    """The process as it is a moment after it began to serve: rows taken in, and, unless cold, what pages open on."""
    from app import navigation, state
    from app.ahead import OPENINGS, modules

    state.WARM_FROM = sys.maxsize  # not by a thread beside the drawings
    for opening in [modules] if cold else OPENINGS:
        began = time.perf_counter()
        opening(state.lab())
        console.print(f"ahead: {opening.__name__}  {time.perf_counter() - began:.1f} s")
    navigation.run = _timed(navigation.run)


def _figures(page: str, query: Query) -> list[str]:
    app = _opened(page, query)
    first, *again = (_draw(app) for _ in range(1 + AGAIN))
    fastest, cheapest = (min(figures) for figures in zip(*again, strict=True))
    return [f"{1000 * seconds:.0f}" for seconds in (first[0], fastest, cheapest)]


def _opened(page: str, query: Query) -> Any:
    """A session at the entry script, about to draw a page under a link."""
    from streamlit.testing.v1 import AppTest

    from app.navigation import ROOT

    app = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=600)
    app.switch_page(f"../pages/{page}.py")
    for name, value in query.items():
        app.query_params[name] = value
    return app


def _draw(app: Any) -> tuple[float, float]:
    """Seconds on the clock, and of all processors, that the page took; what the test runner takes is left out."""
    spent.clear()
    app.run()
    if app.exception:
        raise SystemExit(f"The page broke: {app.exception[0].value}")
    clock, processors = zip(*spent, strict=True)
    return sum(clock), sum(processors)


spent: list[tuple[float, float]] = []
"""Seconds on the clock and of all processors of each run of the page's script since the list was cleared."""


def _timed(run: Callable[..., None]) -> Callable[..., None]:
    """`app.navigation.run`, noting what it takes in `spent`."""

    def timed(*args: Any, **options: Any) -> None:
        began = time.perf_counter(), time.process_time()
        try:
            run(*args, **options)
        finally:
            spent.append((time.perf_counter() - began[0], time.process_time() - began[1]))

    return timed


def main(
    explanations: Annotated[int, typer.Option(min=16, help="Explanations, and as many judgements.")] = 100_000,
    home: Annotated[
        Path | None, typer.Option(help="A lab made earlier, in place of a new one; it is added to.")
    ] = None,
    only: Annotated[str, typer.Option(help="Pages whose name begins so.")] = "",
    runs: Annotated[int, typer.Option(help="Finished runs to add, for the pages that list runs.")] = 0,
    cold: Annotated[bool, typer.Option(help="Work nothing ahead of the pages.")] = False,
) -> None:
    """Time every view of every page."""
    console.print(f"machine  {processor()}")
    with tempfile.TemporaryDirectory() as folder:
        lab = Home((home or Path(folder)).resolve())
        os.environ |= {"ANCHORLAB_HOME": str(lab.path), "STREAMLIT_LOGGER_LEVEL": "error"}
        with console.status(f"making up a lab with {explanations:,} explanations"):
            if home is None:
                make_lab(lab, explanations)
            add_people(lab)
            add_runs(lab, runs)
        show("The pages", ("page: view", "first, ms", "again, ms", "processor, ms"), measure(lab, only, cold))


if __name__ == "__main__":
    typer.run(main)
