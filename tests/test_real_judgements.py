"""The published figures of judgements that nobody of this project made come out to their last digit."""

import os
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.analysis.agreement import PairAgreement
from core.analysis.consensus import majority_counts, preference_rates, set_agreements
from core.cli import cli
from core.data.judgements import import_judgements, judgement_settings
from core.home import PROJECT, Home
from core.settings import CompareSettings
from core.store.database import any_store

REAL = os.environ.get("ANCHORLAB_REAL_DATA")
pytestmark = pytest.mark.skipif(not REAL, reason="ANCHORLAB_REAL_DATA names no folder of public data sets")

SETTINGS = CompareSettings()
ALPACA = {
    "alpaca-7b": (26.4596, 1.5357, 205, 584, 16, 805, 0),
    "claude-2": (91.3557, 0.9897, 734, 69, 1, 804, 1),
    "vicuna-13b": (70.4348, 1.6070, 566, 237, 2, 805, 0),
}
"""Model → win rate, standard error (both in %), wins, losses, ties, n, judgements that gave nothing."""


def imported(home: Home, name: str, *further: str):
    path, more = Path(str(REAL)) / name, [Path(str(REAL)) / file for file in further]
    return import_judgements(home, path, judgement_settings(path, more), more)


def pandalm(home: Home):
    verdicts = ("pandalm/pandalm-7b-testset-v1.json", "pandalm/gpt-3.5-turbo-testset-v1.json")
    return imported(home, "pandalm/testset-v1.json", *verdicts)


def agreement_of(home: Home, run: str, criterion: str) -> dict[tuple[str, str], PairAgreement]:
    with any_store(home) as store:
        (found,) = set_agreements(store, run, SETTINGS, criterion)
    return {(pair.a, pair.b): pair for pair in found.pairs}


@pytest.mark.parametrize("model", ALPACA)
def test_alpaca_eval_win_rates_and_standard_errors(home, model):
    folder = imported(home, f"alpaca_eval/{model}/annotations.json")
    with any_store(home) as store:
        (rate,) = preference_rates(store, folder.id, SETTINGS)
    found = (round(rate.rate.value, 4), round(rate.rate.se, 4), rate.wins, rate.losses, rate.ties, rate.rate.n)
    assert (*found, rate.nothing) == ALPACA[model]
    assert (rate.a, rate.b, rate.kind) == ("text_davinci_003", model, "judge")
    assert rate.rate.low < rate.rate.value < rate.rate.high


def test_pandalm_annotators_and_their_majority(home):
    folder = pandalm(home)
    counts = folder.result["summary"]
    assert (counts["rows"], counts["rejects"], counts["nothing"], counts["items"]) == (4995, 0, 25, 170)
    with any_store(home) as store:
        assert majority_counts(store, folder.id) == {"first": 422, "tie": 105, "second": 472, "split": 0}
    pairs = agreement_of(home, folder.id, "preference")
    kappas = {names: round(pair.kappa.value, 2) for names, pair in pairs.items()}
    assert kappas["annotator1", "annotator2"] == 0.85
    assert kappas["annotator1", "annotator3"] == 0.88
    assert kappas["annotator2", "annotator3"] == 0.86
    judge = pairs["majority of people", "pandalm"]
    assert (judge.n, judge.percent.n, round(judge.percent.value, 4)) == (999, 170, 0.6677)
    assert (pairs["majority of people", "gpt"].n, pairs["majority of people", "gpt"].left_out) == (974, 25)


def test_people_agree_on_quality_and_the_judge_does_not(home):
    folder = imported(home, "cube/evaluation_set.json")
    counts = folder.result["summary"]
    assert (counts["rows"], counts["rejects"], counts["items"]) == (920 * 3 * 15, 0, 80)
    pairs = agreement_of(home, folder.id, "quality_label")
    both = pairs["human_evaluator_1", "human_evaluator_2"]
    assert (both.n, round(both.percent.value, 3), round(both.kappa.value, 3)) == (915, 0.862, 0.408)
    for person, kappa in (("human_evaluator_1", 0.05), ("human_evaluator_2", 0.11)):
        pair = pairs[person, "gpt4o_evaluator_3"]
        assert round(pair.kappa.value, 2) == kappa and 0.80 <= pair.percent.value <= 0.825
        assert "agreement says little" in pair.sentence


def test_the_documented_commands_print_the_published_figures(home):
    text = (PROJECT / "docs" / "measurement.md").read_text()
    section = text[text.index("## Judgements") :].split("\n## ")[0]
    (added,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    for line in added.replace("\\\n", " ").splitlines():
        run(line)
    rows = re.findall(r"^\| [^|]+ \| `(anchorlab [^`]+)` \| `([^`]+)` \|$", section, re.MULTILINE)
    for command, printed in rows:
        assert printed in re.sub(r" +", " ", run(command)), command
    assert len(rows) >= 8


def run(line: str) -> str:
    words = shlex.split(line.replace("$ANCHORLAB_REAL_DATA", str(REAL)))
    done = CliRunner().invoke(cli, words[1:], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout
