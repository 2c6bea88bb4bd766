"""Defects of run identities, parents, seals and devices."""

from tests.breaks.planting import Break

DURABLE = "tests/test_durable.py"

BREAKS: list[Break] = [
    Break(
        "a run says done before its rows and its adapter are on the disk",
        "core/runs/work.py",
        (("            durable.flush_tree(self.path)\n", ""),),
        (f"{DURABLE}::test_a_power_cut_at_any_moment_leaves_no_run_that_says_done_and_is_not_whole",),
    ),
    Break(
        "a seal is renamed before its bytes are on the disk",
        "core/runs/seals.py",
        (("        file.truncate()\n        durable.flush(file)\n", "        file.truncate()\n"),),
        (f"{DURABLE}::test_a_power_cut_at_any_moment_leaves_no_run_that_says_done_and_is_not_whole",),
    ),
    Break(
        "a file takes its place and the folder is not flushed",
        "core/durable.py",
        (("    source.replace(target)\n    flush_path(target.parent)\n", "    source.replace(target)\n"),),
        (f"{DURABLE}::test_what_a_person_did_and_registered_is_there_after_a_power_cut",),
    ),
    Break(
        "a seal that cannot be read is a traceback",
        "core/runs/folders.py",
        (
            (
                "            return read_seal(self.path)\n        except Damaged:\n            return None\n",
                "            return read_seal(self.path)\n        except Damaged as error:\n"
                "            raise AssertionError(str(error)) from None\n",
            ),
        ),
        (f"{DURABLE}::test_a_seal_that_cannot_be_read_counts_as_none_and_the_run_is_resumed_and_sealed",),
    ),
]
