"""A SELECT inside a FROM: written into what stands around it, or one row per unit.

Without grouping it is no operator: its columns are definitions, its WHERE joins the WHERE outside.  Grouped
by the unit it is a `PerUnit`.  Anything else would make rows of several units, which are nobody's rows.
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from jobs.expressions import Column, Expression, columns
from jobs.relations import Frame, PerUnit, place_of, slot
from jobs.sql.grouped import Grouped
from jobs.sql.names import Cell, Identities, Names, Table, Typed, hidden
from jobs.sql.origins import Origin, Private, Public, Text
from jobs.sql.rows import translator
from jobs.sql.selected import MAX_ITEMS, MAX_KEYS, Items, aggregates, few, inside, name_of
from jobs.sql.shapes import Node
from jobs.sql.translator import Translator
from jobs.sql.unit_values import UnitValues, fresh, said
from sandbox.errors import InvalidInputError
from sandbox.schema import ROW_UNIT


def grouped(text: Text, select: exp.Select) -> bool:
    """Whether *select* groups; refuses what has no meaning inside a FROM."""
    for part in ("order", "limit"):
        if (node := select.args.get(part)) is not None:
            found = "ORDER BY" if part == "order" else "LIMIT"
            raise InvalidInputError("sql.not-inside", **text.source.place(node), found=found)
    few(text.source, select, len(select.expressions), MAX_ITEMS, "SELECT")
    return bool(select.args.get("group") or select.args.get("having")) or any(
        map(aggregates, select.expressions)
    )


def projected(text: Text, origin: Origin, select: exp.Select, alias: str) -> Origin:
    """Return *origin* with the columns that *select* makes, as table *alias*."""
    names = text.names(origin.tables)
    cells: dict[str, Cell] = {}
    for number, node in enumerate(select.expressions, start=1):
        if inside(node).is_star:
            for name, cell in _starred(names, inside(node)):
                _put(cells, name, cell)
        else:
            name = name_of(text.source, node, number, {item.casefold() for item in cells})
            _put(cells, name, _cell(names, inside(node)))
    return replace(origin, tables=(Table(alias, cells),))


def _cell(names: Names, node: Node) -> Cell:
    if type(node) is exp.Column and (found := names.find(node)) is not None:
        return found.cell
    return Cell(translator(names).typed(node))


def _starred(names: Names, node: Node) -> list[tuple[str, Cell]]:
    qualifier = node.text("table").casefold()
    kept = [table for table in names.tables if not qualifier or table.alias.casefold() == qualifier]
    if not kept:
        known = [table.alias for table in names.tables]
        place = names.source.place(node)
        raise InvalidInputError("sql.unknown-table", **place, found=qualifier[:64], instead=known)
    return [
        (name, cell)
        for table in kept
        for name, cell in table.cells.items()
        if not hidden(name) and (qualifier or name not in table.merged)
    ]


def _put(cells: dict[str, Cell], name: str, cell: Cell) -> None:
    earlier = cells.get(name)
    if earlier is None:
        cells[name] = cell
    elif not (earlier.unit and cell.unit):
        cells[name] = replace(earlier, unit=False, refusal="ambiguous")


def per_unit(text: Text, origin: Origin, select: exp.Select, alias: str, place: int) -> Private:
    """Return one row per unit (and further group) of *origin*, as table *alias* made at *place*."""
    if isinstance(origin, Public):
        raise InvalidInputError("sql.public-grouped", **text.source.place(select))
    return _PerUnitSelect(text, origin, select, place).table(alias)


class _PerUnitSelect:
    """A SELECT grouped by the unit, on its way to a frame."""

    def __init__(self, text: Text, origin: Private, select: exp.Select, place: int) -> None:
        self._source = text.source
        self._origin = origin
        self._select = select
        self._place = place
        self._names = text.names(origin.tables)
        self._items = Items(self._names, tuple(select.expressions))
        self._values = UnitValues(place)
        self._identities = Identities()
        self._keys: dict[str, Expression] = {}
        self._columns: dict[int, Column] = {}

    def table(self, alias: str) -> Private:
        """Return the frame and its columns, as table *alias*."""
        self._group()
        shape = Grouped(
            self._source,
            self._identities,
            self._columns,
            lambda name: place_of(name) == self._place,
            _unit_slots(self._names),
        )
        cells: dict[str, Cell] = {}
        for number, node in enumerate(self._items.nodes, start=1):
            name = name_of(self._source, node, number, {item.casefold() for item in cells})
            _put(cells, name, self._cell(shape, inside(node)))
        having = self._having(shape)
        keys = tuple((slot(self._place, name), key) for name, key in self._keys.items())
        core = PerUnit(self._origin.frame, keys, tuple(self._values.found.values()))
        return replace(self._origin, frame=Frame(core, having), tables=(Table(alias, cells),))

    def _group(self) -> None:
        group, unit = self._select.args.get("group"), self._origin.unit
        place = self._source.place(group or self._select)
        if unit == ROW_UNIT:
            raise InvalidInputError("sql.no-unit-column", **place)
        nodes = group.expressions if group else []
        few(self._source, group or self._select, len(nodes), MAX_KEYS, "GROUP BY")
        by_unit = False
        for node in nodes:
            if isinstance(node, exp.Rollup | exp.Cube | exp.GroupingSets | exp.Tuple):
                raise InvalidInputError("sql.not-inside", **self._source.place(node), found=node.key.upper())
            meant = self._items.meant(node)
            if self._names.unit(meant) is not None:
                by_unit = True
            else:
                self._key(meant)
        if not by_unit:
            raise InvalidInputError("sql.not-by-unit", **place, found=unit)

    def _key(self, node: Node) -> None:
        typed = translator(self._names).typed(node)
        if not columns(typed.expression) or typed.kind is None:
            raise InvalidInputError("sql.constant", **self._source.place(node), found="GROUP BY")
        number = self._identities.number(typed.expression)
        if number not in self._columns:
            name = fresh(f"key {said(typed)}" if said(typed) == "…" else said(typed), self._keys)
            self._keys[name] = typed.expression
            self._columns[number] = Column(slot(self._place, name))

    def _translator(self) -> Translator:
        return translator(self._names, self._values)

    def _cell(self, shape: Grouped, node: Node) -> Cell:
        if self._names.unit(node) is not None:
            return Cell(Typed(Column(slot(self._place, node.name)), None), unit=True, refusal="unit")
        typed = self._translator().typed(node)
        return Cell(replace(typed, expression=shape.over(node, typed.expression)))

    def _having(self, shape: Grouped) -> Expression | None:
        having = self._select.args.get("having")
        if having is None:
            return None
        aliases = {
            node.alias.casefold(): self._translator().typed(node.this)
            for node in self._items.nodes
            if isinstance(node, exp.Alias) and self._names.unit(node.this) is None
        }
        names = replace(self._names, aliases=aliases)
        return shape.over(having, translator(names, self._values).condition(having.this))


def _unit_slots(names: Names) -> frozenset[str]:
    found = [cell.typed.expression for table in names.tables for cell in table.cells.values() if cell.unit]
    return frozenset(item.name for item in found if isinstance(item, Column))
