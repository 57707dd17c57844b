"""Public tables in a worker: checked against the plan, and found by value."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.engine.chunks import Chunk, Index, Mask
from jobs.engine.codes import coded, positions
from jobs.engine.pairs import Runs
from jobs.evaluate import evaluate
from jobs.expressions import Column
from jobs.operations.values import common_type
from jobs.plan import PublicTable
from jobs.relations import Lookup, slot
from sandbox.errors import TamperingError


def read_table(path: Path, table: PublicTable) -> pa.RecordBatch:
    """Return the rows of a public table; `TamperingError` unless it is the file planned with."""
    try:
        data = path.read_bytes()
    except OSError:
        raise TamperingError("vault.missing-table", table=table.name) from None
    if hashlib.sha256(data).hexdigest() != table.digest:
        raise TamperingError("vault.changed-table", table=table.name)
    return one_batch(pq.read_table(pa.BufferReader(data), use_threads=False))


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """Return all rows of *table* as one batch."""
    found = table.combine_chunks().to_batches()
    if not found:
        return pa.RecordBatch.from_arrays(
            [pa.array([], field.type) for field in table.schema], schema=table.schema
        )
    (batch,) = found
    return batch


@dataclass(frozen=True, slots=True)
class _Level:
    """One column of a key: its distinct values, and which (place so far, value) pairs there are, sorted."""

    distinct: pa.Array
    known: Index


class TableIndex:
    """A public table sorted by what *core* looks up in it; equal rows keep their order in the table."""

    def __init__(self, core: Lookup, table: pa.RecordBatch, columns: Sequence[str]) -> None:
        needed = sorted({*columns, *(name for _, name in core.on)})
        names = [slot(core.place, name) for name in needed]
        self._core = core
        self._table = pa.RecordBatch.from_arrays([table.column(name) for name in needed], names)
        self._keys = [evaluate(Column(slot(core.place, name)), self._table) for _, name in core.on]
        self._sorted: dict[tuple[pa.DataType, ...], _Sorted] = {}

    def runs(self, left: Chunk) -> tuple[pa.RecordBatch, Runs]:
        """Return the sorted table and, for each row of *left*, the rows of it that have its values."""
        values = [evaluate(expression, left.batch) for expression, _ in self._core.on]
        pairs = zip(values, self._keys, strict=True)
        meeting = tuple(common_type([_type(one), _type(other)]) for one, other in pairs)
        if meeting not in self._sorted:
            self._sorted[meeting] = _sorted(
                self._table, [_as(*it) for it in zip(self._keys, meeting, strict=True)]
            )
        found = self._sorted[meeting]
        places = _places([_as(*it) for it in zip(values, meeting, strict=True)], found.levels)
        return found.rows, Runs(found.ends[places + 1], found.ends[places + 2])


@dataclass(frozen=True, slots=True)
class _Sorted:
    """*rows* by place; those of place p are [ends[p + 1], ends[p + 2]), none for place -1."""

    rows: pa.RecordBatch
    levels: tuple[_Level, ...]
    ends: Index


def _sorted(table: pa.RecordBatch, keys: list[pa.Array]) -> _Sorted:
    levels: list[_Level] = []
    for number, key in enumerate(keys):
        distinct = coded(key)[1]
        before = _places(keys[:number], levels) if number else np.zeros(table.num_rows, dtype=np.int64)
        found = positions(key, distinct)
        # Places are dense at every column: products of two counts of rows stay far below 2**63.
        known = np.unique((before * len(distinct) + found)[(before >= 0) & (found >= 0)])
        levels.append(_Level(distinct, known))
    places = _places(keys, levels)
    order = np.argsort(places, kind="stable")[np.count_nonzero(places < 0) :]
    ends = np.searchsorted(places[order], np.arange(len(levels[-1].known) + 1))
    return _Sorted(table.take(pa.array(order)), tuple(levels), np.append(0, ends))


def _places(keys: Sequence[pa.Array], levels: Sequence[_Level]) -> Index:
    """The number of each row's tuple of values among those of the table, -1 for none."""
    place = np.zeros(len(keys[0]), dtype=np.int64)
    there: Mask = np.ones(len(keys[0]), dtype=np.bool_)
    for key, level in zip(keys, levels, strict=True):
        found = positions(key, level.distinct)
        wanted = place * len(level.distinct) + found
        place = np.searchsorted(level.known, wanted)
        there &= (found >= 0) & (place < len(level.known))
        place = np.where(there, place, 0)
        there[there] = level.known[place[there]] == wanted[there]
    return np.where(there, place, -1)


def _type(values: pa.Array) -> pa.DataType:
    return values.type.value_type if isinstance(values, pa.DictionaryArray) else values.type


def _as(values: pa.Array, target: pa.DataType) -> pa.Array:
    # Not safe: a safe cast raises where int64 is not exactly a float64.
    return values if _type(values) == target else values.cast(target, safe=False)
