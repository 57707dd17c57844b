"""From a checked syntax tree to typed expressions.

A `Translator` stands at one place of a statement: it knows what names mean there and whether aggregates may
stand there.  Each class of syntax has one function in `_HANDLERS`; each result carries its
kind, so that a mistake is found where it was written, before any data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from sqlglot import exp

from jobs.expressions import Call, Expression, Literal, columns
from jobs.spec import Aggregate, Measure
from jobs.sql import constants
from jobs.sql.guard import Node, Source, operands
from jobs.sql.names import Measures, Names, Typed
from jobs.typing import CALENDAR, NUMBERS, KindMismatchError, common_kind, result_kind
from sandbox.errors import InvalidInputError
from sandbox.schema import Kind


@dataclass(frozen=True, slots=True)
class Translator:
    """Turns syntax into expressions; *measures* collects aggregates, None where none may stand."""

    names: Names
    measures: Measures | None = None

    @property
    def source(self) -> Source:
        """The text that is translated."""
        return self.names.source

    def typed(self, node: Node) -> Typed:
        """Return what *node* means; raises `InvalidInputError` (``sql.*``) with its position."""
        handler = None if node.is_star else _HANDLERS.get(type(node))
        if handler is None:
            # On the list of shapes, but without a meaning of its own: the * of COUNT, a unit, a type.
            found = "*" if node.is_star else node.key.upper()
            raise InvalidInputError("sql.misplaced", **self.source.place(node), found=found)
        return handler(self, node)

    def condition(self, node: Node) -> Expression:
        """Return *node* as a condition: a boolean."""
        found = self.typed(node)
        if found.kind not in (Kind.BOOLEAN, None):
            raise self.mismatch(node, str(found.kind), "boolean")
        return found.expression

    def call(self, node: Node, operation: str, *arguments: Typed) -> Typed:
        """Return *operation* on *arguments*, refused at *node* if their kinds do not fit."""
        try:
            kind = result_kind(operation, [item.kind for item in arguments])
        except KindMismatchError as error:
            found = ", ".join(str(kind or "null") for kind in error.kinds)
            raise self.mismatch(node, f"{operation}({found})", "CAST(… AS …)") from None
        return Typed(Call(operation, tuple(item.expression for item in arguments)), kind)

    def mismatch(self, node: Node, found: str, wanted: str) -> InvalidInputError:
        """Return the refusal of a kind at *node*."""
        return InvalidInputError("sql.wrong-kind", **self.source.place(node), found=found, instead=wanted)

    def alike(self, *nodes: Node) -> list[Typed]:
        """Return *nodes* translated, text literals beside dates read as dates or timestamps."""
        found = [self.typed(node) for node in nodes]
        calendar = [item.kind for item in found if item.kind in CALENDAR]
        if not calendar:
            return found
        target = common_kind(calendar) or Kind.DATE
        pairs = zip(nodes, found, strict=True)
        return [self._dated(node, item, target) for node, item in pairs]

    def _dated(self, node: Node, item: Typed, target: Kind) -> Typed:
        if not (isinstance(item.expression, Literal) and isinstance(item.expression.value, str)):
            return item
        return Typed(constants.moment(self.source, node, item.expression.value, target), target)

    def literal(self, node: Node, *kinds: Kind) -> Literal:
        """Return *node* as a literal (null allowed) of one of *kinds*, any if none are given."""
        found = self.typed(node)
        if not isinstance(found.expression, Literal):
            raise InvalidInputError("sql.literal-needed", **self.source.place(node))
        if kinds and found.kind not in (*kinds, None):
            raise self.mismatch(node, str(found.kind), " | ".join(kinds))
        return found.expression

    def aggregate(self, node: Node, aggregate: Aggregate) -> Typed:
        """Return the released column of an aggregate call."""
        if self.measures is None:
            place = self.source.place(node)
            raise InvalidInputError("sql.aggregate-not-here", **place, found=node.key.upper())
        argument = node.args.get("this")
        if aggregate is Aggregate.COUNT and isinstance(argument, exp.Star):
            return self.measures.add(Measure(aggregate))
        if not isinstance(argument, exp.Expr):
            raise InvalidInputError("sql.syntax", **self.source.place(node), found=node.key.upper())
        found = Translator(replace(self.names, aliases={})).typed(argument)
        if not columns(found.expression) or found.kind is None:
            raise InvalidInputError("sql.constant", **self.source.place(argument), found=node.key.upper())
        if aggregate is not Aggregate.COUNT and found.kind not in NUMBERS:
            instead = "SUM(CASE WHEN … THEN 1 ELSE 0 END)" if found.kind is Kind.BOOLEAN else "COUNT(…)"
            raise self.mismatch(argument, f"{aggregate.value}({found.kind})", instead)
        return self.measures.add(Measure(aggregate, found.expression))


_Handler = Callable[[Translator, Node], Typed]


def _plain(operation: str, *parts: str) -> _Handler:
    """The operation on these parts as they stand."""
    return lambda t, node: t.call(node, operation, *(t.typed(node.args[part]) for part in parts))


def _alike(operation: str) -> _Handler:
    return lambda t, node: t.call(node, operation, *t.alike(node.args["this"], node.args["expression"]))


def _join(operation: str) -> _Handler:
    return lambda t, node: t.call(node, operation, *map(t.typed, operands(node)))


def _aggregate(aggregate: Aggregate) -> _Handler:
    return lambda t, node: t.aggregate(node, aggregate)


def _constant(t: Translator, node: Node) -> Typed:
    return Typed(*constants.literal(t.source, node))


def _negate(t: Translator, node: Node) -> Typed:
    inner = node.args["this"]
    if isinstance(inner, exp.Literal) and not inner.is_string:
        return Typed(*constants.literal(t.source, inner, negative=True))
    return t.call(node, "negate", t.typed(inner))


def _in(t: Translator, node: Node) -> Typed:
    items = node.args["expressions"]
    found = t.alike(node.args["this"], *items)
    for item, typed in zip(items, found[1:], strict=True):
        if not isinstance(typed.expression, Literal):
            raise InvalidInputError("sql.literal-needed", **t.source.place(item))
    return t.call(node, "in", *found)


def _between(t: Translator, node: Node) -> Typed:
    value, low, high = t.alike(node.args["this"], node.args["low"], node.args["high"])
    above = t.call(node, "greater_equal", value, low)
    return t.call(node, "and", above, t.call(node, "less_equal", value, high))


def _like(t: Translator, node: Node) -> Typed:
    pattern = t.literal(node.args["expression"], Kind.STRING)
    if isinstance(pattern.value, str) and len(pattern.value) > constants.MAX_PATTERN:
        place = t.source.place(node.args["expression"])
        raise InvalidInputError("sql.long-pattern", **place, limit=constants.MAX_PATTERN)
    found = t.call(node, "like", t.typed(node.args["this"]), Typed(pattern, Kind.STRING))
    return t.call(node, "not", found) if node.args.get("negate") else found


def _is(t: Translator, node: Node) -> Typed:
    value, wanted = t.typed(node.args["this"]), node.args["expression"]
    null = t.call(node, "is_null", value)
    if isinstance(wanted, exp.Null):
        return null
    if not isinstance(wanted, exp.Boolean):
        raise InvalidInputError("sql.misplaced", **t.source.place(wanted), found="IS")
    # NULL IS TRUE is false: "and" is false as soon as one side is.
    truth = value if wanted.this else t.call(node, "not", value)
    return t.call(node, "and", t.call(node, "not", null), truth)


def _case(t: Translator, node: Node) -> Typed:
    ifs = node.args["ifs"] if isinstance(node, exp.Case) else [node]
    subject = node.args.get("this") if isinstance(node, exp.Case) else None
    conditions = [
        t.typed(item.this) if subject is None else t.call(item, "equal", *t.alike(subject, item.this))
        for item in ifs
    ]
    otherwise = node.args.get("default" if isinstance(node, exp.Case) else "false") or exp.null()
    *values, last = t.alike(*(item.args["true"] for item in ifs), otherwise)
    flat = [part for pair in zip(conditions, values, strict=True) for part in pair]
    return t.call(node, "case", *flat, last)


def _coalesce(t: Translator, node: Node) -> Typed:
    return t.call(node, "coalesce", *t.alike(node.args["this"], *node.args["expressions"]))


def _nullif(t: Translator, node: Node) -> Typed:
    value, other = t.alike(node.args["this"], node.args["expression"])
    return t.call(node, "case", t.call(node, "equal", value, other), Typed(Literal(None), None), value)


def _cast(t: Translator, node: Node) -> Typed:
    value, kind = node.args["this"], constants.cast_kind(t.source, node.args["to"])
    if isinstance(value, exp.Literal) and value.is_string and kind in CALENDAR:
        return Typed(constants.moment(t.source, value, value.this, kind), kind)
    if kind is Kind.TIMESTAMP:
        place = t.source.place(node)
        raise InvalidInputError("sql.bad-type", **place, found="TIMESTAMP", instead="DATE")
    return t.call(node, f"to_{kind.value}", t.typed(value))


def _round(t: Translator, node: Node) -> Typed:
    value, digits = t.typed(node.args["this"]), 0
    if (wanted := node.args.get("decimals")) is not None:
        digits = constants.whole(t.source, node, t.literal(wanted), -15, 15)
    power = Typed(Literal(10 ** abs(digits)), Kind.INTEGER)
    scale, restore = ("multiply", "divide") if digits > 0 else ("divide", "multiply")
    if digits == 0:
        return t.call(node, "round", value)
    return t.call(node, restore, t.call(node, "round", t.call(node, scale, value, power)), power)


def _substring(t: Translator, node: Node) -> Typed:
    left = isinstance(node, exp.Left)
    start, length = 1, constants.MAX_LENGTH
    if not left and node.args.get("start") is not None:
        start = constants.whole(t.source, node, t.literal(node.args["start"]), 1, length)
    if (size := node.args.get("expression" if left else "length")) is not None:
        length = constants.whole(t.source, node, t.literal(size), 0, length)
    bounds = (Typed(Literal(item), Kind.INTEGER) for item in (start, length))
    return t.call(node, "substring", t.typed(node.args["this"]), *bounds)


def _extract(t: Translator, node: Node) -> Typed:
    part = constants.unit(t.source, node, node.args["this"], ("year", "month", "day"))
    return t.call(node, part, t.typed(node.args["expression"]))


def _date_trunc(t: Translator, node: Node) -> Typed:
    part = constants.unit(t.source, node, node.args["unit"], constants.UNITS)
    return t.call(node, "date_trunc", Typed(Literal(part), Kind.STRING), t.typed(node.args["this"]))


def _width_bucket(t: Translator, node: Node) -> Typed:
    if any(node.args.get(part) is None for part in ("min_value", "max_value", "num_buckets")):
        raise InvalidInputError("sql.syntax", **t.source.place(node), found="WIDTH_BUCKET")
    low, high = (t.literal(node.args[part], *NUMBERS) for part in ("min_value", "max_value"))
    count = constants.whole(t.source, node, t.literal(node.args["num_buckets"]), 1, constants.MAX_BUCKETS)
    constants.check_range(t.source, node, low, high)
    bounds = [Typed(low, Kind.FLOAT), Typed(high, Kind.FLOAT), Typed(Literal(count), Kind.INTEGER)]
    return t.call(node, "width_bucket", t.typed(node.args["this"]), *bounds)


_HANDLERS: Final[dict[type[Node], _Handler]] = {
    exp.Column: lambda t, node: t.names.column(node),
    **dict.fromkeys((exp.Literal, exp.Boolean, exp.Null), _constant),
    exp.Paren: lambda t, node: t.typed(node.args["this"]),
    exp.Neg: _negate,
    exp.Add: _plain("add", "this", "expression"),
    exp.Sub: _plain("subtract", "this", "expression"),
    exp.Mul: _plain("multiply", "this", "expression"),
    exp.Div: _plain("divide", "this", "expression"),
    exp.EQ: _alike("equal"),
    exp.NEQ: _alike("not_equal"),
    exp.LT: _alike("less"),
    exp.LTE: _alike("less_equal"),
    exp.GT: _alike("greater"),
    exp.GTE: _alike("greater_equal"),
    exp.And: _join("and"),
    exp.Or: _join("or"),
    exp.Not: _plain("not", "this"),
    exp.Is: _is,
    exp.In: _in,
    exp.Between: _between,
    exp.Like: _like,
    exp.Case: _case,
    exp.If: _case,
    exp.Coalesce: _coalesce,
    exp.Nullif: _nullif,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Count: _aggregate(Aggregate.COUNT),
    exp.Sum: _aggregate(Aggregate.SUM),
    exp.Avg: _aggregate(Aggregate.AVG),
    exp.Abs: _plain("abs", "this"),
    exp.Floor: _plain("floor", "this"),
    exp.Ceil: _plain("ceil", "this"),
    exp.Round: _round,
    exp.Lower: _plain("lower", "this"),
    exp.Upper: _plain("upper", "this"),
    exp.Length: _plain("length", "this"),
    exp.Substring: _substring,
    exp.Left: _substring,
    exp.Year: _plain("year", "this"),
    exp.Month: _plain("month", "this"),
    exp.Day: _plain("day", "this"),
    exp.Extract: _extract,
    exp.TimestampTrunc: _date_trunc,
    exp.DateTrunc: _date_trunc,
    exp.WidthBucket: _width_bucket,
}
