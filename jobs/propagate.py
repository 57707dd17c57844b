"""Interval arithmetic over released values: from intervals of inputs to that of an output.

The interval of an expression holds its value for all inputs in theirs, where that value is not null.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from math import ceil, floor, isfinite
from typing import Final

from jobs.expressions import Call, Column, Expression, Literal

Interval = tuple[float, float]


def propagate(expression: Expression, known: Mapping[str, Interval | None]) -> Interval | None:
    """Return the interval of *expression* given those of its columns, None where there is no finite one."""
    match expression:
        case Column(name):
            return known.get(name)
        case Literal(value):
            return point(value)
        case Call("case", arguments):
            return _hull([*arguments[1:-1:2], arguments[-1]], known)
        case Call("coalesce", arguments):
            return _hull(arguments, known)
        case Call(operation, arguments):
            return _applied(operation, [propagate(item, known) for item in arguments])


def point(value: object) -> Interval | None:
    """Return the interval of a number known exactly; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value), float(value)
    except OverflowError:
        return None


def _applied(operation: str, parts: list[Interval | None]) -> Interval | None:
    rule = _RULES.get(operation)
    if rule is None or any(part is None for part in parts):
        return None
    try:
        found = rule(*parts)
    except OverflowError:
        return None
    return found if found and isfinite(found[0]) and isfinite(found[1]) else None


def _hull(items: Sequence[Expression], known: Mapping[str, Interval | None]) -> Interval | None:
    """Whichever of *items* is taken; a null has no value to hold."""
    taken = [item for item in items if item != Literal(None)]
    parts = [propagate(item, known) for item in taken]
    found = [part for part in parts if part is not None]
    if not found or len(found) < len(parts):
        return None
    return min(part[0] for part in found), max(part[1] for part in found)


def _corners(a: Interval, b: Interval, combine: Callable[[float, float], float]) -> Interval:
    values = [combine(x, y) for x in a for y in b]
    return min(values), max(values)


def _divide(a: Interval, b: Interval) -> Interval | None:
    return None if b[0] <= 0 <= b[1] else _corners(a, b, lambda x, y: x / y)


def _modulo(a: Interval, b: Interval) -> Interval:
    """The remainder has the sign of a and is smaller than b; inside one period it is a itself."""
    if b[0] == b[1] != 0 and math.trunc(a[0] / b[0]) == math.trunc(a[1] / b[0]) and a[0] * a[1] >= 0:
        return math.fmod(a[0], b[0]), math.fmod(a[1], b[0])
    most = max(abs(b[0]), abs(b[1]))
    return max(min(a[0], 0.0), -most), min(max(a[1], 0.0), most)


def _power(a: Interval, b: Interval) -> Interval | None:
    if a[0] > 0 or (a[0] == 0 and b[0] > 0):
        return _corners(a, b, math.pow)  # monotone in each, the other held
    if b[0] != b[1] or b[0] < 0 or b[0] % 1:
        return None
    found = _corners(a, b, math.pow)
    return (0.0, found[1]) if b[0] and b[0] % 2 == 0 and a[1] >= 0 else found


def _abs(a: Interval) -> Interval:
    low = 0.0 if a[0] <= 0 <= a[1] else min(abs(a[0]), abs(a[1]))
    return low, max(abs(a[0]), abs(a[1]))


def _monotone(function: Callable[[float], float]) -> Callable[[Interval], Interval]:
    return lambda a: (float(function(a[0])), float(function(a[1])))


def _sqrt(a: Interval) -> Interval | None:
    return None if a[1] < 0 else (math.sqrt(max(a[0], 0.0)), math.sqrt(a[1]))


def _logarithm(function: Callable[[float], float]) -> Callable[[Interval], Interval | None]:
    return lambda a: None if a[0] <= 0 else (function(a[0]), function(a[1]))


def _wave(function: Callable[[float], float], peak: float) -> Callable[[Interval], Interval]:
    """A sine that is 1 at *peak* + 2πk and -1 half a turn later."""

    def turns(a: Interval, place: float) -> bool:
        return floor((a[1] - place) / math.tau) >= ceil((a[0] - place) / math.tau)

    def apply(a: Interval) -> Interval:
        ends = function(a[0]), function(a[1])
        low = -1.0 if turns(a, peak + math.pi) else min(ends)
        return low, 1.0 if turns(a, peak) else max(ends)

    return apply


def _tan(a: Interval) -> Interval | None:
    branch = [floor(end / math.pi + 0.5) for end in a]
    return (math.tan(a[0]), math.tan(a[1])) if branch[0] == branch[1] else None


def _atan2(y: Interval, x: Interval) -> Interval:
    return _corners(y, x, math.atan2) if x[0] > 0 else (-math.pi, math.pi)


def _half_away(value: float) -> float:
    return floor(value + 0.5) if value >= 0 else ceil(value - 0.5)


def _sign(value: float) -> float:
    return (value > 0) - (value < 0)


_RULES: Final[dict[str, Callable[..., Interval | None]]] = {
    "add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "subtract": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "multiply": lambda a, b: _corners(a, b, lambda x, y: x * y),
    "divide": _divide,
    "mod": _modulo,
    "power": _power,
    "negate": lambda a: (-a[1], -a[0]),
    "abs": _abs,
    "sign": _monotone(_sign),
    "floor": _monotone(floor),
    "ceil": _monotone(ceil),
    "round": _monotone(_half_away),
    "trunc": _monotone(math.trunc),
    "to_float": lambda a: a,
    "to_integer": _monotone(round),
    "least": lambda *parts: (min(part[0] for part in parts), min(part[1] for part in parts)),
    "greatest": lambda *parts: (max(part[0] for part in parts), max(part[1] for part in parts)),
    "sqrt": _sqrt,
    "exp": _monotone(math.exp),
    "ln": _logarithm(math.log),
    "log10": _logarithm(math.log10),
    "log2": _logarithm(math.log2),
    "sin": _wave(math.sin, math.pi / 2),
    "cos": _wave(math.cos, 0.0),
    "tan": _tan,
    "atan": _monotone(math.atan),
    "atan2": _atan2,
    "radians": _monotone(math.radians),
    "degrees": _monotone(math.degrees),
}
