"""The Compare page: every figure with its counts, filters that stand in the URL, two variants side by side."""

import io

import pandas as pd
import pytest

from app.charts.comparison import answers_by_order, delta_by_part, forest, win_matrix
from app.compare.choices import PAIR, QUESTIONS, TABS, VARIANTS
from core.analysis.comparison import Part, ScoreTable, outcomes_of, win_rates
from core.analysis.question_table import question_outcomes, with_questions
from core.analysis.results import Evaluation, evaluations, score_table
from core.settings import CompareSettings
from core.statistics.estimates import Estimate
from core.store.queries import responses
from tests.adversarial import nodes
from tests.app import held_in, opened, released, store_of, words  # noqa: F401
from tests.test_comparison import TOTAL, rows


def three_variants() -> ScoreTable:
    scores = {"base": [[10, 10], [9, 12]], "sft": [[8, 9], [9, 9]], "<b>x</b>": [[12, 13], [9, 14]]}
    tables = [rows(label, {f"q{i}": s for i, s in enumerate(of)}) for label, of in scores.items()]
    return ScoreTable.of(pd.concat(tables), TOTAL)


def test_questions_are_counted_by_hand_those_that_differ_most_first():
    table = three_variants()
    counts = question_outcomes(table, "sft", "base")
    assert counts["item_id"].tolist() == ["q0", "q1"]
    assert counts[["wins", "ties", "losses"]].to_numpy().tolist() == [[0, 0, 4], [0, 2, 2]]
    assert counts["delta"].tolist() == [-100, -50]
    assert (counts["score_a"][0], counts["score_b"][0]) == (8.5, 10)
    turned = question_outcomes(table, "base", "sft")
    assert turned["wins"].tolist() == counts["losses"].tolist()


def test_a_rate_turned_round_is_the_other_variants():
    table = three_variants()
    rate = win_rates(table, outcomes_of(table))[0]
    other = rate.turned
    assert (other.a, other.b, other.wins, other.losses) == (rate.b, rate.a, rate.losses, rate.wins)
    assert (other.delta.low, other.delta.high) == (-rate.delta.high, -rate.delta.low)
    assert other.turned == rate


def test_the_matrix_has_both_orders_and_no_markup_of_a_label():
    table = three_variants()
    rates = win_rates(table, outcomes_of(table))
    both = [*rates, *(rate.turned for rate in rates)]
    figure = win_matrix(both, table.labels)
    heat, cells = figure.data
    assert heat.z[0][1] == -heat.z[1][0] == rates[0].turned.delta.value
    assert len(cells.text) == 6 and "n = 2 questions" in cells.text[0] and "sample pairs" in cells.text[0]
    drawn = figure.to_json() + forest(rates, [rate.a for rate in rates], table.labels).to_json()
    assert "<b>" not in drawn and "&lt;b&gt;" in drawn


def test_a_point_whose_interval_holds_zero_is_hollow():
    sure, unsure = (Part(name, "a", "b", 0, 0, 0, Estimate(10, low, 20, 60)) for name, low in (("s", 1), ("u", -1)))
    figure = delta_by_part([sure, unsure, Part("none", "a", "b", None, None, None, Estimate.undefined(0, "no gold"))])
    assert list(figure.data[0].marker.symbol) == ["circle", "circle-open"]
    assert list(figure.data[0].y) == ["s", "u"]


def test_answers_of_a_judge_in_both_orders_are_two_bars():
    orders = [("x shown first", {"a": 3, "tie": 0, "b": 1}), ("y shown first", {"a": 1, "tie": 0, "b": 3})]
    figure = answers_by_order(orders, "x", "y")
    assert [list(trace.x) for trace in figure.data] == [[75, 25], [0, 0], [25, 75]]


# --- the page


def test_the_page_shows_each_rate_with_counts_n_and_tie_rule(lab_home):
    app = opened("compare")
    assert not app.exception
    rates = next(f.value for f in app.dataframe if "wins / ties / losses" in f.value)
    with store_of(lab_home) as store:
        (evaluation, *_) = evaluations(store, CompareSettings())
    for shown, rate in zip(rates.to_dict("records"), evaluation.win_rates, strict=True):
        assert shown["wins / ties / losses"] == f"{rate.wins} / {rate.ties} / {rate.losses}"
        assert shown["n questions"] == rate.n


def test_every_heading_asks_and_no_tab_is_empty(lab_home):
    seen = {tab: [heading.value for heading in opened("compare", tab=tab).subheader] for tab in TABS}
    assert all(headings for headings in seen.values()), seen
    assert all(heading.endswith("?") for headings in seen.values() for heading in headings)


def test_one_pair_says_the_finding_with_its_counts_and_its_rate(lab_home):
    app = opened("compare", tab=PAIR, pair="anchor against base")
    with store_of(lab_home) as store:
        evaluation = evaluations(store, CompareSettings())[0]
    rate = evaluation.rate("anchor", "base")
    assert evaluation.finding(rate).sentence in words(app)
    (shown,) = next(f.value for f in app.dataframe if "wins / ties / losses" in f.value).to_dict("records")
    assert shown["wins / ties / losses"] == f"{rate.wins} / {rate.ties} / {rate.losses}"


def test_filters_of_the_url_are_shown_and_taken_away(lab_home):
    app = opened("compare", tab=QUESTIONS, of_category="variable", scored_by="depth", pair="anchor against base")
    assert not app.exception
    assert app.selectbox(key="pair").value == "anchor against base"
    table = next(f.value for f in app.dataframe if "category under B" in f.value)
    assert set(table["category under B"]) <= {"variable"}
    app.button(key="chip_of_category").click().run()
    app.button(key="chip_scored_by").click().run()
    assert all(held_in(app.selectbox, name).value == "all" for name in ("of_category", "scored_by"))
    assert "8 of 8 questions; A: anchor, B: base" in words(app)


def test_a_question_is_read_side_by_side_and_linked(lab_home):
    with store_of(lab_home) as store:
        evaluation = evaluations(store, CompareSettings())[0]
        counts = with_questions(
            store, evaluation.dataset, question_outcomes(score_table(store, evaluation), "anchor", "sft")
        )
        wanted = counts["item_id"].iloc[-1]
        texts = [row.explanation for row in responses(store, evaluation.samples["anchor"], wanted)]
    app = opened("compare", tab=QUESTIONS, item=wanted, pair="anchor against sft")
    shown = " ".join(str(html.value if hasattr(html, "value") else html.proto.body) for html in app.get("html"))
    assert counts["question"].iloc[-1] in words(app)
    assert texts and all(text.split()[0] in shown for text in texts if text.split() and text.split()[0].isalnum())
    assert "2 samples" in words(app)


def test_an_unknown_question_is_a_sentence(lab_home):
    app = opened("compare", tab=QUESTIONS, item="nobody")
    assert not app.exception
    assert "There is no question nobody" in words(app)


def test_what_stands_behind_the_figures_is_a_file(lab_home):
    saved = {tab: len(opened("compare", tab=tab).get("download_button")) for tab in (VARIANTS, PAIR, QUESTIONS)}
    assert saved == {VARIANTS: 2, PAIR: 1, QUESTIONS: 1}
    from core.analysis.figures import csv_of

    table = pd.DataFrame({"label": ["=1+1", "plain"], "n": [-1, 2]})
    assert pd.read_csv(io.StringIO(csv_of(table)))["label"].tolist() == ["'=1+1", "plain"]


@pytest.mark.parametrize("criterion", ["depth", None])
def test_counts_of_a_criterion_are_those_of_its_part(lab_home, criterion):
    from core.analysis.results import details

    with store_of(lab_home) as store:
        evaluation = evaluations(store, CompareSettings())[0]
        counts = question_outcomes(score_table(store, evaluation, criterion), "anchor", "base")
        parts = details(store, evaluation).by_criterion
    total = counts[["wins", "ties", "losses"]].sum(axis=1)
    win = (counts["wins"] / total).mean()
    expected = [p.win for p in parts if (p.part, p.a, p.b) == (criterion, "anchor", "base")]
    assert win == pytest.approx(expected[0] if expected else evaluation.rate("anchor", "base").win.value)


def test_of_evaluations_with_one_title_each_can_be_chosen_and_stays(lab_home, monkeypatch):
    monkeypatch.setattr(Evaluation, "title", "things / test")
    with store_of(lab_home) as store:
        first, *_, last = evaluations(store, CompareSettings())
    app = opened("compare")
    for evaluation in (last, first):
        box = app.selectbox(key="evaluation")
        assert len(box.options) == len(set(box.options)) > 1
        box.set_value(evaluation.key).run()
        assert app.run().selectbox(key="evaluation").value == evaluation.key
        shown = next(frame.value for frame in app.dataframe if "mean score" in frame.value)
        assert list(shown["variant"]) == list(evaluation.samples)


def test_what_a_variant_was_trained_on_is_linked(lab_home):
    app = opened("compare")
    labels = {node.proto.label for node in nodes(app._tree) if hasattr(getattr(node, "proto", None), "label")}
    assert {"Its last training", "The pairs it was aligned on"} <= labels
