"""Groups whose keys nobody declared: found on the way, and never told before they are selected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jobs.engine.bins import Bins
from jobs.engine.chunks import Index, Mask
from jobs.engine.codes import category_positions, coded
from jobs.engine.group_bounds import beyond, together
from jobs.engine.rows import Rows
from jobs.expressions import Expression
from jobs.plan import GroupBound, Key
from sandbox.schema import Scalar

Group = tuple[Scalar, ...]
_Coded = tuple[list[tuple[str, Scalar]], Index]


class Groups:
    """The tuples of *keys* that occur, numbered from 0 as they come.

    Null is a value.  Of a key with declared categories only these occur; of *within* too.  What a unit has
    beyond *bound* occurs nowhere: a group that only such rows have is not among them.
    """

    def __init__(self, keys: Sequence[Key], within: Sequence[Key], bound: GroupBound | None) -> None:
        self._keys = keys
        self._bound = bound
        self._within = [key for key in within if key.categories is not None]
        self._numbers: dict[tuple[tuple[str, Scalar], ...], int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def found(self) -> list[Group]:
        """Return the groups in the order of their numbers."""
        return [tuple(value for _, value in group) for group in self._numbers]

    def bins(self, rows: Rows, where: Expression | None) -> Bins:
        """Return the bins of a chunk: cell n + 1 is group n."""
        count = rows.chunk.batch.num_rows
        kept = rows.kept(where)
        keep: Mask = np.ones(count, dtype=np.bool_) if kept is None else kept.copy()
        coded_keys = [self._codes(rows, key, keep) for key in (*self._keys, *self._within)]
        if self._bound is not None:
            keep &= ~self._beyond(rows, coded_keys, keep, self._bound)
        entries, codes = zip(*coded_keys[: len(self._keys)], strict=True)
        kept_rows = np.flatnonzero(keep)
        local, firsts = _combined([code[kept_rows] for code in codes], list(map(len, entries)))
        numbers = [
            self._number(tuple(listed[code[row]] for listed, code in zip(entries, codes, strict=True)))
            for row in kept_rows[firsts]
        ]
        found = np.full(count, len(numbers), dtype=np.int64)
        found[kept_rows] = local
        return Bins(found, np.array([number + 1 for number in numbers] + [0], dtype=np.int64))

    def _beyond(self, rows: Rows, keys: Sequence[_Coded], keep: Mask, bound: GroupBound) -> Mask:
        def group(places: Index) -> Index:
            return together([code[places] for _, code in keys], [len(it) for it, _ in keys], len(places))

        return beyond(rows.chunk.units, keep, group, bound)

    def _codes(self, rows: Rows, key: Key, keep: Mask) -> _Coded:
        """The values of a key with their types, and which of them each row has; none: it is not kept."""
        values = rows.value(key.expression)
        if key.categories is None:
            found, distinct = coded(values)
            listed: list[Scalar] = [*distinct.to_pylist(), None]
            codes = np.where(found < 0, len(distinct), found)
        else:
            codes, listed = category_positions(values, key.categories), list(key.categories)
            keep &= codes >= 0
        return [(type(value).__name__, value) for value in listed], codes

    def _number(self, group: tuple[tuple[str, Scalar], ...]) -> int:
        return self._numbers.setdefault(group, len(self._numbers))


def _combined(codes: Sequence[Index], sizes: Sequence[int]) -> tuple[Index, Index]:
    """The number of each row's tuple of codes, and a row of each number."""
    numbers = codes[0]
    for code, size in zip(codes[1:], sizes[1:], strict=True):
        # Made dense at every key: the products stay far below 2**63.
        numbers = np.unique(numbers, return_inverse=True)[1] * size + code
    _, firsts, numbers = np.unique(numbers, return_index=True, return_inverse=True)
    return numbers, firsts
