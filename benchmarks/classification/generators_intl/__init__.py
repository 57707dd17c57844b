"""Generators of the labelled international set: invented people, formats and check digits as in life."""
