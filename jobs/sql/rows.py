"""The operators of row expressions, and the list of everything that has a meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sqlglot import exp

from jobs.expressions import Call, Literal
from jobs.sql import constants
from jobs.sql.calls import AGGREGATES
from jobs.sql.functions import FUNCTION_HANDLERS, named
from jobs.sql.guard import operands
from jobs.sql.names import Names, Typed, bare
from jobs.sql.shapes import Node
from jobs.sql.translator import Collector, Handler, Translator, number
from jobs.typing import CALENDAR
from sandbox.errors import InvalidInputError
from sandbox.schema import Kind

MAX_SHIFT: Final = 1_000_000


def translator(names: Names, collector: Collector | None = None) -> Translator:
    """Return a translator that knows the whole language."""
    return Translator(names, HANDLERS, collector)


def _plain(operation: str, *parts: str) -> Handler:
    """The operation on these parts as they stand."""
    return lambda t, node: t.call(node, operation, *(t.typed(node.args[part]) for part in parts))


def _alike(operation: str) -> Handler:
    return lambda t, node: t.call(node, operation, *t.alike(node.args["this"], node.args["expression"]))


def _join(operation: str) -> Handler:
    return lambda t, node: t.call(node, operation, *map(t.typed, operands(node)))


def _aggregate(t: Translator, node: Node) -> Typed:
    return t.aggregated(node)


def _constant(t: Translator, node: Node) -> Typed:
    return Typed(*constants.literal(t.source, node))


def _negate(t: Translator, node: Node) -> Typed:
    inner = node.args["this"]
    if isinstance(inner, exp.Literal) and not inner.is_string:
        return Typed(*constants.literal(t.source, inner, negative=True))
    return t.call(node, "negate", t.typed(inner))


def _sum(t: Translator, node: Node) -> Typed:
    left, right = node.args["this"], node.args["expression"]
    if isinstance(node, exp.Add) and isinstance(left, exp.Interval):
        left, right = right, left
    if isinstance(right, exp.Interval):
        return _shifted(t, node, left, right, backwards=isinstance(node, exp.Sub))
    operation = "subtract" if isinstance(node, exp.Sub) else "add"
    return t.call(node, operation, t.typed(left), t.typed(right))


def _shifted(t: Translator, node: Node, moment: Node, interval: Node, *, backwards: bool) -> Typed:
    unit = constants.unit(t.source, interval, interval.args.get("unit"), constants.UNITS)
    written = bare(interval.args["this"])
    if isinstance(written, exp.Literal) and written.is_string:
        # The parser keeps the number of INTERVAL 3 DAY as text.
        steps = constants.signed(t.source, interval, written.this, MAX_SHIFT)
    else:
        steps = constants.whole(t.source, interval, t.literal(written), -MAX_SHIFT, MAX_SHIFT)
    start, shift = t.dated(moment, t.typed(moment)), number(-steps if backwards else steps)
    return t.call(node, "date_add", start, shift, Typed(Literal(unit), Kind.STRING))


def _date_add(t: Translator, node: Node) -> Typed:
    interval = node.args["expression"]
    if not isinstance(interval, exp.Interval):
        raise t.misplaced(node, "DATE_ADD")
    return _shifted(t, node, node.args["this"], interval, backwards=False)


def _in(t: Translator, node: Node) -> Typed:
    if not (items := node.args.get("expressions")):
        raise InvalidInputError("sql.syntax", **t.source.place(node), found="IN")
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
    pattern, value = t.text(node.args["expression"]), t.typed(node.args["this"])
    if isinstance(node, exp.ILike):
        value = t.call(node, "lower", value)
        pattern = Typed(constants.lowered(pattern.expression), Kind.STRING)
    found = t.call(node, "like", value, pattern)
    return t.call(node, "not", found) if node.args.get("negate") else found


def _is(t: Translator, node: Node) -> Typed:
    value, wanted = t.typed(node.args["this"]), node.args["expression"]
    null = t.call(node, "is_null", value)
    if isinstance(wanted, exp.Null):
        return null
    if not isinstance(wanted, exp.Boolean):
        raise t.misplaced(wanted, "IS")
    # NULL IS TRUE is false: "and" is false as soon as one side is.
    truth = value if wanted.this else t.call(node, "not", value)
    return t.call(node, "and", t.call(node, "not", null), truth)


def _same(t: Translator, node: Node) -> Typed:
    """IS [NOT] DISTINCT FROM: where the comparison is null, one side is."""
    left, right = t.alike(node.args["this"], node.args["expression"])
    both = t.call(node, "and", t.call(node, "is_null", left), t.call(node, "is_null", right))
    same = t.call(node, "coalesce", t.call(node, "equal", left, right), both)
    return same if isinstance(node, exp.NullSafeEQ) else t.call(node, "not", same)


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


def _among(operation: str) -> Handler:
    return lambda t, node: t.call(node, operation, *t.alike(node.args["this"], *node.args["expressions"]))


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


def _grouping(t: Translator, node: Node) -> Typed:
    """GROUPING(key): stands in an expression as a call until the keys are known."""
    if t.collector is None:
        raise t.misplaced(node, "GROUPING")
    if len(node.expressions) != 1:
        raise InvalidInputError("sql.arguments", **t.source.place(node), found="GROUPING", wanted=1)
    key = replace(t, collector=None).typed(node.expressions[0])
    return t.built(node, Call(PENDING_GROUPING, (key.expression,)), Kind.INTEGER, (key,))


PENDING_GROUPING: Final = "grouping"
"""No operation: it never leaves the parser."""

HANDLERS: Final[Mapping[type[Node], Handler]] = {
    exp.Column: lambda t, node: t.names.column(node),
    **dict.fromkeys((exp.Literal, exp.Boolean, exp.Null), _constant),
    exp.Paren: lambda t, node: t.typed(node.args["this"]),
    exp.Neg: _negate,
    exp.Add: _sum,
    exp.Sub: _sum,
    exp.Mul: _plain("multiply", "this", "expression"),
    exp.Div: _plain("divide", "this", "expression"),
    exp.Mod: _plain("mod", "this", "expression"),
    exp.EQ: _alike("equal"),
    exp.NEQ: _alike("not_equal"),
    exp.LT: _alike("less"),
    exp.LTE: _alike("less_equal"),
    exp.GT: _alike("greater"),
    exp.GTE: _alike("greater_equal"),
    exp.And: _join("and"),
    exp.Or: _join("or"),
    exp.DPipe: _join("concat"),
    exp.Not: _plain("not", "this"),
    exp.Is: _is,
    exp.NullSafeEQ: _same,
    exp.NullSafeNEQ: _same,
    exp.In: _in,
    exp.Between: _between,
    exp.Like: _like,
    exp.ILike: _like,
    exp.Case: _case,
    exp.If: _case,
    exp.Coalesce: _among("coalesce"),
    exp.Greatest: _among("greatest"),
    exp.Least: _among("least"),
    exp.Nullif: _nullif,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.DateAdd: _date_add,
    exp.Anonymous: named,
    exp.Grouping: _grouping,
    **dict.fromkeys((*AGGREGATES, exp.Filter), _aggregate),
    **FUNCTION_HANDLERS,
}
