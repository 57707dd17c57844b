"""GROUP BY at the outermost level: keys and grouping sets.

Entries combine as in SQL: each stands for a list of sets, GROUP BY for their cross product.  A plain entry is
one set; ROLLUP, CUBE and GROUPING SETS are several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Final

from sqlglot import exp

from jobs.sql.guard import Source
from jobs.sql.shapes import Node
from sandbox.errors import InvalidInputError

MAX_SETS: Final = 32
_Set = frozenset[int]


class Sets:
    """Turns the entries of a GROUP BY into sets of key numbers; *number* gives the key of a plain entry."""

    def __init__(self, source: Source, number: Callable[[Node], int]) -> None:
        self._source = source
        self._number = number

    def of(self, nodes: Iterable[Node]) -> tuple[tuple[int, ...], ...]:
        """Return the grouping sets of a GROUP BY with these entries, each once, in order."""
        found: list[_Set] = [frozenset()]
        for node in nodes:
            found = self._few(node, (a | b for a in found for b in self._entry(node)))
        return tuple(tuple(sorted(item)) for item in found)

    def _entry(self, node: Node) -> list[_Set]:
        """The sets that one entry stands for."""
        if isinstance(node, exp.GroupingSets):
            return self._few(node, (item for part in node.expressions for item in self._entry(part)))
        if not isinstance(node, exp.Rollup | exp.Cube):
            return [self._plain(node)]
        parts = [self._plain(part) for part in node.expressions]
        sizes = range(len(parts), -1, -1)
        if isinstance(node, exp.Rollup):
            return self._few(node, (_union(parts[:size]) for size in sizes))
        # 2^n combinations, however few sets they make.
        if len(parts) > MAX_SETS.bit_length() - 1:
            raise self._too_many(node)
        return self._few(node, (_union(chosen) for size in sizes for chosen in combinations(parts, size)))

    def _plain(self, node: Node) -> _Set:
        if isinstance(node, exp.Rollup | exp.Cube | exp.GroupingSets):
            place = self._source.place(node)
            raise InvalidInputError("sql.misplaced", **place, found=node.key.upper())
        parts = node.expressions if isinstance(node, exp.Tuple) else [node]
        return frozenset(self._number(part) for part in parts)

    def _few(self, node: Node, sets: Iterable[_Set]) -> list[_Set]:
        found: dict[_Set, None] = {}
        for item in sets:
            found[item] = None
            if len(found) > MAX_SETS:
                raise self._too_many(node)
        return list(found)

    def _too_many(self, node: Node) -> InvalidInputError:
        place = self._source.place(node)
        return InvalidInputError("sql.too-many", **place, found="GROUPING SETS", limit=MAX_SETS)


def _union(sets: Iterable[_Set]) -> _Set:
    return frozenset().union(*sets)
