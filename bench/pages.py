"""How long the page Explanations takes on the server, on a lab that is made up: figures, no claim.

    .venv/bin/python bench/pages.py [--explanations 100000] [--home FOLDER]

The lab is that of `store.py`: four variants, five verdicts an explanation.  Each view is drawn by Streamlit's own test
runner, which runs the page as the server does and has no browser: the list, filters, orders, a text, the reading
view.  Beside the time of the first drawing stands that of the same view drawn again.

Not covered: the browser, the network, several viewers, pages of other areas.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from harness import console, processor, show
from store import make_lab

from core.home import Home

VIEWS: dict[str, dict[str, str]] = {
    "list": {},
    "worst first": {"order": "worst"},
    "most disputed": {"order": "most disputed"},
    "random": {"order": "random"},
    "variant and category": {"variant": "sft", "category": "variable"},
    "criterion between": {"criterion": "0:2.5~4"},
    "text": {"text": "light can"},
    "page 900": {"page": "900"},
    "reading view": {"item": "thing-12", "order": "worst"},
}
"""View → its parameters in the URL."""


def measure() -> list[list[str]]:
    """A row a view: seconds of the first drawing and of the second, milliseconds."""
    from streamlit.testing.v1 import AppTest

    from app.navigation import ROOT

    app = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=600).run()
    app.switch_page("../pages/explanations.py").run()
    return [[name, *(f"{1000 * _draw(app, query):.0f}" for _ in range(2))] for name, query in VIEWS.items()]


def _draw(app, query: dict[str, str]) -> float:
    app.query_params.clear()
    for name, value in query.items():
        app.query_params[name] = value
    app.session_state["_view_explanations"] = {}
    began = time.perf_counter()
    app.run()
    seconds = time.perf_counter() - began
    if app.exception:
        raise SystemExit(f"The page broke: {app.exception[0].value}")
    return seconds


def main(
    explanations: Annotated[int, typer.Option(min=16, help="Explanations, and as many judgements.")] = 100_000,
    home: Annotated[Path | None, typer.Option(help="A lab made earlier, in place of a new one.")] = None,
) -> None:
    """Time the views of the page Explanations."""
    console.print(f"machine  {processor()}")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ANCHORLAB_HOME"] = str(home or folder)
        if home is None:
            with console.status(f"making up a lab with {explanations:,} explanations"):
                make_lab(Home(Path(folder)), explanations)
        show("The page Explanations", ("view", "first, ms", "again, ms"), measure())


if __name__ == "__main__":
    typer.run(main)
