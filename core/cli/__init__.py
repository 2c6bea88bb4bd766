"""The command line: `anchorlab COMMAND`, a file for each group of commands.

Commands work on run folders.  Those that read results take the database for a moment; while the app
holds it they read the folders into one of their own in memory, which gives the same rows.
"""

import sys

from rich.console import Console
from rich.text import Text

from core.cli import (
    annotations,
    data,
    explanations,
    judgements,
    judges,
    models,
    rereading,
    results,
    running,
    showing,
    votes,
)
from core.cli.common import cli
from core.errors import LabError, disk_refusal

__all__ = [
    "annotations",
    "cli",
    "data",
    "explanations",
    "judgements",
    "judges",
    "main",
    "models",
    "rereading",
    "results",
    "running",
    "showing",
    "votes",
]


def main() -> None:
    """Entry point: an error that a person can act on is one sentence and exit code 1."""
    try:
        cli()
    except (LabError, OSError) as error:
        refusal = error if isinstance(error, LabError) else disk_refusal(error)
        if refusal is None:
            raise
        said = Text.assemble(("anchorlab:", "bold red"), f" {refusal}")  # text of files is never markup
        Console(stderr=True).print(said, highlight=False, soft_wrap=True)
        sys.exit(1)
