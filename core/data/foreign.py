"""Explanations written elsewhere, by people or other models: a file becomes responses to questions, sealed.

    settings = load_responses(path)                                 # `core.loading.written`; look, then change
    runs = import_responses(default_home(), path, settings)         # the file brings its questions
    runs = import_responses(home, path, settings, "import-0c1…")    # or they are matched to a data set

A run of kind `responses` holds `Explanation` rows, so it is judged, sorted into categories and compared as a
sample run is.  Authors are samples of one variant (one run), or each is a variant (a run each).  A response is
right if its prediction is the question's gold; what the file itself says about that is compared and counted.
One without a readable prediction is unparsed, and so wrong.  As nothing is generated here, `tokens` are words,
`finish` is "end", `seed` 0, and `forced` is the prediction.  Not covered: pairs and training (see `core.runs.plan`).
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.data.datasets import import_dataset, is_done, load_items, locked, read_items
from core.errors import BadInput
from core.home import Home
from core.loading.items import RowProblem, cell, gold_at, text_of
from core.loading.kinds import kind_of
from core.loading.lines import SHOWN
from core.loading.mapping import LOOKED_AT
from core.loading.names import tidy
from core.loading.reading import Row, check_file, file_name, quoted
from core.loading.written import check_columns, has, response_rows
from core.method.parsing import READING, read_option, read_response
from core.method.sampling import summarise
from core.records import Explanation, Item, Reject
from core.runs.folders import RunConfig, RunFolder, content_hash, create_run, file_hash, find_run
from core.runs.work import Work
from core.settings import ResponsesSettings
from core.store.database import Store

MOST_SAMPLES = 1_000_000

ID = "id of the question"
"""Column of the ids in the rows that a file's own questions are imported from."""


@dataclass
class Written:
    """The explanations of one run to be, and what was noted while they were read."""

    label: str
    by: str | None
    """The author, where each is a variant."""
    explanations: list[Explanation] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    authors: list[str | None] = field(default_factory=list)
    """Who wrote sample 0, 1, …, where the file says so."""
    counts: Counter[str] = field(default_factory=Counter)
    """not_options: predictions that name no option; marked, marked_otherwise: what the file calls right."""


# --- whose question it is


@dataclass(frozen=True)
class OwnQuestions:
    """The questions that a file brings: each once, with an id."""

    rows: list[dict[str, Any]]
    known: dict[str, tuple[str, str]]
    """Key of a question → its id and a hash of all that is said of it."""

    @classmethod
    def of(cls, rows: Sequence[Row], settings: ResponsesSettings) -> "OwnQuestions":
        found = cls([], {})
        for row in (row for row in rows if row.problem is None):
            asked = _asked(row.values, settings)
            key, named = _key(row.values, asked, settings)
            if key not in found.known:
                found.known[key] = (named or str(row.number), content_hash(asked))
                found.rows.append(asked | {ID: found.known[key][0]})
        return found

    def id_of(self, values: dict[str, Any], settings: ResponsesSettings) -> str:
        asked = _asked(values, settings)
        key, _ = _key(values, asked, settings)
        found, whole = self.known[key]
        if content_hash(asked) != whole:
            raise RowProblem(f"The question {quoted(found)} is another one in an earlier row: give each its own id.")
        return found


def _asked(values: dict[str, Any], settings: ResponsesSettings) -> dict[str, Any]:
    """What a row says of its question, by the columns of the mapping, as JSON has it."""
    columns = [settings.question, settings.gold, settings.context, settings.split]
    options = settings.options or ""
    columns += [name.strip() for name in options.split(",")] if cell(values, options) is None else [options]
    found = {name: cell(values, name) for name in columns if name}
    there = {name: value for name, value in found.items() if name in values or value is not None}
    return json.loads(json.dumps(there, default=str))


def _key(values: dict[str, Any], asked: dict[str, Any], settings: ResponsesSettings) -> tuple[str, str | None]:
    """What tells questions apart (an id, else all that is asked), and the id where there is one."""
    try:
        named = text_of(cell(values, settings.id), "id") if settings.id else None
    except RowProblem:
        named = None
    return (f"id {named}", named) if named else (f"text {content_hash(asked)}", None)


def own_items(
    own: OwnQuestions, path: Path, settings: ResponsesSettings, home: Home | None
) -> tuple[str | None, list[Item], dict[str, str]]:
    """The file's questions as a data set, imported where a home is given (its id comes first, else None).

    Last comes why a question did not load, by its id.
    """
    mapping = settings.questions().model_copy(update={"id": ID})
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{Path(file_name(path)).stem}-questions.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in own.rows))
        try:
            found = list(read_items(file, mapping))
        except BadInput as problem:
            raise _no_questions(path, settings, str(problem).replace(file_name(file), file_name(path))) from None
        run = import_dataset(home, file, mapping).id if home else None
    ids = [str(row[ID]) for row in own.rows]
    why = {ids[row.row - 1]: row.reason for row in found if isinstance(row, Reject)}
    return run, [row for row in found if isinstance(row, Item)], why


def _no_questions(path: Path, settings: ResponsesSettings, why: str) -> BadInput:
    """The sentence for a file whose questions cannot be read, which may hold something else."""
    whole = [row.values for row in islice(response_rows(path, settings), LOOKED_AT)]
    if kind := kind_of(whole):
        then = kind.then.format(file=file_name(path))
        return BadInput(f"{file_name(path)} holds {kind.found}, and no explanations with their questions. {then}")
    about = why.replace("anchorlab data preview", "anchorlab explanations preview")
    return BadInput(f"{about} Or name the data set that these explanations answer with --dataset ID.")


class DatasetQuestions:
    """The questions of a data set, found by id, or by their text where that is unique."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._ids = {item.id for item in items}
        self._by_text: dict[str, list[str]] = {}
        for item in items:
            self._by_text.setdefault(_folded(item.question), []).append(item.id)

    def id_of(self, values: dict[str, Any], settings: ResponsesSettings) -> str:
        named = text_of(cell(values, settings.id), "id") if settings.id else None
        if named is not None:
            if named not in self._ids:
                raise RowProblem(f"The data set has no question {quoted(named)}: name its id, or leave the id out.")
            return named
        question = text_of(cell(values, settings.question), "question")
        if question is None:
            raise RowProblem("It has neither a question's id nor its text: fill one of them.")
        found = self._by_text.get(_folded(question), [])
        if len(found) != 1:
            how = "no question" if not found else f"{len(found)} questions"
            raise RowProblem(f"The data set has {how} that reads {quoted(question)}: name the question by its id.")
        return found[0]


def _folded(text: str) -> str:
    return " ".join(tidy(text).split()).casefold()


def answered_dataset(store: Store, path: Path, settings: ResponsesSettings) -> str | None:
    """The data set that holds most questions of the first rows, by their text; None where none holds half of them."""
    rows = islice(response_rows(path, settings), LOOKED_AT)
    texts = {_folded(str(cell(row.values, settings.question) or "")) for row in rows if row.problem is None} - {""}
    found = store.rows(
        "SELECT i.run, count(DISTINCT lower(i.question)) AS known FROM items i JOIN datasets d ON d.id = i.run "
        "WHERE list_contains($1, trim(regexp_replace(lower(i.question), '\\s+', ' ', 'g'))) "
        "GROUP BY i.run, d.created ORDER BY known DESC, d.created DESC LIMIT 1",
        [sorted(texts)],
    )
    return found[0][0] if found and 2 * found[0][1] >= len(texts) else None


# --- rows to explanations


class Reader:
    """Rows of a file, one after another, as explanations of the runs they belong to."""

    def __init__(
        self, name: str, settings: ResponsesSettings, items: Sequence[Item], why: dict[str, str] | None = None
    ) -> None:
        self._why = why or {}
        self.runs: dict[str | None, Written] = {}
        self._name = name
        self._settings = settings
        self._items = {item.id: item for item in items}
        self._seen: set[tuple[str, str | None, int]] = set()
        self._counted: Counter[tuple[str, str | None]] = Counter()
        self._numbers: dict[tuple[str | None, int], int] = {}

    def take(self, row: Row, id_of: Callable[[dict[str, Any], ResponsesSettings], str]) -> None:
        """Add the row's explanation, or its reject, to the run of its author."""
        author: str | None = None
        try:
            if row.problem is not None:
                raise RowProblem(row.problem)
            author = self._author(row.values)
            item = self._item(id_of(row.values, self._settings))
            sample = self._sample(row.values, item.id, author)
            run = self._run(author)
            explanation = self._explanation(row.values, item, sample, run)
            run.explanations.append(explanation)
            self._mark(row.values, explanation.parsed == item.gold, run)
        except RowProblem as problem:
            raw = row.raw[:SHOWN].encode("utf-8", "replace").decode()
            reject = Reject(file=self._name, row=row.number, reason=str(problem), raw=raw)
            self._run(author).rejects.append(reject)

    def _run(self, author: str | None) -> Written:
        by = author if self._settings.authors == "variants" else None
        if by not in self.runs:
            self.runs[by] = Written(by or self._settings.name, by)
        return self.runs[by]

    def _author(self, values: dict[str, Any]) -> str | None:
        author = text_of(cell(values, self._settings.author), "author") if self._settings.author else None
        if author is None and self._settings.authors == "variants":
            raise RowProblem(f"It has no author in column {quoted(self._settings.author)}: say who wrote it.")
        return tidy(author) if author else None

    def _item(self, item_id: str) -> Item:
        if item_id not in self._items:
            why = self._why.get(item_id, "it is not in the data set.")
            raise RowProblem(f"Its question {quoted(item_id)} did not load: {why[0].lower()}{why[1:]}")
        return self._items[item_id]

    def _sample(self, values: dict[str, Any], item_id: str, author: str | None) -> int:
        """The response's number in its run; authors who are samples have numbers in the order they appear."""
        if self._settings.sample:
            own = _whole(text_of(cell(values, self._settings.sample), "sample number"))
        else:
            own = self._counted[item_id, author]
            self._counted[item_id, author] += 1
        if (item_id, author, own) in self._seen:
            who = f"response {own}" + (f" of {quoted(author)}" if author else "")
            raise RowProblem(f"An earlier row is {who} to {quoted(item_id)} too: give it another number, or drop it.")
        self._seen.add((item_id, author, own))
        if author is None or self._settings.authors == "variants":
            return own
        number = self._numbers.setdefault((author, own), len(self._numbers))
        written = self._run(author).authors
        written += [author] * (number + 1 - len(written))
        return number

    def _explanation(self, values: dict[str, Any], item: Item, sample: int, run: Written) -> Explanation:
        settings = self._settings
        if not has(values, settings.response):
            raise RowProblem(
                f"It has no column {quoted(settings.response)}: give it one, with an empty text if need be."
            )
        response = text_of(cell(values, settings.response), "explanation") or ""
        if settings.prediction is None:
            found = read_response(response, item.options)
            explanation, label, unread = found.explanation, found.label, found.unread
        else:
            said = text_of(cell(values, settings.prediction), "prediction")
            explanation, label = response.strip(), said and _predicted(said, item, settings)
            unread = None if label or not item.options else "unknown_option" if said else "none"
            run.counts["not_options"] += said is not None and label is None
        return Explanation(
            item_id=item.id,
            sample=sample,
            response=response,
            explanation=explanation,
            parsed=label,
            forced=label,
            forced_probabilities=None,
            tokens=len(response.split()),
            finish="end",
            seed=0,
            unread=unread,
            reading=READING,
        )

    def _mark(self, values: dict[str, Any], right: bool, run: Written) -> None:
        marked = cell(values, self._settings.right) if self._settings.right else None
        said = {"true": True, "1": True, "false": False, "0": False}.get(str(marked).strip().lower())
        run.counts["marked"] += said is not None
        run.counts["marked_otherwise"] += said is not None and said != right


def _predicted(said: str, item: Item, settings: ResponsesSettings) -> str | None:
    """The option that a prediction names, in the notation of gold; None where it names none."""
    if settings.gold_base is None:
        return read_option(said, item.options)
    try:
        return gold_at(said, item.options, settings.gold_base)
    except RowProblem:
        return None


def _whole(text: str | None) -> int:
    number = int(text) if text and text.strip().isdecimal() else -1
    if not 0 <= number < MOST_SAMPLES:
        raise RowProblem(f"Its sample number {quoted(text)} is no whole number from 0 on: correct it.")
    return number


def read_responses(
    path: Path, settings: ResponsesSettings, home: Home, dataset: str | None = None, *, keep: bool = False
) -> tuple[str | None, list[Item], list[Written]]:
    """Data set (None where the file's own questions are not kept), its questions, and the runs to be.

    `keep`: import the questions that the file brings.  `BadInput` if the file, or not one of its rows, can be used.
    """
    rows = list(response_rows(path, settings))
    check_columns(path, rows, settings, brings_questions=dataset is None)
    why: dict[str, str] = {}
    if dataset is None:
        own = OwnQuestions.of(rows, settings)
        found, items, why = own_items(own, path, settings, home if keep else None)
        id_of = own.id_of
    else:
        found = find_run(home, dataset).id
        items = load_items(RunFolder(home.runs / found))
        id_of = DatasetQuestions(items).id_of
    reader = Reader(file_name(path), settings, items, why)
    for row in rows:
        reader.take(row, id_of)
    return found, items, _usable(path, list(reader.runs.values()))


def _usable(path: Path, runs: list[Written]) -> list[Written]:
    """Runs with explanations; rejects of rows that belong to none of them are the first one's."""
    usable = [run for run in runs if run.explanations]
    if not usable:
        first = next(reject for run in runs for reject in run.rejects)
        rows = sum(len(run.rejects) for run in runs)
        raise BadInput(f"None of the {rows} rows of {file_name(path)} can be used; row {first.row}: {first.reason}")
    for run in runs:
        if not run.explanations:
            usable[0].rejects += run.rejects
    return usable


# --- the sealed runs


def import_responses(
    home: Home, path: Path, settings: ResponsesSettings, dataset: str | None = None
) -> list[RunFolder]:
    """Import a file as sealed runs of kind `responses`, in this process; those that are done are returned.

    `dataset`: id of the data set, or its beginning; None imports the file's own questions first.  Summary of a
    run: that of a sample run, and rejects, authors (of sample 0, 1, …), not_options, marked, marked_otherwise,
    repeated (explanations whose text stands at another question too).
    """
    if dataset is None:
        read_responses(path, settings, home)  # a file without a usable row is refused before anything is made
    check_file(path)
    source = file_hash(path)
    found, items, runs = read_responses(path, settings, home, dataset, keep=True)
    if file_hash(path) != source:
        raise BadInput(f"{file_name(path)} changed while it was read: import it again.")
    return [_sealed(home, _config(run, settings, str(found), source), run, items) for run in runs]


def _config(run: Written, settings: ResponsesSettings, dataset: str, source: str) -> RunConfig:
    values = settings.model_copy(update={"by": run.by}).model_dump(mode="json")
    parents, inputs = {"dataset": dataset}, {"source": source}
    return RunConfig(kind="responses", label=run.label, settings=values, parents=parents, inputs=inputs)


def _sealed(home: Home, config: RunConfig, run: Written, items: Sequence[Item]) -> RunFolder:
    folder = create_run(home, config)
    with locked(folder):
        if not is_done(folder):
            _write(folder, run, items)
    return folder


def _write(folder: RunFolder, run: Written, items: Sequence[Item]) -> None:
    """Write a run from its start: what an earlier attempt left is dropped."""
    for name in ("explanations.jsonl", "rejects.jsonl", "stop"):
        (folder.path / name).unlink(missing_ok=True)
    place = {item.id: n for n, item in enumerate(items)}
    rows = sorted(run.explanations, key=lambda row: (place[row.item_id], row.sample))
    answered = {row.item_id for row in rows}
    with Work(folder) as work:
        work.started()
        work.event("loaded", engine="imported")
        work.append("explanations", rows)
        work.append("rejects", run.rejects)
        work.progress(len(rows), len(rows), "explanations")
        work.summary |= summarise(rows, [item for item in items if item.id in answered])
        work.summary |= {"rejects": len(run.rejects), "authors": run.authors, "repeated": _repeated(rows)}
        work.summary |= {name: run.counts[name] for name in ("not_options", "marked", "marked_otherwise")}


def _repeated(rows: Sequence[Explanation]) -> int:
    """Explanations whose text stands at another question too: a template that nobody filled in, say."""
    asked: dict[str, set[str]] = {}
    for row in rows:
        asked.setdefault(row.explanation, set()).add(row.item_id)
    return sum(bool(row.explanation) and len(asked[row.explanation]) > 1 for row in rows)
