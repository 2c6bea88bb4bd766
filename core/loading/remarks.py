"""What a person should know of a file of questions before it is loaded, and the reject of no row says.

remarks(path, settings)     # ["Its name says test …", "Its column 'explanation' …"]
"""

import re
from itertools import islice
from pathlib import Path

from core.loading.items import used_columns
from core.loading.kinds import EXPLAINS
from core.loading.lines import file_name, quoted
from core.loading.reading import read_rows
from core.settings import ImportSettings

LOOKED_AT = 200
HELD_OUT = re.compile(r"(^|[^a-z])(test|dev|valid|validation|val|eval)([^a-z]|$)", re.IGNORECASE)
"""Names of files that hold questions which nothing should be trained on."""


def remarks(path: Path, settings: ImportSettings, dataset: str = "ID") -> list[str]:
    """Sentences, each with what to do; dataset: id of the data set, where there is one."""
    rows = [row.values for row in islice(read_rows(path, settings.header, settings.field), LOOKED_AT)]
    found: list[str] = []
    name = file_name(path)
    if settings.split is None and 0 < settings.test < 1 and (said := HELD_OUT.search(Path(name).stem)):
        found.append(
            f"{name} is called {said[2]} and has no column of splits, so its questions are divided: "
            f"{1 - settings.test:.0%} train, {settings.test:.0%} test. --set test=1 makes all of them test."
        )
    names = dict.fromkeys(column for values in rows for column in values)
    used = used_columns(settings)
    for column in (column for column in names if column not in used and EXPLAINS.search(column)):
        if any(isinstance(values.get(column), str) and values[column].strip() for values in rows):
            found.append(
                f"Its column {quoted(column)} holds explanations. They can be a variant: anchorlab explanations add "
                f"{name} --dataset {dataset} --set response={column} --set prediction={settings.gold}."
            )
    return found
