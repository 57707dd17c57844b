"""Rows from all over a Parquet file, in bounded memory and time.

A file of up to `WHOLE_CELLS` is read whole.  Of a longer one rows are drawn evenly, one by chance (from a
fixed seed) out of each stretch of equal length, and the row groups in which they lie are looked at, each for
as many rows as lie in it.  A row group can be read from its beginning only, and passing over rows costs as
much as reading them.  So of most groups the wanted rows are the first ones; but some, at least one, are read
from end to end and give rows from everywhere: a file in a single row group may be sorted like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from sandbox.vault.source import BATCH_ROWS, ParquetSource

WHOLE_CELLS = 25_000_000
"""Cells of a file that is read whole, and of those row groups of a longer one that are; and so many could be
read in the time that beginning with the others takes."""
_CHUNK_CELLS = 40_000
"""Cells that are read in the time that it takes to begin with a column of a row group (measured)."""
_ROWS, _CELLS = 10_000, 4_000_000
"""Of a longer file, so many rows at the least or so many cells are handed on."""
_COLUMNS = 20
"""Columns that are read at a time: the pages of a whole row group of a wide table take a gigabyte."""


@dataclass(frozen=True, slots=True)
class Part:
    """Of row group *group* so many rows are *wanted*: from all of it if *whole*, else the first ones."""

    group: int
    wanted: int
    whole: bool


def evenly(rows: int, most: int) -> Any:
    """Return the places of *most* of the *rows*, one by chance out of each of so many equal stretches."""
    if rows <= most:
        return np.arange(rows)
    edges = np.arange(most + 1) * rows // most  # whole numbers, so that no two stretches share a row
    drawn = np.random.default_rng(rows).random(most) * np.diff(edges)
    return edges[:-1] + drawn.astype(np.int64)


def spread(source: ParquetSource) -> Iterator[pa.RecordBatch]:
    """Yield batches of rows from all over *source*: of some columns each, of the same rows of all."""
    lengths, width = source.group_rows, len(source.columns)
    parts = None if sum(lengths) * width <= WHOLE_CELLS else plan(lengths, width)
    for start in range(0, width, _COLUMNS):
        columns = source.columns[start : start + _COLUMNS]
        if parts is None:
            yield from source.read(columns, range(len(lengths)))
        else:
            for part in parts:
                yield from _read(source, columns, part)


def plan(lengths: Sequence[int], width: int) -> tuple[Part, ...]:
    """Return what to read of row groups of these *lengths* and *width* columns, not all of them empty."""
    rows, ends = sum(lengths), np.cumsum(lengths)
    drawn = evenly(rows, max(1, WHOLE_CELLS // (width * _CHUNK_CELLS)))
    groups = np.searchsorted(ends, drawn, side="right")
    # How long a row group is in which a row lies: the mean over rows.
    long = sum(length * length for length in lengths) / rows
    whole = set(groups[evenly(len(groups), max(1, int(WHOLE_CELLS / (long * width))))].tolist())
    few = len(lengths) <= len(groups)  # then all are looked at
    shares = np.asarray(lengths) / rows if few else np.bincount(groups) / len(groups)
    most = min(rows, max(_ROWS, _CELLS // width))
    return tuple(
        Part(group, min(lengths[group], int(np.ceil(most * shares[group]))), group in whole)
        for group in np.flatnonzero(shares).tolist()
    )


def _read(source: ParquetSource, columns: Sequence[str], part: Part) -> Iterator[pa.RecordBatch]:
    rows = source.group_rows[part.group] if part.whole else part.wanted
    places, start = evenly(rows, part.wanted), 0
    for batch in source.read(columns, [part.group], min(rows, BATCH_ROWS)):
        first, last = np.searchsorted(places, (start, start + batch.num_rows))
        yield batch.take(pa.array(places[first:last] - start))
        start += batch.num_rows
        if last == len(places):
            return
