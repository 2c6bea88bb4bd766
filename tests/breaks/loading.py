"""Defects of reading files: data sets, preferences, ratings."""

from tests.breaks.planting import Break

BREAKS: list[Break] = []
