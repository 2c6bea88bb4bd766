"""What makes a run this run: its questions, what its model is loaded from, and sources that belong together."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.analysis.cautions import cautions
from core.cli import cli
from core.data.datasets import import_dataset, load_items, load_settings, select_items
from core.data.questions import content_of, questions_in
from core.errors import BadInput, LabError, ModelUnavailable, RunStopped
from core.models.files import files_hash
from core.models.finding import reference
from core.models.sizes import smaller_judge
from core.models.variants import use_of
from core.runs.belonging import variant_after
from core.runs.dryrun import dry_run
from core.runs.estimate import measured_rates
from core.runs.folders import ModelUse, RunConfig, RunFolder, all_runs, create_run, file_hash, find_run
from core.runs.launcher import launch, stop
from core.runs.pipeline import DatasetTable, parse_pipeline, prepare, question_sets, steps_of
from core.runs.plan import run_config, settings_from
from core.runs.preflight import preflight
from core.runs.work import Work
from core.settings import JudgeSettings, PairSettings, SampleSettings, Selection
from core.store.database import open_store
from tests.lab import done, toy_dataset, toy_pipeline, wait_until
from tests.tiny import tiny_model

HEAD = 'name = "x"\n[dataset]\nsource = "material"\n'
HELD_OUT = {"split": "train", "part": (0.5, 1.0)}


def of_kind(home, kind, label=None, role="explainer", split=None):
    """The first run of a kind, as its folder."""
    for folder in all_runs(home):
        settings = folder.config.settings
        fits = settings.get("role", role) == role and split in (None, settings.get("select", {}).get("split"))
        if folder.config.kind == kind and label in (None, folder.config.label) and fits:
            return folder
    raise AssertionError(f"no {kind} {label}")


# --- defaults belong to fields


@pytest.mark.parametrize(
    ("text", "table", "expected"),
    [
        ("[align]\nn = 8", "align", HELD_OUT | {"limit": None}),
        ("[align.select]\nlimit = 8", "align", HELD_OUT | {"limit": 8}),
        ("[align]\nselect = { seed = 3 }", "align", HELD_OUT | {"seed": 3}),
        ("[test.select]\nlimit = 8", "test", {"split": "test", "limit": 8}),
        ("[test]\nn = 2", "test", {"split": "test"}),
        ("[sft.select]\nlimit = 8", "sft", {"split": "train", "limit": 8}),
    ],
)
def test_a_table_leaves_what_it_does_not_name_as_its_field_has_it(text, table, expected):
    select = getattr(parse_pipeline(HEAD + text, "x"), table).select
    assert {name: getattr(select, name) for name in expected} == expected


def test_a_partial_selection_on_the_command_line_keeps_the_test_split():
    assert settings_from("sample", ["select.limit=64"]).select == Selection(split="test", limit=64)


def test_a_nested_table_with_an_unknown_name_is_still_refused():
    with pytest.raises(BadInput, match=r"align\.select\.lmit"):
        parse_pipeline(HEAD + "[align.select]\nlmit = 8", "x")


# --- questions that would be trained on


def with_repeats(home, folder, splits=("train", "test")):
    """A file with its own splits in which two questions stand in both, differently written."""
    said = [("Why is glass clear?", "Light passes."), ("What is a nail made of?", "Metal"), ("Is 2+2 four?", "Yes")]
    rows = [
        {"id": f"{split}-{i}", "question": text, "options": [answer, "No"], "gold": answer, "split": split}
        for split in splits
        for i, (text, answer) in enumerate(said)
    ]
    rows[3] |= {"question": "  WHY is glass\u00a0clear ", "options": ["no", "light passes"], "gold": "light passes"}
    rows[5] |= {"question": "Is 2-2 four?"}
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "repeats.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    named = {"name": "repeats", "question": "question", "options": "options", "gold": "gold", "split": "split"}
    return import_dataset(home, *load_settings(file, **named))


def small_file(dataset, **changes):
    return toy_pipeline(dataset=DatasetTable(source=dataset.id), models={"base": "tiny"}, **changes)


def test_questions_are_the_same_by_content_and_signs_of_a_sum_count():
    assert content_of("Why?", None, ["a", "b"]) == content_of("  why ", "", ["B", "a"])
    assert content_of("cafe\u0301?", None, []) == content_of("caf\u00e9", None, [])
    assert content_of("Is 2+2 four?", None, []) != content_of("Is 2-2 four?", None, [])
    assert content_of("Why?", "a passage", []) != content_of("Why?", None, [])


def test_test_questions_that_would_be_trained_on_are_refused_by_content_and_the_way_out_works(home, tmp_path):
    dataset = with_repeats(home, tmp_path)
    whole = {"sft": {"select": {"part": [0, 1]}}, "align": {"select": {"part": [0, 1]}}}
    sets = question_sets(small_file(dataset, **whole), questions_in(dataset))
    said = "2 of the 3 questions to evaluate on would be trained on (2 in `sft` and 2 in `align`)"
    assert (sets.refusal or "").startswith(said)
    assert "under other ids" in sets.refusal and 'apart_from = "test"' in sets.refusal
    apart = {name: {"select": {"part": [0, 1], "apart_from": "test"}} for name in ("sft", "align")}
    sets = question_sets(small_file(dataset, **apart), questions_in(dataset))
    assert sets.refusal is None and len(sets.sft) == len(sets.align) == 1
    assert sets.said.startswith("1 of the 1 questions for pairs are fine-tuned on as well")
    chosen = select_items(load_items(dataset), Selection(apart_from="test"))
    assert [item.id for item in chosen] == ["train-2"]


def test_the_same_rows_in_two_tables_are_refused_before_anything_is_launched(home, tmp_path):
    dataset = toy_dataset(home, tmp_path)
    home.models.mkdir(parents=True)
    tiny_model(home.models / "tiny")
    models = {"base": str(home.models / "tiny")}
    file = small_file(dataset, align={"select": {"split": "test", "part": [0, 0.5]}})
    file = type(file).model_validate(file.model_dump() | {"models": models})
    with pytest.raises(BadInput, match=r"would be trained on \(4 in `align`\).*another split or part in `\[align.sel"):
        prepare(home, file)
    assert dry_run(home, file).sets.refusal
    fine = type(file).model_validate(file.model_dump() | {"align": {"n": 2}})
    assert dry_run(home, fine).sets.sizes == "Questions: 8 to fine-tune on, 8 for pairs, 8 to evaluate on."
    assert prepare(home, fine).kind == "pipeline"


def test_the_dry_run_shows_the_three_sets_and_ends_with_the_refusal(home):
    shown = CliRunner().invoke(cli, ["pipeline", "first_sft", "--dry-run"])
    assert "to fine-tune on, 56 to evaluate on." in shown.output and shown.exit_code == 0
    file = home.path.parent / "mine.toml"
    file.write_text(HEAD + '[align.select]\nsplit = "test"')
    shown = CliRunner().invoke(cli, ["pipeline", str(file), "--dry-run"])
    assert shown.exit_code == 1 and "would be trained on" in str(shown.exception or shown.output)


def test_a_variant_asked_what_it_was_trained_on_is_said_before_the_launch_and_beside_its_figures(lab_home):
    sft = of_kind(lab_home, "sft")
    use = variant_after(sft.id, sft.config)
    settings = SampleSettings(n=1, select=Selection(split="train", part=(0, 0.5), limit=4))
    config = run_config("sample", "sft", settings, {"dataset": sft.config.parents["dataset"]}, use)
    looks = {look.name: look.text for look in preflight(lab_home, config, measured_rates(lab_home)).looks}
    said = "sft: 4 of its 4 questions were trained on, so its figures say little of new questions."
    assert looks.get("trained on") == said
    run = create_run(lab_home, config)
    assert cautions(lab_home, {"sft": run.id}) == [said]
    held_out = of_kind(lab_home, "sample", "sft", split="test")
    assert cautions(lab_home, {"sft": held_out.id}) == []


# --- what a model is loaded from


@pytest.fixture
def model(tmp_path) -> Path:
    tiny_model(tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.mark.parametrize("name", ["chat_template.jinja", "generation_config.json", "tokenizer.json", "config.json"])
def test_whatever_is_loaded_with_the_weights_makes_another_variant(model, name):
    before = use_of(reference(model, "tiny", ""))
    text = (model / name).read_text()
    (model / name).write_text('{"new": 1, ' + text.lstrip()[1:] if name.endswith(".json") else text + " ")
    after = use_of(reference(model, "tiny", ""))
    assert before.hash == after.hash and before.identity != after.identity


def test_what_only_says_where_a_folder_lay_or_what_wrote_it_changes_nothing(model, tmp_path):
    config = json.loads((model / "config.json").read_text())
    copy = shutil.copytree(model, tmp_path / "copy")
    moved = config | {"_name_or_path": "/elsewhere", "transformers_version": "9"}
    (copy / "config.json").write_text(json.dumps(moved, indent=4))
    (copy / "README.md").write_text("A copy.")
    assert files_hash(copy) == files_hash(model)
    assert use_of(reference(copy, "other", "")).identity == use_of(reference(model, "tiny", "")).identity


def test_a_weights_hash_that_came_with_a_folder_is_not_taken_for_its_own(model):
    before = reference(model, "tiny", "").hash
    weights = model / "model.safetensors"
    seen = weights.stat()
    shipped = {"stamp": [[weights.name, seen.st_size, seen.st_mtime_ns]], "hash": "0" * 64}
    (model / "weights_hash.json").write_text(json.dumps(shipped))
    assert reference(model, "tiny", "").hash == before
    assert use_of(reference(model, "tiny", "")).files == files_hash(model)


def test_runs_of_before_keep_their_ids_and_say_what_these_leave_out(home):
    use = {"name": "tiny", "hash": "4054a5", "path": "/nowhere", "source": "", "chain": []}
    settings = SampleSettings().model_dump(mode="json")
    config = RunConfig(kind="sample", label="base", settings=settings, model=use, parents={"dataset": "import-0"})
    assert config.id == "sample-84c77b35b2e7"  # as the code of before gave it
    assert config.from_before and config.model.model_dump() == use
    create_run(home, config)
    shown = CliRunner().invoke(cli, ["runs"])
    assert "1 run is from before chat template, tokenizer and configuration" in " ".join(shown.output.split())
    listed = json.loads(CliRunner().invoke(cli, ["runs", "--json"]).output)
    assert [row["template_in_id"] for row in listed] == [False]
    assert "samples are from before" in " ".join(cautions(home, {"base": config.id}))


def test_a_run_is_not_resumed_on_another_template_or_other_weights(home, tmp_path, model):
    dataset = toy_dataset(home, tmp_path)
    settings = SampleSettings(n=1, max_new_tokens=4, select=Selection(split="test", limit=2))
    use = use_of(reference(model, "tiny", ""))
    config = run_config("sample", "base", settings, {"dataset": dataset.id}, use)
    create_run(home, config)
    template = (model / "chat_template.jinja").read_text()
    (model / "chat_template.jinja").write_text(template + "!")
    now = files_hash(model)
    for way in (launch, done):
        with pytest.raises(LabError, match=f"chat template.*SHA-256 {use.files[:12]}, now {now[:12]}"):
            way(home, config)
    (model / "chat_template.jinja").write_text(template)
    altered(model / "model.safetensors")
    for way in (launch, done):
        with pytest.raises(ModelUnavailable, match=f"weights of tiny.*SHA-256 {use.hash[:12]}, now "):
            way(home, config)


def altered(file: Path) -> None:
    """The file with another last byte."""
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))


# --- parents that belong together


def other_samples(home):
    """A second sample run of the toy data set by base, sealed without rows."""
    first = of_kind(home, "sample", "sft", split="train").config
    return done_as(home, first.model_copy(update={"settings": first.settings | {"seed": 7}}))


def done_as(home, config) -> RunFolder:
    """A run that is sealed as done with no rows."""
    folder = create_run(home, config)
    with Work(folder) as work:
        work.started()
    return folder


def refused(home, config, match: str) -> None:
    """By whoever asks for it, by the form, and by the worker."""
    with pytest.raises(BadInput, match=match):
        launch(home, config)
    assert not (home.runs / config.id).exists()
    assert any(not look.ok for look in preflight(home, config, measured_rates(home)).looks)
    with pytest.raises(BadInput, match=match):
        done(home, config)


def test_judgements_of_other_samples_are_refused(lab_home):
    pairs = of_kind(lab_home, "pairs", "rank").config
    other = other_samples(lab_home)
    wrong = pairs.model_copy(update={"parents": pairs.parents | {"samples": other.id}})
    refused(lab_home, wrong, f"judgements.* belongs to {pairs.parents['samples']}, not to {other.id}")


def test_debates_about_other_samples_and_scores_of_other_debates_are_refused(lab_home):
    pairs = of_kind(lab_home, "pairs", "anchor").config
    own = {role: pairs.parents[role] for role in ("judgements", "debate_judgements")}
    wrong = pairs.model_copy(update={"parents": pairs.parents | {"debate_judgements": own["judgements"]}})
    refused(lab_home, wrong, "debate judgements.* belongs to")
    wrong = pairs.model_copy(update={"parents": pairs.parents | {"debates": pairs.parents["samples"]}})
    refused(lab_home, wrong, "debates.* belongs to no samples")


def test_a_readers_run_is_no_source_of_pairs(lab_home):
    evaluated = of_kind(lab_home, "sample", "sft", split="test")
    reader = next(
        folder
        for folder in all_runs(lab_home)
        if folder.config.settings.get("mode") == "reader" and folder.config.parents["samples"] == evaluated.id
    )
    parents = {"dataset": evaluated.config.parents["dataset"], "samples": evaluated.id, "judgements": reader.id}
    config = run_config("pairs", "x", PairSettings(strategy="rank"), parents)
    refused(lab_home, config, "is a reader's")


def test_sources_of_two_data_sets_are_refused(lab_home, tmp_path):
    judge = of_kind(lab_home, "judge").config
    other = toy_dataset(lab_home, tmp_path, copies=3)
    wrong = judge.model_copy(update={"parents": judge.parents | {"dataset": other.id}})
    refused(lab_home, wrong, "is about the data set")


def test_dpo_starts_from_its_sft_run_and_from_whoever_drew_the_pairs(lab_home):
    dpo = of_kind(lab_home, "dpo").config
    bare = dpo.model_copy(update={"model": dpo.model.model_copy(update={"chain": []})})
    refused(lab_home, bare, "DPO on sft-.* starts from .* → sft-")
    sft = of_kind(lab_home, "sft").config
    second = done_as(lab_home, sft.model_copy(update={"settings": sft.settings | {"seed": 9}}))
    use = variant_after(second.id, second.config)
    other = dpo.model_copy(update={"model": use, "parents": dpo.parents | {"sft": second.id}})
    refused(lab_home, other, "The pairs of pairs-.* are of samples")


def test_an_adapter_is_refused_on_a_chain_that_it_was_not_trained_on(lab_home):
    dpo = of_kind(lab_home, "dpo")
    use = dpo.config.model.model_copy(update={"chain": [dpo.id]})
    parents = {"dataset": dpo.config.parents["dataset"]}
    refused(lab_home, run_config("sample", "x", SampleSettings(), parents, use), "was trained on")


def test_dpo_on_the_command_line_takes_the_chain_of_its_sft_run_by_itself(lab_home):
    dpo = of_kind(lab_home, "dpo", "rank")
    words = ["run", "dpo", "--label", "rank", "--detach", "--dataset", dpo.config.parents["dataset"]]
    words += ["--sft", dpo.config.parents["sft"], "--pairs", dpo.config.parents["pairs"]]
    words += ["--set", "steps=2", "--set", "batch_size=2"]
    shown = CliRunner().invoke(cli, words)
    assert shown.exit_code == 0, shown.output
    assert f"{dpo.id} is done" in shown.output  # the very run that the pipeline made


# --- judges


def test_judge_and_reader_are_base_where_none_is_named(lab_home, tmp_path):
    folder = str(tmp_path / "own")
    tiny_model(tmp_path / "own")
    dataset = of_kind(lab_home, "import")
    file = toy_pipeline(dataset=DatasetTable(source=dataset.id), models={"base": folder})
    models = {step.model.path for step in steps_of(prepare(lab_home, file)) if step.model}
    assert models == {folder}
    assert file.models.named == (folder, folder, folder, None)
    assert parse_pipeline(HEAD + '[models]\nbase = "a"\nreader = "off"', "x").models.named == ("a", "a", None, None)
    assert parse_pipeline(HEAD + '[models]\nbase = "a"\njudge = "b"', "x").models.named == ("a", "b", "a", None)


def test_a_judge_that_is_smaller_than_what_it_judges_is_said():
    def use(parameters):
        return ModelUse(name="m", hash="0", path="", parameters=parameters)

    said = smaller_judge(use(134_515_008), [use(8_030_261_248), use(1_000)])
    assert (said or "").startswith("The judge is smaller than what it judges: 135M parameters against 8.0B.")
    assert smaller_judge(use(8_030_261_248), [use(8_030_261_248)]) is None
    assert smaller_judge(use(None), [use(10)]) is None and smaller_judge(use(10), [None]) is None


def test_a_small_judge_is_said_on_its_card_before_the_launch_and_in_the_terminal(lab_home):
    for folder in all_runs(lab_home):
        if folder.config.kind == "sample":
            written = json.loads((folder.path / "config.json").read_text())
            written["model"]["parameters"] = 8_030_261_248
            (folder.path / "config.json").write_text(json.dumps(written))
    shown = CliRunner().invoke(cli, ["judge", "card"]).output
    assert "smaller than what it judges" in " ".join(shown.split())
    shown = CliRunner().invoke(cli, ["compare"]).output
    assert "smaller than what it judges" in " ".join(shown.split())
    judge = of_kind(lab_home, "judge").config
    looks = preflight(lab_home, judge, measured_rates(lab_home)).looks
    assert any("smaller than what it judges" in look.text and look.ok for look in looks)


# --- what later work rests on


def test_rows_that_changed_after_their_seal_are_refused_with_both_hashes(lab_home):
    samples = of_kind(lab_home, "sample", "base")
    settings = JudgeSettings(repeat=3)
    parents = {"dataset": samples.config.parents["dataset"], "samples": samples.id}
    config = run_config("judge", "base", settings, parents, samples.config.model)
    file = samples.path / "explanations.jsonl"
    whole, was = file.read_bytes(), samples.result["files"]["explanations"]["sha256"]
    for content in (whole.replace(b'"explanation":"', b'"explanation":"not '), whole[: len(whole) // 2]):
        file.write_bytes(content)
        for way in (launch, done):
            with pytest.raises(BadInput, match=f"explanations.jsonl of {samples.id}.*{was[:12]}, now [0-9a-f]{{12}}"):
                way(lab_home, config)
        assert any(
            not look.ok and was[:12] in look.text
            for look in preflight(lab_home, config, measured_rates(lab_home)).looks
        )
        with pytest.raises(BadInput, match="is not what the run was sealed with"):
            launch(lab_home, samples.config)


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json"])
def test_an_adapter_that_changed_after_its_seal_is_refused(lab_home, name):
    sft = of_kind(lab_home, "sft")
    altered(sft.adapter() / name) if name.endswith("tensors") else (sft.adapter() / name).write_text(
        (sft.adapter() / name).read_text().replace('"lora_alpha": 32', '"lora_alpha": 64')
    )
    parents = {"dataset": sft.config.parents["dataset"]}
    settings = SampleSettings(n=1, seed=5, max_new_tokens=4)
    config = run_config("sample", "sft", settings, parents, variant_after(sft.id, sft.config))
    for way in (launch, done):
        with pytest.raises(BadInput, match=rf"adapter/{name} of {sft.id} is not what.*now [0-9a-f]{{12}}"):
            way(lab_home, config)


def test_own_rows_that_changed_while_a_run_was_stopped_are_refused(home, tmp_path, model):
    dataset = toy_dataset(home, tmp_path)
    use = use_of(reference(model, "tiny", ""))
    run = create_run(home, run_config("sample", "base", SampleSettings(n=1), {"dataset": dataset.id}, use))
    with Work(run) as work:
        work._write("explanations", '{"whatever": 1}\n')
        raise RunStopped("Stopped.")
    (run.path / "explanations.jsonl").write_text("")
    with pytest.raises(BadInput, match=f"explanations.jsonl of {run.id} is not what the run was sealed with"):
        launch(home, run.config)


# --- ids, journals and labs that move


@pytest.mark.parametrize(
    "given", ["../lab", "**", "*", "", " ", "s*t-", "sf?-", "[s]ft", "../runs/sft-", "./sft-", ".", "/tmp"]
)
def test_what_people_give_as_a_run_is_no_pattern_and_no_path(lab_home, given):
    with pytest.raises(BadInput, match="id"):
        find_run(lab_home, given)


def ratings(home):
    with open_store(home) as store:
        store.ingest()
        return [json.loads(row[0])["label"] for row in store.rows("SELECT body FROM journal ORDER BY seq")]


def line(label: str) -> str:
    return json.dumps({"t": 1.0, "action": "an act of a later version", "label": label}) + "\n"


def test_a_journal_that_was_put_in_place_of_another_is_read_from_its_start(home):
    home.path.mkdir()
    home.journal.write_text(line("good") + line("fine"))
    assert ratings(home) == ["good", "fine"]
    for other in (["evil", "fine"], ["evil", "fine", "more"], ["one"], ["good", "late", "more"]):
        home.journal.write_text("".join(map(line, other)))
        assert ratings(home) == other
    with home.journal.open("a") as file:
        file.write(line("last"))
    assert ratings(home) == ["good", "late", "more", "last"]
    home.journal.unlink()
    assert ratings(home) == []


def test_a_database_of_another_lab_is_filled_from_this_labs_folders(lab_home, tmp_path):
    """Also where a run of the same id, sealed at the same time, drew other responses there."""
    other = type(lab_home)(tmp_path / "other")
    shutil.copytree(lab_home.path, other.path)
    samples = RunFolder(other.runs / of_kind(lab_home, "sample", "base").id)
    file = samples.path / "explanations.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"response":"', b'"response":"elsewhere '))
    seal = samples.result
    seal["files"]["explanations"] |= {"sha256": file_hash(file), "bytes": file.stat().st_size}
    (samples.path / "result.json").write_text(json.dumps(seal))
    told = {}
    for home in (other, lab_home):
        with open_store(home) as store:
            store.ingest()
            told[home] = store.rows("SELECT run, item_id, sample, response FROM explanations ORDER BY ALL")
    assert told[other] != told[lab_home]
    shutil.copy(other.database, lab_home.database)
    with open_store(lab_home) as store:
        store.ingest()
        assert store.rows("SELECT run, item_id, sample, response FROM explanations ORDER BY ALL") == told[lab_home]


def test_a_pipelines_id_holds_no_folder_and_a_moved_lab_goes_on(home, tmp_path, monkeypatch):
    tiny_model(home.models / "tiny")
    dataset = toy_dataset(home, tmp_path)
    file = toy_pipeline(
        dataset=DatasetTable(source=dataset.id), models={"base": str(home.models / "tiny")}, variants=["base"]
    )
    config = prepare(home, file)
    create_run(home, config)
    done(home, steps_of(config)[0])
    create_run(home, steps_of(config)[1])
    elsewhere = type(home)(tmp_path / "moved" / "lab")
    shutil.copytree(home.path, elsewhere.path)
    shutil.rmtree(home.path)
    monkeypatch.setenv("ANCHORLAB_HOME", str(elsewhere.path))
    found = find_run(elsewhere, config.id)
    written = json.loads((found.path / "config.json").read_text())["settings"]
    assert str(home.path) not in json.dumps(written["steps"])  # the file names its models as it was given
    steps = steps_of(found.config)
    assert [step.id for step in steps] == [step.id for step in steps_of(config)]
    assert {step.model.path for step in steps} == {str(elsewhere.models / "tiny")}
    for step in steps:
        done(elsewhere, step)
    assert {RunFolder(elsewhere.runs / step.id).state for step in steps} == {"done"}
    again = type(file).model_validate(file.model_dump() | {"models": {"base": str(elsewhere.models / "tiny")}})
    assert prepare(elsewhere, again).id == config.id


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("of_before", [False, True])
def test_an_interrupted_pipeline_is_done_in_another_folder_with_the_same_runs(home, tmp_path, monkeypatch, of_before):
    tiny_model(home.models / "tiny")
    table = DatasetTable(source=toy_dataset(home, tmp_path).id)
    config = prepare(home, toy_pipeline(dataset=table, models={"base": str(home.models / "tiny")}, variants=["base"]))
    if of_before:
        settings = {name: value for name, value in config.settings.items() if name != "identity"}
        config = config.model_copy(update={"settings": settings})
    steps = [step.id for step in steps_of(config)]
    folder = launch(home, config)
    wait_until(lambda: (home.runs / steps[0]).exists())
    stop(folder)
    wait_until(lambda: not folder.alive)
    elsewhere = type(home)(tmp_path / "moved" / "lab")
    shutil.copytree(home.path, elsewhere.path)
    shutil.rmtree(home.path)
    monkeypatch.setenv("ANCHORLAB_HOME", str(elsewhere.path))
    moved = launch(elsewhere, find_run(elsewhere, config.id).config)
    wait_until(lambda: not moved.alive, seconds=400)
    assert moved.result["error"] is None, moved.result
    assert {RunFolder(elsewhere.runs / step).state for step in steps} == {"done"}
    assert not home.path.exists()


def test_a_run_of_before_whose_folder_was_elsewhere_is_found_in_this_home(home, tmp_path):
    tiny_model(home.models / "tiny")
    dataset = toy_dataset(home, tmp_path)
    use = use_of(reference(home.models / "tiny", "tiny", "")).model_copy(update={"path": "/old/lab/models/tiny"})
    run = create_run(home, run_config("sample", "base", SampleSettings(n=1), {"dataset": dataset.id}, use))
    assert run.config.model.path == str(home.models / "tiny")


def test_a_registered_model_is_found_again_by_its_name(home, tmp_path, model):
    dataset = toy_dataset(home, tmp_path)
    use = use_of(reference(model, "tiny", "")).model_copy(update={"path": str(tmp_path / "gone")})
    settings = SampleSettings(n=1, max_new_tokens=4, select=Selection(split="test", limit=1))
    run = create_run(home, run_config("sample", "base", settings, {"dataset": dataset.id}, use))
    with pytest.raises(ModelUnavailable, match="model add FOLDER --name tiny"):
        done(home, run.config)
    home.models.mkdir(exist_ok=True)
    (home.models / "tiny.json").write_text(json.dumps({"name": "tiny", "base": str(model)}))
    started = []
    launch(home, run.config, start=lambda folder, lock: started.append(folder.config.model.path))
    assert started == [str(model)]
    assert find_run(home, run.id).config.model.path == str(model)
