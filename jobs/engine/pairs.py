"""Rows beside rows: joins within a unit, and look-ups in public tables.

Both are the same once it is known which run of right rows each left row may be paired with.  A unit of many
rows on both sides has many more pairs, so they are never made all at once: without a condition the bound is
applied to their numbers before there is any pair, with one pairs are made and judged a slice at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa

from jobs.engine.chunks import UNIT, Chunk, Index, Mask, ranks, some_units, starts_of
from jobs.evaluate import keep_mask
from jobs.expressions import Expression, columns
from jobs.relations import Join, Lookup

SLICE: Final = 2**18
MOST_PAIRS: Final = 2**22
"""The bound on a unit's pairs where the plan states none (below a `PerUnit`): memory has an end."""
PORTION: Final = 2**22
"""About how many pairs of several units are made at once there."""


@dataclass(frozen=True, slots=True)
class Runs:
    """For each left row the right rows [low, high) that it may be paired with."""

    low: Index
    high: Index


def unit_runs(left: Chunk, right: Chunk) -> Runs:
    """Return for each row of *left* the rows of its unit in *right*."""
    assert left.tags is not None
    assert right.tags is not None
    ends = np.searchsorted(right.units, np.arange(len(right.tags) + 1))
    ends = np.append(ends, ends[-1])  # a unit that is not there is the one after the last: no rows
    number = np.searchsorted(right.tags, left.tags)
    there = number < len(right.tags)
    there[there] = right.tags[number[there]] == left.tags[there]
    number = np.where(there, number, len(right.tags))[left.units]
    return Runs(ends[number], ends[number + 1])


def portions(core: Join | Lookup, left: Chunk, runs: Runs) -> Iterator[tuple[Chunk, Runs]]:
    """Yield all units of *left* with their *runs*: few enough at a time where the plan bounds no pairs."""
    counts = runs.high - runs.low
    before = np.cumsum(counts) - counts
    starts = starts_of(left.units)
    cuts = starts[starts_of(before[starts] // PORTION)][1:] if core.rows is None else starts[:0]
    end = int(left.units.max(initial=-1)) + 1 if left.tags is None else len(left.tags)
    units = [0, *left.units[cuts].tolist(), end]
    rows = [0, *cuts.tolist(), len(counts)]
    for place in range(len(cuts) + 1):
        inside = slice(rows[place], rows[place + 1])
        yield some_units(left, *units[place : place + 2]), Runs(runs.low[inside], runs.high[inside])


def paired(core: Join | Lookup, left: Chunk, right: pa.RecordBatch, runs: Runs) -> Chunk:
    """Return the rows of *core*: those of *left* paired within their *runs* of *right*, bounded."""
    right = right.drop_columns([UNIT]) if UNIT in right.schema.names else right
    if core.kind in ("semi", "anti"):
        found = _has_partner(core.condition, left.batch, right, runs)
        return _bounded(left.compact(found if core.kind == "semi" else ~found), core.rows)
    rows = MOST_PAIRS if core.rows is None else core.rows
    pairs = _matches(core.condition, left, right, runs, rows)
    if core.kind == "left":
        pairs = _with_unmatched(pairs, left.units, rows)
    return replace(left, batch=_beside(left.batch, right, *pairs))


def _bounded(chunk: Chunk, rows: int | None) -> Chunk:
    return chunk if rows is None else chunk.compact(ranks(chunk.units) < rows)


def _matches(
    condition: Expression | None, left: Chunk, right: pa.RecordBatch, runs: Runs, rows: int
) -> tuple[Index, Index]:
    """Matching pairs in order, the first *rows* of each unit."""
    units = left.units
    if condition is None:
        runs = Runs(runs.low, runs.low + _within_bound(runs.high - runs.low, units, rows))
        found = list(_slices(runs))
    else:
        taken = np.zeros(units[-1] + 1 if len(units) else 0, dtype=np.int64)
        found = []
        for lefts, rights in _slices(runs):
            keep = _holds(condition, left.batch, right, lefts, rights)
            owners = units[lefts[keep]]
            inside = ranks(owners) + taken[owners] < rows
            found.append((lefts[keep][inside], rights[keep][inside]))
            taken += np.bincount(owners, minlength=len(taken))
    nothing = np.array([], dtype=np.int64)
    return (
        np.concatenate([nothing, *(pair[0] for pair in found)]),
        np.concatenate([nothing, *(pair[1] for pair in found)]),
    )


def _within_bound(counts: Index, units: Index, rows: int) -> Index:
    """How many of its *counts* pairs each left row keeps, *rows* in each unit at most."""
    before = np.cumsum(counts) - counts
    starts = starts_of(units)
    lengths = np.diff(np.append(starts, len(units)))
    before -= np.repeat(before[starts], lengths)
    found: Index = np.clip(rows - before, 0, counts)
    return found


def _with_unmatched(pairs: tuple[Index, Index], units: Index, rows: int) -> tuple[Index, Index]:
    """Pairs with -1 on the right for left rows without any, each in its place, bounded again.

    Where a unit's bound had been reached, later left rows seem unmatched; they come after the bound here too.
    """
    lefts, rights = pairs
    lonely: Mask = np.ones(len(units), dtype=np.bool_)
    lonely[lefts] = False
    alone = np.flatnonzero(lonely)
    lefts = np.concatenate([lefts, alone])
    rights = np.concatenate([rights, np.full(len(alone), -1)])
    order = np.argsort(lefts, kind="stable")
    lefts, rights = lefts[order], rights[order]
    inside = ranks(units[lefts]) < rows
    return lefts[inside], rights[inside]


def _has_partner(
    condition: Expression | None, left: pa.RecordBatch, right: pa.RecordBatch, runs: Runs
) -> Mask:
    if condition is None:
        return runs.high > runs.low
    found: Mask = np.zeros(left.num_rows, dtype=np.bool_)
    for lefts, rights in _slices(runs):
        found[lefts[_holds(condition, left, right, lefts, rights)]] = True
    return found


def _slices(runs: Runs) -> Iterator[tuple[Index, Index]]:
    """Yield all pairs in order, at most SLICE at a time."""
    counts = runs.high - runs.low
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    for start in range(0, total, SLICE):
        numbers = np.arange(start, min(start + SLICE, total))
        lefts = np.searchsorted(ends, numbers, side="right")
        yield lefts, runs.high[lefts] - ends[lefts] + numbers


def _holds(
    condition: Expression, left: pa.RecordBatch, right: pa.RecordBatch, lefts: Index, rights: Index
) -> Mask:
    needed = columns(condition)
    left = left.select([name for name in left.schema.names if name in needed or name == UNIT])
    right = right.select([name for name in right.schema.names if name in needed])
    return keep_mask(condition, _beside(left, right, lefts, rights))


def _beside(left: pa.RecordBatch, right: pa.RecordBatch, lefts: Index, rights: Index) -> pa.RecordBatch:
    from_left, from_right = pa.array(lefts), pa.array(rights, mask=rights < 0)
    arrays = [column.take(from_left) for column in left.columns]
    arrays += [column.take(from_right) for column in right.columns]
    return pa.RecordBatch.from_arrays(arrays, [*left.schema.names, *right.schema.names])
