"""Judgements made elsewhere: pairwise preferences and ratings, from a file to a sealed run.

    settings = judgement_settings(path, further, {})            # `core.loading.judgement_mapping`
    folder = import_judgements(default_home(), path, settings, further)

Every choice and every rating of a file becomes a `Preference` or `Rating`, or a `Reject` that says why not; one
that was given twice is a reject.  What the figures are is `core.analysis.consensus`.  Not covered: fetching files.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from core.data.datasets import CHUNK, READING, is_done, locked, unchanged
from core.errors import BadInput, RunStopped
from core.home import Home
from core.loading.items import cell
from core.loading.judgement_mapping import judgement_settings
from core.loading.lines import SHOWN, WHOLE
from core.loading.names import is_tidy
from core.loading.preferences import Further, further_verdicts, preferences_of
from core.loading.ratings import in_parts_of_seconds, ratings_of
from core.loading.reading import Row, check_file, file_name, quoted, read_rows
from core.records import Preference, Rating, Reject
from core.runs.folders import RunConfig, RunFolder, content_hash, create_run, file_hash
from core.runs.work import Work
from core.settings import JudgementSettings, PreferenceColumns

__all__ = ["import_judgements", "judgement_settings", "preview_judgements", "read_judgements", "short_row"]

Found = Preference | Rating | Reject


def read_judgements(path: Path, settings: JudgementSettings, further: Sequence[Path] = ()) -> Iterator[Found]:
    """Every judgement of a file in order, or the reason why it is none.

    `further`: files of more verdicts on the same rows.  The file is never held in memory; of a judgement 16
    bytes are.  `BadInput`, when the first is asked for, if a file cannot be used at all.
    """
    columns = settings.columns
    if further and not isinstance(columns, PreferenceColumns):
        raise BadInput(f"{file_name(path)} holds ratings: files of further verdicts go with pairwise judgements.")
    more = further_verdicts(further, columns.key) if isinstance(columns, PreferenceColumns) else {}
    seen: set[bytes] = set()
    for row in read_rows(path, settings.header, settings.field):
        for found in _of_row(row, settings, more):
            problem = found if isinstance(found, str) else _repeated(found, seen)
            yield found if problem is None else _reject(path, row, problem)
    for key, verdicts in more.items():
        for left in verdicts:
            why = (
                f"No row of {file_name(path)} that can be used has the {columns.key} {quoted(key)}: join it by another."
            )
            yield Reject(file=left.file, row=left.row, reason=why, raw=quoted(left.value))


def _of_row(row: Row, settings: JudgementSettings, more: Further) -> Iterator[Preference | Rating | str]:
    if isinstance(settings.columns, PreferenceColumns):
        return preferences_of(row, settings, more)
    return ratings_of(row, settings)


def _repeated(found: Preference | Rating, seen: set[bytes]) -> str | None:
    """Why a judgement does not count a second time; None for a first one, which is noted."""
    if isinstance(found, Preference):
        key = [found.part, found.item_id, sorted((found.a, found.b)), found.annotator]
        said = f"{found.annotator} has compared {quoted(found.a)} and {quoted(found.b)} on this question"
    else:
        key = [found.part, found.item_id, found.variant, found.rater, found.criterion]
        said = f"{found.rater} has rated {quoted(found.variant)} on this question for {quoted(found.criterion)}"
    digest = hashlib.blake2b(content_hash(key).encode(), digest_size=16).digest()
    if digest in seen:
        return f"{said} in an earlier row too: keep one of the two."
    seen.add(digest)
    return None


def _reject(path: Path, row: Row, problem: str) -> Reject:
    raw = row.raw[:SHOWN].encode("utf-8", "replace").decode()
    return Reject(file=file_name(path), row=row.number, reason=problem, raw=raw)


def preview_judgements(
    path: Path, settings: JudgementSettings, further: Sequence[Path] = (), limit: int = 200
) -> tuple[list[Preference | Rating], list[Reject]]:
    """Judgements and rejects among the first `limit`, exactly as an import would make them."""
    found = list(islice(read_judgements(path, settings, further), limit))
    return [f for f in found if not isinstance(f, Reject)], [f for f in found if isinstance(f, Reject)]


def short_row(row: Preference | Rating) -> dict[str, Any]:
    """What a person needs of a judgement to see that the mapping is right."""
    if isinstance(row, Preference):
        names = ("question", "a", "b", "annotator", "annotator_kind", "preference", "words_a", "words_b")
    else:
        names = ("item_id", "variant", "rater", "rater_kind", "criterion", "label")
    return {name: getattr(row, name) for name in names}


# --- the sealed import


@dataclass
class Tally:
    """What is counted of a file before it is written."""

    rows: int = 0
    nothing: int = 0
    """Judgements without a choice or label: the annotator gave nothing that can be read."""
    rejects: int = 0
    first_reject: Reject | None = None
    annotators: dict[str, str] = field(default_factory=dict)
    """Annotator → person or judge."""
    variants: Counter[str] = field(default_factory=Counter)
    items: set[tuple[str | None, str]] = field(default_factory=set)

    def add(self, found: Found) -> None:
        if isinstance(found, Reject):
            self.rejects, self.first_reject = self.rejects + 1, self.first_reject or found
            return
        self.rows += 1
        self.items.add((found.part, found.item_id))
        if isinstance(found, Preference):
            self.nothing += found.preference is None
            self.annotators[found.annotator] = found.annotator_kind
            self.variants.update((found.a, found.b))
        else:
            self.nothing += found.label is None
            self.annotators[found.rater] = found.rater_kind
            self.variants[found.variant] += 1

    def summary(self) -> dict[str, Any]:
        """Counts that stand in the seal; variants → judgements, annotators → kind."""
        return {
            "rows": self.rows,
            "nothing": self.nothing,
            "rejects": self.rejects,
            "items": len(self.items),
            "annotators": dict(sorted(self.annotators.items())),
            "variants": dict(sorted(self.variants.items())),
        }


def import_judgements(home: Home, path: Path, settings: JudgementSettings, further: Sequence[Path] = ()) -> RunFolder:
    """Import a file as a sealed run of kind `judgements`, in this process; one that is done is returned.

    Rows: `preferences` or `ratings`, and `rejects`.  Summary: see `Tally`.  `BadInput` before any folder is
    made if not one row of the file can be used.
    """
    tally = Tally()
    check_file(path)
    source = file_hash(path)
    for found in read_judgements(path, settings, further):
        tally.add(found)
    if not tally.rows:
        why = f"row {tally.first_reject.row}: {tally.first_reject.reason}" if tally.first_reject else "it holds none."
        raise BadInput(f"None of the {tally.rejects} judgements of {file_name(path)} can be used; {why}")
    folder = create_run(home, judgements_config(path, settings, further, source))
    with locked(folder):
        if not is_done(folder):
            _write(folder, unchanged(path, source, read_judgements(path, settings, further)), tally)
    if not is_done(folder):
        raise RunStopped("The import was stopped: import the file again to start it over.")
    return folder


def read_otherwise(path: Path, settings: JudgementSettings) -> bool:
    """Whether the first version of this lab would have read a row of the file in another way."""
    columns = settings.columns
    roles = ("item", "variant", "rater", "criterion", "label", "id", "a_name", "b_name", "annotator", "pair")
    named = {str(column) for role in roles if (column := getattr(columns, role, None))}
    used = {column for column in columns.model_dump().values() if isinstance(column, str)}
    when = getattr(columns, "when", None)
    return any(
        WHOLE in row.otherwise
        or bool(row.otherwise & used)
        or any(not is_tidy(value) for name in named if isinstance(value := cell(row.values, name), str))
        or (when is not None and in_parts_of_seconds(cell(row.values, when)))
        for row in read_rows(path, settings.header, settings.field)
    )


def judgements_config(
    path: Path, settings: JudgementSettings, further: Sequence[Path] = (), source: str | None = None
) -> RunConfig:
    """The import of a file under a mapping, whose id is known before it is made; source: the file's hash."""
    reading = {"reading": READING} if read_otherwise(path, settings) else {}
    joined = {f"verdicts {number}": file_hash(file) for number, file in enumerate(further, 1)}
    return RunConfig(
        kind="judgements",
        label=settings.name,
        settings=settings.model_dump(mode="json"),
        inputs={"source": source or file_hash(path)} | joined | reading,
    )


def _write(folder: RunFolder, rows: Iterator[Found], tally: Tally) -> None:
    """Write an import from its start: what an earlier attempt left is dropped."""
    kinds = {"preferences": Preference, "ratings": Rating, "rejects": Reject}
    for name in (*kinds, "stop"):
        (folder.path / (name if name == "stop" else f"{name}.jsonl")).unlink(missing_ok=True)
    done = 0
    with Work(folder) as work:
        work.started()
        while chunk := list(islice(rows, CHUNK)):
            work.raise_if_stopped()
            for name, record in kinds.items():
                work.append(name, [row for row in chunk if isinstance(row, record)])
            done += len(chunk)
            work.progress(done, tally.rows + tally.rejects, "rows")
        work.summary |= tally.summary()
