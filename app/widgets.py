"""What pages show the same way: untrusted text, durations and rules, states, empty places.

Anything that a model, a data set or a user wrote is untrusted: markdown elements would render it and
fetch its pictures.  It goes through `plain`, `literal`, `sentence`, a data frame's cells, or
`app.charts.style.safe` for plotly; never into markdown, metrics, badges, tabs, toasts or widget labels.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal

import streamlit as st

from app.address import given, held_one
from core.errors import LabError, StoreBusy, disk_refusal
from core.home import Home
from core.method.parsing import read_response
from core.method.reading.reasons import reason_words
from core.records import Explanation, Item
from core.runs.estimate import seconds_left
from core.runs.folders import RunFolder
from core.runs.watch import progress_of
from core.settings import CompareSettings

STATES: dict[str, tuple[str, str, str]] = {
    "queued": ("gray", ":material/hourglass_top:", "◷"),
    "running": ("blue", ":material/play_circle:", "▶"),
    "stopping": ("orange", ":material/pending:", "◌"),
    "done": ("green", ":material/check_circle:", "✓"),
    "failed": ("red", ":material/error:", "✗"),
    "stopped": ("gray", ":material/stop_circle:", "■"),
    "lost": ("orange", ":material/help:", "?"),
}
"""Badge colour, icon and text sign of each run state (`stopping` is alive with a stop file)."""


# --- untrusted text


def literal(text: str, height: int | Literal["content"] = "content") -> None:
    """A block of untrusted text as it is: wrapped, copyable, nothing in it rendered."""
    st.code(text, language=None, wrap_lines=True, height=height)


def plain(text: str) -> None:
    """A line of untrusted text in the page's own type."""
    st.text(text)


def sentence(text: str, key: str) -> None:
    """A headline sentence that may hold untrusted names, larger than the text around it."""
    with st.container(key=f"sentence_{key}"):
        st.text(text)


# --- rules and durations


def answer_words(asked: Item, row: Explanation) -> str:
    """What a response answers: the option that it names, else why none is read and the likeliest option."""
    texts = {option.label: option.text for option in asked.options}
    if row.parsed:
        return f"Answer: {texts.get(row.parsed, row.parsed)}"
    found = read_response(row.response, asked.options)
    wrote = f"Wrote “{found.said}”, which {reason_words(row.unread or found.unread)}"
    said = wrote if found.said else "No readable answer"
    return f"{said}; likeliest option: {texts.get(row.forced, row.forced)}" if row.forced else said


def tie_rule(settings: CompareSettings) -> str:
    """When two explanations tie, and what the intervals and p values are."""
    return (
        f"Scores ({settings.score}) within {settings.margin:g} {settings.unit} tie; 95% intervals over "
        f"{settings.resamples:,} resamples of questions; p by {settings.permutations:,} sign flips, corrected for all "
        "pairs of variants (Holm)."
    )


def duration(seconds: float | None) -> str:
    """Seconds as people say them.

    >>> duration(7.2), duration(80), duration(3700), duration(None)
    ('7 s', '1 min 20 s', '1 h 1 min', '–')
    """
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def about(seconds: float | None) -> str:
    """Time left, as the estimate that it is.

    >>> about(200), about(42), about(2.3), about(None)
    ('about 3 min left', 'about 40 s left', 'about 2 s left', 'time left not known yet')
    """
    if seconds is None:
        return "time left not known yet"
    if seconds < 90:
        return f"about {max(1, round(seconds)) if seconds < 10 else 5 * round(seconds / 5)} s left"
    return f"about {duration(60 * round(seconds / 60)).removesuffix(' 0 s')} left"


def bytes_words(count: int) -> str:
    """Bytes for people.

    >>> bytes_words(512), bytes_words(8663040), bytes_words(3 * 2**30)
    ('512 B', '8.3 MiB', '3.0 GiB')
    """
    size, unit, *larger = float(count), "B", "KiB", "MiB", "GiB", "TiB"
    while size >= 1024 and larger:
        size, unit, *larger = size / 1024, *larger
    return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"


def clock(seconds: float | None) -> str:
    """A moment (seconds since 1970) in local time, to the minute."""
    return datetime.fromtimestamp(seconds).strftime("%d %b %H:%M") if seconds else "–"


# --- states and empty places


def state_badge(state: str) -> None:
    """A run's state by colour, icon and word."""
    color, icon, _ = STATES[state]
    st.badge(state, icon=icon, color=color)


def state_word(state: str) -> str:
    """A run's state for a table cell.

    >>> state_word("done")
    '✓ done'
    """
    return f"{STATES[state][2]} {state}"


def header(title: str, purpose: str) -> None:
    """A page's title and the one sentence that says what it is for."""
    st.title(title, anchor=False)
    st.caption(purpose)


def empty_state(title: str, what_to_do: str, button: str | None = None, key: str = "empty") -> bool:
    """An empty place that says what to do; True when its button was pressed."""
    with st.container(border=True, key=f"empty_{key}"):
        st.subheader(title, anchor=False)
        st.write(what_to_do)
        return bool(button) and st.button(button, key=f"{key}_button", type="primary")


def choice(
    label: str,
    options: Sequence[str],
    key: str,
    start: str | None = None,
    drops: Sequence[str] = (),
    what: str | None = None,
    **select: Any,
) -> str:
    """A select box whose value stands in the URL under `key`, unless it is the option that it opens on.

    start: that option; the first without one.  A value that is gone falls back to it; what: a noun, where a link that
    names one that is gone must not pass for it.  drops: see `app.address.held`.
    Options may be untrusted text: select boxes show them as they are.  `format_func`: their labels, told apart where
    two are the same (`told_apart`).
    """
    label_of = select.pop("format_func", str)
    labels = told_apart({option: str(label_of(option)) for option in options})
    opening = options[0] if start is None else start
    if what and (asked := given(key)) and asked not in options:
        plain(f"No {what} here has the id {asked}: it was deleted, or is another lab's. Another is shown.")
    how = held_one(key, opening, options, drops=drops)
    return st.selectbox(label, options, format_func=lambda one: labels.get(one) or str(label_of(one)), **how, **select)


def told_apart(labels: Mapping[str, str]) -> dict[str, str]:
    """Option → its label, with the option itself beside those that are the same.

    A browser sends a select box's label and not its option: of two that are the same it could mean the first alone.

    >>> told_apart({"a1": "things", "b2": "planks", "c3": "things"})
    {'a1': 'things (a1)', 'b2': 'planks', 'c3': 'things (c3)'}
    """
    often = Counter(labels.values())
    return {option: f"{label} ({option})" if often[label] > 1 else label for option, label in labels.items()}


# --- the error boundary


@contextmanager
def boundary() -> Iterator[None]:
    """Shows what goes wrong inside: one literal sentence for a `LabError`, else how to go on."""
    try:
        yield
    except StoreBusy as error:
        _show_problem("The database is in use", str(error), again=True)
    except LabError as error:
        _show_problem("This cannot be done as it is", str(error))
    except Exception as error:
        if refusal := disk_refusal(error):
            _show_problem("The disk refuses", str(refusal), again=True)
            return
        _show_problem("Something went wrong here", f"{type(error).__name__}: {error}", again=True)
        st.write("Nothing is lost: runs go on, and what they produced is in their folders.")
        with st.expander("Details for a bug report"):
            literal("".join(traceback.format_exception(error)))


def _show_problem(title: str, text: str, again: bool = False) -> None:
    with st.container(border=True):
        st.badge(title, icon=":material/error:", color="red")
        st.text(text)
        if again:
            st.button("Try again", key=f"again_{title}")


def live(draw: Callable[[], None], alive: bool, seconds: float = 2.5) -> None:
    """Draw now, and again every `seconds` while something is alive, without rerunning the page.

    `draw` must find out by itself what changed, and call `st.rerun()` when what it watched has ended.
    """

    def guarded() -> None:
        with boundary():
            draw()

    st.fragment(guarded, run_every=seconds if alive else None)()


# --- runs


def progress_line(home: Home, folder: RunFolder) -> None:
    """How far a run is, as a bar with counts and time left."""
    done, total, unit = progress_of(folder)
    if not total:
        if words := {"queued": "waiting for its turn", "running": "loading"}.get(folder.state):
            st.progress(0.0, text=words)
        return
    left = "" if folder.result else f" · {about(seconds_left(home, folder))}"
    st.progress(min(1.0, done / total), text=f"{done:,} of {total:,} {unit}{left}")


# --- verdicts


VERDICT_COLOURS = ("red", "orange", "blue", "green")
"""Badge colours of a rubric's verdicts, worst to best (longer rubrics share the ends)."""


def verdict_colour(place: int, count: int) -> str:
    """Colour of the verdict at `place` (0 is worst) among `count`.

    >>> [verdict_colour(i, 4) for i in range(4)], verdict_colour(1, 2)
    (['red', 'orange', 'blue', 'green'], 'green')
    """
    return VERDICT_COLOURS[round(place * (len(VERDICT_COLOURS) - 1) / max(1, count - 1))]


STYLES = """
<style>
[data-testid="stMainBlockContainer"] { padding-top: 3.2rem; }
[class*="st-key-sentence_"] [data-testid="stText"] {
    font-family: inherit; font-size: 1.15rem; font-weight: 560; line-height: 1.45;
}
[class*="st-key-working_"] {
    position: fixed; bottom: 1rem; left: 50%; width: min(30rem, 84vw); transform: translateX(-50%); z-index: 999;
    padding: 0.6rem 1rem; border-radius: 0.5rem; background: light-dark(#FFFFFF, #1B2622);
    box-shadow: 0 2px 12px rgba(0, 0, 0, 0.25);
}
.st-key-window { position: absolute; height: 0; overflow: hidden; }
.st-key-method {
    display: grid; grid-template-columns: repeat(auto-fit, minmax(7.6rem, 1fr)); gap: 1.3rem; overflow-x: clip;
}
.st-key-method > div { width: auto; height: 100%; position: relative; }
.st-key-method > div:not(:last-child)::after {
    content: "→"; position: absolute; right: -1.15em; top: 40%; opacity: 0.55;
}
[class*="st-key-stage_"] { height: 100%; padding: 0.7rem; }
[class*="st-key-stage_"] [data-testid="stMetricValue"] { font-size: 1.35rem; }
[class*="st-key-stage_"] [data-testid="stPageLink-NavLink"] { padding: 0; margin: 0; }
[class*="st-key-recent_"] { flex-wrap: nowrap; }
[class*="st-key-recent_"] > :last-child { min-width: 0; flex: 1; }
[data-testid^="stBaseButton-primary"]:enabled, [data-tag] { color: light-dark(#FFFFFF, #10201B) !important; }
[data-testid^="stBaseButton-primary"]:enabled * { color: inherit !important; }
.shares { display: flex; height: 6px; border-radius: 3px; overflow: hidden; }
.shares span { display: block; height: 100%; }
[data-testid="stText"] { white-space: pre-wrap; overflow-wrap: anywhere; }
.st-key-aligned :has(> [data-testid="stColumn"]) { flex-wrap: wrap; }
.st-key-aligned [data-testid="stColumn"] { min-width: 240px; flex: 1 1 240px; }
[data-testid="stCode"] pre { white-space: pre-wrap; overflow-wrap: anywhere; }
</style>
"""


def styles() -> None:
    """The few rules that themes do not cover; fixed text, nothing from outside ever goes in here."""
    st.html(STYLES)
