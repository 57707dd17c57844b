"""A small registered dataset, and how to read it back."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.schema import ROW_UNIT, DatasetName, Field, LineageId
from sandbox.vault.parquet import read_batches, stored_schema
from sandbox.vault.partition import LayoutKeys
from sandbox.vault.propose import propose_fields
from sandbox.vault.register import Declaration, Prepared, prepare
from sandbox.vault.shard import stored_columns
from sandbox.vault.source import open_source
from sandbox.vault.store import DirectoryStore

KEYS = LayoutKeys(linkage=bytes(range(32)), order=bytes(range(32, 64)))


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


@pytest.fixture
def register(tmp_path: Path, store: DirectoryStore) -> Callable[..., Prepared]:
    """Register a table (or a file) and return what was prepared."""

    def run(
        data: pa.Table | Path,
        unit: str = ROW_UNIT,
        fields: tuple[Field, ...] | None = None,
        keys: LayoutKeys = KEYS,
        **more: object,
    ) -> Prepared:
        path = data
        if isinstance(data, pa.Table):
            path = tmp_path / "source.parquet"
            pq.write_table(data, path)
        source = open_source(path)
        declared = Declaration(
            dataset=DatasetName("health.test"),
            lineage=LineageId("l1"),
            unit=unit,
            namespace="health.patient",
            filter="zcdp",
            fields=fields or propose_fields(source),
            **{"version": 1, "shards": 4, **more},
        )
        return prepare(source, declared, keys, store)

    return run


@pytest.fixture
def shards() -> Callable[[Prepared], list[pa.Table]]:
    """Read all columns of all shards back."""

    def run(prepared: Prepared) -> list[pa.Table]:
        columns = stored_columns(prepared.declaration.fields)
        schema = stored_schema(prepared.declaration.fields)
        return [
            pa.Table.from_batches(
                read_batches(prepared.staging.path / shard.file.name, shard.file, shard.keys, columns), schema
            )
            for shard in prepared.shards
        ]

    return run
