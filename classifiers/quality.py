"""What is wrong with the cells of a file, for its owner's screen: counts and shapes, never a cell.

One pass over the batches.  Of the unit the smallest 2^20 hashes are kept, so that up to about a million
distinct units are counted and more are estimated (KMV: Bar-Yossef et al. 2002, relative error about 0.1 %).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifiers.categories import Units
from classifiers.tally import ColumnQuality, Seen, Tally
from sandbox.schema import Domain, Field
from sandbox.vault.conform import conform_column
from sandbox.vault.partition import canonical_units

_HASHES = 1 << 20


@dataclass(frozen=True, slots=True)
class TableQuality:
    """The columns and their total; *duplicates*: rows beyond the first of each unit, None without a unit.

    A unit is what it would be at registration: read as its column's type, without marks for missing.
    """

    rows: int
    columns: tuple[ColumnQuality, ...]
    duplicates: int | None
    null_units: int | None
    approximate: bool
    seen: Mapping[str, Seen]

    @property
    def ratio(self) -> float:
        """The part of all filled cells with a fault."""
        filled = sum(column.filled for column in self.columns)
        return sum(column.problems for column in self.columns) / filled if filled else 0.0


def assess(
    batches: Iterable[Any],
    fields: Sequence[Field],
    tags: Mapping[str, str],
    *,
    unit: str | None = None,
    domains: Mapping[str, Domain] | None = None,
    typed: Collection[str] = (),
    numbers: Mapping[str, str] | None = None,
    today: dt.date | None = None,
) -> TableQuality:
    """Return the quality of record batches with columns of *fields*; *tags* say what is checked in each.

    *domains* are declared ones; of the columns *typed* and of the *unit* it is known what they are.
    *numbers*: which number a column's values mostly are (`classifiers.faults.number_of`).
    """
    day = today or dt.datetime.now(dt.UTC).date()
    known, numbered, fixed = domains or {}, numbers or {}, {*typed, unit}
    columns = [
        Tally(
            it,
            tags.get(it.name, ""),
            known.get(it.name),
            day,
            it.name in fixed,
            numbered.get(it.name, ""),
        )
        for it in fields
    ]
    units, rows, key = _Distinct(), 0, next((it for it in fields if it.name == unit), None)
    for batch in batches:
        rows += batch.num_rows
        of_rows = units.add(canonical_units(conform_column(batch.column(key.name), key))) if key else None
        for column in columns:
            column.add(batch.column(column.declared.name), of_rows)
    found = tuple(column.result() for column in columns)
    by_name = {it.declared.name: it.seen() for it in columns}
    if key is None:
        return TableQuality(rows, found, None, None, False, by_name)
    duplicates = max(0, units.cells - units.estimate())
    return TableQuality(rows, found, duplicates, rows - units.cells, units.full, by_name)


class _Distinct:
    """Counts distinct texts by the smallest of their 64-bit hashes."""

    def __init__(self) -> None:
        self.cells = 0
        self._kept = np.empty(0, np.uint64)

    @property
    def full(self) -> bool:
        """Whether the count has become an estimate."""
        return len(self._kept) >= _HASHES

    def add(self, texts: Any) -> Units:
        """Count *texts*, nulls left out, and return which they are."""
        self.cells += len(texts) - texts.null_count
        coded = texts.dictionary_encode()
        hashes = np.fromiter(map(hash, coded.dictionary.to_pylist()), np.int64).view(np.uint64)
        self._kept = np.union1d(self._kept, hashes)[:_HASHES]
        return Units(coded.indices.fill_null(-1).to_numpy(), hashes)

    def estimate(self) -> int:
        """Return how many distinct texts there were."""
        if not self.full:
            return len(self._kept)
        return round((_HASHES - 1) / (float(self._kept[-1]) / 2**64))
