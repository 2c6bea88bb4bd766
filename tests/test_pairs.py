"""Each rule that picks pairs, on cases small enough to work out by hand."""

import pytest
from pydantic import ValidationError

from app.charts.pairs import lambda_bars
from core.analysis.pair_lambda import TARGETS, pairs_over_lambda
from core.analysis.pair_sources import pair_sources, read_material
from core.analysis.results import evaluations
from core.errors import BadInput
from core.method.pair_draw import anchor_lambda, drawn_pairs
from core.method.pairs import NoPair, Question, choose_pair
from core.models.finding import ModelRef
from core.records import Judgement, Pair, Side
from core.runs.folders import ModelUse, RunFolder
from core.runs.pipeline import ModelsTable, plan
from core.runs.plan import run_config
from core.settings import CompareSettings, JudgeSettings, PairSettings, SampleSettings
from core.store.database import Store
from tests.judges import GOOD, Bench
from tests.lab import done, toy_pipeline
from tests.test_store import sealed

ANCHOR = PairSettings(strategy="anchor")
RANK = PairSettings(strategy="rank")


def side(sample: int, score: float, correct: bool, text: str | None = None, run: str = "own") -> Side:
    return Side(
        run=run,
        sample=sample,
        text=text or f"{run} {sample}",
        score=score,
        prediction="A" if correct else "B",
        correct=correct,
    )


def question(category, own, debates=()) -> Question:
    return Question("q1", category, list(own), list(debates))


def picked(question: Question, settings: PairSettings) -> tuple[int, int, str]:
    chosen, rejected, reason = choose_pair(question, settings)
    return chosen.sample, rejected.sample, reason


def test_always_right_prefers_best_over_lowest():
    own = [side(0, 12, True), side(1, 17, True), side(2, 9, True), side(3, 15, True)]
    assert picked(question("consistently_correct", own), ANCHOR) == (1, 2, "best_over_worst")


def test_always_right_below_max_may_take_any_lower_one():
    own = [side(0, 12, True), side(1, 17, True), side(2, 9, True), side(3, 17, True)]
    settings = [PairSettings(strategy="anchor", rejected="below_max", seed=seed) for seed in range(40)]
    picks = {picked(question("consistently_correct", own), s)[:2] for s in settings}
    assert picks == {(1, 0), (1, 2), (3, 0), (3, 2)}


def test_wavering_prefers_best_right_over_lowest_wrong_whatever_their_scores():
    own = [side(0, 8, True), side(1, 10, True), side(2, 19, False), side(3, 18, False)]
    assert picked(question("variable", own), ANCHOR) == (1, 3, "right_over_wrong")


def test_wavering_with_equal_scores_is_still_a_pair_because_correctness_differs():
    own = [side(0, 10, True), side(1, 10, False)]
    assert picked(question("variable", own), ANCHOR) == (0, 1, "right_over_wrong")


def test_always_wrong_prefers_the_debaters_best_over_the_own_lowest():
    own = [side(0, 12, False), side(1, 7, False)]
    debates = [side(0, 5, True, run="debater"), side(3, 6, True, run="debater")]
    chosen, rejected, reason = choose_pair(question("consistently_incorrect", own, debates), ANCHOR)
    assert (chosen.run, chosen.sample, rejected.run, rejected.sample) == ("debater", 3, "own", 1)
    assert reason == "debater_over_own"


def test_rank_prefers_best_over_a_random_other_and_ignores_correctness():
    own = [side(0, 12, True), side(1, 17, False), side(2, 9, True)]
    picks = {picked(question("variable", own), PairSettings(strategy="rank", seed=s))[:2] for s in range(40)}
    assert picks == {(1, 0), (1, 2)}


@pytest.mark.parametrize(
    ("category", "own", "settings", "reason"),
    [
        ("consistently_correct", [side(0, 9, True), side(1, 9, True)], ANCHOR, "equal_scores"),
        ("consistently_correct", [], ANCHOR, "unjudged"),
        ("consistently_incorrect", [side(0, 9, False)], ANCHOR, "no_debate"),
        ("variable", [side(0, 9, True)], ANCHOR, "unjudged"),
        ("variable", [side(0, 9, True, "same"), side(1, 9, False, "same")], ANCHOR, "equal_texts"),
        ("variable", [side(0, 9, True), side(1, 9, False)], RANK, "equal_scores"),
        ("variable", [side(0, 9, True)], RANK, "unjudged"),
        (None, [side(0, 9, True), side(1, 8, True)], ANCHOR, "uncategorised"),
        (None, [side(0, 9, True), side(1, 8, True)], RANK, "uncategorised"),
    ],
)
def test_nothing_to_prefer_is_dropped_with_its_reason(category, own, settings, reason):
    with pytest.raises(NoPair) as why:
        choose_pair(question(category, own), settings)
    assert str(why.value) == reason


def test_ties_for_best_are_drawn_by_seed_and_the_draw_repeats():
    own = [side(0, 9, True), side(1, 17, True), side(2, 17, True)]
    draws = [picked(question("consistently_correct", own), PairSettings(seed=seed))[0] for seed in range(40)]
    again = [picked(question("consistently_correct", own), PairSettings(seed=seed))[0] for seed in range(40)]
    assert draws == again
    assert set(draws) == {1, 2}


def test_lambda_is_the_share_of_pairs_from_wavering_or_always_wrong_questions():
    chosen, rejected = side(0, 9, True), side(1, 8, False)
    kinds = ["consistently_correct", "variable", "consistently_incorrect", "variable"]
    pairs = [
        Pair(item_id="q", category=c, reason="x", chosen=chosen, rejected=rejected, answer_line_added=False)
        for c in kinds
    ]
    assert anchor_lambda(pairs) == 0.75
    assert anchor_lambda([]) is None


def many_pairs(hard: int, easy: int) -> list[Pair]:
    kinds = [("variable", "right_over_wrong")] * (hard - hard // 3)
    kinds += [("consistently_incorrect", "debater_over_own")] * (hard // 3)
    kinds += [("consistently_correct", "best_over_worst")] * easy
    sides = {"chosen": side(0, 15, True), "rejected": side(1, 9, False)}
    return [
        Pair(item_id=f"q{place}", category=category, reason=reason, answer_line_added=False, **sides)
        for place, (category, reason) in enumerate(kinds)
    ]


@pytest.mark.parametrize("at_most", [None, 11])
def test_counts_over_lambda_are_what_a_run_with_that_target_would_write(at_most):
    pairs = many_pairs(hard=12, easy=30)
    settings = PairSettings(strategy="anchor", seed=3, max_pairs=at_most)
    table = pairs_over_lambda(pairs, settings)
    assert len(table) == 3 * len(TARGETS) and set(table["of"]) == {8, 4, 30}
    for target, rows in table.groupby("target"):
        left = drawn_pairs(pairs, settings.model_copy(update={"target_lambda": target}))
        assert rows["total"].unique().tolist() == [len(left)] == [rows["pairs"].sum()]
        assert rows["reached"].iloc[0] == pytest.approx(anchor_lambda(left))
        for row in rows.itertuples():
            assert row.pairs == sum((pair.category, pair.reason) == (row.category, row.reason) for pair in left)
    at_half = table[table["target"] == 0.5].set_index("category")["pairs"]
    assert at_half["consistently_correct"] == (6 if at_most is None else 5)


def test_every_target_for_lambda_leaves_equally_many_pairs():
    pairs = many_pairs(hard=12, easy=30)
    table = pairs_over_lambda(pairs, PairSettings(strategy="anchor"))
    assert set(table["total"]) == {12}
    assert (table["reached"] - table["target"]).abs().max() <= 0.5 / 12
    largest = pairs_over_lambda(pairs, PairSettings(strategy="anchor", lambda_total="largest"))
    assert set(largest.loc[largest["target"] == 0.5, "total"]) == {24}
    assert set(largest.loc[largest["target"] == 0.0, "total"]) == {30}


def test_where_one_kind_of_question_is_missing_lambda_of_the_other_is_all_there_is():
    hard = many_pairs(hard=5, easy=0)
    sizes = {target: len(drawn_pairs(hard, PairSettings(target_lambda=target))) for target in (0.5, 1.0)}
    assert sizes == {0.5: 0, 1.0: 5}


def test_a_pair_set_of_before_the_constant_total_keeps_its_rows_and_no_other_id_changes():
    written = {"strategy": "anchor", "score": "expected", "right_by": "parsed", "rejected": "lowest"}
    written |= {"answer_line": "as_generated", "seed": 0}
    assert PairSettings().model_dump(mode="json") == written
    pairs = many_pairs(hard=12, easy=30)
    before = PairSettings.stored(written | {"target_lambda": 0.5})
    assert (before.lambda_total, len(drawn_pairs(pairs, before))) == ("largest", 24)
    now = PairSettings(target_lambda=0.5)
    assert now.model_dump(mode="json") == written | {"target_lambda": 0.5, "lambda_total": "constant"}
    assert PairSettings.stored(now.model_dump(mode="json")) == now
    assert len(drawn_pairs(pairs, now)) == 12


# --- a teacher

TEACHER = PairSettings(strategy="teacher")


def taught(category, own, teacher) -> Question:
    return Question("q1", category, list(own), [], list(teacher))


def test_a_teachers_best_right_explanation_is_preferred_to_the_lowest_wrong_one():
    own = [side(0, 8, True), side(1, 12, False), side(2, 10, False)]
    teacher = [side(0, 15, True, run="teacher"), side(1, 18, True, run="teacher")]
    chosen, rejected, reason = choose_pair(taught("variable", own, teacher), TEACHER)
    assert (chosen.run, chosen.sample, rejected.run, rejected.sample) == ("teacher", 1, "own", 2)
    assert reason == "teacher_over_own"
    right = [side(0, 8, True), side(1, 12, True)]
    assert picked(taught("consistently_correct", right, teacher), TEACHER) == (1, 0, "teacher_over_own")
    with pytest.raises(NoPair, match="no_teacher"):
        choose_pair(taught("variable", own, []), TEACHER)


def test_a_teacher_is_a_sample_run_of_the_same_questions_and_the_page_builds_the_same_pairs(home):
    bench = Bench(home, questions=30)
    own, teacher = bench.judged(GOOD)
    select = RunFolder(home.runs / bench.samples["base"].id).config.settings
    rows = bench.explanations["anchor"]
    use = ModelUse(name="strong", hash="strong weights", path="/there")
    settings = SampleSettings.model_validate(select | {"role": "teacher"})
    samples = sealed(
        home,
        run_config("sample", "teacher", settings, {"dataset": bench.dataset.id}, use),
        {"explanations": rows},
        responses_hash="t",
    )
    chosen = JudgeSettings(mode="written")
    judge = run_config(
        "judge", "teacher", chosen, {"dataset": bench.dataset.id, "samples": samples.id}, Bench._use(GOOD)
    )
    judged = sealed(home, judge, {"judgements": teacher.read("judgements", Judgement)})
    settings = PairSettings(strategy="teacher", score="total")
    parents = {"dataset": bench.dataset.id, "samples": bench.samples["base"].id, "judgements": own.id}
    with pytest.raises(BadInput, match="needs teacher, teacher_judgements"):
        run_config("pairs", "teacher", settings, parents)
    parents |= {"teacher": samples.id, "teacher_judgements": judged.id}
    run = done(home, run_config("pairs", "teacher", settings, parents))
    pairs = run.read("pairs", Pair)
    assert len(pairs) > 20
    assert {pair.chosen.run for pair in pairs} == {samples.id}
    assert {pair.rejected.run for pair in pairs} == {bench.samples["base"].id}
    assert all(pair.chosen.correct for pair in pairs)
    wrong = sum(row.parsed != "A" for row in rows)
    assert run.result["summary"]["teacher_discarded"] == wrong > 0
    with Store(home, None) as store:
        store.ingest()
        found = next(one for one in pair_sources(store) if one.samples == bench.samples["base"].id)
        assert found.parents(settings) == parents
        assert [one.samples for one in pair_sources(store)].count(samples.id) == 0
        built, _ = read_material(home, store, found, "total").build(settings)
        assert {len(one.samples) for one in evaluations(store, CompareSettings(resamples=100))} == {2}
    assert built == pairs


def test_a_pipeline_with_a_teacher_samples_and_judges_it_as_a_debater(home):
    file = toy_pipeline(strategies=["rank", "teacher"], models=ModelsTable(teacher="strong"))
    base, strong = (ModelRef(name=name, hash=name, source="test", path="/here") for name in ("base", "strong"))
    steps = plan(file, "import-0", base, base, None, strong)
    by_id = {step.id: step for step in steps}
    (pairs,) = [step for step in steps if step.kind == "pairs" and step.label == "teacher"]
    samples, judge = (by_id[pairs.parents[role]] for role in ("teacher", "teacher_judgements"))
    assert (samples.model.name, samples.settings["role"], judge.model.name) == ("strong", "teacher", "base")
    assert samples.settings["select"] == by_id[pairs.parents["samples"]].settings["select"]
    assert "debates" not in pairs.parents
    assert [step.label for step in steps if step.kind == "dpo"] == ["rank", "teacher"]
    plain = toy_pipeline().written()
    assert "teacher" not in plain["models"]
    with pytest.raises(ValidationError, match="name it as `teacher` under"):
        toy_pipeline(strategies=["teacher"])


def test_bars_over_lambda_carry_their_target_and_counts():
    largest = PairSettings(strategy="anchor", lambda_total="largest")
    table = pairs_over_lambda(many_pairs(hard=3, easy=2), largest, targets=(0.0, 1.0))
    figure = lambda_bars(table, now=0.6)
    assert [bar.name for bar in figure.data] == ["consistently correct", "variable", "consistently incorrect"]
    assert [list(bar.y) for bar in figure.data] == [[2, 0], [0, 2], [0, 1]]
    assert [row[0] for row in figure.data[0].customdata] == [0.0, 1.0]
    assert figure.layout.shapes[0].x0 == 0.6
    assert pairs_over_lambda([], PairSettings(strategy="anchor")).empty
