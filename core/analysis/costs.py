"""What runs cost, and what each way of making preference pairs cost with all that it needs.

    run_costs(store)            # a row a run: tokens read and generated, seconds, the most memory
    strategy_costs(store)       # a row a pair set and stage, and their sum: stage "all"

Tokens are those the model read: what prompts share counts once, and `unshared_tokens` says what they would have been.
Runs of before tokens were counted so have no `unshared_tokens`; their judging counted explanations alone.  A strategy
pays for the samples and judgements that its pairs were chosen from, a debater's or teacher's with their judging, and
the trainings on its pairs; two strategies of the same samples share those, and each names them whole.
"""

import json

import pandas as pd

from core.store.database import Store

STAGES = {
    "samples": "sampling",
    "judgements": "judging",
    "debates": "debating",
    "debate_judgements": "judging the debate",
    "teacher": "the teacher's sampling",
    "teacher_judgements": "judging the teacher",
}
"""Parent of a pairs run → the stage that it is."""
TRAINING, ALL = "training", "all"

COLUMNS = ["prompt_tokens", "unshared_tokens", "new_tokens", "seconds", "peak_bytes"]
"""Tokens read, tokens that would have been read unshared, tokens generated, seconds in the model, most bytes held."""


def run_costs(store: Store) -> pd.DataFrame:
    """A row a run with costs: run, the columns of `COLUMNS`, and memory ("host" or "cuda": what peak_bytes is of)."""
    return store.frame(
        """
        SELECT run, sum((body->>'prompt_tokens')::BIGINT)::BIGINT AS prompt_tokens,
            CASE WHEN count(*) = count(body->>'unshared_tokens')
                THEN sum((body->>'unshared_tokens')::BIGINT)::BIGINT END AS unshared_tokens,
            sum((body->>'new_tokens')::BIGINT)::BIGINT AS new_tokens, sum((body->>'seconds')::DOUBLE) AS seconds,
            max((body->>'peak_bytes')::BIGINT) AS peak_bytes, any_value(body->>'memory') AS memory
        FROM events WHERE type = 'cost' GROUP BY run ORDER BY run
        """
    )


def strategy_costs(store: Store) -> pd.DataFrame:
    """A row a complete pair set and stage: pairs (run), strategy, label, stage, run, and the columns of `COLUMNS`.

    The stage "all" adds tokens and seconds up and has the most memory of any; its run is empty.
    """
    costs = run_costs(store).set_index("run").reindex(columns=COLUMNS)
    rows = [row for pairs in _pair_sets(store) for row in _stages(*pairs, costs)]
    return pd.DataFrame(rows, columns=["pairs", "strategy", "label", "stage", "run", *COLUMNS])


def _pair_sets(store: Store) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """Run, strategy, label and (stage, run) of everything that a pair set needed or was trained on."""
    sets = store.rows(
        "SELECT id, settings->>'strategy', label, parents FROM runs WHERE kind = 'pairs' AND complete "
        "ORDER BY created, id"
    )
    trained = store.rows("SELECT parents->>'pairs', id FROM runs WHERE kind = 'dpo' ORDER BY created, id")
    found = []
    for run, strategy, label, parents in sets:
        known = json.loads(parents)
        needed = [(stage, known[role]) for role, stage in STAGES.items() if role in known]
        found.append((run, strategy, label, needed + [(TRAINING, dpo) for pairs, dpo in trained if pairs == run]))
    return found


def _stages(
    pairs: str, strategy: str, label: str, stages: list[tuple[str, str]], costs: pd.DataFrame
) -> list[dict[str, object]]:
    about = {"pairs": pairs, "strategy": strategy, "label": label}
    each = costs.reindex([run for _, run in stages])
    rows = [
        about | {"stage": stage, "run": run} | values
        for (stage, run), values in zip(stages, each.to_dict("records"), strict=True)
    ]
    sums = each[COLUMNS[:-1]].sum(skipna=False).to_dict()  # what is not known of one stage is not known of all
    return [*rows, about | {"stage": ALL, "run": ""} | sums | {"peak_bytes": each["peak_bytes"].max()}]
