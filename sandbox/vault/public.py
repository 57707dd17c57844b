"""Public tables: code lists and reference figures that hold nobody's data, kept in clear.

A public table is one Parquet file, made from its owner's file in bounded memory and known by its SHA-256.
Being public it may speak for itself: whether a column has nulls, and its domain, are read off the rows, which
would cost privacy anywhere else.

Domains: numbers [min, max] on the coarsest power of ten from 1 to 10⁻⁶ that holds them exactly (10⁻⁶ where
none does: the bounds are moved outwards), coarser where float64 could not tell the steps apart; texts and
booleans their values, null last, if there are at most `MAX_VALUES`; dates and timestamps [first, last] day.
A column of nulls has none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sandbox.errors import InvalidInputError
from sandbox.schema import (
    MAX_GRID_STEPS,
    CategoricalDomain,
    DateDomain,
    Digest,
    Domain,
    Field,
    Kind,
    NumericDomain,
    exact,
)
from sandbox.vault.conform import Conforming, arrow_type, check_fields, conform
from sandbox.vault.shard import sha256
from sandbox.vault.source import Progress, Source

MAX_ROWS: Final = 5_000_000
MAX_VALUES: Final = 10_000
_FINEST: Final = 6
_WHOLE: Final = 2.0**52
"""From here on a float64 has no decimals."""


@dataclass(frozen=True, slots=True)
class PublicFile:
    """A written table: *fields* with `required` as found, *domains* by column."""

    digest: Digest
    fields: tuple[Field, ...]
    domains: Mapping[str, Domain]
    rows: int
    nonconforming: Mapping[str, int]


def write_public(
    source: Source, fields: tuple[Field, ...], target: Path, progress: Progress | None = None
) -> PublicFile:
    """Write *source* to the new file *target* (0600) and say what is in it.

    Cells that do not conform to *fields* become null and are counted.  Raises `InvalidInputError` for a table
    without rows, with too many, or with a null in a required column.
    """
    check_fields(fields, source.columns)
    seen = Conforming()
    ranges = {item.name: _Range(item) for item in fields}
    rows, schema = 0, _schema(fields)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for given in source.batches(progress):
            batch = conform(given, fields, seen)
            rows += batch.num_rows
            if rows > MAX_ROWS:
                raise InvalidInputError("table.too-long", file=str(source.path), most=MAX_ROWS)
            for item in fields:
                ranges[item.name].add(batch.column(item.name))
            writer.write_batch(batch.cast(schema))
    if not rows:
        raise InvalidInputError("table.no-rows", file=str(source.path))
    found = tuple(_as_found(item, ranges[item.name].nulls) for item in fields)
    domains = {name: domain for name, item in ranges.items() if (domain := item.domain()) is not None}
    return PublicFile(Digest(sha256(target)), found, domains, rows, dict(+seen.nonconforming))


def _schema(fields: tuple[Field, ...]) -> pa.Schema:
    # Plain text, not dictionaries: each row group would bring its own.
    types = {Kind.STRING: pa.string()}
    return pa.schema([(item.name, types.get(item.kind) or arrow_type(item)) for item in fields])


def _as_found(declared: Field, nulls: int) -> Field:
    if declared.required and nulls:
        raise InvalidInputError("vault.required-nulls", column=declared.name, count=nulls)
    return replace(declared, required=not nulls)


@dataclass(slots=True)
class _Range:
    """What a column's values are so far; *values* is None once there are too many to list."""

    declared: Field
    nulls: int = 0
    values: set[Any] | None = field(default_factory=set)
    low: Any = None
    high: Any = None
    places: int = 0

    def add(self, column: pa.Array) -> None:
        self.nulls += column.null_count
        known = column.drop_null()
        if not len(known):
            return
        if self.declared.kind in (Kind.STRING, Kind.BOOLEAN):
            self._list(known)
            return
        ends = pc.min_max(known).as_py()
        self.low = ends["min"] if self.low is None else min(self.low, ends["min"])
        self.high = ends["max"] if self.high is None else max(self.high, ends["max"])
        if self.declared.kind is Kind.FLOAT:
            self.places = max(self.places, _places(known.to_numpy(zero_copy_only=False)))

    def _list(self, known: pa.Array) -> None:
        if self.values is not None:
            self.values.update(known.unique().to_pylist())
            if len(self.values) > MAX_VALUES:
                self.values = None

    def domain(self) -> Domain | None:
        if self.declared.kind in (Kind.STRING, Kind.BOOLEAN):
            return self._listed()
        if self.low is None:
            return None
        if self.declared.kind is Kind.DATE:
            return DateDomain(self.low, self.high)
        if self.declared.kind is Kind.TIMESTAMP:
            return DateDomain(self.low.date(), self.high.date())
        places = self.declared.scale or 0 if self.declared.kind is Kind.DECIMAL else self.places
        return numeric_domain(exact(self.low), exact(self.high), Fraction(1, 10**places))

    def _listed(self) -> CategoricalDomain | None:
        if not self.values:
            return None
        return CategoricalDomain((*sorted(self.values), *([None] if self.nulls else [])))


def numeric_domain(low: Fraction, high: Fraction, grid: Fraction) -> NumericDomain:
    """Return the smallest domain on *grid* (or the next coarser by tens that fits) around [low, high]."""
    while True:
        first, last = floor(low / grid), ceil(high / grid)
        last += first == last  # a domain has at least one step
        if last - first <= MAX_GRID_STEPS:
            return NumericDomain(first * grid, last * grid, grid)
        grid *= 10


def _places(values: np.ndarray[Any, np.dtype[np.float64]]) -> int:
    """How many decimals write all *values* exactly; `_FINEST` if more would be needed."""
    small = values[np.abs(values) < _WHOLE]
    for places in range(_FINEST):
        if np.all(np.round(small * 10.0**places) / 10.0**places == small):
            return places
    return _FINEST
