"""Filters of the page Explanations: a bar of choices with counts, what is chosen as chips, the order.

    filters(here, known, wanted, found)

Names of data sets, variants and splits are untrusted: they stand in select boxes, whose options and chips show
text as it is.  Only the lab's own words stand in pills.
"""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from app.address import all_given, shown, shown_one
from app.explanations.view import CLOSED, FACETS, change, clear
from app.state import Lab
from core.analysis.browsing import ORDERS, Facets, Wanted
from core.analysis.catalogue import Catalogue
from core.rubrics import Rubric, load_rubric
from core.runs.folders import RunFolder
from core.statistics.words import plural

KEY = "wanted_{}".format
"""Key of the widget of a parameter, told apart from those of other pages."""

LABELS = {
    "dataset": "Data set",
    "split": "Split",
    "variant": "Variant",
    "category": "Category",
    "right": "Prediction",
    "form": "Form",
    "unread": "Why unparsed",
    "annotated": "Annotated",
}

HELP = {
    "category": "Of the question under this variant: right in all, some or none of its N responses.",
    "unread": "Why no answer was read; not noted: read before reasons were kept.",
    "form": "unparsed: no readable answer; empty: no explanation, which scores lowest; unjudged: no "
    "score by this judge.",
}


def filters(here: Lab, known: Catalogue, wanted: Wanted, found: Facets) -> None:
    """The bar; each choice says how many explanations it would find."""
    with st.container(horizontal=True, gap="small"):
        for name, field in FACETS.items():
            _facet(known, name, found.counts[field], getattr(wanted, field))
        _scores(here, known, wanted)
        _length(known, wanted)
        _judge(known, wanted)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _text(wanted)
        _order(wanted)


def chips(known: Catalogue, wanted: Wanted, found: Facets, rubric: Rubric | None) -> None:
    """What is chosen: each is taken away by its cross, all of it by a button; N of M beside."""
    active = _active(known, wanted, rubric)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"{found.wanted:,} of {plural(found.total, 'explanation')}, {plural(found.questions, 'question')}")
        if active:
            st.button("Clear all", icon=":material/filter_alt_off:", type="tertiary", key="clear", on_click=clear)
    if active:
        st.multiselect(
            "Filters in force",
            list(active),
            format_func=lambda chip: active.get(chip, ""),
            label_visibility="collapsed",
            select_all=False,
            **shown(KEY("chips"), list(active), partial(_take_away, list(active))),
        )


Chip = tuple[str, str]
"""A parameter and one of its values."""


def _active(known: Catalogue, wanted: Wanted, rubric: Rubric | None) -> dict[Chip, str]:
    names = {one.dataset: one.dataset_name for one in known.drawn}
    found: dict[Chip, str] = {}
    for name, field in FACETS.items():
        for value in getattr(wanted, field):
            found[name, value] = f"{LABELS[name].lower()}: {words(names.get(value, value))}"
    if wanted.score_between:
        found["score", ""] = "score {:g} to {:g}".format(*wanted.score_between)
    if wanted.tokens_between:
        found["tokens", ""] = "{:g} to {:g} tokens".format(*wanted.tokens_between)
    for place, low, high in wanted.criteria_between:
        key = rubric.criteria[place].key if rubric and place < len(rubric.criteria) else f"criterion {place + 1}"
        found["criterion", str(place)] = f"{key} {low:g} to {high:g}"
    for criterion, verdict in wanted.verdicts:
        found["verdict", f"{criterion}:{verdict}"] = f"{criterion}: {verdict}"
    if wanted.text:
        found["text", ""] = f"contains: {wanted.text}"
    if wanted.protocol:
        found["evaluation", ""] = "variants of one comparison"
    return found


def _take_away(active: Sequence[Chip], kept: Sequence[Chip]) -> None:
    left = {tuple(chip) for chip in kept}
    for name, value in set(active) - left:
        change(name, [other for other in all_given(name) if value and not _is_chip(name, other, value)])


def _is_chip(name: str, given: str, value: str) -> bool:
    return given.partition(":")[0] == value if name == "criterion" else given == value


# --- single choices


def words(name: str) -> str:
    """A name as people read it."""
    return name.replace("_", " ")


def _facet(known: Catalogue, name: str, counts: dict[str, int], chosen: Sequence[str]) -> None:
    values = [*dict.fromkeys((*_ordered(name, counts), *chosen))]
    if not values or (len(values) == 1 and not chosen):
        return
    names = {one.dataset: one.dataset_name for one in known.drawn}
    with st.popover(_titled(LABELS[name], len(chosen)), key=f"open_{name}"):
        _several(name, values, list(chosen), lambda one: f"{words(names.get(one, one))} · {counts.get(one, 0):,}")
        if name == "variant" and len(names) > 1 and len(all_given("dataset")) != 1:
            st.caption("A name stands for other weights in each data set: filter by data set to keep them apart.")


def _ordered(name: str, counts: dict[str, int]) -> list[str]:
    if name in CLOSED:
        return [value for value in CLOSED[name] if value in counts]
    return list(counts) if name == "variant" else sorted(counts, key=lambda value: (-counts[value], value))


def _titled(label: str, chosen: int) -> str:
    return f"{label} ({chosen})" if chosen else label


def _several(name: str, values: list[str], chosen: list[str], label_of: Callable[[str], str]) -> None:
    how = shown(KEY(name), chosen, partial(_changed, name))
    if name in CLOSED:
        st.pills(LABELS[name], values, selection_mode="multi", format_func=label_of, help=HELP.get(name), **how)
    else:
        st.multiselect(LABELS[name], values, format_func=label_of, **how)


def _changed(name: str, value: list[str] | str | None) -> None:
    values = value if isinstance(value, list) else [value]
    change(name, [one for one in values if one not in (None, "")])


def _text(wanted: Wanted) -> None:
    how = shown(KEY("text"), wanted.text, partial(_changed, "text"))
    st.text_input("Contains", icon=":material/search:", width=260, **how)


def _order(wanted: Wanted) -> None:
    st.segmented_control(
        "Order",
        ORDERS,
        **shown(KEY("order"), wanted.order, partial(_changed, "order"), opens="default"),
        help="Most disputed: judges that are furthest apart on an explanation where several judged it, else the "
        "samples of a question whose scores are.",
    )
    if wanted.order == "random":
        again = str(wanted.seed + 1)
        st.button("Draw again", icon=":material/casino:", key="again", on_click=change, args=("seed", [again]))


# --- scores and judge


def rubric_of(here: Lab, known: Catalogue, judge: str | None) -> Rubric | None:
    """The rubric that a judge was given; None in a lab without judges."""
    key = judge or next(iter(known.judges), None)
    run = next((one.judges[key] for one in known.drawn if key in one.judges), None)
    return load_rubric(RunFolder(here.home.runs / run).config.settings["rubric"]) if run else None


def _scores(here: Lab, known: Catalogue, wanted: Wanted) -> None:
    rubric = rubric_of(here, known, wanted.judge)
    if rubric is None:
        return
    low, high = float(min(rubric.values)), float(max(rubric.values))
    many = len(rubric.criteria)
    chosen = bool(wanted.score_between) + len(wanted.criteria_between)
    with st.popover(_titled("Scores", chosen), key="open_scores"):
        _slider("Score", "score", low * many, high * many, wanted.score_between, 0.1)
        ranges = {place: (start, end) for place, start, end in wanted.criteria_between}
        for place, criterion in enumerate(rubric.criteria):
            _slider(criterion.key.replace("_", " "), f"criterion_{place}", low, high, ranges.get(place), 0.1)
        st.caption(f"A criterion goes from {low:g} ({rubric.labels[0]}) to {high:g} ({rubric.labels[-1]}).")


def _length(known: Catalogue, wanted: Wanted) -> None:
    if known.longest:
        with st.popover(_titled("Length", int(bool(wanted.tokens_between))), key="open_length"):
            _slider("Tokens of the response", "tokens", 0.0, float(known.longest), wanted.tokens_between, 1.0)


def _slider(label: str, name: str, low: float, high: float, chosen: tuple[float, float] | None, step: float) -> None:
    start, end = chosen or (low, high)
    within = (max(low, min(start, high)), min(high, max(end, low)))
    st.slider(label, low, high, step=step, **shown(KEY(name), within, partial(_slid, name, low, high)))


def _slid(name: str, low: float, high: float, between: tuple[float, float]) -> None:
    start, end = between
    ends = [] if (start, end) == (low, high) else [f"{start:g}~{end:g}"]
    parameter, _, place = name.partition("_")
    if not place:
        change(parameter, ends)
        return
    others = [other for other in all_given(parameter) if not _is_chip(parameter, other, place)]
    change(parameter, [*others, *(f"{place}:{between}" for between in ends)])


def _judge(known: Catalogue, wanted: Wanted) -> None:
    with st.popover("Judge", key="open_judge"):
        if known.judges:
            judges = list(known.judges)
            how = shown_one(KEY("judge"), wanted.judge or judges[0], judges, partial(_changed, "judge"))
            st.selectbox("Scores by", judges, format_func=known.judges.get, **how)
        scores = ["expected", "total"]
        st.radio(
            "Score",
            scores,
            **shown_one(KEY("scoring"), wanted.score, scores, partial(_changed, "scoring")),
            help="expected: from the probabilities of the verdicts; total: the sum of the likeliest ones.",
        )
        ways = ["forced", "parsed"]
        st.radio(
            "Right by",
            ways,
            **shown_one(KEY("by"), wanted.by, ways, partial(_changed, "by")),
            help="Which prediction makes a response right; forced: without a readable one option probabilities decide.",
        )
