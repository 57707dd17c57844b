"""The way of a dataset: from an owner's file to a signed, encrypted, co-partitioned version.

`prepare` reads the source once, in bounded memory, and leaves finished shards in a staging place; it knows no
database.  `commit` then does everything that can be seen, inside one transaction of the caller: keys into the
keyring, manifest signed and stored, shards published by one rename.  Until that transaction commits nothing
exists but staged ciphertext whose keys die with the process, so a registration that is killed anywhere can
simply be run again.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sandbox.errors import InvalidInputError
from sandbox.schema import ROW_UNIT, DatasetName, Field, LineageId
from sandbox.vault.conform import Conforming, check_fields, conform
from sandbox.vault.layout import deal_row_units, shard_tables
from sandbox.vault.parquet import stored_schema, write_shard
from sandbox.vault.partition import Layout, LayoutKeys, check_shards, check_unit
from sandbox.vault.shard import WrittenShard
from sandbox.vault.source import Progress, Source
from sandbox.vault.spill import Spill
from sandbox.vault.store import Staging, Store
from sandbox.vault.withdrawal import as_strings, tags_array

DEFAULT_SHARDS = 16
_THREADS = 2
_BUCKETS = 256
_LARGE_SOURCE = 4 << 30
_LARGE_BUCKETS = 4096


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the owner declares about a version: everything that fixes its layout.

    *unit* is a column of *fields* or ``row``; rows without a unit are refused unless *drop_null_units*.  Rows
    of units whose tags (hexadecimal) are in *withdrawn* are left out.
    """

    dataset: DatasetName
    lineage: LineageId
    version: int
    unit: str
    namespace: str
    filter: str
    fields: tuple[Field, ...]
    shards: int = DEFAULT_SHARDS
    drop_null_units: bool = False
    withdrawn: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class OwnerReport:
    """What a registration met, for the owner's eyes only: exact counts are data."""

    rows: int
    dropped_null_units: int
    dropped_withdrawn: int
    nonconforming: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Finished shards in a staging place, with their raw keys: to be committed or discarded."""

    declaration: Declaration
    staging: Staging
    shards: tuple[WrittenShard, ...]
    report: OwnerReport


def prepare(
    source: Source,
    declaration: Declaration,
    keys: LayoutKeys,
    store: Store,
    progress: Progress | None = None,
) -> Prepared:
    """Read *source* and stage its shards.

    Raises `InvalidInputError` when the declaration does not fit the source, rows break it (null units,
    nulls in required fields), or the disk is full; nothing is left then, nor on Ctrl-C.
    """
    check_fields(declaration.fields, source.columns)
    check_unit(declaration.unit, declaration.fields)
    check_shards(declaration.shards)
    staging = store.stage()
    try:
        with full_disk_explained():
            shards, report = _Registration(declaration, keys, staging).run(source, progress)
    except BaseException:
        store.discard(staging)
        raise
    return Prepared(declaration, staging, shards, report)


@dataclass(frozen=True, slots=True)
class _Dealt:
    """What became of one batch: rows dealt, dropped for want of a unit, left out as withdrawn."""

    seen: Conforming
    rows: int
    dropped: int
    left_out: int


class _Registration:
    """One reading of one source; its threads share the counters through their results only."""

    def __init__(self, declaration: Declaration, keys: LayoutKeys, staging: Staging) -> None:
        self._declared = declaration
        self._layout = Layout(keys, declaration.unit, declaration.fields)
        self._staging = staging
        self._withdrawn = tags_array(sorted(declaration.withdrawn))
        self._seen = Conforming()
        self._rows = self._dropped = self._left_out = 0

    def run(self, source: Source, progress: Progress | None) -> tuple[tuple[WrittenShard, ...], OwnerReport]:
        """Deal every row to its bucket, check what the owner declared, write the shards."""
        with closing(self._spill("rows", source)) as rows:
            self._read(source, rows, progress)
            self._check(source)
            if self._declared.unit != ROW_UNIT:
                shards = self._write(rows)
            else:
                with closing(self._spill("units", source)) as units:
                    deal_row_units(rows, units, self._layout)
                    shards = self._write(units)
        report = OwnerReport(self._rows, self._dropped, self._left_out, dict(+self._seen.nonconforming))
        return shards, report

    def _spill(self, name: str, source: Source) -> Spill:
        schema = stored_schema(self._declared.fields)
        plain = pa.schema([schema.field(field.name) for field in self._declared.fields])
        buckets = _LARGE_BUCKETS if source.size > _LARGE_SOURCE else _BUCKETS
        return Spill(self._staging.path / name, plain, max(buckets, self._declared.shards))

    def _read(self, source: Source, spill: Spill, progress: Progress | None) -> None:
        with ThreadPoolExecutor(_THREADS) as pool:
            waiting: set[Future[_Dealt]] = set()
            for batch in source.batches(progress):
                waiting.add(pool.submit(self._deal, batch, spill))
                if len(waiting) > _THREADS:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    self._count(done)
                if self._declared.unit != ROW_UNIT:  # of equal rows that are units each there may be many
                    spill.check()
            self._count(waiting)
        spill.flush()

    def _deal(self, given: pa.RecordBatch, spill: Spill) -> _Dealt:
        seen, unit = Conforming(), self._declared.unit
        named = conform(given, self._declared.fields, seen)
        if unit != ROW_UNIT:
            named = named.filter(self._layout.has_unit(named))
        tags = self._layout.tags(named)
        staying = ~np.isin(as_strings(tags), self._withdrawn)
        batch, tags = named.filter(pa.array(staying)), tags[staying]
        for field in self._declared.fields:
            seen.nulls[field.name] += batch.column(field.name).null_count
        if batch.num_rows:
            spill.add(batch, tags, self._layout.orders(batch, tags))
        return _Dealt(seen, batch.num_rows, given.num_rows - named.num_rows, named.num_rows - batch.num_rows)

    def _count(self, done: set[Future[_Dealt]]) -> None:
        for future in done:
            dealt = future.result()
            self._seen.nonconforming.update(dealt.seen.nonconforming)
            self._seen.nulls.update(dealt.seen.nulls)
            self._rows += dealt.rows
            self._dropped += dealt.dropped
            self._left_out += dealt.left_out

    def _check(self, source: Source) -> None:
        if self._dropped and not self._declared.drop_null_units:
            raise InvalidInputError("vault.null-units", unit=self._declared.unit, count=self._dropped)
        if not self._rows:
            raise InvalidInputError("vault.no-rows", file=str(source.path))
        for field in self._declared.fields:
            if field.required and self._seen.nulls[field.name]:
                count = self._seen.nulls[field.name]
                raise InvalidInputError("vault.required-nulls", column=field.name, count=count)

    def _write(self, spill: Spill) -> tuple[WrittenShard, ...]:
        def write(shard: int) -> WrittenShard:
            path = self._staging.path / f"{shard:04d}.parquet"
            tables = shard_tables(spill, self._layout, shard, self._declared.shards)
            return write_shard(path, self._declared.fields, tables)

        with ThreadPoolExecutor(_THREADS) as pool:
            return tuple(pool.map(write, range(self._declared.shards)))


@contextmanager
def full_disk_explained() -> Iterator[None]:
    """Turn "no space left" into an `InvalidInputError` that says so."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise InvalidInputError("vault.disk-full") from None
        raise
