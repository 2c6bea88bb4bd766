"""Judgements made elsewhere: load a file, win rates of pairwise sets, agreement of the raters."""

from pathlib import Path
from typing import Any

import streamlit as st

from app.charts.agreement import confusion_map
from app.navigation import link
from app.state import Lab, lab, view
from app.widgets import boundary, choice, empty_state, header, number, picture, plain
from core.consensus import (
    JudgementSet,
    SetAgreement,
    criteria,
    estimate_words,
    find_set,
    judgement_sets,
    majority_counts,
    preference_rates,
    set_agreements,
)
from core.judgements import import_judgements, judgement_settings, preview_judgements, short_row
from core.loading.reading import SUFFIXES
from core.queries import rejects
from core.settings import CompareSettings, JudgementSettings

UNSET = "(none)"


def load(here: Lab) -> None:
    """A file, its mapping with a live preview, and the button that imports it."""
    path, further = chosen_file(here, "A file of judgements", "file"), []
    if path is None:
        return
    if (more := chosen_file(here, "Further verdicts on the same rows, where there are some", "more")) is not None:
        further = [more]
    guessed = judgement_settings(path, further)
    with st.expander("Mapping: which column means what"):
        settings = judgement_settings(path, further, edit_mapping(guessed, path.name))
    good, bad = preview_judgements(path, settings, further)
    st.caption(f"Of the first {len(good) + len(bad)} judgements {len(good)} load and {len(bad)} do not.")
    st.dataframe([short_row(row) for row in good[:5]], hide_index=True)
    if bad:
        st.dataframe([{"row": r.row, "reason": r.reason, "as read": r.raw} for r in bad[:20]], hide_index=True)
    if st.button("Load these judgements", type="primary", icon=":material/download:", disabled=not good, key="load"):
        folder = import_judgements(here.home, path, settings, further)
        here.refresh()
        counts = folder.result["summary"]
        st.session_state["_set_next"] = folder.id
        st.session_state["_set_said"] = f"{counts['rows']:,} judgements loaded, {counts['rejects']:,} rejected."
        st.rerun()


def chosen_file(here: Lab, label: str, key: str) -> Path | None:
    """A file by its path or as an upload, which is kept in the state folder."""
    left, right = st.columns(2)
    with left:
        typed = st.text_input(f"{label}: its path", key=f"{key}_path").strip()
    with right:
        upload = st.file_uploader(f"{label}: upload", type=[suffix[1:] for suffix in SUFFIXES], key=f"{key}_upload")
    if upload is None:
        return Path(typed).expanduser() if typed else None
    here.home.uploads.mkdir(parents=True, exist_ok=True)
    path = here.home.uploads / Path(upload.name).name
    path.write_bytes(upload.getbuffer())
    return path


def edit_mapping(guessed: JudgementSettings, file: str) -> dict[str, Any]:
    """The guess as a form; what was changed.  Its keys hold the file's name: another file has its own guess."""
    given: dict[str, Any] = {"name": st.text_input("Name of the set", guessed.name, key=f"name_{file}")}
    judges = st.text_input("Annotators that are judges, with commas", ", ".join(guessed.judges), key=f"judges_{file}")
    given["judges"] = [name.strip() for name in judges.split(",") if name.strip()]
    places = st.columns(3)
    for i, (what, value) in enumerate(guessed.columns.model_dump(exclude={"what", "shape"}).items()):
        shown = ", ".join(value) if isinstance(value, list) else value or UNSET
        with places[i % 3]:
            typed = st.text_input(what.replace("_", " ").capitalize(), shown, key=f"{what}_{file}").strip()
        if typed != shown:
            names = [name.strip() for name in typed.split(",") if name.strip()]
            given[what] = names if isinstance(value, list) else None if typed in ("", UNSET) else typed
    return given


def win_rates(here: Lab, chosen: JudgementSet) -> None:
    st.subheader("Win rates", anchor=False)
    rates = preference_rates(here.store, chosen.id, CompareSettings())
    st.dataframe(
        [
            {
                "variant": rate.b,
                "against": rate.a,
                "annotator": f"{rate.annotator} ({rate.kind})",
                "win": rate.wins,
                "tie": rate.ties,
                "loss": rate.losses,
                "nothing given": rate.nothing,
                "n": rate.rate.n,
                "win rate, %": number(rate.rate.value),
                "± s.e.": number(rate.rate.se),
                "95%": f"{number(rate.rate.low)} … {number(rate.rate.high)}",
            }
            for rate in rates
        ],
        hide_index=True,
    )
    if majority := majority_counts(here.store, chosen.id):
        plain("Majority of people: " + ", ".join(f"{name} {count:,}" for name, count in majority.items()))
    st.caption("Win rate: mean of preference − 1, a tie one half. Intervals are over questions.")


def agreement(here: Lab, chosen: JudgementSet) -> None:
    st.subheader("Agreement of raters", anchor=False)
    criterion = choice("Criterion", criteria(here.store, chosen), key="criterion")
    (found,) = set_agreements(here.store, chosen.id, CompareSettings(), criterion)
    if not found.pairs:
        st.caption("One rater alone agrees with nobody.")
        return
    st.dataframe([pair_row(found, i) for i in range(len(found.pairs))], hide_index=True)
    plain(f"Krippendorff's α of {len(found.kinds)} raters: {estimate_words(found.alpha)}")
    names = [f"{pair.a} and {pair.b}" for pair in found.pairs]
    pair = found.pairs[names.index(choice("Raters", names, key="raters"))]
    plain(pair.sentence)
    if pair.confusion is not None and pair.n:
        picture(confusion_map(pair.confusion, pair.a, pair.b), key="confusion", alt="Labels of two raters")


def pair_row(found: SetAgreement, place: int) -> dict[str, Any]:
    pair = found.pairs[place]
    return {
        "rater": pair.a,
        "and": pair.b,
        "n": pair.n,
        "left out": pair.left_out,
        "same label": number(pair.percent.value, "share"),
        "κ [95%]": estimate_words(pair.kappa),
        "in words": pair.sentence,
    }


here = lab()
view("judgements", "set", "criterion", "raters")
header("Judgements", "Preferences and ratings that people and judges gave elsewhere: who wins, and who agrees.")
known = judgement_sets(here.store)
if said := st.session_state.pop("_set_said", None):
    st.success(said, icon=":material/check_circle:")
if (following := st.session_state.pop("_set_next", None)) is not None:
    st.session_state["set"] = following
with st.expander("Load judgements", icon=":material/add:", expanded=not known), boundary():
    load(here)
if not known:
    empty_state(
        "No judgements yet",
        "Load a file above: pairwise preferences as AlpacaEval has them, or ratings. The demo needs none.",
    )
else:
    names = {s.id: f"{s.name} ({s.id})" for s in reversed(known)}
    chosen = find_set(here.store, choice("Set", list(names), key="set", format_func=names.get))
    counts = here.store.frame("SELECT rows, rejects, nothing, items FROM judgement_sets WHERE id = ?", [chosen.id])
    with st.container(horizontal=True):
        for label, column in {
            "Judgements": "rows",
            "Questions": "items",
            "Rejected": "rejects",
            "Nothing given": "nothing",
        }.items():
            st.metric(label, f"{counts[column].iloc[0]:,}")
    if chosen.what == "preferences":
        win_rates(here, chosen)
    agreement(here, chosen)
    with st.expander("Rejected rows"):
        st.dataframe(rejects(here.store, chosen.id), hide_index=True)
    link("runs", "Open in Runs", run=chosen.id)
