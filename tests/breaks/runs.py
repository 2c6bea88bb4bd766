"""Defects of run identities, parents, seals and devices."""

from tests.breaks.planting import Break

BREAKS: list[Break] = []
