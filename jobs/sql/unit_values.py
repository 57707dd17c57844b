"""What aggregate calls make of one unit's rows."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from jobs.expressions import Column, Expression
from jobs.relations import UnitValue, ValueKind, shown, slot
from jobs.sql.calls import AggregateCall, distinct, opened, where_true
from jobs.sql.names import Identities, Typed
from jobs.sql.shapes import Node
from jobs.sql.translator import Translator, number
from jobs.typing import MaybeKind
from sandbox.errors import InvalidInputError
from sandbox.schema import Kind

_KINDS: Final[dict[type[Node], ValueKind]] = {
    exp.Sum: "sum",
    exp.Avg: "avg",
    exp.Min: "min",
    exp.Max: "max",
}


@dataclass(slots=True)
class UnitValues:
    """The aggregate calls of a table made per unit, at *place*: each once, named by what they are."""

    place: int
    found: dict[str, UnitValue] = field(default_factory=dict)
    _identities: Identities = field(default_factory=Identities)
    _known: dict[object, Typed] = field(default_factory=dict)

    def aggregate(self, translator: Translator, node: Node) -> Typed:
        """Return the column of an aggregate call."""
        call = opened(translator, node)
        kind, argument = self._parts(call)
        identity = (kind, self._identities.number(argument.expression) if argument else None)
        if identity not in self._known:
            self._known[identity] = self._added(kind, argument)
        return self._known[identity]

    def _parts(self, call: AggregateCall) -> tuple[ValueKind, Typed | None]:
        node, inner = call.node, call.node.args.get("this")
        if isinstance(node, exp.CountIf):
            return "count", where_true(call, node.this)
        if isinstance(node, exp.Count):
            if isinstance(inner, exp.Star):
                return "count", None if call.where is None else call.kept(node, number(1))
            if not isinstance(inner, exp.Expr):
                raise InvalidInputError("sql.syntax", **call.rows.source.place(node), found="COUNT")
            counted = distinct(call)
            return "count" if counted is None else "distinct", call.argument(counted or inner, numeric=False)
        kind = _KINDS.get(type(node))
        if kind is None or not isinstance(inner, exp.Expr):
            name = node.name if isinstance(node, exp.Anonymous) else node.key
            place = call.rows.source.place(node)
            raise InvalidInputError("sql.not-per-unit", **place, found=name.upper())
        return kind, call.argument(inner, numeric=kind in ("sum", "avg"))

    def _added(self, kind: ValueKind, argument: Typed | None) -> Typed:
        name = fresh(f"{kind}({said(argument)})", self.found)
        place = slot(self.place, name)
        self.found[name] = UnitValue(place, kind, argument.expression if argument else None)
        result: MaybeKind = Kind.INTEGER if kind in ("count", "distinct") else Kind.FLOAT
        if kind in ("min", "max") and argument and argument.kind is not Kind.DECIMAL:
            result = argument.kind
        return Typed(Column(place), result)


def said(value: Typed | None) -> str:
    """Return what a message calls *value*: a column's name, or … for a calculation."""
    expression: Expression | None = value.expression if value else None
    return "*" if expression is None else shown(expression.name) if isinstance(expression, Column) else "…"


def fresh(name: str, taken: Container[str]) -> str:
    """Return *name*, with a number if it is *taken*."""
    found, again = name, 1
    while found in taken:
        again += 1
        found = f"{name} {again}"
    return found
