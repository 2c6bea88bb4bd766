"""The form of the Judges page that lets another judge read the same explanations; nothing is sampled again."""

import streamlit as st

from app.navigation import link
from app.state import Lab
from app.working import watched
from core.analysis.results import Evaluation
from core.method.rejudging import judge_again
from core.models.finding import registrations, resolve_model
from core.models.variants import use_of
from core.rubrics import FOLDER
from core.runs.launcher import launch
from core.settings import JudgeSettings
from core.store.defaults import defaults

MODES = ["probabilities", "written"]


def judge_swap(here: Lab, evaluation: Evaluation) -> None:
    """Model, mode and rubric of another judge, and the button that starts a judge run for each variant."""
    with st.expander("Let another judge read the same explanations", icon=":material/swap_horiz:"):
        st.caption(
            f"{len(evaluation.samples)} judge runs over the explanations that are there: nothing is sampled again. "
            "The judge that is shown stays; the new one stands beside it. A judge asked before is not asked again."
        )
        left, middle, right = st.columns(3)
        mode = left.selectbox("Mode", MODES, key="swap_mode")
        rubric = middle.selectbox("Rubric", sorted(path.stem for path in FOLDER.glob("*.toml")), key="swap_rubric")
        repeat = right.number_input(
            "Repeat", 0, 99, 0, key="swap_repeat", help="1 and more: the same judge asked again, for self-consistency."
        )
        warmth = st.number_input("Temperature (written)", 0.0, 5.0, 0.7 if repeat else 0.0, 0.1, key="swap_temperature")
        name = _judge(here)
        temperature = warmth if mode == "written" else 0.0
        settings = JudgeSettings(mode=mode, rubric=rubric, repeat=int(repeat), temperature=temperature)
        if st.button("Judge again", type="primary", icon=":material/gavel:", key="swap_launch"):
            use = use_of(watched("Looking for the model …", lambda: resolve_model(name, here.home)))
            folders = [
                launch(here.home, config) for config in judge_again(here.home, evaluation.samples, settings, use)
            ]
            here.refresh()
            st.success(f"{len(folders)} judge runs: those that are done already stay as they are, the others run now.")
            link("runs", "Watch the first", icon=":material/play_circle:", run=folders[0].id)


def _judge(here: Lab) -> str:
    """The judge's model; the default of the settings first."""
    first = defaults(here.home).judge
    known = ", ".join(f"`{name}`" for name in ["default", *registrations(here.home)] if name.replace("-", "").isalnum())
    return st.text_input("Judge", first, key="swap_model", help=f"A name ({known}), a folder or a Hub id.") or first
