"""How far one unit can reach in a part, by trying: nothing here is taken from `jobs.sensitivity`."""

from __future__ import annotations

from functools import cache
from math import prod

from jobs.plan import Distinct, Measurement, Part, Total, Units


def bounds(part: Part, item: Measurement) -> tuple[int, int]:
    """Return how far one unit may move a measurement: L1, L2 squared."""
    match item:
        case Units():
            return touched(part), touched(part)
        case Distinct(key=key):
            return filled(part, len(key.categories or ()))
        case Total():
            one, two = filled(part)
            return one * largest(item), two * largest(item) ** 2
    return filled(part)  # a histogram; its draws are checked by their scores


def largest(item: Total) -> int:
    """Return the largest contribution of one row, by trying the ends (and zero, for a square)."""
    ends = [[int((end - one.origin) / one.grid) for end in (one.low, one.high)] for one in item.factors]
    if len(ends) == 2 and item.factors[0] == item.factors[1]:
        return max(abs(q * q - item.shift) for q in (*ends[0], 0))
    corners = [1]
    for pair in ends:
        corners = [corner * end for corner in corners for end in pair]
    return max(abs(corner - item.shift) for corner in corners)


def touched(part: Part) -> int:
    """Return in how many cells a unit can have rows."""
    groups = part.bound.groups if part.bound else part.rows
    return min(part.rows, groups, _cells(part))


def filled(part: Part, bits: int | None = None) -> tuple[int, int]:
    """Return the most rows a unit can have, and the largest sum of their squares by cell.

    With *bits* not rows count, but up to so many bits that the rows of a cell can set.
    """
    bound = part.bound
    groups, each = (bound.groups, bound.rows) if bound else (part.rows, part.rows)
    behind = prod(len(key.categories or "") for key in part.within) or 1
    behind = behind if bound else part.rows
    return most(part.rows, groups, each, min(_cells(part), part.rows), behind, bits or part.rows)


def _cells(part: Part) -> int:
    return part.rows if part.selection else prod(len(key.categories or ()) for key in part.keys)


@cache
def most(rows: int, groups: int, each: int, cells: int, behind: int, bits: int) -> tuple[int, int]:
    """Return the largest sum and the largest sum of squares over all ways to fill *cells* one by one.

    A cell takes up to *behind* of the *groups* left, and of the *rows* left up to *each* for every group.
    """
    found = [(0, 0)]
    for taken in range(1, min(behind, groups, rows) + 1) if cells else ():
        for there in range(taken, min(taken * each, rows) + 1):
            one, two = most(rows - there, groups - taken, each, cells - 1, behind, bits)
            found.append((one + min(there, bits), two + min(there, bits) ** 2))
    return max(one for one, _ in found), max(two for _, two in found)
