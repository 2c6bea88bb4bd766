"""Estimates and tests that know nothing of the lab: arrays in, a figure with its uncertainty out."""
