"""The Judges page and the card on other pages: side by side, untrusted names, and a judge swap without sampling."""

import json

import pytest
from typer.testing import CliRunner

from core.analysis.results import evaluations
from core.cli import cli
from core.errors import BadInput
from core.home import Home
from core.method.rejudging import judge_again
from core.runs.folders import RunFolder, all_runs, create_run
from core.runs.launcher import stop
from core.runs.work import Work
from core.runs.worker import run_stage
from core.settings import CompareSettings, JudgeSettings
from core.store.database import Store
from tests.app import opened, released, words  # noqa: F401
from tests.judges import GOOD, INVERTED, Bench, Character

QUICK = CompareSettings(resamples=100)
MARKUP = Character("![x](http://evil.example/x.png) **bold**", GOOD.verdicts)


def kinds(home: Home) -> dict[str, int]:
    """How many runs of each kind there are."""
    found = [run.config.kind for run in all_runs(home)]
    return {kind: found.count(kind) for kind in set(found)}


def test_judges_of_the_same_explanations_stand_side_by_side(home):
    bench = Bench(home, questions=60)
    for character in (GOOD, INVERTED, MARKUP):
        bench.judged(character)
    app = opened("judges")
    assert not app.exception
    table = app.dataframe[0].value.set_index("judge")
    assert table["believe it"].to_dict() == {MARKUP.name: "✓ yes", "inverted": "✗ no", "good": "✓ yes"}
    assert "AUC below chance" in table.loc["inverted", "fails"]
    text = words(app)
    for word in (
        "AUC, right against wrong",
        "Order flips",
        "n questions",
        "Can it distinguish the criteria?",
        "n = 60",
    ):
        assert word in text, word
    rendered = [str(e.value) for kind in ("markdown", "caption", "title", "subheader") for e in app.get(kind)]
    rendered += [w.value for w in app.warning] + [e.label for e in app.expander]
    assert not any("evil.example" in said for said in rendered)


def test_the_card_stands_beside_the_numbers_of_a_judge_that_fails_it(home):
    Bench(home, questions=60).judged(INVERTED)
    for page in ("overview", "compare", "explanations"):
        app = opened(page)
        assert not app.exception
        said = " ".join(w.value for w in app.warning)
        assert "Judge card: " in said, page
        assert "AUC below chance" in said, page
        whole = "The whole judge card" in [one.label for one in app.expander]
        assert whole or page == "explanations", page  # there: in a line, with a link


def test_what_to_do_about_a_failed_check_marks_names_as_code_and_shows_no_backticks(home):
    bench = Bench(home, questions=60)
    bench.judged(Character(MARKUP.name, INVERTED.verdicts))
    card = bench.card(MARKUP)
    app = opened("judges")
    (failed,) = card.failed
    assert "`judge` under `[models]`" in failed.remedy
    assert failed.remedy in [caption.value for caption in app.caption]
    literal = [text.value for text in app.text]
    assert f"{failed.title[0].upper()}{failed.title[1:]}: {card.figure('auc').sentence}" in literal
    assert any(MARKUP.name in text for text in literal)
    frames = [frame.value.to_string() for frame in app.dataframe]
    assert not any("`" in text for text in literal + frames)


def test_another_judge_scores_the_same_samples_and_nothing_is_sampled(lab_home):
    with Store(lab_home, None) as store:
        store.ingest()
        first = max(evaluations(store, QUICK), key=lambda e: len(e.samples))
        before = kinds(lab_home)
        use = RunFolder(lab_home.runs / next(iter(first.judges.values()))).config.model
        configs = judge_again(lab_home, first.samples, JudgeSettings(show_gold=True), use)
        for config in configs:
            with Work(create_run(lab_home, config)) as work:
                work.started()
                run_stage(work)
        store.ingest()
        both = [e for e in evaluations(store, QUICK) if e.protocol == first.protocol and not e.by_reader]
    after = kinds(lab_home)
    assert after.pop("judge") == before.pop("judge") + 4
    assert after == before
    assert [e.samples for e in both] == [first.samples] * 2
    assert [peer.key for peer in both[0].card.peers if peer.mode != "reader"] == [both[1].card.key]
    assert [c.id for c in judge_again(lab_home, first.samples, JudgeSettings(show_gold=True), use)] == [
        c.id for c in configs
    ]


def test_the_form_launches_a_judge_run_a_variant_and_no_sample_run(lab_home):
    before = kinds(lab_home)
    judge = next(run for run in all_runs(lab_home) if run.config.kind == "judge")
    with Store(lab_home, None) as store:
        store.ingest()
        one = min(evaluations(store, QUICK), key=lambda e: len(e.samples))
    app = opened("judges", responses=one.protocol)
    app.selectbox(key="swap_mode").select("written")
    app.text_input(key="swap_model").input(judge.config.model.path)
    app.button(key="swap_launch").click().run()
    assert not app.exception
    launched = [r for r in all_runs(lab_home) if r.config.kind == "judge" and r.config.settings["mode"] == "written"]
    for run in launched:
        _ended(run)
    assert [run.config.parents["samples"] for run in launched] == list(one.samples.values())
    assert kinds(lab_home) == before | {"judge": before["judge"] + len(launched)}


def test_a_command_lets_another_judge_read_the_same_explanations(lab_home):
    before = kinds(lab_home)
    judge = next(run for run in all_runs(lab_home) if run.config.kind == "judge")
    with Store(lab_home, None) as store:
        store.ingest()
        one = min(evaluations(store, QUICK), key=lambda e: len(e.samples))
    (of_it, *_) = one.judges.values()
    same = ["judge", "again", of_it, "--judge", judge.config.model.path, "--set", "mode=written"]
    done = CliRunner().invoke(cli, [*same, "--detach", "--json"], catch_exceptions=False)
    rows = json.loads(done.stdout)
    for row in rows:
        _ended(RunFolder(lab_home.runs / row["id"]))
    assert {row["label"]: row["samples"] for row in rows} == one.samples
    assert kinds(lab_home) == before | {"judge": before["judge"] + len(rows)}
    assert all(RunFolder(lab_home.runs / row["id"]).config.settings["mode"] == "written" for row in rows)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["nobody"], "No single evaluation is 'nobody' (none is); `anchorlab judge list` lists them"),
        (["judge-", "--set", "mode=aloud"], "A judge run cannot use these settings: mode"),
    ],
)
def test_what_cannot_be_judged_again_is_a_sentence_and_starts_nothing(lab_home, words, why):
    before = kinds(lab_home)
    refused = CliRunner().invoke(cli, ["judge", "again", *words])
    assert isinstance(refused.exception, BadInput) and why in str(refused.exception)
    assert kinds(lab_home) == before


def _ended(run: RunFolder) -> None:
    try:
        stop(run, grace=1.0)
    except BadInput:
        assert run.result  # it was done already


def test_a_reader_has_a_card_and_win_rates_of_its_own_kind(lab_home):
    app = opened("judges")
    assert not app.exception
    rows = app.dataframe[0].value
    assert rows["mode"].tolist() == ["probabilities", "reader"]
    with Store(lab_home, None) as store:
        store.ingest()
        read = next(e for e in evaluations(store, QUICK) if e.by_reader)
    shown = opened("judges", judge=read.key)
    assert not shown.exception
    assert "whether the explanation leads to the label" in words(shown)
    compared = opened("compare", evaluation=read.key)
    assert not compared.exception
    assert "Scores (log_probability) within 0.1 nats tie" in words(compared)
