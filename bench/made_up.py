"""What the pages show beside runs, made up for `pages.py`: annotators at work, judgements made elsewhere, many runs.

    add_people(home)            # three queues, two annotators, a set of pairwise judgements
    add_runs(home, 2000)        # finished trainings without a result

What is there already stays: a lab can be measured again.  Not covered: sampled and judged explanations, which are
`store.make_lab`.
"""

import json
import random

from store import LABELS, MODEL, VARIANTS, batches

from core.annotation.queues import open_queue
from core.annotation.records import ANSWER, ANSWER_LABELS, Draft, Queue, QueueSettings
from core.annotation.writing import rate, spot_check, vote
from core.data.judgements import import_judgements, judgement_settings
from core.home import Home
from core.models.variants import use_of
from core.rubrics import load_rubric
from core.runs.folders import create_run
from core.runs.plan import run_config
from core.runs.work import Work
from core.settings import SftSettings
from core.store.database import Store, open_store

RATERS = ("ada", "ben")
TASKS = 300
DONE = 200
JUDGED_PAIRS = 5000


def add_people(home: Home) -> None:
    """Queues of each kind with tasks handed in by two annotators, and preferences of three people and a judge."""
    add_preferences(home)
    if home.journal.exists():
        return
    with open_store(home) as store:
        store.ingest()
        for kind in ("rate", "spot-check", "pairwise"):
            queue = open_queue(store, _settings(store, kind))
            for rater in RATERS:
                for task in queue.tasks[:DONE]:
                    _hand_in(store, rater, queue, task)


def _settings(store: Store, kind: str) -> QueueSettings:
    runs = store.rows(
        "SELECT s.label, s.id, j.id, s.dataset FROM runs j JOIN runs s ON s.id = j.parents->>'samples' "
        "WHERE j.kind = 'judge' AND j.complete ORDER BY s.created"
    )
    chosen = runs[:2] if kind == "pairwise" else runs
    return QueueSettings(
        kind=kind,
        dataset=chosen[0][3],
        samples={label: samples for label, samples, _, _ in chosen},
        judges={label: judge for label, _, judge, _ in chosen},
        size=TASKS,
        overlap=DONE,
    )


def _hand_in(store: Store, rater: str, queue: Queue, task) -> None:
    """What a die says, by task and rater."""
    dice, labels = random.Random(f"{task.key} {rater}"), load_rubric(queue.settings.rubric).labels
    match queue.settings.kind:
        case "rate":
            keys = [criterion.key for criterion in load_rubric(queue.settings.rubric).criteria]
            said = {key: dice.choice(labels) for key in keys} | {ANSWER: dice.choice(ANSWER_LABELS)}
            rate(store, rater, queue, task, Draft(labels=said, seconds=20))
        case "spot-check":
            said = {task.criterion: dice.choice(labels)}
            judge = queue.settings.judges[task.shown[0].variant]
            spot_check(store, rater, queue, task, Draft(labels=said, seconds=6), judge, dice.choice(labels))
        case _:
            said = {"vote": dice.choice(["left", "right", "both good", "both bad"])}
            vote(store, rater, queue, task, Draft(labels=said, seconds=15))


def add_preferences(home: Home) -> None:
    """A file of pairwise choices and its import."""
    path, dice = home.path / "choices.jsonl", random.Random(0)
    rows = [
        {
            "instruction": f"What is thing {i} usually made of?",
            "generator_1": VARIANTS[i % 4],
            "generator_2": VARIANTS[(i + 1) % 4],
            "output_1": f"{LABELS[i % 6]} of some kind",
            "output_2": f"It is {LABELS[i % 5]}, as things go",
            "annotator": annotator,
            "preference": dice.choice([1, 2]),
        }
        for i in range(JUDGED_PAIRS // 4)
        for annotator in ("ada", "ben", "cat", "gpt-made-up")
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    import_judgements(home, path, judgement_settings(path, (), {"judges": ["gpt*"]}))


def add_runs(home: Home, count: int) -> None:
    """Finished SFT runs that trained nothing, told apart by their seed."""
    dataset = next(path.name for path in home.runs.glob("import-*"))
    for seeds in batches(range(count), 100):
        for seed in seeds:
            settings = SftSettings(seed=seed)
            config = run_config("sft", f"made up {seed}", settings, {"dataset": dataset}, use_of(MODEL))
            if not (home.runs / config.id).exists():
                with Work(create_run(home, config)) as work:
                    work.started()
                    work.progress(40, 40, "steps")
                    work.cost(1000, 0, 3.0)
                    work.summary |= {"loss": seed / 1000}
