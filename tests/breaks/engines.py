"""Defects of engines and servers: what is generated or chosen is not what the model says."""

from tests.breaks.planting import Break

BREAKS: list[Break] = []
