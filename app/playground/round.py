"""A round of the playground as a room sees it: the question, columns that fill while variants write, verdicts.

Until a blind round is revealed nothing drawn here names a variant: not its columns, not a tooltip, not a key.
"""

import streamlit as st

from app.playground import asked
from app.state import Lab, results
from app.widgets import answer_words, live, plain, sentence, verdict_colour
from core.method.judging import READER
from core.playground import rounds, serving
from core.playground.records import PLACES, Answer, Round, Wish
from core.playground.sessions import is_revealed, round_at
from core.records import CriterionVerdict, Item, Judgement
from core.rubrics import Rubric, load_rubric
from core.runs.folders import RunFolder
from core.statistics.words import number

POLL_SECONDS = 0.5

STYLES = (
    asked.STYLES
    + """
<style>
[class*="st-key-play_round"] [data-testid="stText"] { font-family: inherit; line-height: 1.5; }
[class*="st-key-play_round_large"] [data-testid="stText"] { font-size: 1.6rem; line-height: 1.45; }
[class*="st-key-play_round_large"] [data-testid="stBadge"], [class*="st-key-play_round_large"] .stBadge,
[class*="st-key-play_round_large"] [data-testid="stMarkdownContainer"] span { font-size: 1.15rem; }
[class*="st-key-play_round_large"] h3 { font-size: 2rem; }
[class*="st-key-play_round_large"] [data-testid="stCaptionContainer"] p { font-size: 1.05rem; }
[class*="st-key-play_round_large"] button p { font-size: 1.3rem; }
.st-key-play_columns :has(> [data-testid="stColumn"]) { flex-wrap: wrap; }
[class*="st-key-play_round_large"] .st-key-play_columns [data-testid="stColumn"]:has(~ :nth-child(4)),
[class*="st-key-play_round_large"] .st-key-play_columns [data-testid="stColumn"]:nth-child(4) { flex: 1 1 40%; }
@media (max-width: 1000px) { .st-key-play_columns [data-testid="stColumn"] { flex: 1 1 40%; } }
</style>
"""
)


def show_round(here: Lab, found: Round) -> None:
    """The question and its columns, redrawn twice a second until the round has ended."""
    asked.question(found.wish.item, is_revealed(here.store, found))

    def draw() -> None:
        now = round_at(here.store, found.wish.round)
        status(here, now)
        columns(here, now, is_revealed(here.store, now))
        if (now.waiting, now.ended) != (found.waiting, found.ended):
            here.store.take_in_journal()
            st.rerun()

    live(draw, alive=not found.ended, seconds=POLL_SECONDS)


# --- how far it is


def status(here: Lab, found: Round) -> None:
    """Where the round stands, in a sentence, and the way on."""
    match found.status:
        case "queued":
            before = f"{found.before} {'round' if found.before == 1 else 'rounds'} before you."
            _line(here, found, f"Waiting for its turn: {before}" if found.before else "Next in turn.")
        case "running":
            _line(here, found, phase_words(found))
        case "cut off":
            when = "in the middle of this round" if found.begun else "before the turn of this round"
            st.warning(f"The worker ended {when}. Nothing else is lost.", icon=":material/power_off:")
            if st.button("Start again", type="primary", icon=":material/replay:", key="play_again"):
                serving.start(here.home)
                st.rerun()
        case "failed":
            st.badge("This round failed", icon=":material/error:", color="red")
            plain(found.message)
        case "cancelled":
            st.badge("Cancelled: nothing of this round is kept", icon=":material/stop_circle:", color="gray")
        case "done" if found.message:
            plain(found.message)


def phase_words(found: Round) -> str:
    """What the worker does, for people."""
    words = {
        "starting": "Starting …",
        "writing": "Writing …",
        "judging": "All have answered; the judge reads …",
        "loading the judge": "All have answered; loading the judge, once …",
    }
    said = words.get(found.phase, f"Loading the models, once: {found.phase.removeprefix('loading ')} …")
    return said + (" A run is using this machine: answers come slower." if found.shared else "")


def _line(here: Lab, found: Round, words: str) -> None:
    if rounds.cancelled(here.home, found.wish.round):
        st.caption("Called off: it ends at the worker's next step …")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(words)
        if st.button("Cancel", icon=":material/stop:", key="play_cancel", type="tertiary"):
            rounds.cancel(here.home, found.wish.round)
            st.rerun()


# --- the columns

SUMMED = "Sum over the criteria of what the judge expects, by its probabilities; beside it each likeliest verdict."


def columns(here: Lab, found: Round, revealed: bool) -> None:
    """A column a variant; two in a row where there is little room for four."""
    rubric = rubric_of(here, found)
    with st.container(key="play_columns"):
        for place, column in enumerate(st.columns(len(found.wish.contenders), border=True)):
            with column:
                _column(found, place, revealed, rubric)


def judge_runs(here: Lab, wish: Wish) -> list[str]:
    """Runs of the round's judge over samples of its variants, whose cards say if it can be believed of them.

    Where there are none, the run that the judge was taken from; nothing where nobody judges.
    """
    if wish.judge is None:
        return []
    mine, samples = _judging(here, wish.judge), {one.run for one in wish.contenders}
    there = [(run, e.samples[label]) for e in results(here=here) for label, run in e.judges.items()]
    return [run for run, of in there if of in samples and _judging(here, run) == mine] or [wish.judge]


def _judging(here: Lab, run: str) -> tuple[object, ...]:
    """What tells a judge from another: its weights, and how it is asked."""
    config = RunFolder(here.home.runs / run).config
    return config.model.identity, config.settings["mode"], config.settings["rubric"]


def rubric_of(here: Lab, found: Round) -> Rubric | None:
    """The rubric that the round's judge uses; None where nobody judges."""
    if found.wish.judge is None or not (here.home.runs / found.wish.judge).exists():
        return None
    return load_rubric(RunFolder(here.home.runs / found.wish.judge).config.settings["rubric"])


def _column(found: Round, place: int, revealed: bool, rubric: Rubric | None) -> None:
    answer = found.answers.get(place)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(PLACES[place], anchor=False, width="content")
        if revealed:
            sentence(found.wish.contenders[place].label, key=f"play_name_{place}")
    if answer is None:
        plain(found.texts.get(place) or ("…" if found.waiting else "–"))
        return
    plain(answer.row.explanation or _without_explanation(found.wish.item, answer))
    _prediction(found.wish.item, answer, revealed)
    if revealed:
        _verdicts(answer.judgement, rubric)
    elif answer.judgement:
        st.caption("Judged; verdicts are shown at the reveal.")
    st.caption(
        f"{answer.row.tokens} tokens in {number(answer.seconds)} s, the first after {number(answer.first)} s"
        + (", cut at the longest" if answer.row.finish == "length" else "")
    )


def _without_explanation(item: Item, answer: Answer) -> str:
    """Its answer stands below by itself, where there are options."""
    said = answer.row.response.strip() or "nothing"
    return "No explanation: an answer alone." if item.options and answer.row.parsed else f"No explanation; all: {said}"


def _prediction(item: Item, answer: Answer, revealed: bool) -> None:
    """What it answers, and whether that is right as soon as this may be known."""
    if not item.options:
        return
    label = answer.row.parsed or answer.row.forced
    plain(answer_words(item, answer.row))
    with st.container(horizontal=True, gap="small"):
        if revealed and item.gold:
            right = label == item.gold
            st.badge("✓ right" if right else "✗ wrong", color="green" if right else "red")
        if label and answer.row.parsed is None:
            st.badge("forced", color="gray", help="No readable answer: the likeliest option counts.")
    if answer.probabilities:
        with st.expander("How likely it finds each option"):
            texts = [option.text for option in item.options]
            ranked = sorted(zip(answer.probabilities, texts, strict=True), reverse=True)
            plain("\n".join(f"{number(p, 'share'):>7}  {text}" for p, text in ranked))


def _verdicts(judgement: Judgement | None, rubric: Rubric | None) -> None:
    if judgement is None or rubric is None:
        return
    score = judgement.expected if judgement.expected is not None else judgement.total
    with st.container(horizontal=True, gap="small"):
        if score is None:
            st.badge("unjudged", color="gray", help="The judge's reply could not be read: there is no score.")
        else:
            how = "judge: expected score" if judgement.expected is not None else "judge: score"
            st.badge(f"{how} {number(score)} of {rubric.highest:g}", color="violet", help=SUMMED)
        if judgement.origin == "rule":
            st.badge("by rule", color="gray", help="An empty explanation is unsatisfactory on every criterion.")
        for verdict in judgement.verdicts:
            _chip(rubric, verdict)


def _chip(rubric: Rubric, verdict: CriterionVerdict) -> None:
    """A criterion and its verdict; probabilities on hover.  Rubrics allow plain names only."""
    if verdict.criterion == READER or verdict.verdict not in rubric.labels:
        st.badge(f"{verdict.criterion}: unreadable", color="gray")
        return
    chances = [] if verdict.probabilities is None else zip(rubric.labels, verdict.probabilities, strict=True)
    st.badge(
        f"{verdict.criterion}: {verdict.verdict}",
        color=verdict_colour(rubric.labels.index(verdict.verdict), len(rubric.labels)),
        help=", ".join(f"{label} {p:.2f}" for label, p in chances) or None,
    )
