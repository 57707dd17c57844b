"""Interval arithmetic over released values: from intervals of inputs to that of an output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
            numeric = isinstance(value, int | float) and not isinstance(value, bool)
            return (float(value), float(value)) if numeric else None  # type: ignore[arg-type]
        case Call(operation, arguments):
            rule = _RULES.get(operation)
            parts = [propagate(item, known) for item in arguments]
            if rule is None or any(part is None for part in parts):
                return None
            found = rule(*parts)
            return found if found and isfinite(found[0]) and isfinite(found[1]) else None


def _corners(a: Interval, b: Interval, combine: Callable[[float, float], float]) -> Interval:
    values = [combine(x, y) for x in a for y in b]
    return min(values), max(values)


def _divide(a: Interval, b: Interval) -> Interval | None:
    return None if b[0] <= 0 <= b[1] else _corners(a, b, lambda x, y: x / y)


def _abs(a: Interval) -> Interval:
    low = 0.0 if a[0] <= 0 <= a[1] else min(abs(a[0]), abs(a[1]))
    return low, max(abs(a[0]), abs(a[1]))


def _monotone(function: Callable[[float], float]) -> Callable[[Interval], Interval]:
    return lambda a: (float(function(a[0])), float(function(a[1])))


def _half_away(value: float) -> float:
    return floor(value + 0.5) if value >= 0 else ceil(value - 0.5)


_RULES: Final[dict[str, Callable[..., Interval | None]]] = {
    "add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "subtract": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "multiply": lambda a, b: _corners(a, b, lambda x, y: x * y),
    "divide": _divide,
    "negate": lambda a: (-a[1], -a[0]),
    "abs": _abs,
    "floor": _monotone(floor),
    "ceil": _monotone(ceil),
    "round": _monotone(_half_away),
    "to_float": lambda a: a,
    "to_integer": _monotone(round),
}
