"""Which samples can be made into preference pairs, and everything that building them reads.

    for source in pair_sources(store):
        material = read_material(home, store, source, "expected")
        pairs, dropped = material.build(PairSettings(strategy="rank"))

Building is pure and quick; reading is what takes time, so a page keeps a material.  Not covered:
starting the run that writes such a set down (`core.runs.plan.run_config` takes `source.parents(settings)`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from core.analysis.pair_lint import SideFacts
from core.data.datasets import load_items
from core.home import Home
from core.method.pairs import Judged, Question, candidates, narrowed, questions_of
from core.records import Dropped, Explanation, Item, Pair, RightBy
from core.runs.folders import RunFolder
from core.settings import PairSettings
from core.store.database import Store


@dataclass(frozen=True)
class PairSource:
    """A variant's judged samples, and the debater's where a debater argued about them."""

    dataset: str
    """Import run."""
    samples: str
    judgements: str
    debates: str | None
    """Sample run of the debater; None where none argued about these samples, or nobody judged it."""
    debate_judgements: str | None
    title: str
    teacher: str | None = None
    """Sample run of a teacher on the same questions; None where none answered them, or nobody judged it."""
    teacher_judgements: str | None = None

    @property
    def key(self) -> str:
        """What identifies it: its samples and their judge."""
        return f"{self.samples}+{self.judgements}"

    def parents(self, settings: PairSettings) -> dict[str, str]:
        """Parents of a pairs run with these settings, by role."""
        own = {"dataset": self.dataset, "samples": self.samples, "judgements": self.judgements}
        debate = {"debates": self.debates, "debate_judgements": self.debate_judgements}
        taught = {"teacher": self.teacher, "teacher_judgements": self.teacher_judgements}
        wanted = (debate if settings.debated else {}) | (taught if settings.taught else {})
        return own | {role: run for role, run in wanted.items() if run}


def pair_sources(store: Store) -> list[PairSource]:
    """Every judged sample run of a variant, those with a debater first, the newest first among equals.

    Readers are left out: they give no scores.  Explanations written elsewhere cannot be trained on.
    """
    judged = store.frame(
        "SELECT j.id AS judge, j.model, j.settings->>'mode' AS mode, j.variant || j.inputs || j.settings AS same, "
        "s.id, s.label, s.settings->>'role' AS role, s.settings->'select'->>'split' AS split, s.settings->>'n' AS n, "
        "s.parents->>'samples' AS about, s.settings->>'select' AS questions, s.dataset, d.label AS name FROM runs j "
        "JOIN runs s ON s.id = j.parents->>'samples' JOIN runs d ON d.id = s.dataset WHERE j.kind = 'judge' "
        "AND j.settings->>'mode' <> 'reader' AND s.kind = 'sample' AND j.complete AND s.complete "
        "ORDER BY s.created DESC, j.created DESC, j.id"
    )
    own = judged[judged["role"] == "explainer"]
    debates = judged[judged["role"] == "debater"]
    teachers = judged[judged["role"] == "teacher"]
    found = [_source(row, debates, teachers) for row in own.to_dict("records")]
    return sorted(found, key=lambda source: source.debates is None)


def _source(row: Mapping[str, Any], debates: pd.DataFrame, teachers: pd.DataFrame) -> PairSource:
    """With the debate about these samples and the teacher of these questions; of several by the same judge."""
    debate = _by_same_judge(row, debates[debates["about"] == row["id"]])
    same_questions = (teachers["dataset"] == row["dataset"]) & (teachers["questions"] == row["questions"])
    teacher = _by_same_judge(row, teachers[same_questions])
    return PairSource(
        dataset=row["dataset"],
        samples=row["id"],
        judgements=row["judge"],
        debates=debate.get("id"),
        debate_judgements=debate.get("judge"),
        teacher=teacher.get("id"),
        teacher_judgements=teacher.get("judge"),
        title=f"{row['label']} on {row['name']} / {row['split']}, N={row['n']}, judged by {row['model']} "
        f"({row['mode']}){', with a debater' if debate else ''}  ({row['id']}, {row['judge']})",
    )


def _by_same_judge(row: Mapping[str, Any], found: pd.DataFrame) -> dict[str, Any]:
    """The newest of these runs that the judge of the samples judged, else the newest; empty where there is none."""
    fitting = found[found["same"] == row["same"]]
    return next(iter((fitting if len(fitting) else found).to_dict("records")), {})


@dataclass(frozen=True)
class Material:
    """Everything that pairs are built from, read once."""

    source: PairSource
    items: Mapping[str, Item]
    own: Judged
    debates: Judged | None
    teacher: Judged | None
    facts: Mapping[tuple[str, str, int], SideFacts]
    """(sample run, item, sample) → tokens and verdicts of a response."""
    _questions: dict[RightBy, list[Question]] = field(default_factory=dict, repr=False)

    def build(self, settings: PairSettings) -> tuple[list[Pair], list[Dropped]]:
        """Pairs and dropped questions under these settings; their score must be the one that was read."""
        return narrowed(self.candidates(settings), settings)

    def candidates(self, settings: PairSettings) -> list[Pair | Dropped]:
        """What each question gives before `core.method.pairs.narrowed`, which is quick where this takes time."""
        return candidates(self.items, self.questions(settings.right_by), settings)

    def questions(self, right_by: RightBy) -> list[Question]:
        """The questions with their candidates, made once: what is chosen of them hangs on the other settings."""
        if right_by not in self._questions:
            self._questions[right_by] = questions_of(self.items, self.own, self.debates, right_by, self.teacher)
        return self._questions[right_by]


def read_material(home: Home, store: Store, source: PairSource, score: Literal["expected", "total"]) -> Material:
    """Questions, responses, scores, verdicts and tokens of a source; its runs are sealed, and their rows checked."""
    items = {item.id: item for item in load_items(RunFolder(home.runs / source.dataset))}
    own, facts = _judged(home, store, source.samples, source.judgements, score)
    debates = teacher = None
    if source.debates and source.debate_judgements:
        debates, more = _judged(home, store, source.debates, source.debate_judgements, score)
        facts |= more
    if source.teacher and source.teacher_judgements:
        teacher, more = _judged(home, store, source.teacher, source.teacher_judgements, score)
        facts |= more
    return Material(source, items, own, debates, teacher, facts)


Facts = dict[tuple[str, str, int], SideFacts]


def _judged(
    home: Home, store: Store, samples: str, judge: str, score: Literal["expected", "total"]
) -> tuple[Judged, Facts]:
    """What `core.method.pairs.read_judged` reads from the folders, from the database, which is quicker."""
    names = list(Explanation.model_fields)
    rows = store.rows(f"SELECT {', '.join(names)} FROM explanations WHERE run = ? ORDER BY seq", [samples])
    explanations = [Explanation(**dict(zip(names, row, strict=True))) for row in rows]
    column = {"expected": "expected", "total": "total"}[score]
    found = store.rows(
        f"SELECT item_id, sample, tokens, by_criterion, parsed IS NOT NULL, {column}::DOUBLE FROM scores WHERE run = ?",
        [judge],
    )
    scores = {(item, sample): value for item, sample, *_, value in found if value is not None}
    facts = {
        (samples, item, sample): SideFacts(tokens, tuple(values), readable)
        for item, sample, tokens, values, readable, _ in found
    }
    return Judged(RunFolder(home.runs / samples), explanations, scores), facts


def criteria_of_judge(store: Store, judge: str) -> list[str]:
    """Keys of the criteria that a judge run was asked about, in the order of its rubric."""
    first = store.rows("SELECT item_id, sample FROM verdicts WHERE run = ? ORDER BY seq LIMIT 1", [judge])
    if not first:
        return []
    query = "SELECT criterion FROM verdicts WHERE run = ? AND item_id = ? AND sample = ? ORDER BY seq, rowid"
    return [row[0] for row in store.rows(query, [judge, *first[0]])]
