"""What the page Runs and its commands rest on: lineage, removal, side by side, pre-flight."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from core.cli import cli
from core.errors import BadInput
from core.runs.dryrun import dry_run
from core.runs.estimate import measured_rates
from core.runs.folders import RunConfig, RunFolder, all_runs
from core.runs.launcher import take_lock
from core.runs.lineage import ancestors, descendants, edges, edges_of_folders, generations, reduced
from core.runs.pipeline import DatasetTable
from core.runs.preflight import looks_at_models, preflight
from core.runs.removal import plan_removal, remove_runs
from core.runs.side_by_side import compared
from core.runs.sizes import sized_run
from core.runs.table import acts_about, closed_runs, headline, open_runs
from core.settings import PairSettings, SftSettings
from core.store import journal
from core.store.database import any_store
from tests.lab import toy_pipeline


def run_of(home, kind: str, label: str | None = None) -> RunFolder:
    return next(f for f in all_runs(home) if f.config.kind == kind and label in (None, f.config.label))


def looks(home, config: RunConfig) -> dict[str, bool]:
    return {look.name: look.ok for look in preflight(home, config, measured_rates(home)).looks}


def called(*words: str):
    return CliRunner().invoke(cli, list(words), env={"COLUMNS": "300"})


graphs = st.lists(st.lists(st.integers(0, 20), max_size=4), min_size=1, max_size=12).map(
    lambda rows: {str(i): frozenset(str(p) for p in parents if p < i) for i, parents in enumerate(rows)}
)


@given(graphs)
def test_a_reduced_graph_says_the_same_with_fewer_lines(graph):
    fewer = {run: frozenset(sources) for run, sources in reduced(graph, set(graph)).items()}
    depth = generations(graph, set(graph))
    for run in graph:
        assert ancestors(fewer, [run]) == ancestors(graph, [run])
        assert fewer[run] <= graph[run] and all(depth[source] < depth[run] for source in graph[run])
        assert all(run in descendants(graph, [source]) for source in graph[run])


def test_folders_and_database_know_one_lineage_adapters_included(lab_home):
    sft, samples = run_of(lab_home, "sft"), run_of(lab_home, "sample", "sft")
    of_folders = edges_of_folders(all_runs(lab_home))
    assert sft.id in of_folders[samples.id], "the adapter that a sample run loads is a source"
    with any_store(lab_home) as store:
        assert dict(edges(store)) == dict(of_folders)


def test_nothing_is_deleted_while_another_run_rests_on_it(lab_home):
    sft = run_of(lab_home, "sft")
    planned = plan_removal(lab_home, [sft.id])
    assert {run.config.kind for run in planned.dependents} >= {"sample", "judge", "pairs", "dpo"}
    with pytest.raises(BadInput, match="runs depend on what is to be deleted"):
        remove_runs(lab_home, planned)
    assert sft.path.exists() and journal.entries(lab_home) == []
    whole = plan_removal(lab_home, [sft.id, *(run.id for run in planned.dependents)])
    assert whole.refusal is None and whole.runs[-1].id == sft.id, "sources go last"
    assert [run.config.kind for run in whole.pipelines] == ["pipeline"]
    gone = remove_runs(lab_home, whole)
    assert [entry["run"] for entry in journal.entries(lab_home)] == gone
    assert not {folder.id for folder in all_runs(lab_home)} & set(gone)
    assert not list(lab_home.runs.glob(".removed-*"))


def test_a_run_at_work_is_not_deleted(lab_home):
    judge = run_of(lab_home, "judge", "anchor")
    lock = take_lock(judge)
    assert "at work" in plan_removal(lab_home, [judge.id]).refusal
    os.close(lock)
    planned = plan_removal(lab_home, [judge.id])
    lock = take_lock(judge)  # started between the plan and the deletion
    with pytest.raises(BadInput, match="at work by now"):
        remove_runs(lab_home, planned)
    os.close(lock)
    assert judge.path.exists()


def test_acts_of_people_about_a_run_are_counted(lab_home):
    judge = run_of(lab_home, "judge")
    journal.write(lab_home, "note", {"run": judge.id, "text": "odd"})
    journal.record(lab_home, "archive", judge.id)
    with any_store(lab_home) as store:
        assert acts_about(store, [judge.id]) == 1 and acts_about(store, ["judge-none"]) == 0


def test_open_and_closed_runs_are_all_runs(lab_home):
    seal = run_of(lab_home, "judge").path / "result.json"
    seal.unlink()
    with any_store(lab_home) as store:
        ended, others = closed_runs(store), open_runs(store)
        assert list(others["id"]) == [seal.parent.name]
        assert {*ended["id"], *others["id"]} == {folder.id for folder in all_runs(lab_home)}
        spent = store.rows("SELECT sum(prompt_tokens + new_tokens) FROM costs")[0][0]
    assert ended["tokens"].sum() + others["tokens"].sum() == spent


def test_a_failed_run_has_no_headline():
    row = {"id": "sft-1", "kind": "sft", "state": "failed", "summary": '{"last_loss": 1.0}', "mode": None}
    assert headline(row, {}) == "" and headline(row | {"state": "done"}, {}) == "loss 1.000"
    assert headline(row | {"state": "done", "summary": "{}"}, {}) == ""


def test_runs_side_by_side(lab_home):
    rank, anchor = run_of(lab_home, "pairs", "rank"), run_of(lab_home, "pairs", "anchor")
    rows = {(row.part, row.name): row for row in compared([rank, anchor])}
    assert rows["settings", "strategy"].values == ["rank", "anchor"] and rows["settings", "strategy"].differs
    assert not rows["settings", "seed"].differs and rows["made from", "debates"].values[0] is None
    shown = json.loads(called("runs", "compare", rank.id, anchor.id, "--json").stdout)
    assert all(len(set(row["values"])) > 1 for row in shown["rows"]) and shown["runs"] == [rank.id, anchor.id]
    assert "right_by" not in called("runs", "compare", rank.id, anchor.id).stdout
    assert "right_by" in called("runs", "compare", rank.id, anchor.id, "--all").stdout


def test_remove_on_the_command_line_asks_first(lab_home):
    judge = run_of(lab_home, "judge", "anchor")
    kept = CliRunner().invoke(cli, ["remove", judge.id], input="n\n")
    assert kept.exit_code == 1 and judge.path.exists()
    assert json.loads(called("remove", judge.id, "--json").stdout) == {"removed": [judge.id]}
    assert isinstance(called("remove", run_of(lab_home, "import").id, "--yes").exception, BadInput)


def test_what_is_done_is_not_launched_again(lab_home):
    pairs = run_of(lab_home, "pairs", "rank")
    looked = preflight(lab_home, pairs.config, measured_rates(lab_home))
    assert looked.done == pairs.id and "Nothing to do" in looked.blocked
    other = pairs.config.model_copy(update={"settings": pairs.config.settings | {"seed": 9}})
    assert preflight(lab_home, other, measured_rates(lab_home)).blocked is None
    (pairs.path / "result.json").unlink()
    assert "goes on" in preflight(lab_home, pairs.config, measured_rates(lab_home)).looks[-1].text


def test_each_check_can_fail(lab_home):
    sft, samples, dpo = run_of(lab_home, "sft"), run_of(lab_home, "sample", "sft"), run_of(lab_home, "dpo", "rank")
    nothing = samples.config.settings | {"select": {"split": "test", "part": [0.5, 0.5], "limit": None, "seed": 0}}
    assert not looks(lab_home, samples.config.model_copy(update={"settings": nothing}))["questions"]
    on_base = dpo.config.model.model_copy(update={"chain": [run_of(lab_home, "dpo", "rank").id]})
    assert not looks(lab_home, samples.config.model_copy(update={"model": on_base}))["adapters"], "dpo without its sft"
    assert looks(lab_home, samples.config)["adapters"]
    too_long = samples.config.settings | {"max_new_tokens": 10**9}
    assert not looks(lab_home, samples.config.model_copy(update={"settings": too_long}))["memory"]
    pairs = run_of(lab_home, "pairs", "rank")
    seal = pairs.path / "result.json"
    seal.write_text(seal.read_text().replace(f'"pairs": {pairs.result["summary"]["pairs"]}', '"pairs": 0'))
    assert not looks(lab_home, dpo.config)["pairs"]
    (sft.path / "result.json").unlink()
    assert not looks(lab_home, dpo.config)["sources"]


def test_a_pipeline_runs_on_a_data_set_that_is_loaded(lab_home, tmp_path):
    imported = run_of(lab_home, "import")
    model = run_of(lab_home, "sft").config.model.path
    models = {"base": model, "judge": model, "reader": "off"}
    file = toy_pipeline(models=models, dataset=DatasetTable(source=imported.id[:12]))
    planned = dry_run(lab_home, file)
    assert planned.runs[0].id == imported.id and planned.runs[0].standing == "done"
    assert all(look.ok for look in looks_at_models(lab_home, file))
    with pytest.raises(BadInput, match="No single run"):
        dry_run(lab_home, toy_pipeline(models=models, dataset=DatasetTable(source="import-nowhere")))


def test_the_size_of_one_run():
    assert sized_run("sft", SftSettings(), "tiny").steps == 4
    assert sized_run("pairs", PairSettings(), "full") == PairSettings()
