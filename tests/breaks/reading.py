"""Defects of reading answers and verdicts."""

from tests.breaks.planting import Break

FORMS = "tests/test_parsing.py::test_every_form_of_an_answer_is_read_or_left_unread_with_its_reason"
GENERATED = "tests/test_reading_properties.py::test_no_answer_is_read_but_the_one_option_that_a_response_states"
VERDICTS = "tests/test_judging.py::test_every_form_of_a_written_verdict_is_read_or_left_unread"

BREAKS: list[Break] = [
    Break(
        "of several options in an answer the first is read",
        "core/method/reading/contents.py",
        (("if names.others(free, label) or", "if"),),
        (FORMS, GENERATED),
    ),
    Break(
        "a response that begins like an option is its answer, and its explanation is swallowed",
        "core/method/reading/answers.py",
        (("whole = names.whole(plain.text)", "whole = {head.label for head in names.heads(plain.text)} - {None}"),),
        (FORMS, "tests/test_parsing.py::test_the_explanation_is_the_response_without_its_answers"),
    ),
    Break(
        "1.75 is read as the option 1",
        "core/method/reading/names.py",
        (("if not (text[at - 1].isdigit() and inside.match(text, at))", ""),),
        (FORMS,),
    ),
    Break(
        "of statements that differ one is read",
        "core/method/reading/answers.py",
        (("    if len(labels) > 1:\n", "    if False:\n"),),
        (FORMS, GENERATED),
    ),
    Break(
        "an answer that is taken back is read",
        "core/method/reading/answers.py",
        (("changed = _changed(text[last.end :], label, names)", "changed = None"),),
        (FORMS, GENERATED),
    ),
    Break(
        "a denied answer is read",
        "core/method/reading/contents.py",
        (("    if denying.search(clause)", "    if False and denying.search(clause)"),),
        (FORMS, GENERATED),
    ),
    Break(
        "full-width letters are other letters",
        "core/method/reading/plain.py",
        (('SAME_LETTER = ("<wide>", "<narrow>", "<font>", "<noBreak>")', 'SAME_LETTER = ("<noBreak>",)'),),
        (FORMS,),
    ),
    Break(
        "the answer of a thought is read",
        "core/method/reading/answers.py",
        (("_, rest = split_thought(response)", "rest = split_thought('')[1] or response"),),
        (FORMS, "tests/test_parsing.py::test_the_explanation_is_the_response_without_its_answers"),
    ),
    Break(
        "an answer that the token limit cut is read as a shorter option",
        "core/method/reading/answers.py",
        (("    if cut and not text[last.end :] and", "    if False and"),),
        ("tests/test_parsing.py::test_an_answer_that_the_token_limit_may_have_cut_is_not_read",),
    ),
    Break(
        "a run does not keep why its answers were not read",
        "core/method/sampling.py",
        (("unread=reading.unread,", "unread=None,"),),
        ("tests/test_sampling.py::test_rows_say_why_no_answer_was_read_and_the_summary_counts_it",),
    ),
    Break(
        "reading again keeps a forced answer that was weighed for another explanation",
        "core/method/rereading.py",
        (("row.forced if same else None", "row.forced"),),
        ("tests/test_rereading.py::test_a_row_keeps_a_forced_answer_only_for_the_explanation_it_was_forced_for",),
    ),
    Break(
        "of two verdicts on a criterion one is read",
        "core/method/reading/verdicts.py",
        (("next(iter(said)) if len(said) == 1 else None", "next(iter(said - {None}), None)"),),
        (VERDICTS, "tests/test_reading_properties.py::test_no_verdict_is_read_but_the_one_that_a_reply_states"),
    ),
    Break(
        "a draft in a thought is taken for the verdict",
        "core/method/reading/verdicts.py",
        (
            (
                "    text = plain_text(split_thought(reply)[1]).text\n    words",
                "    text = plain_text(reply).text\n    words",
            ),
        ),
        (VERDICTS, "tests/test_judging.py::test_a_draft_in_a_thought_is_no_verdict"),
    ),
    Break(
        "a verdict that leaves two open is read as the first",
        "core/method/reading/verdicts.py",
        (("    if DOUBT.match(tail) or words.verdicts.search(tail):\n", "    if False:\n"),),
        (VERDICTS,),
    ),
    Break(
        "a choice among probabilities that are no numbers is the first",
        "core/method/head_to_head.py",
        (("        if np.isnan(p).any():\n", "        if False:\n"),),
        ("tests/test_head_to_head.py::test_probabilities_that_are_no_numbers_are_no_choice",),
    ),
    Break(
        "stored choices among no numbers count",
        "core/records.py",
        (('return row | choices | {"outcome": "unjudged", "flipped": None, "unjudged": why}', "return row | choices"),),
        (
            "tests/test_head_to_head.py::test_rows_that_hold_a_choice_among_no_numbers_can_be_read_and_count_as_unjudged",
        ),
    ),
    Break(
        "a judge without probabilities writes though that was refused",
        "core/method/fallback.py",
        (('        if settings.no_probabilities == "refuse":\n', "        if False:\n"),),
        (
            "tests/test_server.py::test_head_to_head_falls_back_to_written_choices_and_says_so",
            "tests/test_server.py::test_the_setting_refuses_written_verdicts",
        ),
    ),
]
