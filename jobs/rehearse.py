"""A job on invented rows: the same kernels, the same merge, the same noise, and nobody's data.

Everything happens in this process, since there is nothing to hide.  The rows stand as a registered version
would have them: unit after unit in the order of their tags, numbered within the unit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from classifiers.mock.columns import MockColumn, cells, typed
from classifiers.mock.draws import Draws
from classifiers.mock.formats import speaks_chinese
from classifiers.mock.tables import Block, MockTable, Size
from jobs.codec import plan_to_json
from jobs.engine.chunks import ranks
from jobs.facts import TableFacts
from jobs.frames import Inputs, Read
from jobs.kernels import measure
from jobs.measure import release
from jobs.plan import Plan, Released
from jobs.releases import decode_release
from sandbox import canonical
from sandbox.schema import ORDINAL, UNIT_TAG, CategoricalDomain, DateDomain, Domain, NumericDomain

_MOST_LISTED: Final = 1000
"""Rows of a mock public table at most: every value of a domain that is no longer stands in it."""
_LEAST_LISTED: Final = 20


def rehearse(
    plan: Plan, sources: Sequence[tuple[MockTable, Size]], tables: Sequence[TableFacts], seed: int
) -> tuple[Released, ...]:
    """Return the release of *plan* over invented rows of its sources and public tables, in its order."""
    reads = [reading(table, size) for table, size in sources]
    partial = measure(plan, Inputs(reads, [listed(table, seed) for table in tables]))
    return decode_release(release(canonical.encode({"plan": plan_to_json(plan)}), (partial,)), plan)


def reading(table: MockTable, size: Size) -> Read:
    """Return what reads the mock rows of a source, column by column."""
    blocks = list(table.blocks(size))
    rows = np.concatenate([block.rows for block in blocks])
    units = np.concatenate([block.units for block in blocks])
    tags = Draws(table.seed, ("tag", table.namespace)).numbers(units)  # different for different units
    order = np.lexsort((rows, tags))
    block = Block(rows[order], units[order])
    marks = np.repeat(tags[order].astype(">u8"), 2).view("u1").reshape(-1, 16)
    engine: Mapping[str, Any] = {
        ORDINAL: pa.array(ranks(block.units.astype(np.int64)).astype(np.int32)),
        UNIT_TAG: pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(rows), [None, pa.py_buffer(marks)]),
    }

    def read(stored: Sequence[str]) -> Iterator[pa.RecordBatch]:
        arrays = [engine[name] if name in engine else _stored(table.column(name, block)) for name in stored]
        yield pa.RecordBatch.from_arrays(arrays, list(stored))

    return read


def _stored(values: Any) -> Any:
    return values.dictionary_encode() if pa.types.is_string(values.type) else values


def listed(table: TableFacts, seed: int) -> pa.RecordBatch:
    """Return a mock of a public table, in which every value of its shorter domains can be looked up."""
    sizes = {name: _count(domain) for name, domain in table.domains.items()}
    short = {name: count for name, count in sizes.items() if count <= _MOST_LISTED}
    places = np.arange(max([*short.values(), _LEAST_LISTED]), dtype=np.uint64)
    chinese = speaks_chinese([f"{name} {field.description}" for name, field in table.fields.items()])
    arrays = []
    for name, field in table.fields.items():
        domain = table.domains.get(name)
        if domain is not None and name in short:
            values = typed(field, _every(domain))
            arrays.append(values.take(pa.array(places % np.uint64(len(values)))))
        else:
            draws = Draws(seed, (table.name, name))
            arrays.append(cells(MockColumn(field, domain), draws, places, chinese=chinese))
    return pa.RecordBatch.from_arrays(arrays, list(table.fields))


def _count(domain: Domain) -> int:
    match domain:
        case NumericDomain(low, high, grid):
            return int((high - low) / grid) + 1
        case DateDomain(low, high):
            return (high - low).days + 1
        case CategoricalDomain(values):
            return len(values)


def _every(domain: Domain) -> list[Any]:
    """Every value of a short domain."""
    match domain:
        case NumericDomain(low, high, grid):
            return [low + grid * step for step in range(int((high - low) / grid) + 1)]
        case DateDomain(low, high):
            return [low + dt.timedelta(day) for day in range((high - low).days + 1)]
        case CategoricalDomain(values):
            return list(values)
