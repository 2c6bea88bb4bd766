"""Pipelines before they run: variants, presets, sizes, and what a dry run says."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from core.cli import cli
from core.errors import BadInput
from core.home import Home
from core.models.finding import ModelRef
from core.prompts import load_prompt
from core.runs.dryrun import dry_run
from core.runs.estimate import STARTUP_SECONDS, Rates, measured_rates, seconds_left
from core.runs.folders import RunConfig, RunFolder, all_runs, create_run
from core.runs.pipeline import (
    DatasetTable,
    PipelineFile,
    find_pipeline,
    parse_pipeline,
    plan,
    preset_names,
    read_pipeline,
    steps_of,
)
from core.runs.sizes import SIZES, sized
from core.runs.work import Work
from core.settings import DpoSettings, SampleSettings, Selection
from tests.lab import MATERIALS, filled_lab, toy_pipeline
from tests.tiny import tiny_model

MODEL = ModelRef(name="m", path="", hash="h", source="")
EXAMPLES = [{"question": "What is a key made of?", "explanation": "It is hard.", "answer": "metal"}]


def planned(file: PipelineFile, reader: bool = True):
    return plan(file, "import-0", MODEL, MODEL, MODEL if reader else None)


def ids(name: str) -> set[str]:
    file = read_pipeline(find_pipeline(name))
    return {step.id for step in planned(file, reader=file.models.reader != "off")}


# --- variants


def test_naming_every_variant_is_the_same_as_naming_none():
    every = ["base", "sft", "rank", "anchor"]
    runs, same = planned(toy_pipeline()), planned(toy_pipeline(variants=every))
    assert [step.id for step in runs] == [step.id for step in same]
    assert "variants" not in toy_pipeline().written()
    assert toy_pipeline(variants=every).written()["variants"] == every


def test_dpo_has_the_prompt_that_its_pairs_are_sampled_with():
    """By construction: a pipeline cannot name another, and where it is the default no id has changed."""
    (first, *_) = [step for step in planned(toy_pipeline()) if step.kind == "dpo"]
    assert (first.settings["prompt"], first.inputs["prompt"]) == ("explain", load_prompt("explain").hash)
    asked = SampleSettings(n=2, prompt="label", select=Selection(split="train", part=(0.5, 1.0)))
    (other, *_) = [step for step in planned(toy_pipeline(align=asked)) if step.kind == "dpo"]
    assert (other.settings["prompt"], other.inputs["prompt"]) == ("label", load_prompt("label").hash)
    with pytest.raises(BadInput, match="sampled with the prompt 'explain', not 'label': leave out DPO's `prompt`"):
        planned(toy_pipeline(dpo=DpoSettings(prompt="label")))


@pytest.mark.parametrize(
    ("variants", "kinds"),
    [
        (["base"], {"sample": 1, "judge": 2}),
        (["sft"], {"sft": 1, "sample": 1, "judge": 2}),
        (["base", "sft"], {"sft": 1, "sample": 2, "judge": 4}),
        (["base", "rank"], {"sft": 1, "sample": 3, "judge": 5, "pairs": 1, "dpo": 1}),
        (["anchor"], {"sft": 1, "sample": 3, "judge": 4, "pairs": 1, "dpo": 1}),
    ],
)
def test_a_pipeline_plans_what_its_variants_need_and_no_more(variants, kinds):
    steps = planned(toy_pipeline(variants=variants))
    assert {kind: sum(step.kind == kind for step in steps) for kind in {s.kind for s in steps}} == kinds
    known = {"import-0"}
    for step in steps:
        assert set(step.parents.values()) <= known, "a run stands after the runs it needs"
        known.add(step.id)


@pytest.mark.parametrize("variants", ['["base", "sfd"]', "[]"])
def test_variants_that_do_not_exist_are_one_sentence(variants):
    with pytest.raises(BadInput, match="variants must be some of base, sft, rank, anchor"):
        parse_pipeline(f'name = "x"\nvariants = {variants}\n[dataset]\nsource = "material"\n', "x.toml")


# --- presets


def test_the_first_experiments_share_their_runs_with_each_other_and_the_demo():
    demo = ids("demo")
    assert ids("first_categories") < ids("first_sft") < demo
    assert ids("first_alignment") < demo
    assert ids("first_sft") | ids("first_alignment") == demo
    assert {run.split("-")[0] for run in ids("first_sft") & ids("first_alignment")} == {"sample", "judge", "sft"}


def test_the_demo_compares_anchor_head_to_head_and_last():
    steps = planned(read_pipeline(find_pipeline("demo")))
    assert len(steps) == 23
    assert [(step.kind, step.label) for step in steps[-2:]] == [
        ("head_to_head", "anchor against base"),
        ("head_to_head", "anchor against rank"),
    ]
    samples = {step.id: step for step in steps if step.kind == "sample"}
    for step in steps[-2:]:
        sides = [samples[step.parents[side]] for side in ("samples_a", "samples_b")]
        assert [side.label for side in sides] == step.label.split(" against ")
        assert {side.settings["select"]["limit"] for side in sides} == {56}


def test_a_second_pipeline_reuses_what_the_first_one_did(home, tmp_path):
    first = filled_lab(home, tmp_path, variants=["base", "sft"])
    table = DatasetTable(
        source=str(tmp_path / "toy.jsonl"),
        mapping={"name": "toy", "gold": "label", "labels": MATERIALS, "examples": EXAMPLES},
    )
    tiny = str(tmp_path / "tiny")
    file = toy_pipeline(dataset=table, models={"base": tiny, "judge": tiny, "reader": tiny})
    runs = dry_run(home, file).runs
    reused = {run.id for run in runs if run.standing == "done"}
    assert reused == {first.parents["dataset"], *(step.id for step in steps_of(first))}
    assert {run.label for run in runs if run.standing == "new"} == {"sft", "debater", "rank", "anchor"}
    assert all(run.seconds == 0 for run in runs if run.standing == "done")
    assert {run.rate for run in runs if run.kind == "sample" and run.label == "rank"} == {"measured here"}
    assert {run.rate for run in runs if run.kind == "dpo"} == {"assumed"}


# --- sizes


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", preset_names())
def test_the_size_wins_over_the_file_and_leaves_the_rest(name, size):
    file, scale = read_pipeline(find_pipeline(name)), SIZES[size]
    changed = sized(file, size)
    assert (changed.align.n, changed.test.n) == (scale.pair_n, scale.test_n)
    assert (changed.sft.steps, changed.dpo.steps) == (scale.sft_steps, scale.dpo_steps)
    assert changed.test.select.limit == scale.test_questions
    assert changed.align.select.part == file.align.select.part
    assert changed.sft.learning_rate == file.sft.learning_rate
    assert changed.models == file.models
    assert PipelineFile.model_validate(changed.model_dump()) == changed


def test_full_has_the_draws_of_the_paper_and_small_is_the_demo():
    assert (SIZES["full"].pair_n, SIZES["full"].test_n) == (4, 16)
    demo = read_pipeline(find_pipeline("demo"))
    assert [s.id for s in planned(sized(demo, "small"))] == [s.id for s in planned(demo)]
    assert not {s.id for s in planned(sized(demo, "tiny"))} & {s.id for s in planned(demo)}


# --- dry run


def test_a_dry_run_starts_nothing_and_says_when_ids_cannot_be_known(home):
    done = CliRunner().invoke(cli, ["pipeline", "first_sft", "--size", "tiny", "--dry-run", "--json"])
    assert done.exit_code == 0, done.output
    shown = json.loads(done.stdout)
    assert shown["missing"] == ["default"]
    assert [(run["kind"], run["label"]) for run in shown["runs"]] == [
        ("import", "material"),
        *((kind, "base") for kind in ("sample", "judge", "judge")),
        *((kind, "sft") for kind in ("sft", "sample", "judge", "judge")),
    ]
    assert [run["id"] is None for run in shown["runs"]] == [False] + [True] * 7
    assert shown["runs"][1]["units"] == 12 * 4
    assert {run["rate"] for run in shown["runs"]} == {"assumed"}
    assert shown["seconds"] == pytest.approx(sum(run["seconds"] for run in shown["runs"]))
    assert not home.path.exists()


def test_a_dry_run_for_people_names_each_run_and_the_time(home):
    done = CliRunner().invoke(cli, ["pipeline", "first_categories", "--dry-run"])
    assert done.exit_code == 0, done.output
    assert "0 of them done and reused; about" in done.stdout
    assert "not on this machine yet" in done.stdout


def test_a_data_set_that_would_have_to_be_fetched_is_one_sentence(home):
    with pytest.raises(BadInput, match="not on this machine, so it cannot be counted"):
        dry_run(home, read_pipeline(find_pipeline("openbookqa")))


def test_ids_of_a_model_on_this_machine_are_known_before_anything_runs(home, tmp_path):
    tiny = tiny_model(tmp_path / "tiny")
    file = toy_pipeline(
        dataset=DatasetTable(source="material"), models={"base": tiny.path, "judge": tiny.path, "reader": "off"}
    )
    runs = dry_run(home, file).runs
    steps = plan(file, runs[0].id, tiny, tiny, None)
    assert [run.id for run in runs[1:]] == [step.id for step in steps]
    assert not home.path.exists()


# --- rates


def sft_step(model: ModelRef, dataset: str, seed: int = 0) -> RunConfig:
    """An SFT run of 10 steps of 2 questions."""
    file = toy_pipeline(sft={"steps": 10, "batch_size": 2, "seed": seed}, variants=["sft"])
    return next(step for step in plan(file, dataset, model, model, None) if step.kind == "sft")


def finished(home: Home, step: RunConfig, startup: float, seconds: float, starts: int = 1) -> RunFolder:
    """A run that worked so long after its start-up, by its costs and its seal."""
    folder = create_run(home, step)
    for _ in range(starts):
        with Work(folder) as work:
            work.started()
            work.cost(0, 0, seconds)
    result = folder.result | {"seconds": startup + seconds}
    (folder.path / "result.json").write_text(json.dumps(result))
    return folder


def test_a_rate_is_measured_per_kind_and_size_of_weights(home, tmp_path):
    tiny = tiny_model(tmp_path / "tiny")
    steps = [sft_step(tiny, "import-0", seed) for seed in (0, 1)]
    for step, startup, seconds in zip(steps, (3.0, 5.0), (10.0, 30.0), strict=True):
        finished(home, step, startup, seconds)
    rates = measured_rates(home)
    assert rates.of(steps[0]) == (pytest.approx(40 / 40), "measured here")
    assert rates.seconds(steps[1], 10, forked=False) == pytest.approx(4 + 10)
    assert rates.seconds(steps[1], 10, forked=True) == pytest.approx(STARTUP_SECONDS[True] + 10)  # none was seen yet
    other = steps[0].model_copy(update={"model": steps[0].model.model_copy(update={"path": ""})})
    assert rates.of(other)[1] == "assumed"


def test_runs_on_the_same_questions_count_before_others(home, tmp_path):
    tiny = tiny_model(tmp_path / "tiny")
    for dataset, seconds in (("import-short", 10.0), ("import-long", 70.0)):
        finished(home, sft_step(tiny, dataset), 2.0, seconds)
    rates = measured_rates(home)
    assert rates.of(sft_step(tiny, "import-long", seed=9)) == (pytest.approx(70 / 20), "measured here")
    assert rates.of(sft_step(tiny, "import-new")) == (pytest.approx(80 / 40), "measured here on other questions")


def test_what_is_left_of_a_pipeline_is_as_slow_as_its_runs_have_been(lab_home):
    """However fast runs were before: rates three times as high give the same time left."""
    home, pipeline = lab_home, next(run for run in all_runs(lab_home) if run.config.kind == "pipeline")
    (pipeline.path / "result.json").unlink()
    begun = json.loads((pipeline.path / "config.json").read_text()) | {"created": 0.0}  # before its steps, not after
    (pipeline.path / "config.json").write_text(json.dumps(begun))
    pipeline = RunFolder(pipeline.path)
    steps = steps_of(pipeline.config)
    for step in steps[-4:]:
        shutil.rmtree(home.runs / step.id)
    took = sum(RunFolder(home.runs / step.id).result["seconds"] for step in steps[:-4])
    left = [
        seconds_left(home, pipeline, Rates({}, {}, {True: seconds, False: seconds}, seconds)) for seconds in (9, 27)
    ]
    assert left[0] == pytest.approx(left[1], rel=0.05) and 0 < left[0] < took  # a pair set is a second at any rate


def test_a_run_that_was_resumed_or_is_not_done_measures_nothing(home, tmp_path):
    step = sft_step(tiny_model(tmp_path / "tiny"), "import-0")
    finished(home, step, 2.0, 100.0, starts=2)
    rates = measured_rates(home)
    assert rates.of(step)[1] == "assumed"
    assert rates.speed == 1.0 and rates.startup == STARTUP_SECONDS
