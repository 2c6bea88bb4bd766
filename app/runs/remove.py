"""The dialog that deletes runs: what goes, what would lose its source, and what is kept, before anything goes."""

import streamlit as st

from app.runs.state import choose
from app.state import Lab
from app.widgets import bytes_words, plain
from core.errors import BadInput
from core.runs.folders import RunFolder
from core.runs.removal import Removal, plan_removal, remove_runs
from core.runs.table import acts_about
from core.statistics.words import plural


@st.dialog("Delete runs", width="medium", icon=":material/delete:")
def ask_to_remove(here: Lab, runs: list[str]) -> None:
    """Everything that follows from it, and the button that does it."""
    if "_removed" in st.session_state:  # its own button has been clicked: the page says what came of it
        st.rerun()
    planned = plan_removal(here.home, runs)
    what = f"{len(planned.runs)} {_runs(planned.runs)}, {bytes_words(planned.bytes)} on the disk"
    st.write(f"{what}, would be gone for good:")
    _list(planned.runs)
    consequences(here, planned)
    if planned.dependents and not planned.at_work:
        _list(planned.dependents)
        both = [*runs, *(run.id for run in planned.dependents)]
        more = f"Choose these {len(planned.dependents)} too"
        if st.button(more, key="choose_dependents", on_click=_choose_more, args=(both,)):
            st.rerun()
    with st.container(horizontal=True):
        if planned.refusal is None:
            word = f"Delete {len(planned.runs)} {_runs(planned.runs)}"
            icon = ":material/delete:"
            st.button(word, type="primary", key="delete_now", icon=icon, on_click=_delete, args=(here, planned))
        if st.button("Keep everything", key="keep"):
            st.rerun()


def _choose_more(runs: list[str]) -> None:
    """The dialog comes back with these runs."""
    choose(runs)
    st.session_state["_ask_to_remove"] = True


def _delete(here: Lab, planned: Removal) -> None:
    try:
        st.session_state["_removed"] = f"{plural(len(remove_runs(here.home, planned)), 'run')} deleted."
        choose([])
    except BadInput as error:  # a worker has started meanwhile
        st.session_state["_removed"] = str(error)
    here.refresh()


def consequences(here: Lab, planned: Removal) -> None:
    """What becomes of everything around them."""
    if planned.refusal:
        st.badge("Cannot be deleted", icon=":material/block:", color="red")
        plain(planned.refusal if planned.at_work else planned.refused_for())
        return
    plain("No other run depends on them. Asked for again, they are computed anew, with the same ids.")
    for pipeline in planned.pipelines:
        plain(f"{pipeline.id} ({pipeline.config.label}) has some of them as steps: resumed, it makes them again.")
    if acts := acts_about(here.store, [run.id for run in planned.runs]):
        plain(
            f"{acts:,} ratings, votes or notes of people speak of them: they stay in the journal without their source."
        )
    if any(run.config.kind in ("import", "judgements", "responses") for run in planned.runs):
        plain("What was loaded from a file can be loaded again from that file, and from nowhere else.")


def _list(runs: list[RunFolder]) -> None:
    rows = [{"kind": run.config.what, "variant or set": run.config.label, "run": run.id} for run in runs]
    st.dataframe(rows, hide_index=True, height="content" if len(rows) <= 6 else 246)


def _runs(runs: list[RunFolder]) -> str:
    return "run" if len(runs) == 1 else "runs"
