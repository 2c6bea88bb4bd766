"""The launch panel of the Runs page: what to run, what it builds on, its settings, the checks, the button.

What is chosen stands in the URL; a run is cloned by putting its choices there (`fill`).  A pipeline's form is
`app.runs.pipeline`, settings are drawn by `app.runs.form`, what is looked at before a launch is `core.runs.preflight`.
"""

import json
from typing import Any

import pandas as pd
import streamlit as st

from app.address import given, held, held_one, put
from app.navigation import link
from app.runs.form import last_good, replace, settings_form
from app.runs.pipeline import launch_pipeline
from app.runs.state import checks, closed, go_to, rates
from app.state import Lab
from app.widgets import choice, duration, literal, plain
from app.working import watched
from core.errors import BadInput
from core.home import Home
from core.models.finding import model_at_hand, registrations, resolve_model
from core.models.variants import completed, require_reachable, use_of
from core.runs.belonging import TAKEN_BY, configs_of, drawn_after, usual_variant, variant_after
from core.runs.folders import Kind, ModelUse, RunConfig, RunFolder
from core.runs.launcher import launch
from core.runs.plan import PARENTS, command_of, run_config, settings_on
from core.runs.preflight import Preflight, preflight
from core.runs.sizes import SIZES, Size, sized_run
from core.settings import RUN_SETTINGS, PairSettings, SampleSettings, Settings
from core.store.defaults import Defaults, defaults
from core.store.queries import datasets

KINDS = {
    "pipeline": "pipeline: every stage, one after the other",
    "sft": "sft: fine-tune on labels",
    "sample": "sample: draw explanations",
    "judge": "judge: score explanations",
    "head_to_head": "head to head: which of two is better",
    "pairs": "pairs: choose what to prefer",
    "dpo": "dpo: align on pairs",
}
"""What can be launched, in the order of the method."""

NAMED = {
    "sft": "Name of the variant",
    "sample": "Name of the variant",
    "judge": "Name of the variant that it scores",
    "head_to_head": "Name of the comparison",
    "pairs": "Name of the pair set",
    "dpo": "Name of the variant",
}
"""Kind → what the name of its run is the name of."""

SIZED = ("sft", "sample", "dpo")
"""Kinds whose size can be dialled; the work of the others follows from what they build on."""

OWN = "a base model"
BASE = "the base of the samples"
"""What samples and judges where no training does: any base model, or for judges and debaters that of the samples."""

CLONED = (*PARENTS, "pipeline")
"""Kinds that can be cloned: what was loaded from a file is loaded again instead."""


def launch_panel(here: Lab) -> None:
    """What to run, then the form of that."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container(width=330):
            kind = choice(
                "What to run", list(KINDS), key="launch_kind", drops=["set", "launch_text"], format_func=KINDS.get
            )
        if kind != "pipeline":
            with st.container(width=250):
                usual = _usual_label(here, kind)
                label = st.text_input(NAMED[kind], **held("launch_label", usual))
            _size(kind)
    if kind == "pipeline":
        launch_pipeline(here)
    elif datasets(here.store).empty:
        st.info("Load a data set first: every run is about one.", icon=":material/dataset:")
        link("datasets", "Load one in Datasets", icon=":material/dataset:")
    else:
        launch_run(here, kind, label)


def _usual_label(here: Lab, kind: str) -> str:
    """What such a run is called in a pipeline: as the variant that it samples or judges; else a name of one's own."""
    role = {"sample": "launch_variant", "judge": "launch_samples"}.get(kind)
    runs = closed(here).set_index("id")["label"]
    chosen = (given(role) or (_first_samples(here) if kind == "judge" else None)) if role else None
    return runs[chosen] if chosen in runs.index else "base" if kind == "sample" else "mine"


def _first_samples(here: Lab) -> str | None:
    """The samples that the form of a judge run opens on."""
    known, runs = _datasets(here)["id"].tolist(), closed(here)
    asked = given("launch_dataset") or given("launch_on")
    dataset = asked if asked in known else next(iter(known), None)
    there = runs[(runs["state"] == "done") & (runs["dataset"] == dataset) & runs["kind"].isin(TAKEN_BY["samples"])]
    return next(iter(there["id"]), None)


def _size(kind: str) -> None:
    """The dial: it puts its figures into the form, where they can still be changed."""
    if kind not in SIZED:
        return
    key = f"launch_size_{kind}"
    st.segmented_control(
        "Size",
        list(SIZES),
        key=key,
        on_change=_dialled,
        args=(kind, key),
        help="Sets questions, draws and steps below.",
    )


def _dialled(kind: str, key: str) -> None:
    size: Size | None = st.session_state[key]
    replace(kind, sized_run(kind, last_good(kind), size) if size else RUN_SETTINGS[kind]())


def launch_run(here: Lab, kind: Kind, label: str) -> None:
    """One run: its kind, what it builds on, its settings, the checks."""
    wrong = None if label.strip() else "It needs a name: write one above."
    with st.container(border=True):
        sources = st.container(horizontal=True, gap="small")
        try:
            settings = settings_form(kind, _splits(here))
        except BadInput as error:
            settings, wrong = last_good(kind), str(error)
        with sources:
            parents, missing = _sources(here, kind, settings)
            use = None if kind == "pairs" else model_form(here, kind, parents)
    if not (missing or wrong):
        try:
            settings = settings_on(here.home, settings, parents)
        except BadInput as error:
            wrong = str(error)
    with st.container(border=True, key="preflight"):
        if missing or wrong:
            _lacking("settings" if wrong else "sources", wrong or missing)
            return
        config = run_config(kind, label, settings, parents, use)
        looked = _looked(here, here.sealed, config.model_dump_json(), config)
        checks(looked.looks)
        _start(here, config, looked)


def _splits(here: Lab) -> list[str]:
    """Splits of the chosen data set, those of the newest one before anything is chosen."""
    known = _datasets(here).set_index("id")
    chosen = given("launch_dataset") or given("launch_on")
    return list(json.loads(known.loc[chosen if chosen in known.index else known.index[0], "splits"]))


# --- the checks and the button


@st.cache_data(ttl=20, max_entries=64, show_spinner="Looking whether this can run …")
def _looked(_here: Lab, sealed: str, written: str, _config: RunConfig) -> Preflight:
    return preflight(_here.home, _config, rates(_here))


def _lacking(what: str, sentence: str) -> None:
    st.badge(what, icon=":material/close:", color="red")
    plain(sentence)
    st.button("Launch run", type="primary", icon=":material/rocket_launch:", key="launch_run", disabled=True)


def _start(here: Lab, config: RunConfig, looked: Preflight) -> None:
    """Time, command, and the button; why it is disabled stands beside it."""
    if looked.blocked is None:
        units = f"{looked.units:,} {UNITS[config.kind]}, " if looked.units else ""
        plain(f"{units}about {duration(looked.seconds)} of work ({RATES[looked.rate]}), once it is its turn.")
    literal(command_of(config))
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Launch run",
            type="primary",
            icon=":material/rocket_launch:",
            key="launch_run",
            disabled=looked.blocked is not None,
        )
        if looked.blocked:
            st.caption("Not now: see what is marked above.", width="content")
    if looked.done:
        link("runs", "Open that run", icon=":material/open_in_new:", run=looked.done)
    if pressed:
        go_to(here, launch(here.home, _with_weights(here, config)).id)


RATES = {
    "measured here": "as runs like it took here",
    "measured here on other questions": "as runs like it took here on other questions",
    "assumed": "assumed: no run like it has been timed here",
}
UNITS = {
    "sft": "questions",
    "sample": "explanations",
    "judge": "judgements",
    "head_to_head": "comparisons",
    "pairs": "pairs",
    "dpo": "pairs",
}


def _with_weights(here: Lab, config: RunConfig) -> RunConfig:
    """The run with its base model looked up, fetched if need be; a server must answer now."""
    if config.model and not config.model.hash:
        found = watched("Looking for the model …", lambda: resolve_model(config.model.name, here.home))
        config = config.model_copy(update={"model": use_of(found)})
    require_reachable(here.home, [config])
    return config


# --- what it builds on


FACTS = ["id", "kind", "role", "mode", "parents"]
"""Columns that say whether a run can take a role."""

ROLES = {
    "samples": "Samples",
    "samples_a": "Samples of A",
    "samples_b": "Samples of B",
    "judgements": "Their scores by a judge",
    "debates": "Samples of the debater",
    "debate_judgements": "Scores of the debater's samples",
    "teacher": "Samples of the teacher",
    "teacher_judgements": "Scores of the teacher's samples",
    "pairs": "Pairs",
    "sft": "SFT run to start from",
}
"""What each role is called in the form."""


def _sources(here: Lab, kind: Kind, settings: Settings) -> tuple[dict[str, str], str | None]:
    """Role → chosen run, and what is missing, in a sentence."""
    runs, known = closed(here), _datasets(here)
    if kind == "pairs":  # every strategy can pair what a debater argued about
        debated = set(runs["dataset"][runs["role"] == "debater"])
        known = known.sort_values("id", key=lambda ids: ~ids.isin(debated), kind="stable")
    names = dict(zip(known["id"], known["name"] + "  (" + known["id"] + ")", strict=True))
    chosen = {"dataset": _chooser("dataset", "Data set", names, start=given("launch_on"))}
    done = runs[(runs["state"] == "done") & (runs["dataset"] == chosen["dataset"])]
    for role in _roles(kind, settings):
        able = done[done["kind"].isin(TAKEN_BY[role])]
        fitting = able[[_fits(here.home, row, role, kind, chosen) for row in able[FACTS].to_dict("records")]]
        if fitting.empty:
            return chosen, MISSING[role]
        if role == "samples" and kind == "pairs":
            fitting = _debated_first(fitting, done)
        if role == "samples_a":
            fitting = _with_another_first(fitting)
        if role == "samples_b":
            fitting = _beside(fitting, done.set_index("id").loc[chosen["samples_a"]])
        named = {row.id: _named(row) for row in fitting.itertuples()}
        chosen[role] = _chooser(role, ROLES[role], named)
    return chosen, None


def _datasets(here: Lab) -> pd.DataFrame:
    """Data sets, that of the newest sampling or training first."""
    known, runs = datasets(here.store), closed(here)
    used = runs[runs["kind"].isin(["sft", "sample", "dpo"])].groupby("dataset")["created"].max()
    return known.sort_values("id", key=lambda ids: -ids.map(used).fillna(0.0), kind="stable")


def _chooser(role: str, label: str, names: dict[str, str], start: str | None = None) -> str:
    with st.container(width=310):
        opening = start if start in names else None
        return choice(label, list(names), key=f"launch_{role}", start=opening, format_func=names.get)


def _roles(kind: Kind, settings: Settings) -> list[str]:
    roles = list(PARENTS[kind][1:])
    if isinstance(settings, SampleSettings) and settings.role == "debater":
        roles.append("samples")
    if isinstance(settings, PairSettings) and settings.debated:
        roles += ["debates", "debate_judgements"]
    if isinstance(settings, PairSettings) and settings.taught:
        roles += ["teacher", "teacher_judgements"]
    return roles


def _debated_first(samples: pd.DataFrame, done: pd.DataFrame) -> pd.DataFrame:
    """Those that a debater has answered can be paired by every strategy."""
    debates = done[(done["kind"] == "sample") & (done["role"] == "debater")]
    answered = {json.loads(parents)["samples"] for parents in debates["parents"]}
    return samples.sort_values("id", key=lambda ids: ~ids.isin(answered), kind="stable")


def _with_another_first(samples: pd.DataFrame) -> pd.DataFrame:
    """Those first that another variant was sampled beside, on the same split."""
    labels = samples.groupby("split")["label"].transform("nunique")
    return samples.assign(alone=labels.lt(2)).sort_values("alone", kind="stable")


def _beside(samples: pd.DataFrame, a: pd.Series) -> pd.DataFrame:
    """Those of the same split and of another variant first: they are of the same questions, and differ."""
    unlike = (samples["split"] != a["split"]).astype(int) * 2 + (samples["label"] == a["label"])
    return samples.assign(unlike=unlike).sort_values("unlike", kind="stable")


def _named(row: Any) -> str:
    split = f" on {row.split}" if isinstance(row.split, str) else ""
    return f"{row.label}{split}  ·  {row.headline}  ·  {row.id}"


def _fits(home: Home, row: dict, role: str, kind: Kind, chosen: dict[str, str]) -> bool:
    """Whether a finished run of this data set can take a role beside those that are chosen already."""
    parents = json.loads(row["parents"])
    match role:
        case "samples" if kind == "judge":
            return row["kind"] in ("sample", "responses")
        case "samples" | "samples_a" | "samples_b":
            other = row["id"] != chosen.get("samples_a")
            return row["kind"] == "sample" and row["role"] == "explainer" and other
        case "judgements":
            return row["kind"] == "judge" and row["mode"] != "reader" and parents["samples"] == chosen["samples"]
        case "debates":
            return row["kind"] == "sample" and row["role"] == "debater" and parents["samples"] == chosen["samples"]
        case "debate_judgements":
            return row["kind"] == "judge" and row["mode"] != "reader" and parents["samples"] == chosen["debates"]
        case "pairs" if "sft" in chosen:
            return row["kind"] == role and drawn_after(parents["samples"], chosen["sft"], configs_of(home))
        case "teacher":
            return row["kind"] == "sample" and row["role"] == "teacher"
        case "teacher_judgements":
            return row["kind"] == "judge" and row["mode"] != "reader" and parents["samples"] == chosen["teacher"]
        case _:
            return row["kind"] == role


MISSING = {
    "samples": "This needs a finished sample run of this data set: launch one first (What to run: sample).",
    "samples_a": "This needs two finished sample runs of this data set: launch them first (What to run: sample).",
    "samples_b": "This needs a second finished sample run of this data set: launch one first (What to run: sample).",
    "judgements": "These samples have not been judged: launch a judge run of them first, or choose others.",
    "debates": "The strategy anchor needs a debater's samples for these samples: launch a sample run with role "
    "debater first, or choose the strategy rank.",
    "debate_judgements": "The debater's samples have not been judged: launch a judge run of them first.",
    "teacher": "The strategy teacher needs a stronger model's samples of the same questions: launch a sample run with "
    "role teacher first, or choose another strategy.",
    "teacher_judgements": "The teacher's samples have not been judged: launch a judge run of them first.",
    "sft": "This needs a finished SFT run of this data set: launch one first (What to run: sft).",
    "pairs": "There are no pairs of samples by this SFT variant: launch a pairs run first (What to run: pairs).",
}
"""Role → what to do where no run can take it."""


# --- the model


def model_form(here: Lab, kind: Kind, parents: dict[str, str]) -> ModelUse | None:
    """The weights the run computes with: what a training made, or a base model, looked up if it is here."""
    if kind == "dpo":
        return _trained(here, parents["sft"]) if "sft" in parents else None
    runs = closed(here)
    trained = runs[(runs["state"] == "done") & runs["kind"].isin(["sft", "dpo"])]
    chosen, based = defaults(here.home), usual_variant(kind, parents, configs_of(here.home))
    first = [BASE, OWN] if based and chosen.judge == Defaults().judge else [OWN, *([BASE] if based else [])]
    names = {BASE: f"{BASE} ({based.name})"} if based else {}
    names = {name: names.get(name, name) for name in first}
    names |= {row.id: f"{row.label}  ({row.id})" for row in trained.itertuples()}
    picked = _chooser("variant", "Judge" if kind in ("judge", "head_to_head") else "Variant", names)
    if picked not in (OWN, BASE):
        return _trained(here, picked)
    if picked == BASE:
        return completed(based)
    first = chosen.judge if kind in ("judge", "head_to_head") else chosen.model
    names = list(dict.fromkeys([first, "default", *registrations(here.home)]))
    known = names if given("launch_base") in (None, *names) else [*names, given("launch_base")]
    with st.container(width=310):
        name = st.selectbox(
            "Base model",
            known,
            accept_new_options=True,
            help="`default`, a registered name (`anchorlab model add`), or type a folder or a Hub id.",
            **held_one("launch_base", first, known),
        )
    return _at_hand(here, here.sealed, name or first)


@st.cache_data(ttl=60, max_entries=32, show_spinner="Looking for the model …")
def _at_hand(_here: Lab, sealed: str, name: str) -> ModelUse:
    found = model_at_hand(name, _here.home)
    return use_of(found) if found else ModelUse(name=name, hash="", path="")


def _trained(here: Lab, run: str) -> ModelUse:
    """The variant that a training made: its own chain, then its adapter."""
    return completed(variant_after(run, RunFolder(here.home.runs / run).config))


# --- clones


def clone(config: RunConfig, run: str) -> None:
    """Go to the panel, filled with a run's kind, sources, model and settings."""
    if config.kind not in CLONED:
        raise BadInput(f"{run} was loaded from a file, and is no work to ask for again: load the file anew.")
    filled = {"show": "Launch", "launch_kind": config.kind, "launch_label": config.label}
    filled |= {f"launch_{role}": parent for role, parent in config.parents.items()}
    if config.kind == "pipeline":
        filled |= {"launch_from": run, "launch_file": None, "launch_on": None, "launch_size": None}
    elif config.model and config.kind != "dpo":
        filled |= {
            "launch_variant": config.model.chain[-1] if config.model.chain else OWN,
            "launch_base": config.model.name,
        }
    if config.kind in RUN_SETTINGS:
        replace(config.kind, RUN_SETTINGS[config.kind].model_validate(config.settings), **filled)
    else:
        put(**filled)
