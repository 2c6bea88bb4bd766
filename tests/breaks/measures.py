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
]
