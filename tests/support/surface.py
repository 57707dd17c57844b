"""Two private datasets of one namespace and a public table, on a real workspace and in DuckDB.

`Surface.ours` takes a statement the whole way (parse, decide, plan, encrypted shards, serial workers, merge,
noise of which nothing is left at this ε, table).  `Surface.oracle` is DuckDB over the same rows, with the
place of each row among its unit's rows as column ``o`` and without any bound.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import duckdb
import owners
import pyarrow as pa
from stage import PURPOSE, reopen, rows, write_csv

from sandbox.privacy.loss import Filter
from sandbox.schema import ORDINAL, Principal
from sandbox.vault.access import open_column_keys
from sandbox.vault.parquet import read_batches
from sandbox.vault.store import DirectoryStore
from sandbox.workers.serial import SerialExecutor
from service import dossier
from service.asked import Decisions, NewDataset, NewTable
from service.embedded import create_workspace

EPSILON: Final = Fraction(10**6)
R: Final = 3
"""Rows of a person in health.stays."""
R_PEOPLE: Final = 2
MOST: Final = 5
"""The domain of a count per person in health.stays."""
MOST_PEOPLE: Final = 3

STAYS: Final = """\
apiVersion: keyong/v1
kind: AccessPolicy
metadata: {dataset: health.stays, version: 1, owner: bureau}
unit: {key: person, namespace: health.patient, max_rows: 3, most_rows: 5, expected_units: 100}
budget: {filter: pure, epsilon: 1000000, delta: 0}
defaults: {"pi.*": deny, untagged: deny}
joins: [people.registry]
columns:
  ward: {use: [group, filter, join], categories: [A, B, C, null]}
  days: {use: [measure, filter, group], bounds: [0, 14], grid: 1}
  cost: {use: [measure, filter], bounds: [0, 1000], grid: 10}
  seen: {use: [group, filter], dates: [2020-01-01, 2020-12-31]}
  urgent: {use: [group, filter], categories: [true, false, null]}
grants:
  - to: [group:researchers]
    purposes: [planning]
    operations: [count, sum, avg, variance, quantile, correlation, distinct]
    until: 2099-12-31
    approval: auto
"""
PEOPLE: Final = """\
apiVersion: keyong/v1
kind: AccessPolicy
metadata: {dataset: people.registry, version: 1, owner: bureau}
unit: {key: id, namespace: health.patient, max_rows: 2, most_rows: 3, expected_units: 100}
budget: {filter: pure, epsilon: 1000000, delta: 0}
defaults: {"pi.*": deny, untagged: deny}
joins: [health.stays]
columns:
  sex: {use: [group, filter, join], categories: [f, m]}
  age: {use: [measure, filter, group], bounds: [0, 99], grid: 1}
  city: {use: [group, filter, join], categories: [North, South, East]}
grants:
  - to: [group:researchers]
    purposes: [planning]
    operations: [count, sum, avg, variance, quantile, correlation, distinct]
    until: 2099-12-31
    approval: auto
"""
WARDS: Final = "ward,region,beds\nA,north,10\nA,south,4\nB,north,7\nZ,west,99\n,none,1\nB,north,8\n"
"""A public table: A and B stand there twice, C not at all, and null equals nothing."""


WIDTH_BUCKET: Final = """CREATE MACRO width_bucket(x, low, high, n) AS CASE WHEN x < low THEN 0
    WHEN x >= high THEN n + 1 ELSE CAST(floor((x - low) * n / (high - low)) AS BIGINT) + 1 END"""
"""What the SQL standard says; DuckDB has no such function."""


def people(seed: int = 11) -> list[dict[str, Any]]:
    """Invented residents, some without stays, one to four rows each."""
    rng = random.Random(seed)
    return [
        {
            "id": 990 + person,
            "sex": rng.choice(["f", "m", ""]),
            "age": rng.choice(["", "-4", "140", *map(str, range(20, 90))]),
            "city": rng.choice(["North", "South", "East", "West", ""]),
        }
        for person in range(60)
        for _ in range(rng.choice([1, 1, 2, 4]))
    ]


@dataclass
class Surface:
    """The open workspace, an executor, and DuckDB with stays, people and wards."""

    keeper: Any
    wang: Principal
    executor: SerialExecutor
    oracle: duckdb.DuckDBPyConnection
    filter: Filter = Filter.PURE

    def plain(self, sql: str) -> list[dict[str, Any]]:
        """Return DuckDB's rows."""
        answer = self.oracle.execute(sql)
        names = [item[0] for item in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def build(place: Path) -> Surface:
    """Make the workspace in *place*."""
    create_workspace(place / "ws", None)
    stage = reopen(place, people=True)
    keeper, bureau = stage.keeper, stage.bureau
    _add(
        stage, write_csv(place / "stays.csv", rows()), "health.stays", "person", 4, STAYS, {"ward": "string"}
    )
    _add(stage, write_csv(place / "people.csv", people()), "people.registry", "id", 2, PEOPLE, {})
    (place / "wards.csv").write_text(WARDS)
    keeper.table_add(bureau, NewTable(place / "wards.csv", "ref.wards", reason="invented"))
    oracle = duckdb.connect()
    oracle.execute(WIDTH_BUCKET)
    stays = {"person": "BIGINT", "ward": "VARCHAR", "days": "BIGINT", "cost": "DOUBLE"}
    stays |= {"seen": "DATE", "urgent": "BOOLEAN"}
    _oracle(stage, oracle, "health.stays", "stays", stays)
    registry = {"id": "BIGINT", "sex": "VARCHAR", "age": "BIGINT", "city": "VARCHAR"}
    _oracle(stage, oracle, "people.registry", "people", registry)
    wards = f"SELECT * FROM read_csv('{place / 'wards.csv'}', header = true)"
    oracle.execute(f"CREATE TABLE wards AS {wards}")
    return Surface(keeper, stage.wang, SerialExecutor(keeper._desk.workspace.run), oracle)


def _add(
    stage: Any, source: Path, name: str, unit: str, shards: int, policy: str, types: dict[str, str]
) -> None:
    new = NewDataset(
        source,
        name,
        unit,
        "health.patient",
        filter="pure",
        delta="0",
        shards=shards,
        types=types,
        new_lineage=None if name == "health.stays" else "another table of the same people",
    )
    stage.keeper.dataset_add(stage.bureau, new)
    stage.keeper.dataset_tag(stage.bureau, name, Decisions({}, "test", above="0"))
    path = stage.place / f"{name}.yaml"
    path.write_text(policy)
    owners.apply(stage.keeper, stage.bureau, path)


def _oracle(
    stage: Any, oracle: duckdb.DuckDBPyConnection, name: str, table: str, kinds: dict[str, str]
) -> None:
    """Copy the stored rows, with their places, into DuckDB."""
    workspace = stage.keeper._desk.workspace  # the test stands where the runner stands
    columns = (*kinds, ORDINAL)
    with workspace.database.reading() as connection:
        manifest = dossier.read(connection, workspace, name).manifest
        keys = open_column_keys(manifest, connection, workspace.keyring, columns)
    store = DirectoryStore(workspace.vault)
    found = [
        batch.to_pylist()
        for file, granted in zip(manifest.files, keys, strict=True)
        for batch in read_batches(store.file(manifest.directory, file.name), file, granted, columns)
    ]
    raw = pa.Table.from_pylist([row for batch in found for row in batch])
    oracle.register("raw", raw)
    kept = ", ".join(f"CAST({column} AS {kind}) AS {column}" for column, kind in kinds.items())
    oracle.execute(f"CREATE TABLE {table} AS SELECT {kept}, {ORDINAL} AS o FROM raw")
    oracle.unregister("raw")


def purpose() -> str:
    """The purpose that both policies grant."""
    return PURPOSE
