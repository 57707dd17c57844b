"""Mock files: a dataset's shape without its rows, from what the catalogue says and nothing else.

No key is opened and no file of the vault is touched: fields come from the signed manifest in the books,
domains and bounds from the policy, tags as confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from classifiers.mock.columns import MockColumn
from classifiers.mock.tables import MockTable, Size, usual_size
from sandbox.errors import InvalidInputError
from sandbox.schema import Domain, Principal
from service.asked import Mock, Progress
from service.client.exports import whole
from service.datasets import catalogue
from service.desk import Desk
from service.dossier import Dossier

MOST_ROWS: Final = 10**9
_MOST_ROWS_OF_A_UNIT: Final = 4
"""Rows that a unit has at most where no policy says."""
_METADATA: Final = {"keyong.mock": "true"}


def mock(  # noqa: PLR0917 - as the gate has them
    desk: Desk, by: Principal, name: str, path: Path, wanted: Mock, progress: Progress | None
) -> dict[str, Any]:
    """Write a mock of dataset *name* to *path*, CSV or Parquet by its ending; who sees the catalogue may."""
    found = catalogue.visible(desk, by, name)
    table = table_of(found, wanted.seed)
    size = size_of(found, table, wanted)
    if path.suffix.lower() not in _WRITERS:
        raise InvalidInputError("mock.unknown-format", path=str(path))
    if path.exists():
        raise InvalidInputError("mock.file-exists", path=str(path))
    with whole(path) as draft, _WRITERS[path.suffix.lower()](draft, table) as write:
        done = 0
        for block in table.blocks(size):
            batch = table.batch(table.shuffled(block))
            write(batch)
            done += batch.num_rows
            if progress:
                progress("write", done, size.rows)
    return {
        "dataset": name,
        "mock": True,
        "path": str(path),
        "rows": size.rows,
        "units": size.units,
        "seed": wanted.seed,
    }


def table_of(found: Dossier, seed: int) -> MockTable:
    """Return what is public about a dataset as a table to be invented."""
    policy, manifest = found.policy, found.manifest
    rules = {rule.name: rule.domain for rule in policy.columns} if policy else {}
    tags = {name: tag.name for name, tag in found.tags.items() if tag.confirmed}
    return MockTable(
        name=found.name,
        columns=columns_of(found.fields, rules, tags),
        unit=manifest.unit,
        namespace=manifest.namespace,
        most_rows=policy.unit.counted_rows if policy else _MOST_ROWS_OF_A_UNIT,
        seed=seed,
    )


def columns_of(
    fields: Mapping[str, Any], domains: Mapping[str, Domain | None], tags: Mapping[str, str]
) -> tuple[MockColumn, ...]:
    """Return *fields* with what else is public of them."""
    return tuple(MockColumn(field, domains.get(name), tags.get(name)) for name, field in fields.items())


def size_of(found: Dossier, table: MockTable, wanted: Mock) -> Size:
    """Return how much is made; `InvalidInputError` where units and rows do not go together."""
    for number in (wanted.rows, wanted.units):
        if number is not None and not 1 <= number <= MOST_ROWS:
            raise InvalidInputError("mock.bad-number", most=MOST_ROWS)
    if not 0 <= wanted.seed < 2**63:
        raise InvalidInputError("mock.bad-seed")
    expected = found.policy.unit.expected_units if found.policy else None
    units = expected if wanted.rows is None and wanted.units is None else wanted.units
    size = usual_size(table, wanted.rows, units)
    if not table.fits(size):
        raise InvalidInputError("mock.bad-size", rows=size.rows, units=size.units, most=table.most_rows)
    if size.units > table.most_units:
        raise InvalidInputError("mock.too-many-units", units=size.units, most=table.most_units)
    return size


Write = Callable[[pa.RecordBatch], None]


@contextmanager
def _csv(path: Path, table: MockTable) -> Iterator[Write]:
    schema = table.batch(next(table.blocks(Size(1, 1)))).schema
    with pc.CSVWriter(path, schema) as writer:
        yield writer.write_batch


@contextmanager
def _parquet(path: Path, table: MockTable) -> Iterator[Write]:
    schema = table.batch(next(table.blocks(Size(1, 1)))).schema
    with pq.ParquetWriter(path, schema.with_metadata(_METADATA)) as writer:
        yield lambda batch: writer.write_batch(batch.replace_schema_metadata(_METADATA))


_WRITERS: Final = {".csv": _csv, ".parquet": _parquet}
