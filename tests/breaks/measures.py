"""Defects of figures: judge cards, selections on the same draws, costs, pairs."""

from tests.breaks.planting import Break

BREAKS: list[Break] = [
    Break(
        "a judge's AUC is pooled over questions",
        "core/analysis/agreement.py",
        (
            (
                "compared = Compared.of(scores, np.asarray(right, dtype=bool), question, variant)",
                "compared = Compared.of(scores, np.asarray(right, dtype=bool), question // 4, variant)",
            ),
        ),
        (
            "tests/test_agreement.py::test_a_judge_passes_for_what_it_sees_and_not_for_easy_questions_or_liked_variants",
            "tests/test_agreement.py::test_what_a_question_or_a_variant_adds_to_all_its_scores_changes_nothing",
        ),
    ),
    Break(
        "a judge's AUC is pooled over variants",
        "core/analysis/agreement.py",
        (("dtype=bool), question, variant)", "dtype=bool), question, 0 * variant)"),),
        (
            "tests/test_agreement.py::test_what_a_question_or_a_variant_adds_to_all_its_scores_changes_nothing",
            "tests/test_agreement.py::test_auc_is_the_mann_whitney_statistic_of_each_question_and_variant_with_ties_as_halves",
        ),
    ),
    Break(
        "length, criteria and other judges are correlated over questions",
        "core/judge_card/figures.py",
        (
            (
                'return rows["question"].to_numpy() * (int(rows["run"].max()) + 1 if len(rows) else 1) '
                '+ rows["run"].to_numpy()',
                'return 0 * rows["question"].to_numpy() + rows["run"].to_numpy()',
            ),
        ),
        ("tests/test_judge_card.py::test_what_a_question_or_a_variant_adds_correlates_with_nothing",),
    ),
    Break(
        "a judge is proven by agreement with people over all questions",
        "core/judge_card/records.py",
        (('self.check("people_order").verdict)', 'self.check("people").verdict)'),),
        ("tests/test_judge_card.py::test_agreement_with_people_over_all_questions_alone_proves_nothing",),
    ),
    Break(
        "B's category comes from the draws that are compared",
        "core/analysis/category_parts.py",
        (("for sorts, compared in (HALVES, HALVES[::-1]):", "for sorts, compared in ((h, h) for h in HALVES):"),),
        (
            "tests/test_category_parts.py::test_two_identical_models_differ_in_no_category",
            "tests/test_category_parts.py::test_by_hand_the_category_is_of_one_half_and_the_wins_are_of_the_other",
        ),
    ),
    Break(
        "A's draws that share their seed with the sorting ones are compared",
        "core/analysis/category_parts.py",
        (("outcomes(table.scores[a][:, compared], ", "outcomes(table.scores[a], "),),
        ("tests/test_category_parts.py::test_two_identical_models_differ_in_no_category",),
    ),
    Break(
        "the reader is in neither Judges nor Compare",
        "core/analysis/results.py",
        (
            (
                "        for key, group in groups.items()\n    ]",
                "        for key, group in groups.items()\n        if group[0].mode != READER\n    ]",
            ),
        ),
        ("tests/test_page_judges.py::test_a_reader_has_a_card_and_win_rates_of_its_own_kind",),
    ),
    Break(
        "a judge's cost counts what prompts share once for each prompt",
        "core/engines/choosing.py",
        (("self.spent.add(len(trie.tokens), 0)", "self.spent.add(sum(trie.depths), 0)"),),
        ("tests/test_costs.py::test_choosing_reads_what_prompts_share_once_and_says_what_it_would_have_been",),
    ),
    Break(
        "a judge's cost counts the explanations alone",
        "core/method/judging.py",
        (
            (
                "    work.cost(spent.read, spent.generated, time.monotonic() - began, spent.unshared)",
                "    read = sum(judge.engine.count_tokens(row.explanation) for _, row in asked)\n"
                "    work.cost(read, spent.generated, time.monotonic() - began, read)",
            ),
        ),
        ("tests/test_costs.py::test_a_judge_pays_for_the_prompts_it_reads_and_not_for_the_explanations_alone",),
    ),
    Break(
        "a strategy's cost leaves its debater out",
        "core/analysis/costs.py",
        (('    "debates": "debating",\n', ""),),
        ("tests/test_costs.py::test_a_strategy_pays_for_all_that_its_pairs_needed",),
    ),
    Break(
        "a target for λ leaves another number of pairs at each λ",
        "core/method/pair_draw.py",
        (('if settings.lambda_total == "constant" and hard and easy:', "if False:"),),
        ("tests/test_pairs.py::test_every_target_for_lambda_leaves_equally_many_pairs",),
    ),
    Break(
        "pair sets of before keep their id and change their rows",
        "core/settings.py",
        (('"lambda_total" not in settings', "False"),),
        ("tests/test_pairs.py::test_a_pair_set_of_before_the_constant_total_keeps_its_rows_and_no_other_id_changes",),
    ),
    Break(
        "a teacher's wrong answers are preferred",
        "core/method/pairs.py",
        (
            (
                "_sides(judged, _ending_in_gold(rows, items[item]), items[item], right_by)",
                "_sides(judged, rows, items[item], right_by)",
            ),
        ),
        (
            "tests/test_pairs.py::test_a_teacher_is_a_sample_run_of_the_same_questions_and_the_page_builds_the_same_pairs",
        ),
    ),
]
