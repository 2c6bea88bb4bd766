"""The Playground's form: a question, two to four variants, a judge; and what becomes a round of it."""

import random
from collections import Counter
from dataclasses import dataclass

import streamlit as st

from app.address import given, held, held_one, put
from app.playground import asked
from app.state import Lab
from app.widgets import boundary, choice
from core.errors import BadInput
from core.playground import rounds, serving, sessions
from core.playground.records import Contender, Wish, typed_item
from core.records import Item
from core.runs.folders import RunFolder
from core.seeds import seed_of
from core.settings import SampleSettings
from core.store.queries import datasets, item

TYPED, PICKED = "Type a question", "Pick one from a data set"
NOBODY = ""
MOST_OPTIONS = 10

LISTED = 160
"""Characters of a question where questions are listed."""


@dataclass(frozen=True)
class Question:
    """A question, and the data set whose worked examples stand before it."""

    item: Item
    dataset: str | None


def ask_form(here: Lab, session: str | None) -> None:
    """Draws the form; on Generate a round is put into the queue and the page goes to it."""
    known = sessions.contenders(here.store)
    st.session_state.pop("_play_problem", None)  # found anew below where it still is one
    with st.container(horizontal=True, gap="medium"):  # one under the other where there is little room
        left, right = st.container(width=590), st.container(width=420)
    with left:
        question = _question(here)
    with right:
        chosen = _variants(known)
        judge = _judge(here)
        blind = st.toggle(
            "Blind: names are hidden until the reveal",
            **held("play_blind", True),
            help="Columns stand in random order. Verdicts and the right answer are shown at the reveal too.",
        )
        drawn = _drawing(here, chosen or known, question)
    if st.button("Generate", type="primary", icon=":material/play_arrow:", shortcut="Mod+Enter", key="play_generate"):
        with boundary():  # what is below stays
            _ask(here, session, _checked(question, chosen), judge, blind, drawn)


# --- the question


def _question(here: Lab) -> Question | None:
    how = held_one("play_source", TYPED, (TYPED, PICKED))
    source = st.radio("Question", (TYPED, PICKED), horizontal=True, label_visibility="collapsed", **how)
    return _typed() if source == TYPED else _picked(here)


def _typed() -> Question | None:
    text = st.text_area("Question", height=120, **held("play_question", "")).strip()
    lines = st.text_area("Options, one a line; none for a free question", height=110, **held("play_options", ""))
    options = [line.strip() for line in lines.splitlines() if line.strip()]
    if len(set(map(str.casefold, options))) < len(options):
        raise_later("Two options are the same: change one of them.")
    if len(options) == 1 or len(options) > MOST_OPTIONS:
        raise_later(f"A question has no options, or 2 to {MOST_OPTIONS} of them.")
    gold = choice("Right option, if you know it", ["", *options], key="play_gold", disabled=not options)
    if not text:
        return None
    name = f"typed-{seed_of(text, *options):x}"
    return Question(typed_item(text, options, gold or None, name), None)


def refill(typed: Item) -> None:
    """Put a typed question back into the form, to be asked again."""
    options = "\n".join(option.text for option in typed.options)
    put(play_source=None, play_question=typed.question, play_options=options, play_gold=typed.gold)


def raise_later(problem: str) -> None:
    """A problem of the form that Generate refuses."""
    st.session_state["_play_problem"] = problem


def _picked(here: Lab) -> Question | None:
    names = {row.id: row.name for row in datasets(here.store).itertuples()}
    if not names:
        st.caption("No data set yet: load one on the Datasets page, or type a question.")
        return None
    dataset = choice("Data set", list(names), key="play_dataset", drops=["play_item"], format_func=names.get)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("Contains", icon=":material/search:", **held("play_filter", ""))
        st.button("Random", icon=":material/casino:", key="play_random", on_click=_draw, args=(here, dataset, text))
    found = sessions.found_items(here.store, dataset, text)
    options = dict(zip(found["id"], found["question"], strict=True))
    current = given("play_item")
    if current and current not in options and (extra := item(here.store, dataset, current)):
        options = {current: extra.question} | options
    if not options:
        st.caption("No question contains these words.")
        return None
    wanted = choice("Question", list(options), key="play_item", format_func=lambda id: shortened(options[id]))
    matching = int(found["found"].iloc[0]) if len(found) else 0
    st.caption(f"{min(len(found), matching)} of {matching:,} that match are listed; Random draws from all of them.")
    picked = item(here.store, dataset, wanted)
    if picked is None:
        return None
    asked.question(picked, mark_gold=False)
    return Question(picked, dataset)


def shortened(text: str) -> str:
    """The beginning of a text, for a list to choose from.

    >>> shortened("a" * 200)[-2:], shortened("short")
    ('a…', 'short')
    """
    return text if len(text) <= LISTED else f"{text[:LISTED]}…"


def _draw(here: Lab, dataset: str, text: str) -> None:
    drawn = sessions.random_item(here.store, dataset, text)
    if drawn:
        put(play_item=drawn)


# --- who answers, who judges, how


def _variants(known: list[Contender]) -> list[Contender]:
    by_key = {one.variant: one for one in known}
    names = {one.variant: one.label for one in known}
    for more in (lambda one: f" of {one.about}", lambda one: f" ({one.variant[:6]})"):  # until no two are alike
        alike = Counter(names.values())
        names = {one.variant: names[one.variant] + more(one) * (alike[names[one.variant]] > 1) for one in known}
    least_and_most_tuned = list(dict.fromkeys((known[0].variant, known[-1].variant)))
    how = held("play_variants", least_and_most_tuned, lambda keys: set(keys) <= set(by_key))
    chosen = st.multiselect("Variants, two to four", list(by_key), format_func=names.get, **how)
    return [by_key[key] for key in chosen]


def _judge(here: Lab) -> str | None:
    names = {one.run: one.name for one in sessions.judges(here.store)} | {NOBODY: "nobody"}
    return choice("Judge", list(names), key="play_judge", format_func=names.get) or None


def _drawing(here: Lab, known: list[Contender], question: Question | None) -> dict[str, object]:
    """Temperature, length, seed and worked examples; the defaults are those of the first variant's sample run.

    Worked examples are those that the last variant, the most tuned one, was sampled with.
    """
    settings = SampleSettings.model_validate(RunFolder(here.home.runs / known[0].run).config.settings)
    with st.expander("How answers are drawn"):
        temperature = _number("Temperature; 0 is greedy", "temperature", settings.temperature, 0.0, 5.0)
        tokens = _number("Longest answer, in tokens", "tokens", settings.max_new_tokens, 1, 2048)
        seed = _number("Seed", "seed", settings.seed, 0, 2**31)
        dataset = _examples_from(here, known, question)
        st.caption("Prompt and nucleus are those of each variant's newest sample run.")
    return {
        "temperature": temperature,
        "max_new_tokens": tokens,
        "seed": seed,
        "examples": RunFolder(here.home.runs / dataset).config.settings["examples"] if dataset else [],
    }


def _number(label: str, name: str, start: float, low: float, high: float) -> float:
    how = held(f"play_{name}", start, lambda number: low <= number <= high)
    return st.number_input(label, low, high, step=0.1 if isinstance(low, float) else 1, **how)


def _examples_from(here: Lab, known: list[Contender], question: Question | None) -> str | None:
    """The data set whose worked examples stand before the question."""
    if question and question.dataset:
        st.caption("Worked examples: those of the question's data set.")
        return question.dataset
    names = {row.id: row.name for row in datasets(here.store).itertuples()} | {NOBODY: "none"}
    usual = sessions.dataset_of(here.store, known[-1].run)
    start = usual if usual in names else NOBODY
    return choice("Worked examples of", list(names), key="play_examples", start=start, format_func=names.get) or None


# --- the round


def _checked(question: Question | None, chosen: list[Contender]) -> tuple[Item, list[Contender]]:
    problem = st.session_state.pop("_play_problem", None)
    if question is None:
        raise BadInput("There is no question yet: type one, or pick one from a data set.")
    if problem and question.dataset is None:
        raise BadInput(problem)
    if not 2 <= len(chosen) <= 4:
        raise BadInput(f"A round has two to four variants, and {len(chosen)} are chosen.")
    return question.item, chosen


def _ask(
    here: Lab,
    session: str | None,
    what: tuple[Item, list[Contender]],
    judge: str | None,
    blind: bool,
    drawn: dict[str, object],
) -> None:
    question, chosen = what
    name = rounds.new_round()
    session = session or sessions.begin(here.store)
    if blind:
        random.Random(seed_of("columns", name)).shuffle(chosen)
    wish = Wish(round=name, session=session, blind=blind, item=question, contenders=chosen, judge=judge, **drawn)
    rounds.ask(here.home, wish)
    serving.start(here.home)
    put(session=session, round=name, play_question=None, play_options=None, play_gold=None)
    st.rerun()
