"""Head-to-head comparisons on the Compare page: who wins when the judge sees both, and what the place did."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from app.address import put
from app.charts.comparison import answers_by_order
from app.compare.choices import pair_name
from app.compare.comparisons import comparisons, filter_of
from app.figures import chart, download
from app.navigation import link
from app.state import Lab
from app.tables import grid
from app.widgets import plain
from app.working import once
from core.analysis.comparison import WinRate
from core.analysis.duels import Duels, head_to_heads, position_sentence
from core.analysis.report import duel_warning
from core.analysis.results import Evaluation, duel_doubts
from core.statistics.words import in_a_sentence, interval, number


def duels_tab(here: Lab, evaluation: Evaluation, known: Sequence[Evaluation]) -> None:
    """The head-to-head runs between the variants of an evaluation, with tie rule, position bias and judge card.

    known: every evaluation of the lab; a judge's card is where it gave scores.
    """
    st.subheader("Who wins when the judge sees both, in either order?", anchor=False)
    found = duels_of(here, evaluation)
    if not found:
        st.caption(
            "No judge has seen two of these variants side by side. Launch a run of kind `head_to_head` from the Runs "
            'page, or name variants in a pipeline file: `duels = [["anchor", "rank"]]`.'
        )
        link(
            "runs",
            "Launch a head-to-head run",
            icon=":material/rocket_launch:",
            show="Launch",
            launch_kind="head_to_head",
            launch_dataset=evaluation.dataset,
        )
        return
    doubts = {duels.run: duel_doubts(duels.run, known) for duels in found}
    rows = [_row(duels, doubts[duels.run]) for duels in found]
    grid(rows, key="duels", first=["A against B", "believe it", "Δ(W−L), points", "flips", "won / tied / lost"])
    for rule in dict.fromkeys(duels.tie_rule for duels in found):
        st.caption(
            f"{rule} Shares are averaged over a question's pairs, then over questions; intervals are 95%, resample "
            "questions and exclude training variance. `flips`: the position-bias rate. `first place`: how often the "
            "first of the two is preferred over both orders; 50% is no preference."
        )
    for duels in found:
        _orders(duels)
        rate = evaluation.rate(duels.a, duels.b)
        comparisons(here, duels, pair_name(evaluation, rate) if rate else None)
        if duels.smaller:
            st.caption(duels.smaller)
        if doubts[duels.run]:
            st.warning(duel_warning(doubts[duels.run]), icon=":material/casino:")
    download(lambda: pd.DataFrame(rows), "head_to_head")


def pair_in_short(here: Lab, evaluation: Evaluation, rate: WinRate) -> None:
    """A line for each judge that saw these two variants side by side, or how to ask one."""
    seen = [one for one in duels_of(here, evaluation) if {one.a, one.b} == {rate.a, rate.b}]
    if not seen:
        samples = [evaluation.samples[label] for label in (rate.a, rate.b)]
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("No judge has seen these two side by side.", width="content")
            link(
                "runs",
                "Launch a head-to-head run of them",
                icon=":material/balance:",
                show="Launch",
                launch_kind="head_to_head",
                launch_dataset=evaluation.dataset,
                launch_samples_a=samples[0],
                launch_samples_b=samples[1],
            )
    for duels in seen:
        delta = duels.figures.delta if duels.a == rate.a else duels.figures.delta.scaled(-1)
        flips = number(duels.figures.flip_rate.value, "share")
        ruled = "; comparisons decided by rule are left out of that" if duels.figures.by_rule else ""
        plain(
            f"Head to head by {duels.judge_name}: Δ(W−L) {in_a_sentence(delta, 'points')}, n = {duels.figures.n} "
            f"questions; {flips} of {duels.figures.flip_rate.n} questions' comparisons flip with the order{ruled}."
        )


def duels_of(here: Lab, evaluation: Evaluation) -> list[Duels]:
    """Head-to-head runs between the variants of an evaluation."""
    return _computed(here, here.sealed, f"{evaluation.key} {evaluation.settings.model_dump_json()}", evaluation)


@once("Resampling questions for the intervals …", keep=16, seconds=0.05)
def _computed(_here: Lab, sealed: str, key: str, _evaluation: Evaluation) -> list[Duels]:
    return head_to_heads(_here.store, _evaluation.settings, _evaluation.samples.values())


def _orders(duels: Duels) -> None:
    """What the judge answered in each order; the two bars are alike where the place decides nothing."""
    plain(f"{duels.a} against {duels.b}, {duels.judge_name}: {position_sentence(duels.figures)}")
    orders = [
        (f"{duels.a} shown first", duels.figures.with_a_first),
        (f"{duels.b} shown first", duels.figures.with_b_first),
    ]
    if any(sum(answers.values()) for _, answers in orders):
        chart(
            "Does the judge say the same in both orders?",
            "Answers by who was shown first. Bars that are not alike: the judge prefers a place. Alike bars still hide "
            "answers that flip both ways; the sentence above counts them. Click a part to list its comparisons.",
            answers_by_order(orders, duels.a, duels.b),
            pd.DataFrame([{"order": order} | answers for order, answers in orders]),
            key=f"orders_{duels.run}",
            on_select=partial(_filter, duels),
            selection_mode="points",
        )


def _filter(duels: Duels) -> None:
    """Keep the clicked order and answer as the filter of the comparisons below."""
    for *_, code in (point["customdata"] for point in st.session_state[f"orders_{duels.run}"]["selection"]["points"]):
        put(**{filter_of(duels): code})


def _row(duels: Duels, doubts: list[str]) -> dict[str, str | int]:
    found = duels.figures
    return {
        "A against B": f"{duels.a} against {duels.b}",
        "judge": f"{duels.judge_name} ({duels.mode}, {duels.criterion})",
        "believe it": f"✗ no: {', '.join(doubts)}" if doubts else "✓ yes",
        "n questions": found.n,
        "pairs": found.judged,
        "win": interval(found.win, "share"),
        "tie": interval(found.tie, "share"),
        "loss": interval(found.loss, "share"),
        "Δ(W−L), points": interval(found.delta, "points"),
        "won / tied / lost": f"{found.wins} / {found.ties} / {found.losses}",
        "flips": interval(found.flip_rate, "share"),
        "first place": interval(found.first_preferred, "share"),
        "unjudged": found.unjudged,
    }
