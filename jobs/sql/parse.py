"""From the text of a statement to a `Query`: what is filtered, grouped, measured and shown.

One SELECT over one dataset.  WHERE and GROUP BY speak of rows.  What is selected, HAVING and ORDER BY speak
of released values only: of group keys (``key:i``) and of measures (``measure:i``), each measured once.  A
column that is neither grouped by nor aggregated is refused, for there is no released value to show.
Names: an identifier means the column of that name, or the only one that differs in case; GROUP BY and
HAVING look for a column before a select alias, ORDER BY for an alias first, as DuckDB does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlglot import exp

from jobs.expressions import Call, Column, Expression, columns
from jobs.spec import Order, Output, Query
from jobs.sql import constants
from jobs.sql.guard import MAX_NESTING, Node, Source, read
from jobs.sql.names import KEY, MEASURE, Measures, Names, Typed, identify
from jobs.sql.rows import Translator
from sandbox.errors import InvalidInputError
from sandbox.schema import NAME, DatasetName, Field

Schema = Callable[[DatasetName], Mapping[str, Field]]

MAX_OUTPUTS: Final = 64
MAX_KEYS: Final = 16
MAX_LIMIT: Final = 2**31 - 1
MAX_NAME: Final = 128


def parse(sql: str, schema: Schema) -> Query:
    """Return what *sql* means over the dataset whose public columns *schema* tells.

    Raises `InvalidInputError` (``sql.*``) with line and column for every statement outside the language,
    before *schema* is asked wherever syntax alone decides, and whatever *schema* raises.
    """
    try:
        source, select = read(sql)
        dataset, qualifier = _dataset(source, select)
        return _Statement(select, Names(source, schema(dataset), qualifier)).query(dataset)
    except RecursionError:
        # A caller deep in its own stack: the text is refused all the same.
        raise InvalidInputError("sql.too-deep", line=1, column=1, limit=MAX_NESTING) from None


def _dataset(source: Source, select: exp.Select) -> tuple[DatasetName, str]:
    """The name of the one dataset, and what its columns may be qualified with."""
    origin = select.args.get("from_")
    if origin is None:
        raise InvalidInputError("sql.no-dataset", **source.at(len(source.sql)))
    table = origin.this
    parts = [table.args.get(part) for part in ("catalog", "db", "this")] if type(table) is exp.Table else []
    known = [part for part in parts if part]
    if not known or not all(type(part) is exp.Identifier for part in known):
        raise InvalidInputError("sql.bad-dataset-name", **source.place(origin))
    name = ".".join(part.this if part.quoted else part.this.lower() for part in known)
    if not NAME.fullmatch(name):
        raise InvalidInputError("sql.bad-dataset-name", **source.place(origin))
    return DatasetName(name), table.alias or known[-1].this


@dataclass(frozen=True, slots=True)
class _Item:
    """A select item: its syntax, its meaning before keys are known, its name."""

    node: Node
    typed: Typed
    name: str


class _Statement:
    """One statement on its way to a query."""

    def __init__(self, select: exp.Select, names: Names) -> None:
        self._source = names.source
        self._select = select
        self._names = names
        self._measures = Measures()
        self._items = self._selected()
        self._aliases = {item.name.casefold(): item.typed for item in self._items}
        self._keys = self._grouped()
        self._key_numbers = {identify(key): i for i, key in enumerate(self._keys)}

    def query(self, dataset: DatasetName) -> Query:
        """Return the statement as a query over *dataset*."""
        where = self._select.args.get("where")
        query = Query(
            dataset=dataset,
            where=Translator(self._names).condition(where.this) if where else None,
            keys=self._keys,
            measures=(),
            outputs=tuple(Output(i.name, self._released(i.node, i.typed.expression)) for i in self._items),
            having=self._having(),
            order=self._order(),
            limit=self._limit(),
        )
        # Last, for HAVING and ORDER BY may measure what is not shown.
        if not self._measures.found:
            raise InvalidInputError("sql.nothing-measured", **self._source.place(self._select))
        self._few(len(self._measures.found), MAX_OUTPUTS, self._select, "COUNT SUM AVG")
        return replace(query, measures=tuple(self._measures.found))

    def _selected(self) -> list[_Item]:
        nodes = self._select.expressions
        self._few(len(nodes), MAX_OUTPUTS, self._select, "SELECT")
        translator = Translator(self._names, self._measures)
        items: list[_Item] = []
        for number, node in enumerate(nodes, start=1):
            inner = node.this if isinstance(node, exp.Alias) else node
            typed = translator.typed(inner)
            name = self._name(node, number, {item.name.casefold() for item in items})
            items.append(_Item(inner, typed, name))
        return items

    def _name(self, node: Node, number: int, taken: set[str]) -> str:
        written = node.alias if isinstance(node, exp.Alias) else node.name if type(node) is exp.Column else ""
        name = written or _made_up(node, number, taken)
        if not 0 < len(name) <= MAX_NAME or not name.isprintable():
            raise InvalidInputError("sql.bad-name", **self._source.place(node), limit=MAX_NAME)
        # A value n is shown with its interval as n_low and n_high: those names must be free too.
        folded = name.casefold()
        ends = ("", "_low", "_high")
        if any(folded + end in taken or any(folded == other + end for other in taken) for end in ends):
            raise InvalidInputError("sql.duplicate-name", **self._source.place(node), found=name)
        return name

    def _few(self, count: int, limit: int, node: Node, what: str) -> None:
        if count > limit:
            raise InvalidInputError("sql.too-many", **self._source.place(node), found=what, limit=limit)

    def _grouped(self) -> tuple[Expression, ...]:
        group = self._select.args.get("group")
        nodes = group.expressions if group else []
        self._few(len(nodes), MAX_KEYS, group or self._select, "GROUP BY")
        found: dict[str, Expression] = {}
        for node in nodes:
            key = self._key(node)
            found.setdefault(identify(key), key)
        return tuple(found.values())

    def _key(self, node: Node) -> Expression:
        typed = self._ordinal(node) or Translator(replace(self._names, aliases=self._aliases)).typed(node)
        names = columns(typed.expression)
        if any(name.startswith(MEASURE) for name in names):
            raise InvalidInputError("sql.aggregate-not-here", **self._source.place(node), found="GROUP BY")
        if not names or typed.kind is None:
            raise InvalidInputError("sql.constant", **self._source.place(node), found="GROUP BY")
        return typed.expression

    def _ordinal(self, node: Node) -> Typed | None:
        """The select item that a bare number means."""
        if not isinstance(node, exp.Literal) or node.is_string:
            return None
        number, _ = constants.literal(self._source, node)
        if not isinstance(number.value, int) or not 1 <= number.value <= len(self._items):
            raise InvalidInputError("sql.bad-ordinal", **self._source.place(node), limit=len(self._items))
        return self._items[number.value - 1].typed

    def _released(self, node: Node, expression: Expression) -> Expression:
        """Return *expression* over released values: parts equal to a key become that key."""
        number = self._key_numbers.get(identify(expression))
        if number is not None:
            return Column(f"{KEY}{number}")
        if isinstance(expression, Call):
            parts = tuple(self._released(node, item) for item in expression.arguments)
            return Call(expression.operation, parts)
        if isinstance(expression, Column) and not expression.name.startswith(MEASURE):
            written = expression.name.casefold()
            named = (item for item in node.find_all(exp.Column) if item.name.casefold() == written)
            place = self._source.place(next(named, node))
            raise InvalidInputError("sql.not-grouped", **place, found=expression.name[:64])
        return expression

    def _having(self) -> Expression | None:
        having = self._select.args.get("having")
        if having is None:
            return None
        translator = Translator(replace(self._names, aliases=self._aliases), self._measures)
        return self._released(having, translator.condition(having.this))

    def _order(self) -> tuple[Order, ...]:
        order = self._select.args.get("order")
        nodes = order.expressions if order else []
        self._few(len(nodes), MAX_OUTPUTS, order or self._select, "ORDER BY")
        return tuple(self._ordered(node) for node in nodes)

    def _ordered(self, node: Node) -> Order:
        inner = node.this if isinstance(node, exp.Ordered) else node
        names = replace(self._names, aliases=self._aliases, alias_first=True)
        typed = self._ordinal(inner) or Translator(names, self._measures).typed(inner)
        return Order(
            self._released(inner, typed.expression),
            descending=bool(node.args.get("desc")),
            nulls_first=bool(node.args.get("nulls_first")),
        )

    def _limit(self) -> int | None:
        limit = self._select.args.get("limit")
        if limit is None:
            return None
        found, _ = constants.literal(self._source, limit.expression)
        return constants.whole(self._source, limit.expression, found, 1, MAX_LIMIT)


def _made_up(node: Node, number: int, taken: set[str]) -> str:
    """A name for an item without one: ``count``, ``avg_age``, or its place."""
    inner = node.args.get("this")
    name = ""
    if isinstance(node, exp.Count | exp.Sum | exp.Avg):
        name = f"{node.key}_{inner.name}" if type(inner) is exp.Column else node.key
    return name if name and name.casefold() not in taken else f"column_{number}"
