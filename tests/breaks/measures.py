"""Defects of figures: judge cards, selections on the same draws, costs, pairs."""

from tests.breaks.planting import Break

BREAKS: list[Break] = []
