"""Streams of chunks: rows of a relation, whole units at a time.

A chunk never splits a unit, so whatever is done within units can be done chunk by chunk, and no answer
depends on where chunks end.  A stream has at least one chunk, which may be empty: its columns are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.relations import Scan, slot
from sandbox.schema import ORDINAL, UNIT_TAG

UNIT: Final = ""
"""The column with the number of a row's unit in its chunk: from 0, never falling.  No slot has this name."""

Index = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Tags = npt.NDArray[np.bytes_]
"""Unit tags as 16-byte strings.  numpy takes no notice of zero bytes at their end, which makes no two of
equal length equal, nor changes their order."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of whole units, columns named by slot.

    *keep*: which rows are rows of the relation, None for all of them.  *tags*: the tag of each unit, rising,
    where a join above asks for them; units without a row are among them.
    """

    batch: pa.RecordBatch
    tags: Tags | None = None
    keep: Mask | None = None

    @property
    def units(self) -> Index:
        """The number of each row's unit."""
        return np.asarray(self.batch.column(UNIT))

    def compact(self, where: Mask | None = None) -> Chunk:
        """Return a chunk of the rows that are kept and where *where* is true."""
        keep = where if self.keep is None else self.keep if where is None else self.keep & where
        if keep is None:
            return self
        return replace(self, batch=self.batch.filter(pa.array(keep)), keep=None)


def scan(
    core: Scan, batches: Iterable[pa.RecordBatch], columns: Sequence[str], *, whole: bool, tagged: bool
) -> Iterator[Chunk]:
    """Yield the stored rows of *batches* with *columns*; rows beyond the bound are not kept.

    Without *whole* chunks end where batches end and `UNIT` means nothing: enough for plain sums.
    """
    names = [*(slot(core.place, name) for name in columns), UNIT]
    empty = True
    for batch in whole_units(batches) if whole else batches:
        empty = False
        ordinals = np.asarray(batch.column(ORDINAL))
        first = ordinals == 0
        # A batch without columns would have no rows, so there is always a last one.
        units = np.cumsum(first, dtype=np.int64) - 1 if whole else first
        arrays = [*(batch.column(name) for name in columns), pa.array(units)]
        tags = tags_of(batch.column(UNIT_TAG))[first] if tagged else None
        keep = None if core.rows is None else ordinals < core.rows
        yield Chunk(pa.RecordBatch.from_arrays(arrays, names), tags, keep)
    if empty:
        arrays = [*(pa.nulls(0) for _ in columns), pa.array([], pa.int64())]
        yield Chunk(pa.RecordBatch.from_arrays(arrays, names), np.array([], "S16") if tagged else None)


def whole_units(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the same rows in batches that end where a unit ends.

    Most rows are passed on as they are; only the unit across two batches (or more) is copied.
    """
    carried: list[pa.RecordBatch] = []
    for batch in batches:
        starts = np.flatnonzero(np.asarray(batch.column(ORDINAL)) == 0)
        if not len(starts):
            carried.append(batch)
            continue
        first, last = int(starts[0]), int(starts[-1])
        carried.append(batch.slice(0, first))
        yield from _joined(carried)
        if first < last:
            yield batch.slice(first, last - first)
        carried = [batch.slice(last)]
    yield from _joined(carried)


def _joined(pieces: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    pieces = [piece for piece in pieces if piece.num_rows]
    if len(pieces) < 2:
        return pieces
    # Pieces may bring dictionaries of their own; combining makes one of them.
    found: list[pa.RecordBatch] = pa.Table.from_batches(pieces).combine_chunks().to_batches()
    return found


def tags_of(column: pa.Array) -> Tags:
    """Return a column of 16-byte values, none null."""
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    data: Tags = np.frombuffer(column.buffers()[1], dtype="S16")[column.offset : column.offset + len(column)]
    return data


def side_by_side(left: Iterable[Chunk], right: Iterator[Chunk]) -> Iterator[tuple[Chunk, Chunk]]:
    """Yield all units of *left*, in chunks each beside one of *right* that has all rows of these units.

    Both are compact, tagged, and rise by tag.
    """
    other = next(right)
    more = True
    for chunk in left:
        rest = chunk
        while True:
            tags = _tags(rest)
            while len(tags) and more and (not len(_tags(other)) or _tags(other)[-1] < tags[0]):
                following = next(right, None)
                more, other = following is not None, following or other
            count = len(tags)
            if count and more and _tags(other)[-1] < tags[-1]:
                count = int(np.searchsorted(tags, _tags(other)[-1:], side="right")[0])
            yield some_units(rest, 0, count), other
            if count == len(tags):
                break
            rest = some_units(rest, count, len(tags))


def some_units(chunk: Chunk, first: int, end: int) -> Chunk:
    """Return units [*first*, *end*) of a compact *chunk*."""
    start, stop = (int(row) for row in np.searchsorted(chunk.units, [first, end]))
    batch = chunk.batch.slice(start, stop - start)
    if first:
        numbers = pa.array(np.asarray(batch.column(UNIT)) - first)
        batch = batch.set_column(batch.schema.get_field_index(UNIT), UNIT, numbers)
    return Chunk(batch, None if chunk.tags is None else chunk.tags[first:end])


def _tags(chunk: Chunk) -> Tags:
    assert chunk.tags is not None
    return chunk.tags


def starts_of(numbers: npt.NDArray[np.signedinteger[Any]]) -> Index:
    """Return where each run of equal *numbers* begins."""
    if not len(numbers):
        return np.array([], dtype=np.int64)
    return np.append(0, np.flatnonzero(numbers[1:] != numbers[:-1]) + 1)


def ranks(numbers: npt.NDArray[np.signedinteger[Any]]) -> Index:
    """Return the place of each row, from 0, in its run of equal *numbers*."""
    starts = starts_of(numbers)
    lengths = np.diff(np.append(starts, len(numbers)))
    found: Index = np.arange(len(numbers)) - np.repeat(starts, lengths)
    return found
