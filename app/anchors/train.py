"""From settings to a pair set on disk: training on it, the command for it, and files for other tools."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from app.navigation import link
from app.state import Lab
from app.widgets import literal
from core.analysis.pair_sources import PairSource
from core.records import Pair
from core.runs.folders import RunConfig, RunFolder
from core.runs.launcher import launch
from core.runs.plan import command_of, run_config
from core.settings import PairSettings
from core.sharing import as_json_lines, as_parquet, ranking_rows, rows_of_pairs


def take_along(here: Lab, source: PairSource, settings: PairSettings, pairs: Sequence[Pair]) -> None:
    """Build the set of A as a run to train on, or take it to another tool."""
    st.subheader("Train on this", anchor=False)
    if settings.debated and source.debates is None:
        st.info(
            "This strategy needs a debater's samples, and none argued about these: sample one from Runs (role "
            "`debater`) and have it judged, or choose `anchor without the debater`.",
            icon=":material/record_voice_over:",
        )
    elif settings.taught and source.teacher is None:
        st.info(
            "This strategy needs a teacher's samples of these questions: sample a stronger model from Runs (role "
            "`teacher`, the same questions) and have it judged.",
            icon=":material/school:",
        )
    elif not pairs:
        st.caption("There is not one pair to train on.")
    else:
        train(here, source, settings)
    st.subheader("Take it to another tool", anchor=False)
    export(here, source, settings, pairs)


def train(here: Lab, source: PairSource, settings: PairSettings) -> None:
    """The pairs run of these settings: start it, or go on to DPO where it is done."""
    label = st.text_input("Name of the pair set", settings.strategy, key="set_name", max_chars=60)
    config = run_config("pairs", label or settings.strategy, settings, source.parents(settings))
    folder = RunFolder(here.home.runs / config.id)
    built = folder.path.exists()
    with st.container(horizontal=True, vertical_alignment="center"):
        if not built or folder.state not in ("done", "running", "queued"):
            name = "Build this pair set" if not built else "Go on building this pair set"
            if st.button(name, type="primary", icon=":material/construction:", key="train"):
                launch(here.home, config)
                here.refresh()
                st.rerun()
        elif folder.state == "done":
            st.badge("built", icon=":material/check_circle:", color="green")
            to_dpo(config, RunFolder(here.home.runs / config.parents["samples"]).config)
        else:
            st.badge(folder.state, icon=":material/play_circle:", color="blue")
            st.button("Look again", key="look", icon=":material/refresh:")
        if built:
            link("runs", "Its run", icon=":material/play_circle:", run=config.id)
    st.caption("The command for the same set:")
    literal(command_of(config))


def to_dpo(config: RunConfig, samples: RunConfig) -> None:
    """The launch form of the Runs page, filled for DPO of the variant that drew these samples, on this set."""
    link(
        "runs",
        "Train with DPO on it",
        icon=":material/rocket_launch:",
        show="Launch",
        launch_kind="dpo",
        launch_dataset=config.parents["dataset"],
        launch_label=config.label,
        launch_pairs=config.id,
        **({"launch_sft": samples.model.chain[-1]} if samples.model.chain else {}),
    )


def export(here: Lab, source: PairSource, settings: PairSettings, pairs: Sequence[Pair]) -> None:
    """The pairs as files; each is made when its button is pressed."""
    rows = partial(rows_of_pairs, here.home, source.parents(settings), pairs)
    files: dict[str, tuple[str, str, Callable[[], bytes]]] = {
        "TRL, JSON Lines": ("pairs.jsonl", "application/jsonl", lambda: as_json_lines(rows())),
        "TRL, Parquet": ("pairs.parquet", "application/octet-stream", lambda: as_parquet(rows())),
        "LLaMA-Factory, ranking": (
            "pairs_ranking.jsonl",
            "application/jsonl",
            lambda: as_json_lines(ranking_rows(rows())),
        ),
    }
    with st.container(horizontal=True):
        for name, (file, mime, make) in files.items():
            st.download_button(
                name,
                make,
                file_name=file,
                mime=mime,
                icon=":material/download:",
                key=f"export_{file}",
                on_click="ignore",
                disabled=not pairs,
            )
    st.caption(
        "TRL: prompt, chosen and rejected as messages, then question, category, rule and scores. LLaMA-Factory: "
        "`ranking: true`, `formatting: sharegpt`, columns `conversations`, `chosen`, `rejected`."
    )
