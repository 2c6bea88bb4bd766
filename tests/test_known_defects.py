"""Defects that tools of this kind have been found with, each as a test that fails where the lab has it.

Some are held elsewhere already; `test_the_places_named_here_are_tests` keeps these names true.  `make breaks`
(`tests/breaks`) plants each defect in a copy of the lab and shows that every one of these tests fails on it:

- an interval called 95% that is the 5th to 95th percentile:
  tests/test_statistics.py::test_the_interval_is_no_5_to_95_percentile_range, and here for Δ(W−L)
- a judge's failure scored 0 and averaged in:
  tests/test_judging.py::test_a_reply_that_cannot_be_read_has_no_score_and_is_never_a_middling_one,
  tests/test_comparison.py::test_unjudged_explanations_take_no_part_and_are_counted, and here for the mean score
- a score read out of the prompt's own template:
  tests/test_judging.py::test_the_prompts_own_words_are_never_read_as_a_verdict, and here for a judge that repeats it
- strong wins copied three times and resampled as if they were independent: here
- samples of one question resampled as independent:
  tests/test_comparison.py::test_interval_does_not_shrink_when_a_question_is_sampled_more_often,
  tests/test_head_to_head.py::test_figures_by_hand_average_pairs_then_questions,
  tests/test_agreement.py::test_the_interval_resamples_questions_not_explanations,
  tests/test_agreement.py::test_ratings_of_explanations_of_one_question_are_not_independent, and here for copies of
  strong wins
- a length-controlled standard error that leaves out the uncertainty of the fit:
  tests/test_statistics.py::test_length_control_covers_the_truth_with_the_fit_uncertainty_in_it, and here
- an adapter that was silently not loaded, base's output shown as the tuned model's:
  tests/test_training.py::test_an_adapter_that_changes_nothing_is_refused,
  tests/test_store.py::test_variants_of_one_label_get_labels_of_their_own_and_identical_ones_are_named
- rows that a trainer leaves out or cuts without a word, and a step whose figures stand beside other questions:
  tests/test_training.py::test_rows_that_do_not_fit_are_counted,
  tests/test_training.py::test_a_step_names_the_questions_that_its_figures_are_of
- a win rate that cannot be derived again from the counts beside it:
  tests/test_comparison.py::test_a_win_rate_can_be_derived_again_from_the_counts_beside_it, and here where some
  explanations have no score
- votes accepted after names are revealed:
  tests/test_playground.py::test_votes_count_until_the_reveal_and_are_refused_after_it,
  tests/test_annotation.py::test_a_rating_can_be_changed_until_it_is_revealed_and_never_after,
  tests/test_annotation.py::test_a_reveal_in_another_window_locks_at_once
- verdicts that hang on the order counted as wins:
  tests/test_head_to_head.py::test_a_judge_that_likes_the_first_place_gives_ties_that_all_flip
- "both bad" folded into ties:
  tests/test_playground.py::test_the_tally_keeps_both_bad_apart_from_ties,
  tests/test_annotation.py::test_both_bad_is_not_both_good_and_neither_is_a_win,
  tests/test_judgements.py::test_a_word_that_names_no_side_is_never_a_tie
- κ without n, interval or a word on skewed labels:
  tests/test_agreement.py::test_high_agreement_with_low_kappa_is_explained, and here for the command and the page
- a run's status kept in the memory of the page and lost at refresh:
  tests/test_runs.py::test_state_follows_lock_and_seal, and here; tests/test_browser.py goes through a refresh and a
  killed app
"""

import json
import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from core.analysis.comparison import ScoreTable, outcomes_of, strengths, variant_results, win_rates
from core.analysis.question_table import question_outcomes
from core.cli import cli
from core.home import PROJECT
from core.method.judging import from_reply
from core.rubrics import load_rubric
from core.runs.folders import RunFolder
from core.settings import CompareSettings
from core.statistics.length_control import length_controlled
from core.statistics.resampling import Resamples
from tests.app import opened, released, words  # noqa: F401
from tests.breaks import BREAKS, known
from tests.breaks.planting import HERE
from tests.lab import wait_until
from tests.test_judging import ITEM, judge, response

TOTAL = CompareSettings(score="total")


def rows(label: str, scores: list[list[float | None]]) -> pd.DataFrame:
    """Evaluation rows of a variant, a list of scores a question."""
    columns = {"parsed": "A", "empty": False, "tokens": 10, "correct_parsed": True, "correct_forced": True}
    return pd.DataFrame(
        {"label": label, "item_id": f"q{i:04}", "total": score, "expected": score, **columns}
        for i, given in enumerate(scores)
        for score in given
    )


def compared(*tables: pd.DataFrame) -> ScoreTable:
    return ScoreTable.of(pd.concat(tables), TOTAL)


def drawn(seed: int, questions: int, low: int = 5, high: int = 12, samples: int = 4) -> list[list[float]]:
    return np.random.default_rng(seed).integers(low, high, (questions, samples)).astype(float).tolist()


def test_the_places_named_here_are_tests():
    named = re.findall(r"(tests/\w+\.py)::(test_\w+)", __doc__)
    assert len(named) >= 18
    for file, name in named:
        assert re.search(rf"^def {name}\(", (PROJECT / file).read_text(), re.MULTILINE), f"{file}::{name}"


def test_every_test_of_a_defect_has_a_break_that_can_be_planted():
    named = {"::".join(found) for found in re.findall(r"(tests/\w+\.py)::(test_\w+)", __doc__)}
    here = re.findall(r"^def (test_\w+)", (PROJECT / HERE).read_text(), re.MULTILINE)
    of_the_table = {
        "test_the_places_named_here_are_tests",
        "test_every_test_of_a_defect_has_a_break_that_can_be_planted",
        "test_a_break_can_be_planted_and_names_tests",
    }
    held = named | {f"{HERE}::{name}" for name in here if name not in of_the_table}
    assert {test for b in known.BREAKS for test in b.tests} == held


@pytest.mark.parametrize("b", BREAKS, ids=lambda b: b.defect)
def test_a_break_can_be_planted_and_names_tests(b):
    for file, name in (test.split("::") for test in b.tests):
        assert re.search(rf"^def {name}\(", (PROJECT / file).read_text(), re.MULTILINE), f"{file}::{name}"
    for old, new in b.edits:
        assert (PROJECT / b.file).read_text().count(old) == 1, old
        assert old != new


def test_an_interval_called_95_percent_is_one_also_of_win_minus_loss():
    table = compared(rows("b", drawn(0, 300)), rows("a", drawn(1, 300)))
    found = outcomes_of(table)
    (rate,) = win_rates(table, found)
    values = 100 * found.delta[:, 0]
    half = t.ppf(0.975, 299) * values.std(ddof=1) / np.sqrt(300)
    width = rate.delta.high - rate.delta.low
    assert width == pytest.approx(2 * half, rel=0.06)
    narrow = t.ppf(0.95, 299) / t.ppf(0.975, 299)
    assert width > 1.08 * narrow * 2 * half, "the width of a 90% interval"


def test_a_failed_judgement_is_no_zero_in_the_mean_score():
    scores = drawn(2, 40)
    with_failures = [[*given, None] for given in scores]
    whole, failed = (variant_results(compared(rows("a", given)))[0] for given in (scores, with_failures))
    assert failed.score.value == pytest.approx(whole.score.value)
    assert (whole.unjudged, failed.unjudged) == (0, 40)


def test_a_judge_that_repeats_its_instructions_has_given_no_verdict():
    asked = judge("written").chat(ITEM, response("Clear."))
    for echoed in (asked.messages[0].content, asked.messages[-1].content, asked.opening or "-"):
        row = from_reply(response("Clear."), load_rubric("five_criteria"), echoed)
        assert row.total is None and row.expected is None
        assert row.unjudged


def test_a_strong_win_counts_once_and_copies_add_no_certainty():
    a, b = drawn(3, 60), drawn(4, 60)
    plain = compared(rows("b", b), rows("a", a))
    tripled = compared(rows("b", [3 * given for given in b]), rows("a", [3 * given for given in a]))
    lifted = [[s + 100 * (s > max(of_b)) for s in of_a] for of_a, of_b in zip(a, b, strict=True)]
    far = compared(rows("b", b), rows("a", lifted))
    once = win_rates(plain, outcomes_of(plain))[0]
    for other in (tripled, far):
        again = win_rates(other, outcomes_of(other))[0]
        assert (again.delta.low, again.delta.high) == pytest.approx((once.delta.low, once.delta.high))
    of_once, of_copies = (strengths(x, outcomes_of(x)).strengths[1] for x in (plain, tripled))
    assert (of_copies.low, of_copies.high) == pytest.approx((of_once.low, of_once.high), abs=1e-6)


def test_the_error_at_equal_length_holds_the_uncertainty_of_the_fit():
    """A is nearly always longer, so equal length is far from the data: taking the slope as known would hide that."""
    rng = np.random.default_rng(5)
    ratios = rng.normal(0.7, 0.25, size=(200, 4))
    wins = (rng.random((200, 4)) < 1 / (1 + np.exp(-(ratios - 0.4)))).astype(float)
    found = length_controlled(ratios, wins, Resamples(200, 500))
    known_slope = Resamples(200).mean(wins.mean(axis=1), bounds=(0.0, 1.0))
    assert found.plain.se == pytest.approx(known_slope.se)
    assert found.controlled.se > 2 * known_slope.se


def test_a_win_rate_follows_from_the_counts_of_its_questions_also_where_scores_are_missing():
    rng = np.random.default_rng(6)
    a, b = ([[None if rng.random() < 0.2 else s for s in given] for given in drawn(seed, 50)] for seed in (7, 8))
    table = compared(rows("b", b), rows("a", a))
    found = outcomes_of(table)
    (rate,) = win_rates(table, found)
    counts = question_outcomes(table, "a", "b")
    total = counts[["wins", "ties", "losses"]].sum(axis=1)
    known = counts[total > 0]
    assert len(known) == rate.n
    for name, share in (("wins", rate.win), ("ties", rate.tie), ("losses", rate.loss)):
        assert (known[name] / total[total > 0]).mean() == pytest.approx(share.value)
        assert int(counts[name].sum()) == getattr(rate, name)


@pytest.fixture
def ratings(home, tmp_path):
    """A set of ratings by two people, nearly all of them `good`."""
    lines = ["item_id,variant,rater,criterion,label"]
    for i in range(40):
        lines += [
            f"q{i},m,ann,quality,{'bad' if i < 2 else 'good'}",
            f"q{i},m,ben,quality,{'bad' if i > 37 else 'good'}",
        ]
    path = tmp_path / "skewed.csv"
    path.write_text("\n".join(lines) + "\n")
    done = CliRunner().invoke(cli, ["judgements", "add", str(path)], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def test_kappa_stands_with_n_interval_and_a_word_on_skew(home, ratings):
    said = CliRunner().invoke(cli, ["agreement"], env={"COLUMNS": "200"}, catch_exceptions=False).stdout
    app = opened("judgements")
    assert "agreement says little" in said and "agreement says little" in words(app)
    interval = r"−0\.\d{3} \(−?\d\.\d{3} … −?\d\.\d{3}\)"
    assert re.search(rf"ann +ben +40 .* {interval}", said), "n, κ and its interval in a row"
    (table,) = [frame.value for frame in app.dataframe if "κ (95%)" in frame.value.columns]
    row = table.iloc[0].to_dict()
    assert row.get("n") == 40
    assert re.fullmatch(interval, row["κ (95%)"])


def test_the_state_of_a_run_is_on_every_page_that_is_opened_anew(lab_home):
    """Nothing but the folder knows it: a page of another session shows what was sealed in between."""
    run = next(RunFolder(path) for path in lab_home.runs.glob("dpo-*"))
    assert "Resume" not in buttons(opened("runs", run=run.id))
    result = run.path / "result.json"
    sealed = json.loads(result.read_text())
    result.write_text(json.dumps(sealed | {"state": "failed", "finished": sealed["finished"] + 1}))
    again = []

    def taken_in() -> bool:  # new seals are looked for every two seconds
        again.append(opened("runs", run=run.id))
        return "Resume" in buttons(again[-1])

    wait_until(taken_in, seconds=20)
    badges = [shown.value for shown in again[-1].markdown if "-badge[" in shown.value]
    assert any("failed" in badge for badge in badges) and not any("done" in badge for badge in badges)


def buttons(app: AppTest) -> list[str]:
    return [button.label for button in app.button]
