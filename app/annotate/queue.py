"""Choosing the queue to work on, and drawing a new one."""

import streamlit as st

from app.address import held, put
from app.navigation import DEMO, FILES, LAUNCH, nothing_yet
from app.state import Lab, results
from app.widgets import boundary, choice, told_apart
from app.working import Pace
from core.annotation.queues import find_queue, open_queue, queues_of
from core.annotation.records import Kind, Queue, QueueSettings
from core.annotation.sources import Source, sources
from core.store.queries import datasets

DRAWING: dict[Kind, Pace] = {
    kind: Pace("Drawing from all explanations …", seconds)
    for kind, seconds in (("rate", 5.7), ("spot-check", 17.6), ("pairwise", 3.1))
}

WHAT: dict[Kind, str] = {
    "rate": "Drawn in proportion over category of the question × variant × score × how sure the judge is.",
    "spot-check": "Drawn in proportion over criterion × verdict × how sure the judge is of it.",
    "pairwise": "One explanation of each of two variants a question, the sides by seed; drawn in proportion over the "
    "categories under both × which one the judge prefers.",
}


def chosen_queue(here: Lab, kind: Kind) -> Queue | None:
    """The queue that the URL or the person chose, the newest at first; None while there is none."""
    known = queues_of(here.store, kind)
    if not known:
        _first(here, kind)
        return None
    names = {row["id"]: row["name"] for row in datasets(here.store)[["id", "name"]].to_dict("records")}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = choice(
            "Queue",
            list(known),
            key=f"{kind}_queue",
            what="queue",
            format_func=lambda one: _title(one, known[one], names),
            width=560,
        )
        if st.button("New queue", icon=":material/add:", key=f"new_{kind}"):
            _dialog(here, kind)
        if kind != "spot-check":
            st.toggle(
                "Show what is hidden after each",
                **held("reveal", True),
                help="Variant, judge and gold are shown once a task is handed in, and it can no longer be changed. "
                "Off: go straight on, and change what you like until you look (key V).",
            )
    return find_queue(here.store, key)


def _title(key: str, settings: QueueSettings, names: dict[str, str]) -> str:
    gold = " · gold shown" if settings.gold else ""
    return (
        f"{names.get(settings.dataset, settings.dataset)}: {', '.join(settings.samples)} · {settings.size} tasks, "
        f"{min(settings.overlap, settings.size)} for everybody · seed {settings.seed}{gold} ({key[-4:]})"
    )


def _first(here: Lab, kind: Kind) -> None:
    found = _sources(here, kind)
    if not found:
        needs = "a sample and a judge run" if kind == "spot-check" else "a sample run"
        nothing_yet(
            "Nothing to annotate yet",
            f"Run the demo from the Overview, or {needs} from Runs; explanations written elsewhere do too (Datasets).",
            DEMO,
            LAUNCH,
            FILES,
            key=kind,
        )
        return
    with st.container(border=True):
        st.subheader("Draw a queue", anchor=False)
        _form(here, kind, found)


def _sources(here: Lab, kind: Kind) -> list[Source]:
    found = sources(here.store, results())
    least = 2 if kind == "pairwise" else 1
    return [one for one in found if len(one.samples) >= least and (one.judges or kind != "spot-check")]


@st.dialog("Draw a queue", width="large")
def _dialog(here: Lab, kind: Kind) -> None:
    with boundary():
        _form(here, kind, _sources(here, kind))


def _form(here: Lab, kind: Kind, found: list[Source]) -> None:
    by_key = {one.key: one for one in found}
    titles = told_apart({one.key: one.title for one in found})
    key = st.selectbox("Explanations", list(by_key), format_func=titles.get, key=f"source_{kind}")
    source = by_key[key]
    variants = _variants(kind, source)
    size, overlap, seed = st.columns(3)
    settings = QueueSettings(
        kind=kind,
        dataset=source.dataset,
        samples={variant: source.samples[variant] for variant in variants},
        judges={variant: run for variant, run in source.judges.items() if variant in variants},
        rubric=source.rubric,
        size=size.number_input("Tasks", 1, 5000, 40, key=f"size_{kind}"),
        overlap=overlap.number_input(
            "Of these for everybody",
            0,
            5000,
            20,
            key=f"overlap_{kind}",
            help="They come first for each annotator, so that agreement between annotators can be measured; each "
            "other task is done by one.",
        ),
        seed=seed.number_input("Seed", 0, 2**31, 0, key=f"seed_{kind}"),
        gold=kind != "spot-check"
        and st.toggle("Show the gold answer", key=f"gold_{kind}", help="Recorded with every rating."),
    )
    st.caption(WHAT[kind])
    if st.button("Draw and begin", type="primary", key=f"draw_{kind}", disabled=not variants):
        rows = here.store.rows("SELECT count(*) FROM explanations")[0][0]
        drawn = DRAWING[kind].watch(rows, lambda: open_queue(here.store, settings))
        put(**{f"{kind}_queue": drawn.id, f"{kind}_task": None})
        st.rerun()


def _variants(kind: Kind, source: Source) -> list[str]:
    names = list(source.samples)
    if kind != "pairwise":
        return st.multiselect("Variants", names, default=names, key=f"variants_{kind}_{source.key}")
    left, right = st.columns(2)
    a = left.selectbox("One variant", names, index=len(names) - 1, key=f"a_{source.key}")
    others = [name for name in names if name != a]
    return [a, right.selectbox("The other", others, key=f"b_{source.key}")]
