"""From a shard to integers: what a worker does with the rows of its share of the work.

The order of steps is the guarantee.  Batches are read with only the granted columns; rows of withdrawn units
are left out; the row bound is applied (``ordinal < R``: always the same R rows of a unit, whatever the
query); then the frame's operators, each bounded again where it multiplies rows; then WHERE; then every row
that is left finds its group, or none; then, where groups are bounded, a unit's rows beyond its first groups,
and beyond the first rows of each, are left out (`jobs.engine.group_bounds`); then each measurement adds its
integers per cell (`jobs.engine.counters`).

Parts over the same rows are measured in one pass: a statement's grouping sets, and statements that differ in
their WHERE.  The partial is as long as the plan says, never as the data says (`jobs.partials`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from jobs.codec import plan_from_json
from jobs.engine.chunks import Chunk
from jobs.engine.parts import PartCounter, part_counter
from jobs.engine.rows import KeyRing, Rows
from jobs.engine.tables import read_table
from jobs.expressions import columns
from jobs.frames import Frames, Inputs
from jobs.plan import Part, Plan
from jobs.reading import measured
from jobs.relations import expressions
from sandbox.schema import UNIT_TAG
from sandbox.vault.parquet import read_batches
from sandbox.vault.shard import ShardFile
from sandbox.vault.withdrawal import tags_array, without_units

BATCH_ROWS: Final = 2**20


def count_shard(public: bytes, secret: bytes) -> bytes:
    """Worker entry: measure one work item.

    *public* holds the plan, the files of each source in the order of their unit tags, and the public tables;
    *secret* the granted column keys of each file, and the tags of the units that are left out of it.
    """
    work, keys = json.loads(public), json.loads(secret)
    plan = plan_from_json(work["plan"])
    files = zip(work["sources"], keys["sources"], strict=True)
    tables = zip(work["tables"], plan.tables, strict=True)
    inputs = Inputs(
        [partial(_read, source, opened) for source, opened in files],
        [read_table(Path(stored["path"]), table) for stored, table in tables],
    )
    return measure(plan, inputs)


def _read(
    files: Sequence[dict[str, Any]], secrets: Sequence[dict[str, Any]], stored: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    for item, secret in zip(files, secrets, strict=True):
        opened = {name: bytes.fromhex(key) for name, key in secret["keys"].items()}
        place, file = Path(item["path"]), ShardFile(**item["file"])
        if not secret["withdrawn"]:
            yield from read_batches(place, file, opened, stored, BATCH_ROWS)
            continue
        # Before anything else, the row bound included: these rows are in no relation of any job.
        withdrawn = tags_array(secret["withdrawn"])
        columns = tuple(dict.fromkeys((*stored, UNIT_TAG)))
        for batch in read_batches(place, file, opened, columns, BATCH_ROWS):
            left = without_units(batch, withdrawn)
            if left.num_rows:
                yield left.select(list(stored))


def measure(plan: Plan, inputs: Inputs) -> bytes:
    """Return the exact integers of *plan* over *inputs*, as a partial."""
    ring = KeyRing()
    counted = [part_counter(part, ring) for part in plan.parts]
    passes: dict[str, list[PartCounter]] = {}
    for item in counted:
        passes.setdefault(repr(item.part.frame.core), []).append(item)
    for together in passes.values():
        for chunk in _stream(together, inputs):
            rows = Rows(chunk, ring)
            for item in together:
                item.add(rows)
    return b"".join(item.packed() for item in counted)


def _stream(together: Sequence[PartCounter], inputs: Inputs) -> Iterator[Chunk]:
    wanted = frozenset().union(*(_slots(item.part) for item in together))
    core = together[0].part.frame.core
    return Frames(inputs, wanted).stream(core, whole=any(item.by_unit for item in together))


def _slots(part: Part) -> frozenset[str]:
    used = [*expressions(part.frame), *(key.expression for key in (*part.keys, *part.within))]
    used += [expression for item in part.measurements for expression in measured(item)]
    return frozenset().union(*map(columns, used))
