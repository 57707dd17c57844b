"""A whole mock table: units with one to *most_rows* rows each, in blocks that need no more memory than one.

Units are numbered, and their rows stand together before a block is shuffled.  A unit has the same name in
every dataset of its namespace, so that mock datasets can be joined.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from classifiers.mock.columns import MockColumn, cells, unit_format, unit_names
from classifiers.mock.draws import MOST, Draws, Numbers
from classifiers.mock.formats import speaks_chinese
from sandbox.schema import ROW_UNIT

BLOCK_ROWS: Final = 2**17
"""Rows of a block, about: what is in memory at a time."""
_UNITS: Final = "units"

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is made: *units* people with *rows* rows in all."""

    rows: int
    units: int


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that are made together: the number of each row and of its unit, both from 0 over the table."""

    rows: Numbers
    units: Numbers


@dataclass(frozen=True, slots=True)
class MockTable:
    """What is public about a dataset, and the *seed* under which it is invented."""

    name: str
    columns: tuple[MockColumn, ...]
    unit: str
    namespace: str
    most_rows: int
    seed: int

    def fits(self, size: Size) -> bool:
        """Whether so many units can have so many rows."""
        most = 1 if self.unit == ROW_UNIT else self.most_rows
        return 1 <= size.units <= size.rows <= size.units * most

    @property
    def most_units(self) -> int:
        """How many units can be told apart by the names that their column's tag gives them."""
        column = next((it for it in self.columns if it.field.name == self.unit), None)
        return MOST if column is None else unit_format(column, chinese=self._chinese()).capacity

    def blocks(self, size: Size) -> Iterator[Block]:
        """Yield all rows, unit after unit."""
        each = max(1, BLOCK_ROWS * size.units // size.rows)
        for first in range(0, size.units, each):
            units = min(each, size.units - first)
            start = size.rows * first // size.units
            rows = size.rows * (first + units) // size.units - start
            numbers = np.arange(first, first + units, dtype=np.uint64)
            counts = self._counts(numbers, rows)
            yield Block(np.arange(start, start + rows, dtype=np.uint64), np.repeat(numbers, counts))

    def _counts(self, units: Numbers, rows: int) -> Counts:
        """How many of *rows* each of *units* has: few of them many, each at least one."""
        most, spare = self.most_rows - 1, rows - len(units)
        weights = (self._draws(_UNITS).below(units, 256).astype(np.int64) + 1) ** 2
        extra = np.minimum(spare * weights // int(weights.sum()), most)
        while left := spare - int(extra.sum()):
            room = np.flatnonzero(extra < most)
            if left <= len(room):
                extra[room[:left]] += 1
            else:
                extra[room] = np.minimum(extra[room] + left // len(room), most)
        return extra + 1

    def shuffled(self, block: Block) -> Block:
        """Return the rows of *block* in another order, so that a unit's rows lie apart."""
        order = np.argsort(self._draws("order").numbers(block.rows), kind="stable")
        return Block(block.rows[order], block.units[order])

    def column(self, name: str, block: Block) -> Any:
        """Return the cells of column *name* for the rows of *block*."""
        column = next(it for it in self.columns if it.field.name == name)
        chinese = self._chinese()
        if name == self.unit:
            return unit_names(
                column, Draws(self.seed, ("unit", self.namespace)), block.units, chinese=chinese
            )
        places = block.units if column.of_a_person else block.rows
        return cells(column, self._draws(name), places, chinese=chinese)

    def batch(self, block: Block) -> pa.RecordBatch:
        """Return *block* with all columns."""
        names = [column.field.name for column in self.columns]
        return pa.RecordBatch.from_arrays([self.column(name, block) for name in names], names)

    def _draws(self, purpose: str) -> Draws:
        return Draws(self.seed, (self.name, purpose))

    def _chinese(self) -> bool:
        return speaks_chinese([f"{it.field.name} {it.field.description}" for it in self.columns])


def usual_size(table: MockTable, rows: int | None, units: int | None) -> Size:
    """Return a size with what is given of it: two rows a unit, or as many as there may be."""
    each = 1 if table.unit == ROW_UNIT else min(table.most_rows, 2)
    if rows is None:
        return Size((units or 1000) * each, units or 1000)
    return Size(rows, -(-rows // each) if units is None else units)
