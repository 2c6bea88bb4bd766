"""Defects that tools of this kind have been found with: those of tests/test_known_defects.py."""

from tests.breaks.planting import HERE, Break

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
                "found = read_verdicts(reply, rubric)",
                "found = {c.key: next(x for x in rubric.labels if x in rubric.as_text()) for c in rubric.criteria}",
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
        "core/statistics/auc.py",
        (("np.bincount(question[both], ", "np.bincount(np.flatnonzero(both), "),),
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
        (("    for adapter in adapters:\n        weights =", "    for adapter in ():\n        weights ="),),
        ("tests/test_training.py::test_an_adapter_that_changes_nothing_is_refused",),
    ),
    Break(
        "an adapter without effect is merged without a word",
        "core/engines/adapters.py",
        (("if all(torch.equal(before[name], after[name]) for name in before):", "if False:"),),
        ("tests/test_training.py::test_an_adapter_that_changes_nothing_is_refused",),
    ),
    Break(
        "rows that do not fit are left out of a training without a word",
        "core/method/training_rows.py",
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
