"""The Anchors page's categories: shares per variant and data set, at fewer responses, and beside the judge's scores."""

from typing import Any

import pandas as pd
import streamlit as st

from app.address import held
from app.anchors.data import RIGHT_BY, evaluation_with, expected, known_draws, samples_of, scores, shares
from app.anchors.moves import map_view, moves_view
from app.anchors.one_run import row_of
from app.charts.anchors import expected_lines, score_boxes, share_dots
from app.charts.categories import category_bars
from app.charts.style import CATEGORY_NAMES
from app.figures import chart
from app.judges.card import believe
from app.navigation import DEMO, FILES, LAUNCH, nothing_yet, open_page
from app.state import Lab
from app.tables import grid
from app.widgets import choice
from core.analysis.distribution import CategoryScores, ExpectedShare, share_rows
from core.analysis.draws import Draw
from core.analysis.results import CategoryShares
from core.records import CATEGORIES, RightBy
from core.statistics.estimates import Estimate
from core.statistics.words import interval

PARTS = {
    "shares": "Shares",
    "moves": "What moved",
    "map": "Map",
    "fewer": "Fewer responses",
    "scores": "Scores",
}
"""View of the tab → its name."""


def categories_tab(here: Lab) -> None:
    """One draw, one prediction that decides what is right, and one of five views."""
    known = known_draws(here)
    if not known:
        nothing_yet(
            "No sampled questions yet",
            "Run the demo from the Overview, or a pipeline or a sample run from Runs: this page then sorts the "
            "questions. Explanations written elsewhere are added on the Datasets page.",
            DEMO,
            LAUNCH,
            FILES,
            key="cats",
        )
        return
    by_key = {draw.key: draw for draw in known}
    left, right = st.columns([3, 1])
    with left:
        draw = by_key[choice("Data set and samples", list(by_key), key="draw", format_func=lambda k: by_key[k].title)]
    with right:
        by: RightBy = choice(
            "Right by",
            RIGHT_BY,
            key="by",
            help="`parsed`: an unreadable answer is wrong. `forced`: option probabilities decide there.",
        )
    part = choice_of_parts()
    {"shares": shares_view, "moves": moves_view, "map": map_view, "fewer": fewer_view, "scores": scores_view}[part](
        here, draw, by
    )


def choice_of_parts() -> str:
    """Which of the views; the first where none is chosen."""
    names = {name: key for key, name in PARTS.items()}
    how = held("part", PARTS["shares"], names.__contains__, opens="default")
    return names.get(st.segmented_control("View", list(names), label_visibility="collapsed", **how), "shares")


# --- shares


def shares_view(here: Lab, draw: Draw, by: RightBy) -> None:
    """Distribution per variant of this draw, and of every other draw beside it."""
    found = shares(here, samples_of(draw), by)
    if not any(entry.shares[CATEGORIES[0]].n for entry in found.values()):
        st.info(
            f"No question has a category by `{by}`: it has no gold label, fewer than N responses, or this prediction "
            "was not asked for. Try the other prediction.",
            icon=":material/help:",
        )
        return
    shown = chart(
        "How often is each variant always, sometimes or never right?",
        f"{draw.drawn} responses a question: right in all of them, in some, or in none. Click a part to read them.",
        category_bars(found),
        share_frame(found),
        key="categories",
        on_select="rerun",
        selection_mode="points",
    )
    _read_clicked(shown, draw, by)
    shown = chart(
        "How sure are these shares?",
        "95% intervals resample questions, and exclude training variance. Click a dot to read what is behind it.",
        share_dots(found),
        share_frame(found),
        key="dots",
        on_select="rerun",
        selection_mode="points",
    )
    _read_clicked(shown, draw, by)
    grid(
        [{"variant": label} | row_of(entry) for label, entry in found.items()],
        key="shares",
        first=["variant", *CATEGORY_NAMES.values()],
    )
    others = [other for other in known_draws(here) if other.key != draw.key]
    if others:
        side_by_side(here, [draw, *others], by)


def _read_clicked(shown: Any, draw: Draw, by: RightBy) -> None:
    """Open the explanations of the variant and category with which the customdata of a clicked part ends."""
    for *_, label, category in (point["customdata"] for point in shown["selection"]["points"] if "customdata" in point):
        open_page("explanations", evaluation=draw.key, variant=label, category=category, by=by)


def side_by_side(here: Lab, all_draws: list[Draw], by: RightBy) -> None:
    """Every draw of the lab, a row a variant and data set."""
    found = {
        f"{label}\n{draw.dataset_name} / {draw.split}, {draw.drawn}": entry
        for draw in all_draws
        for label, entry in shares(here, samples_of(draw), by).items()
    }
    chart(
        "And in the other samples of this lab?",
        f"All samples of this lab, by `{by}`; N and questions differ, and shares hang on N.",
        share_dots({name: entry for name, entry in found.items() if entry.shares[CATEGORIES[0]].n}),
        share_frame(found),
        key="data_sets",
    )


def share_frame(found: dict[str, CategoryShares]) -> pd.DataFrame:
    """A row a variant and category: questions, share, low, high, n."""
    return pd.DataFrame(
        [
            {"variant": row["group"], "category": category, **row[category], "n": row["n"]}
            for row in share_rows(found)
            for category in CATEGORIES
        ]
    )


# --- fewer responses


def fewer_view(here: Lab, draw: Draw, by: RightBy) -> None:
    """Expected shares at every N below the drawn one."""
    found = {label: expected(here, run, by) for label, run in draw.samples.items()}
    known = {label: rows for label, rows in found.items() if rows}
    if not known:
        st.info("No question has a category here, so fewer responses say nothing.", icon=":material/help:")
        return
    shown = chart(
        "What would the shares be with fewer responses a question?",
        "Exact on average over all ways to keep m of the n drawn responses: all right with chance C(k, m) / C(n, m), "
        "none with C(n − k, m) / C(n, m), for k right ones (hypergeometric). Nothing is drawn again. 95% intervals "
        "resample questions. With one response nothing is variable: its line is accuracy. Click a point to read the "
        "explanations of its category, as they were drawn.",
        expected_lines(known),
        pd.DataFrame([_expected_row(label, row) for label, rows in known.items() for row in rows]),
        key="fewer",
        on_select="rerun",
        selection_mode="points",
    )
    _read_clicked(shown, draw, by)
    grid([_expected_cells(label, rows) for label, rows in known.items()], key="expected")


def _expected_row(label: str, row: ExpectedShare) -> dict[str, Any]:
    share = row.share
    return {"variant": label, "N": row.n, "category": row.category} | _plain(share)


def _expected_cells(label: str, rows: list[ExpectedShare]) -> dict[str, Any]:
    variable = {f"variable at N={row.n}": interval(row.share, "share") for row in rows if row.category == "variable"}
    return {"variant": label} | variable | {"n questions": rows[0].share.n}


def _plain(estimate: Estimate) -> dict[str, Any]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "n": estimate.n}


# --- scores


def scores_view(here: Lab, draw: Draw, by: RightBy) -> None:
    """The judge's scores by category of the question."""
    evaluation = evaluation_with(next(iter(draw.samples.values())))
    if evaluation is None:
        nothing_yet(
            "Nobody has judged these samples",
            "Start a judge run over them from Runs: its scores go here.",
            LAUNCH,
            key="score",
        )
        return
    believe(evaluation)
    score = choice("Score", ["expected", "total"], key="cat_score")
    judged = {label: run for label, run in evaluation.judges.items() if label in draw.samples}
    found = {label: scores(here, run, by, score) for label, run in judged.items()}
    rows = [(label, row) for label, entries in found.items() for row in entries]
    if not any(row.explanations for _, row in rows):
        st.info(f"No explanation has the score `{score}` here: choose the other one.", icon=":material/help:")
        return
    shown = chart(
        "How are the judge's scores spread over the categories?",
        "Box: the middle half of the explanations' scores; whiskers: 5% to 95% of them; dot: mean over questions "
        "with its 95% interval over questions. Click a dot to read the explanations. Questions of two categories "
        "differ in more than their answers, and each variant's categories come from the samples that are scored: "
        "whether the judge distinguishes right from wrong is its AUC within questions, on its card, and variants are "
        "compared by category on the Compare page.",
        score_boxes(found, score),
        pd.DataFrame([_score_row(label, row) for label, row in rows]),
        key="scores",
        on_select="rerun",
        selection_mode="points",
    )
    _read_clicked(shown, draw, by)
    grid(
        [
            {
                "variant": label,
                "category": CATEGORY_NAMES[row.category],
                "mean score": interval(row.mean),
                "median": round(row.quantiles[2], 2) if row.quantiles else None,
                "questions": row.mean.n,
                "explanations": row.explanations,
                "unjudged": row.unjudged,
            }
            for label, row in rows
        ],
        key="mean_scores",
        first=["variant", "category", "mean score"],
    )


def _score_row(label: str, row: CategoryScores) -> dict[str, Any]:
    quantiles = dict(zip(("q05", "q25", "q50", "q75", "q95"), row.quantiles or [None] * 5, strict=True))
    about = {"variant": label, "category": row.category, "explanations": row.explanations, "unjudged": row.unjudged}
    return about | _plain(row.mean) | quantiles
