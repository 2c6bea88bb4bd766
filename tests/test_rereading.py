"""Reading responses again: a run of its own, without sampling; what was made before keeps its reading."""

import json

import pytest
from typer.testing import CliRunner

from core.cli import cli
from core.errors import BadInput
from core.method.rereading import cannot_reread, read_again, readings_of, reread
from core.records import Explanation, Item, Option
from core.runs.folders import RunFolder
from core.runs.plan import command_of
from core.runs.work import Work
from core.store.database import Store
from core.store.ingest import Ingester
from tests.lab import filled_lab

ITEM = Item(
    id="1", split="test", question="Which?", options=[Option(label=m, text=m) for m in ("wood", "glass")], gold="glass"
)


def row(response: str, explanation: str, parsed: str | None, forced: str | None, probabilities=None) -> Explanation:
    return Explanation(
        item_id="1",
        sample=0,
        response=response,
        explanation=explanation,
        parsed=parsed,
        forced=forced,
        forced_probabilities=probabilities,
        tokens=3,
        finish="end",
        seed=0,
    )


def test_a_row_keeps_a_forced_answer_only_for_the_explanation_it_was_forced_for():
    read = read_again(
        row("Clear.\nFinal answer: glass", "Clear.\nFinal answer: glass", None, "wood", [0.6, 0.4]), ITEM, True
    )
    assert (read.parsed, read.forced, read.forced_probabilities) == ("glass", "glass", None)
    kept = read_again(row("Clear.", "Clear.", None, "wood", [0.6, 0.4]), ITEM, True)
    assert (kept.parsed, kept.forced, kept.forced_probabilities, kept.unread) == (None, "wood", [0.6, 0.4], "none")
    lost = read_again(row("Answer: glass\nAnswer: wood", "", "glass", "glass"), ITEM, True)
    assert (lost.parsed, lost.forced, lost.unread, lost.reading) == (None, None, "differing", 2)
    assert read_again(row("Answer: glass", "", "glass", None), ITEM, False).forced is None


@pytest.fixture
def old(home, tmp_path) -> RunFolder:
    """A sample run as it was written before rows said by which rule they were read."""
    filled_lab(home, tmp_path, variants=["base"])
    run = next(RunFolder(path) for path in sorted(home.runs.glob("sample-*")))
    rows = [json.loads(line) for line in run.lines("explanations")]
    rows[0] |= {"response": "Clear.\nAnswer: glass or wood", "explanation": "Clear.", "parsed": "glass"}
    for one in rows:
        one.pop("unread", None), one.pop("reading", None)
    with Work(run) as work:
        (run.path / "explanations.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
        work.summary |= {"explanations": len(rows)}
    return run


def test_an_old_run_keeps_its_reading_and_a_new_one_has_that_of_today(home, old):
    before = (old.path / "explanations.jsonl").read_bytes()
    assert readings_of(old) == {"1": len(old.read("explanations", Explanation))}
    new = reread(home, old.id)
    assert (old.path / "explanations.jsonl").read_bytes() == before
    assert new.id != old.id and reread(home, old.id).id == new.id
    rows = new.read("explanations", Explanation)
    assert [one.response for one in rows] == [one.response for one in old.read("explanations", Explanation)]
    assert {one.reading for one in rows} == {2} and rows[0].parsed is None and rows[0].unread
    summary = new.result["summary"]
    assert summary["unread"] and sum(summary["unread"].values()) == summary["unparsed"]
    assert summary["newly_unread"] >= 1 and summary["readings"] == {"2": len(rows)}
    assert "would not change" in cannot_reread(new)
    assert command_of(new.config) == f"anchorlab reread {old.id}"
    with Store(home, None) as store:
        Ingester(store).take_in()
        found = store.rows("SELECT unread, reading FROM explanations WHERE run = ? ORDER BY seq LIMIT 1", [new.id])
        assert found == [(rows[0].unread, 2)]
        assert store.rows("SELECT DISTINCT unread, reading FROM explanations WHERE run = ?", [old.id]) == [(None, 1)]


def test_the_command_says_what_changed_and_refuses_what_has_no_responses(home, old):
    done = CliRunner().invoke(cli, ["reread", old.id, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["id"] == reread(home, old.id).id
    with pytest.raises(BadInput, match="holds no responses"):
        reread(home, next(home.runs.glob("import-*")).name)
