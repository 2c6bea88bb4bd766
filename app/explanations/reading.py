"""The reading view: a question, all samples of a variant beside those of the others, and what is behind a score.

    reading(here, known, wanted, spot)

Samples stand in rows, a column a variant; where there is little room the columns go one under the other.  Text that
a variant shares with the chosen one is marked.  One explanation is chosen: its verdicts are taken apart below.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from app.address import given, held, put, shown_one
from app.annotate.in_place import annotate_here
from app.explanations.card import Score, explanation_card, judge_behind
from app.explanations.lineage import lineage
from app.explanations.view import address, show
from app.highlight import Span, shared_spans
from app.judges.card import believe_runs
from app.state import Lab
from app.widgets import literal, plain
from core.analysis.browsing import Neighbours, Spot, Wanted
from core.analysis.catalogue import Catalogue, Drawn
from core.annotation.records import Explained
from core.records import Explanation, Item
from core.rubrics import Rubric, load_rubric
from core.runs.folders import RunFolder
from core.settings import JudgeSettings
from core.store.queries import item, responses, scores, verdicts

SAMPLES_SHOWN = 4
"""Samples of a question that are shown at first."""

MOST_COLUMNS = 4


@dataclass(frozen=True)
class Answers:
    """What a variant answered to a question, and what a judge said of it: never changes, its runs are sealed."""

    rows: list[Explanation]
    scores: dict[int, Score]
    """By sample."""
    verdicts: pd.DataFrame
    chips: dict[int, list[Any]]
    """The rows of `verdicts` by sample."""


@dataclass(frozen=True)
class Column:
    """A variant's answers to the question, and who judged them."""

    drawn: Drawn
    answers: Answers
    judge: str | None
    """The judge run; None where the judge has not scored this variant."""
    rubric: Rubric | None

    @property
    def rows(self) -> list[Explanation]:
        return self.answers.rows


def reading(here: Lab, known: Catalogue, wanted: Wanted, spot: Spot, beside: Neighbours) -> None:
    """Everything about the question of an explanation."""
    run = known.run(spot.samples)
    _steps(beside)
    asked = item(here.store, run.dataset, spot.item_id) if run else None
    if run is None or asked is None:
        literal(f"There is no question {spot.item_id} in this data set.")
        return
    judge = _judge(known, known.beside(run), wanted)
    columns = [_column(here, one, asked, judge) for one in _first(known.beside(run), run)]
    _question(asked, columns)
    _samples(asked, columns, spot, wanted)
    chosen = next((row for row in columns[0].rows if row.sample == spot.sample), None)
    if chosen:
        _behind(here, columns[0], asked, chosen)
    lineage(here, columns[0].drawn, columns[0].judge, judge, asked.id)


def _column(here: Lab, one: Drawn, asked: Item, judge: str | None) -> Column:
    run = one.judges.get(judge or "")
    return Column(
        drawn=one,
        answers=_answers(here, here.sealed, one.samples, run or "", asked.id),
        judge=run,
        rubric=load_rubric(RunFolder(here.home.runs / run).config.settings["rubric"]) if run else None,
    )


@st.cache_resource(max_entries=400, show_spinner=False)
def _answers(_here: Lab, sealed: str, samples: str, judge: str, item_id: str) -> Answers:
    given, said = scores(_here.store, judge, item_id), verdicts(_here.store, judge, item_id)
    chips: dict[int, list[Any]] = {}
    for verdict in said.itertuples():
        chips.setdefault(verdict.sample, []).append(verdict)
    by_sample = {score["sample"]: score for score in given.to_dict("records")}
    return Answers(responses(_here.store, samples, item_id), by_sample, said, chips)


def _first(beside: Sequence[Drawn], run: Drawn) -> list[Drawn]:
    """The chosen variant, then the others in their order."""
    return [run, *(one for one in beside if one is not run)]


# --- above: where one is


def _steps(beside: Neighbours) -> None:
    """Back to the list, the question before and after by key or button, a link to this."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("List", icon=":material/list:", shortcut="Escape", on_click=show, args=(None,), key="back")
        _step("Previous", ":material/arrow_back:", "Left", beside.previous)
        _step("Next", ":material/arrow_forward:", "Right", beside.next)
        where = f"question {beside.place:,} of {beside.questions:,}" if beside.place else "not among the wanted"
        st.caption(where, width="content")
        with st.popover("Link", icon=":material/link:"):
            st.caption("A link to exactly this view")
            literal(address())


def _step(label: str, icon: str, key: str, to: Spot | None) -> None:
    st.button(label, icon=icon, shortcut=key, disabled=to is None, on_click=show, args=(to,), key=f"step_{label}")


def _judge(known: Catalogue, drawn: Sequence[Drawn], wanted: Wanted) -> str | None:
    """The judge whose verdicts are shown: the one of the view, else the first that scored the question."""
    there = [key for key in known.judges if any(key in one.judges for one in drawn)]
    if not there:
        return None
    chosen = wanted.judge if wanted.judge in there else there[0]
    if len(there) > 1:
        how = shown_one("reading_judge", chosen, there, lambda judge: put(judge=judge))
        st.selectbox("Judge", there, format_func=known.judges.get, **how)
    return chosen


# --- the question


def _question(asked: Item, columns: Sequence[Column]) -> None:
    """The question, its options a line each: gold marked, and who predicts it how often."""
    with st.container(border=True):
        if asked.context:
            with st.container(height=220 if len(asked.context) > 800 else "content", border=False):
                plain(asked.context)
        with st.container(height=220 if len(asked.question) > 2000 else "content", border=False, key="asked_question"):
            plain(asked.question)
        for option in asked.options:
            _option(asked, option.label, option.text, columns)
        st.caption(
            "★ gold. Beside an option: how many of a variant's samples predict it; p is its mean probability where "
            "the answer was forced." if asked.gold else "This question has no gold label."
        )  # fmt: skip


def _option(asked: Item, label: str, text: str, columns: Sequence[Column]) -> None:
    name = text if label == text else f"{label}. {text}"
    place = [option.label for option in asked.options].index(label)
    marks = " · ".join(filter(None, (_mark(column, label, place) for column in columns)))
    star = "★" if label == asked.gold else "·"
    plain(f"{star} {name}" + (f"   ← {marks}" if marks else ""))


def _mark(column: Column, label: str, place: int) -> str:
    """How many samples predict an option, and its mean probability where answers were forced."""
    chosen = sum((row.parsed or row.forced) == label for row in column.rows)
    forced = [row.forced_probabilities[place] for row in column.rows if row.forced_probabilities]
    p = f", p {sum(forced) / len(forced):.2f}" if forced else ""
    return f"{column.drawn.label} {chosen}/{len(column.rows)}{p}" if chosen else ""


# --- the samples


def _samples(asked: Item, columns: Sequence[Column], spot: Spot, wanted: Wanted) -> None:
    """A row a sample, the chosen one first, a column a variant."""
    columns = _shown(columns)
    many = max(len(column.rows) for column in columns)
    everything = given("all") is not None or spot.sample >= SAMPLES_SHOWN
    number = many if everything else min(many, SAMPLES_SHOWN)
    with st.container(key="aligned"):
        for place in sorted(range(number), key=lambda place: place != spot.sample):
            found = [column.rows[place] if place < len(column.rows) else None for column in columns]
            _row(asked, columns, found, spot, wanted.score)
    if number < many:
        st.button(f"Show all {many} samples", on_click=put, kwargs={"all": "1"}, key="all")


def _shown(columns: Sequence[Column]) -> Sequence[Column]:
    """The chosen variant and those that are wanted beside it."""
    others = [column.drawn.label for column in columns[1:]]
    if not others:
        return columns
    how = held("beside", others[: MOST_COLUMNS - 1], lambda labels: set(labels) <= set(others))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect("Beside it", others, select_all=False, **how)
        if chosen:
            st.caption("Marked: passages that a text shares with the one it stands beside.", width="content")
    return [columns[0], *(column for column in columns[1:] if column.drawn.label in chosen)]


def _row(asked: Item, columns: Sequence[Column], rows: Sequence[Explanation | None], spot: Spot, by: str) -> None:
    spans = _spans(rows)
    for place, (slot, column, row) in enumerate(zip(st.columns(len(columns)), columns, rows, strict=True)):
        with slot, st.container(border=True, height="stretch"):
            if row is None:
                plain(f"{column.drawn.label}: no such sample")
                continue
            _head(column, row, chosen=place == 0 and row.sample == spot.sample)
            score, chips = column.answers.scores.get(row.sample), column.answers.chips.get(row.sample, [])
            explanation_card(asked, row, score, chips, column.rubric, by, spans[place])


def _head(column: Column, row: Explanation, chosen: bool) -> None:
    """Whose sample it is, and the button that takes its score apart."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        plain(f"{column.drawn.label} · sample {row.sample + 1}")
        st.button(
            "",
            icon=":material/arrow_downward:" if chosen else ":material/pageview:",
            type="tertiary",
            help="Taken apart below" if chosen else "Take its score apart",
            key=f"apart_{column.drawn.samples}_{row.sample}",
            on_click=show,
            args=(Spot(column.drawn.samples, row.item_id, row.sample),),
            disabled=chosen,
        )


def _spans(rows: Sequence[Explanation | None]) -> list[list[Span]]:
    """What each text shares with the first, and the first with any of them."""
    texts = [row.explanation if row else "" for row in rows]
    ours: list[Span] = []
    others = []
    for text in texts[1:]:
        mine, its = shared_spans(texts[0], text)
        ours += mine
        others.append(its)
    return [ours, *others]


# --- one of them


def _behind(here: Lab, column: Column, asked: Item, row: Explanation) -> None:
    with st.container(key="sentence_behind"):
        plain(f"{column.drawn.label}, sample {row.sample + 1}: behind the score")
    annotate(here, column, row)
    believe_runs([column.judge] if column.judge else [])
    given, score = column.answers.verdicts, column.answers.scores.get(row.sample)
    mine = given[given["sample"] == row.sample]
    judge_behind(here, column.judge, asked, row, score, mine, column.rubric, key="chosen")


def annotate(here: Lab, column: Column, row: Explanation) -> None:
    """The keys to annotate what is being read, by the judge's rubric or the default one."""
    one = Explained(samples=column.drawn.samples, item_id=row.item_id, sample=row.sample, variant=column.drawn.label)
    annotate_here(here, one, column.rubric or load_rubric(JudgeSettings().rubric))
