"""Expressions after grouping: over group keys and aggregates, never over single rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from jobs.expressions import Call, Column, Expression
from jobs.relations import shown
from jobs.sql.guard import Source
from jobs.sql.names import GROUPING, Identities
from jobs.sql.rows import PENDING_GROUPING
from jobs.sql.shapes import Node
from sandbox.errors import InvalidInputError


@dataclass(slots=True)
class Grouped:
    """What stands for a key in expressions: by its number, the column that holds it.

    *made*: whether a column is an aggregate, not one of single rows.  *units*: the columns that are the unit.
    *sets*: whether GROUPING(key) has a meaning.
    """

    source: Source
    identities: Identities
    columns: Mapping[int, Column]
    made: Callable[[str], bool]
    units: frozenset[str] = frozenset()
    sets: bool = False
    _order: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._order = list(self.columns)

    def over(self, node: Node, expression: Expression) -> Expression:
        """Return *expression* over keys and aggregates; refused at *node* if it needs single rows."""
        _, found, lost = self._walked(node, expression)
        if lost is None:
            return found
        written = shown(lost).casefold()
        named = (item for item in node.find_all(exp.Column) if item.name.casefold() == written)
        place = self.source.place(next(named, node))
        if lost in self.units:
            raise InvalidInputError("sql.unit-as-data", **place, found=shown(lost)[:64])
        raise InvalidInputError("sql.not-grouped", **place, found=shown(lost)[:64])

    def _walked(self, node: Node, expression: Expression) -> tuple[int, Expression, str | None]:
        """Return the number of *expression*, what stands for it, and a column of single rows in that."""
        parts = expression.arguments if isinstance(expression, Call) else ()
        walked = [self._walked(node, part) for part in parts]
        number = self.identities.combined(expression, [item[0] for item in walked])
        if number in self.columns:
            return number, self.columns[number], None
        match expression:
            case Call("grouping" as pending, _) if pending == PENDING_GROUPING:
                return number, self._grouping(node, walked[0][0]), None
            case Call(operation):
                lost = next((item[2] for item in walked if item[2] is not None), None)
                return number, Call(operation, tuple(item[1] for item in walked)), lost
            case Column(name) if not self.made(name):
                return number, expression, name
        return number, expression, None

    def _grouping(self, node: Node, key: int) -> Expression:
        if not self.sets or key not in self.columns:
            raise InvalidInputError("sql.bad-grouping", **self.source.place(node))
        return Column(f"{GROUPING}{self._order.index(key)}")
