"""Defects of engines and servers: what is generated or chosen is not what the model says."""

from tests.breaks.planting import Break

BREAKS: list[Break] = [
    Break(
        "the probes of the fast path share no prefix",
        "core/engines/fidelity.py",
        (("groups = [shared_probes(encode), [", "groups = [["),),
        (
            "tests/test_every_architecture.py::test_a_shared_prefix_that_is_not_handed_on_is_seen",
            "tests/test_every_architecture.py::test_a_shared_prefix_is_read_by_all_rows_or_the_plain_path_is_taken",
        ),
    ),
    Break(
        "a window that no probe is as long as takes the fast path",
        "core/engines/fidelity.py",
        (("    if any(getattr(config, name, None) for name in WINDOWS):", "    if False:"),),
        (
            "tests/test_every_architecture.py::"
            "test_what_changes_with_the_length_of_a_pass_or_sees_a_part_takes_the_plain_path",
        ),
    ),
    Break(
        "the plain path goes on from a cache that misplaces what follows",
        "core/engines/hf.py",
        (("return cache_serves(self.weights, self._encode, self._plain_attention)", "return True"),),
        ("tests/test_every_architecture.py::test_a_shared_prefix_is_read_by_all_rows_or_the_plain_path_is_taken",),
    ),
    Break(
        "a thought without text is an empty explanation",
        "core/engines/wire.py",
        (('return Reply("", thought, True)', 'return Reply("", None, False)'),),
        (
            "tests/test_server_quirks.py::"
            "test_a_thought_without_text_fails_or_is_read_by_the_setting_and_is_never_an_empty_explanation",
        ),
    ),
    Break(
        "thoughts of a server are read as its reply",
        "core/engines/wire.py",
        (('inside, text = split_thought(written or "")', 'inside, text = "", written or ""'),),
        (
            "tests/test_server_quirks.py::test_a_thought_in_the_text_is_cut_off_and_kept",
            "tests/test_server_quirks.py::test_a_verdict_tried_in_a_thought_is_not_the_verdict",
        ),
    ),
    Break(
        "thoughts of a model here are read as its reply",
        "core/engines/hf.py",
        (
            (
                "thought, text = split_thought(self.vocabulary.decode(row.tokens))",
                'thought, text = "", self.vocabulary.decode(row.tokens)',
            ),
        ),
        (
            "tests/test_server_quirks.py::"
            "test_thoughts_of_a_model_here_are_cut_off_by_the_same_function_and_stop_nothing",
        ),
    ),
    Break(
        "a thought that was cut off is judged as an empty explanation",
        "core/method/judging.py",
        (
            (
                "        if row.only_thought:\n            return _judgement",
                "        if False:\n            return _judgement",
            ),
            ("not (row.explanation or row.only_thought)", "not row.explanation"),
        ),
        ("tests/test_server_quirks.py::test_a_cut_off_thought_is_no_empty_explanation_and_is_unjudged",),
    ),
    Break(
        "a fallback of a server is not said",
        "core/engines/server.py",
        (('            "fallbacks": found.fallbacks,\n', ""),),
        (
            "tests/test_server_quirks.py::"
            "test_all_refusals_at_once_sample_and_judge_and_stand_on_the_page_and_in_the_check",
        ),
    ),
    Break(
        "a resumed run plans its rows again",
        "core/runs/batches.py",
        (("before = planned_rows(work)", "before = None"),),
        ("tests/test_batches.py::test_a_resumed_run_computes_as_many_rows_at_once_as_before",),
    ),
    Break(
        "the page counts the machine's memory where a device computes",
        "core/models/place.py",
        (("if devices := visible():", "if devices := []:"),),
        ("tests/test_devices.py::test_a_page_counts_the_devices_memory_in_the_devices_dtype",),
    ),
    Break(
        "every row of a batch is held at once whatever is free",
        "core/models/memory.py",
        (("while most > 1 and most * each > free:", "while False:"),),
        (
            "tests/test_memory.py::test_an_8b_model_in_bf16_trains_and_samples_on_a_card_of_24_gb",
            "tests/test_batches.py::test_a_smaller_memory_plans_fewer_rows",
        ),
    ),
    Break(
        "a prefix that could not be read is taken for the one at hand",
        "core/engines/choosing.py",
        (("self._prefix, self._layers = (), None  #", "self._prefix = ordered[0][:shared]  #"),),
        ("tests/test_batches.py::test_a_prefix_whose_reading_failed_is_not_taken_for_the_one_at_hand",),
    ),
]
