"""The page of settings says what the settings are."""

import pytest
from pydantic import BaseModel

from core.runs.pipeline import DatasetTable, ModelsTable, PipelineFile
from core.settings import RUN_SETTINGS, CompareSettings, Example, LoraSettings, Selection
from core.settings_docs import PAGE, settings_page

EVERY = [
    *RUN_SETTINGS.values(),
    CompareSettings,
    DatasetTable,
    Example,
    LoraSettings,
    ModelsTable,
    PipelineFile,
    Selection,
]


def test_the_page_on_disk_is_what_the_settings_say_now():
    assert PAGE.read_text(encoding="utf-8") == settings_page(), "docs/settings.md is stale: run `make docs`"


@pytest.mark.parametrize("settings", EVERY, ids=lambda settings: settings.__name__)
def test_every_setting_has_a_line_of_help_and_stands_on_the_page(settings: type[BaseModel]):
    page = settings_page()
    for name, field in settings.model_fields.items():
        assert field.description, f"{settings.__name__}.{name} has no help"
        assert f"| `{name}` |" in page or f"## `[{name}]`" in page
