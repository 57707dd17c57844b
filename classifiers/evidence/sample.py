"""The distinct values of a column that classification looks at, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.schema import Field, Kind

DISTINCT_LIMIT = 10_000
LENGTH_LIMIT = 200
"""Characters of a value that are looked at."""


@dataclass(frozen=True, slots=True)
class ColumnSample:
    """*values*: distinct texts, at most `DISTINCT_LIMIT`; *distinct* of the non-null *rows* read."""

    kind: Kind
    values: Any  # pa.StringArray; pyarrow carries no types
    distinct: int
    rows: int


def draw(fields: Sequence[Field], source: Iterable[Any]) -> dict[str, ColumnSample]:
    """Return a sample of every field from record batches (or a table); names that are not there are skipped.

    A column is read until it has `DISTINCT_LIMIT` distinct values; memory does not grow with the rows.
    """
    batches = source.to_batches() if isinstance(source, pa.Table) else source
    samples = {it.name: ColumnSample(it.kind, pa.array([], pa.string()), 0, 0) for it in fields}
    for batch in batches:
        for field in fields:
            sample = samples[field.name]
            if field.name in batch.schema.names and len(sample.values) < DISTINCT_LIMIT:
                samples[field.name] = _extend(sample, batch.column(field.name), field.missing)
    return samples


def _extend(sample: ColumnSample, column: Any, missing: tuple[str, ...]) -> ColumnSample:
    texts = pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(column.cast(pa.string()), 0, LENGTH_LIMIT))
    marks = pa.array(["", *missing], pa.string())
    texts = texts.filter(pc.invert(pc.is_in(texts, value_set=marks))).drop_null()
    values = pc.unique(pa.concat_arrays([sample.values, texts]))
    return ColumnSample(sample.kind, values[:DISTINCT_LIMIT], len(values), sample.rows + len(texts))
