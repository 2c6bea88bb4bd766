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
]
