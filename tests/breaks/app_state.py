"""Defects of the app's state: fields, addresses, drafts."""

from tests.breaks.planting import Break

BREAKS: list[Break] = []
