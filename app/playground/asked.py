"""What is asked, in a box of bounded height: a long question scrolls in it and leaves the screen to the answers."""

import streamlit as st

from app.widgets import plain
from core.records import Item, Option

SHORT = 90
"""Options of at most so many characters together stand in one line."""

LONG = 600
"""Characters from which on what is asked may be shown whole, for a room that cannot scroll."""

STYLES = """
<style>
.st-key-play_asked_bounded { max-height: 38vh; overflow-y: auto; flex-wrap: nowrap; overscroll-behavior: contain; }
.st-key-play_asked_bounded > div { flex-shrink: 0; }
[class*="st-key-play_asked"] [data-testid="stText"] { font-family: inherit; line-height: 1.45; }
.st-key-play_asked_bounded .st-key-play_context { max-height: 19vh; overflow-y: auto; }
.st-key-play_words [data-testid="stText"] { font-size: 1.15rem; font-weight: 560; }
[class*="st-key-play_round_large"] .st-key-play_context [data-testid="stText"],
[class*="st-key-play_round_large"] .st-key-play_options [data-testid="stText"] { font-size: 1.4rem; }
[class*="st-key-play_round_large"] .st-key-play_words [data-testid="stText"] { font-size: 1.8rem; line-height: 1.3; }
</style>
"""


def question(asked: Item, mark_gold: bool) -> None:
    """Context, question and options of an item, the right option starred where `mark_gold`."""
    texts = [asked.context or "", asked.question, *(option.text for option in asked.options)]
    whole = sum(map(len, texts)) > LONG and st.toggle("Show the whole question", key="play_whole")
    with st.container(key="play_asked_whole" if whole else "play_asked_bounded", gap="small", border=True):
        if asked.context:
            with st.container(key="play_context"):
                plain(asked.context)
        with st.container(key="play_words"):
            plain(asked.question)
        if asked.options:
            with st.container(key="play_options"):
                plain(options_text([_option(o, asked.gold if mark_gold else None) for o in asked.options]))


def options_text(options: list[str]) -> str:
    """Options in one line where they are short, else one a line.

    >>> options_text(["wood", "metal"])
    'wood   ·   metal'
    """
    separator = "   ·   " if sum(map(len, options)) <= SHORT else "\n"
    return separator.join(options)


def _option(option: Option, gold: str | None) -> str:
    name = option.text if option.label == option.text else f"{option.label}. {option.text}"
    return f"★ {name}" if option.label == gold else name
