"""Every item file of the public data sets loads with the counts that its README implies.

`python -m core.cli data check FOLDER` prints the same counts as a table (docs/data.md).
"""

import os
from pathlib import Path

import pytest

from core.data.datasets import REPEATED_OPTION, load_settings, preview, survey
from core.loading.data_check import check_folder

REAL = os.environ.get("ANCHORLAB_REAL_DATA")
pytestmark = pytest.mark.skipif(not REAL, reason="ANCHORLAB_REAL_DATA names no folder of public data sets")

COUNTS = {
    "aqua/dev.json": (254, 0, 0, "5", 1),
    "arc/ARC-Challenge-Dev.jsonl": (294, 0, 0, "3, 4", 1),
    "arc/ARC-Easy-Test.jsonl": (2376, 0, 0, "3, 4, 5", 1),
    "commonsenseqa/dev_rand_split.jsonl": (1221, 0, 0, "5", 24),
    "commonsenseqa/train_rand_split.jsonl": (9741, 0, 0, "5", 122),
    "cube/annotation_set.json": (440, 0, 0, "3, 4, 7", 0),
    "flattened/test-tiny.jsonl": (50, 0, 50, "5", 3),
    "flattened/test.jsonl": (1140, 0, 1140, "5", 20),
    "flattened/validation-tiny.jsonl": (50, 0, 0, "5", 3),
    "flattened/validation.jsonl": (1220, 1, 0, "5", 24),
    "logiqa/Eval.txt": (651, 0, 0, "4", 4),
    "logiqa/zh_eval.txt": (651, 0, 0, "4", 0),
    "openbookqa/dev.jsonl": (500, 0, 0, "4", 0),
    "openbookqa/test.jsonl": (500, 0, 0, "4", 0),
    "openbookqa/train.jsonl": (4957, 0, 0, "4", 3),
}
"""File → loaded, rejected, unlabelled, numbers of options, questions with two options of the same text."""


@pytest.fixture(scope="module")
def checked():
    return {found.file: found for found in check_folder(Path(str(REAL)))}


def items_of(name: str):
    return preview(*load_settings(Path(str(REAL)) / name), limit=20_000)


def test_every_item_file_loads_with_its_counts(checked):
    counts = {
        name: (c.loaded, c.rejected, c.unlabelled, c.options, c.warnings.get(REPEATED_OPTION, 0))
        for name, c in checked.items()
        if c.problem is None
    }
    assert counts == COUNTS


def test_files_of_judgements_say_that_they_hold_no_questions(checked):
    problems = {name: found.problem for name, found in checked.items() if found.problem}
    assert {name.split("/")[0] for name in problems} == {"alpaca_eval", "cube", "pandalm"}
    assert all("options" in problem and problem.endswith(".") for problem in problems.values())


def test_the_one_row_that_is_rejected_lacks_its_first_options():
    (reject,) = items_of("flattened/validation.jsonl")[1]
    assert reject.row == 103 and "options" in reject.reason


def test_logiqa_is_read_by_position():
    items = items_of("logiqa/Eval.txt")[0]
    assert all([option.label for option in item.options] == list("ABCD") for item in items)
    assert {item.gold for item in items} == set("ABCD")
    zh = items_of("logiqa/zh_eval.txt")[0]
    assert [item.gold for item in items] == [item.gold for item in zh]
    assert zh[6].options[2].text.startswith("缝纫机") and zh[134 - 2].options[2].text[0] not in "C "


def test_questions_of_one_stem_share_a_split():
    for name in ("arc/ARC-Easy-Test.jsonl", "openbookqa/train.jsonl"):
        splits: dict[str, set[str]] = {}
        for item in items_of(name)[0]:
            splits.setdefault(item.question.casefold(), set()).add(item.split)
        assert all(len(found) == 1 for found in splits.values())
        assert survey(*load_settings(Path(str(REAL)) / name)).in_test.any()
