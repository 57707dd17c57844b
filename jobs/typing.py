"""The kinds of expressions: which operation accepts what, and what comes out.

One table for the SQL front end, the planner and the tests.  The laws: text, booleans, numbers and calendar
values never mix; arithmetic gives a float; DECIMAL is the kind of a stored column only, anything made from
one is a float; the null literal fits everywhere and has no kind of its own (`None`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from jobs.expressions import Call, Column, Expression, Literal
from sandbox.schema import Field, Kind, Scalar

MaybeKind = Kind | None
"""A kind, or None for an expression that is always null."""

CALENDAR: Final = frozenset({Kind.DATE, Kind.TIMESTAMP})
NUMBERS: Final = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL})
TEXT: Final = frozenset({Kind.STRING})
TRUTH: Final = frozenset({Kind.BOOLEAN})
_FAMILIES: Final = (NUMBERS, TEXT, TRUTH, CALENDAR)


class KindMismatchError(TypeError):
    """An operation met kinds that it does not accept; *operation* and *kinds* are public."""

    def __init__(self, operation: str, kinds: Sequence[MaybeKind]) -> None:
        super().__init__(operation, kinds)
        self.operation = operation
        self.kinds = tuple(kinds)


_Rule = Callable[[Sequence[MaybeKind]], MaybeKind]


def _need(kinds: Sequence[MaybeKind], accepted: frozenset[Kind]) -> None:
    if any(kind is not None and kind not in accepted for kind in kinds):
        raise KindMismatchError("", kinds)


def _always(accepted: frozenset[Kind], result: Kind) -> _Rule:
    def rule(kinds: Sequence[MaybeKind]) -> MaybeKind:
        _need(kinds, accepted)
        return result

    return rule


def _first_and_rest(first: frozenset[Kind], rest: frozenset[Kind], result: Kind) -> _Rule:
    def rule(kinds: Sequence[MaybeKind]) -> MaybeKind:
        _need(kinds[:1], first)
        _need(kinds[1:], rest)
        return result

    return rule


def common_kind(kinds: Sequence[MaybeKind]) -> MaybeKind:
    """Return the kind that holds values of all *kinds*; raise `KindMismatchError` if there is none."""
    known = {kind for kind in kinds if kind is not None}
    if not known:
        return None
    if not any(known <= family for family in _FAMILIES):
        raise KindMismatchError("", kinds)
    if known <= NUMBERS:
        return Kind.INTEGER if known == {Kind.INTEGER} else Kind.FLOAT
    return Kind.TIMESTAMP if Kind.TIMESTAMP in known else known.pop()


def _comparison(kinds: Sequence[MaybeKind]) -> MaybeKind:
    common_kind(kinds)
    return Kind.BOOLEAN


def _rounding(kinds: Sequence[MaybeKind]) -> MaybeKind:
    _need(kinds, NUMBERS)
    return common_kind(kinds) or Kind.FLOAT


def _moved(kinds: Sequence[MaybeKind]) -> MaybeKind:
    """date_add(a, steps, unit): a date stays one."""
    _need(kinds[:1], CALENDAR)
    _need(kinds[1:2], NUMBERS)
    _need(kinds[2:], TEXT)
    return kinds[0] or Kind.DATE


def _padded(kinds: Sequence[MaybeKind]) -> MaybeKind:
    """A text, a number, and a text."""
    _need(kinds[:1], TEXT)
    _need(kinds[1:2], NUMBERS)
    _need(kinds[2:], TEXT)
    return Kind.STRING


def _split(kinds: Sequence[MaybeKind]) -> MaybeKind:
    """Two texts and a number."""
    _need(kinds[:2], TEXT)
    _need(kinds[2:], NUMBERS)
    return Kind.STRING


def _case(kinds: Sequence[MaybeKind]) -> MaybeKind:
    _need(kinds[:-1:2], TRUTH)
    return common_kind([*kinds[1::2], kinds[-1]])


_EVERY: Final = frozenset(Kind)
_SCALARS: Final = NUMBERS | TEXT | TRUTH
_ARITHMETIC: Final = (
    *("add", "subtract", "multiply", "divide", "mod", "negate", "abs", "sqrt", "exp", "ln", "log2", "log10"),
    *("power", "sin", "cos", "tan", "atan", "atan2", "radians", "degrees"),
)
_DATE_PARTS: Final = (
    *("year", "quarter", "month", "week", "day", "dayofweek", "isodow", "dayofyear"),
    *("hour", "minute", "second"),
)
_RULES: Final[dict[str, _Rule]] = {
    **dict.fromkeys(_ARITHMETIC, _always(NUMBERS, Kind.FLOAT)),
    **dict.fromkeys(("floor", "ceil", "trunc", "round"), _rounding),
    **dict.fromkeys(("sign", "width_bucket"), _always(NUMBERS, Kind.INTEGER)),
    **dict.fromkeys(("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"), _comparison),
    **dict.fromkeys(("and", "or", "not"), _always(TRUTH, Kind.BOOLEAN)),
    "is_null": _always(_EVERY, Kind.BOOLEAN),
    "in": _comparison,
    **dict.fromkeys(("coalesce", "greatest", "least"), common_kind),
    "case": _case,
    "to_integer": _always(_SCALARS, Kind.INTEGER),
    "to_float": _always(_SCALARS, Kind.FLOAT),
    "to_string": _always(_EVERY, Kind.STRING),
    "to_date": _always(CALENDAR | TEXT, Kind.DATE),
    "to_boolean": _always(_SCALARS, Kind.BOOLEAN),
    **dict.fromkeys(("lower", "upper", "reverse", "concat", "replace"), _always(TEXT, Kind.STRING)),
    **dict.fromkeys(("trim", "ltrim", "rtrim"), _always(TEXT, Kind.STRING)),
    **dict.fromkeys(("like", "starts_with", "ends_with", "contains"), _always(TEXT, Kind.BOOLEAN)),
    **dict.fromkeys(("length", "position"), _always(TEXT, Kind.INTEGER)),
    **dict.fromkeys(("substring", "right"), _first_and_rest(TEXT, NUMBERS, Kind.STRING)),
    "split_part": _split,
    **dict.fromkeys(("lpad", "rpad"), _padded),
    **dict.fromkeys(_DATE_PARTS, _always(CALENDAR, Kind.INTEGER)),
    "date_trunc": _first_and_rest(TEXT, CALENDAR, Kind.DATE),
    "date_diff": _first_and_rest(TEXT, CALENDAR, Kind.INTEGER),
    "date_add": _moved,
    "last_day": _always(CALENDAR, Kind.DATE),
    "make_date": _always(NUMBERS, Kind.DATE),
}


def result_kind(operation: str, kinds: Sequence[MaybeKind]) -> MaybeKind:
    """Return the kind of *operation* on arguments of *kinds*; raise `KindMismatchError` if it has none."""
    try:
        return _RULES[operation](kinds)
    except KindMismatchError:
        raise KindMismatchError(operation, kinds) from None


def scalar_kind(value: Scalar) -> MaybeKind:
    """Return the kind of a literal, None for null."""
    if value is None:
        return None
    kinds = {
        "bool": Kind.BOOLEAN,
        "int": Kind.INTEGER,
        "float": Kind.FLOAT,
        "str": Kind.STRING,
        "date": Kind.DATE,
        "datetime": Kind.TIMESTAMP,
    }
    return kinds[type(value).__name__]


def kind_of(expression: Expression, fields: Mapping[str, Field]) -> MaybeKind:
    """Return the kind of *expression* over columns declared in *fields*.

    Raises `KindMismatchError` if the kinds do not fit, `KeyError` for an unknown column.
    """
    match expression:
        case Column(name):
            return fields[name].kind
        case Literal(value):
            return scalar_kind(value)
        case Call(operation, arguments):
            return result_kind(operation, [kind_of(item, fields) for item in arguments])
