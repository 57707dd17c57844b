"""Generators of the labelled Chinese set: invented tables with real formats and correct check digits."""
