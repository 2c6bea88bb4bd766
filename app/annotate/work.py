"""What the ways of annotating share: who annotates, how far, the task and its keys.

if (rater := annotator(here)) is not None:
    work(here, rater, queue, BENCH)         # BENCH says what is read, asked and written
"""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app.address import given, put, shown_one, this_page, value, view_of
from app.annotate.guideline import guideline
from app.annotate.keypad import BACK, FORWARD, NEXT, REVEAL, SKIP, SUBMIT, Action, Entered, Field, keypad
from app.state import Lab
from app.widgets import about, answer_words, boundary, plain
from core.annotation.queues import Desk, annotators
from core.annotation.records import Draft, Kind, Queue, Task, rater_name
from core.annotation.writing import draft_of, handed_in, is_revealed, keep_draft, reveal, skip
from core.errors import BadInput
from core.records import Explanation, Item, Option
from core.rubrics import load_rubric
from core.store.queries import item


@dataclass(frozen=True)
class Bench:
    """One way of annotating."""

    kind: Kind
    read: Callable[[Lab, Queue, Task, bool], None]
    """Draws what is to be read; the last argument: whether what is hidden may be seen."""
    fields: Callable[[Lab, Queue, Task, bool], list[Field]]
    submit: Callable[[Lab, str, Queue, Task, Draft], None]
    hides: bool
    """Whether something is hidden until it is handed in and revealed."""


TIMED = 5
"""Tasks from which on the median time of one says how long the others may take."""

STYLES = """
<style>
[class*="st-key-keys_"] { position: sticky; top: 4rem; }
</style>
"""
"""The keys stay in sight beside a long explanation."""


def annotator(here: Lab) -> str | None:
    """The name of who annotates, from the URL, this session or the box; None while there is none."""
    names = annotators(here.store)
    if given("rater") is None and (last := st.session_state.get("_rater")):
        put(rater=last)
    if (known := given("rater")) and known not in names:
        names = [*names, known]
    typed = st.selectbox(
        "Your name",
        names,
        accept_new_options=True,
        placeholder="Type or choose it",
        **shown_one("rater", given("rater"), names, _named),
    )
    st.session_state["_rater"] = typed
    if not typed:
        return None
    try:
        return rater_name(typed)
    except BadInput as error:
        plain(str(error))
        return None


def _named(name: str | None) -> None:
    """Another name: it has tasks of its own."""
    st.session_state["_rater"] = name
    tasks = [parameter for parameter in view_of(this_page()) if parameter.endswith("_task")]
    put(rater=name, **dict.fromkeys(tasks))


def work(here: Lab, rater: str, queue: Queue, bench: Bench) -> None:
    """The task that stands in the URL, or the first open one: read on the left, keys on the right."""

    st.html(STYLES)

    def draw() -> None:
        with boundary():
            _work(here, rater, queue, bench)

    st.fragment(draw)()


def _work(here: Lab, rater: str, queue: Queue, bench: Bench) -> None:
    desk = Desk.of(here.store, queue, rater)
    _progress(desk)
    task = desk.task(given(_place(bench.kind)) or "") or desk.next_open
    if task is None:
        _finished(desk, bench)
        return
    seen = not bench.hides or is_revealed(here.store, rater, task)
    left, right = st.columns([4, 3], gap="medium")
    with left:
        bench.read(here, queue, task, seen)
    with right, st.container(key=f"keys_{bench.kind}"):
        _keys(here, desk, task, bench, seen)
        if bench.kind != "pairwise":
            guideline(here, rater, load_rubric(queue.settings.rubric), task.criterion)


def _place(kind: Kind) -> str:
    """URL parameter that names the task."""
    return f"{kind}_task"


def _progress(desk: Desk) -> None:
    far = desk.progress
    words = [f"{far.done:,} of {far.total:,} done"]
    if far.shared:
        words.append(f"{far.shared_done} of {far.shared} that everybody does")
    if far.skipped:
        words.append(f"{far.skipped} skipped, they come again at the end")
    if TIMED <= far.done < far.total and far.seconds is not None:
        words.append(about(far.seconds_left))
    st.progress(far.done / far.total if far.total else 1.0, text=" · ".join(words))


def _finished(desk: Desk, bench: Bench) -> None:
    st.success(f"All {len(desk.done):,} of your tasks in this queue are done.", icon=":material/check_circle:")
    st.caption("Draw another queue above, or see under Agreement what they say.")
    if desk.order and st.button("Look at the last one again", key=f"again_{bench.kind}"):
        put(**{_place(bench.kind): desk.order[-1]})
        st.rerun(scope="fragment")


def _keys(here: Lab, desk: Desk, task: Task, bench: Bench, seen: bool) -> None:
    store, rater, queue = here.store, desk.rater, desk.queue
    given = handed_in(store, rater, task)
    draft = draft_of(store, rater, task) or given or Draft()
    locked = bench.hides and seen

    def state(entered: Entered) -> None:
        if (of := queue.task(entered.task)) is not None:
            keep_draft(store, rater, queue, of, entered.draft)

    def act(entered: Entered) -> None:
        if (of := queue.task(entered.task)) is not None:
            _act(here, rater, queue, of, bench, entered)

    keypad(
        f"pad_{bench.kind}",
        task=f"{task.key}",
        fields=bench.fields(here, queue, task, seen),
        draft=draft,
        actions=_actions(locked, given is not None, bench),
        on_state=state,
        on_act=act,
        locked=locked,
        note=bool(draft.note) or not locked,
        said=_said(locked, given, draft),
    )


def _actions(locked: bool, given: bool, bench: Bench) -> list[Action]:
    if locked:
        return [NEXT, BACK]
    if given:
        return [SUBMIT, *([REVEAL] if bench.hides else []), BACK, FORWARD]
    return [SUBMIT, SKIP, BACK]


def _said(locked: bool, given: Draft | None, draft: Draft) -> str:
    if locked:
        return "Submitted and revealed; now locked."
    if given and draft.differs_from(given):
        return "Changed, not submitted: what was submitted before still counts and is exported. Submit to change it."
    if given:
        return "Submitted; it can be changed and submitted again until it is revealed."
    return "Draft kept." if draft.labels or draft.note else ""


def _act(here: Lab, rater: str, queue: Queue, task: Task, bench: Bench, entered: Entered) -> None:
    following = None
    if entered.name == "submit":
        bench.submit(here, rater, queue, task, entered.draft)
        if bench.hides and reveals():
            reveal(here.store, rater, queue, task)
            following = task.key
    elif entered.name == "skip":
        skip(here.store, rater, queue, task)
    elif entered.name == "reveal":
        reveal(here.store, rater, queue, task)
        following = task.key
    elif entered.name == "back":
        following = Desk.of(here.store, queue, rater).before(task.key) or task.key
    put(**{_place(bench.kind): following})


def reveals() -> bool:
    """Whether what is hidden is shown as soon as a task is handed in."""
    return value("reveal", True)


# --- what is read


def explanation_of(here: Lab, samples: str, item_id: str, sample: int) -> Explanation:
    """One explanation; `BadInput` where it is gone."""
    names = list(Explanation.model_fields)
    found = here.store.rows(
        f"SELECT {', '.join(names)} FROM explanations WHERE run = ? AND item_id = ? AND sample = ?",
        [samples, item_id, sample],
    )
    if not found:
        raise BadInput(f"The explanation of {item_id} in {samples} is no longer in this lab: skip it.")
    return Explanation(**dict(zip(names, found[0], strict=True)))


def question_of(here: Lab, queue: Queue, task: Task) -> Item:
    """The question of a task."""
    asked = item(here.store, queue.settings.dataset, task.item_id)
    if asked is None:
        raise BadInput(f"The question {task.item_id} is no longer in this lab: skip it.")
    return asked


def question_card(asked: Item, gold: bool) -> None:
    """A question with its options, gold marked where it may be seen."""
    with st.container(border=True):
        if asked.context:
            plain(asked.context)
        plain(asked.question)
        plain("\n".join(_option(option, gold and option.label == asked.gold) for option in asked.options))


def _option(option: Option, gold: bool) -> str:
    name = option.text if option.label == option.text else f"{option.label}. {option.text}"
    return f"✓ {name}  (gold)" if gold else f"·  {name}"


def explanation_card(asked: Item, row: Explanation) -> None:
    """An explanation and the answer it comes to."""
    with st.container(border=True):
        plain(row.explanation)
    plain(answer_words(asked, row))
