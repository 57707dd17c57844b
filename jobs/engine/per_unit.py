"""One row per unit, or per unit and group: aggregates that see all rows of a unit and nobody else's.

Floats are added one by one in row order (`numpy.bincount` does), so a sum depends on the unit's rows alone
and a null adds nothing: ``WHERE p`` and ``FILTER (WHERE p)`` agree to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.engine.chunks import UNIT, Chunk, Index, Mask, ranks, starts_of
from jobs.engine.codes import coded
from jobs.evaluate import evaluate
from jobs.relations import PerUnit, UnitValue


def per_unit(core: PerUnit, chunk: Chunk) -> Chunk:
    """Return the groups of a compact *chunk* as rows."""
    groups = _groups(core, chunk)
    rows = groups.rows
    firsts = pa.array(groups.firsts)
    columns = {name: evaluate(key, rows).take(firsts) for name, key in core.keys}
    columns |= {value.slot: _value(value, groups) for value in core.values}
    columns[UNIT] = rows.column(UNIT).take(firsts)
    return replace(chunk, batch=pa.RecordBatch.from_arrays(list(columns.values()), list(columns)))


@dataclass(frozen=True, slots=True)
class _Groups:
    """*rows* with those of a group together; *numbers*: the group of each row; *firsts*: where it begins."""

    rows: pa.RecordBatch
    numbers: Index
    firsts: Index


def _groups(core: PerUnit, chunk: Chunk) -> _Groups:
    rows, units = chunk.batch, chunk.units
    if not core.keys:
        return _contiguous(rows, units)
    numbers = units
    for _, key in core.keys:
        codes, distinct = coded(evaluate(key, rows))
        # Made dense again at every key: the products stay far below 2**63.
        numbers = np.unique(numbers * (len(distinct) + 1) + codes + 1, return_inverse=True)[1]
    # Numbered by first appearance: units stand together, so groups of a unit do too.
    _, first, numbers = np.unique(numbers, return_index=True, return_inverse=True)
    place = np.empty(len(first), dtype=np.int64)
    place[np.argsort(first)] = np.arange(len(first))
    numbers = place[numbers]
    if core.rows is not None:
        allowed = ranks(units[np.sort(first)]) < core.rows
        kept = np.flatnonzero(allowed[numbers])
        rows, numbers = rows.take(pa.array(kept)), numbers[kept]
    order = np.argsort(numbers, kind="stable")
    return _contiguous(rows.take(pa.array(order)), numbers[order])


def _contiguous(rows: pa.RecordBatch, numbers: Index) -> _Groups:
    firsts = starts_of(numbers)
    lengths = np.diff(np.append(firsts, len(numbers)))
    return _Groups(rows, np.repeat(np.arange(len(firsts)), lengths), firsts)


def _value(value: UnitValue, groups: _Groups) -> pa.Array:
    return _clamped(_aggregate(value, groups), value.low, value.high)


def _aggregate(value: UnitValue, groups: _Groups) -> pa.Array:
    count = len(groups.firsts)
    if value.argument is None:
        return pa.array(np.bincount(groups.numbers, minlength=count))
    values = evaluate(value.argument, groups.rows)
    match value.kind:
        case "count":
            return pa.array(np.bincount(groups.numbers[_valid(values)], minlength=count))
        case "distinct":
            return _distinct(values, groups)
        case "min" | "max":
            return _extreme(values, groups, least=value.kind == "min")
    return _total(values, groups, mean=value.kind == "avg")


def _total(values: pa.Array, groups: _Groups, *, mean: bool) -> pa.Array:
    valid = _valid(values)
    numbers = pc.cast(values, pa.float64(), safe=False).fill_null(0.0)
    count = len(groups.firsts)
    found = np.bincount(groups.numbers, weights=np.asarray(numbers), minlength=count).astype(np.float64)
    present = np.bincount(groups.numbers[valid], minlength=count)
    if mean:
        found /= np.maximum(present, 1)
    # An overflowing total is no number, like every result that is not finite.
    return pa.array(found, mask=(present == 0) | ~np.isfinite(found))


def _distinct(values: pa.Array, groups: _Groups) -> pa.Array:
    codes, distinct = coded(values)
    valid = codes >= 0
    width = len(distinct) + 1
    pairs = np.unique(groups.numbers[valid] * width + codes[valid])
    return pa.array(np.bincount(pairs // width, minlength=len(groups.firsts)))


def _extreme(values: pa.Array, groups: _Groups, *, least: bool) -> pa.Array:
    """The least or greatest value of any kind; text by code points."""
    codes, distinct = coded(values)
    if not len(distinct):
        return pa.nulls(len(groups.firsts), distinct.type)
    order = pc.array_sort_indices(distinct)
    rank = np.empty(len(distinct) + 1, dtype=np.int64)
    rank[np.asarray(order)] = np.arange(len(distinct))
    none = len(distinct) if least else -1
    rank[-1] = none  # the code of null is -1
    best = (np.minimum if least else np.maximum).reduceat(rank[codes], groups.firsts)
    return distinct.take(order.take(pa.array(np.where(best == none, 0, best), mask=best == none)))


def _clamped(values: pa.Array, low: Fraction | None, high: Fraction | None) -> pa.Array:
    if low is None or high is None:
        return values
    if pa.types.is_integer(values.type) and low.denominator == high.denominator == 1:
        least, most = max(int(low), -(2**63)), min(int(high), 2**63 - 1)
        return pa.array(np.clip(np.asarray(values.fill_null(0)), least, most), mask=~_valid(values))
    values = pc.cast(values, pa.float64(), safe=False)
    numbers = np.clip(np.asarray(values.fill_null(0.0)), float(low), float(high))
    return pa.array(numbers, mask=~_valid(values))


def _valid(values: pa.Array) -> Mask:
    found: Mask = np.asarray(values.is_valid())
    return found
