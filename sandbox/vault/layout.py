"""From buckets to shards: rows sorted, numbered within their unit, ready to be written.

Buckets are read in the order of their tags, a bounded number of rows at a time.  A unit never spans two
buckets, so each group of buckets can be sorted and numbered for itself, and the result does not depend on how
buckets are grouped.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from sandbox.schema import ORDINAL, UNIT_TAG
from sandbox.vault.cmac import Bytes
from sandbox.vault.partition import Index, Layout, ordinals, sort_rows
from sandbox.vault.spill import ORDER, TAG, Spill, marks_array, marks_of

_GROUP_ROWS = 1 << 19
_GROUP_BYTES = 64 << 20


def shard_tables(spill: Spill, layout: Layout, shard: int, shards: int) -> Iterator[pa.Table]:
    """Yield the rows of *shard* in order, as tables of `sandbox.vault.parquet.stored_schema`."""
    each = spill.buckets // shards
    for first, last in _groups(spill, shard * each, (shard + 1) * each):
        yield _numbered(spill.read(first, last), layout)


def deal_row_units(firsts: Spill, units: Spill, layout: Layout) -> None:
    """Give each row of *firsts* a tag of its own when each row is a unit, and deal it into *units*.

    Identical rows share a mark, so they lie in one bucket; counting them there gives the k-th of them its
    own tag.  Only the distinct marks of one bucket are in memory, and marks are spread evenly, so a table
    of a few very common rows needs no more than any other.
    """
    for bucket in range(firsts.buckets):
        known: dict[bytes, int] = {}
        for table in firsts.chunks(bucket):
            marks = marks_of(table[TAG])
            tags = layout.repeated(marks, _count_on(known, marks))
            for batch in table.drop_columns([TAG, ORDER]).combine_chunks().to_batches():
                units.add(batch, tags, tags)
    units.flush()
    firsts.close()


def _count_on(known: dict[bytes, int], marks: Bytes) -> Index:
    """Return for each mark how many equal ones came before it; *known* remembers across calls."""
    index = sort_rows(marks, marks)
    ordered = marks[index]
    within = ordinals(ordered)
    starts = np.flatnonzero(within == 0)
    names = [mark.tobytes() for mark in ordered[starts]]
    before = np.array([known.get(name, 0) for name in names], dtype=np.int64)
    lengths = np.diff(np.append(starts, len(marks)))
    known.update(zip(names, (before + lengths).tolist(), strict=True))
    counted = np.empty(len(marks), dtype=np.int64)
    counted[index] = within + np.repeat(before, lengths)
    return counted


def _groups(spill: Spill, first: int, last: int) -> Iterator[tuple[int, int]]:
    start, rows, size = first, 0, 0
    for bucket in range(first, last):
        rows += int(spill.rows[bucket])
        size += int(spill.bytes[bucket])
        if start < bucket and (rows > _GROUP_ROWS or size > _GROUP_BYTES):
            yield start, bucket
            start, rows, size = bucket, int(spill.rows[bucket]), int(spill.bytes[bucket])
    yield start, last


def _numbered(table: pa.Table, layout: Layout) -> pa.Table:
    tags, orders = marks_of(table[TAG]), marks_of(table[ORDER])
    index = sort_rows(tags, orders)
    repeats = ordinals(tags[index], orders[index])
    if repeats.any():
        # Identical rows would always be neighbours: give each its own place.
        orders = layout.repeated(orders[index], repeats)
        again = sort_rows(tags[index], orders)
        index = index[again]
    tags = tags[index]
    position = pa.array(ordinals(tags).astype(np.int32))
    rows = table.drop_columns([TAG, ORDER]).combine_chunks().take(pa.array(index))
    return rows.append_column(ORDINAL, position).append_column(UNIT_TAG, marks_array(tags))
