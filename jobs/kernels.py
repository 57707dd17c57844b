"""From a shard to integers: what a worker does with the rows of its shard.

The order of steps is the guarantee.  A batch is read with only the granted columns; the row bound is applied
first (``ordinal < R``: always the same R rows of a unit, whatever the query); then WHERE; then every row that
is left finds its cell, or none; then each measurement adds its integers per cell.

All sums are exact.  A row's contribution is an integer q with |q| ≤ step < 2**53, held in float64.  Batches
have at most 2**20 rows, so one `numpy.bincount` over limbs of at most 32 bits stays below 2**52, where
float64 adds integers exactly; limbs are collected in int64 and put together as Python integers at the end.
Which path is taken depends on the plan's public step only.

The partial is as long as the plan says, never as the data says: 16 bytes per cell and measurement.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.codec import plan_from_json
from jobs.evaluate import evaluate, keep_mask
from jobs.expressions import Expression
from jobs.spec import Key, Measurement, Plan, read_columns
from sandbox.schema import ORDINAL, Scalar
from sandbox.vault.parquet import read_batches
from sandbox.vault.shard import ShardFile

BATCH_ROWS: Final = 2**20
LIMB_BITS: Final = 32
NUMBER_BYTES: Final = 16
MAX_BINS: Final = 2**18
"""Bins beyond which counting by raw codes would cost more than translating rows."""

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.int64]
Codes = npt.NDArray[np.signedinteger[Any]]


def count_shard(public: bytes, secret: bytes) -> bytes:
    """Worker entry: measure one shard; *public* holds plan and file, *secret* the granted column keys."""
    work = json.loads(public)
    plan = plan_from_json(work["plan"])
    keys = {name: bytes.fromhex(key) for name, key in json.loads(secret).items()}
    file = ShardFile(**work["file"])
    return encode(measure(plan, read_batches(Path(work["path"]), file, keys, read_columns(plan), BATCH_ROWS)))


def measure(plan: Plan, batches: Iterable[pa.RecordBatch]) -> list[list[int]]:
    """Return the exact integers of *plan* over *batches*: one list of `plan.cells` numbers a measurement."""
    totals = [_Total(item, plan.cells) for item in plan.measurements]
    arguments = {item.argument for item in plan.measurements if item.argument is not None}
    for batch in batches:
        for piece in _pieces(batch):
            bins = assign(plan, piece)
            values: dict[Expression | None, pa.Array] = {None: None}
            values |= {argument: evaluate(argument, piece) for argument in arguments}
            for total in totals:
                total.add(bins, values[total.item.argument])
    return [total.integers() for total in totals]


def encode(vectors: list[list[int]]) -> bytes:
    """Return *vectors* as fixed-width little-endian signed integers."""
    return b"".join(value.to_bytes(NUMBER_BYTES, "little", signed=True) for row in vectors for value in row)


def decode(partial: bytes, plan: Plan) -> list[list[int]]:
    """Return what `encode` wrote; raises `ValueError` for a partial of another plan's size."""
    if len(partial) != NUMBER_BYTES * plan.cells * len(plan.measurements):
        raise ValueError("a partial of another size")
    numbers = [
        int.from_bytes(partial[at : at + NUMBER_BYTES], "little", signed=True)
        for at in range(0, len(partial), NUMBER_BYTES)
    ]
    return [numbers[at : at + plan.cells] for at in range(0, len(numbers), plan.cells)]


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(start, BATCH_ROWS)


@dataclass(frozen=True, slots=True)
class Bins:
    """Where each row of a batch counts: row → bin (*rows*), bin → cell (*cells*).

    Cells are numbered from 1, row-major in the keys; 0 is nowhere.  The last bin is always nowhere.
    """

    rows: Cells
    cells: Cells

    def counts(self, valid: npt.NDArray[np.bool_] | None) -> Cells:
        """Return the number of rows (that are *valid*) of each bin."""
        if valid is None:
            return np.bincount(self.rows, minlength=len(self.cells))
        return np.bincount(self.rows[valid], minlength=len(self.cells))

    def sums(self, steps: Floats) -> Cells:
        """Return the sum of integers |step| < 2**33 of each bin, exactly."""
        return np.bincount(self.rows, weights=steps, minlength=len(self.cells)).astype(np.int64)


def assign(plan: Plan, batch: pa.RecordBatch) -> Bins:
    """Return the bins of a batch: the row bound first, then WHERE, then the keys.

    Text keys are stored as codes into small dictionaries.  Rows are counted by combined raw codes, and only
    the bins are translated to cells; where that makes too many bins, rows are translated themselves.
    """
    drop = np.asarray(batch.column(ORDINAL)) >= plan.max_rows
    if plan.where is not None:
        drop |= ~keep_mask(plan.where, batch)
    coded = [key_codes(key, batch) for key in plan.keys]
    sizes = [len(key.categories) for key in plan.keys]
    if prod(len(one.table) for one in coded) > MAX_BINS:
        coded = [one.translated(size) for one, size in zip(coded, sizes, strict=True)]
    if prod(len(one.table) for one in coded) > MAX_BINS:
        rows, cells = _one_by_one(coded, sizes, drop)
    else:
        rows, cells = _combined(coded, sizes, batch.num_rows)
    np.putmask(rows, drop, len(cells) - 1)
    return Bins(rows.astype(np.intp), cells)


@dataclass(frozen=True, slots=True)
class Coded:
    """A key's raw code per row (*codes*), and the category of each raw code, -1 for none (*table*)."""

    codes: Codes
    table: Cells

    def translated(self, categories: int) -> Coded:
        """Return the same with category numbers as codes; a row of no category has the code *categories*."""
        places = np.where(self.table < 0, categories, self.table)
        return Coded(_look_up(places, self.codes), np.append(np.arange(categories), -1))


def key_codes(key: Key, batch: pa.RecordBatch) -> Coded:
    """Return the codes of a key; nulls are matched against the null category."""
    values = evaluate(key.expression, batch)
    if not isinstance(values, pa.DictionaryArray):
        count = len(key.categories)
        found = _positions(values, key.categories)
        return Coded(np.where(found < 0, count, found), np.append(np.arange(count), -1))
    null = key.categories.index(None) if None in key.categories else -1
    table = np.append(_positions(values.dictionary, key.categories), null)
    indices = values.indices
    if indices.null_count:
        # A null row takes the last entry of the table.
        indices = indices.fill_null(len(table) - 1)
    return Coded(np.asarray(indices), table)


def _combined(coded: list[Coded], sizes: list[int], count: int) -> tuple[Codes, Cells]:
    """Bins by the raw codes of all keys together."""
    rows = np.zeros(count, dtype=np.int32)
    cells = np.zeros(1, dtype=np.int64)
    for one, size in zip(coded, sizes, strict=True):
        rows *= len(one.table)
        rows += one.codes.astype(np.int32, copy=False)
        inside = (cells[:, None] >= 0) & (one.table >= 0)
        cells = np.where(inside, cells[:, None] * size + one.table, -1).reshape(-1)
    return rows, np.append(cells + 1, 0)


def _one_by_one(coded: list[Coded], sizes: list[int], drop: npt.NDArray[np.bool_]) -> tuple[Codes, Cells]:
    """Bins by cell, for keys whose codes would make too many bins together."""
    rows = np.zeros(len(drop), dtype=np.int64)
    for one, size in zip(coded, sizes, strict=True):
        rows *= size
        rows += np.minimum(one.codes, size - 1)
        drop |= one.codes >= size
    return rows, np.append(np.arange(1, prod(sizes) + 1), 0)


def _positions(values: pa.Array, categories: tuple[Scalar, ...]) -> Cells:
    """Place of each value among *categories*; one that cannot be such a value is never matched."""
    if pa.types.is_null(values.type):
        place = categories.index(None) if None in categories else -1
        return np.full(len(values), place, dtype=np.int64)
    wanted, places = _value_set(values.type, categories)
    found = pc.index_in(values, value_set=wanted).fill_null(len(wanted))
    return _look_up(places, np.asarray(found))


def _look_up(table: Cells, indices: Codes) -> Cells:
    # Indices of numpy's own width and a mode that buffers nothing: ten times the speed of plain take.
    return table.take(indices.astype(np.intp), mode="clip")


@cache
def _value_set(kind: pa.DataType, categories: tuple[Scalar, ...]) -> tuple[pa.Array, Cells]:
    """The categories that can be values of *kind*, and the place of each, then -1 for all else."""
    fitting = [(item, place) for place, item in enumerate(categories) if _fits(item, kind)]
    places = np.array([place for _, place in fitting] + [-1], dtype=np.int64)
    return pa.array([item for item, _ in fitting], type=kind), places


def _fits(value: Scalar, kind: pa.DataType) -> bool:
    """Whether *value* is exactly a value of *kind* (1.5 is no int64, a date is no timestamp)."""
    try:
        return bool(pa.scalar(value, type=kind).as_py() == value)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return False


class _Total:
    """One measurement's exact sums over all batches of a shard, as limbs; cell 0 is nowhere."""

    def __init__(self, item: Measurement, cells: int) -> None:
        self.item = item
        limbs = 1 if item.step < 2**LIMB_BITS else 2
        self._limbs = [np.zeros(cells + 1, dtype=np.int64) for _ in range(limbs)]

    def add(self, bins: Bins, values: pa.Array | None) -> None:
        """Add a batch: its bins, and the values of the measurement's argument if it has one."""
        for limb, found in zip(self._limbs, self._found(bins, values), strict=True):
            np.add.at(limb, bins.cells, found)

    def integers(self) -> list[int]:
        """Return the sums of cells 1…n."""
        low: list[int]
        low, *high = [limb[1:].tolist() for limb in self._limbs]
        if not high:
            return low
        return [below + (above << LIMB_BITS) for below, above in zip(low, high[0], strict=True)]

    def _found(self, bins: Bins, values: pa.Array | None) -> list[Cells]:
        if self.item.kind == "count" or values is None:
            return [bins.counts(None if values is None else _valid(values))]
        steps = contributions(values, self.item)
        if len(self._limbs) == 1:
            return [bins.sums(steps)]
        high = np.floor(steps / 2.0**LIMB_BITS)
        return [bins.sums(steps - high * 2.0**LIMB_BITS), bins.sums(high)]


def contributions(values: pa.Array, item: Measurement) -> Floats:
    """Return round(clamp(v) / grid) - origin / grid per row, 0 for nulls; |result| ≤ item.step in every row.

    Rounded before the origin is taken off, so that a value counts the same whatever the origin: a SUM and an
    AVG of one column are about the same rounded values.
    """
    numbers = values if values.type == pa.float64() else pc.cast(values, pa.float64(), safe=False)
    valid = _valid(numbers)
    if valid is not None:
        numbers = numbers.fill_null(0.0)
    grid = item.grid
    steps: Floats = np.clip(np.asarray(numbers), float(item.low), float(item.high))
    # Never by float(grid): a grid too small for float64 would be 0 there, and 0 / 0 passes every clip.
    steps *= float(grid.denominator)
    if grid.numerator != 1:
        steps /= float(grid.numerator)
    np.rint(steps, out=steps)
    # Scaling in float64 may land beside the bound: the integer bounds have the last word.
    np.clip(steps, float(item.low / grid), float(item.high / grid), out=steps)
    if item.origin:
        steps -= float(item.origin / grid)
    if valid is not None:
        steps[~valid] = 0.0
    return steps


def _valid(values: pa.Array) -> npt.NDArray[np.bool_] | None:
    """Which rows are not null, or None if all are."""
    if not values.null_count:
        return None
    valid: npt.NDArray[np.bool_] = np.asarray(values.is_valid())
    return valid
