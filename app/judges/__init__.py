"""The judge card, beside every number and whole; another judge over the same explanations."""
