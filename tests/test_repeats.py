"""A judge asked again: ids that do not change, repeats that are no further evaluation, self-consistency."""

import pytest

from core.analysis.results import evaluations
from core.engines.scripted import ScriptedEngine
from core.method.judging import PROMPTS, Judge, run_judge
from core.method.repeats import repeats_of, self_agreement
from core.prompts import load_prompt
from core.records import Judgement
from core.rubrics import load_rubric
from core.runs.folders import ModelUse, RunFolder, all_runs, create_run
from core.runs.plan import run_config
from core.runs.work import Work
from core.settings import CompareSettings, JudgeSettings
from core.store.database import Store
from tests.lab import filled_lab
from tests.test_judging import ITEM, response

RUBRIC = load_rubric("five_criteria")


@pytest.mark.parametrize(
    ("settings", "id"),
    [
        (JudgeSettings(), "judge-f59d21658d6f"),
        (JudgeSettings(mode="written", max_new_tokens=80), "judge-00249842bee4"),
        (JudgeSettings(mode="reader", show_gold=True), "judge-a910c2df9a43"),
        (JudgeSettings(repeat=0, temperature=0.0), "judge-f59d21658d6f"),
    ],
)
def test_judge_runs_keep_the_ids_that_they_had_before_there_were_repeats(settings, id):
    model = ModelUse(name="tiny", hash="4054a5", path="/nowhere")
    parents = {"dataset": "import-1f03", "samples": "sample-1f03"}
    assert run_config("judge", "base", settings, parents, model).id == id


def test_a_repeat_or_a_temperature_is_another_run():
    model = ModelUse(name="tiny", hash="4054a5", path="/nowhere")
    parents = {"dataset": "import-1f03", "samples": "sample-1f03"}
    asked = [JudgeSettings(), JudgeSettings(repeat=1), JudgeSettings(temperature=0.5), JudgeSettings(repeat=2)]
    configs = [run_config("judge", "base", settings, parents, model) for settings in asked]
    assert len({config.id for config in configs}) == 4
    assert [JudgeSettings.model_validate(config.settings) for config in configs] == asked


def test_a_repeat_draws_with_other_seeds_and_the_temperature_asked_for():
    seen = []

    class Watched(ScriptedEngine):
        def generate(self, chats, seeds, sampling, stop=None):
            seen.append((seeds, sampling.temperature))
            return super().generate(chats, seeds, sampling, stop)

    for repeat in (0, 1):
        settings = JudgeSettings(mode="written", temperature=0.7, repeat=repeat)
        engine = Watched(lambda chat, seed: "", lambda chat, option: 1.0)
        Judge(engine, load_prompt(PROMPTS["written"]), RUBRIC, settings).judge([(ITEM, response("Clear."))])
    (first, warm), (second, _) = seen
    assert warm == 0.7
    assert first != second


# --- in a lab


def judged_again(home, judge: RunFolder, **settings) -> RunFolder:
    """The judge of a run asked anew, by the real stage."""
    changed = JudgeSettings.model_validate(judge.config.settings | settings)
    run = create_run(home, run_config("judge", judge.config.label, changed, judge.config.parents, judge.config.model))
    with Work(run) as work:
        work.started()
        run_judge(work)
    return run


def first_judge(home) -> RunFolder:
    """The judge of base on the test questions."""
    runs = [f for f in all_runs(home) if f.config.kind == "judge" and f.config.settings["mode"] == "probabilities"]
    return next(run for run in runs if run.config.label == "base")


def test_repeats_are_found_and_are_no_further_evaluation(home, tmp_path):
    filled_lab(home, tmp_path, variants=["base"])
    judge = first_judge(home)
    with Store(home, None) as store:
        store.ingest()
        before = evaluations(store, CompareSettings(resamples=100))
        again = judged_again(home, judge, repeat=1)
        store.ingest()
        after = evaluations(store, CompareSettings(resamples=100))
        assert [e.judges for e in after] == [e.judges for e in before]
        assert repeats_of(store, judge.id) == repeats_of(store, again.id) == [judge.id, again.id]


def test_self_agreement_is_expected_from_probabilities(home, tmp_path):
    filled_lab(home, tmp_path, variants=["base"])
    judge = first_judge(home)
    with Store(home, None) as store:
        store.ingest()
        found = self_agreement(store, judge.id, CompareSettings(resamples=100))
        rows = store.frame(
            "SELECT v.item_id, list_sum(list_transform(v.probabilities, lambda p: p * p)) AS same FROM verdicts v "
            "JOIN scores s USING (run, item_id, sample) WHERE v.run = ? AND criterion = 'clarity' "
            "AND s.origin = 'model'",
            [judge.id],
        )
    assert not found.observed
    assert list(found.by_criterion) == [c.key for c in RUBRIC.criteria]
    by_question = rows.groupby("item_id")["same"].mean()
    assert found.by_criterion["clarity"].value == pytest.approx(by_question.mean())
    assert found.by_criterion["clarity"].n == len(by_question)


def test_a_written_judge_asked_once_has_no_self_agreement_and_says_why(home, tmp_path):
    filled_lab(home, tmp_path, variants=["base"])
    once = judged_again(home, first_judge(home), mode="written", max_new_tokens=4)
    with Store(home, None) as store:
        store.ingest()
        found = self_agreement(store, once.id, CompareSettings(resamples=100))
    clarity = found.by_criterion["clarity"]
    assert clarity.value is None
    assert "repeat=1" in clarity.note


def test_observed_agreement_of_written_repeats_by_hand(home, tmp_path):
    """Two repeats that agree on clarity everywhere and on depth nowhere, written as a worker would."""
    filled_lab(home, tmp_path, variants=["base"])
    judge = first_judge(home)
    settings = {"mode": "written", "temperature": 0.7, "max_new_tokens": 4}
    runs = [judged_again(home, judge, **settings, repeat=repeat) for repeat in (0, 1)]
    for run, depth in zip(runs, ("excellent", "unsatisfactory"), strict=True):
        rewritten(run, clarity="satisfactory", depth=depth)
    with Store(home, None) as store:
        store.ingest()
        assert not store.problems
        found = self_agreement(store, runs[1].id, CompareSettings(resamples=100))
    assert (found.observed, found.runs) == (True, [run.id for run in runs])
    assert found.by_criterion["clarity"].value == 1.0
    assert found.by_criterion["clarity"].low < 1.0
    assert found.by_criterion["depth"].value == 0.0
    assert found.by_criterion["coherence"].value is None


def rewritten(run: RunFolder, **given: str) -> None:
    """The run with these verdicts in place of its own, sealed again."""
    rows = [
        row.model_copy(
            update={
                "verdicts": [
                    v.model_copy(update={"verdict": given.get(v.criterion), "value": None}) for v in row.verdicts
                ]
                if row.origin == "model"
                else row.verdicts
            }
        )
        for row in run.read("judgements", Judgement)
    ]
    with Work(run) as work:
        (run.path / "judgements.jsonl").write_text("")
        work.append("judgements", rows)
