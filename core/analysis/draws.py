"""Which sample runs can be looked at together: one data set, one way of sampling, a run a variant.

    for draw in draws(store):
        draw.samples                        # {"base": "sample-…", "sft": "sample-…", …} in the order of the chain

Judged or not: unlike `core.analysis.results.evaluations`, nothing here asks for a judge.  Runs of a debater are left
out.
"""

import json
from dataclasses import dataclass
from typing import Any

from core.analysis.results import protocol_of, unique_labels
from core.errors import BadInput
from core.store.database import Store

PAPER = ("base", "sft", "rank", "anchor")
"""The paper's variants, in the order of its method; others follow by age."""


@dataclass(frozen=True)
class Draw:
    """Variants that answered the same questions in the same way."""

    key: str
    """What identifies it: the protocol, which is how the key of an `Evaluation` of it begins."""
    dataset: str
    """Import run of the data set."""
    dataset_name: str
    split: str
    n: int | None
    """Responses a question; None where they were written elsewhere and each question has its own number."""
    samples: dict[str, str]
    """Variant label → its sample run, in the order of the chain."""

    @property
    def drawn(self) -> str:
        """How many responses a question has."""
        return f"N={self.n}" if self.n else "written elsewhere"

    @property
    def title(self) -> str:
        """Data set, split, responses and variants in a line."""
        return f"{self.dataset_name} / {self.split}, {self.drawn}: {', '.join(self.samples)}"


def draws(store: Store) -> list[Draw]:
    """Every protocol with complete runs, those with most variants first, the newest first among equals."""
    columns = ("id", "kind", "label", "variant", "chain", "dataset", "settings", "inputs", "created")
    rows = store.rows(
        f"SELECT d.label, {', '.join(f's.{name}' for name in columns)} FROM runs s JOIN runs d ON d.id = s.dataset "
        "WHERE s.complete AND (s.kind = 'responses' OR s.kind = 'sample' AND s.settings->>'role' = 'explainer') "
        "ORDER BY s.created, s.id"
    )
    groups: dict[str, list[dict[str, Any]]] = {}
    for name, *values in rows:
        run = dict(zip(columns, values, strict=True)) | {"dataset_name": name}
        run |= {column: json.loads(run[column]) for column in ("settings", "inputs")}
        groups.setdefault(protocol_of(run), []).append(run)
    found = [_draw(key, runs) for key, runs in groups.items()]
    return sorted(reversed(found), key=lambda draw: -len(draw.samples))


def find_draw(store: Store, key: str) -> Draw:
    """The draw with this key, or the one that holds this sample run; `BadInput` where there is none."""
    known = draws(store)
    for draw in known:
        if key == draw.key or key in draw.samples.values():
            return draw
    raise BadInput(f"No complete sample run of a variant is {key!r}: `anchorlab runs` lists them.")


def _draw(key: str, runs: list[dict[str, Any]]) -> Draw:
    labels = unique_labels([(run["label"], run["variant"] or run["id"].removeprefix("responses-")) for run in runs])
    named = sorted(zip(labels, runs, strict=True), key=lambda pair: _place(pair[1]))
    first = runs[0]
    return Draw(
        key=key,
        dataset=first["dataset"],
        dataset_name=first["dataset_name"],
        split=first["settings"].get("select", {}).get("split", "all"),
        n=first["settings"].get("n"),
        samples={label: run["id"] for label, run in named},
    )


def _place(run: dict[str, Any]) -> tuple[int, int, float]:
    paper = PAPER.index(run["label"]) if run["label"] in PAPER else len(PAPER)
    return len(run["chain"] or []), paper, run["created"]
