"""The form of a pipeline: what to start from, a data set, a size; what would run and be reused; the file itself."""

import streamlit as st
import tomli_w

from app.address import given, held
from app.runs.state import checks, closed, go_to
from app.state import Lab
from app.tables import grid
from app.widgets import boundary, choice, duration, literal, plain
from app.working import watched
from core.errors import BadInput, LabError
from core.runs.dryrun import DryRun, dry_run
from core.runs.folders import RunFolder
from core.runs.launcher import launch
from core.runs.pipeline import PipelineFile, find_pipeline, parse_pipeline, prepare, preset_names
from core.runs.preflight import Look, looks_at_models
from core.runs.sizes import SIZES, sized
from core.store.queries import datasets

AS_WRITTEN = "as written"

STANDINGS = {"done": "✓ reused", "at work": "▶ at work", "goes on": "■ goes on", "new": "+ to run"}


def launch_pipeline(here: Lab) -> None:
    """What to start from, the plan, and the button that starts it; finished steps are not repeated."""
    with st.container(border=True):
        with st.container(horizontal=True, gap="small"):
            written = _written(here)
            names = dict(zip(*(datasets(here.store)[column] for column in ("id", "name")), strict=True))
            dataset, size = _dataset(names), _size()
        plan, source = st.tabs(["What would run", "The file"])
        with source:
            text = st.text_area("Pipeline (TOML)", height=360, **held("launch_file", written))
            st.caption("A data set or a size chosen above wins over the file.")
        with boundary():
            file = _file(text, dataset, size, names)
            if (dataset, size) != (AS_WRITTEN, AS_WRITTEN):
                with source, st.expander("The file with the choices above"):
                    literal(tomli_w.dumps(without_none(file.model_dump(mode="json"))))
            with plan:
                looks = planned(here, file)
            checks(looks)
            _start(here, file, looks)


def _written(here: Lab) -> str:
    """Text of a preset, or of a pipeline that was launched here before."""
    runs = closed(here)
    earlier = runs[runs["kind"] == "pipeline"]
    names = {name: name for name in _presets()}
    names |= {row.id: f"{row.label}  ({row.id})" for row in earlier.itertuples()}
    with st.container(width=310):
        picked = choice("Start from", list(names), key="launch_from", drops=["launch_file"], format_func=names.get)
    if picked in _presets():
        return find_pipeline(picked).read_text()
    return tomli_w.dumps(without_none(RunFolder(here.home.runs / picked).config.settings["file"]))


def _presets() -> list[str]:
    return sorted(preset_names(), key=lambda name: (name != "demo", name))


def without_none(value: object) -> object:
    """TOML has no null: settings that are none are left out."""
    if isinstance(value, dict):
        return {key: without_none(inner) for key, inner in value.items() if inner is not None}
    return [without_none(inner) for inner in value] if isinstance(value, list) else value


def _dataset(names: dict[str, str]) -> str:
    shown = {AS_WRITTEN: AS_WRITTEN} | {id: f"{name}  ({id})" for id, name in names.items()}
    with st.container(width=310):
        start = given("launch_dataset") if given("launch_dataset") in names else AS_WRITTEN
        return choice("Data set", list(shown), key="launch_on", start=start, format_func=shown.get)


def _size() -> str:
    with st.container(width=200):
        return choice(
            "Size", [AS_WRITTEN, *SIZES], key="launch_size", help="Questions, draws and steps; wins over the file."
        )


def _file(text: str, dataset: str, size: str, names: dict[str, str]) -> PipelineFile:
    """The pipeline of a text with the choices above it; a preset's takes the name of the data set that it is about."""
    file = parse_pipeline(text, "the file")
    if dataset != AS_WRITTEN:
        file = file.model_copy(update={"dataset": file.dataset.model_copy(update={"source": dataset, "mapping": {}})})
        if file.name in _presets():
            file = file.model_copy(update={"name": names[dataset], "title": f"The whole loop on {names[dataset]}"})
    return file if size == AS_WRITTEN else sized(file, size)


def planned(here: Lab, file: PipelineFile) -> list[Look]:
    """Draw every run that the pipeline stands for; what was looked at."""
    looks = _models(here, here.sealed, file.model_dump_json(), file)
    try:
        would = _dry(here, here.sealed, file.model_dump_json(), file)
    except BadInput as error:  # a data set that is yet to be fetched, or a mapping that does not fit
        plain(f"Not counted: {error}")
        return looks
    _table(would)
    return [*looks, _questions(would), _nothing_new(would)]


def _questions(would: DryRun) -> Look:
    """The three sets and their sizes, and what they share."""
    sets = would.sets
    said = " ".join(filter(None, [sets.sizes, sets.refusal or sets.said]))
    return Look("questions", sets.refusal is None, said)


def _nothing_new(would: DryRun) -> Look:
    new = sum(run.standing != "done" for run in would.runs)
    text = f"{new} of {len(would.runs)} runs are left to do." if new else "Nothing to do: every run of it is done."
    return Look("new work", new > 0, text)


def _start(here: Lab, file: PipelineFile, looks: list[Look]) -> None:
    blocked = next((look.text for look in looks if not look.ok), None)
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Launch pipeline",
            type="primary",
            icon=":material/rocket_launch:",
            key="launch_pipeline",
            disabled=blocked is not None,
        )
        if blocked:
            st.caption("Not now: see what is marked above.", width="content")
    if pressed:
        go_to(here, start_pipeline(here, file).id)


def start_pipeline(here: Lab, file: PipelineFile) -> RunFolder:
    """Look for the models, load the data set, and launch; what is wrong is raised as one sentence."""
    words = "Looking for the models and loading the data set …"
    return launch(here.home, watched(words, lambda: prepare(here.home, file)))


@st.cache_data(ttl=30, max_entries=32, show_spinner="Counting what would run …")
def _dry(_here: Lab, sealed: str, written: str, _file: PipelineFile) -> DryRun:
    return dry_run(_here.home, _file)


@st.cache_data(ttl=30, max_entries=32, show_spinner="Looking for the models …")
def _models(_here: Lab, sealed: str, written: str, _file: PipelineFile) -> list[Look]:
    try:
        return looks_at_models(_here.home, _file)
    except LabError as error:
        return [Look("models", False, str(error))]


def _table(would: DryRun) -> None:
    done = sum(run.standing == "done" for run in would.runs)
    rest = f"about {duration(would.seconds)} for the rest" if done < len(would.runs) else "nothing is left to do"
    st.caption(f"{len(would.runs)} runs with its data set, {done} of them done and reused; {rest}.")
    rows = [
        {
            "what": run.what,
            "variant or set": run.label,
            "": STANDINGS[run.standing],
            "units": run.units or None,
            "about": "" if run.standing == "done" else duration(run.seconds),
            "time is": "" if run.standing == "done" else run.rate,
            "run": run.id or "known once its weights are here",
        }
        for run in would.runs
    ]
    columns = {"units": st.column_config.NumberColumn(format="localized", help="Questions, pairs, explanations …")}
    grid(rows, key="dry_run", height="content" if len(rows) <= 9 else 350, column_config=columns, placeholder="")
