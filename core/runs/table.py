"""Runs as people read them: a row a run with its headline figure and cost, and what a run wrote last.

    closed = closed_runs(store)     # sealed, so that nothing of them changes: keep it as long as no run is sealed
    frame = pd.concat([open_runs(store), closed])

The two are apart because progress and cost are read from every event of a run, and only open runs get new ones.
"""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.runs.folders import in_words
from core.store.database import Store

COLUMNS = """
    r.id, r.kind, r.label, r.dataset, d.label AS dataset_name, r.state, r.error, r.quarantined, r.created, r.seconds,
    r.settings->>'mode' AS mode, r.settings->>'role' AS role, r.parents,
    coalesce(r.settings->'select'->>'split', s.settings->'select'->>'split') AS split,
    r.chain, r.summary
"""


def closed_runs(store: Store) -> pd.DataFrame:
    """Runs that have ended, newest first, with what they are, headline, done, total, and cost.

    tokens (read and generated), unshared (had each reply read its whole prompt), computing (seconds), peak_bytes.
    """
    frame = _runs(store, "r.state IS NOT NULL")
    figures = headline_figures(store)
    frame["headline"] = [headline(row, figures) for row in frame.to_dict("records")]
    return frame.drop(columns="summary")


def open_runs(store: Store) -> pd.DataFrame:
    """Runs without a seal, newest first, as `closed_runs`; whether they are alive, their folders say."""
    return _runs(store, "r.state IS NULL").assign(headline="").drop(columns="summary")


def _runs(store: Store, which: str) -> pd.DataFrame:
    """One pass over the events of these runs alone."""
    frame = store.frame(
        f"""
        WITH chosen AS (SELECT id FROM runs r WHERE {which}), progress AS (
            SELECT run, (arg_max(body, seq)->>'done')::BIGINT AS done, (arg_max(body, seq)->>'total')::BIGINT AS total
            FROM events WHERE type = 'progress' AND run IN (FROM chosen) GROUP BY run
        ), costs AS (
            SELECT run, sum((body->>'prompt_tokens')::BIGINT + (body->>'new_tokens')::BIGINT)::BIGINT AS tokens,
                CASE WHEN count(*) = count(body->>'unshared_tokens') THEN
                    sum((body->>'unshared_tokens')::BIGINT + (body->>'new_tokens')::BIGINT)::BIGINT END AS unshared,
                sum((body->>'seconds')::DOUBLE) AS computing, max((body->>'peak_bytes')::BIGINT) AS peak_bytes
            FROM events WHERE type = 'cost' AND run IN (FROM chosen) GROUP BY run
        )
        SELECT {COLUMNS}, p.done, p.total, c.tokens, c.unshared, c.computing, c.peak_bytes
        FROM runs r LEFT JOIN runs d ON d.id = r.dataset LEFT JOIN runs s ON s.id = r.parents->>'samples'
        LEFT JOIN progress p ON p.run = r.id LEFT JOIN costs c ON c.run = r.id
        WHERE {which} ORDER BY r.created DESC, r.id
        """
    )
    return frame.assign(what=list(map(in_words, frame["kind"], frame["mode"])))


# --- the headline figure of each kind


def headline_figures(store: Store) -> dict[str, float]:
    """What a seal does not say: mean score of each judge run, last reward accuracy of each DPO run."""
    judged = store.rows("SELECT run, avg(expected) FROM scores WHERE expected IS NOT NULL GROUP BY run")
    aligned = store.rows(
        "SELECT run, arg_max(accuracy, seq) FROM (SELECT run, seq, (body->'values'->>'rewards/accuracies')::DOUBLE AS "
        "accuracy FROM events WHERE type = 'metric' AND run LIKE 'dpo-%') WHERE accuracy IS NOT NULL GROUP BY run"
    )
    return dict(judged) | dict(aligned)


def headline(row: dict[str, Any], figures: dict[str, float]) -> str:
    """The figure that says most of a sealed run of its kind, with what it counts; empty where there is none.

    Of a run whose rows the database left out, why.
    """
    if row.get("quarantined"):
        return f"left out: {row['quarantined']}"
    if row["state"] != "done":
        return ""
    try:
        return _headline(row, json.loads(row["summary"]), figures.get(row["id"]))
    except (KeyError, TypeError, ValueError):  # sealed by a version that did not sum this up, or edited since
        return ""


def _headline(row: dict[str, Any], summary: dict[str, Any], figure: float | None) -> str:
    match row["kind"]:
        case "sft":
            return f"loss {summary['last_loss']:.3f}"
        case "dpo" if figure is not None:
            return f"reward accuracy {100 * figure:.0f}%"
        case "dpo":
            return f"loss {summary['last_loss']:.3f}"
        case "sample" | "responses":
            return _share_right(summary)
        case "judge":
            return _judged(summary, row["mode"], figure)
        case "pairs":
            return f"{summary['pairs']:,} pairs"
        case "import":
            return f"{summary['items']:,} questions"
        case "judgements":
            return f"{summary['rows']:,} judgements"
        case "head_to_head":
            return _compared(summary)
        case "pipeline":
            return f"{summary['runs']} runs"
    return ""


def _share_right(summary: dict[str, Any]) -> str:
    """Over responses whose question has gold, by the prediction that pages open on and by what was written alone."""
    known = summary["explanations"] - summary["unlabelled"]
    if not known:
        return "no gold"
    forced, parsed = (100 * summary[f"right_{by}"] / known for by in ("forced", "parsed"))
    if forced < parsed:  # options were not asked for their probabilities (setting `forced`)
        return f"right: {parsed:.1f}% parsed"
    return f"right: {forced:.1f}% forced, {parsed:.1f}% parsed"


def _judged(summary: dict[str, Any], mode: str, mean: float | None) -> str:
    """A reader's score is a log-probability: its unit is said, and it has no other name."""
    unparsed = f"{summary['unjudged']:,} unparsed"
    if mean is None:
        return f"no score, {unparsed}"
    return f"log p {mean:.2f}, {unparsed}".replace("-", "−") if mode == "reader" else f"mean {mean:.2f}, {unparsed}"


def _compared(summary: dict[str, Any]) -> str:
    """Flips, of the comparisons that a judge was asked about and answered in both orders."""
    return f"{summary['flips']:,} of {summary['judged'] - summary['by_rule']:,} flipped"


# --- what runs wrote


def metrics_of(store: Store, runs: Sequence[str]) -> pd.DataFrame:
    """Metrics of trainings since each worker last started: run, step, name, value."""
    rows = store.rows(
        "SELECT e.run, e.body FROM events e WHERE e.type = 'metric' AND list_contains($1, e.run) AND e.seq > coalesce("
        "(SELECT max(s.seq) FROM events s WHERE s.run = e.run AND s.type = 'started'), -1) ORDER BY e.run, e.seq",
        [list(runs)],
    )
    events = [(run, json.loads(body)) for run, body in rows]
    points = [(run, event["step"], name, value) for run, event in events for name, value in event["values"].items()]
    return pd.DataFrame(points, columns=["run", "step", "name", "value"])


def trained_on(store: Store, run: str, step: int) -> pd.DataFrame:
    """What a step of a training was trained on, in its order: item_id, question, gold, and for DPO the pair.

    A pair: reason, chosen, rejected (texts), lead (score of chosen less that of rejected).  Empty for a step that is
    not there, and for runs of before steps noted it.
    """
    query = (
        "SELECT body->'questions' FROM events WHERE run = ? AND type = 'metric' AND (body->>'step')::INT = ? "
        "ORDER BY seq DESC LIMIT 1"
    )
    noted = store.rows(query, [run, step])
    ids = (json.loads(noted[0][0]) if noted and noted[0][0] else None) or []
    return store.frame(
        """
        WITH step AS (SELECT unnest($2::VARCHAR[]) AS item_id, generate_subscripts($2::VARCHAR[], 1) AS place)
        SELECT s.item_id, i.question, i.gold, p.reason, p.chosen, p.rejected, p.chosen_score - p.rejected_score AS lead
        FROM step s JOIN runs r ON r.id = $1 JOIN items i ON i.run = r.dataset AND i.id = s.item_id
        LEFT JOIN pairs p ON p.run = r.parents->>'pairs' AND p.item_id = s.item_id
        ORDER BY s.place
        """,
        [run, ids],
    )


def newest_explanations(store: Store, run: str, count: int) -> pd.DataFrame:
    """What a sample run wrote last: item_id, sample, question, gold, response, prediction, right, tokens."""
    return store.frame(
        "SELECT e.item_id, e.sample, i.question, i.gold, e.response, coalesce(e.parsed, e.forced) AS prediction, "
        'coalesce(e.right_parsed, e.right_forced) AS "right", e.tokens FROM explanations e JOIN runs r ON r.id = e.run '
        "JOIN items i ON i.run = r.dataset AND i.id = e.item_id WHERE e.run = $1 "
        "AND e.seq >= (SELECT max(seq) FROM explanations WHERE run = $1) - $2 + 1 ORDER BY e.seq DESC",
        [run, count],
    )


def newest_scores(store: Store, run: str, count: int) -> pd.DataFrame:
    """What a judge run said last: item_id, sample, expected, total, origin, unjudged, response, verdicts (text)."""
    return store.frame(
        """
        WITH last AS (
            SELECT * FROM scores WHERE run = $1 AND seq >= (SELECT max(seq) FROM scores WHERE run = $1) - $2 + 1
        ), said AS (
            SELECT item_id, sample, string_agg(replace(criterion, '_', ' ') || ': ' || coalesce(verdict, 'unparsed'),
                '   ·   ' ORDER BY rowid) AS verdicts
            FROM verdicts WHERE run = $1 AND item_id IN (SELECT item_id FROM last) GROUP BY ALL
        )
        SELECT l.item_id, l.sample, l.expected, l.total, l.origin, l.unjudged, e.response, s.verdicts
        FROM last l LEFT JOIN said s USING (item_id, sample)
        LEFT JOIN explanations e ON e.run = l.samples AND e.item_id = l.item_id AND e.sample = l.sample
        ORDER BY l.seq DESC
        """,
        [run, count],
    )


def pipelines_with(store: Store, run: str) -> list[str]:
    """Pipelines that launched this run as a step, oldest first."""
    query = "SELECT DISTINCT run FROM events WHERE type = 'step' AND body->>'run' = ? ORDER BY run"
    return [row[0] for row in store.rows(query, [run])]


def acts_about(store: Store, runs: Sequence[str]) -> int:
    """Ratings, votes, notes and other acts of people that speak of one of these runs."""
    query = "SELECT count(*) FROM journal j WHERE action NOT IN ('archive', 'restore', 'remove') AND " + (
        "list_bool_or(list_transform($1, lambda run: contains(j.body::VARCHAR, run)))"
    )
    return store.rows(query, [list(runs)])[0][0]
