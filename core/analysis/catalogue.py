"""Who answered what, and which judges scored it: the sample runs and judges that explanations are read from.

    known = catalogue(store)
    known.run("sample-0123456789ab").judges         # judge key → judge run
    known.beside(one)                               # the variants that answered the same questions

Labels, protocols and judges are those of `core.analysis.results`, found without a single figure.  Not covered: runs
that are not complete, debaters, readers, and what was said (`core.analysis.browsing`).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from core.analysis.results import unique_labels
from core.method.repeats import judge_identity, repeat_of
from core.runs.folders import content_hash
from core.store.database import Store


@dataclass(frozen=True)
class Drawn:
    """A complete sample run, or a set of explanations written elsewhere."""

    samples: str
    """Its run."""
    label: str
    """Its variant; told apart where two variants of one protocol bear the same label."""
    dataset: str
    dataset_name: str
    protocol: str
    """Key of what was asked and how: runs that share it differ in the variant alone (as in `core.analysis.results`)."""
    n: int | None
    """Responses a question; None where they were written elsewhere."""
    responses: int
    """Explanations in all."""
    judges: dict[str, str]
    """Key of a judge → its run on these samples; readers are left out, of repeats the first counts."""


@dataclass(frozen=True)
class Catalogue:
    """All that can be read."""

    drawn: list[Drawn]
    judges: dict[str, str]
    """Key of a judge → model and mode, the one that scored most explanations first."""
    longest: int
    """Tokens of the longest response."""

    def run(self, samples: str) -> Drawn | None:
        """The sample run with this id."""
        return next((one for one in self.drawn if one.samples == samples), None)

    def beside(self, one: Drawn) -> list[Drawn]:
        """Those that answered the same questions in the same way, itself among them."""
        return [other for other in self.drawn if other.protocol == one.protocol]

    def scored_by(self, judge: str | None, datasets: Sequence[str] = (), protocol: str | None = None) -> list[str]:
        """Runs of a judge (None: the first) on these data sets and this protocol; all of them where none is named."""
        key = judge or next(iter(self.judges), "")
        known = [one for one in self.drawn if protocol in (None, one.protocol)]
        wanted = [one for one in known if not datasets or one.dataset in datasets]
        return [one.judges[key] for one in wanted if key in one.judges]


def catalogue(store: Store) -> Catalogue:
    """Complete sample runs of explainers and sets written elsewhere, oldest first, with the judges of each."""
    runs = _runs(
        store,
        "kind IN ('sample', 'responses') AND (kind = 'responses' OR settings->>'role' = 'explainer')",
    )
    asked = _runs(store, "kind = 'judge' AND settings->>'mode' <> 'reader'")
    names = dict(store.rows("SELECT id, label FROM runs WHERE kind = 'import'"))
    labels = _labels(runs)
    judged, titles = _judges(asked)
    drawn = [
        Drawn(
            samples=run["id"],
            label=labels[run["id"]],
            dataset=run["dataset"],
            dataset_name=names[run["dataset"]],
            protocol=_protocol(run),
            n=run["settings"].get("n"),
            responses=run["summary"].get("explanations", 0),
            judges=judged.get(run["id"], {}),
        )
        for run in runs
    ]
    counts = {key: sum(one.responses for one in drawn if key in one.judges) for key in titles}
    longest = store.rows("SELECT coalesce(max(tokens), 0) FROM explanations")[0][0]
    titles = dict(zip(titles, unique_labels([(title, key) for key, title in titles.items()]), strict=True))
    return Catalogue(drawn, {key: titles[key] for key in sorted(titles, key=lambda key: -counts[key])}, longest)


def _runs(store: Store, which: str) -> list[dict[str, Any]]:
    names = ("id", "kind", "label", "variant", "model", "dataset", "settings", "inputs", "parents", "summary")
    rows = store.rows(f"SELECT {', '.join(names)} FROM runs WHERE complete AND {which} ORDER BY created, id")
    parsed = ("settings", "inputs", "parents", "summary")
    return [
        {name: json.loads(value or "{}") if name in parsed else value for name, value in zip(names, row, strict=True)}
        for row in rows
    ]


def _protocol(run: dict[str, Any]) -> str:
    if run["kind"] == "responses":
        again = [run["inputs"]["reading"]] if "reading" in run["inputs"] else []
        return content_hash(["responses", run["settings"]["authors"], run["dataset"], *again])[:12]
    return content_hash([run["settings"], run["dataset"], run["inputs"]])[:12]


def _labels(runs: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Run → label, told apart among the runs of a protocol."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        groups.setdefault(_protocol(run), []).append(run)
    found = {}
    for group in groups.values():
        writers = [(run["label"], run["variant"] or run["id"].removeprefix("responses-")) for run in group]
        found |= dict(zip((run["id"] for run in group), unique_labels(writers), strict=True))
    return found


def _judges(asked: Iterable[dict[str, Any]]) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Sample run → judge key → judge run; judge key → title."""
    judged: dict[str, dict[str, str]] = {}
    titles: dict[str, str] = {}
    for run in sorted(asked, key=lambda run: repeat_of(run["settings"])):
        key = judge_identity(run["settings"], run["inputs"], run["variant"])
        judged.setdefault(run["parents"]["samples"], {}).setdefault(key, run["id"])
        titles.setdefault(key, f"{run['model']} ({run['settings']['mode']})")
    return judged, titles
