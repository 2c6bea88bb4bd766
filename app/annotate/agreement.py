"""Annotate, tab Agreement: judges against people, people among themselves, and where they differ."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app.address import given, put
from app.annotate.figures import EVERYBODY, Figures
from app.annotate.work import explanation_card, explanation_of, question_card
from app.charts.agreement import confusion_map, kappa_map
from app.figures import chart, clicked
from app.navigation import link
from app.state import Lab, results
from app.tables import grid
from app.widgets import choice, duration, empty_state, plain
from core.annotation.agreeing import FEW, CriterionAgreement
from core.annotation.exporting import What, export_annotations
from core.annotation.sources import Source, sources
from core.rubrics import Rubric, load_rubric
from core.statistics.estimates import Estimate
from core.statistics.words import Unit, interval, listed, number
from core.store.database import Store
from core.store.queries import item

FEWEST = 5
"""Questions below which resampling them says nothing: the interval is left out."""

SHOWN = 200
"""Disagreements listed at most."""


def agreement(here: Lab) -> None:
    """All that ratings, checks and votes say; blind ratings alone count as agreement."""
    figures = Figures.now(here)
    known = figures.annotated()
    if known.empty:
        if empty_state("Nobody has annotated yet", "Rate some explanations first.", "Rate explanations", key="unrated"):
            put(tab=None)
            st.rerun()
        return
    if found := annotated_sources(figures):
        by_key = {one.key: one for one in found}
        source = by_key[choice("Explanations", list(by_key), key="of", format_func=lambda key: by_key[key].title)]
        judges = [one for one in found if one.judges and set(one.samples.values()) == set(source.samples.values())]
        _source(figures, source, judges)
    _apart(known)
    _downloads(here)


def annotated_sources(figures: Figures) -> list[Source]:
    """Explanations of which somebody said something."""
    known = sources(figures.here.store, results(here=figures.here))
    return [one for one in known if figures.touched() & set(one.samples.values())]


def _source(figures: Figures, source: Source, judges: list[Source]) -> None:
    rubric = load_rubric(source.rubric)
    if source.judges:
        _judge(figures, source, judges, rubric)
    else:
        st.caption("No judge has scored these explanations: only annotators can be compared.")
    _people(figures, source, rubric)
    if source.judges:
        _checks(figures, source)
    _votes(figures, source)


# --- the judge against people


def _judge(figures: Figures, source: Source, judges: list[Source], rubric: Rubric) -> None:
    """Every judge of these explanations by criterion; the chosen one's verdicts in detail."""
    st.subheader("Does the judge agree with people?", anchor=False)
    rows = figures.pairs_by(source, EVERYBODY)
    if rows.empty:
        st.caption("No blind rating of these explanations yet: spot-checks and notes in place are further down.")
        return
    names = [EVERYBODY, *sorted(rows["rater"].unique())]
    who = choice("Ratings of", names, key="of_rater", width=320) if len(names) > 2 else EVERYBODY
    found = {one.key: figures.judge_agreement(one, who) for one in judges}
    mine = figures.pairs_by(source, who)
    units = mine.drop_duplicates(["rater", "samples", "item_id", "sample"])
    st.caption(
        f"Blind ratings: {len(units):,}, annotators: {mine['rater'].nunique()}, questions: "
        f"{mine['item_id'].nunique():,}. Each annotator's rating counts; 95% intervals resample questions."
    )
    if len(units) < FEW:
        st.warning(f"Fewer than {FEW} ratings: a first impression, no more.", icon=":material/hourglass_top:")
    names = {one.key: one.judge for one in judges}
    table = pd.DataFrame([_judge_row(one) | {"judge": names[key]} for key, ones in found.items() for one in ones])
    grid(table if len(judges) > 1 else table.drop(columns="judge"), key="judge_agreement")
    st.caption(
        "κ with quadratic weights: agreement beyond what chance would give, near misses counting in part. "
        "Still needed: about how many more ratings bring κ to ±0.1, from its spread so far, once "
        f"there are {FEW}."
    )
    shown = [
        {"rater": names[key], "criterion": one.criterion, **_ends(one.kappa), "n": one.pair.n}
        for key, ones in found.items()
        for one in ones
        if one.kappa.value is not None
    ]
    if shown:
        points = pd.DataFrame(shown)
        chart(
            "On which criteria do they agree?",
            "Click a point to see its verdicts below.",
            kappa_map(points),
            points,
            key="kappa_map",
            on_select=_choose_criterion,
            selection_mode="points",
        )
    undefined: dict[str | None, list[str]] = {}
    for one in (one for one in found[source.key] if one.kappa.value is None):
        undefined.setdefault(one.kappa.note, []).append(one.criterion)
    for note, criteria in undefined.items():
        plain(f"κ of {listed(criteria)} is {note}.")
    _confusion(found[source.key])
    _disagreements(figures, source, who, len(units))


def _ends(estimate: Estimate) -> dict[str, float | None]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _judge_row(one: CriterionAgreement) -> dict[str, Any]:
    return {
        "criterion": one.criterion,
        "κ (95%)": "undefined" if one.kappa.value is None else _of_some(one.kappa, "coefficient"),
        "same verdict (95%)": _of_some(one.pair.percent, "share"),
        "ratings": one.pair.n,
        "unreadable": one.pair.left_out,
        "still needed": "–" if one.still_needed is None or one.pair.n < FEW else f"{one.still_needed:,}",
    }


def _of_some(estimate: Estimate, unit: Unit) -> str:
    """A figure with its interval, or alone where too few questions stand behind it for one."""
    enough = estimate.n >= FEWEST and estimate.low is not None
    return interval(estimate, unit) if enough else f"{number(estimate.value, unit)} (too few)"


def _kappa(estimate: Estimate) -> str:
    if estimate.value is None:
        return estimate.note or "undefined"
    return interval(estimate, "coefficient")


def _choose_criterion() -> None:
    """Keep the criterion of the clicked point in the view."""
    for *_, criterion in (point["customdata"] for point in st.session_state["kappa_map"]["selection"]["points"]):
        put(of_criterion=criterion, cell=None)


def _confusion(found: list[CriterionAgreement]) -> None:
    """How often people and the judge gave each two verdicts; a click lists the explanations where they differ so."""
    by_name = {one.criterion: one for one in found}
    one = by_name[choice("Criterion", list(by_name), key="of_criterion", drops=["cell"], width=320)]
    st.caption("Without weights, so that a near miss counts as any other (in the table above it counts in part):")
    plain(one.pair.sentence)
    if one.pair.confusion is None or not one.pair.n:
        return
    counts = one.pair.confusion.T
    cells = [[f"{one.criterion}: {person}, not {judge}" for judge in counts.columns] for person in counts.index]
    chosen = next(((i, row.index(given("cell"))) for i, row in enumerate(cells) if given("cell") in row), None)
    chart(
        f"Which verdicts does the judge give where people give which, on {one.criterion}?",
        "Click a cell beside the diagonal to list its explanations below.",
        confusion_map(counts, "people", "judge", chosen),
        counts.rename_axis("people").reset_index(),
        key="confusion",
        on_select=partial(clicked, "confusion", partial(_choose_cell, cells)),
        selection_mode="points",
    )


def _choose_cell(cells: list[list[str]], place: tuple[int, int]) -> None:
    """Keep the clicked cell in the view; on the diagonal there is nothing to list."""
    row, column = place
    put(cell=None if row == column else cells[row][column])


def _disagreements(figures: Figures, source: Source, who: str, ratings: int) -> None:
    st.subheader("Where do they differ most?", anchor=False)
    found = figures.disagreements(source, who)
    if found.empty:
        st.caption("Nowhere: every verdict is the same.")
        return
    st.caption(f"{len(found):,} of {ratings:,} ratings differ somewhere; choose a row to read it.")
    if cell := given("cell"):
        found = found[[cell in where.split("; ") for where in found["where"]]]
        with st.container(horizontal=True, vertical_alignment="center"):
            plain(f"{len(found):,} of them: {cell}")
            st.button("All", icon=":material/filter_alt_off:", type="tertiary", on_click=put, kwargs={"cell": None})
    shown = found.head(SHOWN)
    picked = grid(
        shown[["worst", "steps", "where", "variant", "rater", "item_id", "note"]].fillna({"note": ""}),
        first=["worst", "where", "variant"],
        height=280 if len(shown) > 7 else "auto",
        on_select="rerun",
        selection_mode="single-row",
        key=f"differ_{source.key}_{len(found)}",
        column_config={
            "worst": st.column_config.NumberColumn("worst, steps"),
            "steps": st.column_config.NumberColumn("in all"),
            "where": st.column_config.TextColumn("a person's verdict, not the judge's", width="large"),
            "item_id": "question",
        },
    )
    if chosen := picked["selection"]["rows"]:
        _reading(figures.here, source, shown.iloc[chosen[0]])


def _reading(here: Lab, source: Source, row: pd.Series) -> None:
    """The explanation of a disagreement, and both verdicts a criterion."""
    asked = item(here.store, source.dataset, row["item_id"])
    if asked is None:
        plain(f"The question {row['item_id']} is no longer in this lab.")
        return
    with st.container(border=True):
        question_card(asked, gold=True)
        explanation_card(asked, explanation_of(here, row["samples"], row["item_id"], int(row["sample"])))
        plain("\n".join(row["where"].split("; ")))
        if row["note"]:
            plain(f"Note: {row['note']}")
        link("explanations", "Open in Explanations", evaluation=source.key, item=row["item_id"])


# --- people


def _people(figures: Figures, source: Source, rubric: Rubric) -> None:
    table = figures.annotator_table(source)
    if table.empty:
        return
    st.subheader("Do annotators agree with each other?", anchor=False)
    among = figures.people_agreement(source)
    if among and any(one.shared for one in among):
        rows = [
            {"criterion": one.criterion, "α (95%)": _kappa(one.alpha), "rated by two or more": one.shared}
            for one in among
        ]
        grid(rows, key="people_agreement")
        st.caption("Krippendorff's α, ordinal (the answer: nominal); 95% intervals resample questions.")
    else:
        st.caption("No explanation has been rated by two people: a second annotator begins with the shared part.")
    shares = {label: (100 * table[label]).round(0) for label in rubric.labels}
    grid(
        table.assign(**shares, seconds=table["seconds"].map(duration)),
        key="annotators",
        column_config={"seconds": "median time each"}
        | {label: st.column_config.NumberColumn(f"{label}, %", format="%d") for label in rubric.labels},
    )
    if (gold := figures.answer_agreement(source)) is not None:
        unsure = f" {gold.left_out} that could not tell are left out." if gold.left_out else ""
        plain(f"The answer, judged while gold was hidden, against gold: {gold.sentence}{unsure}")


# --- what is shown apart


def _checks(figures: Figures, source: Source) -> None:
    found = figures.spot_checks(source)
    if not found:
        return
    st.subheader("What do spot-checks say?", anchor=False)
    grid(
        [
            {
                "criterion": one.criterion,
                "let stand (95%)": interval(one.agreed, "share"),
                "checks": one.n,
                "judge too high": one.too_high,
                "judge too low": one.too_low,
            }
            for one in found
        ],
        key="spot_checks",
    )
    st.caption("The judge's verdict was in sight, which pulls people towards it: none of this counts as agreement.")


def _votes(figures: Figures, source: Source) -> None:
    found = figures.votes(source)
    if not found:
        return
    st.subheader("Which of two do people prefer?", anchor=False)
    grid(
        [
            {
                "A": one.a,
                "B": one.b,
                "A better": one.wins_a,
                "B better": one.wins_b,
                "both good": one.both_good,
                "both bad": one.both_bad,
                "votes": one.n,
                "A − B, points (95%)": interval(one.net, "points"),
                "judge on the same side (95%)": interval(one.judge_same, "share"),
            }
            for one in found
        ],
        key="votes",
        first=["A", "B", "A − B, points (95%)", "A better", "B better"],
    )
    st.caption(
        "A − B: (A better − B better) / votes; both good and both bad are neither and stand apart. Judge on the same "
        "side: of votes for a side, how often its score is higher there too (equal: half; –: no such vote). Blind, "
        "sides by seed, questions are resampled."
    )


def _apart(known: pd.DataFrame) -> None:
    st.subheader("What has been annotated?", anchor=False)
    shown = known.assign(last=pd.to_datetime(known["last"], unit="s").dt.floor("s"))
    grid(
        shown,
        key="annotated",
        first=["annotator", "mode", "blind", "explanations"],
        column_config={"last": st.column_config.DatetimeColumn("last (UTC)")},
    )
    in_place = known[known["mode"] == "in place"]
    if len(in_place):
        n = number(float(in_place["explanations"].sum())).removesuffix(".0")
        st.caption(f"Notes in place ({n} explanations) were made with everything in sight and count nowhere above.")


def _downloads(here: Lab) -> None:
    names: dict[What, str] = {
        "annotations": "Ratings",
        "votes": "Votes between two",
        "history": "Everything ever given",
        "notes": "Guideline notes",
    }
    with st.container(horizontal=True):
        for what, label in names.items():
            st.download_button(
                f"{label} (CSV)",
                data=lambda what=what: _csv(here.store, what),
                file_name=f"{what}.csv",
                mime="text/csv",
                icon=":material/download:",
                key=f"csv_{what}",
            )


def _csv(store: Store, what: What) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{what}.csv"
        export_annotations(store, file, what)
        return file.read_bytes()
