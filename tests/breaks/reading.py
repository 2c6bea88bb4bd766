"""Defects of reading answers and verdicts."""

from tests.breaks.planting import Break

BREAKS: list[Break] = []
