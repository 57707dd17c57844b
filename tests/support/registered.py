"""Small tables registered for real: partitioned, ordered, encrypted, read back as a worker reads them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.schema import ORDINAL, DatasetName, Field, LineageId
from sandbox.vault.parquet import read_batches
from sandbox.vault.partition import LayoutKeys
from sandbox.vault.register import Declaration, prepare
from sandbox.vault.source import open_source
from sandbox.vault.store import DirectoryStore

KEYS = LayoutKeys(bytes(range(32)), bytes(range(32, 64)))


@contextmanager
def registered(
    table: pa.Table, fields: tuple[Field, ...], unit: str, shards: int = 1
) -> Iterator[list[pa.RecordBatch]]:
    """Yield every batch of *table* as it stands after registration, engine column included."""
    place = Path(tempfile.mkdtemp())
    try:
        pq.write_table(table, place / "source.parquet")
        source = open_source(place / "source.parquet")
        declared = Declaration(
            DatasetName("test.table"), LineageId("lineage"), 1, unit, "test", "zcdp", fields, shards
        )
        store = DirectoryStore(place / "store")
        prepared = prepare(source, declared, KEYS, store)
        columns = (*(field.name for field in fields), ORDINAL)
        folder = prepared.staging.path
        batches = [
            batch
            for shard in prepared.shards
            for batch in read_batches(folder / shard.file.name, shard.file, shard.keys, columns)
        ]
        store.discard(prepared.staging)
        yield batches
    finally:
        shutil.rmtree(place, ignore_errors=True)
