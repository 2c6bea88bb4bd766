"""Plants each defect in a copy of the lab and shows that its tests fail there: `make breaks`."""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.breaks import BREAKS
from tests.breaks.planting import copied, failing, planted


def main(wanted: Sequence[str]) -> int:
    """Plant the breaks whose defect holds one of these words (none: all), print a table; 0 if all tests fail."""
    chosen = [b for b in BREAKS if not wanted or any(word in b.defect for word in wanted)]
    console, began = Console(width=None if sys.stdout.isatty() else 160), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="breaks-") as folder:
        copy = copied(Path(folder))
        if broken := failing(copy, {test for b in chosen for test in b.tests}):
            console.print("These fail without any defect:", *sorted(broken), sep="\n  ", markup=False)
            return 1
        table = Table("defect", "test", "fails", box=None, header_style="bold", pad_edge=False)
        missed = 0
        for b in chosen:
            with planted(copy, b):
                found = failing(copy, b.tests)
            for test in b.tests:
                missed += test not in found
                table.add_row(b.defect, test.split("::")[1], "yes" if test in found else "[bold red]NO[/]")
                console.print(f"{'fails' if test in found else 'PASSES'}  {test}", style="dim", markup=False)
    console.print(table)
    named = sum(len(b.tests) for b in chosen)
    console.print(f"{len(chosen)} defects, {named - missed} of {named} tests fail, {time.monotonic() - began:.0f} s.")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
