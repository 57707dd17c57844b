"""Where rows come from, while a FROM is read: private rows with their unit, public tables, and joins of them.

Private datasets are joined on the unit alone: any other equality would pair rows of different persons.  Only
private rows are preserved: a public row kept for lack of a match would tell exactly who is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlglot import exp

from jobs.expressions import Call, Column, Expression, columns
from jobs.relations import Frame, Join, JoinKind, Lookup, place_of, shown
from jobs.sql.guard import Source, operands
from jobs.sql.names import Budget, Cell, Names, Table, Typed, bare
from jobs.sql.rows import translator
from jobs.sql.shapes import Node
from jobs.typing import NUMBERS
from sandbox.errors import InvalidInputError
from sandbox.schema import ROW_UNIT


@dataclass(frozen=True, slots=True)
class Private:
    """Rows that each belong to a unit; *unit* is the unit column's name, for messages."""

    frame: Frame
    tables: tuple[Table, ...]
    namespace: str
    unit: str


@dataclass(frozen=True, slots=True)
class Public:
    """Rows of public table *number* for which *condition* is true."""

    number: int
    place: int
    tables: tuple[Table, ...]
    condition: Expression | None = None


Origin = Private | Public


@dataclass(frozen=True, slots=True)
class Text:
    """What all statements of a text share."""

    source: Source
    budget: Budget

    def names(self, tables: Sequence[Table]) -> Names:
        """Return what names mean over *tables*."""
        return Names(self.source, tuple(tables), self.budget)


def conjoined(*conditions: Expression | None) -> Expression | None:
    """Return the conjunction of *conditions*, written flat; None if there are none."""
    found: list[Expression] = []
    for item in conditions:
        if isinstance(item, Call) and item.operation == "and":
            found += item.arguments
        elif item is not None:
            found.append(item)
    return found[0] if len(found) == 1 else Call("and", tuple(found)) if found else None


def filtered(origin: Origin, condition: Expression) -> Origin:
    """Return *origin* with WHERE *condition*."""
    if isinstance(origin, Public):
        return replace(origin, condition=conjoined(origin.condition, condition))
    frame = origin.frame
    return replace(origin, frame=Frame(frame.core, conjoined(frame.where, condition)))


_NULL_IF_ALL: Final = ("and", "or", "coalesce", "greatest", "least")


def null_on_nulls(expression: Expression) -> bool:
    """Whether *expression* is surely null where every column it reads is null."""
    if not isinstance(expression, Call):
        return isinstance(expression, Column) or expression.value is None
    operation, arguments = expression.operation, expression.arguments
    if operation == "case":
        return all(map(null_on_nulls, (*arguments[1:-1:2], arguments[-1])))
    if operation in _NULL_IF_ALL:
        return all(map(null_on_nulls, arguments))
    if operation == "in":
        return null_on_nulls(arguments[0])
    return operation != "is_null" and any(map(null_on_nulls, arguments))


_KINDS: Final[dict[tuple[str, str], JoinKind]] = {
    ("", ""): "inner",
    ("", "INNER"): "inner",
    ("LEFT", ""): "left",
    ("LEFT", "OUTER"): "left",
    ("", "SEMI"): "semi",
    ("LEFT", "SEMI"): "semi",
    ("", "ANTI"): "anti",
    ("LEFT", "ANTI"): "anti",
}
_INSTEAD: Final = {"RIGHT": "b LEFT JOIN a ON …", "FULL": "a LEFT JOIN b ON …"}


def joined(text: Text, left: Origin, right: Origin, node: Node) -> Private:
    """Return what the join *node* makes of *left* and *right*."""
    kind, place = _kind(text, node), text.source.place(node.this)
    taken = {table.alias.casefold() for table in left.tables}
    for table in right.tables:
        if table.alias.casefold() in taken:
            raise InvalidInputError("sql.duplicate-alias", **place, found=table.alias)
    if isinstance(left, Public):
        if isinstance(right, Public):
            raise InvalidInputError("sql.public-join", **place)
        if kind != "inner":
            raise InvalidInputError("sql.public-preserved", **place)
        left, right = right, left
    if isinstance(right, Public):
        return _looked_up(text, kind, left, right, node)
    return _paired(text, kind, left, right, node)


def _kind(text: Text, node: Node) -> JoinKind:
    side, what = node.text("side").upper(), node.text("kind").upper()
    kind = _KINDS.get((side, what))
    if kind is None or not (node.args.get("on") or node.args.get("using")):
        found = "CROSS JOIN" if kind else " ".join(filter(None, (side, what, "JOIN")))
        instead = _INSTEAD.get(side, "JOIN … ON a.unit = b.unit")
        place = text.source.place(node.this)
        raise InvalidInputError("sql.not-supported", **place, found=found, instead=instead)
    return kind


@dataclass(frozen=True, slots=True)
class _Pair:
    """A conjunct of ON: syntax, or two columns of one name (USING)."""

    node: Node
    sides: tuple[Node, Node] | None


def _pairs(node: Node) -> list[_Pair]:
    if using := node.args.get("using"):
        return [_Pair(item, (item, item)) for item in using]
    return [_Pair(item, _sides(item)) for item in _conjuncts(node.args["on"])]


def _sides(node: Node) -> tuple[Node, Node] | None:
    return (bare(node.args["this"]), bare(node.args["expression"])) if isinstance(node, exp.EQ) else None


def _conjuncts(node: Node) -> list[Node]:
    node = bare(node)
    if not isinstance(node, exp.And):
        return [node]
    return [found for item in operands(node) for found in _conjuncts(item)]


@dataclass(frozen=True, slots=True)
class _Both:
    """Two sides of a join on their own and together."""

    left: Names
    right: Names
    both: Names

    def typed(self, pair: _Pair) -> Typed:
        """Return a conjunct as a condition over both sides."""
        if pair.sides and isinstance(pair.node, exp.Identifier):
            sides = self.left.column(pair.node), self.right.column(pair.node)
            return translator(self.both).call(pair.node, "equal", *sides)
        return Typed(translator(self.both).condition(pair.node), None)

    def on_unit(self, pair: _Pair) -> bool:
        """Whether a conjunct says that the units are equal."""
        if pair.sides is None:
            return False
        one, other = pair.sides
        if isinstance(pair.node, exp.Identifier):
            sides = (self.left.find(one), self.right.find(other))
            return all(side is not None and side.cell.unit for side in sides)
        tables = (self.both.unit(one), self.both.unit(other))
        known = [number for number in tables if number is not None]
        return len({number < len(self.left.tables) for number in known}) == 2


def _names(text: Text, left: Origin, right: Origin) -> _Both:
    tables = (*left.tables, *right.tables)
    return _Both(text.names(left.tables), text.names(right.tables), text.names(tables))


def _merged(names: _Both, node: Node, tables: tuple[Table, ...]) -> tuple[Table, ...]:
    """Return the *tables* on the right; a name in USING means the column on the left."""
    found = list(tables)
    for item in node.args.get("using") or ():
        for side in (names.left, names.right):
            if side.find(item) is None:
                raise side.unknown(item)
        if (stored := names.right.find(item)) is not None:
            table = found[stored.table]
            found[stored.table] = replace(table, merged=table.merged | {stored.name})
    return tuple(found)


def _visible(kind: JoinKind, left: Private, right: tuple[Table, ...]) -> tuple[Table, ...]:
    if kind in ("semi", "anti"):
        return left.tables
    if kind == "left":
        right = tuple(
            replace(table, cells={name: _unmatched(cell) for name, cell in table.cells.items()})
            for table in right
        )
    return (*left.tables, *right)


def _unmatched(cell: Cell) -> Cell:
    """A column on the right of a LEFT JOIN: null without a match, so it says nothing of a row's unit."""
    if cell.refusal or null_on_nulls(cell.typed.expression):
        return replace(cell, unit=False)
    return replace(cell, unit=False, refusal="unmatched")


def _paired(text: Text, kind: JoinKind, left: Private, right: Private, node: Node) -> Private:
    place = text.source.place(node.this)
    if ROW_UNIT in (left.unit, right.unit):
        raise InvalidInputError("sql.no-unit-column", **place)
    if left.namespace != right.namespace:
        raise InvalidInputError("sql.other-namespace", **place, found=right.namespace, wanted=left.namespace)
    names = _names(text, left, right)
    tables = _merged(names, node, right.tables)
    pairs = _pairs(node)
    rest = [pair for pair in pairs if not names.on_unit(pair)]
    if len(rest) == len(pairs):
        raise InvalidInputError("sql.join-not-on-unit", **place, instead=f"{left.unit} = {right.unit}")
    condition = conjoined(*(names.typed(pair).expression for pair in rest))
    frame = Frame(Join(kind, left.frame, right.frame, condition))
    return replace(left, frame=frame, tables=_visible(kind, left, tables))


def _looked_up(text: Text, kind: JoinKind, left: Private, right: Public, node: Node) -> Private:
    names = _names(text, left, right)
    tables = _merged(names, node, right.tables)
    on: list[tuple[Expression, str]] = []
    conditions: list[Expression | None] = []
    for pair in _pairs(node):
        if (equal := _looked_up_by(names, pair, right.place)) is not None:
            on.append(equal)
        else:
            conditions.append(names.typed(pair).expression)
    if not on:
        raise InvalidInputError("sql.join-not-on-column", **text.source.place(node.this))
    condition = conjoined(*conditions, right.condition)
    frame = Frame(Lookup(kind, left.frame, right.number, right.place, tuple(on), condition))
    return replace(left, frame=frame, tables=_visible(kind, left, tables))


def _looked_up_by(names: _Both, pair: _Pair, place: int) -> tuple[Expression, str] | None:
    """A private expression and the public column that it equals, if that is what a conjunct says."""
    if pair.sides is None:
        return None
    if isinstance(pair.node, exp.Identifier):
        found = [names.left.column(pair.node), names.right.column(pair.node)]
        translator(names.both).call(pair.node, "equal", *found)
    else:
        found = translator(names.both).alike(*pair.sides)
    for one, other in (found, found[::-1]):
        alike = one.kind == other.kind or {one.kind, other.kind} <= NUMBERS
        private, public = _places(one), _places(other)
        apart = private and place not in private and public == {place}
        if alike and apart and isinstance(other.expression, Column):
            return one.expression, shown(other.expression.name)
    return None


def _places(value: Typed) -> set[int]:
    return {place_of(name) for name in columns(value.expression)}
