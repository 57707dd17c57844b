"""Mock data: tables that look like the real ones and hold nobody, made from public metadata alone.

What a cell is depends on the seed, the column's name and the number of its row or unit, by integer arithmetic
only: the same on every machine and whatever else is made beside it, and any piece of a table can be made
without the rest.
"""
