"""Plants each defect of tests/test_known_defects.py in a copy of the lab, and shows that its tests fail there.

    make breaks                             # every defect, a few minutes
    python -m tests.breaks "κ" "both bad"   # those whose name holds one of these

First every named test must pass on the copy as it is; then each break is planted alone, and each of its tests must
fail by what it asserts: another error (a broken import, a fixture, a call that does not work) proves nothing and does
not count.  pytest does not collect this file; `test_known_defects.py` keeps the table whole and the texts to be
replaced in place.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
ASSERTS = r"(assert |AssertionError|Failed: DID NOT RAISE)"
"""How pytest begins the reason of a test whose assertion does not hold."""
HERE = "tests/test_known_defects.py"
COPIED = ("app", "core", "pages", "tests", "pyproject.toml", "data/samples")


@dataclass(frozen=True)
class Break:
    """A defect, and how to have it."""

    defect: str
    file: str
    edits: tuple[tuple[str, str], ...]
    """Exact texts of the file, each there once, and what stands in their place."""
    tests: tuple[str, ...]
    """Tests that must fail, as `file::name`."""


BREAKS = [
    Break(
        "an interval called 95% is the 5th to 95th percentile",
        "core/statistics/estimates.py",
        (("stdtrit(n - 1, 0.5 + CONFIDENCE / 2)", "stdtrit(n - 1, CONFIDENCE)"),),
        (
            "tests/test_statistics.py::test_the_interval_is_no_5_to_95_percentile_range",
            f"{HERE}::test_an_interval_called_95_percent_is_one_also_of_win_minus_loss",
        ),
    ),
    Break(
        "a reply that cannot be read is scored 0",
        "core/method/judging.py",
        (
            (
                "_judgement(row, verdicts, reply=reply, unjudged",
                "_judgement(row, verdicts, total=0, reply=reply, unjudged",
            ),
        ),
        ("tests/test_judging.py::test_a_reply_that_cannot_be_read_has_no_score_and_is_never_a_middling_one",),
    ),
    Break(
        "a judge's failure is averaged in as 0",
        "core/analysis/comparison.py",
        (('"score": rows[settings.score],', '"score": rows[settings.score].fillna(0),'),),
        (
            "tests/test_comparison.py::test_unjudged_explanations_take_no_part_and_are_counted",
            f"{HERE}::test_a_failed_judgement_is_no_zero_in_the_mean_score",
        ),
    ),
    Break(
        "a score is read out of the prompt's own template",
        "core/method/judging.py",
        (
            (
                "return [from_reply(row, self.rubric, reply[0].text) for (_, row), reply in",
                "return [from_reply(row, self.rubric, chats[0].messages[0].content + reply[0].text) "
                "for (_, row), reply in",
            ),
            (
                r'rf"^[\W\d_]*{name}[\W_]*:[\W_]*(?P<verdict>{verdict})\b[\W_]*$"',
                r'rf"{name}[\s\S]*?(?P<verdict>{verdict})\b"',
            ),
        ),
        (
            "tests/test_judging.py::test_the_prompts_own_words_are_never_read_as_a_verdict",
            f"{HERE}::test_a_judge_that_repeats_its_instructions_has_given_no_verdict",
        ),
    ),
    Break(
        "a strong win counts three times",
        "core/analysis/comparison.py",
        (
            (
                "won, lost = (difference > slack).sum(axis=(1, 2)), (difference < -slack).sum(axis=(1, 2))",
                "won, lost = (((d > slack) + 2 * (d > 5)).sum(axis=(1, 2)) for d in (difference, -difference))",
            ),
            (
                "compared = (~np.isnan(a)).sum(axis=1) * (~np.isnan(b)).sum(axis=1)",
                "compared = won + lost + (np.abs(difference) <= slack).sum(axis=(1, 2))",
            ),
        ),
        (f"{HERE}::test_a_strong_win_counts_once_and_copies_add_no_certainty",),
    ),
    Break(
        "samples of one question are resampled as independent",
        "core/analysis/comparison.py",
        (
            (
                'question, items = pd.factorize(rows["item_id"], sort=True)',
                'copy = rows.groupby(["label", "item_id"]).cumcount().astype(str)\n'
                '        question, items = pd.factorize(rows["item_id"] + "#" + copy, sort=True)',
            ),
        ),
        (
            "tests/test_comparison.py::test_interval_does_not_shrink_when_a_question_is_sampled_more_often",
            f"{HERE}::test_a_strong_win_counts_once_and_copies_add_no_certainty",
        ),
    ),
    Break(
        "pairs of one question are resampled as independent, head to head",
        "core/analysis/duels.py",
        (('per_question.groupby(judged["item_id"], sort=True)', "per_question.groupby(per_question.index)"),),
        ("tests/test_head_to_head.py::test_figures_by_hand_average_pairs_then_questions",),
    ),
    Break(
        "explanations of one question are resampled as independent, in the judge's AUC",
        "core/analysis/agreement.py",
        (("codes = np.unique(questions, return_inverse=True)[1]", "codes = np.arange(len(questions))"),),
        ("tests/test_agreement.py::test_the_interval_resamples_questions_not_explanations",),
    ),
    Break(
        "ratings of one question are resampled as independent, in agreement",
        "core/analysis/agreement.py",
        (("questions = _questions(clusters, len(a))", "questions = _questions(None, len(a))"),),
        ("tests/test_agreement.py::test_ratings_of_explanations_of_one_question_are_not_independent",),
    ),
    Break(
        "the error at equal length leaves out the uncertainty of the fit",
        "core/statistics/length_control.py",
        (
            (
                "_controlled(observed[0], draws[:, 0], n, overlap)",
                "_controlled(observed[0], draws[:, 0] + (draws[:, 1] - observed[1]) * np.nanmean(ratios), n, overlap)",
            ),
        ),
        (
            "tests/test_statistics.py::test_length_control_covers_the_truth_with_the_fit_uncertainty_in_it",
            f"{HERE}::test_the_error_at_equal_length_holds_the_uncertainty_of_the_fit",
        ),
    ),
    Break(
        "an adapter is silently not loaded",
        "core/engines/weights.py",
        (("    for adapter in adapters:\n        weights = merge", "    for adapter in ():\n        weights = merge"),),
        ("tests/test_training.py::test_an_adapter_that_changes_nothing_is_refused",),
    ),
    Break(
        "an adapter without effect is merged without a word",
        "core/engines/weights.py",
        (("if before == after:", "if False:"),),
        ("tests/test_training.py::test_an_adapter_that_changes_nothing_is_refused",),
    ),
    Break(
        "rows that do not fit are left out of a training without a word",
        "core/method/training.py",
        (("    if len(fit) < len(rows):", "    if False:"),),
        ("tests/test_training.py::test_rows_that_do_not_fit_are_counted",),
    ),
    Break(
        "a step after the first epoch names the questions of another",
        "core/method/training.py",
        (
            (
                "begin = epoch * self._passes_an_epoch + place * self._passes_a_step",
                "begin = place * self._passes_a_step",
            ),
        ),
        ("tests/test_training.py::test_a_step_names_the_questions_that_its_figures_are_of",),
    ),
    Break(
        "base's output is shown as the tuned model's",
        "core/analysis/results.py",
        (("for (a, one), (b, other) in combinations(hashes, 2) if one == other]", "for a, b in ()]"),),
        ("tests/test_store.py::test_variants_of_one_label_get_labels_of_their_own_and_identical_ones_are_named",),
    ),
    Break(
        "a win rate cannot be derived again from its counts",
        "core/analysis/comparison.py",
        (("total = each.sum(axis=2, keepdims=True)", "total = each[..., [0, 2]].sum(axis=2, keepdims=True)"),),
        (
            "tests/test_comparison.py::test_a_win_rate_can_be_derived_again_from_the_counts_beside_it",
            f"{HERE}::test_a_win_rate_follows_from_the_counts_of_its_questions_also_where_scores_are_missing",
        ),
    ),
    Break(
        "votes are accepted after names are revealed",
        "core/playground/sessions.py",
        (("    if is_revealed(store, found):\n        raise", "    if False:\n        raise"),),
        ("tests/test_playground.py::test_votes_count_until_the_reveal_and_are_refused_after_it",),
    ),
    Break(
        "votes written after the reveal count",
        "core/store/schema.py",
        (("AND p.blind AND j.seq < coalesce(p.revealed_seq, j.seq + 1)\n", "AND p.blind\n"),),
        ("tests/test_playground.py::test_votes_count_until_the_reveal_and_are_refused_after_it",),
    ),
    Break(
        "ratings are changed after the reveal",
        "core/annotation/writing.py",
        (("        if is_revealed(store, rater, task):\n            raise", "        if False:\n            raise"),),
        (
            "tests/test_annotation.py::test_a_rating_can_be_changed_until_it_is_revealed_and_never_after",
            "tests/test_annotation.py::test_a_reveal_in_another_window_locks_at_once",
        ),
    ),
    Break(
        "verdicts that hang on the order count as wins",
        "core/method/head_to_head.py",
        (('one if one == other else "tie", flipped', "one, flipped"),),
        ("tests/test_head_to_head.py::test_a_judge_that_likes_the_first_place_gives_ties_that_all_flip",),
    ),
    Break(
        "both bad is folded into ties, in the playground",
        "core/playground/tally.py",
        (("count_if(v.choice = 'tie'), count_if(v.choice = 'bad')", "count_if(v.choice IN ('tie', 'bad')), 0"),),
        ("tests/test_playground.py::test_the_tally_keeps_both_bad_apart_from_ties",),
    ),
    Break(
        "both bad is folded into ties, in votes between two",
        "core/annotation/agreeing.py",
        (
            (
                'counts = rows["vote"].value_counts()',
                'counts = rows["vote"].replace("both bad", "both good").value_counts()',
            ),
        ),
        ("tests/test_annotation.py::test_both_bad_is_not_both_good_and_neither_is_a_win",),
    ),
    Break(
        "both bad is folded into ties, in choices made elsewhere",
        "core/loading/preferences.py",
        (('TIES = {"tie", ', 'TIES = {"tie", "both bad", "tie (bothbad)", '),),
        ("tests/test_judgements.py::test_a_word_that_names_no_side_is_never_a_tie",),
    ),
    Break(
        "κ without a word on skewed labels",
        "core/analysis/agreement.py",
        (("if pair.percent.value >= HIGH_AGREEMENT and kappa.value < LOW_KAPPA:", "if False:"),),
        (
            "tests/test_agreement.py::test_high_agreement_with_low_kappa_is_explained",
            f"{HERE}::test_kappa_stands_with_n_interval_and_a_word_on_skew",
        ),
    ),
    Break(
        "κ without its interval",
        "core/analysis/consensus.py",
        (
            (
                'text = f"{estimate.value:.3f} ({estimate.low:.3f} … {estimate.high:.3f})"',
                'text = f"{estimate.value:.3f}"',
            ),
        ),
        (f"{HERE}::test_kappa_stands_with_n_interval_and_a_word_on_skew",),
    ),
    Break(
        "κ without n, in the terminal",
        "core/cli/judgements.py",
        (('        "n": pair.n,\n', ""),),
        (f"{HERE}::test_kappa_stands_with_n_interval_and_a_word_on_skew",),
    ),
    Break(
        "κ without n, on the page",
        "app/judgements/agreement.py",
        (('        "n": pair.n,\n', ""),),
        (f"{HERE}::test_kappa_stands_with_n_interval_and_a_word_on_skew",),
    ),
    Break(
        "a run's status is kept in memory",
        "core/runs/folders.py",
        (
            (
                "    @property\n    def state(self) -> State:\n",
                "    @property\n    def state(self) -> State:\n"
                "        return REMEMBERED.setdefault(self.path, self._state())\n\n"
                "    def _state(self) -> State:\n",
            ),
            ("def create_run(", "REMEMBERED: dict[Path, State] = {}\n\n\ndef create_run("),
        ),
        (
            "tests/test_runs.py::test_state_follows_lock_and_seal",
            f"{HERE}::test_the_state_of_a_run_is_on_every_page_that_is_opened_anew",
        ),
    ),
]


def main(wanted: Sequence[str]) -> int:
    """Plant the breaks whose defect holds one of these words (none: all), print a table; 0 if all tests fail."""
    chosen = [b for b in BREAKS if not wanted or any(word in b.defect for word in wanted)]
    console, began = Console(width=None if sys.stdout.isatty() else 160), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="breaks-") as folder:
        copy = copied(Path(folder))
        if broken := failing(copy, {test for b in chosen for test in b.tests}):
            console.print("These fail without any defect:", *sorted(broken), sep="\n  ", markup=False)
            return 1
        table = Table("defect", "test", "fails", box=None, header_style="bold", pad_edge=False)
        missed = 0
        for b in chosen:
            with planted(copy, b):
                found = failing(copy, b.tests)
            for test in b.tests:
                missed += test not in found
                table.add_row(b.defect, test.split("::")[1], "yes" if test in found else "[bold red]NO[/]")
                console.print(f"{'fails' if test in found else 'PASSES'}  {test}", style="dim", markup=False)
    console.print(table)
    named = sum(len(b.tests) for b in chosen)
    console.print(f"{len(chosen)} defects, {named - missed} of {named} tests fail, {time.monotonic() - began:.0f} s.")
    return int(missed > 0)


def copied(folder: Path) -> Path:
    """The lab without its state and its history."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


@contextmanager
def planted(copy: Path, b: Break) -> Iterator[None]:
    """The copy with a defect in it."""
    path = copy / b.file
    whole = path.read_text(encoding="utf-8")
    text = whole
    for old, new in b.edits:
        if text.count(old) != 1:
            raise SystemExit(f"{b.file} has {text.count(old)} times, not once: {old!r}")
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(whole, encoding="utf-8")


def failing(copy: Path, tests: Collection[str]) -> set[str]:
    """Those of the tests of which an assertion fails in the copy, with any of its parameters."""
    command = [sys.executable, "-m", "pytest", "-q", "-rf", "--tb=no", "-p", "no:cacheprovider", *sorted(tests)]
    whole_lines = {"COLUMNS": "1000"}
    env = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"} | whole_lines
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"pytest ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return {test for test in tests if re.search(rf"^FAILED {re.escape(test)}(\[.*\])? - {ASSERTS}", done.stdout, re.M)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
