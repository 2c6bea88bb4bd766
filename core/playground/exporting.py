"""What rooms asked, saw and said, for other programs: a session whole, or the votes of all sessions.

    export(store, session, "md")                # JSON (everything), CSV (a row an answer), Markdown (to read)
    export_votes(store, Path("votes.parquet"))  # a row a vote and criterion

Blind rounds that have not been revealed are left out and counted: a file must not say what the page hides.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from core.errors import BadInput
from core.playground.records import OVERALL, PLACES, Answer, Round
from core.playground.sessions import kept_round, rounds_of, session_exists, vote_of
from core.statistics.words import number
from core.store.database import FORMULA, Store

VOTES = """
    SELECT v.session, v.round, strftime(to_timestamp(v.t) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS time,
        p.question, v.criterion, v.choice, v.label AS variant, c.a, c.b, c.c, c.d, p.judge
    FROM votes v JOIN play_rounds p ON p.round = v.round JOIN (
        SELECT round, max(label) FILTER (place = 0) AS a, max(label) FILTER (place = 1) AS b,
            max(label) FILTER (place = 2) AS c, max(label) FILTER (place = 3) AS d
        FROM play_answers GROUP BY round
    ) c ON c.round = v.round
    WHERE v.revealed ORDER BY p.seq, v.criterion <> 'overall', v.criterion
"""
"""Votes on rounds that were revealed; `a` to `d` are the variants of the columns, `variant` the one voted for."""


def export(store: Store, session: str, form: str) -> str:
    """A session in one of `FORMS`; raises BadInput for an unknown session or form."""
    if form not in FORMS:
        raise BadInput(f"A session is written as {', '.join(FORMS)}, not {form}.")
    return FORMS[form](gathered(store, session))


def gathered(store: Store, session: str) -> dict[str, Any]:
    """A session as one document: its rounds with questions, answers, verdicts, the vote; how many are hidden."""
    if not session_exists(store, session):
        raise BadInput(f"There is no session {session}: `anchorlab votes list` shows them.")
    listed = rounds_of(store, session).to_dict("records")
    shown = [row for row in listed if not row["blind"] or _known(row["revealed"])]
    return {
        "session": session,
        "hidden": len(listed) - len(shown),
        "rounds": [_round(kept_round(store, row["round"]), vote_of(store, row["round"]), row["t"]) for row in shown],
    }


def _known(moment: float | None) -> bool:
    return moment is not None and moment == moment  # NaN is pandas' word for none


def _round(found: Round, votes: Mapping[str, str], t: float) -> dict[str, Any]:
    wish = found.wish
    return {
        "round": wish.round,
        "time": _moment(t),
        "blind": wish.blind,
        "question": wish.item.question,
        "context": wish.item.context,
        "options": [option.model_dump() for option in wish.item.options],
        "gold": wish.item.gold,
        "judge": wish.judge,
        "temperature": wish.temperature,
        "max_new_tokens": wish.max_new_tokens,
        "seed": wish.seed,
        "votes": dict(votes),
        "answers": [_answer(found, found.answers[place]) for place in sorted(found.answers)],
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _answer(found: Round, answer: Answer) -> dict[str, Any]:
    contender, judgement, row = found.wish.contenders[answer.place], answer.judgement, answer.row
    verdicts = judgement.verdicts if judgement else []
    return {
        "column": PLACES[answer.place],
        "variant": contender.label,
        "samples": contender.run,
        "response": row.response,
        "explanation": row.explanation,
        "parsed": row.parsed,
        "forced": row.forced,
        "probabilities": answer.probabilities,
        "tokens": row.tokens,
        "seconds": answer.seconds,
        "seconds_to_first_token": answer.first,
        "total": judgement.total if judgement else None,
        "expected": judgement.expected if judgement else None,
        "unjudged": judgement.unjudged if judgement else None,
        "verdicts": {verdict.criterion: verdict.verdict for verdict in verdicts},
    }


def as_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def as_csv(document: Mapping[str, Any]) -> str:
    """A row an answer; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    rows = [row for found in document["rounds"] for row in _csv_rows(document["session"], found)]
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["session"]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    writer.writerows({name: _safe(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _csv_rows(session: str, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for answer in found["answers"]:
        row = {"session": session} | {name: found[name] for name in ("round", "time", "blind", "question", "gold")}
        row["options"] = " · ".join(f"{option['label']}: {option['text']}" for option in found["options"])
        row |= {name: found[name] for name in ("judge", "temperature", "max_new_tokens", "seed")}
        row |= {name: value for name, value in answer.items() if name not in ("verdicts", "probabilities")}
        row |= {f"verdict_{name}": verdict for name, verdict in answer["verdicts"].items()}
        rows.append(row | {f"vote_{name}": choice for name, choice in found["votes"].items()})
    return rows


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and re.match(FORMULA, value) else value


def as_markdown(document: Mapping[str, Any]) -> str:
    """To read: what was asked and answered stands in fences, so that none of it is rendered."""
    count, hidden = len(document["rounds"]), document["hidden"]
    parts = [f"# Playground session {document['session']}", f"{count} {'round' if count == 1 else 'rounds'}."]
    if hidden:
        parts.append(f"Left out, because blind and not revealed yet: {hidden}.")
    for place, found in enumerate(document["rounds"], 1):
        parts += [f"## Round {place}, {found['time']}", fenced(_question_text(found))]
        parts.append(f"Vote: {_words(found['votes'].get(OVERALL)) if found['votes'] else 'none'}.")
        criteria = [f"{name}: {_words(choice)}" for name, choice in found["votes"].items() if name != OVERALL]
        parts += [f"By criterion: {'; '.join(criteria)}."] if criteria else []
        for answer in found["answers"]:
            parts += [f"### {answer['column']}", fenced(_answer_text(answer, found["options"]))]
    return "\n\n".join(parts) + "\n"


def _words(choice: str | None) -> str:
    return {None: "none overall", "tie": "all good (tie)", "bad": "all bad"}.get(choice, f"{choice} is best")


def _question_text(found: Mapping[str, Any]) -> str:
    options = [f"{'★' if option['label'] == found['gold'] else '·'} {option['text']}" for option in found["options"]]
    context = [found["context"]] if found["context"] else []
    return "\n".join([*context, found["question"], *options])


def _answer_text(answer: Mapping[str, Any], options: Sequence[Mapping[str, str]]) -> str:
    verdicts = "; ".join(f"{name}: {verdict}" for name, verdict in answer["verdicts"].items())
    score = answer["expected"] if answer["expected"] is not None else answer["total"]
    judged = f"judge: {verdicts}; score {number(score)}" if verdicts else "not judged"
    texts = {option["label"]: option["text"] for option in options}
    label = answer["parsed"] or answer["forced"]
    how = " (forced: no readable answer)" if label and answer["parsed"] is None else ""
    prediction = f"{texts.get(label, label)}{how}" if label else "none"
    return f"variant: {answer['variant']}\nprediction: {prediction}\n{judged}\n\n{answer['response']}"


def fenced(text: str) -> str:
    """Text in a Markdown fence that it cannot end.

    >>> fenced("a ``` b").splitlines()[0]
    '````text'
    """
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


FORMS: dict[str, Callable[[Mapping[str, Any]], str]] = {"json": as_json, "csv": as_csv, "md": as_markdown}
"""File suffix → how a session is written."""

MIME: dict[str, str] = {"json": "application/json", "csv": "text/csv", "md": "text/markdown"}


def listed(store: Store) -> Sequence[dict[str, Any]]:
    """Sessions for the command line and its scripts, newest first."""
    rows = store.rows("SELECT id, started, rounds, revealed, voted, question FROM play_sessions ORDER BY started DESC")
    names = ("session", "started", "rounds", "revealed", "voted", "first question")
    found = [dict(zip(names, row, strict=True)) for row in rows if row[2]]
    return [row | {"started": _moment(row["started"])} for row in found]


def vote_rows(store: Store) -> pd.DataFrame:
    """The votes of all sessions: see `VOTES`."""
    return store.frame(VOTES)


def export_votes(store: Store, file: Path) -> int:
    """Write them to a .csv, .parquet, .json or .jsonl file; the number of rows."""
    return store.export(VOTES, file)
