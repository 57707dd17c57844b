"""Whose yes a job needs, who has given it, and what templates owners agreed to beforehand."""
