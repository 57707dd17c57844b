"""Which rows count where a unit's groups, and its rows in each of them, are bounded.

The rows of a unit stand together, in an order that depends on its own rows alone (`jobs.relations`), and no
chunk splits a unit: so which of them come first is the same in every chunk, shard and job, and nobody else's
rows have a say in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from jobs.engine.chunks import Index, Mask, ranks, starts_of
from jobs.plan import GroupBound

_MOST: Final = 2**31
"""Numbers of groups stay below it: times a number of units below 2**31 they fit int64."""


def beyond(units: Index, inside: Mask, group: Callable[[Index], Index], bound: GroupBound) -> Mask:
    """Return which of the rows *inside* are beyond *bound*.

    *group* returns the groups of rows, given by their places, as integers from 0 and below 2**31.
    """
    rows = np.flatnonzero(inside)
    # Most units have few rows: none of theirs can be beyond.
    counts = np.bincount(units[rows])
    rows = rows[counts[units[rows]] > min(bound.groups, bound.rows)]
    found: Mask = np.zeros(len(units), dtype=np.bool_)
    if len(rows):
        found[rows] = ~_first(units[rows], group(rows), bound)
    return found


def _first(units: Index, groups: Index, bound: GroupBound) -> Mask:
    """Which rows are among the first of their group, in one of the first groups of their unit."""
    pairs = units * (int(groups.max()) + 1) + groups
    order = np.argsort(pairs, kind="stable")
    starts = starts_of(pairs[order])
    openers = order[starts]  # the first row of each group
    place = np.zeros(len(units), dtype=np.int64)
    opening = np.sort(openers)
    place[opening] = ranks(units[opening])
    lengths = np.diff(np.append(starts, len(order)))
    found: Mask = np.empty(len(units), dtype=np.bool_)
    found[order] = np.repeat(place[openers] < bound.groups, lengths) & (ranks(pairs[order]) < bound.rows)
    return found


def together(codes: Sequence[Index], sizes: Sequence[int], count: int) -> Index:
    """Return for each of *count* rows one number below 2**31, equal for equal tuples of *codes*.

    *sizes*: the codes are from 0 and below.
    """
    found, size = np.zeros(count, dtype=np.int64), 1
    for code, values in zip(codes, sizes, strict=True):
        if size * values >= _MOST:
            found = np.unique(found, return_inverse=True)[1]
            size = count
        found, size = found * values + code, size * values
    return np.unique(found, return_inverse=True)[1] if size >= _MOST else found
