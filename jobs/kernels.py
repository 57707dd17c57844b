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
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.codec import plan_from_json
from jobs.evaluate import evaluate, keep_mask
from jobs.expressions import columns
from jobs.spec import Key, Measurement, Plan
from sandbox.schema import ORDINAL, Scalar
from sandbox.vault.parquet import ShardFile, read_batches

BATCH_ROWS: Final = 2**20
LIMB_BITS: Final = 32
NUMBER_BYTES: Final = 16

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.int64]


def count_shard(public: bytes, secret: bytes) -> bytes:
    """Worker entry: measure one shard; *public* holds plan and file, *secret* the granted column keys."""
    work = json.loads(public)
    plan = plan_from_json(work["plan"])
    keys = {name: bytes.fromhex(key) for name, key in json.loads(secret).items()}
    file = ShardFile(**work["file"])
    return encode(measure(plan, read_batches(Path(work["path"]), file, keys, read_columns(plan))))


def read_columns(plan: Plan) -> tuple[str, ...]:
    """Return the columns that *plan* reads, engine column included, sorted."""
    found = {ORDINAL} | (set(columns(plan.where)) if plan.where is not None else set())
    for expression in (*(k.expression for k in plan.keys), *(m.argument for m in plan.measurements)):
        found |= columns(expression) if expression is not None else frozenset()
    return tuple(sorted(found))


def measure(plan: Plan, batches: Iterable[pa.RecordBatch]) -> list[list[int]]:
    """Return the exact integers of *plan* over *batches*: one list of `plan.cells` numbers a measurement."""
    totals = [_Total(item, plan.cells) for item in plan.measurements]
    for batch in batches:
        for piece in _pieces(batch):
            cells = _cells(plan, piece)
            for total in totals:
                total.add(piece, cells)
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


def _cells(plan: Plan, batch: pa.RecordBatch) -> Cells:
    """Cell number of every row from 1, row-major in the keys; 0 for a row that counts nowhere."""
    keep = np.asarray(batch.column(ORDINAL)) < plan.max_rows
    if plan.where is not None:
        keep &= keep_mask(plan.where, batch)
    cells = np.zeros(batch.num_rows, dtype=np.int64)
    for key in plan.keys:
        found = key_codes(key, batch)
        keep &= found >= 0
        cells *= len(key.categories)
        cells += found
    cells += 1
    cells *= keep
    return cells


def key_codes(key: Key, batch: pa.RecordBatch) -> Cells:
    """Return each row's category number, -1 where the value is none of the key's categories."""
    values = evaluate(key.expression, batch)
    if not isinstance(values, pa.DictionaryArray):
        return _positions(values, key.categories)
    null = key.categories.index(None) if None in key.categories else -1
    table = np.append(_positions(values.dictionary, key.categories), null)
    indices = values.indices
    if indices.null_count:
        # A null row takes the last entry of the table.
        indices = indices.fill_null(len(table) - 1)
    return _look_up(table, indices)


def _positions(values: pa.Array, categories: tuple[Scalar, ...]) -> Cells:
    """Place of each value among *categories*; one that cannot be such a value is never matched."""
    if pa.types.is_null(values.type):
        place = categories.index(None) if None in categories else -1
        return np.full(len(values), place, dtype=np.int64)
    wanted, places = _value_set(values.type, categories)
    found = pc.index_in(values, value_set=wanted).fill_null(len(wanted))
    return _look_up(places, found)


def _look_up(table: Cells, indices: pa.Array) -> Cells:
    # Indices of numpy's own width and a mode that buffers nothing: ten times the speed of plain take.
    return table.take(np.asarray(indices).astype(np.intp), mode="clip")


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
    """One measurement's exact sums over all batches of a shard, as limbs."""

    def __init__(self, item: Measurement, cells: int) -> None:
        self._item = item
        self._size = cells + 1
        limbs = 1 if item.step < 2**LIMB_BITS else 2
        self._limbs = [np.zeros(self._size, dtype=np.int64) for _ in range(limbs)]

    def add(self, batch: pa.RecordBatch, cells: Cells) -> None:
        argument = self._item.argument
        values = None if argument is None else evaluate(argument, batch)
        if self._item.kind == "count":
            valid = None if values is None else _valid(values)
            self._add_counts(cells if valid is None else cells * valid)
        elif values is not None:
            self._add_sums(cells, contributions(values, self._item))

    def integers(self) -> list[int]:
        """Return the sums of cells 1…n (0 is the cell of rows that count nowhere)."""
        low: list[int]
        low, *high = [limb[1:].tolist() for limb in self._limbs]
        if not high:
            return low
        return [below + (above << LIMB_BITS) for below, above in zip(low, high[0], strict=True)]

    def _add_counts(self, cells: Cells) -> None:
        self._limbs[0] += np.bincount(cells, minlength=self._size)

    def _add_sums(self, cells: Cells, steps: Floats) -> None:
        if len(self._limbs) == 1:
            self._limbs[0] += _exact_bincount(cells, steps, self._size)
            return
        high = np.floor(steps / 2.0**LIMB_BITS)
        self._limbs[0] += _exact_bincount(cells, steps - high * 2.0**LIMB_BITS, self._size)
        self._limbs[1] += _exact_bincount(cells, high, self._size)


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
    steps = np.clip(np.asarray(numbers), float(item.low), float(item.high))
    if grid.numerator == 1:
        steps *= float(grid.denominator)
    else:
        steps /= float(grid)
    np.rint(steps, out=steps)
    # Scaling in float64 may land beside the bound: the integer bounds have the last word.
    np.clip(steps, float(item.low / grid), float(item.high / grid), out=steps)
    if item.origin:
        steps -= float(item.origin / grid)
    if valid is not None:
        np.multiply(steps, valid, out=steps)
    return steps


def _valid(values: pa.Array) -> npt.NDArray[np.bool_] | None:
    """Which rows are not null, or None if all are."""
    if not values.null_count:
        return None
    valid: npt.NDArray[np.bool_] = np.asarray(values.is_valid())
    return valid


def _exact_bincount(cells: Cells, steps: Floats, size: int) -> Cells:
    return np.bincount(cells, weights=steps, minlength=size).astype(np.int64)
