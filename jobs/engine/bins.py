"""Where rows count: from group keys to the numbered cells of a part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.engine.chunks import Index, Mask
from jobs.engine.codes import Codes, category_positions, look_up
from sandbox.schema import Scalar

MOST_BINS: Final = 2**18
"""Bins beyond which counting by raw codes costs more than translating rows."""
EXACT_ROWS: Final = 2**20
"""Rows that are added at once: so many integers below 2**33 stay below 2**53."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bins:
    """Where each row of a chunk counts: row → bin (*rows*), bin → cell (*cells*).

    Cells are numbered from 1, row-major in the keys; 0 is nowhere.  The last bin is always nowhere.
    *name*: bins of one chunk with equal names have the same rows; None if they are nobody else's.
    """

    rows: Index
    cells: Index
    name: object = None

    def without(self, rows: Mask, name: object) -> Bins:
        """Return the same bins, but for *rows*, which are nowhere; *name* as in `name`."""
        return Bins(np.where(rows, len(self.cells) - 1, self.rows), self.cells, name)

    def counts(self, valid: Mask | None) -> Index:
        """Return the number of rows (that are *valid*) of each bin."""
        rows = self.rows if valid is None else self.rows[valid]
        return np.bincount(rows, minlength=len(self.cells))

    def sums(self, steps: Floats) -> Index:
        """Return the sum of integers |step| < 2**33 of each bin, exactly."""
        found = np.zeros(len(self.cells), dtype=np.int64)
        for start in range(0, len(steps), EXACT_ROWS):
            rows, weights = self.rows[start : start + EXACT_ROWS], steps[start : start + EXACT_ROWS]
            found += np.bincount(rows, weights=weights, minlength=len(found)).astype(np.int64)
        return found

    def places(self) -> Index:
        """Return the cell of each row."""
        return look_up(self.cells, self.rows)


@dataclass(frozen=True, slots=True)
class Coded:
    """A key's raw code per row (*codes*), and the category of each raw code, -1 for none (*table*)."""

    codes: Codes
    table: Index

    def translated(self, categories: int) -> Coded:
        """Return the same with category numbers as codes; a row of no category has the code *categories*."""
        places = np.where(self.table < 0, categories, self.table)
        return Coded(look_up(places, self.codes), np.append(np.arange(categories), -1))


def key_codes(values: pa.Array, categories: tuple[Scalar, ...]) -> Coded:
    """Return the codes of a key's *values*; nulls are matched against the null category.

    Text keys are stored as codes into small dictionaries, which are translated instead of rows.
    """
    if not isinstance(values, pa.DictionaryArray):
        count = len(categories)
        found = category_positions(values, categories)
        return Coded(np.where(found < 0, count, found), np.append(np.arange(count), -1))
    null = categories.index(None) if None in categories else -1
    table = np.append(category_positions(values.dictionary, categories), null)
    indices = values.indices
    if indices.null_count:
        # A null row takes the last entry of the table.
        indices = indices.fill_null(len(table) - 1)
    return Coded(np.asarray(indices), table)


@dataclass(frozen=True, slots=True)
class Axis:
    """A key with *size* categories and its *stride* in the cells; 0 for one that rows must match only."""

    size: int
    stride: int


def axes(own: Sequence[int], everything: Sequence[int], sizes: Sequence[int]) -> list[Axis]:
    """Return the axis of each key number in *everything*; *own* are a part's keys, row-major."""
    strides = {key: prod(sizes[later] for later in own[place + 1 :]) for place, key in enumerate(own)}
    return [Axis(sizes[key], strides.get(key, 0)) for key in everything]


def bin_count(keys: Sequence[Coded]) -> int:
    """Return how many bins the raw codes of all *keys* make together."""
    return prod(len(key.table) for key in keys)


def raw_rows(keys: Sequence[Coded], drop: Mask | None, count: int) -> Index:
    """Return each row's bin by the raw codes of all *keys* together; the last is for rows to *drop*."""
    rows = np.zeros(count, dtype=np.int32)
    for key in keys:
        rows *= len(key.table)
        rows += key.codes.astype(np.int32, copy=False)
    if drop is not None:
        np.putmask(rows, drop, bin_count(keys))
    return rows.astype(np.intp)


def raw_cells(keys: Sequence[Coded], along: Sequence[Axis]) -> Index:
    """Return the cell of each bin of `raw_rows`."""
    cells = np.zeros(1, dtype=np.int64)
    for key, axis in zip(keys, along, strict=True):
        inside = (cells[:, None] >= 0) & (key.table >= 0)
        cells = np.where(inside, cells[:, None] + key.table * axis.stride, -1).reshape(-1)
    return np.append(cells + 1, 0)


def row_by_row(keys: Sequence[Coded], along: Sequence[Axis], drop: Mask | None, count: int) -> Bins:
    """Return bins that are cells, for keys whose codes would make too many bins together."""
    rows = np.zeros(count, dtype=np.int64)
    out = np.zeros(count, dtype=np.bool_) if drop is None else drop.copy()
    for key, axis in zip(keys, along, strict=True):
        places = look_up(key.table, key.codes)
        out |= places < 0
        rows += places * axis.stride
    size = prod(axis.size for axis in along if axis.stride)
    np.putmask(rows, out, size)
    return Bins(rows, np.append(np.arange(1, size + 1), 0))
