"""The Anchors page's moves and map: which questions changed category, and where each stands between two variants."""

from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import streamlit as st

from app.address import held, put, value
from app.anchors.data import Samples, evaluation_with, questions, table_of, what_moved
from app.anchors.parts import category_words, question_list
from app.charts.anchors import anchor_map, named_places
from app.charts.cells import cells
from app.charts.flow import flow
from app.charts.style import CATEGORY_NAMES
from app.figures import chart, clicked
from app.navigation import open_page
from app.state import Lab
from app.tables import grid
from app.widgets import choice, sentence
from core.analysis.draws import Draw
from core.analysis.question_map import bins, counts_of, map_order, rows_at
from core.analysis.transitions import Moved, QuestionTable, between, matrix, routes, steps
from core.records import CATEGORIES, RightBy
from core.statistics.words import in_a_sentence

MOVES = {f"{a}.{b}": (a, b) for a, b in product(CATEGORIES, CATEGORIES)}
"""A cell of the transition matrix as it stands in the URL → its categories."""


def _moves_first(counts: np.ndarray) -> list[str]:
    """Cells in the order people look: the commonest move first, those that stay last."""

    def order(move: str) -> tuple[bool, int]:
        start, end = (CATEGORIES.index(category) for category in MOVES[move])
        return start == end, -int(counts[start, end])

    return sorted(MOVES, key=order)


# --- what moved


def moves_view(here: Lab, draw: Draw, by: RightBy) -> None:
    """The chain as bands, one step of it as a matrix to click, and the questions of a cell."""
    chain = chosen_chain(draw)
    if len(chain) < 2:
        st.info("Choose two variants or more: a move needs a before and an after.", icon=":material/alt_route:")
        return
    samples: Samples = tuple((label, draw.samples[label]) for label in chain)
    table = table_of(here, samples, by)
    ways = routes(table)
    if not ways:
        st.info("No question has a category under all of these variants.", icon=":material/help:")
        return
    n = sum(len(way.questions) for way in ways)
    (before, after), move = _chosen_step(table)
    key = f"flow_{before}_{after}_{move}"  # a new picture once a band is chosen: its colour says which
    chart(
        "How do questions move from variant to variant?",
        f"n = {n:,} questions with a category under all {len(chain)} variants. A category is drawn along "
        f"with its responses ({draw.drawn}): even two draws of one variant move some questions. Choose a band to list "
        "its questions below.",
        flow(ways, chain, (before, after, *MOVES[move])),
        pd.DataFrame(
            [dict(zip(chain, way.categories, strict=True)) | {"questions": len(way.questions)} for way in ways]
        ),
        key=key,
        on_select=partial(_choose_band, key),
        selection_mode="points",
    )
    balance(here, samples, by, table)
    one_step(here, draw, table)


def chosen_chain(draw: Draw) -> list[str]:
    """Variants to follow, in the order they were chosen; all of the draw to begin with."""
    labels = list(draw.samples)
    return st.multiselect(
        "Chain of variants",
        labels,
        help="In the order they are to be read: remove and add to reorder.",
        **held("chain", labels, lambda chain: set(chain) <= set(labels)),
    )


def balance(here: Lab, samples: Samples, by: RightBy, table: QuestionTable) -> None:
    """Better and worse for each step of the chain, with the whole chain first as a sentence."""
    found = [what_moved(here, samples, by, before, after) for before, after in steps(table.labels)]
    sentence(moved_sentence(found[-1]), key="moved")
    grid(
        [
            {
                "from": m.before,
                "to": m.after,
                "better": m.better,
                "worse": m.worse,
                "same": m.same,
                "net, points of questions": _net(m),
                "p (sign test)": "no question moved" if m.p is None else f"{m.p:.2g}",
                "n questions": m.net.n,
            }
            for m in found
        ],
        key="balance",
        first=["from", "to", "net, points of questions", "better", "worse"],
    )
    st.caption(
        "Better: incorrect → variable → correct. Net: (better − worse) / n, 95% interval over questions. p: exact "
        "sign test of better against worse (McNemar), not corrected for the number of steps. Training is one draw "
        "of its own, which neither includes. The chain is an order to read in: lineage says what was trained from what."
    )


def moved_sentence(found: Moved) -> str:
    """What became of the questions, in words."""
    if found.net.value is None:
        return f"{found.after} against {found.before}: undefined, because no question has a category under both."
    verdict = "no net move is shown"
    if found.net.excludes_zero:
        verdict = "more moved to the better" if found.net.value > 0 else "more moved to the worse"
    return (
        f"{found.after} against {found.before}: {found.better} questions better, {found.worse} worse, net "
        f"{_net(found)} points, n = {found.net.n}: {verdict}."
    )


def _net(found: Moved) -> str:
    return in_a_sentence(found.net.scaled(100), "points")


def one_step(here: Lab, draw: Draw, table: QuestionTable) -> None:
    """A step as a matrix whose cells list their questions."""
    known = _known_steps(table)
    left, right = st.columns([1, 1])
    with left:
        step = choice("Step", list(known), key="step")
    with right:
        before, after = known[step]
        counts = matrix(table, before, after)
        move = choice("Questions that went", _moves_first(counts), key="move", format_func=_move_words)
    start, end = MOVES[move]
    key = f"matrix_{before}_{after}_{move}"  # a new picture once a cell is chosen: the frame says which
    names = [CATEGORY_NAMES[category] for category in CATEGORIES]
    chart(
        "Which questions moved?",
        "Choose a cell to list its questions.",
        cells(counts, names, names, after, before, (CATEGORIES.index(start), CATEGORIES.index(end)), of="questions"),
        pd.DataFrame(counts, columns=[f"{after}: {n}" for n in names]).assign(**{"from": names}),
        key=key,
        on_select=partial(clicked, key, _choose_move),
        selection_mode="points",
    )
    st.caption(
        f"{CATEGORY_NAMES[start]} → {CATEGORY_NAMES[end]}. Questions of an outer category move towards the middle in "
        "any second draw, of the same variant too: the net above is free of that, a row of this table is not."
    )
    question_list(here, draw, table, between(table, before, after, start, end), key="moved")


def _known_steps(table: QuestionTable) -> dict[str, tuple[str, str]]:
    """Steps of the chain by their names in the URL, the longest first."""
    return {f"{a}→{b}": (a, b) for a, b in steps(table.labels)[::-1]}


def _chosen_step(table: QuestionTable) -> tuple[tuple[str, str], str]:
    """Step and move that the choices below the bands stand on."""
    known = _known_steps(table)
    before, after = known[value("step", next(iter(known)), known.__contains__)]
    first = _moves_first(matrix(table, before, after))[0]
    return (before, after), value("move", first, MOVES.__contains__)


def _choose_band(key: str) -> None:
    if points := st.session_state[key]["selection"]["points"]:
        before, after, start, end = points[0]["customdata"]
        put(step=f"{before}→{after}", move=f"{start}.{end}")


def _choose_move(cell: tuple[int, int]) -> None:
    put(move=f"{CATEGORIES[cell[0]]}.{CATEGORIES[cell[1]]}")


def _move_words(move: str) -> str:
    start, end = MOVES[move]
    return f"{category_words(CATEGORIES.index(start))} → {category_words(CATEGORIES.index(end))}"


# --- the map


def map_view(here: Lab, draw: Draw, by: RightBy) -> None:
    """Every question from always wrong to always right: a row a variant, then two variants against each other."""
    table = table_of(here, tuple(draw.samples.items()), by)
    order = map_order(table)
    if not len(order):
        st.info("No question has a category by this prediction.", icon=":material/help:")
        return
    share = np.where(table.category < 0, np.nan, table.right / np.maximum(table.drawn, 1))
    ids = [table.items[row] for row in order]
    named = [ids[place] for place in named_places(len(ids))]
    asked = questions(here, draw.dataset, named)
    evaluation = evaluation_with(next(iter(draw.samples.values())))
    shown = chart(
        "Where does each question stand, from always wrong to always right?",
        f"n = {len(order):,} questions, in the same order in every row: by their mean share of right responses."
        + (" Click one to read it." if evaluation else ""),
        anchor_map(share[order], table.labels, [asked[item]["question"] for item in named]),
        pd.DataFrame(share[order], columns=list(table.labels)).assign(id=ids),
        key="map",
        **{"on_select": "rerun", "selection_mode": "points"} if evaluation else {},
    )
    for place, label in (point["customdata"] for point in (shown["selection"]["points"] if evaluation else [])):
        run = draw.samples[label]
        open_page("explanations", evaluation=evaluation.key, run=run, item=ids[int(place)], sample="0")
    if len(table.labels) > 1:
        two_variants(here, draw, table)
    else:
        one_variant(here, draw, table)


def one_variant(here: Lab, draw: Draw, table: QuestionTable) -> None:
    """Questions by how many responses are right, as cells in a row."""
    (label,) = table.labels
    names = bins(table)
    counts = counts_of(table, label, label).diagonal()[None, :]
    known = [f"{k}.{k}" for k in np.argsort(-counts[0], kind="stable")]
    cell = choice("Questions right in", known, key="cell", format_func=lambda c: names[int(c.split(".")[0])])
    place = int(cell.split(".")[0])
    key = f"cells_{place}"
    chart(
        "How many of its responses does each question get right?",
        "Choose a cell to list its questions.",
        cells(counts, names, [label], "right", "variant", (0, place), of="questions"),
        pd.DataFrame(counts, columns=names),
        key=key,
        on_select=partial(clicked, key, lambda chosen: _choose_cell((chosen[1], chosen[1]))),
        selection_mode="points",
    )
    question_list(here, draw, table, rows_at(table, label, label, (place, place)), key="cell")


def two_variants(here: Lab, draw: Draw, table: QuestionTable) -> None:
    """k of N right under one variant against k of N under another, as cells that list their questions.

    Cells, not dots: k takes N + 1 values, so thousands of questions fall on a few points, and counts are exact.
    """
    labels = list(table.labels)
    left, middle, right = st.columns(3)
    with left:
        one = choice("Down", labels, key="map_a")
    with middle:
        other = choice("Across", labels[::-1], key="map_b")
    names = bins(table)
    known = {f"{a}.{b}": (a, b) for a, b in product(range(len(names)), repeat=2)}
    counts = counts_of(table, one, other)
    with right:
        cell = choice(
            "Questions right in",
            sorted(known, key=lambda c: (-counts[known[c]], known[c])),
            key="cell",
            format_func=lambda c: f"{names[known[c][0]]} and {names[known[c][1]]}  ({counts[known[c]]})",
        )
    key = f"cells_{one}_{other}_{cell}"
    chart(
        "Which questions are right under one variant and wrong under the other?",
        "Questions by how many responses are right; the diagonal is no change. Choose a cell to list its questions.",
        cells(counts, names, names, f"{other}: right", f"{one}: right", known[cell], of="questions"),
        pd.DataFrame(counts, columns=[f"{other}: {n}" for n in names]).assign(**{one: names}),
        key=key,
        on_select=partial(clicked, key, _choose_cell),
        selection_mode="points",
    )
    question_list(here, draw, table, rows_at(table, one, other, known[cell]), key="cell")


def _choose_cell(cell: tuple[int, int]) -> None:
    put(cell=f"{cell[0]}.{cell[1]}")
