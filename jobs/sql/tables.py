"""FROM: datasets, public tables, subqueries and CTEs, joined from left to right.

A CTE is read anew wherever it is named, so that it means what the same subquery would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from jobs.expressions import Column
from jobs.relations import Frame, Scan, slot
from jobs.sql import derived
from jobs.sql.names import Cell, Described, Table, Typed, hidden
from jobs.sql.origins import Origin, Private, Public, Text, filtered, joined
from jobs.sql.rows import translator
from jobs.sql.shapes import Node
from sandbox.errors import InvalidInputError
from sandbox.schema import NAME, ROW_UNIT, DatasetName

MAX_LEVELS: Final = 8
MAX_LEAVES: Final = 8

Schema = Callable[[DatasetName], Described]


@dataclass(frozen=True, slots=True)
class _Scope:
    """The CTEs that a SELECT can name, by case-folded name."""

    found: Mapping[str, exp.CTE] = field(default_factory=dict)
    outer: _Scope | None = None

    def find(self, name: str) -> tuple[exp.CTE, _Scope] | None:
        """Return the CTE called *name* and the scope it stands in."""
        if (cte := self.found.get(name.casefold())) is not None:
            return cte, self
        return self.outer.find(name) if self.outer else None


class Reader:
    """Reads the FROM of one statement; *sources* and *tables* are what it has met, in order."""

    def __init__(self, text: Text, schema: Schema) -> None:
        self._text = text
        self._schema = schema
        self._places = 0
        self._leaves = 0
        self._open: list[exp.CTE] = []
        self.sources: list[DatasetName] = []
        self.tables: list[DatasetName] = []

    def rows(self, select: exp.Select) -> Private:
        """Return the rows that the outermost *select* is about."""
        found = self._origin(select, _Scope(), 1)
        if isinstance(found, Public):
            raise InvalidInputError("sql.public-only", **self._text.source.place(select.args["from_"]))
        return found

    def _origin(self, select: exp.Select, scope: _Scope, level: int) -> Origin:
        source = self._text.source
        if level > MAX_LEVELS:
            raise InvalidInputError("sql.too-deep", **source.place(select), limit=MAX_LEVELS)
        scope = self._scope(select, scope)
        origin = select.args.get("from_")
        if origin is None:
            raise InvalidInputError("sql.no-dataset", **source.place(select))
        found = self._item(origin.this, scope, level)
        for join in select.args.get("joins") or ():
            found = joined(self._text, found, self._item(join.this, scope, level), join)
        if (where := select.args.get("where")) is not None:
            names = self._text.names(found.tables)
            found = filtered(found, translator(names).condition(where.this))
        return found

    def _scope(self, select: exp.Select, outer: _Scope) -> _Scope:
        written = select.args.get("with_")
        if written is None:
            return outer
        found: dict[str, exp.CTE] = {}
        for cte in written.expressions:
            name = cte.alias.casefold()
            if name in found:
                place = self._text.source.place(cte.args["alias"])
                raise InvalidInputError("sql.duplicate-alias", **place, found=cte.alias)
            found[name] = cte
        return _Scope(found, outer)

    def _item(self, node: Node, scope: _Scope, level: int) -> Origin:
        if isinstance(node, exp.Subquery):
            return self._derived(node, node.this, scope, level, node.alias or "subquery")
        known = _parts(node)
        if not known:
            raise InvalidInputError("sql.bad-dataset-name", **self._text.source.place(node))
        cte = scope.find(known[0].this) if len(known) == 1 else None
        if cte is not None:
            return self._named(node, *cte, level)
        name = ".".join(part.this if part.quoted else part.this.lower() for part in known)
        if not NAME.fullmatch(name):
            raise InvalidInputError("sql.bad-dataset-name", **self._text.source.place(node))
        return self._leaf(node, DatasetName(name), node.alias or known[-1].this)

    def _named(self, node: Node, cte: exp.CTE, scope: _Scope, level: int) -> Origin:
        if any(cte is item for item in self._open):
            raise InvalidInputError("sql.recursive", **self._text.source.place(node), found=cte.alias[:64])
        self._open.append(cte)
        try:
            return self._derived(node, cte.this, scope, level, node.alias or cte.alias)
        finally:
            self._open.pop()

    def _derived(self, node: Node, select: Node, scope: _Scope, level: int, alias: str) -> Origin:
        if not isinstance(select, exp.Select):
            place = self._text.source.place(node)
            raise InvalidInputError("sql.not-supported", **place, found="(…)", instead="FROM dataset AS a")
        grouped = derived.grouped(self._text, select)
        origin = self._origin(select, scope, level + 1)
        if not grouped:
            return derived.projected(self._text, origin, select, alias)
        return derived.per_unit(self._text, origin, select, alias, self._next_place())

    def _next_place(self) -> int:
        self._places += 1
        return self._places - 1

    def _leaf(self, node: Node, name: DatasetName, alias: str) -> Origin:
        self._leaves += 1
        if self._leaves > MAX_LEAVES:
            at = self._text.source.place(node)
            raise InvalidInputError("sql.too-many", **at, found="FROM", limit=MAX_LEAVES)
        described, place = self._schema(name), self._next_place()
        unit = None if described.unit == ROW_UNIT else described.unit
        cells = {
            field.name: Cell(Typed(Column(slot(place, field.name)), field.kind), field.name == unit)
            for field in described.fields.values()
            if not hidden(field.name)
        }
        tables = (Table(alias, cells),)
        if described.public or described.unit is None:
            return Public(_number(self.tables, name), place, tables)
        frame = Frame(Scan(_number(self.sources, name), place))
        return Private(frame, tables, described.namespace, described.unit)


def _parts(node: Node) -> list[exp.Identifier]:
    """The parts of a table's name; none if it is anything else."""
    if type(node) is not exp.Table:
        return []
    parts = [node.args.get(part) for part in ("catalog", "db", "this")]
    known = [part for part in parts if part]
    return known if all(type(part) is exp.Identifier for part in known) else []


def _number(names: list[DatasetName], name: DatasetName) -> int:
    if name not in names:
        names.append(name)
    return names.index(name)
