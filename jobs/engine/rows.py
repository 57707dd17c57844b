"""What is worked out once per chunk, however many parts and measurements ask for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import pyarrow as pa

from jobs.engine.bins import (
    MOST_BINS,
    Bins,
    Coded,
    axes,
    bin_count,
    key_codes,
    raw_cells,
    raw_rows,
    row_by_row,
)
from jobs.engine.chunks import Chunk, Index, Mask
from jobs.engine.codes import look_up
from jobs.engine.group_bounds import beyond, together
from jobs.engine.steps import both, valid_of
from jobs.evaluate import evaluate, keep_mask
from jobs.expressions import Expression
from jobs.plan import GroupBound, Key

T = TypeVar("T")


class KeyRing:
    """The distinct group keys of several parts, by number, so that equal keys are worked out once."""

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self._numbers: dict[str, int] = {}

    def number(self, key: Key) -> int:
        """Return the number of *key*."""
        # By text: True equals 1 in Python, and so do literals and categories that hold them.
        number = self._numbers.setdefault(repr(key), len(self.keys))
        if number == len(self.keys):
            self.keys.append(key)
        return number


class Rows:
    """A chunk with everything found out about it so far."""

    def __init__(self, chunk: Chunk, ring: KeyRing) -> None:
        self.chunk = chunk
        self._ring = ring
        self._known: dict[object, Any] = {}

    def once(self, name: object, make: Callable[[], T]) -> T:
        """Return what *make* returned when *name* was asked for first."""
        if name not in self._known:
            self._known[name] = make()
        return cast(T, self._known[name])

    def value(self, expression: Expression) -> pa.Array:
        """Return *expression* for every row."""
        return self.once(("value", repr(expression)), lambda: evaluate(expression, self.chunk.batch))

    def kept(self, where: Expression | None) -> Mask | None:
        """Return which rows are in the frame with this WHERE, None for all."""
        if where is None:
            return self.chunk.keep
        return self.once(
            ("kept", repr(where)), lambda: both(self.chunk.keep, keep_mask(where, self.chunk.batch))
        )

    def present(self, expressions: Sequence[Expression]) -> Mask | None:
        """Return where none of *expressions* is null, None for everywhere."""
        found: Mask | None = None
        for expression in expressions:
            found = both(found, valid_of(self.value(expression)))
        return found

    def codes(self, number: int) -> Coded:
        """Return the codes of key *number*."""
        key = self._ring.keys[number]
        return self.once(
            ("codes", number), lambda: key_codes(self.value(key.expression), key.categories or ())
        )

    def bins(self, own: Sequence[int], everything: tuple[int, ...], where: Expression | None) -> Bins:
        """Return the bins of a part: *own* are its keys, row-major, *everything* with those it must match."""
        kept = self.kept(where)
        drop = None if kept is None else self.once(("drop", repr(where)), lambda: ~kept)
        keys = [self.codes(number) for number in everything]
        along = axes(own, everything, [len(key.categories or ()) for key in self._ring.keys])
        if bin_count(keys) > MOST_BINS:
            keys = [one.translated(axis.size) for one, axis in zip(keys, along, strict=True)]
        count = self.chunk.batch.num_rows
        if bin_count(keys) > MOST_BINS:
            return row_by_row(keys, along, drop, count)
        name = ("raw", everything, repr(where))
        return Bins(self.once(name, lambda: raw_rows(keys, drop, count)), raw_cells(keys, along), name)

    def bounded(self, bins: Bins, everything: tuple[int, ...], bound: GroupBound) -> Bins:
        """Return *bins* of a part with keys *everything* without the rows beyond its *bound* of groups."""
        name = ("bounded", everything, bound, bins.name)
        if bins.name is None:
            return bins.without(self._beyond(bins, everything, bound), None)
        found = self.once(name, lambda: bins.without(self._beyond(bins, everything, bound), name))
        return Bins(found.rows, bins.cells, name)

    def _beyond(self, bins: Bins, everything: tuple[int, ...], bound: GroupBound) -> Mask:
        keys = [self.codes(number) for number in everything]
        sizes = [len(self._ring.keys[number].categories or ()) for number in everything]

        def group(rows: Index) -> Index:
            return together([look_up(key.table, key.codes[rows]) for key in keys], sizes, len(rows))

        return beyond(self.chunk.units, bins.places() > 0, group, bound)
