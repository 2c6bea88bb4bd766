"""The page Runs: the table and its filters, one run opened, several compared, cloned, deleted, launched."""

import json
import shutil

import pytest

from core.data.datasets import import_dataset, load_items, load_settings
from core.home import SAMPLES, Home
from core.records import Pair
from core.runs.folders import RunFolder, all_runs, file_hash
from core.runs.lineage import descendants, edges_of_folders
from core.statistics.words import plural
from core.store.database import open_store
from core.store.queries import datasets
from tests.app import held_in, opened, released, words  # noqa: F401
from tests.lab import filled_lab, toy_dataset, wait_until

HOSTILE = (
    '![x](http://example.org/x.png) <img src="http://example.org/y"> **bold** $x^2$ [l](javascript:1) '
    "\u202e \u200b :red[r]"
)


def run_of(home: Home, kind: str, label: str | None = None) -> RunFolder:
    """The first run of a kind."""
    return next(f for f in all_runs(home) if f.config.kind == kind and label in (None, f.config.label))


def link_of(app) -> dict[str, str]:
    """What the URL holds: what a refresh or a pasted link brings."""
    return {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}


def table_of(app):
    return next(frame.value for frame in app.dataframe if "headline" in frame.value.columns)


def test_the_data_set_stays_chosen_from_a_pipeline_to_a_single_run_and_back(lab_home):
    other = import_dataset(lab_home, *load_settings(SAMPLES / "topic.toml")).id
    app = opened("runs", show="Launch", launch_kind="pipeline", launch_on=other)
    assert app.selectbox(key="launch_on").value == other
    app.selectbox(key="launch_kind").select("sample").run()
    assert app.selectbox(key="launch_dataset").value == other
    assert app.text_input(key="launch_label").value == "base"
    first = next(path.name for path in lab_home.runs.glob("import-*") if path.name != other)
    app.selectbox(key="launch_dataset").select(first).run()
    app.selectbox(key="launch_kind").select("sft").run()
    assert app.selectbox(key="launch_dataset").value == first


def test_an_empty_lab_leads_to_the_launch_panel(home):
    app = opened("runs")
    assert not app.exception and "No run yet" in words(app)
    app.button(key="no_runs_button").click().run()
    assert app.query_params["show"] == "Launch"
    assert "runs are left to do" in words(app) or "Not counted" in words(app)


def test_every_kind_has_its_headline_figure(lab_home):
    frame = table_of(opened("runs"))
    headline = {run.split("-")[0]: text for run, text in zip(frame["run"], frame["headline"], strict=True)}
    sft, pairs = run_of(lab_home, "sft"), run_of(lab_home, "pairs", "anchor")
    assert headline["sft"] == f"loss {sft.result['summary']['last_loss']:.3f}"
    assert headline["dpo"].startswith("reward accuracy ") and headline["dpo"].endswith("%")
    assert headline["import"] == "24 questions"
    assert f"{pairs.result['summary']['pairs']} pairs" in set(frame["headline"])
    samples = run_of(lab_home, "sample")
    counts = samples.result["summary"]
    forced, parsed = (100 * counts[f"right_{by}"] / counts["explanations"] for by in ("forced", "parsed"))
    told = dict(zip(frame["run"], frame["headline"], strict=True))[samples.id]
    assert told == f"right: {forced:.1f}% forced, {parsed:.1f}% parsed" and forced > parsed
    judge = next(f for f in all_runs(lab_home) if f.config.kind == "judge" and f.config.settings["mode"] != "reader")
    with_scores = [json.loads(line) for line in judge.lines("judgements")]
    assert dict(zip(frame["run"], frame["headline"], strict=True))[judge.id].endswith(
        f"{judge.result['summary']['unjudged']} unparsed"
    )
    assert len(with_scores) == judge.result["summary"]["judgements"]


def test_filters_count_and_come_back_from_the_url(lab_home):
    app = opened("runs", kind="judge", text="anchor")
    frame = table_of(app)
    assert set(frame["kind"]) == {"judge"} and set(frame["variant or set"]) == {"anchor"}
    assert f"{plural(len(frame), 'run')}; click one" in words(app)
    app.text_input(key="text").input("no such words").run()
    assert "No run matches these filters" in " ".join(message.value for message in app.info)


def test_one_run_opened_shows_what_it_did(lab_home):
    dpo = run_of(lab_home, "dpo")
    progress = words(opened("runs", run=dpo.id))
    assert "ln 2 = 0.693" in progress and "first_loss" in progress
    assert 'name = "trl"' not in progress and "anchorlab run dpo" in words(opened("runs", run=dpo.id, tab="Settings"))
    files = words(opened("runs", run=dpo.id, tab="Files"))
    assert "adapter_model.safetensors" in files and str(dpo.path) in files
    lineage = words(opened("runs", run=dpo.id, tab="Lineage"))
    users = descendants(edges_of_folders(all_runs(lab_home)), [dpo.id])
    assert f"used by {len(users)}." in lineage


@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_a_step_lists_what_it_was_trained_on(lab_home, kind):
    run = run_of(lab_home, kind)
    second = [event for event in run.events() if event["type"] == "metric"][1]
    app = opened("runs", run=run.id, step="2")
    assert not app.exception and second["step"] == 2
    frame = next(frame.value for frame in app.dataframe if "question" in frame.value.columns)
    items = {item.id: item.question for item in load_items(RunFolder(lab_home.runs / run.config.parents["dataset"]))}
    assert list(frame["question"]) == [items[question] for question in second["questions"]] != []
    assert f"Step 2 was trained on {len(frame)} {'pair' if kind == 'dpo' else 'question'}" in words(app)
    if kind == "dpo":
        pairs = {p.item_id: p for p in RunFolder(lab_home.runs / run.config.parents["pairs"]).read("pairs", Pair)}
        leads = [pairs[id_].chosen.score - pairs[id_].rejected.score for id_ in second["questions"]]
        assert list(frame["lead"]) == pytest.approx(leads)
    app.button(key="close_step").click().run()
    assert "step" not in app.query_params and "Step 2" not in words(app)
    assert "Step 7000" not in words(opened("runs", run=run.id, step="7000"))


def without_questions(run: RunFolder) -> None:
    """Take from a training what its steps were trained on, as runs of before had it."""
    events = [{k: v for k, v in event.items() if k != "questions"} for event in run.events()]
    (run.path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


def test_a_training_from_before_steps_noted_their_questions_says_so(lab_home):
    run = run_of(lab_home, "sft")
    without_questions(run)
    file, seal = run.path / "events.jsonl", run.path / "result.json"
    result = json.loads(seal.read_text())
    result["files"]["events"] |= {"bytes": file.stat().st_size, "sha256": file_hash(file)}
    seal.write_text(json.dumps(result))
    lab_home.database.unlink(missing_ok=True)
    said = words(opened("runs", run=run.id, step="1"))
    assert "Step 1 noted no questions" in said and "trainings from now on do" in said


def test_a_run_whose_files_are_not_those_that_were_sealed_says_so(lab_home):
    run = run_of(lab_home, "sft")
    without_questions(run)
    lab_home.database.unlink(missing_ok=True)
    damaged = table_of(opened("runs")).set_index("run").loc[run.id]
    assert damaged["headline"] == "left out: its files are not those that its result.json describes"


def test_newest_rows_are_the_last_ones_written(lab_home):
    samples = run_of(lab_home, "sample")
    last = json.loads(list(samples.lines("explanations"))[-1])
    text = words(opened("runs", run=samples.id, tab="Newest rows"))
    assert last["response"].strip()[:20] in text and "sample 1" in text
    judge = run_of(lab_home, "judge")
    assert "coherence:" in words(opened("runs", run=judge.id, tab="Newest rows"))


def test_several_runs_are_compared_and_only_differences_are_shown(lab_home):
    rank, anchor = run_of(lab_home, "pairs", "rank"), run_of(lab_home, "pairs", "anchor")
    app = opened("runs", run=f"{rank.id},{anchor.id}")
    frame = next(f.value for f in app.dataframe if "part" in f.value.columns).set_index("name")
    assert list(frame.loc["strategy"])[1:] == ["rank", "anchor"] and "right_by" not in frame.index
    app.toggle(key="only").set_value(False).run()
    frame = next(f.value for f in app.dataframe if "part" in f.value.columns).set_index("name")
    assert list(frame.loc["right_by"])[1:] == ["forced", "forced"]


def test_a_clone_is_the_same_run_until_a_setting_changes(lab_home):
    anchor = run_of(lab_home, "pairs", "anchor")
    app = opened("runs", run=anchor.id)
    app.button(key="clone").click().run()
    assert not app.exception
    assert app.selectbox(key="launch_samples").value == anchor.config.parents["samples"]
    assert "Nothing to do" in words(app) and anchor.id in words(app)
    assert app.button(key="launch_run").disabled
    app.number_input(key="launch_pairs_seed_1").set_value(5).run()
    assert not app.button(key="launch_run").disabled and "seed=5" in words(app)
    app.button(key="launch_run").click().run()
    made = [f for f in all_runs(lab_home) if f.config.kind == "pairs" and f.config.settings["seed"] == 5]
    assert len(made) == 1 and made[0].config.parents == anchor.config.parents
    wait_until(lambda: made[0].result and not made[0].alive)
    assert made[0].state == "done"


def test_a_cloned_pipeline_starts_from_its_own_file(lab_home):
    pipeline = run_of(lab_home, "pipeline")
    app = opened("runs", run=pipeline.id)
    app.button(key="clone").click().run()
    assert not app.exception and app.selectbox(key="launch_from").value == pipeline.id
    assert 'name = "toy"' in app.text_area[0].value


def test_the_size_dial_fills_the_form(lab_home):
    app = opened("runs", show="Launch", launch_kind="sft")
    app.segmented_control(key="launch_size_sft").set_value("tiny").run()
    assert not app.exception
    assert "steps=4" in words(app) and "select.limit=16" in words(app)


def test_the_form_survives_a_refresh(lab_home):
    app = opened("runs", show="Launch", launch_kind="pairs")
    app.selectbox(key="launch_pairs_strategy_0").select("rank").run()
    app.number_input(key="launch_pairs_seed_0").set_value(3).run()
    again = opened("runs", **link_of(app))
    assert "seed=3" in words(again) and "strategy=rank" in words(again)
    as_text = again.segmented_control(key="launch_as").set_value("As text (TOML)").run()
    broken = as_text.text_area(key="launch_text").value.replace("seed = 3", "seed = ")
    as_text.text_area(key="launch_text").input(broken).run()
    assert "are not TOML" in words(as_text)
    assert opened("runs", **link_of(as_text)).text_area(key="launch_text").value == broken


def test_an_edited_pipeline_file_survives_a_refresh_however_long_it_is(lab_home):
    app = opened("runs", show="Launch")
    edited = app.text_area(key="launch_file").value + "# kept\n" * 5_000
    app.text_area(key="launch_file").input(edited).run()
    link = link_of(app)
    assert len(link["launch_file"]) < 60
    assert opened("runs", **link).text_area(key="launch_file").value == edited
    app.selectbox(key="launch_from").select(run_of(lab_home, "pipeline").id).run()  # another file begins as it is
    assert "launch_file" not in app.query_params
    assert 'name = "toy"' in held_in(app.text_area, "launch_file").value
    for file in lab_home.texts.iterdir():
        file.unlink()
    gone = opened("runs", **link)
    assert not gone.exception and "# kept" not in gone.text_area(key="launch_file").value


def test_the_file_is_shown_with_the_choices_above_it(lab_home):
    app = opened("runs", show="Launch", launch_size="tiny")
    shown = next(code.value for code in app.code if "[sft]" in code.value)
    assert "steps = 4" in shown and "steps = 4\n" not in app.text_area(key="launch_file").value
    dataset = next(run for run in all_runs(lab_home) if run.config.kind == "import")
    app.selectbox(key="launch_on").select(dataset.id).run()
    shown = next(code.value for code in app.code if "[sft]" in code.value)
    assert f'name = "{dataset.config.label}"' in shown
    assert 'name = "demo"' in held_in(app.text_area, "launch_file").value


def test_what_is_missing_is_said_and_the_button_is_disabled(lab_home):
    app = opened("runs", show="Launch", launch_kind="sample")
    app.selectbox(key="launch_sample_select.split_0").select("train").run()
    app.slider(key="launch_sample_select.part_0").set_value((0.5, 0.5)).run()
    assert "holds no question" in words(app) and app.button(key="launch_run").disabled


def test_a_number_that_no_run_can_have_blocks_the_launch_and_says_why(lab_home):
    app = opened("runs", show="Launch", launch_kind="sample")
    draws = next(box for box in app.number_input if box.key.startswith("launch_sample_n_"))
    draws.set_value(-3).run()
    assert "n: Input should be greater than or equal to 1" in words(app) and app.button(key="launch_run").disabled
    marked = ":small[:red[Input should be greater than or equal to 1]]"
    assert marked in [one.value for one in app.markdown], "at the number too"
    assert [box.key for box in app.selectbox if box.key == "launch_dataset"], "the rest of the form stays"
    draws.set_value(2).run()
    assert "cannot be used" not in words(app) and not app.button(key="launch_run").disabled


def test_pairs_by_another_prediction_than_those_of_the_same_samples_say_so(lab_home):
    app = opened("runs", show="Launch", launch_kind="pairs")
    box = next(box for box in app.selectbox if box.key.startswith("launch_pairs_right_by_"))
    built = next(run for run in all_runs(lab_home) if run.config.kind == "pairs").config.settings["right_by"]
    box.select(built).run()
    assert "others of these samples" not in words(app)
    other = {"forced": "parsed", "parsed": "forced"}[built]
    next(box for box in app.selectbox if box.key.startswith("launch_pairs_right_by_")).select(other).run()
    assert f"This set has right by {other}; others of these samples have it by {built}" in words(app)


def test_a_run_needs_a_name(lab_home):
    app = opened("runs", show="Launch", launch_kind="sample")
    app.text_input(key="launch_label").input("  ").run()
    assert "It needs a name" in words(app) and app.button(key="launch_run").disabled


def test_two_sample_runs_of_other_questions_are_not_set_against_each_other(lab_home):
    """Of one variant on two splits; what is chosen by itself is another variant on the same split."""
    app = opened("runs", show="Launch", launch_kind="head_to_head")
    picked = {role: app.selectbox(key=f"launch_samples_{role}") for role in "ab"}
    runs = {role: RunFolder(lab_home.runs / box.value).config for role, box in picked.items()}
    assert len({run.settings["select"]["split"] for run in runs.values()}) == 1 and runs["a"].label != runs["b"].label
    assert "questions that both answered" in words(app) and not app.button(key="launch_run").disabled
    split = runs["a"].settings["select"]["split"]
    named = next(option for option in picked["a"].options if picked["a"].value in option)
    assert named.startswith(f"{runs['a'].label} on {split}  ·  ")
    other = next(option for option in picked["b"].options if f" on {split} " not in option)
    picked["b"].select(other.rsplit(" ", 1)[1]).run()
    assert "have no question in common" in words(app) and app.button(key="launch_run").disabled


def test_a_strategy_that_lacks_its_debater_says_so(lab_home):
    shutil.rmtree(run_of(lab_home, "sample", "debater").path)
    assert "needs a debater's samples" in words(opened("runs", show="Launch", launch_kind="pairs"))


def test_a_run_that_others_rest_on_is_deleted_only_with_them(lab_home):
    sft = run_of(lab_home, "sft")
    users = descendants(edges_of_folders(all_runs(lab_home)), [sft.id])
    app = opened("runs", run=sft.id)
    app.button(key="delete").click().run()
    assert f"{len(users)} runs depend on" in words(app)
    assert not any(button.key == "delete_now" for button in app.button)
    app.button(key="choose_dependents").click().run()
    assert set(app.query_params["run"].split(",")) == {sft.id, *users}
    app.button(key="delete_now").click().run()
    assert not app.exception
    left = {folder.id for folder in all_runs(lab_home)}
    assert not left & {sft.id, *users} and run_of(lab_home, "import").id in left
    assert f"{1 + len(users)} runs deleted." in words(app)
    assert set(table_of(app)["run"]) == left


def test_stop_and_resume_act_on_all_that_can(lab_home):
    judge = run_of(lab_home, "judge")
    seal = judge.path / "result.json"
    seal.write_text(seal.read_text().replace('"state": "done"', '"state": "stopped"'))
    labels = {button.key: button.label for button in opened("runs").button}
    assert labels["resume"] == "Resume all (1)" and "stop" not in labels
    assert {b.key: b.label for b in opened("runs", run=judge.id).button}["resume"] == "Resume"


@pytest.mark.parametrize("tab", ["Progress", "Settings", "Newest rows", "Lineage", "Files"])
def test_nothing_untrusted_is_rendered(home, tmp_path, tab):
    pipeline = filled_lab(home, tmp_path, variants=["base"])
    for folder in all_runs(home):  # names are notes and no part of a run's id
        config = json.loads((folder.path / "config.json").read_text())
        (folder.path / "config.json").write_text(json.dumps(config | {"label": HOSTILE}))
    samples = run_of(home, "sample")
    others = f"{samples.id},{pipeline.id}"
    for query in ({"run": samples.id, "tab": tab}, {"run": others}, {"show": "Launch", "launch_kind": "judge"}):
        app = opened("runs", **query)
        assert not app.exception and "Something went wrong" not in words(app)
        shown = [e.value for kind in ("markdown", "caption", "title", "subheader") for e in app.get(kind)]
        shown += [b.label for b in app.button]
        assert not any("example.org" in str(text) for text in shown)
    assert HOSTILE in set(table_of(opened("runs"))["variant or set"])
    for chart in opened("runs", run=samples.id, tab="Lineage").get("plotly_chart"):
        assert "<img" not in chart.proto.spec


def test_the_database_forgets_what_is_deleted(home, tmp_path):
    from core.runs.removal import plan_removal, remove_runs

    folder = toy_dataset(home, tmp_path)
    with open_store(home) as store:
        store.ingest()
        assert len(datasets(store)) == 1
        remove_runs(home, plan_removal(home, [folder.id]))
        store.ingest()
        assert datasets(store).empty and store.rows("SELECT count(*) FROM items") == [(0,)]


def test_a_link_to_a_run_that_is_gone_says_so(lab_home):
    assert "No run here has the id nonsense-123" in words(opened("runs", run="nonsense-123"))
