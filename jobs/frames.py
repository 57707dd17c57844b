"""Frames over stored rows: what a plan's relations mean, operator by operator.

A stream of chunks that never split a unit goes in and comes out of every operator, so each works on any
number of whole units at once and its answer depends neither on where batches, files or shards end, nor on
any other unit.  Bounds come before WHERE, as `jobs.relations` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from jobs.engine.chunks import Chunk, scan, side_by_side
from jobs.engine.pairs import paired, portions, unit_runs
from jobs.engine.per_unit import per_unit
from jobs.engine.tables import TableIndex
from jobs.evaluate import keep_mask
from jobs.relations import Core, Frame, Join, Lookup, PerUnit, Scan, place_of, shown
from sandbox.schema import ORDINAL, UNIT_TAG

Read = Callable[[Sequence[str]], Iterator[pa.RecordBatch]]
"""Called with stored columns, returns the rows of one work item, sorted by unit tag."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What frames read: private sources and public tables, by the plan's numbers."""

    sources: Sequence[Read]
    tables: Sequence[pa.RecordBatch] = ()


@dataclass(frozen=True, slots=True)
class Frames:
    """Evaluates frames of *inputs*; *wanted*: the slots that they and anything above them read."""

    inputs: Inputs
    wanted: frozenset[str]

    def stream(self, core: Core, *, whole: bool = True, tagged: bool = False) -> Iterator[Chunk]:
        """Yield the rows of *core*; *tagged* with unit tags; a scan that is not *whole* may split units."""
        match core:
            case Scan():
                return self._scan(core, whole=whole or tagged, tagged=tagged)
            case PerUnit():
                return (per_unit(core, chunk) for chunk in self.rows(core.of, tagged=tagged))
            case Join():
                return self._join(core)
            case Lookup():
                return self._lookup(core, tagged=tagged)

    def rows(self, frame: Frame, *, tagged: bool = False) -> Iterator[Chunk]:
        """Yield the rows of *frame*, compact."""
        for chunk in self.stream(frame.core, tagged=tagged):
            yield chunk.compact(None if frame.where is None else keep_mask(frame.where, chunk.batch))

    def _scan(self, core: Scan, *, whole: bool, tagged: bool) -> Iterator[Chunk]:
        columns = self._columns(core.place)
        stored = [*columns, ORDINAL, *([UNIT_TAG] if tagged else [])]
        return scan(core, self.inputs.sources[core.source](stored), columns, whole=whole, tagged=tagged)

    def _join(self, core: Join) -> Iterator[Chunk]:
        left, right = self.rows(core.left, tagged=True), self.rows(core.right, tagged=True)
        for one, other in side_by_side(left, right):
            for units, runs in portions(core, one, unit_runs(one, other)):
                yield paired(core, units, other.batch, runs)

    def _lookup(self, core: Lookup, *, tagged: bool) -> Iterator[Chunk]:
        index = TableIndex(core, self.inputs.tables[core.table], self._columns(core.place))
        for chunk in self.rows(core.left, tagged=tagged):
            table, found = index.runs(chunk)
            for units, runs in portions(core, chunk, found):
                yield paired(core, units, table, runs)

    def _columns(self, place: int) -> list[str]:
        return sorted(shown(name) for name in self.wanted if place_of(name) == place)
