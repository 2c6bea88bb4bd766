"""Reading answers again by the rule of today: `anchorlab reread`."""

import json

from core.cli.common import RUNS, AsJson, RunId, cli, console
from core.home import default_home
from core.method.reading.reasons import counted
from core.method.rereading import reread

CHANGES = {
    "newly_read": "were unread and are read",
    "newly_unread": "were read and are not",
    "read_otherwise": "are read as another option",
    "other_explanation": "have another explanation",
    "without_forced": "have no forced answer any more, since no model is asked",
}


@cli.command("reread", rich_help_panel=RUNS, epilog="Example: anchorlab reread sample-1f03")
def reread_run(run_id: RunId, as_json: AsJson = False) -> None:
    """Read a run's responses again by the rule of today, without sampling; the run itself stays as it is."""
    folder = reread(default_home(), run_id)
    summary = folder.result["summary"]
    if as_json:
        print(json.dumps({"id": folder.id, **summary}))
        return
    console.print(f"{folder.id} done: {summary['explanations']:,} responses read again.", highlight=False)
    for name, words in CHANGES.items():
        console.print(f"  {summary[name]:,} {words}", highlight=False)
    console.print(f"{summary['unparsed']:,} unparsed. {counted(summary['unread'])}", highlight=False, soft_wrap=True)
