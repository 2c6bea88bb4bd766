"""What an explanation came from and what was made of its question: links from rate to run to pair to training."""

import pandas as pd
import streamlit as st

from app.navigation import link
from app.state import Lab
from app.tables import grid
from core.analysis.catalogue import Drawn
from core.home import Home
from core.method.pairs import REASONS
from core.runs.folders import RunFolder
from core.store.queries import pairs_of


def lineage(here: Lab, drawn: Drawn, judge_run: str | None, judge: str | None, item_id: str) -> None:
    """Links to the runs behind an explanation, and the training pairs that its question gave."""
    st.subheader("Where it comes from, where it went", anchor=False)
    with st.container(horizontal=True):
        if judge_run:
            key = f"{drawn.protocol}-{judge}"
            link("compare", "Win rates it counts in", icon=":material/compare_arrows:", evaluation=key)
            link("runs", "Its judge run", icon=":material/gavel:", run=judge_run)
        link("runs", "Its sample run", icon=":material/play_circle:", run=drawn.samples)
        link("datasets", "Its data set", icon=":material/dataset:", dataset=drawn.dataset)
        if pairs := trained_on(here.home, drawn.samples):
            link(
                "anchors",
                "Pairs its variant was trained on",
                icon=":material/anchor:",
                tab="Pairs",
                pairs=pairs,
                show="The pairs",
            )
    found = _pairs_of(here, here.sealed, drawn.dataset, item_id)
    if found.empty:
        st.caption("No training pair was made of this question itself.")
        return
    _pairs(found)


def trained_on(home: Home, samples: str) -> str | None:
    """The pair set that the writer of these samples was last aligned on; None where it was not aligned here."""
    model = RunFolder(home.runs / samples).config.model
    aligned = [run for run in (model.chain if model else []) if run.startswith("dpo-")]
    return RunFolder(home.runs / aligned[-1]).config.parents["pairs"] if aligned else None


@st.cache_data(max_entries=200, show_spinner=False)
def _pairs_of(_here: Lab, sealed: str, dataset: str, item_id: str) -> pd.DataFrame:
    return pairs_of(_here.store, dataset, item_id)


def _pairs(found: pd.DataFrame) -> None:
    sets = found["run"].nunique()
    st.caption(f"Training pairs made of this question: {len(found)} in {sets} pair set{'s' if sets > 1 else ''}.")
    grid(
        pd.DataFrame(
            {
                "pair set": found["label"],
                "rule": found["reason"].map(lambda code: REASONS.get(code, code)),
                "chosen": found["chosen"],
                "chosen from": _sample(found, "chosen"),
                "rejected": found["rejected"],
                "rejected from": _sample(found, "rejected"),
                "scores": [
                    f"{a:.2f} over {b:.2f}" for a, b in zip(found["chosen_score"], found["rejected_score"], strict=True)
                ],
            }
        ),
        key="pairs_of_question",
    )
    for row in found.drop_duplicates("run").itertuples():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"{row.label}:", width="content")
            link(
                "anchors",
                "Its pairs on Anchors",
                icon=":material/anchor:",
                tab="Pairs",
                pairs=row.run,
                show="The pairs",
            )
            link("runs", "Chosen: its sample run", icon=":material/play_circle:", run=row.chosen_run)
            link("runs", "Rejected: its sample run", icon=":material/play_circle:", run=row.rejected_run)
            for training in [] if row.trainings is None else row.trainings:
                link("runs", "Trained on it", icon=":material/model_training:", run=training)


def _sample(found: pd.DataFrame, side: str) -> list[str]:
    zipped = zip(found[f"{side}_writer"], found[f"{side}_sample"], strict=True)
    return [f"{writer}, sample {sample + 1}" for writer, sample in zipped]
