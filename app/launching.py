"""The launch forms of the Runs page: a pipeline file, or one run of one kind."""

import tomllib

import streamlit as st
import tomli_w
from pydantic import ValidationError

from app.state import Lab
from app.widgets import literal
from core.errors import BadInput
from core.launcher import launch
from core.models import registrations, resolve_model
from core.pipeline import PipelineFile, find_pipeline, parse_pipeline, prepare, preset_names
from core.plan import PARENTS, command_of, run_config
from core.queries import datasets, runs_table
from core.runs import Kind, ModelUse, RunConfig, RunFolder
from core.settings import RUN_SETTINGS, PairSettings, SampleSettings, Settings, problems_of
from core.sizes import SIZES, sized
from core.variants import require_reachable, use_of

BASE = "a base model"
AS_WRITTEN = "as written"
PARENT_KINDS = {
    "samples": "sample",
    "judgements": "judge",
    "debates": "sample",
    "debate_judgements": "judge",
    "sft": "sft",
    "pairs": "pairs",
    "samples_a": "sample",
    "samples_b": "sample",
}
"""Role of a parent → kind of run that can take it."""


def launch_pipeline(here: Lab) -> None:
    """A preset as text that can be edited, a size, and the button that starts it; finished steps are not repeated."""
    left, right = st.columns([3, 1])
    with left:
        preset = st.selectbox("Start from", preset_names(), key="preset")
    with right:
        size = st.selectbox(
            "Size", [AS_WRITTEN, *SIZES], key="size", help="Questions, draws and steps; wins over the text below."
        )
    text = st.text_area("Pipeline (TOML)", find_pipeline(preset).read_text(), height=300, key=f"pipeline_{preset}")
    if st.button("Launch pipeline", type="primary", icon=":material/rocket_launch:", key="launch_pipeline"):
        file = parse_pipeline(text, "the text above")
        opened(here, start_pipeline(here, file if size == AS_WRITTEN else sized(file, size)))


def start_pipeline(here: Lab, file: PipelineFile) -> RunFolder:
    """Look for the models, load the data set, and launch; what is wrong is raised as one sentence."""
    with st.spinner("Looking for the models and loading the data set: the first time this takes a minute."):
        return launch(here.home, prepare(here.home, file))


def launch_run(here: Lab) -> None:
    """One run: its kind, what it builds on, its settings."""
    known = datasets(here.store)
    if known.empty:
        st.caption("Load a data set first: every run is about one.")
        return
    left, right = st.columns(2)
    with left:
        kind = st.selectbox("Kind", list(PARENTS), key="launch_kind")
    with right:
        label = st.text_input("Name of the variant or pair set", "mine", key="launch_label")
    names = dict(zip(known["id"], known["name"] + "  (" + known["id"] + ")", strict=True))
    dataset = st.selectbox("Data set", list(names), key="launch_dataset", format_func=names.get)
    settings = settings_form(kind)
    parents = {"dataset": dataset} | parents_form(here, kind, settings, dataset)
    model = model_form(here, kind, parents)
    literal(command_of(run_config(kind, label, settings, parents, model)))
    if st.button("Launch run", type="primary", icon=":material/rocket_launch:", key="launch_run"):
        if model and not model.chain:
            with st.spinner("Looking for the model: the first time this takes a minute."):
                model = use_of(resolve_model(model.name, here.home))
        config = run_config(kind, label, settings, parents, model)
        require_reachable(here.home, [config])
        opened(here, launch(here.home, config))


def settings_form(kind: Kind) -> Settings:
    """Settings of a kind as TOML, its defaults to begin with."""
    defaults = RUN_SETTINGS[kind]().model_dump(mode="json", exclude_none=True)
    text = st.text_area("Settings (TOML)", tomli_w.dumps(defaults), height=220, key=f"launch_settings_{kind}")
    try:
        return RUN_SETTINGS[kind].model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"The settings are not TOML: {error}.") from None
    except ValidationError as error:
        raise BadInput(f"These settings cannot be used: {problems_of(error)}.") from None


def parents_form(here: Lab, kind: Kind, settings: Settings, dataset: str) -> dict[str, str]:
    """A choice for every run that this one builds on."""
    roles = list(PARENTS[kind][1:])
    if isinstance(settings, SampleSettings) and settings.role == "debater":
        roles.append("samples")
    if isinstance(settings, PairSettings) and settings.debated:
        roles += ["debates", "debate_judgements"]
    frame = runs_table(here.store)
    done = frame[frame["state"] == "done"]
    chosen: dict[str, str] = {}
    for role in roles:
        kinds = [PARENT_KINDS[role], *(["responses"] if kind == "judge" else [])]  # written elsewhere: judged alike
        fitting = done[done["kind"].isin(kinds)]
        options = [run for run in fitting["id"] if _config(here, run).parents.get("dataset") == dataset]
        if not options:
            raise BadInput(f"This needs a finished {PARENT_KINDS[role]} run of this data set ({role}): run that first.")
        names = dict(zip(fitting["id"], fitting["label"] + "  (" + fitting["id"] + ")", strict=True))
        picked = st.selectbox(role.replace("_", " ").capitalize(), options, key=f"launch_{role}", format_func=names.get)
        chosen[role] = picked
    return chosen


def model_form(here: Lab, kind: Kind, parents: dict[str, str]) -> ModelUse | None:
    """The weights the run computes with: what a training made, or a base model that is yet to be looked up."""
    if kind == "pairs":
        return None
    if kind == "dpo":
        return _trained(here, parents["sft"])
    frame = runs_table(here.store)
    trained = frame[(frame["state"] == "done") & frame["kind"].isin(["sft", "dpo"])]
    names = dict(zip(trained["id"], trained["label"] + "  (" + trained["id"] + ")", strict=True))
    picked = st.selectbox("Variant", [BASE, *names], key="launch_variant", format_func=lambda run: names.get(run, run))
    if picked != BASE:
        return _trained(here, picked)
    known = ", ".join(registrations(here.home))
    name = st.text_input(
        "Base model: default, a registered name, a folder, or a Hub id",
        "default",
        key="launch_base",
        help=f"Registered: {known}." if known else "`anchorlab model add` registers a model or a server.",
    )
    return ModelUse(name=name, hash="", path="")


def _trained(here: Lab, run: str) -> ModelUse:
    """The variant that a training made: its own chain, then its adapter."""
    use = _config(here, run).model
    return use.model_copy(update={"chain": [*use.chain, run]})


def _config(here: Lab, run: str) -> RunConfig:
    return RunFolder(here.home.runs / run).config


def opened(here: Lab, folder: RunFolder) -> None:
    """Show the run that was just launched."""
    here.refresh()
    st.session_state["_run_next"] = folder.id
    st.rerun()
