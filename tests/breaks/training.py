"""Defects of trainings and weights: what is trained is not what is sampled or served."""

from tests.breaks.planting import Break

BREAKS: list[Break] = []
