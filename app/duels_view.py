"""Head-to-head comparisons on the Compare page: who wins when the judge sees both, and what the place did."""

import streamlit as st

from app.state import Lab
from app.widgets import interval, plain
from core.duels import Duels, head_to_heads, position_sentence
from core.results import Evaluation


def head_to_head(here: Lab, evaluation: Evaluation) -> None:
    """The head-to-head runs between the variants of an evaluation, with tie rule and position bias."""
    st.subheader("Head to head", anchor=False)
    found = head_to_heads(here.store, evaluation.settings, evaluation.samples.values())
    if not found:
        st.caption(
            "No judge has seen two of these variants side by side. Launch a run of kind `head_to_head` from the Runs "
            'page, or name variants in a pipeline file: `duels = [["anchor", "rank"]]`.'
        )
        return
    st.dataframe([_row(duels) for duels in found], hide_index=True)
    for rule in dict.fromkeys(duels.tie_rule for duels in found):
        st.caption(
            f"{rule} Shares are averaged over a question's pairs, then over questions; intervals are 95%, resample "
            "questions and exclude training variance. `flips`: the position-bias rate. `first place`: how often the "
            "first of the two is preferred over both orders; 50 % is no preference."
        )
    for duels in found:
        plain(f"{duels.a} against {duels.b}, {duels.judge_name}: {position_sentence(duels.figures)}")


def _row(duels: Duels) -> dict[str, str | int]:
    found = duels.figures
    return {
        "A against B": f"{duels.a} against {duels.b}",
        "judge": f"{duels.judge_name} ({duels.mode}, {duels.criterion})",
        "n questions": found.n,
        "pairs": found.judged,
        "win": interval(found.win, "share"),
        "tie": interval(found.tie, "share"),
        "loss": interval(found.loss, "share"),
        "Δ(W−L), points": interval(found.delta, "points"),
        "flips": interval(found.flip_rate, "share"),
        "first place": interval(found.first_preferred, "share"),
        "unjudged": found.unjudged,
    }
