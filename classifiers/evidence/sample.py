"""The distinct values of a column that classification looks at: bounded work and memory for every batch.

Of a batch rows are chosen evenly, one by chance (from a fixed seed) out of each stretch of equal length, so
that neither the order of a file nor a period in it decides.  They are chosen before anything else is done,
and cut before they are read: neither long batches nor long cells cost time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.schema import Field, Kind

DISTINCT_LIMIT = 10_000
LENGTH_LIMIT = 200
"""Characters of a value that are looked at."""
CELLS, FEWEST_ROWS = 400_000, 2_000
"""Cells of a batch that are looked at, over all columns; but so many rows at the least."""


@dataclass(frozen=True, slots=True)
class ColumnSample:
    """*values*: distinct texts in the order of the rows, at most `DISTINCT_LIMIT`.

    *rows* were looked at that hold a value, and *nulls* beside them that hold none; *distinct* is the number
    of different values in those *rows*, so that *distinct* / *rows* is how far the column tells rows apart.
    """

    kind: Kind
    values: Any  # pa.StringArray; pyarrow carries no types
    distinct: int
    rows: int
    nulls: int = 0


def draw(fields: Sequence[Field], source: Iterable[Any]) -> dict[str, ColumnSample]:
    """Return a sample of every field from record batches (or a table); names that are not there are skipped.

    A column is read until it has `DISTINCT_LIMIT` distinct values; memory does not grow with the rows.
    """
    batches = source.to_batches() if isinstance(source, pa.Table) else source
    samples = {it.name: ColumnSample(it.kind, pa.array([], pa.string()), 0, 0) for it in fields}
    marks = {it.missing: pa.array(["", *it.missing], pa.string()) for it in fields}
    for batch in batches:
        places = {name: index for index, name in enumerate(batch.schema.names)}
        rows = _even(batch.num_rows, max(FEWEST_ROWS, CELLS // max(len(fields), 1)))
        for field in fields:
            sample = samples[field.name]
            if field.name in places and len(sample.values) < DISTINCT_LIMIT:
                texts = _texts(batch.column(places[field.name]), rows)
                samples[field.name] = _extend(sample, texts, marks[field.missing])
    return samples


def _even(rows: int, most: int) -> Any:
    """Return the places of *most* of the *rows*, spread evenly, or None for all of them."""
    if rows <= most:
        return None
    edges = np.linspace(0, rows, most + 1)
    return pa.array((edges[:-1] + np.random.default_rng(rows).random(most) * np.diff(edges)).astype(np.int64))


def _texts(column: Any, rows: Any) -> Any:
    texts = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    if texts and column.nbytes > LENGTH_LIMIT * len(column):
        column = pc.utf8_slice_codeunits(column, 0, LENGTH_LIMIT)
    column = (column if rows is None else column.take(rows)).cast(pa.string())
    return pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(column, 0, LENGTH_LIMIT))


def _extend(sample: ColumnSample, texts: Any, marks: Any) -> ColumnSample:
    given = texts.filter(pc.invert(pc.is_in(texts, value_set=marks))).drop_null()
    values = pc.unique(pa.concat_arrays([sample.values, given]))
    return ColumnSample(
        sample.kind,
        values[:DISTINCT_LIMIT],
        len(values),
        sample.rows + len(given),
        sample.nulls + len(texts) - len(given),
    )
