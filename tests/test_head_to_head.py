"""Two explanations side by side: both orders, flips, unread replies, resuming, the store and the figures."""

import json
import math
import re

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from core import Lab
from core.analysis.duels import figures, head_to_heads, position_sentence
from core.cli import cli
from core.engines.scripted import ScriptedEngine
from core.errors import BadInput, RunStopped
from core.method.head_to_head import (
    PAIRS_A_BATCH,
    PROMPTS,
    Duel,
    Referee,
    _batches,
    _compare_batch,
    drawn_duels,
    read_choice,
    run_head_to_head,
)
from core.models.variants import use_of
from core.prompts import load_prompt
from core.records import HeadToHead
from core.rubrics import load_rubric
from core.runs.folders import RunFolder, all_runs, content_hash, create_run
from core.runs.pipeline import DatasetTable, PipelineFile, plan
from core.runs.plan import run_config
from core.runs.work import Work
from core.settings import CompareSettings, HeadToHeadSettings
from core.store.database import Store
from tests.app import opened, released, words  # noqa: F401
from tests.lab import filled_lab, rewrite, toy_pipeline
from tests.reading import cases
from tests.test_judging import ITEM, response
from tests.tiny import tiny_model

FEW = CompareSettings(resamples=200)


def referee(weigh=lambda chat, option: 1.0, reply=lambda chat, seed: "", **settings) -> Referee:
    chosen = HeadToHeadSettings(**settings)
    engine = ScriptedEngine(reply, weigh)
    return Referee(engine, load_prompt(PROMPTS[chosen.mode]), load_rubric(chosen.rubric), chosen)


def duel(a: str, b: str) -> Duel:
    return Duel(ITEM, response(a), response(b, sample=1))


def shown(chat) -> tuple[str, str]:
    """The first and the second explanation of a prompt."""
    text = chat.messages[-1].content
    return tuple(re.search(rf"{place} explanation: (.*)", text)[1] for place in ("First", "Second"))


def likes_first(chat, option: str) -> float:
    return 9.0 if option == " first" else 1.0


def likes_longer(chat, option: str) -> float:
    first, second = map(len, shown(chat))
    return 9.0 if (option == " first") == (first > second) else 1.0


# --- what is asked


def test_both_orders_are_asked_and_share_all_but_the_explanations():
    asked = []
    referee(lambda chat, option: asked.append(chat) or 1.0).compare([duel("It is clear.", "It is heavy.")])
    orders = {shown(chat) for chat in asked}
    assert orders == {("It is clear.", "It is heavy."), ("It is heavy.", "It is clear.")}
    assert len({chat.messages[0].content for chat in asked}) == 1
    assert {chat.opening for chat in asked} == {"Better:"}


def test_gold_is_hidden_and_one_criterion_is_shown_if_asked_for():
    hidden, shown_gold = (
        referee(show_gold=show, criterion="clarity").chat(ITEM, response("x"), response("y")) for show in (False, True)
    )
    assert "Right answer" not in hidden.messages[-1].content
    assert "Right answer: glass" in shown_gold.messages[-1].content
    assert "Clarity" in hidden.messages[0].content
    assert "Relevance" not in hidden.messages[0].content


def test_an_unknown_criterion_is_refused_with_the_known_ones():
    with pytest.raises(BadInput, match="overall or coherence"):
        referee(criterion="style").chat(ITEM, response("x"), response("y"))


def test_tie_is_offered_only_where_it_is_allowed():
    options = []
    for tie in (False, True):
        seen = set()
        referee(lambda chat, option, seen=seen: seen.add(option) or 1.0, tie=tie).compare([duel("x", "y")])
        options.append(seen)
    assert options == [{" first", " second"}, {" first", " second", " tie"}]


# --- outcomes


def test_a_judge_that_likes_the_first_place_gives_ties_that_all_flip():
    rows = referee(likes_first).compare([duel("It is clear.", "It is heavy."), duel("x", "y")])
    assert [(row.outcome, row.flipped) for row in rows] == [("tie", True)] * 2
    found = figures(frame(rows), FEW)
    assert found.flip_rate.value == 1.0
    assert found.first_preferred.value == 1.0
    assert found.delta.value == 0.0


def test_a_judge_that_likes_length_names_the_longer_one_in_both_orders():
    rows = referee(likes_longer).compare([duel("It is clear glass.", "It is."), duel("It is.", "It is clear glass.")])
    assert [(row.outcome, row.flipped) for row in rows] == [("a", False), ("b", False)]
    assert (rows[0].a_first.verdict, rows[0].b_first.verdict) == ("first", "second")
    assert rows[0].a_first.probabilities == [0.9, 0.1]
    assert figures(frame(rows), FEW).first_preferred.value == 0.5


def test_a_tie_in_one_order_only_is_a_flip_and_in_both_is_none():
    def tie_if_clear_first(chat, option):
        return 9.0 if (option == " tie") == (shown(chat)[0] == "clear") and option != " second" else 1.0

    one, both = (
        referee(weigh, tie=True).compare([duel("clear", "heavy")])[0]
        for weigh in (tie_if_clear_first, lambda chat, option: 9.0 if option == " tie" else 1.0)
    )
    assert (one.outcome, one.flipped) == ("tie", True)
    assert (both.outcome, both.flipped) == ("tie", False)


def test_an_empty_explanation_loses_by_rule_and_the_judge_is_not_asked():
    asked = []
    judge = referee(lambda chat, option: asked.append(chat) or 1.0)
    rows = judge.compare([duel("", "x"), duel("x", ""), duel("", "")])
    assert [(row.outcome, row.origin, row.flipped) for row in rows] == [
        ("b", "rule", None),
        ("a", "rule", None),
        ("tie", "rule", None),
    ]
    assert not asked
    assert referee(empty="judge").compare([duel("", "x")])[0].origin == "model"
    assert figures(frame(rows), FEW).flip_rate.value is None


@pytest.mark.parametrize("said", ["", "Both are fine.", "Better: first\nBetter: second", "Better: tie", "Better: 1"])
def test_a_reply_that_cannot_be_read_is_unjudged_and_no_tie(said):
    def reply(chat, seed):
        return said if shown(chat)[0] == "x" else "So.\nBetter: first"

    row = referee(reply=reply, mode="written").compare([duel("x", "y")])[0]
    assert (row.outcome, row.flipped) == ("unjudged", None)
    assert "A first" in row.unjudged
    assert (row.a_first.reply, row.a_first.verdict) == (said, None)
    found = figures(frame([row]), FEW)
    assert (found.unjudged, found.ties, found.n) == (1, 0, 0)
    assert found.win.value is None


def test_written_replies_are_read_and_kept():
    def reply(chat, seed):
        return f"The long one explains.\nBetter: {'first' if likes_longer(chat, ' first') > 1 else 'second'}"

    row = referee(reply=reply, mode="written").compare([duel("It is clear.", "It.")])[0]
    assert (row.outcome, row.a_first.probabilities) == ("a", None)
    assert row.b_first.reply.endswith("second")


# --- which samples meet


def test_pairs_are_drawn_without_repetition_from_the_seed_and_the_question_alone():
    rows = [response("x", sample=k) for k in range(4)]
    other = ITEM.model_copy(update={"id": "q2"})
    more = [row.model_copy(update={"item_id": "q2"}) for row in rows]
    items = {ITEM.id: ITEM, "q2": other}

    def keys(a, b, **settings):
        return [d.key for d in drawn_duels(items, a, b, HeadToHeadSettings(**settings))]

    assert len(set(keys(rows, rows, samples_a_question=6))) == 6
    assert len(keys(rows, rows, samples_a_question=99)) == 16
    assert keys(rows, more) == []
    assert [k for k in keys(rows + more, more + rows, seed=1) if k[0] == "q1"] == keys(rows, rows, seed=1)
    assert len({tuple(keys(rows, rows, seed=seed)) for seed in range(9)}) > 1


# --- figures


def frame(rows: list[HeadToHead]) -> pd.DataFrame:
    """Comparisons as the store gives them."""
    answers = [{side: (c := getattr(row, side)) and c.verdict for side in ("a_first", "b_first")} for row in rows]
    kept = [row.model_dump(include={"item_id", "origin", "outcome", "flipped"}) for row in rows]
    return pd.DataFrame([row | answer for row, answer in zip(kept, answers, strict=True)]).astype(object)


def test_figures_by_hand_average_pairs_then_questions():
    columns = ["item_id", "origin", "outcome", "flipped", "a_first", "b_first"]
    rows = [
        ("q1", "model", "a", False, "first", "second"),
        ("q1", "model", "tie", True, "first", "first"),
        ("q2", "model", "b", False, "second", "first"),
        ("q3", "rule", "a", None, None, None),
        ("q3", "model", "unjudged", None, "first", None),
        ("q4", "model", "tie", True, "tie", "first"),
    ]
    found = figures(pd.DataFrame(rows, columns=columns), FEW)
    assert (found.wins, found.ties, found.losses, found.flips) == (2, 2, 1, 2)
    assert (found.by_rule, found.unjudged, found.judged, found.n) == (1, 1, 5, 4)
    assert found.with_a_first == {"a": 2, "tie": 1, "b": 1}
    assert found.with_b_first == {"a": 1, "tie": 0, "b": 3}
    assert found.win.value == pytest.approx((0.5 + 0 + 1 + 0) / 4)
    assert found.loss.value == pytest.approx(1 / 4)
    assert found.delta.value == pytest.approx(100 * (0.5 - 1 + 1 + 0) / 4)
    assert found.flip_rate.value == pytest.approx((0.5 + 0 + 1) / 3)
    assert found.first_preferred.value == pytest.approx((0.75 + 0.5 + 0.75) / 3)
    assert (found.delta.n, found.flip_rate.n) == (4, 3)
    assert found.delta.low < found.delta.value < found.delta.high


@pytest.mark.parametrize(
    ("answers", "said"), [(("first", "first"), "the first place"), (("second",) * 2, "the second")]
)
def test_a_preference_for_a_place_is_said(answers, said):
    rows = [(f"q{i}", "model", "tie", True, *answers) for i in range(30)]
    columns = ["item_id", "origin", "outcome", "flipped", "a_first", "b_first"]
    assert f"prefers {said}" in position_sentence(figures(pd.DataFrame(rows, columns=columns), FEW))


# --- the run, the store, the screens


def sample_runs(home) -> list[str]:
    """The evaluated sample runs of base and sft."""
    runs = [f for f in all_runs(home) if f.config.kind == "sample" and f.config.settings["select"]["split"] == "test"]
    return [next(run.id for run in runs if run.config.label == label) for label in ("base", "sft")]


def tiny_config(home, tmp_path, **settings):
    a, b = sample_runs(home)
    dataset = next(f.id for f in all_runs(home) if f.config.kind == "import")
    parents = {"dataset": dataset, "samples_a": a, "samples_b": b}
    return run_config(
        "head_to_head", "base or sft", HeadToHeadSettings(**settings), parents, use_of(tiny_model(tmp_path / "tiny"))
    )


def done(home, config):
    run = create_run(home, config)
    with Work(run) as work:
        work.started()
        run_head_to_head(work)
    return run


def test_a_real_tiny_judge_from_the_run_to_the_screens(home, tmp_path):
    filled_lab(home, tmp_path, variants=["base", "sft"])
    run = done(home, tiny_config(home, tmp_path, samples_a_question=2, empty="judge", tie=True))
    rows = run.read("head_to_head", HeadToHead)
    assert run.result["summary"]["comparisons"] == len(rows) > 0
    assert run.result["summary"]["flips"] == sum(row.flipped is True for row in rows)
    with Store(home, None) as store:
        store.ingest()
        assert not store.problems
        (found,) = head_to_heads(store, FEW)
        assert head_to_heads(store, FEW, [found.samples_a]) == []
    assert (found.a, found.b, found.tie_allowed) == ("base", "sft", True)
    assert found.figures == figures(frame(rows), FEW)

    table = Lab(home.path).head_to_head(run.id[:20])
    assert table["outcome"].tolist() == [row.outcome for row in rows]
    assert np.allclose(table["a_first_probabilities"][0], rows[0].a_first.probabilities)
    (row,) = Lab(home.path).duels(resamples=200).to_dict("records")
    named = (row["a"], row["b"], row["wins"], row["ties"], row["losses"], row["n"], row["flips"])
    own = found.figures
    assert named == ("base", "sft", own.wins, own.ties, own.losses, own.n, own.flips)
    assert (row["delta"], row["delta_low"], row["delta_high"]) == (own.delta.value, own.delta.low, own.delta.high)
    assert not row["judge_reliable"] and row["judge_doubts"]
    CliRunner().invoke(cli, ["export", "table", "duels", str(tmp_path / "duels.csv")], catch_exceptions=False)
    assert pd.read_csv(tmp_path / "duels.csv")["wins"].tolist() == [own.wins]
    printed = CliRunner().invoke(cli, ["compare"], env={"COLUMNS": "200"}).output
    assert "base against sft" in printed
    assert "flips with the order" in printed
    app = opened("compare", tab="Head to head")
    assert not app.exception
    assert "Who wins when the judge sees both, in either order?" in [e.value for e in app.subheader]
    assert any("first place" in frame.value.columns for frame in app.dataframe)
    listed = app.selectbox(key=f"show_{run.id}")
    for filtered, count in {"a": own.wins, "b": own.losses, "flipped": own.flips, "tie": own.ties}.items():
        listed.set_value(filtered).run()
        shown = words(app)
        assert "went wrong" not in shown and f"{count} of {own.judged + own.unjudged} comparisons" in shown, filtered
    for order, answers in (("a_first", own.with_a_first), ("b_first", own.with_b_first)):
        listed.set_value(f"{order}.{'first' if order == 'a_first' else 'second'}").run()
        assert f"{answers['a']} of " in words(app)


def test_the_page_says_how_to_get_a_comparison_where_there_is_none(home, tmp_path):
    filled_lab(home, tmp_path, variants=["base", "sft"])
    app = opened("compare", tab="Head to head")
    assert not app.exception
    assert any("duels" in caption.value for caption in app.caption)


def test_runs_without_a_common_question_cannot_be_compared(home, tmp_path):
    filled_lab(home, tmp_path, variants=["base", "sft"])
    config = tiny_config(home, tmp_path)
    on_train = next(
        f.id for f in all_runs(home) if f.config.kind == "sample" and f.config.settings["select"]["split"] == "test"
    )
    empty = create_run(home, config.model_copy(update={"parents": config.parents | {"samples_a": on_train}}))
    rewrite(RunFolder(home.runs / on_train), "explanations", [])
    with pytest.raises(BadInput, match="no question in common"), Work(empty) as work:
        run_head_to_head(work)
    assert empty.result["state"] == "failed"


@pytest.mark.parametrize("torn", [False, True])
def test_an_interrupted_run_goes_on_to_the_rows_of_an_undisturbed_one(home, tmp_path, torn):
    filled_lab(home, tmp_path, variants=["base"])
    duels = [Duel(ITEM.model_copy(update={"id": f"q{i}"}), response(f"It is {i}"), response("It")) for i in range(80)]
    judge = referee(likes_longer)
    expected = judge.compare(duels)
    run = next(f for f in all_runs(home) if f.config.kind == "sample")
    config = run.config.model_copy(update={"kind": "head_to_head", "settings": {"n": int(torn)}})
    folder = create_run(home, config)
    with Work(folder) as work:
        _compare_batch(work, judge, duels[:PAIRS_A_BATCH], set())
        raise RunStopped("Stopped on request.")
    if torn:  # killed in the middle of a batch and of a line
        lines = (folder.path / "head_to_head.jsonl").read_text().splitlines(keepends=True)
        (folder.path / "head_to_head.jsonl").write_text("".join(lines[:9]) + lines[9][:20])
    with Work(folder) as work:
        known = {(row.item_id, row.sample_a, row.sample_b) for row in folder.read("head_to_head", HeadToHead)}
        assert len(known) == (9 if torn else PAIRS_A_BATCH)
        for batch in _batches(duels):
            _compare_batch(work, judge, batch, known)
    assert folder.read("head_to_head", HeadToHead) == expected


def test_a_comparison_of_an_explanation_that_is_not_there_is_not_believed(home, tmp_path):
    filled_lab(home, tmp_path, variants=["base", "sft"])
    run = done(home, tiny_config(home, tmp_path))
    row = run.read("head_to_head", HeadToHead)[0].model_copy(update={"sample_b": 77})
    with Work(run) as work:
        work.append("head_to_head", [row])
    with Store(home, None) as store:
        store.ingest()
        assert any("does not have" in problem for problem in store.problems)
        assert store.rows("SELECT count(*) FROM head_to_head") == [(0,)]


# --- pipelines


def test_a_pipeline_without_duels_is_the_one_it_was():
    file = PipelineFile(name="toy", dataset=DatasetTable(source="toy.jsonl"))
    assert not {"duels", "head_to_head"} & set(file.written())
    assert content_hash(file.written()) == "fe0cb10625d14f7d36718f31f7d8cf3c69a79a8d5c163af434563aca0a42bc44"


def test_a_pipeline_compares_the_variants_it_names_last(tmp_path):
    model = tiny_model(tmp_path / "tiny")
    settings = HeadToHeadSettings(samples_a_question=2)
    plain = plan(toy_pipeline(), "import-1", model, model, model)
    steps = plan(
        toy_pipeline(duels=[("anchor", "rank"), ("sft", "base")], head_to_head=settings), "import-1", *[model] * 3
    )
    assert [step.id for step in steps[:-2]] == [step.id for step in plain]
    assert [step.label for step in steps[-2:]] == ["anchor against rank", "sft against base"]
    by_label = {
        step.label: step.id for step in steps if step.kind == "sample" and step.settings["select"]["split"] == "test"
    }
    assert steps[-2].parents["samples_a"] == by_label["anchor"]
    assert steps[-1].parents["samples_b"] == by_label["base"]
    assert steps[-1].settings["samples_a_question"] == 2


@pytest.mark.parametrize("pair", [("anchor", "anchor"), ("anchor", "teacher")])
def test_a_duel_of_what_is_not_evaluated_is_refused(pair):
    with pytest.raises(ValueError, match="two different variants"):
        PipelineFile(name="toy", dataset=DatasetTable(source="toy.jsonl"), duels=[pair])


def test_every_form_of_a_written_choice_is_read_or_left_unread():
    found = [(case["reply"], read_choice(case["reply"], ["first", "second", "tie"])) for case in cases("choices")]
    assert found == [(case["reply"], case["choice"]) for case in cases("choices")]


def test_probabilities_that_are_no_numbers_are_no_choice():
    row = referee(weigh=lambda chat, option: math.nan if shown(chat)[0] == "x" else 0.5).compare([duel("x", "y")])[0]
    assert (row.outcome, row.flipped, row.a_first.verdict) == ("unjudged", None, None)
    assert row.unjudged and HeadToHead.model_validate_json(row.model_dump_json()) == row


def test_rows_that_hold_a_choice_among_no_numbers_can_be_read_and_count_as_unjudged():
    dark = {"verdict": "first", "probabilities": [None, None], "reply": None}
    clear = {"verdict": "first", "probabilities": [0.7, 0.3], "reply": None}
    row = {"item_id": "1", "sample_a": 0, "sample_b": 0, "origin": "model", "a_first": dark, "b_first": clear}
    stored = json.dumps(row | {"outcome": "tie", "flipped": True, "unjudged": None})
    read = HeadToHead.model_validate_json(stored)
    assert (read.outcome, read.flipped, read.a_first.verdict) == ("unjudged", None, None)
    assert read.b_first.verdict == "first" and read.unjudged
