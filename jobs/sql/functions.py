"""The functions of row expressions: each class of syntax and the operation it stands for."""

from __future__ import annotations

from math import pi
from typing import Final

from sqlglot import exp

from jobs.expressions import Literal
from jobs.sql import constants
from jobs.sql.calls import MEASURED
from jobs.sql.names import Typed
from jobs.sql.shapes import Node
from jobs.sql.translator import Handler, Translator, number
from jobs.typing import NUMBERS
from sandbox.errors import InvalidInputError
from sandbox.schema import Kind

MAX_PAD: Final = 1_000


def _plain(operation: str, *parts: str) -> Handler:
    """The operation on these parts as they stand."""
    return lambda t, node: t.call(node, operation, *map(t.typed, t.parts(node, *(parts or ("this",)))))


def _part(operation: str) -> Handler:
    """A part of a date; a text literal is read as one."""
    return lambda t, node: t.call(node, operation, t.dated(node.args["this"], t.typed(node.args["this"])))


def _round(t: Translator, node: Node) -> Typed:
    value, digits = t.typed(node.args["this"]), 0
    if (wanted := node.args.get("decimals")) is not None:
        digits = constants.whole(t.source, node, t.literal(wanted), -15, 15)
    power = number(10 ** abs(digits))
    scale, restore = ("multiply", "divide") if digits > 0 else ("divide", "multiply")
    if digits == 0:
        return t.call(node, "round", value)
    return t.call(node, restore, t.call(node, "round", t.call(node, scale, value, power)), power)


def _log(t: Translator, node: Node) -> Typed:
    """LOG(x) is to base 10, as in DuckDB; LOG(base, x) to a base of 2 or 10."""
    if (argument := node.args.get("expression")) is None:
        return t.call(node, "log10", t.typed(node.args["this"]))
    base = t.literal(node.args["this"]).value
    if isinstance(base, bool) or base not in (2, 10):
        raise InvalidInputError("sql.bad-argument", **t.source.place(node), low=2, high=10)
    return t.call(node, f"log{base:g}", t.typed(argument))


def _pi(t: Translator, node: Node) -> Typed:
    return Typed(Literal(pi), Kind.FLOAT)


def _substring(t: Translator, node: Node) -> Typed:
    left = isinstance(node, exp.Left)
    start, length = 1, constants.MAX_LENGTH
    if not left and node.args.get("start") is not None:
        start = constants.whole(t.source, node, t.literal(node.args["start"]), 1, length)
    if (size := node.args.get("expression" if left else "length")) is not None:
        length = constants.whole(t.source, node, t.literal(size), 0, length)
    return t.call(node, "substring", t.typed(node.args["this"]), number(start), number(length))


def _right(t: Translator, node: Node) -> Typed:
    size = t.whole(node.args["expression"], 0, constants.MAX_LENGTH)
    return t.call(node, "right", t.typed(node.args["this"]), size)


def _with_texts(operation: str, *parts: str) -> Handler:
    """The operation on a value and on text literals."""

    def handler(t: Translator, node: Node) -> Typed:
        value, *texts = t.parts(node, "this", *parts)
        return t.call(node, operation, t.typed(value), *map(t.text, texts))

    return handler


_TRIMS: Final = {"": "trim", "BOTH": "trim", "LEADING": "ltrim", "TRAILING": "rtrim"}


def _trim(t: Translator, node: Node) -> Typed:
    operation = _TRIMS[node.text("position").upper()]
    signs = node.args.get("expression")
    return t.call(node, operation, t.typed(node.args["this"]), *([t.text(signs)] if signs else []))


def _concat(t: Translator, node: Node) -> Typed:
    """CONCAT leaves nulls out; ``||`` is null if anything is."""
    empty = Typed(Literal(""), Kind.STRING)
    found = [t.call(item, "coalesce", t.typed(item), empty) for item in node.expressions]
    return t.call(node, "concat", *found)


def _split_part(t: Translator, node: Node) -> Typed:
    value, separator, number_of_part = t.parts(node, "this", "delimiter", "part_index")
    place = t.whole(number_of_part, 1, constants.MAX_LENGTH)
    return t.call(node, "split_part", t.typed(value), t.text(separator), place)


def _pad(t: Translator, node: Node) -> Typed:
    value, size, fill = t.parts(node, "this", "expression", "fill_pattern")
    operation = "lpad" if node.args.get("is_left") else "rpad"
    return t.call(node, operation, t.typed(value), t.whole(size, 0, MAX_PAD), t.text(fill))


_PARTS: Final = {
    **{name: name for name in ("year", "quarter", "month", "week", "day", "hour", "minute", "second")},
    **dict.fromkeys(("dow", "dayofweek", "weekday"), "dayofweek"),
    **dict.fromkeys(("doy", "dayofyear"), "dayofyear"),
    "isodow": "isodow",
}


def _extracted(t: Translator, node: Node, part: Node, value: Node) -> Typed:
    name = constants.unit(t.source, node, part, tuple(_PARTS))
    return t.call(node, _PARTS[name], t.dated(value, t.typed(value)))


def _extract(t: Translator, node: Node) -> Typed:
    return _extracted(t, node, node.args["this"], node.args["expression"])


def _date_trunc(t: Translator, node: Node) -> Typed:
    part = constants.unit(t.source, node, node.args["unit"], constants.UNITS)
    return t.call(node, "date_trunc", Typed(Literal(part), Kind.STRING), t.typed(node.args["this"]))


def _date_diff(t: Translator, node: Node) -> Typed:
    # The parser turns DATE_DIFF(unit, start, end) round.
    start, end = node.args["expression"], node.args["this"]
    part = constants.unit(t.source, node, node.args.get("unit"), constants.UNITS)
    first, last = t.dated(start, t.typed(start)), t.dated(end, t.typed(end))
    return t.call(node, "date_diff", Typed(Literal(part), Kind.STRING), first, last)


def _width_bucket(t: Translator, node: Node) -> Typed:
    value, bottom, top, buckets = t.parts(node, "this", "min_value", "max_value", "num_buckets")
    low, high = t.literal(bottom, *NUMBERS), t.literal(top, *NUMBERS)
    constants.check_range(t.source, node, low, high)
    count = t.whole(buckets, 1, constants.MAX_BUCKETS)
    bounds = [Typed(low, Kind.FLOAT), Typed(high, Kind.FLOAT), count]
    return t.call(node, "width_bucket", t.typed(value), *bounds)


def named(t: Translator, node: Node) -> Typed:
    """Return what a function means that the parser has no class for."""
    name = node.name.upper()
    if name in MEASURED:
        return t.aggregated(node)
    if len(node.expressions) != 2:
        raise InvalidInputError("sql.arguments", **t.source.place(node), found=name, wanted=2)
    first, second = node.expressions
    if name in ("DATE_PART", "DATEPART"):
        return _extracted(t, node, first, second)
    operation = "starts_with" if name == "PREFIX" else "ends_with"
    return t.call(node, operation, t.typed(first), t.text(second))


FUNCTION_HANDLERS: Final[dict[type[Node], Handler]] = {
    exp.Abs: _plain("abs"),
    exp.Floor: _plain("floor"),
    exp.Ceil: _plain("ceil"),
    exp.Round: _round,
    exp.Trunc: _plain("trunc"),
    exp.Sign: _plain("sign"),
    exp.Sqrt: _plain("sqrt"),
    exp.Exp: _plain("exp"),
    exp.Ln: _plain("ln"),
    exp.Log: _log,
    exp.Pow: _plain("power", "this", "expression"),
    exp.Sin: _plain("sin"),
    exp.Cos: _plain("cos"),
    exp.Tan: _plain("tan"),
    exp.Atan: _plain("atan"),
    exp.Atan2: _plain("atan2", "this", "expression"),
    exp.Radians: _plain("radians"),
    exp.Degrees: _plain("degrees"),
    exp.Pi: _pi,
    exp.WidthBucket: _width_bucket,
    exp.Lower: _plain("lower"),
    exp.Upper: _plain("upper"),
    exp.Length: _plain("length"),
    exp.Reverse: _plain("reverse"),
    exp.Substring: _substring,
    exp.Left: _substring,
    exp.Right: _right,
    exp.Trim: _trim,
    exp.Replace: _with_texts("replace", "expression", "replacement"),
    exp.Concat: _concat,
    exp.StartsWith: _with_texts("starts_with", "expression"),
    exp.EndsWith: _with_texts("ends_with", "expression"),
    exp.Contains: _with_texts("contains", "expression"),
    exp.SplitPart: _split_part,
    exp.StrPosition: _with_texts("position", "substr"),
    exp.Pad: _pad,
    exp.Year: _part("year"),
    exp.Quarter: _part("quarter"),
    exp.Month: _part("month"),
    exp.Week: _part("week"),
    exp.WeekOfYear: _part("week"),
    exp.Day: _part("day"),
    exp.DayOfMonth: _part("day"),
    exp.DayOfWeek: _part("dayofweek"),
    exp.DayOfWeekIso: _part("isodow"),
    exp.DayOfYear: _part("dayofyear"),
    exp.Hour: _part("hour"),
    exp.Minute: _part("minute"),
    exp.Second: _part("second"),
    exp.LastDay: _part("last_day"),
    exp.DateFromParts: _plain("make_date", "year", "month", "day"),
    exp.Extract: _extract,
    exp.TimestampTrunc: _date_trunc,
    exp.DateTrunc: _date_trunc,
    exp.DateDiff: _date_diff,
}
