"""From a text to queries: whose rows, what is filtered, grouped, measured and shown.

WHERE and GROUP BY speak of rows.  What is selected, HAVING and ORDER BY speak of released values only: of
group keys (``key:i``), of measures (``measure:i``), each measured once, and of ``grouping:i``.  A column that
is neither grouped by nor aggregated is refused, for there is no released value to show.
Names: an identifier means the column of that name, or the only one that differs in case; GROUP BY and
HAVING look for a column before a select alias, ORDER BY for an alias first, as DuckDB does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from sqlglot import exp

from jobs.expressions import Call, Column, Expression, columns, walk
from jobs.spec import Measure, Order, Output, Query
from jobs.sql import constants
from jobs.sql.aggregates import Measures
from jobs.sql.grouped import Grouped
from jobs.sql.grouping import Sets
from jobs.sql.guard import MAX_NESTING, read
from jobs.sql.names import GROUPING, KEY, MEASURE, Budget, Described, Identities, Names, Typed
from jobs.sql.origins import Text
from jobs.sql.rows import PENDING_GROUPING, translator
from jobs.sql.selected import (
    MAX_ITEMS,
    MAX_KEYS,
    Items,
    aggregates,
    check_name,
    clashes,
    few,
    inside,
    name_of,
)
from jobs.sql.shapes import Node
from jobs.sql.tables import Reader, Schema
from sandbox.errors import InvalidInputError

__all__ = ["Described", "Schema", "parse"]

MAX_OUTPUTS: Final = 256
"""Columns of a result, with those of lists and histograms."""
MAX_LIMIT: Final = 2**31 - 1


def parse(sql: str, schema: Schema) -> tuple[Query, ...]:
    """Return what the statements of *sql* mean over the datasets that *schema* tells of.

    Raises `InvalidInputError` (``sql.*``) with line and column for every statement outside the language,
    before *schema* is asked wherever syntax alone decides, and whatever *schema* raises.
    """
    try:
        source, selects = read(sql)
        text, known = Text(source, Budget()), cache(schema)
        return tuple(_query(text, select, known) for select in selects)
    except RecursionError:
        # A caller deep in its own stack: the text is refused all the same.
        raise InvalidInputError("sql.too-deep", line=1, column=1, limit=MAX_NESTING) from None


def _query(text: Text, select: exp.Select, schema: Schema) -> Query:
    reader = Reader(text, schema)
    origin = reader.rows(select)
    statement = _Statement(select, text.names(origin.tables), origin.unit)
    query = Query(
        sources=tuple(reader.sources),
        tables=tuple(reader.tables),
        frame=origin.frame,
        keys=statement.keys,
        sets=statement.sets,
        measures=(),
        outputs=statement.outputs(),
        having=statement.having(),
        order=statement.order(),
        limit=statement.limit(),
    )
    # Last, for HAVING and ORDER BY may measure what is not shown.
    return replace(query, measures=statement.measures())


@dataclass(frozen=True, slots=True)
class _Item:
    """A column of the result: its syntax, its meaning before keys are known, its name."""

    node: Node
    typed: Typed
    name: str


class _Statement:
    """The part of a statement that stands around its FROM and WHERE."""

    def __init__(self, select: exp.Select, names: Names, unit: str) -> None:
        self._source = names.source
        self._select = select
        self._names = names
        self._unit = unit
        self._measures = Measures()
        self._written = Items(names, tuple(select.expressions))
        few(self._source, select, len(select.expressions), MAX_ITEMS, "SELECT")
        self._places: list[_Item | None] = []
        self._items = self._selected()
        self._aliases = {item.name.casefold(): item.typed for item in self._items}
        self._identities = Identities()
        self._numbers: dict[int, Column] = {}
        self._keys: list[Expression] = []
        self.sets = self._grouped()
        self.keys = tuple(self._keys)
        self._shape = Grouped(
            self._source,
            self._identities,
            self._numbers,
            _released,
            sets=select.args.get("group") is not None,
        )

    def _selected(self) -> list[_Item]:
        items: list[_Item] = []
        for number, node in enumerate(self._written.nodes, start=1):
            self._no_unit(inside(node))
            several = self._values(inside(node))
            taken = {item.name.casefold() for item in items}
            name = name_of(self._source, node, number, taken, [added for added, _ in several])
            found: list[_Item] = []
            for added, typed in several:
                self._check_name(node, name + added, {item.name.casefold() for item in items})
                found.append(_Item(inside(node), typed, name + added))
                items.append(found[-1])
            few(self._source, self._select, len(items), MAX_OUTPUTS, "SELECT")
            self._places.append(found[0] if len(found) == 1 else None)
        return items

    def _values(self, node: Node) -> list[tuple[str, Typed]]:
        """What an item shows: one column, or those of a list of quantiles or a histogram."""
        rows = translator(self._names, self._measures)
        call = node.this if isinstance(node, exp.Filter) else node
        if isinstance(call, exp.PercentileCont | exp.Anonymous) and aggregates(call):
            return self._measures.several(rows, node)
        return [("", rows.typed(node))]

    def _no_unit(self, node: Node) -> None:
        if self._names.unit(node) is not None:
            place = self._source.place(node)
            raise InvalidInputError("sql.groups-by-unit", **place, found=self._unit[:64])

    def _check_name(self, node: Node, name: str, taken: set[str]) -> None:
        check_name(self._source, node, name)
        if clashes(name, taken):
            raise InvalidInputError("sql.duplicate-name", **self._source.place(node), found=name)

    def _grouped(self) -> tuple[tuple[int, ...], ...]:
        group = self._select.args.get("group")
        nodes = group.expressions if group else []
        few(self._source, group or self._select, len(nodes), MAX_ITEMS, "GROUP BY")
        return Sets(self._source, self._key).of(nodes)

    def _key(self, node: Node) -> int:
        """Return the number of the key that an entry of GROUP BY means."""
        self._no_unit(self._written.meant(node))
        names = replace(self._names, aliases=self._aliases)
        typed = self._ordinal(node) or translator(names).typed(node)
        self._check_key(node, typed)
        identity = self._identities.number(typed.expression)
        if identity not in self._numbers:
            self._numbers[identity] = Column(f"{KEY}{len(self._keys)}")
            self._keys.append(typed.expression)
            few(self._source, node, len(self._keys), MAX_KEYS, "GROUP BY")
        return list(self._numbers).index(identity)

    def _check_key(self, node: Node, typed: Typed) -> None:
        found = columns(typed.expression)
        pending = (
            i for i in walk(typed.expression) if isinstance(i, Call) and i.operation == PENDING_GROUPING
        )
        if any(name.startswith(MEASURE) for name in found) or any(pending):
            raise InvalidInputError("sql.aggregate-not-here", **self._source.place(node), found="GROUP BY")
        if not found or typed.kind is None:
            raise InvalidInputError("sql.constant", **self._source.place(node), found="GROUP BY")

    def _ordinal(self, node: Node) -> Typed | None:
        """The select item that a bare number means."""
        if (number := self._written.ordinal(node)) is None:
            return None
        item = self._places[number]
        if item is None:
            raise InvalidInputError("sql.list-inside", **self._source.place(node))
        return item.typed

    def outputs(self) -> tuple[Output, ...]:
        """Return the columns of the result."""
        return tuple(
            Output(item.name, self._shape.over(item.node, item.typed.expression)) for item in self._items
        )

    def having(self) -> Expression | None:
        """Return the condition on released rows."""
        having = self._select.args.get("having")
        if having is None:
            return None
        names = replace(self._names, aliases=self._aliases)
        return self._shape.over(having, translator(names, self._measures).condition(having.this))

    def order(self) -> tuple[Order, ...]:
        """Return the ORDER BY."""
        order = self._select.args.get("order")
        nodes = order.expressions if order else []
        few(self._source, order or self._select, len(nodes), MAX_ITEMS, "ORDER BY")
        return tuple(self._ordered(node) for node in nodes)

    def _ordered(self, node: Node) -> Order:
        inner = node.this if isinstance(node, exp.Ordered) else node
        names = replace(self._names, aliases=self._aliases, alias_first=True)
        typed = self._ordinal(inner) or translator(names, self._measures).typed(inner)
        return Order(
            self._shape.over(inner, typed.expression),
            descending=bool(node.args.get("desc")),
            nulls_first=bool(node.args.get("nulls_first")),
        )

    def limit(self) -> int | None:
        """Return the LIMIT."""
        limit = self._select.args.get("limit")
        if limit is None:
            return None
        found, _ = constants.literal(self._source, limit.expression)
        return constants.whole(self._source, limit.expression, found, 1, MAX_LIMIT)

    def measures(self) -> tuple[Measure, ...]:
        """Return what is measured, once everything has been read."""
        found = self._measures.found
        if not found:
            raise InvalidInputError("sql.nothing-measured", **self._source.place(self._select))
        few(self._source, self._select, len(found), MAX_OUTPUTS, "SELECT")
        return tuple(found)


def _released(name: str) -> bool:
    return name.startswith((MEASURE, GROUPING))
