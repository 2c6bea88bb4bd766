"""The sample sets that come with the lab: complete, balanced, loadable."""

from collections import Counter

import pytest

from core.data.datasets import import_dataset, load_items, load_settings
from core.home import SAMPLES
from core.runs.pipeline import PRESETS, find_pipeline, read_pipeline


@pytest.mark.parametrize(("name", "count", "labels"), [("material", 264, 6), ("topic", 200, 4), ("sentiment", 180, 3)])
def test_classification_sets_are_balanced_and_load_whole(home, name, count, labels):
    folder = import_dataset(home, *load_settings(SAMPLES / f"{name}.toml"))
    items = load_items(folder)
    assert folder.result["summary"]["rejects"] == 0
    assert len(items) == count
    assert set(Counter(item.gold for item in items).values()) == {count // labels}
    assert len(folder.config.settings["examples"]) == 2


def test_everyday_questions_load_whole_with_balanced_letters(home):
    items = load_items(import_dataset(home, *load_settings(SAMPLES / "everyday.toml")))
    assert Counter(item.gold for item in items) == dict.fromkeys("ABCD", 50)
    assert all(len({option.text for option in item.options}) == 4 for item in items)


@pytest.mark.parametrize("name", [path.stem for path in PRESETS.glob("*.toml")])
def test_preset_pipelines_can_be_read(name):
    assert read_pipeline(find_pipeline(name)).name == name
