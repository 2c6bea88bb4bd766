"""The demo and the app: `anchorlab demo · app`."""

from typing import Annotated

import typer

from core.cli.common import START, cli, console
from core.cli.results import compare
from core.cli.running import report_end, start_pipeline
from core.home import default_home
from core.runs.estimate import seconds_left
from core.runs.pipeline import find_pipeline, read_pipeline, steps_of
from core.runs.watch import watch
from core.serve import become
from core.store.database import owner

Port = Annotated[int, typer.Option(help="Port on 127.0.0.1.")]


@cli.command(rich_help_panel=START, epilog="Example: anchorlab demo --no-app")
def demo(
    app: Annotated[bool, typer.Option("--app/--no-app", help="Show it in the browser, or here.")] = True,
    port: Port = 8501,
) -> None:
    """Run the whole method on a small real model and show every step."""
    home = default_home()
    folder = start_pipeline(home, read_pipeline(find_pipeline("demo")))
    runs_count, left = len(steps_of(folder.config)), seconds_left(home, folder)
    expect = "is done: nothing is run again" if left == 0 else f"needs about {max(1, round(left / 60))} minutes"
    console.print(f"The demo pipeline ({folder.id}, {runs_count} runs) {expect}.", highlight=False, soft_wrap=True)
    if app:
        serve(port)
        return
    console.print(f"Ctrl-C leaves it running; `anchorlab stop {folder.id}` stops it.", highlight=False, soft_wrap=True)
    watch(home, folder, console)
    report_end(folder)
    compare()


@cli.command("app", rich_help_panel=START, epilog="Example: anchorlab app --port 8600")
def serve(port: Port = 8501) -> None:
    """Open the lab in the browser (127.0.0.1 only)."""
    holder = owner(default_home())
    if holder and "address" in holder:
        console.print(f"The app is open already: [bold]{holder['address']}[/]", highlight=False)
        return
    console.print(
        f"Open [bold]http://127.0.0.1:{port}[/] and watch it on the first page. Ctrl-C closes the app, not the runs.",
        highlight=False,
        soft_wrap=True,
    )
    become(port)
