"""Ranges of roots, powers, logarithms and angles, and the rule of every numeric operation.

Their ends are computed in float64 and rounded outward: the C library's functions are off by less than two
steps, and an end that is no float64 is first moved to the next one outside.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import ceil, floor, inf
from typing import Final

from jobs.ranges import (
    ANY,
    LARGEST,
    End,
    Span,
    absolute,
    add,
    divide,
    ends,
    half_away,
    mod,
    multiply,
    negate,
    point,
    sign,
    spanned,
    stepped,
    subtract,
)

_MAX_EXPONENT: Final = 64


def increasing(function: Callable[[float], float]) -> Callable[[Span], Span]:
    """Return the rule of a function of a float that nowhere falls."""

    def apply(a: Span) -> Span:
        low, high = ends(a)
        return spanned([_outward(function, low, -inf), _outward(function, high, inf)])

    return apply


def _outward(function: Callable[[float], float], end: End, direction: float) -> End:
    try:
        found = function(_beside(end, direction))
    except (OverflowError, ValueError):
        return direction
    return _widened(found, direction)


def _beside(end: End, direction: float) -> float:
    """The float64 at *end*, or next to it in *direction*."""
    value = float(end)
    return value if math.isinf(value) or Fraction(value) == end else math.nextafter(value, direction)


def _widened(found: float, direction: float) -> End:
    """A computed end, moved by what the C library's functions may be off (less than two steps)."""
    if math.isinf(found) or abs(found) > LARGEST:
        return direction
    if found.is_integer():
        return Fraction(found)
    return Fraction(math.nextafter(math.nextafter(found, direction), direction))


def root(a: Span) -> Span:
    """Return the span of square roots; of negative numbers there is none."""
    return increasing(math.sqrt)(_from_zero(a))


def _from_zero(a: Span) -> Span:
    zero = Fraction(0)
    low = zero if a.low is None else max(a.low, zero)
    return Span(low, None if a.high is None else max(a.high, zero))


def logarithm(function: Callable[[float], float]) -> Callable[[Span], Span]:
    """Return the rule of a logarithm; of numbers that are not positive there is none."""

    def apply(a: Span) -> Span:
        if a.high is not None and a.high <= 0:
            return ANY
        smallest = a.low if a.low is not None and a.low > 0 else a.grid if a.lattice else None
        bounded = increasing(function)(Span(smallest, a.high))
        return bounded if smallest is not None else Span(None, bounded.high)

    return apply


def power(a: Span, b: Span) -> Span:
    """Return the span of powers."""
    if b.low is not None and b.low == b.high:
        if b.low.denominator == 1 and 0 <= b.low <= _MAX_EXPONENT:
            return _whole_power(a, int(b.low))
        if b.low.denominator != 1:
            a = _from_zero(a)  # of negative numbers there is none
    if a.low is None or a.low < 0:
        return ANY
    if None in (a.high, b.low, b.high) or (a.low == 0 and (b.low or 0) < 0):
        return Span(Fraction(0))
    corners = [_power_end(x, y, side) for x in ends(a) for y in ends(b) for side in (-inf, inf)]
    return spanned([max(corner, Fraction(0)) for corner in corners])


def _whole_power(a: Span, exponent: int) -> Span:
    if exponent == 0:
        return point(Fraction(1))
    base = absolute(a) if exponent % 2 == 0 else a
    corners = [end**exponent if isinstance(end, Fraction) else end for end in ends(base)]
    return spanned(corners, None if a.grid is None else a.grid**exponent, lattice=a.held)


def _power_end(base: End, exponent: End, direction: float) -> End:
    near = list(product(_sides(base), _sides(exponent)))
    try:
        found = [math.pow(x, y) for x, y in near]
    except (OverflowError, ValueError):
        return direction
    return _widened(max(found) if direction > 0 else min(found), direction)


def _sides(end: End) -> tuple[float, float]:
    return _beside(end, -inf), _beside(end, inf)


def scaled(factor: float) -> Callable[[Span], Span]:
    """Return the rule of a product with a constant."""
    return lambda a: multiply(Span(a.low, a.high), Span(Fraction(factor), Fraction(factor)))


_RIGHT_ANGLE: Final = Fraction(math.nextafter(math.pi / 2, 2))

RULES: Final[dict[str, Callable[..., Span]]] = {
    "add": add,
    "subtract": subtract,
    "multiply": multiply,
    "divide": divide,
    "mod": mod,
    "negate": negate,
    "abs": absolute,
    "sign": sign,
    "floor": stepped(floor),
    "ceil": stepped(ceil),
    "trunc": stepped(int),
    "round": stepped(half_away),
    "to_integer": stepped(round),
    "to_float": lambda a: a,
    "sqrt": root,
    "exp": increasing(math.exp),
    "ln": logarithm(math.log),
    "log2": logarithm(math.log2),
    "log10": logarithm(math.log10),
    "power": power,
    "sin": lambda a: Span(Fraction(-1), Fraction(1)),
    "cos": lambda a: Span(Fraction(-1), Fraction(1)),
    "tan": lambda a: ANY,
    "atan": increasing(math.atan),
    "atan2": lambda a, b: Span(-2 * _RIGHT_ANGLE, 2 * _RIGHT_ANGLE),
    "radians": scaled(math.pi / 180),
    "degrees": scaled(180 / math.pi),
}
